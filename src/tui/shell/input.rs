//! The threads that wait for keys, so that keys are seen at once.

#[cfg(unix)]
mod decoder;
#[cfg(unix)]
mod sequence;
#[cfg(all(test, unix))]
mod tests;

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

/// Capacity of the key queue.
const MOST_WAITING: usize = 256;
/// How long to wait for the threads to end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads keys and the mouse until it is dropped.
#[derive(Debug)]
pub(crate) struct InputThread {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl InputThread {
    /// Starts reading. The terminal must be in raw mode, and stay so until this is dropped.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start() -> io::Result<(Self, Receiver<event::Event>)> {
        let (sender, receiver) = bounded(MOST_WAITING);
        let stop = Arc::new(AtomicBool::new(false));
        let threads = system::start(&stop, sender)?;
        Ok((Self { stop, threads }, receiver))
    }
}

impl Drop for InputThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let began = Instant::now();
        while self.threads.iter().any(|thread| !thread.is_finished()) && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The terminal's bytes are read and decoded here: the library's own reader takes Esc and F2 in one packet for Esc, `O`
/// and `Q`, and a key whose bytes come one by one for several.
#[cfg(unix)]
mod system {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread::{self, JoinHandle},
        time::{Duration, Instant},
    };

    use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
    use ratatui::crossterm::event::Event;

    use super::decoder::Decoder;
    use crate::system::platform;

    /// Bytes read at once.
    const CHUNK: usize = 4096;
    /// Chunks that may wait to be decoded.
    const CHUNKS: usize = 64;
    /// How long to wait if the terminal does not block: it is gone, or its modes were changed.
    const PAUSE: Duration = Duration::from_millis(20);

    pub fn start(stop: &Arc<AtomicBool>, keys: Sender<Event>) -> io::Result<Vec<JoinHandle<()>>> {
        let (typed, chunks) = bounded(CHUNKS);
        let stopped = stop.clone();
        let reader = thread::Builder::new().name("keyboard".into()).spawn(move || read(&stopped, &typed))?;
        let decoder = thread::Builder::new().name("input".into()).spawn(move || decode(&chunks, &keys))?;
        Ok(vec![reader, decoder])
    }

    fn read(stop: &AtomicBool, typed: &Sender<Vec<u8>>) {
        let mut buffer = [0; CHUNK];
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            match platform::read_keyboard(&mut buffer) {
                // Nothing was typed for a while. If the terminal is gone this returns at once, which is noticed
                // elsewhere.
                Ok(0) if began.elapsed() < PAUSE => thread::sleep(PAUSE),
                Ok(0) => {}
                Ok(count) => {
                    if typed.send(buffer[..count].to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                    _ => return,
                },
            }
        }
    }

    fn decode(chunks: &Receiver<Vec<u8>>, keys: &Sender<Event>) {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        loop {
            let next = match decoder.patience() {
                Some(patience) => chunks.recv_timeout(patience),
                None => chunks.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(chunk) => decoder.feed(&chunk, &mut events),
                Err(RecvTimeoutError::Timeout) => decoder.quiet(&mut events),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for event in events.drain(..) {
                if keys.send(event).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread::{self, JoinHandle},
        time::Duration,
    };

    use crossbeam_channel::Sender;
    use ratatui::crossterm::event::{self, Event};

    /// How often the thread checks whether it should end. Keys wake it at once.
    const LOOK: Duration = Duration::from_millis(250);

    pub fn start(stop: &Arc<AtomicBool>, keys: Sender<Event>) -> io::Result<Vec<JoinHandle<()>>> {
        let stop = stop.clone();
        let thread = thread::Builder::new().name("input".into()).spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match event::poll(LOOK) {
                    Ok(false) => {}
                    Ok(true) => match event::read() {
                        Ok(input) if keys.send(input).is_ok() => {}
                        _ => return,
                    },
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })?;
        Ok(vec![thread])
    }
}
