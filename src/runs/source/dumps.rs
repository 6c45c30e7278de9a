//! Files of completions that are JSON: an object a line, or one list of objects.

use std::{io::Read as _, path::Path};

use serde_json::{Map, Value};

use super::{logs::python_json, watched::Read, written::Written};
use crate::{
    runs::{lines::LineSplitter, reader::LONGEST_ROLLOUT_LINE},
    system::files,
};

/// The largest file that is read.
const MOST_BYTES: u64 = 1 << 30;
/// The largest list, which is read whole.
const MOST_LIST_BYTES: u64 = 256 << 20;
/// Most warnings about one file.
const MOST_WARNINGS: usize = 5;
const CHUNK: usize = 256 * 1024;

/// The fields of an object.
pub(super) type Fields = Map<String, Value>;

/// Reads a file of JSON lines. `of` makes a completion of a line, or says why it is none.
///
/// # Errors
/// If the file cannot be read at all.
pub(super) fn json_lines(
    path: &Path,
    of: impl Fn(Fields) -> Result<Written, String>,
) -> Result<Read, String> {
    let mut file = files::open_unlinked(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length > MOST_BYTES {
        return Err(format!("it has {length} bytes; the limit is {MOST_BYTES}"));
    }
    let mut read = Read::default();
    let mut splitter = LineSplitter::new(LONGEST_ROLLOUT_LINE);
    let mut bad = 0;
    let mut take = |splitter: &mut LineSplitter, bytes: &[u8], read: &mut Read| {
        splitter.feed(bytes, |line| {
            let found = match line.content {
                Some(text) if text.trim_ascii().is_empty() => return,
                Some(text) => python_json(text).and_then(&of),
                None => Err("it is too long".into()),
            };
            match found {
                Ok(written) => read.completions.push(written),
                Err(reason) => {
                    bad += 1;
                    if bad <= MOST_WARNINGS {
                        let place = format!("{}, line {}", path.display(), line.number);
                        read.warnings.push(format!("{place}, is skipped: {reason}."));
                    }
                }
            }
        });
    };
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.to_string()),
        };
        take(&mut splitter, &chunk[..count], &mut read);
        if splitter.position() > MOST_BYTES {
            return Err("it grows while it is read".into());
        }
    }
    read.is_torn = splitter.is_within_line() || splitter.position() == 0;
    // Some writers end the last line, some do not.
    take(&mut splitter, b"\n", &mut read);
    if bad > MOST_WARNINGS {
        read.warnings.push(format!("{}: {} more lines are skipped.", path.display(), bad - MOST_WARNINGS));
    }
    Ok(read)
}

/// Reads a file that is one JSON list of objects.
///
/// # Errors
/// If it is none.
pub(super) fn json_list(path: &Path, of: impl Fn(Fields) -> Result<Written, String>) -> Result<Read, String> {
    let file = files::open_unlinked(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length > MOST_LIST_BYTES {
        return Err(format!("it has {length} bytes; the limit is {MOST_LIST_BYTES}"));
    }
    let bytes = files::read_most(&file, MOST_LIST_BYTES).map_err(|error| error.to_string())?;
    let list: Vec<Fields> = python_json(&bytes)?;
    let mut read = Read::default();
    for (at, fields) in list.into_iter().enumerate() {
        match of(fields) {
            Ok(written) => read.completions.push(written),
            Err(reason) if read.warnings.len() < MOST_WARNINGS => {
                read.warnings.push(format!("{}, entry {}, is skipped: {reason}.", path.display(), at + 1));
            }
            Err(_) => {}
        }
    }
    Ok(read)
}

/// Takes a text out of the fields.
///
/// # Errors
/// That it is missing, or no text.
pub(super) fn take_text(fields: &mut Fields, name: &str) -> Result<String, String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("its `{name}` is no text")),
        None => Err(format!("it has no `{name}`")),
    }
}

/// Takes a number out of the fields; `None` if there is none, or `null`.
pub(super) fn take_number(fields: &mut Fields, name: &str) -> Option<f64> {
    let number = fields.get(name)?.as_f64()?;
    fields.remove(name);
    Some(number)
}
