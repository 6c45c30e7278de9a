//! What a screen hands out of the text under its cursor: to the clipboard, or to a file.

use std::{fmt::Write as _, sync::Arc};

use crate::{
    record::Rollout,
    runs::place::Place,
    tui::{
        store::{completions::Entry, filter::underived},
        widgets::numbers::counted,
    },
};

/// A text under the cursor.
#[derive(Debug, Clone)]
pub enum Handout {
    /// A completion, with everything known about it.
    Completion {
        /// The completion.
        record: Arc<Rollout>,
        /// Its tokens.
        length: Option<usize>,
    },
    /// Any other text.
    Text {
        /// What a file of it is called, without an ending.
        name: String,
        /// The text.
        text: String,
    },
}

impl Handout {
    /// A completion as the list keeps it.
    pub(crate) fn of(entry: &Entry) -> Self {
        Self::Completion { record: entry.record.clone(), length: entry.length }
    }

    /// A completion.
    pub(crate) fn of_record(record: &Arc<Rollout>) -> Self {
        Self::Completion { record: record.clone(), length: record.length() }
    }

    /// What is copied: the text as it was written.
    pub fn text(&self) -> String {
        match self {
            Self::Completion { record, .. } => format!("{}{}", record.problem.prompt, record.completion),
            Self::Text { text, .. } => text.clone(),
        }
    }

    /// What a file of it is called, without an ending.
    pub fn name(&self) -> String {
        match self {
            Self::Completion { record, .. } => {
                let place = Place::of(record);
                format!("aha-transcript-{}-{}-{}", record.step, place.group(), place.completion())
            }
            Self::Text { name, .. } => name.clone(),
        }
    }

    /// The figures of a completion, each with its name; none of another text.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        let Self::Completion { record, length } = self else { return Vec::new() };
        let Rollout { step, analysis, .. } = record.as_ref();
        let mut answer = record.verdict().to_string();
        if underived(record) {
            answer.push_str(", unfaithful");
        }
        if record.truncated {
            answer.push_str(", cut off");
        }
        vec![
            ("step", format!("{step}, {}", Place::of(record))),
            ("task", format!("{}, {}", record.problem.task, record.problem.puzzle)),
            ("answer", answer),
            ("reward", known(record.reward)),
            ("advantage", known(record.advantage())),
            ("length", format!("{} tokens", counted(*length))),
            (
                "checks",
                format!(
                    "{} true, {} misled, {} false, {} superficial",
                    analysis.true_checks,
                    analysis.misled_checks,
                    analysis.false_checks,
                    analysis.superficial_checks
                ),
            ),
            ("self-corrections", analysis.self_corrections.to_string()),
        ]
    }

    /// The text with its figures above it, in no other form than lines.
    pub fn plain(&self) -> String {
        let mut plain = String::new();
        for (name, value) in self.figures() {
            // Writing to a String does not fail.
            let _ = writeln!(plain, "{name}: {value}");
        }
        if !plain.is_empty() {
            plain.push('\n');
        }
        plain.push_str(&self.text());
        plain.push('\n');
        plain
    }
}

/// A number that a run may not have told.
fn known(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { "unknown".to_owned() }
}
