//! `aha-lab runs`: all runs of a folder, one line each, and what a person does with one of them.

mod keeping;

use std::{env, io::Write, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{
    Failure, farewell,
    table::{NOTHING, Table},
};
use crate::{
    metrics::format,
    runs::{
        notes::Notes,
        overview::{self, HeldOut, Overview},
        sweep,
    },
    system::output,
};

/// List all runs: task, preset, seed, steps, best held-out accuracy, state, parent and size; or name, tag, annotate or
/// delete one
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Runs of TRL, verl and other engines that lie in the folder stand among them, with as much as their metrics say.
The curve is the share of right answers, from the first step to the last, between 0 and 1. Runs stand in the order of
their names, which begin with the time of their start.
Names, notes and tags stand in notes.toml beside the files of a run, which are not changed. A given name is taken wherever
a RUN is; the folder of the run is still called as before. A sweep is a folder of runs: name it with --runs.

Examples:
  aha-lab runs
  aha-lab runs --tag seed1 baseline,paper
  aha-lab runs --note seed1 'collapsed after step 80'
  aha-lab runs --rename seed1 best-so-far
  aha-lab runs --delete seed1
  aha-lab runs --json | jq '.runs[] | select(.state == \"live\") | .name'")]
pub struct RunsArgs {
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// What is done with one of them
    #[command(flatten)]
    pub deed: keeping::Deed,
    /// Delete without being asked
    #[arg(long, requires = "delete")]
    pub yes: bool,
}

/// Prints the list and returns the exit code.
///
/// # Errors
/// A folder that cannot be read, or output that cannot be written.
pub fn run(args: &RunsArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    if args.deed.is_asked() {
        return args.deed.run(&args.runs, args.yes, args.json, stdout);
    }
    let runs: Vec<Overview> =
        overview::places(&args.runs)?.iter().filter_map(|place| overview::at(place)).collect();
    let (sweeps, unread): (Vec<_>, Vec<_>) = sweep::list(&args.runs).into_iter().partition(Result::is_ok);
    let sweeps: Vec<String> = sweeps.into_iter().flatten().collect();
    if args.json {
        writeln!(stdout, "{}", json!({"folder": args.runs, "runs": runs, "sweeps": sweeps}))?;
        return Ok(0);
    }
    if runs.is_empty() {
        output::say(format_args!("There is no run in {}.", args.runs.display()));
    } else {
        table_of(&runs).print(&mut stdout)?;
    }
    runs.iter().flat_map(|run| &run.troubles).for_each(output::say);
    for sweep in &sweeps {
        let place = farewell::argument(&args.runs.join(sweep));
        output::say(format_args!("{sweep} is a sweep; `aha-lab runs --runs {place}` lists its runs."));
    }
    unread.into_iter().filter_map(Result::err).for_each(output::say);
    Ok(0)
}

/// One line for each run.
fn table_of(runs: &[Overview]) -> Table {
    let ascii = env::var_os("AHA_ASCII").is_some_and(|value| !value.is_empty());
    let noted = |says: fn(&Notes) -> bool| runs.iter().any(|run| says(&run.notes));
    // What nobody has said of any run takes no room.
    let (named, tagged) = (noted(|notes| !notes.name.is_empty()), noted(|notes| !notes.tags.is_empty()));
    let annotated = noted(|notes| !notes.note.is_empty());
    let when = |shown: bool, cell: String| shown.then_some(cell);
    let headings =
        ["name", "task", "preset", "seed", "steps", "held out", "state", "size", "accuracy", "forked from"];
    let more = [(named, "given name"), (tagged, "tags"), (annotated, "note")];
    let more = more.into_iter().filter_map(|(shown, heading)| when(shown, heading.to_owned()));
    let mut table = Table::new(headings.map(str::to_owned).into_iter().chain(more));
    for run in runs {
        let cells = [
            run.name.clone(),
            run.engine.map_or_else(|| format!("{} {}", run.task, run.level), |engine| format!("({engine})")),
            run.preset.clone(),
            run.seed.map_or_else(|| NOTHING.to_owned(), |seed| seed.to_string()),
            run.steps.to_string(),
            run.best_held_out.map_or_else(|| NOTHING.to_owned(), held_out),
            run.state.name().to_owned(),
            format::bytes(run.bytes),
            curve(&run.accuracies, ascii),
            run.parent.as_ref().map_or_else(String::new, |parent| format!("{}@{}", parent.run, parent.step)),
        ];
        let notes = &run.notes;
        let more = [
            when(named, notes.name.clone()),
            when(tagged, notes.tags.join(", ")),
            when(annotated, begin_of(&notes.note)),
        ];
        table.row(cells.into_iter().chain(more.into_iter().flatten()));
    }
    table
}

fn held_out(best: HeldOut) -> String {
    format!("{:.3} @{}", best.accuracy, best.step)
}

/// Characters of a note that stand in the list.
const SHOWN_OF_A_NOTE: usize = 40;

/// The first line of a note, or as much of it as fits.
fn begin_of(note: &str) -> String {
    let line = note.lines().next().unwrap_or_default();
    let begin: String = line.chars().take(SHOWN_OF_A_NOTE).collect();
    if begin == note.trim_end() { begin } else { begin + "…" }
}

/// Cells of a curve.
const CELLS: usize = 12;

/// A curve between 0 and 1 in a line; each cell is the mean of its share of the steps.
fn curve(values: &[f64], ascii: bool) -> String {
    let levels: Vec<char> = if ascii { "_.-=*#" } else { "▁▂▃▄▅▆▇█" }.chars().collect();
    let cells = values.len().min(CELLS);
    (0..cells)
        .map(|cell| {
            let part = &values[cell * values.len() / cells..(cell + 1) * values.len() / cells];
            let known: Vec<f64> = part.iter().copied().filter(|value| value.is_finite()).collect();
            if known.is_empty() {
                return ' ';
            }
            let mean = (known.iter().sum::<f64>() / known.len() as f64).clamp(0.0, 1.0);
            levels[((mean * levels.len() as f64) as usize).min(levels.len() - 1)]
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_and_has_gaps_where_nothing_was_measured() {
        assert_eq!(curve(&[], false), "");
        assert_eq!(curve(&[0.0, f64::NAN, 0.5, 1.0], false), "▁ ▅█");
        assert_eq!(curve(&[0.0, 1.0], true), "_#");
        assert_eq!(curve(&[0.25; 1000], false), "▃".repeat(CELLS));
    }
}
