//! Hides the differences between systems in signals, suspending, and the process's standard error.

use std::{fs::File, io, path::Path, process::Child};

use crossbeam_channel::Receiver;

/// A request of the system to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, SIGTERM or SIGHUP: end safely.
    Terminate,
    /// SIGTSTP: stop, after giving the terminal back.
    Suspend,
    /// SIGCONT: the process was stopped and continues.
    Continue,
    /// SIGWINCH: the terminal was resized.
    Resize,
}

/// Listens for signals from now until the process ends. On systems without signals, the receiver never yields
/// anything.
///
/// # Errors
/// If the system refuses to install the handlers.
pub fn signals() -> io::Result<Receiver<Signal>> {
    system::signals()
}

/// Listens from now on for signals that end a run safely: SIGINT, SIGTERM, SIGHUP, and the first warning of a
/// CPU time limit. Signals that stop and continue a process (Ctrl+Z) keep their usual meaning.
///
/// # Errors
/// If the system refuses to install the handlers.
pub(crate) fn interrupts() -> io::Result<Receiver<()>> {
    system::interrupts()
}

/// Asks a process that this one has started to end safely; a system without signals ends it at once.
///
/// # Errors
/// The system's error.
pub(crate) fn interrupt(child: &mut Child) -> io::Result<()> {
    system::interrupt(child)
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail like any other, instead of silently ending the
/// process.
pub fn outlive_file_size_limit() {
    system::outlive_file_size_limit();
}

/// Prevents core files when this process crashes.
pub(crate) fn leave_no_core() {
    system::leave_no_core();
}

/// Checks that there is a shell to return to.
///
/// # Errors
/// A sentence that says why there is none.
pub(crate) fn can_suspend() -> io::Result<()> {
    system::can_suspend()
}

/// Stops the process and those that share its terminal, until the shell continues it.
///
/// # Errors
/// The system's error.
pub(crate) fn suspend() -> io::Result<()> {
    system::suspend()
}

/// Makes the process the leader of its own session, which a hang-up of the terminal does not reach.
///
/// # Errors
/// A sentence if the system has no sessions, or the system's error.
pub(crate) fn begin_session() -> io::Result<()> {
    system::begin_session()
}

/// Detaches from the terminal for good: nothing is read from or written to it any more, and standard error
/// goes to `log`, or nowhere.
///
/// # Errors
/// The system's error.
pub(crate) fn leave_terminal(log: Option<&File>) -> io::Result<()> {
    system::leave_terminal(log)
}

/// Makes [`read_keyboard`] return after a tenth of a second even if nothing was typed. The terminal must be
/// in raw mode; leaving raw mode also undoes this.
///
/// # Errors
/// The system's error.
pub(crate) fn read_in_slices() -> io::Result<()> {
    system::read_in_slices()
}

/// Reads typed input, waiting as long as [`read_in_slices`] says. Returns 0 if nothing was typed.
///
/// # Errors
/// The system's error.
#[cfg(unix)]
pub(crate) fn read_keyboard(buffer: &mut [u8]) -> io::Result<usize> {
    system::read_keyboard(buffer)
}

/// Redirects standard error until it is dropped.
#[derive(Debug)]
pub(crate) struct StderrRedirect {
    _restore: system::Restore,
}

impl StderrRedirect {
    /// Appends everything written to standard error to `log`, or discards it if there is none. Does nothing
    /// on systems without this ability.
    ///
    /// # Errors
    /// If the file cannot be opened.
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
        process::Child,
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
                // Once the screen is gone, a signal has its default effect, except a hang-up: the vanished
                // terminal may have ended the screen before this thread received the signal, and cleanup in
                // progress must not be cut off.
                let heard = sender.send(meaning).is_ok();
                if !heard && signal != SIGHUP && low_level::emulate_default_handler(signal).is_err() {
                    return;
                }
            }
        })?;
        Ok(receiver)
    }

    pub(crate) fn interrupts() -> io::Result<Receiver<()>> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXCPU])?;
        let (sender, receiver) = unbounded();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                // As above, once nobody is listening.
                let heard = sender.send(()).is_ok();
                if !heard && signal != SIGHUP && low_level::emulate_default_handler(signal).is_err() {
                    return;
                }
            }
        })?;
        Ok(receiver)
    }

    pub(crate) fn interrupt(child: &mut Child) -> io::Result<()> {
        Ok(process::kill_process(process::Pid::from_child(child), process::Signal::INT)?)
    }

    pub fn outlive_file_size_limit() {
        // With any handler the write returns an error. Programs started from here do not inherit the handler.
        let _ = flag::register(SIGXFSZ, Arc::default());
    }

    pub(crate) fn leave_no_core() {
        let most = process::getrlimit(process::Resource::Core).maximum;
        let none = process::Rlimit { current: Some(0), maximum: most };
        let _ = process::setrlimit(process::Resource::Core, none);
    }

    pub(crate) fn begin_session() -> io::Result<()> {
        process::setsid()?;
        Ok(())
    }

    pub(crate) fn leave_terminal(log: Option<&File>) -> io::Result<()> {
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

    pub(crate) fn can_suspend() -> io::Result<()> {
        // A session leader was not started by a shell that could continue it.
        if process::getsid(None)? == process::getpid() {
            return Err(io::Error::other("there is no shell to return to, so the lab keeps running"));
        }
        Ok(())
    }

    pub(crate) fn suspend() -> io::Result<()> {
        process::kill_current_process_group(process::Signal::STOP).map_err(io::Error::from)
    }

    pub(crate) fn read_in_slices() -> io::Result<()> {
        let mut modes = tcgetattr(stdio::stdin())?;
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        // In tenths of a second.
        modes.special_codes[SpecialCodeIndex::VTIME] = 1;
        Ok(tcsetattr(stdio::stdin(), OptionalActions::Now, &modes)?)
    }

    pub(crate) fn read_keyboard(buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(stdio::stdin(), buffer)?)
    }

    #[derive(Debug)]
    pub(crate) struct Restore(OwnedFd);

    impl Drop for Restore {
        fn drop(&mut self) {
            // A failure cannot be reported: this is where it would be reported.
            let _ = stdio::dup2_stderr(&self.0);
        }
    }

    pub(crate) fn redirect_stderr(log: Option<&Path>) -> io::Result<Restore> {
        let file = log.map_or_else(nothing, files::append)?;
        let saved = dup(stdio::stderr())?;
        stdio::dup2_stderr(&file)?;
        Ok(Restore(saved))
    }
}

