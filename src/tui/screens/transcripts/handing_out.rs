//! Transcripts that leave the screen.

use std::fmt::Write as _;

use crate::{
    record::RolloutRecord,
    runs::place::Place,
    tui::{shell::effect::Effect, store::filter::underived},
};

/// Copies a transcript.
pub(super) fn copy(record: &RolloutRecord) -> Effect {
    Effect::Copy { text: format!("{}{}", record.prompt, record.completion) }
}

/// Exports a transcript of so many tokens with its figures.
pub(super) fn export(record: &RolloutRecord, length: usize) -> Effect {
    let RolloutRecord { step, analysis, .. } = record;
    let place = Place::of(record);
    let mut text = String::new();
    let numbers: Vec<String> = record.puzzle.numbers.iter().map(i64::to_string).collect();
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "step {step}, {place}\n\
         task: {}, numbers {}, target {}\n\
         answer: {}{}{}\n\
         reward: {}\nadvantage: {}\nlength: {length} tokens\n\
         checks: {} true, {} misled, {} false, {} superficial\n\
         self-corrections: {}\n\n{}{}\n",
        record.task,
        numbers.join(" "),
        record.puzzle.target,
        if record.correct { "right" } else { "wrong" },
        if underived(record) { ", not derived by the thought" } else { "" },
        if record.truncated { ", cut off" } else { "" },
        record.reward,
        record.advantage,
        analysis.true_checks,
        analysis.misled_checks,
        analysis.false_checks,
        analysis.superficial_checks,
        analysis.self_corrections,
        record.prompt,
        record.completion,
    );
    Effect::Export {
        file_name: format!("aha-transcript-{step}-{}-{}.txt", place.group(), place.completion()),
        text,
    }
}
