//! The screen's side: its commands go to the run, and the run's messages come back as events.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{FileTypeExt, MetadataExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender};

use super::{LONGEST_LINE, Line, PROGRAM, Request, SOCKET_FILE, SocketError, within_limit};
use crate::{
    protocol::{Command, Event},
    runs::RunLock,
};

/// How long a greeting may take.
const GREETING: Duration = Duration::from_secs(5);
/// How soon a lost connection is retried.
const AGAIN: Duration = Duration::from_secs(1);

/// A connection that has been greeted.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<UnixStream>,
    path: PathBuf,
}

/// Whether there is a socket in a run directory. A link does not count: it may lead anywhere.
pub fn has_socket(run: &Path) -> bool {
    fs::symlink_metadata(run.join(SOCKET_FILE)).is_ok_and(|found| found.file_type().is_socket())
}

impl Connection {
    /// Connects to the process that writes a run, and waits for its greeting.
    ///
    /// # Errors
    /// If nobody listens there, or something other than a run does.
    pub fn open(run: &Path) -> Result<Self, SocketError> {
        let path = run.join(SOCKET_FILE);
        let failed = |cause| SocketError::Io { action: "reach the run through", path: path.clone(), cause };
        if !has_socket(run) {
            return Err(failed(std::io::ErrorKind::NotFound.into()));
        }
        let owner = fs::symlink_metadata(&path).map_err(failed)?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(SocketError::Foreign { path });
        }
        let (reachable, _folder) = within_limit(&path).map_err(failed)?;
        let stream = UnixStream::connect(reachable).map_err(failed)?;
        stream.set_read_timeout(Some(GREETING)).map_err(failed)?;
        let mut connection = Self { reader: BufReader::new(stream), path: path.clone() };
        let greeted = matches!(connection.line(), Some(Line::Hello { program, .. }) if program == PROGRAM);
        if !greeted {
            return Err(SocketError::Stranger { path });
        }
        connection.reader.get_ref().set_read_timeout(None).map_err(failed)?;
        Ok(connection)
    }

    /// Sends one line.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn say(&mut self, request: &Request) -> Result<(), SocketError> {
        say(self.reader.get_ref(), request).map_err(|cause| SocketError::Io {
            action: "write to",
            path: self.path.clone(),
            cause,
        })
    }

    /// The next line; `None` if the connection is lost.
    pub fn line(&mut self) -> Option<Line> {
        let mut line = Vec::new();
        self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }
}

fn say(mut stream: &UnixStream, request: &Request) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Forwards commands to the run and its events to `feed`, in threads of their own, until the run has ended or
/// the senders of `commands` are gone. A connection that is lost while the run is alive is re-established.
///
/// # Errors
/// If the run cannot be reached now.
pub fn attach(run: &Path, commands: Receiver<Command>, feed: Sender<Event>) -> Result<(), SocketError> {
    let mut connection = Connection::open(run)?;
    connection.say(&Request::WATCH)?;
    let failed = |cause| SocketError::Io { action: "listen to", path: run.join(SOCKET_FILE), cause };
    let voice = Arc::new(Mutex::new(Some(connection.reader.get_ref().try_clone().map_err(failed)?)));
    let (speaking, warned) = (voice.clone(), feed.clone());
    thread::Builder::new()
        .name("commands".into())
        .spawn(move || {
            for command in commands {
                let request = Request::Command(command);
                let voice = speaking.lock().unwrap_or_else(PoisonError::into_inner);
                let said = voice.as_ref().is_some_and(|stream| say(stream, &request).is_ok());
                if !said {
                    let lost = "The run cannot be reached right now; the command was not carried out.";
                    let _ = warned.send(Event::Warning(lost.into()));
                }
            }
        })
        .map_err(failed)?;
    let run = run.to_owned();
    thread::Builder::new()
        .name("attached".into())
        .spawn(move || {
            let mut connection = Some(connection);
            loop {
                if let Some(connection) = &mut connection
                    && !listen(connection, &feed)
                {
                    return;
                }
                *voice.lock().unwrap_or_else(PoisonError::into_inner) = None;
                if !RunLock::is_held(&run) {
                    return;
                }
                if connection.take().is_some() {
                    let text = "The connection to the run was lost; reconnecting every second.";
                    if feed.send(Event::Warning(text.into())).is_err() {
                        return;
                    }
                }
                thread::sleep(AGAIN);
                connection = Connection::open(&run).ok();
                if let Some(again) = &mut connection
                    && again.say(&Request::WATCH).is_ok()
                {
                    let stream = again.reader.get_ref().try_clone().ok();
                    *voice.lock().unwrap_or_else(PoisonError::into_inner) = stream;
                }
            }
        })
        .map_err(failed)?;
    Ok(())
}

/// Forwards events until the connection is lost (`true`), the run has ended, or nobody listens any more.
fn listen(connection: &mut Connection, feed: &Sender<Event>) -> bool {
    while let Some(line) = connection.line() {
        let event = match line {
            Line::Told(event) => event,
            Line::Refused(sentence) => Event::Warning(sentence),
            Line::Hello { .. } | Line::Done(_) => continue,
        };
        let over = matches!(event, Event::Finished { .. } | Event::Failed(_));
        if feed.send(event).is_err() || over {
            return false;
        }
    }
    true
}
