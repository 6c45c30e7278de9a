//! The synthetic corpus of the multiplication base: traces and drills.
//!
//! How much it teaches of the distributive rule and of checking is stated here and in the model card. A
//! *full* trace answers at once with an estimate. A share of the full traces ([`CorpusRules::decomposing`])
//! splits the product instead, and a share ([`CorpusRules::checking`]) checks its result. *Continuation*
//! traces do both much more often, but the loss skips the tokens that decide to: the first token of the
//! thought, and the token after the first result. They teach how to split a product and how to check, not
//! whether to. The full traces alone therefore decide how often the base does either; all traces decide how
//! well.

use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    Multiplication,
    puzzle::Level,
    vocabulary,
    ways::{Part, Way},
};
use crate::task::{
    Split,
    lessons::{Document, Lessons},
    numbers::NumberTask,
};

/// The mixture of the corpus. Shares are of documents unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorpusRules {
    /// Arithmetic drills.
    pub drills: f64,
    /// Continuation traces, whose decisions are not trained.
    pub continuations: f64,
    /// Traces with factors of two digits and one digit instead of two digits each.
    pub one_digit: f64,
    /// Share of full traces that split the product.
    pub decomposing: f64,
    /// Share of full traces that check their first result.
    pub checking: f64,
    /// Share of estimates that are right.
    pub right_estimates: f64,
    /// Share of continuation traces that split the product.
    pub continuations_decomposing: f64,
    /// Share of continuation traces that check.
    pub continuations_checking: f64,
    /// Share of decompositions before a check that contain a slip for the check to find.
    pub slips: f64,
    /// Share of checks that look only at the last digit; the others compute the product in another way.
    pub last_digit: f64,
    /// Probability of confirming a miss as a hit.
    pub wrong_confirmation: f64,
}

impl Default for CorpusRules {
    fn default() -> Self {
        Self {
            drills: 0.25,
            continuations: 0.4,
            one_digit: 0.15,
            decomposing: 0.05,
            checking: 0.03,
            right_estimates: 0.1,
            continuations_decomposing: 0.65,
            continuations_checking: 0.5,
            slips: 0.25,
            last_digit: 0.3,
            wrong_confirmation: 0.015,
        }
    }
}

impl CorpusRules {
    /// The control's corpus: every answer is an estimate; nothing is split or checked.
    pub(crate) fn estimates_only() -> Self {
        Self { continuations: 0.0, decomposing: 0.0, checking: 0.0, ..Self::default() }
    }
}

impl Lessons for CorpusRules {
    fn tokens(&self) -> Vec<String> {
        vocabulary::tokens()
    }

    fn tokenizer_json(&self) -> String {
        vocabulary::tokenizer_json()
    }

    fn numbers(&self) -> Vec<(usize, u32)> {
        vocabulary::digits()
    }

    fn document(&self, rng: &mut ChaCha8Rng) -> Document {
        let kind: f64 = rng.random();
        if kind < self.drills {
            return drill(rng);
        }
        let level = if rng.random_bool(self.one_digit) { "2x1" } else { "2x2" };
        // Both level names are known.
        let Ok(level) = Level::parse(level) else { return Document::default() };
        let task = Multiplication { level };
        let puzzle = task.draw(Split::Train, rng);
        let mut trace = Trace {
            document: Document::default(),
            rules: self,
            a: puzzle.numbers[0],
            b: puzzle.numbers[1],
            continuation: kind < self.drills + self.continuations,
            taken: Vec::new(),
        };
        trace.say(&task.prompt(&puzzle), false);
        trace.write(rng);
        trace.document
    }

    fn updates(&self) -> u64 {
        5000
    }

    fn rules(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn mixed_by(&self, rules: serde_json::Value) -> Result<Box<dyn Lessons>, String> {
        let rules: Self = serde_json::from_value(rules).map_err(|error| format!("{error}."))?;
        Ok(Box::new(rules))
    }
}

const ESTIMATES: [&str; 6] = ["maybe", "i guess", "about", "let me see ,", "", ""];
const RETRIES: [&str; 4] = ["try again :", "let me try another way :", "instead ,", "wait , that is wrong ."];
/// Number of partial facts in a drill.
const FACTS_PER_DRILL: usize = 6;

struct Trace<'a> {
    document: Document,
    rules: &'a CorpusRules,
    a: i64,
    b: i64,
    continuation: bool,
    /// Ways already taken.
    taken: Vec<Way>,
}

