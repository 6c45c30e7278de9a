//! Reads formulas such as `4 * 16 = 64`, each side without recursion and in one pass.

use super::{
    exact::{Exact, Operator},
    lexer::{Token, TokenKind},
    shape::Shape,
};

/// A piece of an expression in postfix order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Number(Option<Exact>),
    Apply(Operator),
    Negate,
}

/// One side of a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    items: Vec<Item>,
    operators: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Expression {
    /// Whether it calculates anything, rather than being a bare number.
    pub(crate) fn calculates(&self) -> bool {
        self.operators > 0
    }

    /// A bare number at byte `at`.
    pub fn number(value: Exact, at: usize) -> Self {
        Self { items: vec![Item::Number(Some(value))], operators: 0, start: at, end: at }
    }

    /// Its numbers from left to right; `None` stands for one too long to hold exactly.
    pub fn numbers(&self) -> impl Iterator<Item = Option<Exact>> {
        self.items.iter().filter_map(|item| match item {
            Item::Number(value) => Some(*value),
            _ => None,
        })
    }

    /// Its value; `None` for a division by zero or anything too large to hold exactly.
    pub fn value(&self) -> Option<Exact> {
        self.fold(
            |value| value,
            |operator, left, right| left?.apply(operator, right?),
            |value| Some(value?.negate()),
        )
        .flatten()
    }

    /// Its shape as written: every number stands for itself.
    pub(crate) fn plain_shape(&self) -> Shape {
        self.fold(Shape::number, Shape::combine, Shape::negate).unwrap_or(Shape::number(None))
    }

    /// Evaluates the expression in any algebra. `number` sees the numbers from left to right.
    pub fn fold<T>(
        &self,
        mut number: impl FnMut(Option<Exact>) -> T,
        mut apply: impl FnMut(Operator, T, T) -> T,
        mut negate: impl FnMut(T) -> T,
    ) -> Option<T> {
        let mut stack = Vec::new();
        for item in &self.items {
            let result = match item {
                Item::Number(value) => number(*value),
                Item::Apply(operator) => {
                    let right = stack.pop()?;
                    apply(*operator, stack.pop()?, right)
                }
                Item::Negate => negate(stack.pop()?),
            };
            stack.push(result);
        }
        stack.pop()
    }
}

/// A sequence of numbers, operators, parentheses and equals signs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Formula {
    /// The expressions between the equals signs; at least one.
    pub sides: Vec<Expression>,
    /// Its length in tokens.
    pub tokens: usize,
    /// Whether it breaks off after an operator, after an equals sign or inside parentheses.
    pub unfinished: bool,
}

