//! The thread that waits for keys, so that they are seen at once whatever else goes on.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};
use ratatui::crossterm::event;

/// How often the thread looks whether it should end. Keys wake it at once.
const LOOK: Duration = Duration::from_millis(250);

/// Reads keys, mouse and size changes until it is dropped.
#[derive(Debug)]
pub struct InputThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl InputThread {
    /// Starts reading.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start() -> io::Result<(Self, Receiver<event::Event>)> {
        let (sender, receiver) = bounded(256);
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = thread::Builder::new().name("input".into()).spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                match event::poll(LOOK) {
                    Ok(false) => {}
                    Ok(true) => match event::read() {
                        Ok(input) => {
                            if sender.send(input).is_err() {
                                return;
                            }
                        }
                        Err(_) => return,
                    },
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })?;
        Ok((Self { stop, thread: Some(thread) }, receiver))
    }
}

impl Drop for InputThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // It ends within one look. Where the terminal has vanished it never does: the library's reader then turns
        // on the read error for ever, and only the end of the process ends it.
        let patience = Instant::now() + 2 * LOOK;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
