//! Copying and exporting transcripts.

use std::fmt::Write as _;

use crate::{
    record::Rollout,
    runs::place::Place,
    tui::{shell::effect::Effect, store::filter::underived, widgets::numbers::counted},
};

/// Copies a transcript.
pub(super) fn copy(record: &Rollout) -> Effect {
    Effect::Copy { text: format!("{}{}", record.problem.prompt, record.completion) }
}

/// Exports a transcript with its tokens, where they are known, and its figures.
pub(super) fn export(record: &Rollout, length: Option<usize>) -> Effect {
    let Rollout { step, analysis, .. } = record;
    let place = Place::of(record);
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "step {step}, {place}\n\
         task: {}, {}\n\
         answer: {}{}{}\n\
         reward: {}\nadvantage: {}\nlength: {} tokens\n\
         checks: {} true, {} misled, {} false, {} superficial\n\
         self-corrections: {}\n\n{}{}\n",
        record.problem.task,
        record.problem.puzzle,
        record.verdict(),
        if underived(record) { ", unfaithful" } else { "" },
        if record.truncated { ", cut off" } else { "" },
        record.reward,
        record.advantage(),
        counted(length),
        analysis.true_checks,
        analysis.misled_checks,
        analysis.false_checks,
        analysis.superficial_checks,
        analysis.self_corrections,
        record.problem.prompt,
        record.completion,
    );
    Effect::Export {
        file_name: format!("aha-transcript-{step}-{}-{}.txt", place.group(), place.completion()),
        text,
    }
}