impl Trace<'_> {
    fn say(&mut self, text: &str, trained: bool) {
        for token in vocabulary::tokens_of(text) {
            self.document.push(token, trained);
        }
    }

    fn write(&mut self, rng: &mut ChaCha8Rng) {
        let share = |full, continued| if self.continuation { continued } else { full };
        let decomposes = rng.random_bool(share(self.rules.decomposing, self.rules.continuations_decomposing));
        let checks = rng.random_bool(share(self.rules.checking, self.rules.continuations_checking));
        let beginning = self.document.words.len();
        let way = if decomposes { Way::choose(self.a, self.b, &[], rng) } else { None };
        let mut value = match way {
            Some(way) => {
                let slips = self.continuation && checks && rng.random_bool(self.rules.slips);
                let opening = way.opening(self.a, self.b, rng);
                self.say(&opening, true);
                self.compute(way, slips, rng)
            }
            None => self.estimate(rng),
        };
        self.say(".", true);
        let decision = self.document.words.len();
        if checks {
            value = self.check(value, rng);
        }
        self.say("</think>", true);
        self.say(&format!("<answer> {value} </answer>"), true);
        self.document.ends = true;
        if self.continuation {
            // An estimate could stand in place of a decomposition, and an answer in place of a check.
            self.document.trained[beginning] = false;
            self.document.trained[decision] = false;
        }
    }

    /// An estimate of the product: about right, and seldom exact.
    fn estimate(&mut self, rng: &mut ChaCha8Rng) -> i64 {
        let opening = ESTIMATES.choose(rng).copied().unwrap_or_default();
        let product = self.a * self.b;
        let value = if rng.random_bool(self.rules.right_estimates) { product } else { near(product, rng) };
        let (a, b) = (self.a, self.b);
        self.say(&format!("{opening} {a} * {b} = {value}"), true);
        value
    }

    /// Writes the partial products of a way and their sum. A slip is one wrong partial product, which the
    /// loss skips; the computation continues with it.
    fn compute(&mut self, way: Way, slips: bool, rng: &mut ChaCha8Rng) -> i64 {
        self.taken.push(way);
        let (a, b) = (self.a, self.b);
        let parts = way.parts(a, b).unwrap_or_default();
        let slip = if slips { rng.random_range(0..parts.len()) } else { parts.len() };
        let values: Vec<i64> = parts
            .iter()
            .enumerate()
            .map(|(i, part)| if i == slip { near(part.value(), rng) } else { part.value() })
            .collect();
        let signed = |parts: &[String]| join(way, parts);
        if parts.len() == 2 && rng.random_bool(0.3) {
            // All in one line, as on a blackboard.
            let products: Vec<String> = parts.iter().map(|Part { a, b, .. }| format!("{a} * {b}")).collect();
            self.say(&format!("{a} * {b} = {} =", signed(&products)), true);
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    self.say(if parts[i].sign < 0 { "-" } else { "+" }, true);
                }
                self.say(&value.to_string(), i != slip);
            }
            let value: i64 = parts.iter().zip(&values).map(|(part, value)| part.sign * value).sum();
            self.say(&format!("= {value}"), true);
            return value;
        }
        for (i, (Part { a, b, .. }, value)) in parts.iter().zip(&values).enumerate() {
            self.say(&format!("{a} * {b} ="), true);
            self.say(&value.to_string(), i != slip);
            self.say(",", true);
        }
        let mut sum = values[0];
        for (i, (part, value)) in parts.iter().zip(&values).enumerate().skip(1) {
            let next = sum + part.sign * value;
            let operator = if part.sign < 0 { "-" } else { "+" };
            self.say(&format!("{sum} {operator} {value} = {next}"), true);
            if i + 1 < parts.len() {
                self.say(",", true);
            }
            sum = next;
        }
        sum
    }

    /// Checks a value, and then each value that replaces it, until one is confirmed. Returns the last value.
    fn check(&mut self, mut value: i64, rng: &mut ChaCha8Rng) -> i64 {
        let product = self.a * self.b;
        loop {
            let word = if rng.random_bool(0.7) { "check" } else { "verify" };
            let way = Way::choose(self.a, self.b, &self.taken, rng);
            match way {
                Some(way) if !rng.random_bool(self.rules.last_digit) => {
                    self.say(&format!("{word} :"), true);
                    let found = self.compute(way, false, rng);
                    if found == value || rng.random_bool(self.rules.wrong_confirmation) {
                        self.say(", yes .", true);
                        return value;
                    }
                    self.say(&format!(", not {value} ."), true);
                    self.say(&format!("so {found} ."), true);
                    return found;
                }
                _ => {
                    let (x, y) = (self.a % 10, self.b % 10);
                    let ends = x * y % 10;
                    self.say(&format!("{word} : last digit {x} * {y} = {} , ends in {ends} ,", x * y), true);
                    if value % 10 == ends {
                        self.say("yes .", true);
                        // The last digit is not the whole number: in half the cases look again, if there is a
                        // way left.
                        if way.is_none() || rng.random_bool(0.5) {
                            return value;
                        }
                        continue;
                    }
                    self.say(&format!("not {} .", value % 10), true);
                    let retry = RETRIES.choose(rng).copied().unwrap_or_default();
                    self.say(retry, true);
                    let Some(way) = way else {
                        // Every way was taken; repeating the first is as good as any.
                        self.taken.clear();
                        self.say(&format!("{} * {} = {product} .", self.a, self.b), true);
                        return product;
                    };
                    value = self.compute(way, false, rng);
                    self.say(".", true);
                    if rng.random_bool(0.6) {
                        return value;
                    }
                }
            }
        }
    }
}

