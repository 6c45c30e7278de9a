//! What is typed after `/` in Transcripts: words, and what a completion is.
//!
//! `false>0 cut wrong step:9..12 len>150 reward<1 not 19` is a query: each term must hold, and the words that are left
//! must stand in the prompt or the completion, in this order. `"wrong"` in quotes is a word, whatever it means outside.
//! `#12` is no query: it goes to a step.

use super::Needle;
use crate::{
    record::Rollout,
    runs::place::Place,
    tui::store::{completions::Entry, filter::underived},
};

/// What was typed after `/`.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Completions to find.
    Find(Query),
    /// A step to go to; `None` while its number is still to come.
    Step(Option<u64>),
}

/// Which completions are found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    terms: Vec<Term>,
    words: Option<Needle>,
}

/// One condition.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Term {
    /// What it is.
    State(State),
    /// A number of it lies in a range.
    Within { figure: Figure, least: f64, most: f64, open: bool },
    /// A number of it is another one.
    Other { figure: Figure, value: f64 },
}

/// What a completion can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Right,
    Wrong,
    Cut,
    Unfaithful,
    Corrected,
}

/// A number of a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Step,
    Group,
    Completion,
    Length,
    Reward,
    Advantage,
    Checks,
    True,
    Misled,
    False,
    Superficial,
    Corrections,
}

/// The words for what a completion can be.
const STATES: [(&str, State); 5] = [
    ("right", State::Right),
    ("wrong", State::Wrong),
    ("cut", State::Cut),
    ("unfaithful", State::Unfaithful),
    ("corrected", State::Corrected),
];

/// The names of its numbers.
const FIGURES: [(&str, Figure); 13] = [
    ("step", Figure::Step),
    ("group", Figure::Group),
    ("completion", Figure::Completion),
    ("len", Figure::Length),
    ("length", Figure::Length),
    ("reward", Figure::Reward),
    ("advantage", Figure::Advantage),
    ("checks", Figure::Checks),
    ("true", Figure::True),
    ("misled", Figure::Misled),
    ("false", Figure::False),
    ("superficial", Figure::Superficial),
    ("corrections", Figure::Corrections),
];

/// The comparisons, those that begin like another after it.
const COMPARISONS: [&str; 7] = [">=", "<=", "!=", ">", "<", ":", "="];

impl Asked {
    /// Reads what was typed.
    ///
    /// # Errors
    /// A sentence that says which part cannot be read, and what could stand there.
    pub fn read(text: &str) -> Result<Self, String> {
        match text.trim().strip_prefix('#') {
            Some("") => Ok(Self::Step(None)),
            Some(number) => match number.trim().parse() {
                Ok(step) => Ok(Self::Step(Some(step))),
                Err(_) => Err(format!("'#{number}' is not a step: write its number, such as #12")),
            },
            None => Query::read(text).map(Self::Find),
        }
    }
}

impl Query {
    fn read(text: &str) -> Result<Self, String> {
        let (mut terms, mut words) = (Vec::new(), Vec::new());
        for part in parts(text) {
            match part {
                Part::Quoted(word) => words.push(word),
                Part::Bare(word) => match term(word)? {
                    Some(term) => terms.push(term),
                    None => words.push(word),
                },
            }
        }
        // Words alone are looked for as they were typed, spaces included.
        let plain = terms.is_empty() && !text.contains('"');
        let words = if plain { Needle::new(text) } else { Needle::new(&words.join(" ")) };
        Ok(Self { terms, words })
    }

    /// The words of it, which are lit in the text.
    pub fn words(&self) -> Option<&Needle> {
        self.words.as_ref()
    }

    /// Whether it is made of words alone: a longer one then finds fewer.
    pub(super) fn is_words(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it asks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.words.is_none()
    }

    /// Whether it finds a completion.
    pub(super) fn finds(&self, entry: &Entry) -> bool {
        self.terms.iter().all(|term| term.holds(entry))
            && self.words.as_ref().is_none_or(|needle| has_text(needle, &entry.record))
    }
}

/// Whether the prompt or the completion has the needle.
pub(super) fn has_text(needle: &Needle, record: &Rollout) -> bool {
    needle.is_in(&record.completion) || needle.is_in(&record.problem.prompt)
}

