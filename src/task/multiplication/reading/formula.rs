//! Sums of products, and chains of them: `23 * 47 = 23 * 40 + 23 * 7 = 920 + 161 = 1081`.

use super::lexer::{Kind, Token};

/// More terms than any decomposition has; longer sums are not evaluated.
const MOST_TERMS: usize = 64;
/// More factors than any partial product has.
const MOST_FACTORS: usize = 8;
/// Maximum nesting of parentheses.
const DEEPEST: usize = 16;

/// A signed product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Term {
    /// 1 or -1.
    pub sign: i128,
    /// At least one.
    pub factors: Vec<i128>,
}

impl Term {
    /// The same term with the smaller factors first.
    pub fn sorted(&self) -> Self {
        let mut factors = self.factors.clone();
        factors.sort_unstable();
        Self { sign: self.sign, factors }
    }

    /// Its signed value; `None` beyond 128 bits.
    pub fn value(&self) -> Option<i128> {
        self.factors.iter().try_fold(self.sign, |product, factor| product.checked_mul(*factor))
    }
}

/// A sum of products, with parentheses multiplied out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Formula {
    /// The terms, at least one.
    pub terms: Vec<Term>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Formula {
    /// Its value; `None` beyond 128 bits.
    pub fn value(&self) -> Option<i128> {
        value_of(&self.terms)
    }

    /// The number, if the formula is just one number.
    pub fn number(&self) -> Option<i128> {
        match self.terms.as_slice() {
            [Term { sign, factors }] if factors.len() == 1 => Some(sign * factors[0]),
            _ => None,
        }
    }
}

/// The value of a sum.
pub(crate) fn value_of(terms: &[Term]) -> Option<i128> {
    terms.iter().try_fold(0i128, |sum, term| sum.checked_add(term.value()?))
}

/// Reads formulas joined by equals signs from token `at` on. Returns them and the index of the token after
/// them. A single formula is a chain of one.
pub fn chain(tokens: &[Token<'_>], at: usize) -> Option<(Vec<Formula>, usize)> {
    let (first, mut next) = formula(tokens, at, 0)?;
    let mut all = vec![first];
    while tokens.get(next).is_some_and(|token| token.kind == Kind::Equals) {
        let Some((formula, after)) = formula(tokens, next + 1, 0) else { break };
        all.push(formula);
        next = after;
    }
    Some((all, next))
}

fn formula(tokens: &[Token<'_>], at: usize, depth: usize) -> Option<(Formula, usize)> {
    let (mut terms, mut next) = product(tokens, at, depth)?;
    loop {
        let sign = match tokens.get(next).map(|token| token.kind) {
            Some(Kind::Plus) => 1,
            Some(Kind::Minus) => -1,
            _ => break,
        };
        let Some((more, after)) = product(tokens, next + 1, depth) else { break };
        terms.extend(more.into_iter().map(|term| Term { sign: sign * term.sign, ..term }));
        if terms.len() > MOST_TERMS {
            return None;
        }
        next = after;
    }
    Some((Formula { terms, start: tokens[at].start, end: tokens[next - 1].end }, next))
}

fn product(tokens: &[Token<'_>], at: usize, depth: usize) -> Option<(Vec<Term>, usize)> {
    let (mut terms, mut next) = operand(tokens, at, depth)?;
    while tokens.get(next).is_some_and(|token| token.kind == Kind::Times) {
        let Some((others, after)) = operand(tokens, next + 1, depth) else { break };
        let mut multiplied = Vec::with_capacity(terms.len() * others.len());
        for one in &terms {
            for other in &others {
                let factors: Vec<i128> = one.factors.iter().chain(&other.factors).copied().collect();
                multiplied.push(Term { sign: one.sign * other.sign, factors });
            }
        }
        if multiplied.len() > MOST_TERMS || multiplied.iter().any(|term| term.factors.len() > MOST_FACTORS) {
            return None;
        }
        terms = multiplied;
        next = after;
    }
    Some((terms, next))
}

fn operand(tokens: &[Token<'_>], at: usize, depth: usize) -> Option<(Vec<Term>, usize)> {
    match tokens.get(at)?.kind {
        Kind::Number(Some(number)) => Some((vec![Term { sign: 1, factors: vec![number] }], at + 1)),
        Kind::Open if depth < DEEPEST => {
            let (inside, next) = formula(tokens, at + 1, depth + 1)?;
            let closed = tokens.get(next).is_some_and(|token| token.kind == Kind::Close);
            closed.then_some((inside.terms, next + 1))
        }
        _ => None,
    }
}
