//! `aha-lab cast`: the playback of a finished run as a file that asciinema and its players show.

use std::{
    io::{self, BufWriter, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ratatui::layout::Size;

use super::{Failure, open, progress_visible};
use crate::{
    protocol::Speed,
    runs::{
        playback::Recording,
        source::{self, Reading},
    },
    system::{
        files,
        output::{self, printable_within_line},
    },
    tui::cast::{self, CastOptions},
};

/// Write the playback of a finished run as an asciicast, which asciinema and its web player show
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The file is an asciicast of version 2. Steps and the aha mark are markers in it, which players can jump to.

Examples:
  aha-lab cast runs/first-aha first-aha.cast && asciinema play first-aha.cast
  aha-lab cast seed1 aha.cast --steps 8..16 --speed 4x --size 100x30
  aha-lab cast seed1 meter.cast --screen Meter --speed 50x")]
pub struct CastArgs {
    /// A run directory, a unique part of its name, or a .jsonl file of completions
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The file to write; it must not exist
    #[arg(value_name = "FILE.cast")]
    pub file: PathBuf,
    /// Columns and rows
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x36", value_parser = size)]
    pub size: Size,
    /// So many times as fast as the run was
    #[arg(long, value_name = "SPEED", default_value = "10x")]
    pub speed: Speed,
    /// Only these steps, such as 8..16, 8.. or ..16; earlier ones are there from the start
    #[arg(long, value_name = "A..B", value_parser = steps)]
    pub steps: Option<RangeInclusive<u64>>,
    /// The screen to show
    #[arg(long, value_name = "NAME", default_value = "Live")]
    pub screen: String,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
}

/// A terminal of any size that screens can be drawn on.
fn size(text: &str) -> Result<Size, String> {
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|n| (10..=500).contains(n));
    let parts = text.split_once(['x', 'X', '×']);
    parts
        .and_then(|(width, height)| Some(Size::new(number(width)?, number(height)?)))
        .ok_or_else(|| "a size is columns x rows, 10 to 500 of each, such as 120x36".to_owned())
}

/// `A..B`, where either may be left out; both are played.
fn steps(text: &str) -> Result<RangeInclusive<u64>, String> {
    let refused = || "steps are written as 8..16, 8.. or ..16; both ends are played".to_owned();
    let (first, last) = text.split_once("..").ok_or_else(refused)?;
    let number = |text: &str, open: u64| match text.trim() {
        "" => Ok(open),
        text => text.parse().map_err(|_| refused()),
    };
    let (first, last) = (number(first, 0)?, number(last.trim_start_matches('='), u64::MAX)?);
    if first > last { Err(refused()) } else { Ok(first..=last) }
}

/// Writes the cast and returns the exit code.
///
/// # Errors
/// A run that cannot be found, read or played, a screen that does not exist, or a file that cannot be written.
pub fn run(args: &CastArgs) -> Result<i32, Failure> {
    let Some(front) = cast::place_of(&args.screen) else {
        let known = cast::names().join(", ");
        return Err(Failure(format!("There is no screen '{}'; there are {known}.", args.screen)));
    };
    let place = open::find(&args.runs, &args.run)?;
    open::refuse_one_that_trains(&place)?;
    let source = source::open(&place, &Reading::default())?;
    let recording = Recording::read(&source.events)
        .ok_or_else(|| Failure(format!("{} cannot be read.", place.display())))?;
    recording.warnings().iter().for_each(|warning| output::say(output::printable(warning)));
    let options = CastOptions {
        size: args.size,
        speed: args.speed,
        steps: args.steps.clone().unwrap_or(0..=u64::MAX),
        front,
        theme: cast::theme(),
    };
    let steps = recording.steps().filter(|step| options.steps.contains(step)).count();
    if steps == 0 {
        return Err(nothing_to_play(&recording, &place));
    }
    let file = files::create(&args.file).map_err(|error| cannot_create(&args.file, &error))?;
    let bar = progress_bar(steps as u64);
    let mut out = BufWriter::new(file);
    let length = cast::write(&recording, source.facts, &options, &mut out, |_| bar.inc(1))
        .and_then(|length| out.flush().map(|()| length))
        .map_err(|error| Failure(format!("Cannot write {}: {error}.", args.file.display())))?;
    bar.finish_and_clear();
    let shown = printable_within_line(&args.file.display().to_string());
    output::say(format!("{shown}: {steps} steps in {:.0} seconds", length.as_secs_f64()));
    Ok(0)
}

fn progress_bar(steps: u64) -> ProgressBar {
    let bar = if progress_visible() { ProgressBar::new(steps) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} step {pos}/{len} (left {eta})") {
        bar.set_style(style);
    }
    bar
}

fn nothing_to_play(recording: &Recording, place: &Path) -> Failure {
    Failure(match recording.ends() {
        Some((first, last)) => {
            format!("{} has no such step; it has steps {first} to {last}.", place.display())
        }
        None => format!("{} has no step that could be played.", place.display()),
    })
}

fn cannot_create(path: &Path, error: &io::Error) -> Failure {
    Failure(match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists already; name another file, or remove it first.", path.display())
        }
        _ => format!("Cannot write {}: {error}.", path.display()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_steps_are_read_or_refused_with_an_example() {
        assert_eq!(size("80x24"), Ok(Size::new(80, 24)));
        for bad in ["", "80", "80x", "x24", "5x5", "80x24x1", "99999x24", "-80x24"] {
            assert!(size(bad).unwrap_err().contains("120x36"), "{bad}");
        }
        assert_eq!(steps("8..16"), Ok(8..=16));
        assert_eq!(
            (steps("8.."), steps("..16"), steps("..")),
            (Ok(8..=u64::MAX), Ok(0..=16), Ok(0..=u64::MAX))
        );
        assert_eq!(steps("8..=16"), Ok(8..=16));
        for bad in ["", "8", "16..8", "a..b", "1...2"] {
            assert!(steps(bad).unwrap_err().contains("8..16"), "{bad}");
        }
    }
}
