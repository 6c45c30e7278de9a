//! The run's side: accepts commands and sends events.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        fs::MetadataExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::{LONGEST_LINE, Line, PROGRAM, Request, SOCKET_FILE, SocketError, private::bind};
use crate::protocol::{Command, Event};

/// Most clients at a time.
const MOST_CLIENTS: usize = 8;
/// Lines queued for a client; one that reads so slowly that its queue fills up is dropped.
const WAITING: usize = 8192;
/// Queue length from which streamed text is left out.
const CROWDED: usize = WAITING / 2;
/// How often to look for new clients.
const LOOK: Duration = Duration::from_millis(100);
/// How long a client may take to read one line.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long sending the last lines may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A client that watches.
struct Watcher {
    lines: Sender<Arc<str>>,
    writer: JoinHandle<()>,
    stream: UnixStream,
}

#[derive(Default)]
struct State {
    watchers: Vec<Watcher>,
    temporality: Option<Event>,
    phase: Option<Event>,
    /// The streamed completions of the current step, for a watcher that joins in the middle of it.
    streamed: Vec<Event>,
}

struct Shared {
    commands: Sender<Command>,
    state: Mutex<State>,
    stop: AtomicBool,
    pause_wanted: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves `RUN/control.sock` until it is dropped, which removes it.
pub struct ControlServer {
    shared: Arc<Shared>,
    path: PathBuf,
    inode: Option<(u64, u64)>,
    acceptor: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Starts serving. The caller's engine holds the run's lock, so an existing socket belongs to a dead
    /// process and is replaced.
    ///
    /// # Errors
    /// If the system cannot create a socket there.
    pub fn start(run: &Path, commands: Sender<Command>) -> Result<Self, SocketError> {
        let path = run.join(SOCKET_FILE);
        let listener = listening(&path).map_err(|cause| SocketError::Io {
            action: "make the socket",
            path: path.clone(),
            cause,
        })?;
        let shared = Arc::new(Shared {
            commands,
            state: Mutex::default(),
            stop: AtomicBool::new(false),
            pause_wanted: AtomicBool::new(false),
        });
        let acceptor = {
            let shared = shared.clone();
            thread::Builder::new().name("control".into()).spawn(move || accept(&listener, &shared))
        };
        let acceptor = acceptor.map_err(|cause| SocketError::Io {
            action: "serve the socket",
            path: path.clone(),
            cause,
        })?;
        let inode = fs::symlink_metadata(&path).ok().map(|found| (found.dev(), found.ino()));
        Ok(Self { shared, path, inode, acceptor: Some(acceptor) })
    }

    /// Sends an event to all watchers.
    pub fn tell(&self, event: &Event) {
        if event.is_journalled() {
            return;
        }
        let mut state = self.shared.lock();
        let state = &mut *state;
        match event {
            Event::Temporality(_) => state.temporality = Some(event.clone()),
            Event::PhaseChanged { .. } => state.phase = Some(event.clone()),
            Event::CompletionStarted { step, .. } => {
                // A step's completions are announced before any is streamed.
                state.streamed.retain(|other| matches!(other, Event::CompletionStarted { step: s, .. } | Event::Token { step: s, .. } if s == step));
                state.streamed.push(event.clone());
            }
            Event::Token { group, index, text, .. } => {
                let same = |other: &&mut Event| matches!(other, Event::Token { group: g, index: i, .. } if g == group && i == index);
                match state.streamed.iter_mut().find(same) {
                    Some(Event::Token { text: so_far, .. }) => so_far.push_str(text),
                    _ => state.streamed.push(event.clone()),
                }
            }
            _ => {}
        }
        if state.watchers.is_empty() {
            return;
        }
        let droppable = matches!(event, Event::Token { .. });
        let Some(line) = line_of(&Line::Told(event.clone())) else { return };
        state.watchers.retain(|watcher| {
            if droppable && watcher.lines.len() > CROWDED {
                return true;
            }
            watcher.lines.try_send(line.clone()).is_ok()
        });
    }

