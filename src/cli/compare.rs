//! `aha-lab compare`: what differs in the configuration of runs, and their metrics side by side.

use std::{io::Write, path::PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Failure,
    summary::Summary,
    table::{NOTHING, Table},
};
use crate::{
    config::Config,
    metrics::{format, registry},
    runs::{Reader, RunDirectory, overview::Overview},
};

/// Compare runs: what differs in their configuration, and their metrics side by side
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
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
    config: Config,
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
        .map(|name| read(&RunDirectory::find(&args.runs, name)?))
        .collect::<Result<Vec<_>, _>>()?;
    let differing = differing_keys(&runs);
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
        true => writeln!(stdout, "Their configurations are the same.")?,
        false => keys.print(&mut stdout)?,
    }
    writeln!(stdout)?;
    metrics_table(&runs, names).print(&mut stdout)?;
    Ok(0)
}

fn read(run: &RunDirectory) -> Result<Compared, Failure> {
    let mut summary = Summary::default();
    Reader::new(run).metrics()?.records.into_iter().for_each(|step| summary.take_in(step));
    Ok(Compared { overview: Overview::of(run), config: run.config()?.config, summary: summary.json() })
}

/// The keys whose values are not all the same, with the values of all runs.
fn differing_keys(runs: &[Compared]) -> Vec<(&'static str, Vec<String>)> {
    Config::keys()
        .map(|key| (key.name, runs.iter().map(|run| run.config.get(key.name).unwrap_or_default()).collect()))
        .filter(|(_, values): &(_, Vec<String>)| values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
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
