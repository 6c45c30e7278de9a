//! The synthetic corpus of the base model: Countdown traces and arithmetic drills.
//!
//! How much checking it teaches is stated here and in the model card. A share of the *full* traces
//! ([`CorpusRules::checking`]) checks the first attempt; the others stop after it. In addition,
//! *continuation* traces ([`CorpusRules::continuations`]) always check, but the loss skips the word that
//! decides to check: they teach how to check and try again, not whether to. The full traces alone therefore
//! decide how often the base model checks; all traces decide how well.

use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    Countdown,
    attempt::{self, Attempt, MAX_VALUE, Op},
    puzzle::Level,
    vocabulary,
};
use crate::task::{
    NumberPuzzle, Split,
    lessons::{Document, Lessons},
    numbers::NumberTask,
};

/// The mixture of the corpus. Shares are of documents unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorpusRules {
    /// Arithmetic drills.
    pub drills: f64,
    /// Continuation traces, whose decision to check is not trained.
    pub continuations: f64,
    /// Traces of four numbers instead of three.
    pub four_numbers: f64,
    /// Traces of two numbers instead of more. Their attempts are single steps, so that they teach which operations two
    /// numbers allow at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub two_numbers: f64,
    /// Share of full traces that check themselves. 0 makes the control, whose corpus contains no checking at
    /// all (it also omits the continuations).
    pub checking: f64,
    /// Share of first attempts that are a known solution.
    pub smart_first: f64,
    /// Share of later attempts that are a known solution.
    pub smart_later: f64,
    /// Share of the remaining later attempts whose last step hits the target if any last step can.
    pub smart_last_step: f64,
    /// Probability of stopping after a stated miss.
    pub give_up: f64,
    /// Probability of confirming a miss as a hit.
    pub wrong_confirmation: f64,
    /// Probability that the next attempt continues from a kept intermediate value.
    pub back_to: f64,
    /// Probability that the next attempt differs from all earlier ones in more than the order of its steps, if
    /// any is left that does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub new_forms: f64,
}

/// Recipes of corpora without a rule do not name it.
fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl CorpusRules {
    /// The mixture for TinyZero's level. Its traces are longer and its numbers larger: more drills, fewer that
    /// give up, and no attempt made twice.
    const TINYZERO: Self = Self {
        drills: 0.2,
        two_numbers: 0.2,
        four_numbers: 0.5,
        give_up: 0.03,
        wrong_confirmation: 0.005,
        back_to: 0.4,
        new_forms: 1.0,
        ..Self::FIRST
    };

    /// The mixture for the first level.
    const FIRST: Self = Self {
        drills: 0.2,
        continuations: 0.4,
        four_numbers: 0.06,
        two_numbers: 0.0,
        checking: 0.05,
        // No attempt is chosen because it is right, and no step looks ahead. The model card gives the
        // measured effect of each of these hints.
        smart_first: 0.0,
        smart_later: 0.0,
        smart_last_step: 0.0,
        give_up: 0.12,
        wrong_confirmation: 0.015,
        back_to: 0.3,
        new_forms: 0.0,
    };
}

/// The corpus of one base model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corpus {
    rules: CorpusRules,
    /// The given numbers are drawn from 1 to this.
    max_number: i64,
    /// Number of attempts after which a trace ends, hit or not.
    most_attempts: usize,
    updates: u64,
}

impl Corpus {
    /// For three small numbers, and some four.
    pub const FIRST: Self =
        Self { rules: CorpusRules::FIRST, max_number: 20, most_attempts: 12, updates: 6500 };

    /// For TinyZero's level.
    pub const TINYZERO: Self =
        Self { rules: CorpusRules::TINYZERO, max_number: 99, most_attempts: 24, updates: 6000 };

    /// The same without any checking, if there are to be no habits.
    pub fn with_habits(self, habits: bool) -> Self {
        if habits { self } else { Self { rules: CorpusRules { checking: 0.0, ..self.rules }, ..self } }
    }
}