fn join(way: Way, parts: &[String]) -> String {
    parts.join(if way == Way::RoundSecond { " - " } else { " + " })
}

/// A positive whole number near another one, never equal to it: mostly some tens off, otherwise some hundreds
/// off or wrong in the last digit.
fn near(value: i64, rng: &mut ChaCha8Rng) -> i64 {
    loop {
        let kind: f64 = rng.random();
        let off = match kind {
            _ if kind < 0.6 => 10 * rng.random_range(1..=4),
            _ if kind < 0.75 => 100,
            _ => rng.random_range(1..=5),
        };
        let wrong = if rng.random_bool(0.5) { value + off } else { value - off };
        if wrong > 0 {
            return wrong;
        }
    }
}

/// The kinds of facts that partial products need, with the loss on the results alone.
fn drill(rng: &mut ChaCha8Rng) -> Document {
    let mut document = Document::default();
    let mut say = |text: &str, trained: bool| {
        for token in vocabulary::tokens_of(text) {
            document.push(token, trained);
        }
    };
    let two_digits = |rng: &mut ChaCha8Rng| rng.random_range(11..=99i64);
    for fact in 0..FACTS_PER_DRILL {
        if fact > 0 {
            say(",", false);
        }
        let digit = rng.random_range(1..=9i64);
        let (question, result) = match rng.random_range(0..10) {
            0..=2 => {
                let a = two_digits(rng);
                (format!("{a} * {digit}"), a * digit)
            }
            3 => {
                let a = two_digits(rng);
                (format!("{digit} * {a}"), a * digit)
            }
            4 => {
                let a = two_digits(rng);
                (format!("{a} * {}", 10 * digit), 10 * a * digit)
            }
            5 => {
                let a = two_digits(rng);
                (format!("{} * {a}", 10 * digit), 10 * a * digit)
            }
            6 => {
                let (a, b) = (rng.random_range(1..=9i64), 10 * rng.random_range(1..=9i64));
                (format!("{b} * {}", 10 * a), 10 * a * b)
            }
            7 | 8 => {
                let (a, b) = (10 * two_digits(rng) * digit, two_digits(rng) * rng.random_range(1..=9i64));
                (format!("{a} + {b}"), a + b)
            }
            _ => {
                let (a, b) = (10 * two_digits(rng) * digit, two_digits(rng) * rng.random_range(1..=3i64));
                if b < a { (format!("{a} - {b}"), a - b) } else { (format!("{a} + {b}"), a + b) }
            }
        };
        say(&format!("{question} ="), false);
        say(&result.to_string(), true);
    }
    document
}
