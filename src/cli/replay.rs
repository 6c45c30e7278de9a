//! `aha-lab replay`: makes a recorded step again, and proves that it matches the journal.

use std::{collections::BTreeMap, io::Write, num::NonZeroUsize, path::PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Failure, printable, progress_visible};
use crate::{
    engine::replay::{self, StepAgain},
    record::Rollout,
    runs::{
        RolloutIndex, RunDirectory,
        fingerprint::{difference, fingerprint},
        place::Place,
    },
};

/// Replay a recorded step or completion, and prove by hash that it matches the record
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aha-lab replay seed1 12          every completion of step 12
  aha-lab replay seed1 12 1 4      completion 4 of its group 1, with its text
Groups and completions are counted from 1, as on screen; the fields `group` and `index` of rollouts.jsonl and of --json
count from 0. The policy of that step is trained again, in memory, from the newest checkpoint before it; the run is not
changed. The exit code is 1 if anything differs.")]
pub struct ReplayArgs {
    /// A run directory, or a unique part of its name
    pub run: String,
    /// The step, from 1
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub step: u64,
    /// Which prompt of the step, from 1
    #[arg(requires = "completion")]
    pub group: Option<NonZeroUsize>,
    /// Which completion of the group, from 1
    pub completion: Option<NonZeroUsize>,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Replays, compares and returns the exit code.
///
/// # Errors
/// A sentence that names what is missing, or the first difference.
pub fn run(args: &ReplayArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let run = RunDirectory::find(&args.runs, &args.run)?;
    let recorded = recorded(&run, args)?;
    let bar = if progress_visible() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} steps trained again (left {eta})") {
        bar.set_style(style);
    }
    let again = replay::make_again(&run, args.step, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let StepAgain { records, from, backend, notes } = again?;
    let again: Vec<Rollout> = records.into_iter().filter(|record| args.wants(record)).collect();

    let differs = first_difference(&recorded, &again, args);
    let (then, now) = (fingerprint(recorded.values()), fingerprint(&again));
    let text = args.place().and_then(|_| again.first()).map(|record| record.completion.as_str());
    if args.json {
        let whole = json!({
            "run": run.path(), "step": args.step, "group": args.place().map(|place| place.group), "index": args.place().map(|place| place.index),
            "completions": again.len(), "checkpoint": from, "steps_trained_again": args.step - 1 - from,
            "backend": backend, "recorded_sha256": then, "replayed_sha256": now,
            "same": differs.is_none(), "difference": differs, "text": text, "notes": notes,
        });
        writeln!(stdout, "{whole}")?;
    } else {
        let trained = match args.step - 1 - from {
            0 => String::new(),
            1 => " and 1 step trained again".into(),
            steps => format!(" and {steps} steps trained again"),
        };
        writeln!(stdout, "replayed from the checkpoint of step {from}{trained}, on {backend}")?;
        notes.iter().try_for_each(|note| writeln!(stdout, "{}", printable(note)))?;
        writeln!(stdout, "recorded   sha256 {then}  {} completions", recorded.len())?;
        writeln!(stdout, "replayed   sha256 {now}  {} completions", again.len())?;
        if let Some(text) = text {
            writeln!(stdout, "{}", printable(text.trim()))?;
        }
        if differs.is_none() {
            writeln!(stdout, "identical, to the last bit")?;
        }
    }
    stdout.flush()?;
    differs.map_or(Ok(0), |sentence| Err(Failure(sentence)))
}

impl ReplayArgs {
    /// The one requested completion, if it is only one.
    fn place(&self) -> Option<Place> {
        Some(Place::of_numbers(self.group?, self.completion?))
    }

    fn wants(&self, record: &Rollout) -> bool {
        record.step == self.step && self.place().is_none_or(|place| place == Place::of(record))
    }
}

type Completions = BTreeMap<Place, Rollout>;

/// The journal's record of the step, or of the one requested completion.
fn recorded(run: &RunDirectory, args: &ReplayArgs) -> Result<Completions, Failure> {
    let mut index = RolloutIndex::new(run);
    while index.update()?.behind {}
    let last = index.summaries().iter().map(|summary| summary.step).max().unwrap_or(0);
    let mut found = BTreeMap::new();
    for summary in index.summaries().iter().filter(|summary| summary.step == args.step) {
        let record = index.load(summary)?;
        if args.wants(&record) {
            found.insert(Place::of(&record), record);
        }
    }
    if found.is_empty() {
        let path = run.rollouts_path();
        let what = match args.place() {
            Some(place) if args.step <= last => format!("no {place} of step {}", args.step),
            _ => format!("no step {}; its last is {last}", args.step),
        };
        return Err(Failure(format!("{} has {what}.", path.display())));
    }
    Ok(found)
}

/// The first difference in the order of the journal, in a sentence.
fn first_difference(recorded: &Completions, again: &[Rollout], args: &ReplayArgs) -> Option<String> {
    for record in again {
        let place = Place::of(record);
        let sentence = match recorded.get(&place) {
            Some(then) => difference(then, record),
            None => Some(format!("Step {}, {place} is not in rollouts.jsonl.", args.step)),
        };
        if sentence.is_some() {
            return sentence;
        }
    }
    let made = |place: &Place| again.iter().any(|record| Place::of(record) == *place);
    let stray = recorded.keys().find(|place| !made(place));
    stray.map(|place| {
        format!("Step {}, {place} is in rollouts.jsonl, but the replay did not produce it.", args.step)
    })
}
