//! Reads the JSON lines that `score` and `analyze` accept, one completion per line.
//!
//! A bad line never stops the reading: it is reported as a sentence with its line number, and the next line
//! is read. Memory stays bounded whatever the input is.

use std::{
    error::Error,
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    record::{NumberPuzzle, Puzzle},
    system::files,
    task::numbers::MAX_NUMBERS,
};

/// Longest line that is read, in bytes. A longer one is skipped without being held in memory.
pub(crate) const MAX_LINE_BYTES: usize = 8 << 20;

/// The largest absolute value of a given number or a target: two to the 53rd, up to which every JSON
/// program reads an integer exactly.
const MAX_MAGNITUDE: u64 = 1 << 53;

/// One line of input. Other fields are ignored, so that a run's `rollouts.jsonl` can be read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ScoreInput {
    /// The task's name; Countdown if omitted.
    #[serde(default)]
    pub task: Option<String>,
    /// The given numbers.
    pub numbers: Vec<i64>,
    /// The value to reach.
    pub target: i64,
    /// What the model wrote after the prompt.
    pub completion: String,
    /// What it earned, in the lines of a run; anything else is nothing.
    #[serde(default)]
    pub reward: Value,
    /// What was taken off that, by name.
    #[serde(default)]
    pub penalties: Value,
}

impl ScoreInput {
    /// The numbers and the target.
    pub fn numbers(&self) -> NumberPuzzle {
        NumberPuzzle { numbers: self.numbers.clone(), target: self.target }
    }

    /// The puzzle that the completion answers.
    pub fn puzzle(&self) -> Puzzle {
        self.numbers().into()
    }
}

/// What is printed instead of an answer for a bad line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LineError<'a> {
    /// What is wrong with the line, as a sentence.
    pub error: &'a str,
    /// Its number in the input; the first line is 1.
    pub line: u64,
}

/// Calls `visit` with the number of every line that is not blank (the first line of the input is 1) and with
/// its content, or a sentence that says what is wrong with it.
///
/// # Errors
/// The first error of `reader` or of `visit` ends the reading and is returned.
pub(crate) fn for_each_line(
    reader: impl BufRead,
    mut visit: impl FnMut(u64, Result<ScoreInput, String>) -> io::Result<()>,
) -> io::Result<()> {
    for_each_text(reader, |number, text| visit(number, text.and_then(parse_line)))
}

/// Like [`for_each_line`], with the text of the line as it is, without the white space around it.
///
/// # Errors
/// As for [`for_each_line`].
pub(super) fn for_each_text(
    mut reader: impl BufRead,
    mut visit: impl FnMut(u64, Result<&[u8], String>) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        // One long line must not keep its memory for the rest of a long input.
        line.shrink_to(1 << 16);
        let limit = MAX_LINE_BYTES as u64 + 1;
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        if !whole && line.len() > MAX_LINE_BYTES {
            reader.skip_until(b'\n')?;
            let message = format!("The line is longer than {MAX_LINE_BYTES} bytes, which is the limit.");
            visit(number, Err(message))?;
            continue;
        }
        let mut text = line.as_slice();
        if number == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let text = text.trim_ascii();
        if !text.is_empty() {
            visit(number, Ok(text))?;
        }
    }
}

/// Runs `answer` on every line of FILE (`-` or none for `stdin`) and writes the results, one JSON object per
/// line. A line that cannot be read, or that `answer` refuses, gives a [`LineError`] instead; returns how
/// many did. If the reader of the output has gone away, the work ends without error.
///
/// # Errors
/// A file that cannot be opened or read, or output that cannot be written, as a sentence.
pub(crate) fn answer_lines<A: Serialize>(
    file: Option<&Path>,
    stdin: impl Read,
    stdout: impl Write,
    answer: impl FnMut(ScoreInput) -> Result<A, String>,
) -> Result<u64, Box<dyn Error>> {
    let name = file.filter(|path| *path != Path::new("-"));
    answer_opened(name.map(|path| (path, files::open_stream(path))), stdin, stdout, answer)
}

