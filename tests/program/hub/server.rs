//! A small hub on loopback, which can be made to misbehave.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::json;
use sha2::{Digest, Sha256};

/// The only commit.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How it answers.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// The only token that it knows; without one it asks for none.
    pub token: Option<String>,
    /// How many bytes of a large file it sends before it breaks off, and how often it does so.
    pub cuts: Option<(usize, usize)>,
    /// Whether large files lie on another host.
    pub redirects: bool,
    /// Whether it sends the whole file whatever part is asked for.
    pub knows_no_ranges: bool,
    /// Whether it sends other bytes than it lists.
    pub lies: bool,
    /// Whether it lists names alone.
    pub lists_names_only: bool,
    /// The size that it lists for large files.
    pub listed_size: Option<u64>,
    /// Status of every answer.
    pub status: Option<u16>,
}

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub path: String,
    pub host: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

/// The hub, with one model, `org/model`.
pub struct Hub {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    manners: Mutex<Manners>,
    seen: Mutex<Vec<Seen>>,
}

impl Hub {
    pub fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { files, manners: Mutex::default(), seen: Mutex::default() });
        let of_thread = shared.clone();
        // It ends with the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = of_thread.clone();
                // A client may hang up in the middle.
                thread::spawn(move || drop(shared.answer(stream, port)));
            }
        });
        Self { port, shared }
    }

    /// A port where nobody listens.
    pub fn port_of_nobody(&self) -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    pub fn behaves(&self, manners: Manners) {
        *self.shared.manners.lock().unwrap() = manners;
    }

    /// What was asked since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

/// Large files have another kind of hash, as on the hub.
fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".gguf")
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_of(name: &str, bytes: &[u8]) -> String {
    let hash = sha256(bytes);
    if is_large(name) { hash } else { hash[..40].to_owned() }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream, port: u16) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let mut seen =
            Seen { path: first.split(' ').nth(1).unwrap_or_default().to_owned(), ..Seen::default() };
        for line in lines {
            let line = line?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "host" => seen.host = value.to_owned(),
                "range" => seen.range = Some(value.to_owned()),
                "authorization" => seen.authorization = Some(value.to_owned()),
                _ => {}
            }
        }
        self.seen.lock().unwrap().push(seen.clone());
        let manners = self.manners.lock().unwrap().clone();
        if let Some(status) = manners.status {
            return plain(&mut stream, status, &[], b"");
        }
        let path = seen.path.split('?').next().unwrap_or_default();
        if let Some(name) = path.strip_prefix("/elsewhere/") {
            return self.send(&mut stream, name, &seen, &manners);
        }
        let allowed = manners
            .token
            .as_ref()
            .is_none_or(|token| seen.authorization.as_deref() == Some(format!("Bearer {token}").as_str()));
        if !allowed {
            return plain(&mut stream, if seen.authorization.is_some() { 403 } else { 401 }, &[], b"");
        }
        let revisions = ["main", COMMIT];
        let revision = path.strip_prefix("/api/models/org/model/revision/");
        if let Some(revision) = revision.filter(|revision| revisions.contains(revision)) {
            assert!(seen.path.ends_with("?blobs=true") || revision.is_empty());
            return plain(&mut stream, 200, &[], self.listing(&manners).as_bytes());
        }
        let name = path.strip_prefix(&format!("/org/model/resolve/{COMMIT}/"));
        match name.filter(|name| self.files.contains_key(*name)) {
            Some(name) if manners.redirects && is_large(name) => {
                let bytes = &self.files[name];
                let headers = [
                    format!("Location: http://localhost:{port}/elsewhere/{name}"),
                    format!("X-Linked-Etag: \"{}\"", hash_of(name, bytes)),
                ];
                plain(&mut stream, 302, &headers, b"")
            }
            Some(name) => self.send(&mut stream, name, &seen, &manners),
            None => plain(&mut stream, 404, &[], b""),
        }
    }

    fn listing(&self, manners: &Manners) -> String {
        let entry = |(name, bytes): (&String, &Vec<u8>)| {
            let (hash, length) = (hash_of(name, bytes), bytes.len() as u64);
            match (manners.lists_names_only, is_large(name)) {
                (true, _) => json!({"rfilename": name}),
                (false, true) => {
                    let size = manners.listed_size.unwrap_or(length);
                    json!({"rfilename": name, "size": size, "blobId": &hash[..40],
                           "lfs": {"sha256": hash, "size": size, "pointerSize": 130}})
                }
                (false, false) => json!({"rfilename": name, "size": length, "blobId": hash}),
            }
        };
        let siblings: Vec<_> = self.files.iter().map(entry).collect();
        json!({"id": "org/model", "sha": COMMIT, "siblings": siblings}).to_string()
    }

    fn send(
        &self,
        stream: &mut TcpStream,
        name: &str,
        seen: &Seen,
        manners: &Manners,
    ) -> std::io::Result<()> {
        let bytes = &self.files[name];
        let whole = bytes.len();
        let asked = seen.range.as_ref().filter(|_| !manners.knows_no_ranges).map(|range| {
            let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
            let to = to.parse().map_or(whole, |to: usize| (to + 1).min(whole));
            (from.parse::<usize>().unwrap(), to)
        });
        let (from, to) = asked.unwrap_or((0, whole));
        let mut body = bytes[from.min(to)..to].to_vec();
        if manners.lies && is_large(name) {
            body.iter_mut().for_each(|byte| *byte ^= 1);
        }
        let mut headers = vec![format!("ETag: \"{}\"", hash_of(name, bytes))];
        headers.extend(asked.map(|_| format!("Content-Range: bytes {from}-{}/{whole}", to - 1)));
        let status = if asked.is_some() { 206 } else { 200 };
        head(stream, status, &headers, body.len())?;
        let cut = manners.cuts.filter(|(_, times)| *times > 0 && is_large(name));
        if let Some((most, times)) = cut {
            self.manners.lock().unwrap().cuts = Some((most, times - 1));
            return stream.write_all(&body[..most.min(body.len())]);
        }
        stream.write_all(&body)
    }
}

fn head(stream: &mut TcpStream, status: u16, headers: &[String], length: usize) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n");
    text.extend(headers.iter().map(|header| format!("{header}\r\n")));
    stream.write_all(format!("{text}\r\n").as_bytes())
}

fn plain(stream: &mut TcpStream, status: u16, headers: &[String], body: &[u8]) -> std::io::Result<()> {
    head(stream, status, headers, body.len())?;
    stream.write_all(body)
}
