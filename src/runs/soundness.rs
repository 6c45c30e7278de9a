//! A quick soundness check of the logs: one pass over the bytes, without parsing the lines.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    directory::{CONFIG, EVENTS, METRICS, ROLLOUTS, RunDirectory},
    error::RunError,
    pinned::PINNED,
    state::TrainingState,
};
use crate::{config::Config, system::files::Folder};

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// Sentences about lines in a run's logs, up to where a checkpoint was made, that are not records: the file
/// was damaged, or something else wrote to it. The run continues without such lines, and whoever resumes it
/// is told.
///
/// # Errors
/// A log exists but cannot be read.
pub(crate) fn doubts(run: &Folder, state: &TrainingState) -> Result<Vec<String>, RunError> {
    let logs = [
        (METRICS, state.metrics_bytes),
        (ROLLOUTS, state.rollouts_bytes),
        (EVENTS, state.events_bytes),
        (PINNED, state.pinned_bytes),
    ];
    let mut doubts = Vec::new();
    for (name, length) in logs {
        let path: PathBuf = run.path().join(name);
        let found = match run.read(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.and_then(|file| look(file.take(length))).map_err(RunError::io("read", &path))?,
        };
        doubts.extend(found.sentence(&path));
    }
    Ok(doubts)
}

/// Sentences about entries of a run's `config.toml` that are ignored because the run resumes with its
/// checkpoint's configuration.
pub(crate) fn doubts_of_config(run: &RunDirectory, config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    // Whoever needs an unreadable one reports it.
    let Ok((file, unknown)) = run.config_and_unknown() else { return doubts };
    let path = run.path().join(CONFIG);
    let path = path.display();
    if !unknown.is_empty() {
        doubts.push(format!(
            "{path} has unknown keys in its [provenance] table, which are ignored: {}. Settings belong above that \
             table.",
            unknown.join(", ")
        ));
    }
    let of = |config: &Config, key| config.get(key).unwrap_or_default();
    for key in Config::keys().filter(|key| !key.live && key.name != "stop") {
        let (says, is) = (of(&file.config, key.name), of(config, key.name));
        if says != is {
            doubts.push(format!(
                "{path} says {} = {says}, but the run began with {is} and keeps it; another value needs a fork \
                 (--fork RUN@STEP --set {}={says}).",
                key.name, key.name
            ));
        }
    }
    doubts
}

/// What was found in one log.
#[derive(Debug, Default, PartialEq, Eq)]
struct Doubt {
    /// Lines that are not records.
    lines: u64,
    /// The number of the first, from 1.
    first: u64,
    /// How many of them hold bytes that cannot occur in text.
    binary: u64,
}

impl Doubt {
    fn sentence(&self, path: &Path) -> Option<String> {
        let Self { lines, first, binary } = self;
        let why = if *binary > 0 { "binary data" } else { "something else" };
        let path = path.display();
        match lines {
            0 => None,
            1 => Some(format!("{path}: line {first} is not a record but {why}; it is skipped.")),
            _ => Some(format!(
                "{path}: {lines} lines are not records but {why}, the first is line {first}; they are skipped."
            )),
        }
    }
}

fn look(mut log: impl Read) -> io::Result<Doubt> {
    let mut doubt = Doubt::default();
    let mut chunk = vec![0; CHUNK];
    let (mut number, mut first, mut last, mut binary) = (1, None, b' ', false);
    loop {
        let read = match log.read(&mut chunk) {
            Ok(0) => return Ok(doubt),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for &byte in &chunk[..read] {
            match byte {
                b'\n' => {
                    // A blank line is not a record.
                    if binary || first.is_some_and(|first| first != b'{' || last != b'}') {
                        doubt.lines += 1;
                        doubt.binary += u64::from(binary);
                        doubt.first = if doubt.lines == 1 { number } else { doubt.first };
                    }
                    (number, first, binary) = (number + 1, None, false);
                }
                b' ' | b'\t' | b'\r' => {}
                _ => {
                    binary |= byte < 0x20;
                    first = first.or(Some(byte));
                    last = byte;
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_records_are_counted() {
        let of = |text: &[u8]| look(text).unwrap();
        assert_eq!(of(b""), Doubt::default());
        assert_eq!(of(b"{\"a\":1}\n\n {} \r\n{\"unfinished\":"), Doubt::default());
        assert_eq!(of(b"{}\n{\"a\":\0}\n{}\n"), Doubt { lines: 1, first: 2, binary: 1 });
        assert_eq!(of(b"\0\0\0\n{\"cut o\n{}\n[1]\n"), Doubt { lines: 3, first: 1, binary: 1 });
        let long = [b"{".to_vec(), vec![b'x'; 3 * CHUNK], b"}\n{\n".to_vec()].concat();
        assert_eq!(of(&long), Doubt { lines: 1, first: 2, binary: 0 });
        let said = of(b"{}\n\0\n").sentence(Path::new("a/metrics.jsonl")).unwrap();
        assert!(said.contains("line 2") && said.contains("binary data") && said.ends_with('.'), "{said}");
    }
}
