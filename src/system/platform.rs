//! What differs between systems in signals, suspending, and the standard error of the process.

use std::{fs::File, io, path::Path};

use crossbeam_channel::Receiver;

/// What the system asks of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, SIGTERM or SIGHUP: end, safely.
    Terminate,
    /// SIGTSTP: stop, with the terminal given back first.
    Suspend,
    /// SIGCONT: the process was stopped and goes on.
    Continue,
    /// SIGWINCH: the terminal has another size.
    Resize,
}

/// Listens for signals from now to the end of the process. A receiver that never gives anything where
/// there are none.
///
/// # Errors
/// When the system refuses to install the handlers.
pub fn signals() -> io::Result<Receiver<Signal>> {
    system::signals()
}

/// Hears from now on what ends a run safely: SIGINT, SIGTERM, SIGHUP and the first warning of a limit on processor time. What
/// stops a process (Ctrl+Z) and lets it go on means what it always does.
///
/// # Errors
/// When the system refuses to install the handlers.
pub fn interrupts() -> io::Result<Receiver<()>> {
    system::interrupts()
}

/// Lets a write beyond the limit on the size of files (`ulimit -f`) fail like any other, instead of ending the process
/// without a word.
pub fn outlive_file_size_limit() {
    system::outlive_file_size_limit();
}

/// Lets this process crash without leaving a file behind.
pub fn leave_no_core() {
    system::leave_no_core();
}

/// Whether there is a shell to go back to.
///
/// # Errors
/// A sentence that says why not.
pub fn can_suspend() -> io::Result<()> {
    system::can_suspend()
}

/// Stops the process (and those it shares the terminal with) until the shell continues it.
///
/// # Errors
/// What the system answered.
pub fn suspend() -> io::Result<()> {
    system::suspend()
}

/// Makes the process the leader of a session of its own, which no terminal's hang-up reaches.
///
/// # Errors
/// A sentence where there are no sessions, or what the system answered.
pub fn begin_session() -> io::Result<()> {
    system::begin_session()
}

/// Lets go of the terminal for good: nothing is read or written there any more, and standard error goes to `log`, or
/// nowhere.
///
/// # Errors
/// What the system answered.
pub fn leave_terminal(log: Option<&File>) -> io::Result<()> {
    system::leave_terminal(log)
}

/// Lets [`read_keyboard`] come back after a tenth of a second although nothing was typed. The terminal is in raw mode;
/// leaving that takes this back too.
///
/// # Errors
/// What the system answered.
pub fn read_in_slices() -> io::Result<()> {
    system::read_in_slices()
}

/// Reads what was typed, waiting as [`read_in_slices`] says; 0 where nothing was.
///
/// # Errors
/// What the system answered.
#[cfg(unix)]
pub fn read_keyboard(buffer: &mut [u8]) -> io::Result<usize> {
    system::read_keyboard(buffer)
}

/// Standard error, sent elsewhere until this is dropped.
#[derive(Debug)]
pub struct StderrRedirect {
    _restore: system::Restore,
}

impl StderrRedirect {
    /// Appends everything written to standard error to `log`, or throws it away without one. Where the
    /// system cannot do this, nothing changes.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn to(log: Option<&Path>) -> io::Result<Self> {
        Ok(Self { _restore: system::redirect_stderr(log)? })
    }
}

#[cfg(unix)]
mod system {
    use std::{
        fs::{File, OpenOptions},
        io,
        os::fd::OwnedFd,
        path::Path,
        sync::Arc,
        thread,
    };

