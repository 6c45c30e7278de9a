//! `aha-lab metrics`: the metrics of any run, for other programs.

mod csv;
mod tensorboard;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use crossbeam_channel::RecvTimeoutError;

use super::Failure;
use crate::{
    protocol::{Event, RunSource},
    record::Step,
    runs::{Reader, RunDirectory, source},
    system::{files, output},
};

/// Print the metrics of a run, of this program or of another, for pandas, spreadsheets and TensorBoard
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A run directory's own metrics.jsonl needs no conversion for pandas: pd.read_json(\"metrics.jsonl\", lines=True).
What was not measured in a step is an empty field; TensorBoard has no point there.

Examples:
  aha-lab metrics runs/first-aha > first-aha.csv
  aha-lab metrics seed1 --format tensorboard --out logs/seed1 && tensorboard --logdir logs")]
pub struct MetricsArgs {
    /// A run: a directory, a unique part of its name, or a file of another program
    #[arg(value_name = "RUN")]
    pub run: String,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where to: a file for csv (default: standard output), a folder for tensorboard
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
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

/// How long a run of another program may keep silent before it counts as one that is still being written.
const SILENCE: Duration = Duration::from_secs(10);
/// How long such a run is read at most.
const PATIENCE: Duration = Duration::from_secs(600);

/// All steps of the run, whichever program made it.
fn steps_of(args: &MetricsArgs) -> Result<Vec<Step>, Failure> {
    let given = Path::new(&args.run);
    if !given.exists() || RunDirectory::open(given).is_ok() {
        let log = Reader::new(&RunDirectory::find(&args.runs, &args.run)?).metrics()?;
        if log.bad_total > 0 {
            output::say(format_args!(
                "{} lines of the metrics cannot be read and are left out.",
                log.bad_total
            ));
        }
        return Ok(log.records);
    }
    let RunSource { events, .. } = source::open(given)?;
    let mut steps = Vec::new();
    let began = Instant::now();
    let ended = loop {
        match events.recv_timeout(SILENCE) {
            Ok(Event::StepDone(step)) => steps.push(*step),
            Ok(Event::Warning(sentence)) => output::say(output::printable(&sentence)),
            Ok(Event::Finished { .. }) | Err(RecvTimeoutError::Disconnected) => break true,
            Ok(_) if began.elapsed() < PATIENCE => {}
            Ok(_) | Err(RecvTimeoutError::Timeout) => break false,
        }
    };
    if !ended {
        output::say(format_args!(
            "The run has not ended; these are the {} steps that it has so far.",
            steps.len()
        ));
    }
    Ok(steps)
}