/// A part of what was typed.
enum Part<'a> {
    Bare(&'a str),
    Quoted(&'a str),
}

/// Cuts at white space, except in quotes. A quote that is still open reaches to the end.
fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let (part, after) = match rest.strip_prefix('"') {
            Some(inside) => {
                let (word, after) = inside.split_once('"').unwrap_or((inside, ""));
                (Part::Quoted(word), after)
            }
            None => {
                let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                (Part::Bare(word), after)
            }
        };
        parts.push(part);
        rest = after.trim_start();
    }
    parts
}

/// The condition that a word is; `None` if it is a word to look for.
fn term(word: &str) -> Result<Option<Term>, String> {
    if let Some((_, state)) = STATES.iter().find(|(name, _)| *name == word) {
        return Ok(Some(Term::State(*state)));
    }
    let compared = COMPARISONS
        .iter()
        .filter_map(|sign| word.split_once(sign).map(|(name, value)| (name, *sign, value)))
        // The sign that comes first, and of two at one place the longer.
        .min_by_key(|(name, sign, _)| (name.len(), std::cmp::Reverse(sign.len())));
    let Some((name, sign, value)) = compared else { return Ok(None) };
    let figure = FIGURES.iter().find(|(known, _)| *known == name).map(|(_, figure)| *figure);
    let is_number = value.parse::<f64>().is_ok();
    match figure {
        Some(_) if value.is_empty() => Err(format!("'{word}' needs a number, such as {name}{sign}3")),
        Some(figure) => comparison(figure, sign, value)
            .ok_or_else(|| format!("'{value}' in '{word}' is neither a number nor a range such as 9..12"))
            .map(Some),
        // Formulas and tags are texts; a name with a number beside it was meant as a condition.
        None if is_number && name.len() > 1 && name.chars().all(|c| c.is_ascii_alphabetic()) => {
            let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
            Err(format!("nothing is called '{name}'; there are {}", names.join(", ")))
        }
        None => Ok(None),
    }
}

fn comparison(figure: Figure, sign: &str, value: &str) -> Option<Term> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let within = |least: f64, most: f64, open: bool| Some(Term::Within { figure, least, most, open });
    if let (":" | "=", Some((from, to))) = (sign, value.split_once("..")) {
        let end = |text: &str, unbounded: f64| if text.is_empty() { Some(unbounded) } else { number(text) };
        let (least, most) = (end(from, f64::NEG_INFINITY)?, end(to.trim_start_matches('='), f64::INFINITY)?);
        return if from.is_empty() && to.is_empty() { None } else { within(least, most, false) };
    }
    let value = number(value)?;
    match sign {
        ">" => within(value, f64::INFINITY, true),
        ">=" => within(value, f64::INFINITY, false),
        "<" => within(f64::NEG_INFINITY, value, true),
        "<=" => within(f64::NEG_INFINITY, value, false),
        "!=" => Some(Term::Other { figure, value }),
        _ => within(value, value, false),
    }
}

impl Term {
    /// Whether it holds. What is unknown of a completion holds nothing.
    fn holds(self, entry: &Entry) -> bool {
        let record = entry.record.as_ref();
        match self {
            Self::State(State::Right) => record.is_right(),
            Self::State(State::Wrong) => record.is_wrong(),
            Self::State(State::Cut) => record.truncated,
            Self::State(State::Unfaithful) => underived(record),
            Self::State(State::Corrected) => record.analysis.self_corrections > 0,
            Self::Within { figure, least, most, open: false } => {
                let value = figure.of(entry);
                value >= least && value <= most
            }
            Self::Within { figure, least, most, open: true } => {
                let value = figure.of(entry);
                value > least && value < most
            }
            Self::Other { figure, value: other } => {
                let value = figure.of(entry);
                !value.is_nan() && value != other
            }
        }
    }
}

