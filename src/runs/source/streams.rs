//! Files in which the completions of many steps stand one after the other: where the lines of each step are, so that a
//! step is read as if it had files of its own.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::{Read as _, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    dumps::Fields,
    logs::python_json,
    watched::{Listing, Purpose, Read, Stamped},
    written::Written,
};
use crate::{
    runs::{RunError, reader::LONGEST_ROLLOUT_LINE, tail::Tail},
    system::files,
};

/// The first look, for which a person waits, reads no more bytes of a file than about this.
const FIRST_LOOK: u64 = 64 << 20;
/// Most warnings of one look.
const MOST_WARNINGS: usize = 5;
/// The name of a step's part of the files, in messages.
const OF_EVALUATION: &str = "evaluation of ";

/// What a line is of.
pub(super) struct Heading {
    /// The step.
    pub step: u64,
    /// What its completion is there for.
    pub purpose: Purpose,
    /// The names under which more may be told of it later.
    pub ids: Vec<String>,
}

type Key = (u64, Purpose);

/// The files of a run, in the order of their names, and the lines of each step in them.
pub(super) struct Streams {
    folder: PathBuf,
    find: fn(&Path) -> Vec<PathBuf>,
    heading: fn(&[u8]) -> Result<Heading, String>,
    shards: Vec<Shard>,
    steps: BTreeMap<Key, Lines>,
    /// The step of each name, by its hash: a run may have millions.
    named: BTreeMap<u64, Key>,
    warnings: Vec<String>,
    looked: bool,
}

struct Shard {
    path: PathBuf,
    tail: Tail,
}

/// The lines of a step.
#[derive(Default)]
struct Lines {
    /// Which file, where in it, and how long.
    places: Vec<(usize, u64, usize)>,
    bytes: u64,
    changed: Option<SystemTime>,
    /// How often more was told of them.
    told: u64,
}

impl Streams {
    /// Of a folder, with what finds its files and what reads the heading of a line.
    pub fn new(
        folder: &Path,
        find: fn(&Path) -> Vec<PathBuf>,
        heading: fn(&[u8]) -> Result<Heading, String>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            find,
            heading,
            shards: Vec::new(),
            steps: BTreeMap::new(),
            named: BTreeMap::new(),
            warnings: Vec::new(),
            looked: false,
        }
    }

    /// Reads on, and lists the steps.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn look(&mut self) -> Result<Listing, RunError> {
        for path in (self.find)(&self.folder) {
            self.add(path);
        }
        let most = if self.looked { u64::MAX } else { FIRST_LOOK };
        self.looked = true;
        for at in 0..self.shards.len() {
            self.read_on(at, most)?;
        }
        let stamped = |(key, lines): (&Key, &Lines)| {
            let file = Stamped::of_part(self.path_of(*key), lines.bytes + lines.told, lines.changed);
            (*key, vec![file])
        };
        Ok(self.steps.iter().map(stamped).collect())
    }

    /// More was told of the completion of this name: its step is read again.
    pub fn tell(&mut self, id: &str) {
        if let Some(lines) = self.named.get(&hash(id)).and_then(|key| self.steps.get_mut(key)) {
            lines.told += 1;
        }
    }

    /// What was wrong since the last call, in sentences.
    pub fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The completions of a step that was listed under this path.
    ///
    /// # Errors
    /// Why a file cannot be read.
    pub fn completions(
        &self,
        step: u64,
        path: &Path,
        of: impl Fn(Fields) -> Result<Written, String>,
    ) -> Result<Read, String> {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let purpose = if name.starts_with(OF_EVALUATION) { Purpose::Evaluation } else { Purpose::Training };
        let mut read = Read::default();
        let Some(lines) = self.steps.get(&(step, purpose)) else { return Ok(read) };
        let mut open: Option<(usize, File)> = None;
        for (shard, at, length) in &lines.places {
            let said = |error: std::io::Error| error.to_string();
            let file = match &mut open {
                Some((known, file)) if known == shard => file,
                other => {
                    let file = files::open_unlinked(&self.shards[*shard].path).map_err(said)?;
                    &mut other.insert((*shard, file)).1
                }
            };
            let bytes = line_of(file, *at, *length).map_err(said)?;
            match python_json(&bytes).and_then(&of) {
                Ok(written) => read.completions.push(written),
                Err(reason) if read.warnings.len() < MOST_WARNINGS => {
                    let place = self.shards[*shard].path.display();
                    read.warnings.push(format!("{place}, the line at byte {at}, is skipped: {reason}."));
                }
                Err(_) => {}
            }
        }
        Ok(read)
    }

    fn path_of(&self, (step, purpose): Key) -> PathBuf {
        self.folder.join(match purpose {
            Purpose::Training => format!("step {step}"),
            Purpose::Evaluation => format!("{OF_EVALUATION}step {step}"),
        })
    }

    /// Adds a file, unless it is known. One that is compressed is not read.
    fn add(&mut self, path: PathBuf) {
        let is_packed = path.extension() == Some(OsStr::new("zst"));
        let plain = if is_packed { path.with_extension("") } else { path.clone() };
        if self.shards.iter().any(|shard| shard.path == plain) {
            return;
        }
        if is_packed {
            let packed = path.display();
            self.warn(vec![format!("{packed} is not read: unpack it beside (`zstd -d {packed}`).")]);
        }
        self.shards.push(Shard { tail: Tail::new(&plain, LONGEST_ROLLOUT_LINE), path: plain });
    }

    fn read_on(&mut self, at: usize, most: u64) -> Result<(), RunError> {
        let shard = &mut self.shards[at];
        let Some(now) = Stamped::of(&shard.path) else { return Ok(()) };
        let begun = shard.tail.position();
        loop {
            let (mut found, heading) = (Vec::new(), self.heading);
            let shard = &mut self.shards[at];
            let polled =
                shard.tail.poll_with(heading, |heading, at, length| found.push((heading, at, length)))?;
            let read = shard.tail.position();
            if polled.restarted {
                self.forget(at);
            }
            self.warn(polled.bad.iter().map(ToString::to_string).collect());
            self.note(at, found, now.changed());
            if !polled.behind || read.saturating_sub(begun) > most {
                return Ok(());
            }
        }
    }

    fn warn(&mut self, sentences: Vec<String>) {
        let room = MOST_WARNINGS.saturating_sub(self.warnings.len());
        let left = sentences.len().saturating_sub(room);
        self.warnings.extend(sentences.into_iter().take(room));
        if left > 0 {
            self.warnings.push(format!("{left} more lines in {} are skipped.", self.folder.display()));
        }
    }

    fn note(&mut self, at: usize, found: Vec<(Heading, u64, usize)>, changed: Option<SystemTime>) {
        for (heading, offset, length) in found {
            let key = (heading.step, heading.purpose);
            let lines = self.steps.entry(key).or_default();
            lines.places.push((at, offset, length));
            lines.bytes += length as u64;
            lines.changed = changed;
            self.named.extend(heading.ids.iter().map(|id| (hash(id), key)));
        }
    }

    /// A file was begun again: nothing of it counts any more.
    fn forget(&mut self, at: usize) {
        for lines in self.steps.values_mut() {
            let gone = |(shard, ..): &(usize, u64, usize)| *shard == at;
            let bytes: usize = lines.places.iter().filter(|place| gone(place)).map(|(.., bytes)| bytes).sum();
            lines.places.retain(|place| !gone(place));
            lines.bytes -= bytes as u64;
        }
        self.steps.retain(|_, lines| !lines.places.is_empty());
    }
}