impl Formula {
    /// Reads the formula that begins at token `at`; `None` if none begins there.
    ///
    /// It ends at the first token that cannot continue it. A side that breaks off is left out. A parenthesis
    /// that is still open at an equals sign is closed there.
    pub fn read(text: &str, tokens: &[Token], at: usize) -> Option<Self> {
        // Words may refer to a number before the formula; that does not extend the formula backwards.
        let floor = at.checked_sub(1).and_then(|before| tokens.get(before)).map_or(0, |before| before.end);
        let mut side = SideReader { floor, ..SideReader::default() };
        let mut sides = Vec::new();
        let mut next = at;
        while let Some(token) = tokens.get(next) {
            let taken = match token.kind {
                TokenKind::Equals if side.complete() => {
                    sides.extend(side.finish());
                    true
                }
                _ => side.take(text, token, sides.is_empty()),
            };
            if !taken {
                break;
            }
            next += 1;
        }
        if next == at {
            return None;
        }
        let unfinished = !side.complete() || side.open > 0;
        sides.extend(side.finish());
        Some(Self { sides, tokens: next - at, unfinished })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Pending {
    Open,
    Apply(Operator),
    Negate,
}

impl Pending {
    fn precedence(self) -> u8 {
        match self {
            Pending::Open => 0,
            Pending::Apply(Operator::Add | Operator::Subtract) => 1,
            Pending::Apply(Operator::Multiply | Operator::Divide) => 2,
            Pending::Negate => 3,
        }
    }
}

/// The shunting-yard algorithm over one side.
#[derive(Default)]
struct SideReader {
    items: Vec<Item>,
    pending: Vec<Pending>,
    operators: usize,
    open: usize,
    has_operand: bool,
    start: usize,
    end: usize,
    /// Earliest byte at which the formula may begin.
    floor: usize,
}

impl SideReader {
    /// Whether the tokens so far form a complete expression.
    fn complete(&self) -> bool {
        self.has_operand
    }

    /// Consumes the token if it can continue the side.
    fn take(&mut self, text: &str, token: &Token, left_side: bool) -> bool {
        let empty = self.items.is_empty() && self.pending.is_empty();
        match (token.kind, self.has_operand) {
            (TokenKind::Number, false) => {
                let magnitude = Exact::parse(&text[token.start..token.end]);
                // The sign belongs to the number, so that a result `-12` is recognised in `-12 + 1`.
                let value = match self.pending.pop_if(|top| *top == Pending::Negate) {
                    Some(_) => magnitude.map(Exact::negate),
                    None => magnitude,
                };
                self.items.push(Item::Number(value));
                self.has_operand = true;
            }
            (TokenKind::Open, false) => {
                self.pending.push(Pending::Open);
                self.open += 1;
            }
            // At the very start, a detached minus is a bullet or a dash, not a sign.
            (TokenKind::Operator(Operator::Subtract, touches), false) if touches || !empty || !left_side => {
                self.pending.push(Pending::Negate);
            }
            (TokenKind::Close, true) if self.open > 0 => {
                self.reduce(1);
                self.pending.pop();
                self.open -= 1;
            }
            (TokenKind::Operator(operator, _), true) => {
                let apply = Pending::Apply(operator);
                self.reduce(apply.precedence());
                self.pending.push(apply);
                self.operators += 1;
                self.has_operand = false;
            }
            _ => return false,
        }
        // Words may name the operands in another order: `subtract 1 from 20`.
        let (start, end) = (token.start.max(self.floor), token.end.max(self.floor));
        self.start = if empty { start } else { self.start.min(start) };
        self.end = if empty { end } else { self.end.max(end) };
        true
    }

    /// Emits the operators that bind at least as tightly as `precedence`, back to an open parenthesis.
    fn reduce(&mut self, precedence: u8) {
        while let Some(top) = self.pending.pop_if(|top| top.precedence() >= precedence) {
            match top {
                Pending::Apply(operator) => self.items.push(Item::Apply(operator)),
                Pending::Negate => self.items.push(Item::Negate),
                Pending::Open => {}
            }
        }
    }

    /// Returns the expression read so far and resets the reader.
    fn finish(&mut self) -> Option<Expression> {
        self.reduce(0);
        let fresh = Self { floor: self.floor, ..Self::default() };
        let done = std::mem::replace(self, fresh);
        done.has_operand.then_some(Expression {
            items: done.items,
            operators: done.operators,
            start: done.start,
            end: done.end,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{super::lexer::tokenize, *};

    fn values(text: &str) -> (Vec<Option<(i64, i64)>>, usize, bool) {
        let formula = Formula::read(text, &tokenize(text), 0).unwrap();
        let values = formula.sides.iter().map(|side| side.value().map(Exact::parts)).collect();
        (values, formula.tokens, formula.unfinished)
    }

    #[test]
    fn both_sides_are_worked_out_with_the_usual_precedence() {
        assert_eq!(values("2 + 3 * 4 = 14 ."), (vec![Some((14, 1)), Some((14, 1))], 7, false));
        assert_eq!(values("( 2 + 3 ) * 4 / 3"), (vec![Some((20, 3))], 9, false));
        assert_eq!(values("10 - 4 - 3 × −2 ÷ 3"), (vec![Some((8, 1))], 10, false));
        assert_eq!(values("-(2 + 3) = - 5"), (vec![Some((-5, 1)), Some((-5, 1))], 9, false));
        assert_eq!(values("1 / 0 = 7.5"), (vec![None, Some((15, 2))], 5, false));
    }

    #[test]
    fn broken_formulas_end_where_they_break() {
        assert_eq!(values("4 * 16 64 = 3"), (vec![Some((64, 1))], 3, false));
        assert_eq!(values("4 * = 64"), (vec![], 2, true));
        assert_eq!(values("4 * 16 ="), (vec![Some((64, 1))], 4, true));
        assert_eq!(values("( 4 * 16 = 64 ) ."), (vec![Some((64, 1)), Some((64, 1))], 6, false));
        assert_eq!(values("2 * ( 3 + 4 = 14"), (vec![Some((14, 1)), Some((14, 1))], 8, false));
        assert_eq!(values("2 * ( 3"), (vec![Some((6, 1))], 4, true));
        assert_eq!(values("4 16"), (vec![Some((4, 1))], 1, false));
        for none in ["", "+ 3", "- 3", ") 3", "= 3", "word"] {
            assert_eq!(Formula::read(none, &tokenize(none), 0), None, "{none}");
        }
    }
}
