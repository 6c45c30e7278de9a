//! Runs in the background: the program starts itself again without a terminal, and waits until the run has
//! begun.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crossbeam_channel::{Receiver, bounded};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Failure, farewell};
use crate::{
    runs::directory::ENGINE_LOG,
    system::{files::Folder, output::printable_within_line, platform},
    tui::store::shelf::Fork,
};

/// The one line that the background process sends to the one that started it.
#[derive(Serialize, Deserialize)]
struct Begun {
    run: PathBuf,
    process: u32,
}

/// Starts the same command in the background and returns the exit code.
///
/// # Errors
/// If the program cannot be started again, or output cannot be written.
pub fn start(as_json: bool, mut stdout: impl Write) -> Result<i32, Failure> {
    if !cfg!(unix) {
        return Err(Failure("This system cannot detach a run; use `aha-lab run --headless`.".into()));
    }
    let mut child = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--in-background")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    let Ok(begun) = serde_json::from_str::<Begun>(&line) else {
        // It has explained itself on standard error, which is still ours.
        return Ok(child.wait()?.code().unwrap_or(1).max(1));
    };
    if as_json {
        writeln!(stdout, "{}", json!({"run": begun.run, "process": begun.process}))?;
    } else {
        let name = printable_within_line(&begun.run.display().to_string());
        writeln!(stdout, "{name} is training in the background (process {}).", begun.process)?;
        writeln!(
            stdout,
            "Watch and command it with `{}`; SIGTERM also ends it safely.",
            farewell::open([begun.run.as_path()])
        )?;
    }
    Ok(0)
}

/// Steps that a fork from the screen makes beyond its checkpoint, unless it is told another last step.
const FORK_STEPS: u64 = 100;

/// Starts a fork in the background for a screen that goes on meanwhile; the channel tells where it is, or why it did not begin.
///
/// # Errors
/// A sentence that says why nothing can be started.
pub(super) fn fork(runs: &Path, fork: &Fork) -> Result<Receiver<Result<PathBuf, String>>, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("The program cannot find itself: {error}."))?;
    let mut command = Command::new(program);
    command.args(["run", "--detach", "--json", "--runs"]).arg(runs);
    command.arg("--fork").arg(format!("{}@{}", fork.run.display(), fork.step));
    command.arg("--steps").arg(fork.last_step.unwrap_or(fork.step + FORK_STEPS).to_string());
    for (key, value) in &fork.keys {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let (send, told) = bounded(1);
    std::thread::Builder::new()
        .name("forker".into())
        .spawn(move || {
            let _ = send.send(begun(command));
        })
        .map_err(|error| format!("No thread can be started: {error}."))?;
    Ok(told)
}

/// Waits until the run of this command has begun.
fn begun(mut command: Command) -> Result<PathBuf, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    match serde_json::from_slice::<Begun>(&output.stdout) {
        Ok(begun) => Ok(begun.run),
        Err(_) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(printable_within_line(said.trim().lines().last().unwrap_or("it gave no reason")))
        }
    }
}

/// Reports that the run has begun, and releases the terminal. The run continues even if its starter has gone,
/// or if there is no log to send standard error to: it has its own journal.
pub fn report(run: &Path, mut stdout: impl Write) {
    let begun = Begun { run: run.to_owned(), process: std::process::id() };
    let _ = serde_json::to_writer(&mut stdout, &begun)
        .map_err(io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    let log = Folder::open(run).and_then(|run| run.append(ENGINE_LOG)).ok();
    let _ = platform::leave_terminal(log.as_ref());
}
