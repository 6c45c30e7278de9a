//! What the commands print: to standard output through [`Output`], to standard error with [`say`]. A lint
//! rejects `println!` and `eprintln!`; only the screens write to the terminal themselves.
//!
//! Text from a model or a file may contain terminal commands, so control characters are escaped, in the same
//! way everywhere. The reader may also have gone, or the disk behind a redirection may be full: `println!`
//! and `eprintln!` would then panic and end a run for lack of a reader.

use std::{
    fmt::{self, Display, Write as _},
    io::{self, Write},
    sync::OnceLock,
};

/// Text that is safe to print: control characters are escaped, except line breaks and tabs.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            _ => push(&mut shown, character),
        }
    }
    shown
}

/// The same for text within a line: line breaks and tabs are escaped too.
pub(crate) fn printable_within_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| push(&mut shown, character));
    shown
}

/// Appends a character, escaping control characters as in JSON, so that JSON remains valid.
fn push(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ if character.is_control() => {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        }
        _ => shown.push(character),
    }
}

/// Prints a line to standard error. Failure to print is ignored.
pub fn say(line: impl Display) {
    say_to(&mut io::stderr().lock(), line);
}

fn say_to(out: &mut impl Write, line: impl Display) {
    // A single write, so that output of other processes cannot split the line.
    let _ = out.write_all(format!("{}\n", printable(&line.to_string())).as_bytes());
}

/// Why standard output can no longer be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    kind: io::ErrorKind,
    cause: String,
}

/// The first failure of standard output.
static LOST: OnceLock<Lost> = OnceLock::new();

impl Lost {
    /// Whether the reader has simply seen enough, as in `| head`: not a failure, and nothing to report.
    pub fn is_enough(&self) -> bool {
        self.kind == io::ErrorKind::BrokenPipe
    }
}

impl Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Standard output cannot be written: {}.", self.cause)
    }
}

/// Why standard output can no longer be written; `None` if it can.
pub fn lost() -> Option<&'static Lost> {
    LOST.get()
}

/// Standard output with control characters escaped.
pub fn stdout() -> Output<io::Stdout> {
    Output { inner: io::stdout(), begun: false, lost: &LOST }
}

/// A stream that escapes control characters in whatever is written, text or JSON.
pub struct Output<W> {
    inner: W,
    /// The first byte of a possible control character has been held back.
    begun: bool,
    lost: &'static OnceLock<Lost>,
}

/// First byte of the characters U+0080 to U+00BF, of which the first half are control characters.
const LATIN: u8 = 0xc2;

impl<W: Write> Output<W> {
    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done {
            self.lost.get_or_init(|| Lost { kind: error.kind(), cause: error.to_string() });
        }
        done
    }

    /// The bytes as they may be printed.
    fn spelt(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut spelt = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            let begun = std::mem::replace(&mut self.begun, byte == LATIN);
            if begun && matches!(byte, 0x80..=0x9f) {
                spelt.extend(format!("\\u{byte:04x}").bytes());
                continue;
            }
            if begun {
                spelt.push(LATIN);
            }
            match byte {
                LATIN => {}
                b'\n' | b'\t' => spelt.push(byte),
                b'\r' => spelt.extend(b"\\r"),
                0..=0x1f | 0x7f => spelt.extend(format!("\\u{byte:04x}").bytes()),
                _ => spelt.push(byte),
            }
        }
        spelt
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stands =
            |byte: &u8| matches!(*byte, b'\n' | b'\t') || *byte > 0x1f && *byte != 0x7f && *byte != LATIN;
        let done = if !self.begun && bytes.iter().all(stands) {
            self.inner.write(bytes)
        } else {
            let spelt = self.spelt(bytes);
            self.inner.write_all(&spelt).map(|()| bytes.len())
        };
        self.noted(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.begun) {
            let done = self.inner.write_all(&[LATIN]);
            self.noted(done)?;
        }
        let done = self.inner.flush();
        self.noted(done)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Every kind of terminal command, between letters of all encoded lengths.
    const HOSTILE: &str = "aé\u{1b}[2J\u{9b}2J\u{85}\u{7f}\u{a0}\u{bf}\r\u{0}日\u{80}\u{9f}🙂Â\n\tz";

    fn written(pieces: &[&[u8]]) -> Vec<u8> {
        static LOST: OnceLock<Lost> = OnceLock::new();
        let mut bytes = Vec::new();
        let mut output = Output { inner: &mut bytes, begun: false, lost: &LOST };
        pieces.iter().for_each(|piece| output.write_all(piece).unwrap());
        output.flush().unwrap();
        bytes
    }

    #[test]
    fn what_commands_a_terminal_is_spelt_out_in_one_way() {
        let spelt = printable(HOSTILE);
        assert_eq!(
            spelt,
            "aé\\u001b[2J\\u009b2J\\u0085\\u007f\u{a0}\u{bf}\\r\\u0000日\\u0080\\u009f🙂Â\n\tz"
        );
        assert_eq!(printable(&spelt), spelt);
        assert_eq!(printable_within_line("a\n\tb\u{1b}"), "a\\n\\tb\\u001b");
        assert_eq!(written(&[HOSTILE.as_bytes()]), spelt.as_bytes());
    }

    #[test]
    fn pieces_do_not_matter() {
        let bytes = HOSTILE.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(written(&[&bytes[..cut], &bytes[cut..]]), printable(HOSTILE).as_bytes(), "{cut}");
        }
        let bytes: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(written(&bytes), printable(HOSTILE).as_bytes());
    }

    #[test]
    fn json_stays_what_it_was() {
        let json = serde_json::to_vec(&[HOSTILE]).unwrap();
        let shown = written(&[&json]);
        assert!(shown.iter().all(|byte| *byte > 0x1f && *byte != 0x7f));
        assert_eq!(serde_json::from_slice::<Vec<String>>(&shown).unwrap(), [HOSTILE]);
    }

    struct Full(io::ErrorKind);

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_to_hear_it_is_no_panic_and_the_first_failure_is_remembered() {
        static LOST: OnceLock<Lost> = OnceLock::new();
        say_to(&mut Full(io::ErrorKind::StorageFull), "a line");
        let mut output = Output { inner: Full(io::ErrorKind::StorageFull), begun: false, lost: &LOST };
        assert!(output.write_all(b"text").is_err());
        output.inner.0 = io::ErrorKind::BrokenPipe;
        assert!(output.write_all("\u{9b}".as_bytes()).is_err());
        let lost = LOST.get().unwrap();
        assert!(!lost.is_enough() && lost.to_string().ends_with('.'), "{lost}");
        assert!(Lost { kind: io::ErrorKind::BrokenPipe, cause: String::new() }.is_enough());
    }
}