/// Like [`answer_lines`], for a file that is already open, or could not be opened.
///
/// # Errors
/// As for [`answer_lines`].
pub(crate) fn answer_opened<A: Serialize>(
    file: Option<(&Path, io::Result<File>)>,
    stdin: impl Read,
    stdout: impl Write,
    mut answer: impl FnMut(ScoreInput) -> Result<A, String>,
) -> Result<u64, Box<dyn Error>> {
    let mut bad_lines = 0;
    let mut output = io::BufWriter::new(stdout);
    let mut progress = LineProgress::new(None);
    let mut write_failure = None;
    let visit = |line: u64, input: Result<ScoreInput, String>| {
        let written = match input.and_then(&mut answer) {
            Ok(answer) => write_json_line(&mut output, &answer),
            Err(error) => {
                bad_lines += 1;
                write_json_line(&mut output, &LineError { error: &error, line })
            }
        };
        progress.advance();
        written.map_err(|error| {
            let kind = error.kind();
            write_failure = Some(error);
            kind.into()
        })
    };
    let name = file.as_ref().map(|(path, _)| *path);
    let read = match file {
        Some((path, opened)) => {
            let opened = opened.map_err(|error| {
                format!("Cannot open {}: {error}. Name a file of JSON lines, or - for stdin.", path.display())
            })?;
            for_each_line(BufReader::new(opened), visit)
        }
        None => for_each_line(BufReader::new(stdin), visit),
    };
    if write_failure.is_none() {
        if let Err(error) = read {
            // Answers from before the reading failed are still worth having.
            output.flush().ok();
            let source = name.map_or_else(|| "standard input".into(), |path| path.display().to_string());
            return Err(format!("Cannot read {source}: {error}.").into());
        }
        write_failure = output.flush().err();
    }
    match write_failure {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("Cannot write the answers: {error}.").into())
        }
        _ => Ok(bad_lines),
    }
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// What `output` returns.
pub(crate) fn write_json_line(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")
}

/// A count of lines on stderr for work that takes more than two seconds. Silent if stderr is not a terminal,
/// or if stdout is one and shows the lines themselves.
pub(crate) struct LineProgress {
    started: Instant,
    total: Option<u64>,
    done: u64,
    bar: Option<ProgressBar>,
    silent: bool,
}

impl LineProgress {
    /// For `total` lines, if their number is known.
    pub fn new(total: Option<u64>) -> Self {
        let silent = !io::stderr().is_terminal() || io::stdout().is_terminal();
        Self { started: Instant::now(), total, done: 0, bar: None, silent }
    }

    /// One more line is done.
    pub(crate) fn advance(&mut self) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        } else if !self.silent && self.started.elapsed() > Duration::from_secs(2) {
            let bar = self.total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            self.bar = Some(bar.with_position(self.done));
        }
    }
}

