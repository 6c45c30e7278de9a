//! Whole steps in words: `multiply 25 and 3 to get 75`, `adding that to 48 gives me 67`, `plus 1 is 19`.

use super::{
    Pass,
    words::{ARTICLES, CLOSE_LINKS, DENIALS, LEADS, LINKS, NOUNS, PLANS, PRONOUNS, RESULTS, TRAILS, VERBS},
};
use crate::reasoning::{
    exact::{Exact, Operator},
    lexer::{Token, TokenKind},
};

/// Longest step in words, in tokens.
const REACH: usize = 40;

/// A calculation told in words: the tokens of its formula and its value.
#[derive(Debug, Clone)]
struct Told {
    tokens: Vec<Token>,
    value: Option<Exact>,
}

impl Told {
    /// `left operator right`. Its operator and parentheses are placed at `place`.
    fn combine(operator: Operator, left: Self, right: Self, place: Token) -> Self {
        let value = left.value.zip(right.value).and_then(|(left, right)| left.apply(operator, right));
        let mut tokens = left.enclosed(place);
        tokens.push(Token { kind: TokenKind::Operator(operator, false), ..place });
        tokens.extend(right.enclosed(place));
        Self { tokens, value }
    }

    fn enclosed(self, place: Token) -> Vec<Token> {
        if self.tokens.len() == 1 {
            return self.tokens;
        }
        let bracket = |kind| Token { kind, start: place.start, end: place.start };
        let inside = self.tokens.into_iter();
        [bracket(TokenKind::Open)].into_iter().chain(inside).chain([bracket(TokenKind::Close)]).collect()
    }
}

/// A step told in words, with its result.
struct Step {
    told: Told,
    link: usize,
    result: usize,
    /// Its first operand is implied: the current result.
    recalls: bool,
}

impl Step {
    fn is_right(&self, pass: &Pass) -> bool {
        self.told.value.is_some() && self.told.value == Exact::parse(pass.slice(self.result))
    }
}

impl Pass<'_> {
    /// Consumes a step in words that begins here. Returns whether there was one.
    pub(super) fn spoken_step(&mut self) -> bool {
        let word = self.slice(self.at);
        let begins = |list: &[(&str, Operator)]| list.iter().any(|(name, _)| word.eq_ignore_ascii_case(name));
        if !(begins(VERBS) || begins(NOUNS)) || self.said_before(3, DENIALS) {
            return false;
        }
        let end = self.tokens.len().min(self.at + REACH);
        let near: Vec<usize> = (self.at..end).filter(|index| !self.is_mark(*index)).collect();
        let tell = |in_hand: Option<Token>| {
            let in_hand = in_hand.map(|token| self.number(token));
            Telling { pass: self, near: &near, next: 0, place: self.tokens[self.at], in_hand, recalls: false }
                .step()
        };
        let first = self.held.or(self.last_number);
        let Some(mut step) = tell(first) else { return false };
        if step.recalls && !step.is_right(self) {
            // Of the numbers that may be meant, take the one that makes the step right.
            if let Some(other) = tell(self.last_number).filter(|other| other.is_right(self)) {
                step = other;
            } else if self.said_before(4, PLANS) {
                return false;
            }
        }
        let place = self.tokens[self.at];
        // The current formula ends here.
        self.out.push(Token { kind: TokenKind::Comma, start: place.start, end: place.start });
        self.out.extend(step.told.tokens);
        self.out.push(Token { kind: TokenKind::Equals, ..self.tokens[step.link] });
        let result = self.tokens[step.result];
        self.out.push(result);
        self.last_number = Some(result);
        self.held = Some(result);
        (self.calculates, self.equated, self.operand) = (true, true, true);
        self.at = step.result + 1;
        true
    }

    fn number(&self, token: Token) -> Told {
        let value = self.text.get(token.start..token.end).and_then(Exact::parse);
        Told { tokens: vec![token], value }
    }

    /// Whether one of the `reach` words before this one, in the same clause, is in `list` or, if `list` has
    /// `not`, ends in `n't`.
    fn said_before(&self, reach: usize, list: &[&str]) -> bool {
        let back = (self.at.saturating_sub(reach)..self.at).rev();
        back.take_while(|index| matches!(self.kind(*index), Some(TokenKind::Word(_)))).any(|index| {
            let word = self.slice(index);
            let denies = list.contains(&"not") && (word.ends_with("n't") || word.ends_with("n’t"));
            denies || list.iter().any(|listed| word.eq_ignore_ascii_case(listed))
        })
    }

    /// Number of tokens here that stand for the current result: `that`, `the result`, `this new total`.
    pub(super) fn pronoun(&self, at: usize) -> Option<usize> {
        let is = |index: usize, list: &[&str]| {
            let word = self.slice(index);
            list.iter().any(|listed| word.eq_ignore_ascii_case(listed))
        };
        let mut next = at + usize::from(is(at, PRONOUNS));
        if next == at {
            if !is(at, &["the", "our", "my"]) {
                return None;
            }
            next += 1;
        }
        let articles = (next..next + 2).take_while(|index| is(*index, ARTICLES)).count();
        if is(next + articles, RESULTS) {
            return Some(next + articles + 1 - at);
        }
        (is(at, PRONOUNS) && next == at + 1).then_some(1)
    }
}