impl Lessons for Corpus {
    fn tokens(&self) -> Vec<String> {
        vocabulary::tokens()
    }

    fn tokenizer_json(&self) -> String {
        vocabulary::tokenizer_json()
    }

    fn numbers(&self) -> Vec<(usize, u32)> {
        (0..100).map(|number| (vocabulary::first_number() + number as usize, number)).collect()
    }

    fn document(&self, rng: &mut ChaCha8Rng) -> Document {
        self.draw(rng)
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    fn rules(&self) -> serde_json::Value {
        serde_json::to_value(self.rules).unwrap_or_default()
    }

    fn mixed_by(&self, rules: serde_json::Value) -> Result<Box<dyn Lessons>, String> {
        let rules = serde_json::from_value(rules).map_err(|error| format!("{error}."))?;
        Ok(Box::new(Self { rules, ..*self }))
    }
}

const OPENINGS: [&str; 8] =
    ["first ,", "let me try", "how about", "maybe", "start with", "one idea :", "take", ""];
const RETRIES: [&str; 6] =
    ["try again :", "let me try another way :", "instead ,", "start over :", "what about", "another idea :"];
const FACTS_PER_DRILL: usize = 10;

impl Corpus {
    /// Draws one document of the mixture.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Document {
        let rules = &self.rules;
        let kind: f64 = rng.random();
        if kind < rules.drills {
            return drill(rng);
        }
        let continuation = rules.checking > 0.0 && kind < rules.drills + rules.continuations;
        let checks = continuation || rng.random_bool(rules.checking);
        // A rule that is not used draws nothing, so that older recipes keep their corpora.
        let two = rules.two_numbers > 0.0 && rng.random_bool(rules.two_numbers);
        let count = match (two, rng.random_bool(rules.four_numbers)) {
            (true, _) => 2,
            (false, true) => 4,
            (false, false) => 3,
        };
        let task = Countdown { level: Level::custom(count..=count, self.max_number, MAX_VALUE, true) };
        let puzzle = task.draw(Split::Train, rng);
        let mut document = Document::default();
        document.say(&task.prompt(&puzzle), false);
        self.trace(&mut document, &puzzle, checks, continuation, rng);
        document
    }

    fn trace(
        &self,
        document: &mut Document,
        puzzle: &NumberPuzzle,
        checks: bool,
        continuation: bool,
        rng: &mut ChaCha8Rng,
    ) {
        let all = attempt::enumerate(&puzzle.numbers);
        let smart = if rng.random_bool(self.rules.smart_first) { Smart::Solution } else { Smart::No };
        let Some(first) = choose(&all.iter().collect::<Vec<_>>(), puzzle.target, smart, None, rng) else {
            return;
        };
        let opening = OPENINGS.choose(rng).copied().unwrap_or_default();
        document.say(opening, true);
        document.say(&steps_text(first, 0), true);
        document.say(".", true);
        let mut last = first;
        if checks {
            let decision = document.words.len();
            last = self.check_and_retry(document, puzzle, &all, first, rng);
            if continuation {
                // The word that decides to check: `</think>` could stand in its place.
                document.trained[decision] = false;
            }
        }
        document.say(&format!("</think> <answer> {} </answer>", last.expression), true);
        document.ends = true;
    }

