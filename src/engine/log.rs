//! The log of the engine and its libraries, `engine.log`: the one file that a run can do without.

use std::{
    fs::File,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::system::output::printable;

/// The log filter in the syntax of `tracing`: `info`, `aha_lab=debug`.
const VARIABLE: &str = "AHA_LOG";

/// Sends the log of this process to a run's `engine.log`, from its first run on. Returns a sentence if
/// [`VARIABLE`] is invalid.
pub(crate) fn log_to(file: File) -> Option<String> {
    let levels =
        || EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).with_env_var(VARIABLE);
    let (filter, warning) = match levels().from_env() {
        Ok(filter) => (filter, None),
        Err(error) => {
            let warning =
                format!("{VARIABLE} is ignored: {error}; write it like `debug` or `aha_lab=debug`.");
            (levels().parse("").unwrap_or_default(), Some(warning))
        }
    };
    let log = tracing_subscriber::fmt()
        .with_writer(Arc::new(LossyLog::new(file)))
        // Not on standard error, which may be this log.
        .log_internal_errors(false)
        .with_ansi(false)
        .with_env_filter(filter);
    // Only the first run of a process can set where its log goes.
    let _ = log.try_init();
    warning
}

/// A log that counts and drops lines while they cannot be written, without an error to its callers. The first
/// line that can be written again says how many are missing.
struct LossyLog<W>(Mutex<State<W>>);

struct State<W> {
    file: W,
    /// Lines lost since the last one that could be written.
    dropped: u64,
}

impl<W: Write> LossyLog<W> {
    fn new(file: W) -> Self {
        Self(Mutex::new(State { file, dropped: 0 }))
    }

    /// Adds a line, as it may be shown in a terminal.
    fn add(&self, line: &[u8]) {
        let line = printable(&String::from_utf8_lossy(line));
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match state.dropped {
            0 => state.file.write_all(line.as_bytes()),
            // Part of the first one may have been written.
            lost => {
                let mut lines =
                    format!("\n({lost} lines of this log are missing here: they could not be written.)\n");
                lines.push_str(&line);
                state.file.write_all(lines.as_bytes())
            }
        };
        match written {
            Ok(()) => state.dropped = 0,
            Err(_) => state.dropped += 1,
        }
    }
}

impl<W: Write> Write for &LossyLog<W> {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Takes this many bytes.
    struct Disk {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room);
            self.room -= fits;
            self.taken.extend_from_slice(&bytes[..fits]);
            if fits == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(fits) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_refuses_are_counted_and_dropped() {
        let log = LossyLog::new(Disk { room: 10, taken: Vec::new() });
        for line in ["first\n", "second\n", "third\n", "fourth\n"] {
            (&log).write_all(line.as_bytes()).unwrap();
        }
        log.0.lock().unwrap().file.room = 1000;
        (&log).write_all("fifth \u{9b}2J\n".as_bytes()).unwrap();
        (&log).write_all(b"sixth\n").unwrap();
        let text = String::from_utf8(log.0.lock().unwrap().file.taken.clone()).unwrap();
        assert_eq!(
            text,
            "first\nseco\n(3 lines of this log are missing here: they could not be written.)\nfifth \\u009b2J\nsixth\n"
        );
    }

    #[test]
    fn a_thread_that_panicked_while_it_wrote_takes_nothing_from_the_others() {
        let log = LossyLog::new(Disk { room: 1000, taken: Vec::new() });
        std::thread::scope(|scope| {
            let holds = scope.spawn(|| {
                let _held = log.0.lock().unwrap();
                panic!("while it writes");
            });
            assert!(holds.join().is_err());
        });
        (&log).write_all(b"goes on\n").unwrap();
        assert_eq!(log.0.lock().unwrap_or_else(PoisonError::into_inner).file.taken, b"goes on\n");
    }
}