/// A line of a file.
fn line_of(file: &mut File, at: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Two names of one hash would have one step read again for the other.
fn hash(id: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, io::Write as _};

    use serde_json::Value;

    use super::*;
    use crate::runs::source::folders::files_ending;

    /// The chunks of a folder, plain and compressed.
    fn chunks(folder: &Path) -> Vec<PathBuf> {
        let mut found = files_ending(folder, ".jsonl");
        found.extend(files_ending(folder, ".jsonl.zst"));
        found
    }

    fn heading(line: &[u8]) -> Result<Heading, String> {
        let fields: Fields = python_json(line)?;
        let step = fields.get("step").and_then(Value::as_u64).ok_or("it has no step")?;
        let ids = fields.get("id").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
        Ok(Heading { step, purpose: Purpose::Training, ids })
    }

    fn line(step: u64, id: &str) -> String {
        format!("{{\"step\":{step},\"id\":\"{id}\"}}\n")
    }

    fn add(path: &Path, text: &str) {
        fs::File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// The names in a step, in the order of the files.
    fn ids(streams: &Streams, listing: &Listing, step: u64) -> Vec<String> {
        let of = |fields: Fields| {
            let prompt = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Written { step, prompt, ..Written::default() })
        };
        let file = &listing[&(step, Purpose::Training)][0];
        let read = streams.completions(step, &file.path, of).unwrap();
        assert_eq!(read.warnings, Vec::<String>::new());
        read.completions.into_iter().map(|written| written.prompt).collect()
    }

    #[test]
    fn the_lines_of_a_step_are_found_while_files_grow() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("0.jsonl"), folder.path().join("1.jsonl"));
        add(&first, &[line(1, "a"), line(2, "b"), line(1, "c"), "{\"step\":2,\"id".into()].concat());
        let mut streams = Streams::new(folder.path(), chunks, heading);
        let before = streams.look().unwrap();
        assert_eq!(ids(&streams, &before, 1), ["a", "c"]);
        assert_eq!(ids(&streams, &before, 2), ["b"]);
        assert_eq!(streams.look().unwrap(), before, "nothing was written");

        add(&first, "\":\"d\"}\n");
        add(&second, &line(2, "e"));
        let after = streams.look().unwrap();
        assert_eq!(ids(&streams, &after, 2), ["b", "d", "e"]);
        assert_eq!(streams.warnings().len(), 0);
        let key = (1, Purpose::Training);
        assert_eq!(before[&key], after[&key], "step 1 is as it was");

        // What is compressed before it was read is said.
        fs::write(folder.path().join("2.jsonl.zst"), "packed").unwrap();
        assert_eq!(streams.look().unwrap(), after);
        let said = streams.warnings();
        assert!(said.len() == 1 && said[0].contains("2.jsonl.zst is not read: unpack it"), "{said:?}");
    }

    #[test]
    fn what_is_told_later_and_what_begins_again_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.jsonl");
        add(&path, &[line(1, "a"), line(2, "b")].concat());
        let mut streams = Streams::new(folder.path(), chunks, heading);
        let first = streams.look().unwrap();
        streams.tell("b");
        streams.tell("unheard of");
        let told = streams.look().unwrap();
        let of = |listing: &Listing, step| listing[&(step, Purpose::Training)].clone();
        assert_eq!(of(&first, 1), of(&told, 1));
        assert_ne!(of(&first, 2), of(&told, 2));

        fs::write(&path, line(3, "c")).unwrap();
        let again = streams.look().unwrap();
        assert_eq!(again.keys().map(|(step, _)| *step).collect::<Vec<_>>(), [3]);
        add(&path, "no json\n{\"id\":\"x\"}\n");
        let _ = streams.look().unwrap();
        assert_eq!(streams.warnings().len(), 2);
    }
}
