//! Follows the steps of a transcript from state to state.

use std::{collections::HashSet, ops::Range};

use super::{
    space::Space,
    state::State,
    tree::{Move, Node, NodeId, ROOT, Standing},
};
use crate::{
    reasoning::{
        exact::{Exact, Operator},
        expression::{Expression, Formula},
        lexer, normalize, reader,
    },
    record::NumberPuzzle,
};

/// Further steps are ignored: no honest transcript has so many.
pub const MOST_STEPS: usize = 2_000;

/// The result of a walk.
pub(super) struct Walk {
    pub nodes: Vec<Node>,
    pub visits: Vec<NodeId>,
    pub ends: Vec<NodeId>,
    pub cut: bool,
    /// The nodes of the current attempt, root first.
    path: Vec<NodeId>,
    attempt: usize,
    seen: HashSet<State>,
}

/// Walks through `completion`.
pub(super) fn walk(puzzle: &NumberPuzzle, completion: &str, space: &mut Space) -> Walk {
    let tokens = normalize::normalize(completion, &lexer::tokenize(completion));
    let reading = reader::read(completion, &tokens, &puzzle.numbers, puzzle.target);
    let root = Node {
        parent: None,
        children: Vec::new(),
        step: None,
        state: space.root().clone(),
        standing: Standing::Real,
        alive: space.alive(&space.root().clone()),
        solved: space.solved(space.root()),
        places: Vec::new(),
        attempts: Vec::new(),
        known_before: false,
    };
    let mut walk = Walk {
        seen: HashSet::from([root.state.clone()]),
        nodes: vec![root],
        visits: Vec::new(),
        ends: Vec::new(),
        cut: reading.places.len() > MOST_STEPS,
        path: vec![ROOT],
        attempt: 0,
    };
    let mut begun = None;
    for place in reading.places.iter().take(MOST_STEPS) {
        if begun != Some(place.attempt) {
            walk.begin(place.attempt, begun.is_some(), place.kept);
            begun = Some(place.attempt);
        }
        if let Some(formula) = Formula::read(completion, &tokens, place.token) {
            walk.equation(&formula.sides, space);
        }
    }
    if begun.is_some() {
        walk.ends.push(walk.here());
    }
    walk
}

impl Walk {
    fn here(&self) -> NodeId {
        self.path.last().copied().unwrap_or(ROOT)
    }

    /// Returns to the root, or to the node that had just made the kept result.
    fn begin(&mut self, attempt: usize, another: bool, kept: Option<Exact>) {
        if another {
            self.ends.push(self.here());
        }
        let made = |id: &NodeId| {
            let step = self.nodes[*id].step;
            kept.is_some() && step.is_some_and(|step| step.stated.or(step.value) == kept)
        };
        let length = self.path.iter().rposition(made).map_or(1, |at| at + 1);
        self.path.truncate(length);
        self.attempt = attempt;
    }

    /// `(25 - 7) * 3 = 54`: one move for each operation. Among calculations joined by equals signs, one that
    /// needs numbers no longer available only restates the one before.
    fn equation(&mut self, sides: &[Expression], space: &mut Space) {
        let mut made = false;
        for (at, side) in sides.iter().enumerate() {
            if !side.calculates() {
                continue;
            }
            let numbers: Option<Vec<Exact>> = side.numbers().collect();
            let in_hand = numbers.is_some_and(|numbers| self.nodes[self.here()].state.has(&numbers));
            if made && !in_hand {
                continue;
            }
            let plain = |side: Option<&Expression>| {
                side.filter(|side| !side.calculates()).map(|side| (side.value(), side.start, side.end))
            };
            // `64 = 4 * 16` states its result first.
            let stated =
                plain(sides.get(at + 1)).or_else(|| plain(at.checked_sub(1).and_then(|b| sides.get(b))));
            let (start, end) = match stated {
                Some((_, start, end)) => (side.start.min(start), side.end.max(end)),
                None => (side.start, side.end),
            };
            self.calculation(side, stated.and_then(|(value, ..)| value), start..end, space);
            made = true;
        }
    }

    fn calculation(
        &mut self,
        side: &Expression,
        stated: Option<Exact>,
        place: Range<usize>,
        space: &mut Space,
    ) {
        let operations = std::cell::Cell::new(0_usize);
        // Only the last operation has a stated result.
        let all: usize = side.fold(|_| 0, |_, left, right| left + right + 1, |inner| inner).unwrap_or(0);
        let mut turned = false;
        side.fold(
            |number| (number, false),
            |operator, (left, left_turned), (right, right_turned)| {
                operations.set(operations.get() + 1);
                let (Some(left), Some(right)) = (left, right) else { return (None, false) };
                let stated = stated.filter(|_| operations.get() == all);
                let value = left.apply(operator, right);
                turned |= left_turned || right_turned;
                self.step(Move { left, operator, right, value, stated }, turned, place.clone(), space);
                (value, false)
            },
            |(value, _)| (value.map(Exact::negate), true),
        );
    }

    fn step(&mut self, step: Move, turned: bool, place: Range<usize>, space: &mut Space) {
        let parent = self.here();
        let before = &self.nodes[parent];
        let standing = if before.standing != Standing::Real {
            Standing::AfterWrong
        } else if turned || !before.state.has(&[step.left, step.right]) {
            Standing::NotInHand
        } else if step.value.is_none() || step.stated.is_some_and(|stated| Some(stated) != step.value) {
            Standing::WrongArithmetic
        } else {
            Standing::Real
        };
        // The value on which the text continues.
        let Some(result) = step.stated.or(step.value) else { return };
        let same = |id: &NodeId| {
            let node = &self.nodes[*id];
            node.standing == standing
                && node.step.is_some_and(|other| {
                    same_operation(&other, &step) && other.stated.or(other.value) == Some(result)
                })
        };
        let known = before.children.iter().copied().find(same);
        let id = match known {
            Some(id) => id,
            None => {
                let state = before.state.after(step.left, step.right, result);
                let real = standing == Standing::Real;
                let node = Node {
                    parent: Some(parent),
                    children: Vec::new(),
                    step: Some(step),
                    alive: if real { space.alive(&state) } else { None },
                    solved: real && space.solved(&state),
                    known_before: real && self.seen.contains(&state),
                    state,
                    standing,
                    places: Vec::new(),
                    attempts: Vec::new(),
                };
                self.nodes.push(node);
                let id = self.nodes.len() - 1;
                self.nodes[parent].children.push(id);
                id
            }
        };
        let node = &mut self.nodes[id];
        node.places.push(place);
        if node.attempts.last() != Some(&self.attempt) {
            node.attempts.push(self.attempt);
        }
        if standing == Standing::Real {
            self.seen.insert(node.state.clone());
            self.visits.push(id);
        }
        self.path.push(id);
    }
}

/// Sums and products are the same in either order.
fn same_operation(one: &Move, other: &Move) -> bool {
    let commutes = matches!(one.operator, Operator::Add | Operator::Multiply);
    one.operator == other.operator
        && ((one.left, one.right) == (other.left, other.right)
            || commutes && (one.left, one.right) == (other.right, other.left))
}
