//! Finds where a step ends in a log, without reading all of it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use serde::Deserialize;

use crate::system::files;

/// Where the lines of the steps up to `step` end in a log with ascending steps: the log's length if no later
/// step follows, 0 if there is no log. Reads some dozens of lines, however long the log is.
pub(crate) fn end_of(path: &Path, step: u64, longest_line: usize) -> io::Result<u64> {
    let file = match files::open_unlinked(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    // Every line before `low` is of a wanted step, and no line that begins at or after `high` is.
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_line_from(&mut file, middle, high, longest_line)? {
            Some((end, found)) if found <= step => low = end,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The end and the step of the first record that begins at or after `from`, and before `before`.
fn first_line_from(
    file: &mut BufReader<File>,
    from: u64,
    before: u64,
    longest_line: usize,
) -> io::Result<Option<(u64, u64)>> {
    #[derive(Deserialize)]
    struct Line {
        step: u64,
    }

    // Starting one byte earlier, a line that begins right at `from` is not skipped.
    let mut start = from.saturating_sub(1);
    file.seek(SeekFrom::Start(start))?;
    if from > 0 {
        start += skip_line(file)?;
    }
    let mut line = Vec::new();
    while start < before {
        line.clear();
        let mut read = file.by_ref().take(longest_line as u64).read_until(b'\n', &mut line)? as u64;
        if !line.ends_with(b"\n") {
            // Too long, or torn.
            read += skip_line(file)?;
            line.clear();
        }
        if read == 0 {
            return Ok(None);
        }
        if let Ok(Line { step }) = serde_json::from_slice(&line) {
            return Ok(Some((start + read, step)));
        }
        start += read;
    }
    Ok(None)
}

/// Skips the rest of a line and returns its length in bytes.
fn skip_line(file: &mut BufReader<File>) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = file.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        file.consume(used);
        skipped += used as u64;
        if used == 0 || end.is_some() {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn it_is_where_reading_everything_finds_it(
            lines in vec((0..4u64, 0..300usize, 0..8u8), 0..40),
            wanted in 0..40u64,
            torn in any::<bool>(),
        ) {
            let (mut text, mut step, mut end) = (String::new(), 0, 0);
            for (more, length, kind) in &lines {
                step += more;
                match kind {
                    0 => text += "not a record\n",
                    1 => text += "\n",
                    _ => text += &format!("{{\"step\":{step},\"text\":\"{}\"}}\n", "x".repeat(*length)),
                }
                // Lines that are not records belong to their neighbours.
                if *kind > 1 && step <= wanted {
                    end = text.len() as u64;
                }
            }
            if torn {
                text += "{\"step\":0,\"te";
            }
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            fs::write(&path, &text).unwrap();
            let found = end_of(&path, wanted, 1000).unwrap();
            let between = text.get(end as usize..found as usize);
            prop_assert!(between.is_some_and(|between| !between.contains("{\"step\":")), "{end} {found} in {text}");
        }
    }

    #[test]
    fn a_log_that_is_not_there_ends_at_its_beginning_and_long_lines_are_no_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(end_of(&path, 5, 100).unwrap(), 0);
        let long = format!("{{\"step\":9,\"text\":\"{}\"}}\n", "x".repeat(1000));
        let text = format!("{{\"step\":1}}\n{long}{{\"step\":2}}\n{{\"step\":3}}\n");
        fs::write(&path, &text).unwrap();
        assert_eq!(end_of(&path, 2, 100).unwrap(), text.len() as u64 - 11);
        assert_eq!(end_of(&path, 9, 100).unwrap(), text.len() as u64);
    }
}
