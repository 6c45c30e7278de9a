//! What a person does with a run of the list: name it, tag it, annotate it, delete it.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use clap::Args;
use serde_json::json;

use crate::{
    cli::Failure,
    metrics::format,
    runs::{
        RunDirectory,
        notes::{self, Notes},
        overview::Overview,
    },
    system::output::{self, printable_within_line},
};

/// What is done with one run.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub struct Deed {
    /// Set the tags of a run, told by commas; '' removes them
    #[arg(long, num_args = 2, value_names = ["RUN", "TAGS"])]
    pub tag: Option<Vec<String>>,
    /// Set the note of a run; '' removes it
    #[arg(long, num_args = 2, value_names = ["RUN", "TEXT"])]
    pub note: Option<Vec<String>>,
    /// Give a run another name; '' takes it away
    #[arg(long, num_args = 2, value_names = ["RUN", "NAME"])]
    pub rename: Option<Vec<String>>,
    /// Delete a run with its checkpoints, after asking
    #[arg(long, value_name = "RUN")]
    pub delete: Option<String>,
}

impl Deed {
    /// Whether something is to be done.
    pub(super) fn is_asked(&self) -> bool {
        self.tag.is_some() || self.note.is_some() || self.rename.is_some() || self.delete.is_some()
    }

    /// Does it and returns the exit code. `yes` is the answer to the question before a deletion.
    ///
    /// # Errors
    /// A run that cannot be found, or that must not be touched; output that cannot be written.
    pub(super) fn run(
        &self,
        runs: &Path,
        yes: bool,
        as_json: bool,
        mut stdout: impl Write,
    ) -> Result<i32, Failure> {
        if let Some(name) = &self.delete {
            return delete(runs, &RunDirectory::find(runs, name)?, yes, as_json, stdout);
        }
        let run;
        if let Some([name, tags]) = self.tag.as_deref() {
            run = RunDirectory::find(runs, name)?;
            let tags = notes::tags_in(tags);
            notes::write(runs, &run, &Notes { tags, ..notes::read(&run)? })?;
        } else if let Some([name, note]) = self.note.as_deref() {
            run = RunDirectory::find(runs, name)?;
            let note = note.trim_end().to_owned();
            notes::write(runs, &run, &Notes { note, ..notes::read(&run)? })?;
        } else if let Some([name, new]) = self.rename.as_deref() {
            run = RunDirectory::find(runs, name)?;
            notes::rename(runs, &run, new)?;
        } else {
            return Ok(0);
        }
        let notes = notes::read(&run)?;
        if as_json {
            writeln!(stdout, "{}", json!({"run": run.path(), "notes": notes}))?;
            return Ok(0);
        }
        writeln!(stdout, "{}", printable_within_line(&run.name()))?;
        for (what, said) in [("name", &notes.name), ("tags", &notes.tags.join(", ")), ("note", &notes.note)] {
            if !said.is_empty() {
                writeln!(stdout, "  {what}  {}", said.replace('\n', "\n        "))?;
            }
        }
        Ok(0)
    }
}

fn delete(
    runs: &Path,
    run: &RunDirectory,
    yes: bool,
    as_json: bool,
    mut stdout: impl Write,
) -> Result<i32, Failure> {
    if !yes && !is_wanted(runs, run)? {
        output::say("Nothing was deleted.");
        return Ok(1);
    }
    notes::delete(runs, run)?;
    match as_json {
        true => writeln!(stdout, "{}", json!({"deleted": run.path()}))?,
        false => writeln!(stdout, "{} is deleted.", printable_within_line(&run.name()))?,
    }
    Ok(0)
}

/// Asks, with what would be lost.
fn is_wanted(runs: &Path, run: &RunDirectory) -> Result<bool, Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure(format!(
            "{} was not deleted: there is no terminal to ask on. Add --yes to delete it without being asked.",
            run.name()
        )));
    }
    let overview = Overview::of(run);
    let forks: Vec<String> = RunDirectory::list(runs)?
        .iter()
        .filter(|other| {
            let parent = other.meta().parent;
            parent.is_some_and(|parent| Path::new(&parent.run).file_name() == run.path().file_name())
        })
        .map(RunDirectory::name)
        .collect();
    if !forks.is_empty() {
        output::say(format_args!(
            "Its steps are the beginning of {}, which would lose them.",
            forks.join(", ")
        ));
    }
    let question = format!(
        "Delete {} for good ({} {}, {})? [y/N] ",
        printable_within_line(&run.name()),
        overview.steps,
        if overview.steps == 1 { "step" } else { "steps" },
        format::bytes(overview.bytes)
    );
    let mut stderr = io::stderr();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