    use crossbeam_channel::{Receiver, unbounded};
    use rustix::{
        io::dup,
        process, stdio,
        termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr},
    };
    use signal_hook::{
        consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH, SIGXCPU, SIGXFSZ},
        flag,
        iterator::Signals,
        low_level,
    };

    use super::Signal;
    use crate::system::files;

    pub fn signals() -> io::Result<Receiver<Signal>> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH])?;
        let (sender, receiver) = unbounded();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                let meaning = match signal {
                    SIGTSTP => Signal::Suspend,
                    SIGCONT => Signal::Continue,
                    SIGWINCH => Signal::Resize,
                    _ => Signal::Terminate,
                };
                // Once the screen is gone a signal means what it always means. Not so a hang-up: the terminal
                // that vanished may have ended the screen before this thread heard of it, and what is being
                // put away just then must not be cut off.
                let heard = sender.send(meaning).is_ok();
                if !heard && signal != SIGHUP && low_level::emulate_default_handler(signal).is_err() {
                    return;
                }
            }
        })?;
        Ok(receiver)
    }

    pub fn interrupts() -> io::Result<Receiver<()>> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXCPU])?;
        let (sender, receiver) = unbounded();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                // As above: once nobody listens.
                let heard = sender.send(()).is_ok();
                if !heard && signal != SIGHUP && low_level::emulate_default_handler(signal).is_err() {
                    return;
                }
            }
        })?;
        Ok(receiver)
    }

    pub fn outlive_file_size_limit() {
        // With any handler the write returns an error, and a program that is started from here has none.
        let _ = flag::register(SIGXFSZ, Arc::default());
    }

    pub fn leave_no_core() {
        let most = process::getrlimit(process::Resource::Core).maximum;
        let none = process::Rlimit { current: Some(0), maximum: most };
        let _ = process::setrlimit(process::Resource::Core, none);
    }

    pub fn begin_session() -> io::Result<()> {
        process::setsid()?;
        Ok(())
    }

    pub fn leave_terminal(log: Option<&File>) -> io::Result<()> {
        let nothing = nothing()?;
        stdio::dup2_stdin(&nothing)?;
        stdio::dup2_stdout(&nothing)?;
        stdio::dup2_stderr(log.unwrap_or(&nothing))?;
        Ok(())
    }

    #[allow(clippy::disallowed_methods, reason = "this device is meant")]
    fn nothing() -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open("/dev/null")
    }

    pub fn can_suspend() -> io::Result<()> {
        // The leader of a session was started by no shell that could continue it.
        if process::getsid(None)? == process::getpid() {
            return Err(io::Error::other("there is no shell to go back to, so the lab stays"));
        }
        Ok(())
    }

    pub fn suspend() -> io::Result<()> {
        process::kill_current_process_group(process::Signal::STOP).map_err(io::Error::from)
    }

    pub fn read_in_slices() -> io::Result<()> {
        let mut modes = tcgetattr(stdio::stdin())?;
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        // In tenths of a second.
        modes.special_codes[SpecialCodeIndex::VTIME] = 1;
        Ok(tcsetattr(stdio::stdin(), OptionalActions::Now, &modes)?)
    }

    pub fn read_keyboard(buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(stdio::stdin(), buffer)?)
    }

    #[derive(Debug)]
    pub struct Restore(OwnedFd);

    impl Drop for Restore {
        fn drop(&mut self) {
            // Nothing can be said about a failure: this is where it would be said.
            let _ = stdio::dup2_stderr(&self.0);
        }
    }

    pub fn redirect_stderr(log: Option<&Path>) -> io::Result<Restore> {
        let file = log.map_or_else(nothing, files::append)?;
        let saved = dup(stdio::stderr())?;
        stdio::dup2_stderr(&file)?;
        Ok(Restore(saved))
    }
}

#[cfg(not(unix))]
mod system {
    use std::{fs::File, io, path::Path};

    use crossbeam_channel::{Receiver, never};

    use super::Signal;

    pub fn signals() -> io::Result<Receiver<Signal>> {
        Ok(never())
    }

    pub fn interrupts() -> io::Result<Receiver<()>> {
        Ok(never())
    }

    pub fn outlive_file_size_limit() {}

    pub fn leave_no_core() {}

    pub fn begin_session() -> io::Result<()> {
        Err(io::Error::other("This system cannot detach a run; use `aha-lab run --headless`."))
    }

    pub fn leave_terminal(_log: Option<&File>) -> io::Result<()> {
        Ok(())
    }

    pub fn can_suspend() -> io::Result<()> {
        Err(io::Error::other("this system cannot suspend a program in its terminal"))
    }

    pub fn suspend() -> io::Result<()> {
        can_suspend()
    }

    pub fn read_in_slices() -> io::Result<()> {
        Ok(())
    }

    #[derive(Debug)]
    pub struct Restore;

    pub fn redirect_stderr(_log: Option<&Path>) -> io::Result<Restore> {
        Ok(Restore)
    }
}
