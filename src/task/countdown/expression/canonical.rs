//! One canonical form for all expressions that differ only in order or grouping.

use std::fmt;

use crate::task::countdown::attempt::Op;

/// An expression with its sums and products flattened and sorted, and its minus signs moved outwards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Canonical {
    negative: bool,
    node: Node,
}

/// Terms and factors are written in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Node {
    Number(i64),
    /// Factors above and below the line; none is a product or negative, and at least one is above.
    Product(Vec<Node>, Vec<Node>),
    /// Terms added and subtracted; none is a sum or negative, and at least one is added.
    Sum(Vec<Node>, Vec<Node>),
}

impl Canonical {
    /// A non-negative number.
    pub fn number(magnitude: i64) -> Self {
        Self { negative: false, node: Node::Number(magnitude) }
    }

    /// `-self`. A difference is reversed instead: `-(a - b)` is `b - a`.
    pub(crate) fn negate(self) -> Self {
        match self.node {
            Node::Sum(plus, minus) if !minus.is_empty() => {
                Self { negative: self.negative, node: Node::Sum(minus, plus) }
            }
            node => Self { negative: !self.negative, node },
        }
    }

    /// `left op right`.
    pub(crate) fn combine(left: Self, op: Op, right: Self) -> Self {
        match op {
            Op::Add => Self::sum(left, right),
            Op::Sub => Self::sum(left, right.negate()),
            Op::Mul => Self::product(left, right, false),
            Op::Div => Self::product(left, right, true),
        }
    }

    fn sum(left: Self, right: Self) -> Self {
        let (mut plus, mut minus) = left.into_terms();
        let (added, subtracted) = right.into_terms();
        plus.extend(added);
        minus.extend(subtracted);
        plus.sort_unstable();
        minus.sort_unstable();
        if plus.is_empty() {
            Self { negative: true, node: Node::Sum(minus, plus) }
        } else {
            Self { negative: false, node: Node::Sum(plus, minus) }
        }
    }

    fn product(left: Self, right: Self, inverted: bool) -> Self {
        let negative = left.negative != right.negative;
        let (mut above, mut below) = left.node.into_factors();
        let (times, over) = right.node.into_factors();
        let (times, over) = if inverted { (over, times) } else { (times, over) };
        above.extend(times);
        below.extend(over);
        above.sort_unstable();
        below.sort_unstable();
        Self { negative, node: Node::Product(above, below) }
    }

    fn into_terms(self) -> (Vec<Node>, Vec<Node>) {
        let (plus, minus) = match self.node {
            Node::Sum(plus, minus) => (plus, minus),
            node => (vec![node], Vec::new()),
        };
        if self.negative { (minus, plus) } else { (plus, minus) }
    }
}

impl Node {
    fn into_factors(self) -> (Vec<Node>, Vec<Node>) {
        match self {
            Node::Product(above, below) => (above, below),
            node => (vec![node], Vec::new()),
        }
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.negative, &self.node) {
            (false, node) => node.fmt(f),
            (true, node @ Node::Number(_)) => write!(f, "-{node}"),
            (true, node) => write!(f, "-({node})"),
        }
    }
}

/// Recursion is bounded: nesting is at most as deep as there are numbers.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second, between) = match self {
            Node::Number(magnitude) => return write!(f, "{magnitude}"),
            Node::Product(above, below) => (above, below, ["*", "/"]),
            Node::Sum(plus, minus) => (plus, minus, ["+", "-"]),
        };
        let parts = first.iter().map(|part| (between[0], part));
        for (index, (symbol, part)) in parts.chain(second.iter().map(|part| (between[1], part))).enumerate() {
            if index > 0 {
                write!(f, " {symbol} ")?;
            }
            match (self, part) {
                (Node::Product(..), Node::Sum(..)) => write!(f, "({part})")?,
                _ => part.fmt(f)?,
            }
        }
        Ok(())
    }
}