/// Walks over the tokens that are not marks.
struct Telling<'a, 'b> {
    pass: &'a Pass<'b>,
    near: &'a [usize],
    next: usize,
    /// Where the step begins.
    place: Token,
    /// What `that` and a missing operand stand for.
    in_hand: Option<Told>,
    recalls: bool,
}

impl Telling<'_, '_> {
    fn index(&self) -> Option<usize> {
        self.near.get(self.next).copied()
    }

    fn kind(&self) -> Option<TokenKind> {
        self.pass.kind(self.index()?)
    }

    fn is(&self, words: &[&str]) -> bool {
        self.index().is_some_and(|index| {
            let written = self.pass.slice(index);
            words.iter().any(|word| written.eq_ignore_ascii_case(word))
        })
    }

    fn word(&mut self, words: &[&str]) -> bool {
        let found = self.is(words);
        self.next += usize::from(found);
        found
    }

    /// Skips any of `words`. Returns whether there were some.
    fn skip(&mut self, words: &[&str]) -> bool {
        let before = self.next;
        while self.word(words) {}
        self.next > before
    }

    fn comma(&mut self) -> bool {
        let found = self.kind() == Some(TokenKind::Comma);
        self.next += usize::from(found);
        found
    }

    /// The operation that the word here names in `list`.
    fn operation(&mut self, list: &[(&'static str, Operator)]) -> Option<Operator> {
        let written = self.pass.slice(self.index()?);
        let (_, operator) = list.iter().find(|(word, _)| written.eq_ignore_ascii_case(word))?;
        self.next += 1;
        Some(*operator)
    }

    /// Reads the whole step: one operation after the other, and their result.
    fn step(mut self) -> Option<Step> {
        let mut told = match self.noun() {
            Some(told) => told,
            None => {
                let taking = self.is(&["take", "taking"]);
                let operator = self.operation(VERBS)?;
                self.verb(operator, taking)?
            }
        };
        while let Some(more) = self.another(&told) {
            told = more;
        }
        let (link, result) = self.result()?;
        let recalls = self.recalls;
        Some(Step { told, link, result, recalls })
    }

    /// Continues the calculation so far: `and then subtract 40`.
    fn another(&mut self, told: &Told) -> Option<Told> {
        let (before, recalls) = (self.next, self.recalls);
        let in_hand = self.in_hand.replace(told.clone());
        let joined = self.comma() | self.skip(&["and", "then", "next", "finally", "now", "before", "by"]);
        let taking = self.is(&["take", "taking"]);
        let more = match joined {
            true => self.operation(VERBS).and_then(|operator| self.verb(operator, taking)),
            false => None,
        };
        // The value told so far becomes the current result for what follows. It is in the formula already, so
        // nothing is recalled.
        self.recalls = recalls;
        if more.is_none() {
            (self.next, self.in_hand) = (before, in_hand);
        }
        more
    }

    /// Reads `the sum of 6 and 13`, from its noun on.
    fn noun(&mut self) -> Option<Told> {
        let before = self.next;
        let told = self.operation(NOUNS).and_then(|operator| {
            let leads = self.word(&["of", "between"]);
            let operands =
                if leads { self.operands(&["and", "by", "from", "with", "to", "minus"]) } else { None };
            match operands?.as_slice() {
                [_] => None,
                // The difference of two numbers is never negative.
                [left, right] if operator == Operator::Subtract && left.value < right.value => {
                    Some(Told::combine(operator, right.clone(), left.clone(), self.place))
                }
                operands => self.combine(operator, operands),
            }
        });
        if told.is_none() {
            self.next = before;
        }
        told
    }

    fn combine(&self, operator: Operator, operands: &[Told]) -> Option<Told> {
        let all = operands.iter().cloned();
        all.reduce(|left, right| Told::combine(operator, left, right, self.place))
    }

    /// Reads an operand: a number or what stands for one.
    fn operand(&mut self) -> Option<Told> {
        let before = self.next;
        let told = self.operand_here();
        if told.is_none() {
            self.next = before;
        }
        told
    }

    fn operand_here(&mut self) -> Option<Told> {
        if let Some(told) = self.recalled() {
            return Some(told);
        }
        self.skip(ARTICLES);
        if let Some(told) = self.noun() {
            return Some(told);
        }
        self.bare_number()
    }

    fn bare_number(&mut self) -> Option<Told> {
        let index = self.index().filter(|index| self.pass.kind(*index) == Some(TokenKind::Number))?;
        self.next += 1;
        // Formulas are read elsewhere.
        if matches!(self.kind(), Some(TokenKind::Operator(..))) {
            return None;
        }
        Some(self.pass.number(self.pass.tokens[index]))
    }

    /// `that`, `the result`, or `that 19`.
    fn recalled(&mut self) -> Option<Told> {
        let length = self.pass.pronoun(self.index()?)?;
        let before = self.next;
        self.next += length;
        if self.is(&["of", "between"]) {
            self.next = before;
            return None;
        }
        let enclosed = self.kind() == Some(TokenKind::Open);
        let named = self.next;
        self.next += usize::from(enclosed);
        if let Some(number) = self.bare_number() {
            self.next += usize::from(enclosed);
            return Some(number);
        }
        let told = self.in_hand.clone();
        self.next = if told.is_some() { named } else { before };
        self.recalls |= told.is_some();
        told
    }

    /// One or more operands separated by one of `joins` or a comma.
    fn operands(&mut self, joins: &[&str]) -> Option<Vec<Told>> {
        let mut operands = vec![self.operand()?];
        let mut closed = false;
        loop {
            let before = self.next;
            let listed = !closed && self.comma();
            let joined = self.word(joins);
            let more = if listed || joined { self.operand() } else { None };
            let Some(more) = more else {
                // `add 4 to get 47`: the join already began the link.
                self.next = before;
                return Some(operands);
            };
            closed |= joined;
            operands.push(more);
        }
    }

    /// Reads what follows a verb. With `taking`, the verb subtracts only if `from` follows.
    fn verb(&mut self, operator: Operator, taking: bool) -> Option<Told> {
        self.skip(&["then", "just", "simply", "up", "together", "now", "again", "away", "everything"]);
        if matches!(operator, Operator::Multiply | Operator::Divide) && self.word(&["by"]) {
            let by = self.operand()?;
            return self.on_what_is_in_hand(operator, &[by]);
        }
        match operator {
            Operator::Add => {
                // `together with 50 that is 96`
                self.word(&["with"]);
                let operands = self.operands(&["and", "to", "with", "plus", "onto"])?;
                self.together_or_on(operator, &operands)
            }
            Operator::Multiply => {
                let operands = self.operands(&["and", "by", "with", "times"])?;
                self.together_or_on(operator, &operands)
            }
            Operator::Subtract => {
                let operands = self.operands(&["and"])?;
                self.skip(&["away"]);
                if self.word(&["from"]) {
                    let from = self.operand()?;
                    let all: Vec<Told> = [from].into_iter().chain(operands).collect();
                    return self.combine(operator, &all);
                }
                if taking { None } else { self.on_what_is_in_hand(operator, &operands) }
            }
            Operator::Divide => {
                let left = self.operand()?;
                let (by, into) = (self.word(&["by"]), self.word(&["into"]));
                let right = if by || into { self.operand()? } else { return None };
                let (left, right) = if into { (right, left) } else { (left, right) };
                Some(Told::combine(operator, left, right, self.place))
            }
        }
    }

    fn together_or_on(&mut self, operator: Operator, operands: &[Told]) -> Option<Told> {
        match operands {
            [one] => self.on_what_is_in_hand(operator, std::slice::from_ref(one)),
            several => self.combine(operator, several),
        }
    }

    fn on_what_is_in_hand(&mut self, operator: Operator, operands: &[Told]) -> Option<Told> {
        self.recalls = true;
        let all: Vec<Told> = self.in_hand.iter().chain(operands).cloned().collect();
        if self.in_hand.is_none() { None } else { self.combine(operator, &all) }
    }

    /// The link and the number it leads to, unless that number is an operand of a formula.
    fn result(&mut self) -> Option<(usize, usize)> {
        let mut link = self.index()?;
        let sign = self.pass.slice(link);
        let pointed =
            matches!(self.kind(), Some(TokenKind::Colon)) || matches!(sign, "→" | "->" | "=>" | "⇒");
        let apart = self.kind() == Some(TokenKind::Stop) && sign == ".";
        self.next += usize::from(pointed || apart || self.kind() == Some(TokenKind::Comma));
        let leads = self.skip(LEADS);
        if apart && !leads {
            return None;
        }
        if self.kind() == Some(TokenKind::Equals) {
            link = self.index()?;
            self.next += 1;
        } else if self.is(LINKS) {
            link = self.index()?;
            if apart && self.is(CLOSE_LINKS) {
                return None;
            }
            self.next += 1;
        } else if !pointed || leads {
            return None;
        }
        let leaves = self.pass.slice(link).starts_with("lea") || self.pass.slice(link).starts_with("ha");
        self.skip(TRAILS);
        if matches!(self.kind(), Some(TokenKind::Equals | TokenKind::Colon)) {
            self.next += 1;
        }
        let result = self.index().filter(|index| self.pass.kind(*index) == Some(TokenKind::Number))?;
        self.next += 1;
        let unused = leaves && self.pass.names_unused(result);
        let calculates = matches!(self.kind(), Some(TokenKind::Operator(..)))
            || self.index().is_some_and(|index| self.pass.calculates_at(index));
        (!calculates && !unused).then_some((link, result))
    }
}