impl Drop for LineProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Reads one line.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn parse_line(text: &[u8]) -> Result<ScoreInput, String> {
    let expected = r#"expected {"numbers":[3,7,25],"target":78,"completion":"..."}"#;
    let text =
        str::from_utf8(text).map_err(|error| format!("The line is not UTF-8 text: {error}; {expected}."))?;
    // Serde would also accept the fields as a JSON array, which nobody means.
    if !text.starts_with('{') {
        return Err(format!("The line is not a JSON object; {expected}."));
    }
    let input: ScoreInput = serde_json::from_str(text).map_err(|error| {
        // The line number of serde_json counts within this one line and would mislead.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        match error.classify() {
            serde_json::error::Category::Data => {
                format!("The line has a wrong or missing field: {message}; {expected}.")
            }
            _ => format!("The line is not valid JSON: {message} at column {}; {expected}.", error.column()),
        }
    })?;
    if input.numbers.is_empty() {
        return Err("The line has no numbers: \"numbers\" must hold at least one.".into());
    }
    if input.numbers.len() > MAX_NUMBERS {
        let count = input.numbers.len();
        return Err(format!("The line has {count} numbers; at most {MAX_NUMBERS} are allowed."));
    }
    let too_large = |value: &&i64| value.unsigned_abs() > MAX_MAGNITUDE;
    if let Some(value) = input.numbers.iter().chain([&input.target]).find(too_large) {
        return Err(format!("The value {value} is out of range: it must be within {MAX_MAGNITUDE} of 0."));
    }
    Ok(input)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"numbers":[1,2],"target":3,"completion":"x"}"#;

    fn read(input: &[u8]) -> Vec<(u64, Result<ScoreInput, String>)> {
        let mut seen = Vec::new();
        for_each_line(input, |number, line| {
            seen.push((number, line));
            Ok(())
        })
        .unwrap();
        seen
    }

    #[test]
    fn lines_are_numbered_as_an_editor_numbers_them() {
        let input = format!("\u{feff}{GOOD}\n\n  \r\nnonsense\n{GOOD}\r\n{GOOD}");
        let seen = read(input.as_bytes());
        let numbers: Vec<_> = seen.iter().map(|(number, line)| (*number, line.is_ok())).collect();
        assert_eq!(numbers, [(1, true), (4, false), (5, true), (6, true)]);
        assert_eq!(seen[0].1.as_ref().unwrap().numbers(), NumberPuzzle { numbers: vec![1, 2], target: 3 });
    }

    #[test]
    fn an_overlong_line_is_skipped_and_the_next_is_read() {
        let mut input = vec![b'('; MAX_LINE_BYTES + 1];
        input.push(b'\n');
        input.extend_from_slice(GOOD.as_bytes());
        // The longest allowed line: padded with blanks to the limit.
        input.push(b'\n');
        input.extend_from_slice(GOOD.as_bytes());
        input.resize(input.len() + MAX_LINE_BYTES - GOOD.len(), b' ');
        input.push(b'\n');
        input.extend_from_slice(GOOD.as_bytes());
        let seen = read(&input);
        assert!(seen[0].1.as_ref().unwrap_err().contains("longer than 8388608 bytes"));
        let numbers: Vec<_> = seen.iter().map(|(number, line)| (*number, line.is_ok())).collect();
        assert_eq!(numbers, [(1, false), (2, true), (3, true), (4, true)]);
    }

    #[test]
    fn every_kind_of_bad_line_says_what_is_wrong() {
        let too_many = format!(r#"{{"numbers":[{}1],"target":3,"completion":""}}"#, "1,".repeat(MAX_NUMBERS));
        for (line, words) in [
            (r#"{"numbers":[1],"target":3,"completion":"x""#, "not valid JSON: EOF"),
            (r#"{"numbers":[1],"target":3}"#, "missing field `completion`"),
            (r#"{"numbers":[1.5],"target":3,"completion":""}"#, "wrong or missing field"),
            (r#"{"numbers":[],"target":3,"completion":""}"#, "at least one"),
            (r#"{"numbers":[1],"target":9007199254740993,"completion":""}"#, "out of range"),
            (r#"{"numbers":[-9223372036854775808],"target":1,"completion":""}"#, "out of range"),
            (r#"{"numbers":[9223372036854775808],"target":1,"completion":""}"#, "wrong or missing field"),
            (too_many.as_str(), "has 65 numbers"),
            (r#"["countdown",[1],3,"x"]"#, "not a JSON object"),
        ] {
            let seen = read(line.as_bytes());
            let message = seen[0].1.as_ref().expect_err(line);
            assert!(message.contains(words), "{line}: {message}");
        }
        assert!(read(b"{\"numbers\xff")[0].1.as_ref().unwrap_err().contains("not UTF-8"));
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_gone_away_is_no_error() {
        let many = format!("{GOOD}\n").repeat(10_000);
        let mut answered = 0;
        let bad = answer_lines(None, many.as_bytes(), Closed, |_| {
            answered += 1;
            Ok("an answer")
        });
        assert_eq!(bad.unwrap(), 0);
        assert!((1..10_000).contains(&answered));
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = Path::new("no/such/file.jsonl");
        let error = answer_lines(Some(missing), io::empty(), io::sink(), |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("no/such/file.jsonl"));
    }
}
