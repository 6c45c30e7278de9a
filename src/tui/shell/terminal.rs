//! Takes and restores the terminal, also if the screen's own thread panics.

use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor,
        event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use crate::system::platform::{self, StderrRedirect};

/// The writer of the user's terminal.
pub type Screen = Terminal<CrosstermBackend<io::Stdout>>;

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is.
static MOUSE: AtomicBool = AtomicBool::new(false);
/// The thread that draws: only its panic gives the terminal back. An engine thread may panic while the
/// screen stays up and says so.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Standard error as it was.
static STDERR: Mutex<Option<StderrRedirect>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// The terminal while it is ours; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct TerminalGuard(());

impl TerminalGuard {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste and, if wanted, the mouse. Standard
    /// error goes to `log` meanwhile (or nowhere), so that no library writes across the screen.
    ///
    /// # Errors
    /// If standard output is not a terminal, or the terminal fails.
    pub fn take(mouse: bool, log: Option<&std::path::Path>) -> io::Result<(Self, Screen)> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other(
                "standard output is not a terminal, which the lab needs to draw on; `aha-lab run --headless` trains \
                 without one",
            ));
        }
        *lock(&OWNER) = Some(thread::current().id());
        HOOK.call_once(install_hook);
        let guard = Self(());
        *lock(&STDERR) = StderrRedirect::to(log).ok();
        enter(mouse)?;
        Ok((guard, Terminal::new(CrosstermBackend::new(io::stdout()))?))
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        give_back();
        *lock(&OWNER) = None;
    }
}

/// Takes the terminal (again), after a start or a suspension.
///
/// # Errors
/// What the terminal answered.
pub fn enter(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    platform::read_in_slices()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    set_mouse(mouse)
}

/// Takes or releases the mouse.
///
/// # Errors
/// What the terminal answered.
pub(crate) fn set_mouse(wanted: bool) -> io::Result<()> {
    MOUSE.store(wanted, Ordering::SeqCst);
    if wanted {
        execute!(io::stdout(), EnableMouseCapture)
    } else {
        execute!(io::stdout(), DisableMouseCapture)
    }
}

/// Restores the terminal; does nothing if it is not ours. Errors are ignored: nobody is left to see them.
pub fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    if MOUSE.load(Ordering::SeqCst) {
        let _ = execute!(out, DisableMouseCapture);
    }
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

fn give_back() {
    leave();
    // Dropping the redirection restores standard error.
    drop(lock(&STDERR).take());
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // `try_lock`: a panic while the lock is held must not wait for itself.
        let ours = OWNER.try_lock().is_ok_and(|owner| *owner == Some(thread::current().id()));
        if ours {
            give_back();
        }
        previous(info);
    }));
}
