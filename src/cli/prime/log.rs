//! The log of a priming: `priming.jsonl`, a line for each update.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use crate::{cli::Failure, pretrain::priming::Line, system::files};

/// Largest log that is read, bytes.
const MOST_BYTES: u64 = 256 << 20;

/// The open log.
pub(super) struct LossLog {
    path: PathBuf,
    file: File,
}

impl LossLog {
    /// Opens the log of a folder, without the lines of updates that have to be made again.
    pub fn continued(folder: &Path, done: u64) -> Result<Self, Failure> {
        let path = folder.join("priming.jsonl");
        let kept = read(&path)?.into_iter().filter(|line| line.update <= done);
        let mut text = String::new();
        for line in kept {
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        files::write(&path, text.as_bytes()).map_err(|error| named(&path, &error))?;
        let file = files::append(&path).map_err(|error| named(&path, &error))?;
        Ok(Self { path, file })
    }

    /// Writes a line.
    pub fn write(&mut self, line: &Line) -> Result<(), Failure> {
        let text = format!("{}\n", serde_json::to_string(line)?);
        self.file.write_all(text.as_bytes()).map_err(|error| named(&self.path, &error))
    }

    /// The first and the last line.
    pub fn losses(&self) -> Result<[Option<Line>; 2], Failure> {
        let lines = read(&self.path)?;
        Ok([lines.first().copied(), lines.last().copied()])
    }
}

/// The whole lines of a log; none if there is no log.
fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    if std::fs::symlink_metadata(path).is_err() {
        return Ok(Vec::new());
    }
    let bytes = files::read(path, MOST_BYTES).map_err(|error| named(path, &error))?;
    Ok(bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn named(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: {error}.", path.display()))
}