    /// Checks the first attempt and tries others until one is confirmed or the trace gives up. Returns the
    /// attempt it ends with.
    fn check_and_retry<'a>(
        &self,
        document: &mut Document,
        puzzle: &NumberPuzzle,
        all: &'a [Attempt],
        first: &'a Attempt,
        rng: &mut ChaCha8Rng,
    ) -> &'a Attempt {
        let rules = &self.rules;
        let mut tried: Vec<&Attempt> = Vec::new();
        let mut current = first;
        loop {
            tried.push(current);
            let hit = current.value() == puzzle.target;
            let confirms = hit || rng.random_bool(rules.wrong_confirmation);
            document.say(&verdict_text(current.value(), puzzle.target, confirms, rng), true);
            if confirms || tried.len() >= self.most_attempts || rng.random_bool(rules.give_up) {
                return current;
            }
            let kept = rng.random_bool(rules.back_to).then_some(current);
            let smart = if rng.random_bool(rules.smart_later) {
                Smart::Solution
            } else if rng.random_bool(rules.smart_last_step) {
                Smart::LastStep
            } else {
                Smart::No
            };
            let untried = self.untried(all, &tried, rng);
            let Some(next) = choose(&untried, puzzle.target, smart, kept, rng) else { return current };
            let shared = shared_steps(current, next);
            if kept.is_some() && shared > 0 && shared < next.steps.len() {
                let phrase = if rng.random_bool(0.5) { "back to" } else { "keep" };
                document.say(&format!("{phrase} {} :", next.steps[shared - 1].result), true);
                document.say(&steps_text(next, shared), true);
            } else {
                document.say(RETRIES.choose(rng).copied().unwrap_or_default(), true);
                document.say(&steps_text(next, 0), true);
            }
            document.say(".", true);
            current = next;
        }
    }

    /// The attempts that the next one is chosen from.
    fn untried<'a>(&self, all: &'a [Attempt], tried: &[&Attempt], rng: &mut ChaCha8Rng) -> Vec<&'a Attempt> {
        if self.rules.new_forms > 0.0 && rng.random_bool(self.rules.new_forms) {
            let new: Vec<&Attempt> = all.iter().filter(|a| !tried.iter().any(|t| t.form == a.form)).collect();
            if !new.is_empty() {
                return new;
            }
        }
        all.iter().filter(|a| !tried.iter().any(|t| t.steps == a.steps)).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Smart {
    No,
    Solution,
    LastStep,
}

/// Chooses one of the attempts; with `kept`, one that shares the kept attempt's first steps if possible.
fn choose<'a>(
    from: &[&'a Attempt],
    target: i64,
    smart: Smart,
    kept: Option<&Attempt>,
    rng: &mut ChaCha8Rng,
) -> Option<&'a Attempt> {
    if smart == Smart::Solution {
        let solutions: Vec<&Attempt> = from.iter().copied().filter(|a| a.value() == target).collect();
        if let Some(solution) = solutions.choose(rng) {
            return Some(solution);
        }
    }
    let near: Vec<&Attempt> = match kept {
        Some(kept) => from.iter().copied().filter(|a| shared_steps(kept, a) > 0).collect(),
        None => Vec::new(),
    };
    let pool = if near.is_empty() { from } else { near.as_slice() };
    let picked = *pool.choose(rng)?;
    if smart == Smart::LastStep {
        let before = picked.steps.len() - 1;
        let better = pool.iter().find(|a| a.value() == target && a.steps[..before] == picked.steps[..before]);
        return Some(better.copied().unwrap_or(picked));
    }
    Some(picked)
}

fn shared_steps(a: &Attempt, b: &Attempt) -> usize {
    a.steps.iter().zip(&b.steps).take_while(|(x, y)| x == y).count()
}

fn steps_text(attempt: &Attempt, from: usize) -> String {
    attempt.steps[from..].iter().map(ToString::to_string).collect::<Vec<_>>().join(" , ")
}

fn verdict_text(value: i64, target: i64, confirms: bool, rng: &mut ChaCha8Rng) -> String {
    if confirms {
        return match rng.random_range(0..4) {
            0 => format!("check : {value} = {target} , yes ."),
            1 => format!("verify : {value} , right ."),
            2 => "that works .".to_string(),
            _ => format!("yes , {value} ."),
        };
    }
    let side = if value > target { "high" } else { "low" };
    match rng.random_range(0..7) {
        0 | 1 => format!("check : {value} is not {target} ."),
        2 => format!("verify : {value} , too {side} ."),
        3 => format!("wait , that is {value} , not {target} ."),
        4 => format!("hmm , {value} is too {side} ."),
        5 => format!("no , {value} is not {target} ."),
        _ => "that is not right .".to_string(),
    }
}