#[cfg(not(unix))]
mod system {
    use std::{fs::File, io, path::Path, process::Child};

    use crossbeam_channel::{Receiver, never};

    use super::Signal;

    pub fn signals() -> io::Result<Receiver<Signal>> {
        Ok(never())
    }

    pub(crate) fn interrupts() -> io::Result<Receiver<()>> {
        Ok(never())
    }

    pub(crate) fn interrupt(child: &mut Child) -> io::Result<()> {
        child.kill()
    }

    pub fn outlive_file_size_limit() {}

    pub(crate) fn leave_no_core() {}

    pub(crate) fn begin_session() -> io::Result<()> {
        Err(io::Error::other("This system cannot detach a run; use `aha-lab run --headless`."))
    }

    pub(crate) fn leave_terminal(_log: Option<&File>) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn can_suspend() -> io::Result<()> {
        Err(io::Error::other("this system cannot suspend a program in its terminal"))
    }

    pub(crate) fn suspend() -> io::Result<()> {
        can_suspend()
    }

    pub(crate) fn read_in_slices() -> io::Result<()> {
        Ok(())
    }

    #[derive(Debug)]
    pub(crate) struct Restore;

    pub(crate) fn redirect_stderr(_log: Option<&Path>) -> io::Result<Restore> {
        Ok(Restore)
    }
}