impl Figure {
    /// Its value, counted as on screen; NaN where it is not known.
    fn of(self, entry: &Entry) -> f64 {
        let record = entry.record.as_ref();
        let analysis = &record.analysis;
        match self {
            Self::Step => record.step as f64,
            Self::Group => Place::of(record).group() as f64,
            Self::Completion => Place::of(record).completion() as f64,
            Self::Length => entry.length.map_or(f64::NAN, |length| length as f64),
            Self::Reward => record.reward,
            Self::Advantage => record.advantage(),
            Self::Checks => analysis.checks as f64,
            Self::True => analysis.true_checks as f64,
            Self::Misled => analysis.misled_checks as f64,
            Self::False => analysis.false_checks as f64,
            Self::Superficial => analysis.superficial_checks as f64,
            Self::Corrections => analysis.self_corrections as f64,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::scripted::Script;

    fn entries() -> Vec<Entry> {
        let groups =
            (1..=12).flat_map(|step| (0..4).flat_map(move |group| Script::new(7).group(step, group)));
        groups.map(|record| Entry { length: record.length(), record: Arc::new(record) }).collect()
    }

    fn query(text: &str) -> Query {
        match Asked::read(text).unwrap() {
            Asked::Find(query) => query,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn found<'a>(text: &str, entries: &'a [Entry]) -> Vec<&'a Rollout> {
        let query = query(text);
        entries.iter().filter(|entry| query.finds(entry)).map(|entry| entry.record.as_ref()).collect()
    }

    #[test]
    fn terms_find_what_a_completion_is() {
        let entries = entries();
        let is = |text: &str, holds: &dyn Fn(&Rollout, usize) -> bool| {
            let expected: Vec<&Rollout> = entries
                .iter()
                .filter(|entry| holds(&entry.record, entry.length.unwrap_or(0)))
                .map(|entry| entry.record.as_ref())
                .collect();
            assert_eq!(found(text, &entries), expected, "{text}");
            assert!(!expected.is_empty() && expected.len() < entries.len(), "{text} tells apart");
        };
        is("wrong", &|record, _| record.is_wrong());
        is("right", &|record, _| record.is_right());
        is("step:9..12", &|record, _| (9..=12).contains(&record.step));
        is("step:9", &|record, _| record.step == 9);
        is("step=..3", &|record, _| record.step <= 3);
        is("group:3", &|record, _| record.group == 2);
        let mut lengths: Vec<usize> = entries.iter().filter_map(|entry| entry.length).collect();
        lengths.sort_unstable();
        let middle = lengths[lengths.len() / 2];
        is(&format!("len>{middle}"), &|_, length| length > middle);
        is(&format!("len<={middle}"), &|_, length| length <= middle);
        is("reward<1", &|record, _| record.reward < 1.0);
        is("reward!=1", &|record, _| record.reward != 1.0);
        is("true>0 wrong", &|record, _| record.analysis.true_checks > 0 && record.is_wrong());
        is("corrected", &|record, _| record.analysis.self_corrections > 0);
    }

    #[test]
    fn words_are_still_words_and_quotes_make_one_of_a_term() {
        for (text, words) in [
            ("not 19", "not 19"),
            ("wait, wrong", "wait,"),
            ("4*3>10", "4*3>10"),
            ("<answer>", "<answer>"),
            ("x>3", "x>3"),
            ("note: this", "note: this"),
        ] {
            assert_eq!(query(text).words(), Needle::new(words).as_ref(), "{text}");
        }
        assert_eq!(query("\"wrong\" step>3").words(), Needle::new("wrong").as_ref());
        assert_eq!(query("false>0").words(), None);
        assert!(query("  ").is_words());
    }

    #[test]
    fn a_hash_is_a_step_and_mistakes_are_sentences() {
        assert_eq!(Asked::read("#12"), Ok(Asked::Step(Some(12))));
        assert_eq!(Asked::read("#"), Ok(Asked::Step(None)));
        for (bad, says) in [
            ("#twelve", "write its number"),
            ("step:x..3", "neither a number nor a range"),
            ("len>", "needs a number"),
            ("width>150", "nothing is called 'width'"),
            ("reward<nan", "neither a number"),
        ] {
            let sentence = Asked::read(bad).unwrap_err();
            assert!(sentence.contains(says), "{bad}: {sentence}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in "[a-z#:<>=!.\"0-9 é]{0,24}") {
            if let Ok(Asked::Find(query)) = Asked::read(&text) {
                let record = Arc::new(Script::new(7).group(1, 0).remove(0));
                query.finds(&Entry { record, length: Some(3) });
            }
        }
    }
}
