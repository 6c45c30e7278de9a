//! `aha-lab compare`: what differs in the configuration of runs, and their metrics side by side.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Failure,
    metrics::steps_in,
    summary::Summary,
    table::{NOTHING, Table},
};
use crate::{
    config::Config,
    metrics::{format, registry},
    runs::{
        RunDirectory,
        overview::{Overview, differing_keys},
        source::Columns,
    },
};

/// Compare runs: what differs in their configuration, and their metrics side by side
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Of the configuration of another engine's run nothing is known.
Metrics are means of the first and of the last three steps, as in the summary of a headless run.

Examples:
  aha-lab compare seed1 seed2
  aha-lab compare seed1 seed2 --json | jq .configuration")]
pub struct CompareArgs {
    /// Run directories, or unique parts of their names
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub names: Vec<String>,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// One of the runs.
struct Compared {
    overview: Overview,
    /// Means of its first and last steps.
    summary: Value,
}

/// Prints the comparison and returns the exit code.
///
/// # Errors
/// A run that cannot be found or read, or output that cannot be written.
pub fn run(args: &CompareArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let runs = args
        .names
        .iter()
        .map(|name| read(&super::open::find(&args.runs, name)?))
        .collect::<Result<Vec<_>, _>>()?;
    let configs: Vec<Option<&Config>> = runs.iter().map(|run| run.overview.config.as_deref()).collect();
    let differing = differing_keys(&configs, NOTHING);
    if args.json {
        writeln!(stdout, "{}", as_json(&runs, &differing))?;
        return Ok(0);
    }
    let names = runs.iter().map(|run| run.overview.name.as_str());
    let mut keys = Table::new(["key"].into_iter().chain(names.clone()));
    for (key, values) in &differing {
        keys.row([(*key).to_owned()].into_iter().chain(values.iter().cloned()));
    }
    match differing.is_empty() {
        true => writeln!(stdout, "{}", nothing_differs(&runs))?,
        false => keys.print(&mut stdout)?,
    }
    writeln!(stdout)?;
    metrics_table(&runs, names).print(&mut stdout)?;
    Ok(0)
}

fn read(place: &Path) -> Result<Compared, Failure> {
    let Ok(run) = RunDirectory::open(place) else {
        let mut summary = Summary::default();
        steps_in(place, &Columns::default())?.into_iter().for_each(|step| summary.take_in(step));
        let overview = Overview::elsewhere(place);
        let overview = overview.ok_or_else(|| Failure(format!("{} is no run.", place.display())))?;
        return Ok(Compared { overview, summary: summary.json() });
    };
    let summary = Summary::of(&run)?;
    run.config()?;
    Ok(Compared { overview: Overview::of(&run), summary: summary.json() })
}

/// What is said where no key differs.
fn nothing_differs(runs: &[Compared]) -> String {
    let unknown: Vec<&str> = runs
        .iter()
        .filter(|run| run.overview.config.is_none())
        .map(|run| run.overview.name.as_str())
        .collect();
    let known = runs.len() - unknown.len();
    match (unknown.is_empty(), known) {
        (true, _) => "Their configurations are the same.".to_owned(),
        (false, 0 | 1) => format!(
            "Their configurations cannot be compared: unknown, since another engine trained them, are those of {}.",
            unknown.join(", ")
        ),
        (false, _) => format!(
            "The configurations that are known are the same; unknown, since another engine trained them, are those of {}.",
            unknown.join(", ")
        ),
    }
}

/// `first -> last` of each metric that a summary prints, and what was reached on held-out puzzles.
fn metrics_table<'a>(runs: &[Compared], names: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new(["metric"].into_iter().chain(names));
    let cells = |name: &str, cell: &dyn Fn(&Compared) -> String| -> Vec<String> {
        [name.to_owned()].into_iter().chain(runs.iter().map(cell)).collect()
    };
    table.row(cells("steps", &|run| run.overview.steps.to_string()));
    for metric in registry::ALL.iter().filter(|metric| metric.printed) {
        let key = metric.summary.unwrap_or(metric.name);
        let value = |run: &Compared, end: &str| run.summary[end][key].as_f64();
        let counts = |run: &Compared| {
            let ends = ["first", "last"].map(|end| value(run, end));
            // Not every task has decompositions.
            ends[1].is_some() && !(metric.zero_is_left_out && ends == [Some(0.0); 2])
        };
        if runs.iter().any(counts) {
            table.row(cells(key, &|run| match (value(run, "first"), value(run, "last")) {
                (Some(first), Some(last)) => format!("{} -> {}", format::value(first), format::value(last)),
                _ => NOTHING.to_owned(),
            }));
        }
    }
    if runs.iter().any(|run| run.overview.best_held_out.is_some()) {
        table.row(cells("best held out", &|run| match run.overview.best_held_out {
            Some(best) => format!("{} at step {}", format::value(best.accuracy), best.step),
            None => NOTHING.to_owned(),
        }));
    }
    table
}

fn as_json(runs: &[Compared], differing: &[(&'static str, Vec<String>)]) -> Value {
    let configuration: Map<String, Value> =
        differing.iter().map(|(key, values)| ((*key).to_owned(), json!(values))).collect();
    let runs: Vec<Value> =
        runs.iter().map(|run| json!({"overview": run.overview, "summary": run.summary})).collect();
    json!({"configuration": configuration, "runs": runs})
}
