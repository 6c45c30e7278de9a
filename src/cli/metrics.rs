//! `aha-lab metrics`: the metrics of any run, for other programs.

mod csv;
mod parquet;
mod tensorboard;

use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    metrics::registry,
    protocol::{Event, RunSource},
    record::Step,
    runs::{
        Reader, RunDirectory,
        source::{self, Columns, Reading},
    },
    system::{files, output},
};

/// Print the metrics of a run, of this program or of another, for pandas, spreadsheets and TensorBoard
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A run directory's own metrics.jsonl needs no conversion for pandas: pd.read_json(\"metrics.jsonl\", lines=True).
What was not measured in a step is an empty field in csv and null in parquet; TensorBoard has no point there.

Examples:
  aha-lab metrics runs/first-aha > first-aha.csv
  aha-lab metrics seed1 --format parquet --out seed1.parquet
  aha-lab metrics seed1 --format tensorboard --out logs/seed1 && tensorboard --logdir logs")]
pub struct MetricsArgs {
    /// A run: a directory, a unique part of its name, or a file of another program
    #[arg(value_name = "RUN")]
    pub run: String,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where to: a file for csv (default: standard output) and parquet, a folder for tensorboard
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// What the fields of a .jsonl file mean, as for `open`
    #[arg(long, value_name = "MEANING=FIELD,...", default_value = "", hide_default_value = true, value_parser = super::open::columns)]
    pub columns: Columns,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
}

/// What metrics are written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values with a heading, as RFC 4180 has them
    #[default]
    Csv,
    /// A parquet file, compressed with Snappy
    Parquet,
    /// An event file of TensorBoard, a scalar for each metric
    Tensorboard,
}

/// Writes the metrics and returns the exit code.
///
/// # Errors
/// A run that cannot be found or read, or output that cannot be written.
pub fn run(args: &MetricsArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let steps = steps_of(args)?;
    match (args.format, &args.out) {
        (Format::Csv, None) => csv::write(&steps, &mut stdout)?,
        (Format::Csv, Some(path)) => {
            let mut text = Vec::new();
            csv::write(&steps, &mut text)?;
            files::write(path, &text).map_err(|error| cannot_write(path, &error))?;
        }
        (Format::Parquet, Some(path)) => {
            let mut bytes = Vec::new();
            parquet::write(&steps, &mut bytes)
                .map_err(|error| Failure(format!("The metrics cannot be written as parquet: {error}.")))?;
            files::write(path, &bytes).map_err(|error| cannot_write(path, &error))?;
        }
        (Format::Parquet, None) => {
            return Err(Failure("Parquet is not text: name a file with --out FILE.".into()));
        }
        (Format::Tensorboard, Some(folder)) => {
            let path = tensorboard::write(&steps, folder).map_err(|error| cannot_write(folder, &error))?;
            output::say(output::printable(&format!("{} steps in {}", steps.len(), path.display())));
        }
        (Format::Tensorboard, None) => {
            return Err(Failure("TensorBoard reads folders: name one with --out DIR.".into()));
        }
    }
    Ok(0)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("Cannot write {}: {error}.", path.display()))
}

/// The names of the metrics that any step has: those of the registry in its order, then the others.
fn names(steps: &[Step]) -> Vec<String> {
    let mut seen: HashSet<&str> = HashSet::new();
    let all = steps.iter().flat_map(|step| step.iter().map(|(name, _)| name));
    let mut names: Vec<String> = all.filter(|name| seen.insert(*name)).map(str::to_owned).collect();
    let place = |name: &String| registry::ALL.iter().position(|metric| metric.name == name);
    names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
    names
}

/// All steps of the run, whichever program made it.
fn steps_of(args: &MetricsArgs) -> Result<Vec<Step>, Failure> {
    let given = super::open::find(&args.runs, &args.run)?;
    let Ok(run) = RunDirectory::open(&given) else { return steps_in(&given, &args.columns) };
    let log = Reader::new(&run).metrics()?;
    if log.bad_total > 0 {
        output::say(format_args!("{} lines of the metrics cannot be read and are left out.", log.bad_total));
    }
    Ok(log.records)
}

/// All steps of a run of another program, as far as they are written now.
pub(super) fn steps_in(given: &Path, columns: &Columns) -> Result<Vec<Step>, Failure> {
    let RunSource { events, .. } =
        source::open(given, &Reading { follows: false, columns: columns.clone() })?;
    let mut steps: BTreeMap<u64, Step> = BTreeMap::new();
    for event in events {
        match event {
            Event::StepDone(step) => drop(steps.insert(step.step, *step)),
            Event::StepAmended(more) => {
                steps.entry(more.step).or_insert_with(|| Step::new(more.step)).amend(&more)
            }
            Event::Warning(sentence) => output::say(output::printable(&sentence)),
            _ => {}
        }
    }
    Ok(steps.into_values().collect())
}
