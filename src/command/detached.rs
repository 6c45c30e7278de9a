//! Runs in the background: the program starts itself again without a terminal, and waits until that run has begun.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Failure, farewell, printable};
use crate::{files::Folder, platform, run::directory::ENGINE_LOG};

/// What the process in the background tells the one that started it, in one line.
#[derive(Serialize, Deserialize)]
struct Begun {
    run: PathBuf,
    process: u32,
}

/// Starts the same command in the background; the exit code.
///
/// # Errors
/// When the program cannot be started again, or output cannot be written.
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
        // It has said why on standard error, which is still ours.
        return Ok(child.wait()?.code().unwrap_or(1).max(1));
    };
    if as_json {
        writeln!(stdout, "{}", json!({"run": begun.run, "process": begun.process}))?;
    } else {
        let name = printable(&begun.run.display().to_string());
        writeln!(stdout, "{name} is training in the background (process {}).", begun.process)?;
        writeln!(
            stdout,
            "See and command it with `{}`; a SIGTERM ends it safely too.",
            farewell::open(&begun.run)
        )?;
    }
    Ok(0)
}

/// Tells that a run has begun, and lets go of the terminal.
///
/// # Errors
/// What the system answered.
pub fn report(run: &Path, mut stdout: impl Write) -> Result<(), Failure> {
    let begun = Begun { run: run.to_owned(), process: std::process::id() };
    writeln!(stdout, "{}", serde_json::to_string(&begun)?)?;
    stdout.flush()?;
    platform::leave_terminal(&Folder::open(run)?.append(ENGINE_LOG)?)?;
    Ok(())
}