/// Facts `a op b = c`, with the loss on `c` alone.
fn drill(rng: &mut ChaCha8Rng) -> Document {
    let mut document = Document::default();
    let mut facts = 0;
    while facts < FACTS_PER_DRILL {
        let op = Op::ALL[rng.random_range(0..4usize)];
        let (a, b) = match op {
            Op::Add | Op::Sub => (rng.random_range(1..=MAX_VALUE), rng.random_range(1..=MAX_VALUE)),
            Op::Mul => (rng.random_range(1..=50), rng.random_range(1..=20)),
            Op::Div => {
                let (b, c) = (rng.random_range(1..=20), rng.random_range(1..=MAX_VALUE));
                (b * c, b)
            }
        };
        let Some(result) = op.apply(a, b) else { continue };
        if a > MAX_VALUE || (matches!(op, Op::Add | Op::Mul) && a < b) {
            continue;
        }
        if facts > 0 {
            document.say(",", false);
        }
        document.say(&format!("{a} {} {b} =", op.symbol()), false);
        document.say(&result.to_string(), true);
        facts += 1;
    }
    document
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::*;
    use crate::task::{RewardRules, countdown::puzzle::split_of};

    fn documents(corpus: &Corpus, n: usize) -> Vec<Document> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        (0..n).map(|_| corpus.draw(&mut rng)).collect()
    }

    const BOTH: [Corpus; 2] = [Corpus::FIRST, Corpus::TINYZERO];

    fn puzzle_of(document: &Document) -> Option<NumberPuzzle> {
        let make = document.words.iter().position(|w| w == "make")?;
        let numbers = document.words[1..make].iter().map(|w| w.parse().unwrap()).collect();
        Some(NumberPuzzle { numbers, target: document.words[make + 1].parse().unwrap() })
    }

    #[test]
    fn every_word_is_in_the_vocabulary() {
        let known: HashSet<String> = vocabulary::tokens().into_iter().collect();
        assert_eq!(known.len(), vocabulary::tokens().len(), "no token twice");
        for document in BOTH.iter().flat_map(|corpus| documents(corpus, 2000)) {
            assert_eq!(document.words.len(), document.trained.len());
            for word in &document.words {
                assert!(known.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn no_held_out_number_set_is_in_it_and_answers_are_well_formed() {
        let task = Countdown { level: Level::parse("3x20").unwrap() };
        for document in BOTH.iter().flat_map(|corpus| documents(corpus, 1000)) {
            let Some(puzzle) = puzzle_of(&document) else { continue };
            assert_eq!(split_of(&puzzle), Split::Train);
            let score = task.judge(&puzzle, &document.words.join(" "), &RewardRules::default()).score;
            assert!(score.format, "{}: {}", document.words.join(" "), score.reason);
        }
    }

    #[test]
    fn the_decision_to_check_is_trained_at_the_stated_rate() {
        for corpus in BOTH {
            let (mut stops, mut checks) = (0, 0);
            for document in documents(&corpus, 20_000) {
                let Some(think) = document.words.iter().position(|w| w == "<think>") else { continue };
                let end = think + document.words[think..].iter().position(|w| w == ".").unwrap() + 1;
                if document.trained[end] {
                    if document.words[end] == "</think>" { stops += 1 } else { checks += 1 }
                }
            }
            let share = f64::from(checks) / f64::from(checks + stops);
            assert!((share - corpus.rules.checking).abs() < 0.01, "{share}");
        }
    }

    #[test]
    fn the_control_corpus_never_checks() {
        for document in BOTH.iter().flat_map(|corpus| documents(&corpus.with_habits(false), 2000)) {
            assert!(
                !document.words.iter().any(|w| w == "check" || w == "wait" || w == "verify" || w == "again")
            );
        }
    }
}
