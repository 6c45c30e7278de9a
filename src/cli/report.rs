//! `aha-lab report`: runs as one HTML page, and their curves as SVG.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Failure, export::write_folder, open::find};
use crate::report::{self, Told};

/// Write one HTML page about a run or several, and their curves as SVG
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The page stands by itself: it loads nothing, and needs no server. Runs that differ in their seed alone are drawn with their
mean and spread; a control (`--set control=random-reward`) stands beside them. Runs of other engines and files of
completions have reports too, with what is known of them.

Examples:
  aha-lab report runs/first-aha ./report
  aha-lab report seed1 seed2 seed3 random1 random2 random3 ./report")]
pub struct ReportArgs {
    /// Run directories, unique parts of their names, or files; and the folder to write, last
    #[arg(value_name = "RUN.. DIR", required = true, num_args = 2..)]
    pub paths: Vec<String>,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
}

/// The page of a report.
const PAGE: &str = "index.html";

/// Writes the report and returns the exit code.
///
/// # Errors
/// A run that cannot be found or read, or a folder that holds something else.
pub fn run(args: &ReportArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let [names @ .., folder] = &args.paths[..] else {
        return Err(Failure("Name at least one run, and then the folder to write.".into()));
    };
    let folder = Path::new(folder);
    if folder.join("config.toml").exists() || folder.is_file() {
        return Err(Failure(format!(
            "{} is a run or a file, and the last name is the folder to write the report into; name one more.",
            folder.display()
        )));
    }
    let mut told = Vec::new();
    for name in names {
        told.push(Told::of(&find(&args.runs, name)?)?);
    }
    write_folder(folder, &report::files(&told))?;
    writeln!(stdout, "{}", folder.join(PAGE).display())?;
    Ok(0)
}