    /// Whether a client requested the next pause event, rather than the engine itself.
    pub(crate) fn pause_is_wanted(&self) -> bool {
        self.shared.pause_wanted.load(Ordering::SeqCst)
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Do not remove the socket of a process that took the run over in the meantime.
        let now = fs::symlink_metadata(&self.path).ok().map(|found| (found.dev(), found.ino()));
        if now.is_some() && now == self.inode {
            let _ = fs::remove_file(&self.path);
        }
        let watchers = std::mem::take(&mut self.shared.lock().watchers);
        let writers: Vec<JoinHandle<()>> = watchers
            .into_iter()
            .map(|watcher| {
                // Ends the reading thread, which lets the writer end once it has sent everything.
                let _ = watcher.stream.shutdown(std::net::Shutdown::Read);
                watcher.writer
            })
            .collect();
        let patience = Instant::now() + LAST_WORDS;
        while writers.iter().any(|writer| !writer.is_finished()) && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn listening(path: &Path) -> io::Result<UnixListener> {
    let listener = bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    let clients = Arc::new(());
    while !shared.stop.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((stream, _)) if Arc::strong_count(&clients) <= MOST_CLIENTS => {
                let (shared, counted) = (shared.clone(), clients.clone());
                let served = move || {
                    // A client that went away is not an error.
                    let _ = serve(stream, &shared);
                    drop(counted);
                };
                let _ = thread::Builder::new().name("control-client".into()).spawn(served);
            }
            // One client too many finds its connection closed.
            Ok(_) => {}
            Err(_) => thread::sleep(LOOK),
        }
    }
}

fn serve(stream: UnixStream, shared: &Arc<Shared>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(WRITE_PATIENCE))?;
    let (lines, waiting) = bounded(WAITING);
    let hello = Line::Hello { program: PROGRAM.into(), process: std::process::id() };
    let mut writer = Some(start_writer(stream.try_clone()?, waiting)?);
    let say = |line: &Line| match line_of(line).map(|line| lines.try_send(line)) {
        Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) => {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        _ => Ok(()),
    };
    say(&hello)?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") {
            return say(&Line::Refused(format!(
                "A line must have at most {LONGEST_LINE} bytes and end with a newline."
            )));
        }
        let request = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => request,
            Err(error) => {
                say(&Line::Refused(format!(
                    "This is not a command ({error}); write one such as {{\"command\":\"pause\"}}."
                )))?;
                continue;
            }
        };
        match request {
            Request::Command(command) => say(&match command.check() {
                Ok(()) => pass_on(shared, command),
                Err(sentence) => Line::Refused(sentence),
            })?,
            Request::Watch(_) => {
                let Some(writer) = writer.take() else {
                    say(&Line::Refused("You are already subscribed.".into()))?;
                    continue;
                };
                let mut state = shared.lock();
                let known = state.streamed.iter().chain(&state.phase).chain(&state.temporality);
                for event in known {
                    say(&Line::Told(event.clone()))?;
                }
                let stream = reader.get_ref().try_clone()?;
                state.watchers.push(Watcher { lines: lines.clone(), writer, stream });
            }
        }
    }
}

fn pass_on(shared: &Shared, command: Command) -> Line {
    let (wanted, said) = match &command {
        Command::Pause => (Some(true), "The run pauses within one token.".to_owned()),
        Command::Resume => (Some(false), "The run resumes.".to_owned()),
        Command::Step(_) => {
            (Some(true), "The run continues for this many phases or steps, then pauses.".to_owned())
        }
        Command::Set { key, value } => (None, format!("{key} = {value} applies from the next step on.")),
        Command::Checkpoint => (None, "A checkpoint is written when this step ends.".to_owned()),
        Command::Pin(_) => (None, "The puzzle is pinned and answered during the run.".to_owned()),
        Command::Unpin(_) => (None, "The puzzle is no longer pinned.".to_owned()),
        Command::Inspect { group: Some(group) } => {
            (None, format!("Group {group} of each step, counted from 0, is inspected from now on."))
        }
        Command::Inspect { group: None } => (None, "No group is inspected any more.".to_owned()),
        Command::TryAgain => (Some(false), "The refused write is retried.".to_owned()),
        Command::Stop => (None, "The run writes a checkpoint and ends.".to_owned()),
        Command::Play(_) => return Line::Refused("Only the record of a finished run can be played.".into()),
    };
    match shared.commands.try_send(command) {
        Ok(()) => {
            if let Some(wanted) = wanted {
                shared.pause_wanted.store(wanted, Ordering::SeqCst);
            }
            Line::Done(said)
        }
        Err(TrySendError::Full(_)) => Line::Refused("The engine is busy; try again.".into()),
        Err(TrySendError::Disconnected(_)) => Line::Refused("The engine has ended.".into()),
    }
}

fn line_of(line: &Line) -> Option<Arc<str>> {
    serde_json::to_string(line).ok().map(|text| (text + "\n").into())
}

fn start_writer(mut stream: UnixStream, waiting: Receiver<Arc<str>>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("control-writer".into()).spawn(move || {
        for line in waiting {
            if stream.write_all(line.as_bytes()).is_err() {
                break;
            }
        }
        // This wakes the reading side too, which then releases its end.
        let _ = stream.shutdown(std::net::Shutdown::Both);
    })
}
