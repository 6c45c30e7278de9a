//! Runs in the background: the program starts itself again without a terminal, and waits until the run has
//! begun.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Failure, farewell};
use crate::{
    runs::directory::ENGINE_LOG,
    system::{files::Folder, output::printable_within_line, platform},
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
