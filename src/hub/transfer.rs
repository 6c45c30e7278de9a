//! The transfer of one file: it goes on where an earlier one broke off, and what came is checked.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};
use ureq::{Body, http::Response};

use super::{
    HubError, Name,
    cache::{Snapshots, part_of},
    client::{Client, NoAnswer, io_reason},
    error::size,
    listing::{Remote, path_of, range_of},
};
use crate::{model::host::hexadecimal, system::files::Folder};

/// How often a transfer may fail in a row without any byte that had not come before.
const FAILURES: u32 = 4;
/// The first wait after a failure; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(250);
/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// The transfer of one file into the cache.
pub(super) struct Transfer<'a> {
    pub(super) client: &'a Client,
    pub(super) snapshots: &'a Snapshots,
    pub(super) name: &'a Name,
    pub(super) commit: &'a str,
    pub(super) file: &'a Remote,
}

/// How one request ended.
enum Ended {
    /// All bytes are here.
    Whole,
    /// It broke off; the reason, as part of a sentence.
    Broken(String),
}

impl Transfer<'_> {
    /// Fetches what is missing of the file and checks the whole; `come` hears how many of its bytes are here.
    pub(super) fn run(&self, come: &mut dyn FnMut(u64)) -> Result<(), HubError> {
        let Remote { blob, name, .. } = self.file;
        let Some(_lock) = self.snapshots.lock(blob)? else {
            return Err(HubError::Busy { file: name.clone() });
        };
        let blobs = self.snapshots.blobs()?;
        let path = blobs.path().join(part_of(blob));
        let mut part = blobs.go_on(part_of(blob)).map_err(HubError::io(&path))?;
        self.all(&mut part, come).map_err(|error| match error {
            Stopped::Hub(error) => error,
            Stopped::Disk(error) => HubError::io(&path)(error),
        })?;
        self.check(&mut part, &blobs)?;
        blobs.rename(part_of(blob), blob).map_err(HubError::io(&path))
    }

    fn all(&self, part: &mut File, come: &mut dyn FnMut(u64)) -> Result<(), Stopped> {
        let (mut failures, mut most) = (0, 0);
        loop {
            let reason = match self.once(part, come)? {
                Ended::Whole => return Ok(()),
                Ended::Broken(reason) => reason,
            };
            let here = part.metadata()?.len();
            // A server that knows no ranges begins anew each time; only what goes beyond counts.
            failures = if here > most { 0 } else { failures + 1 };
            most = most.max(here);
            if failures >= FAILURES {
                let file = self.file;
                return Err(HubError::BrokenOff {
                    file: file.name.clone(),
                    come: size(here),
                    size: size(file.size),
                    reason,
                }
                .into());
            }
            thread::sleep(WAIT * 2u32.pow(failures));
        }
    }

    /// One request for what is missing.
    fn once(&self, part: &mut File, come: &mut dyn FnMut(u64)) -> Result<Ended, Stopped> {
        let mut here = part.metadata()?.len();
        if here > self.file.size {
            part.set_len(0)?;
            here = 0;
        }
        come(here);
        if here == self.file.size {
            return Ok(Ended::Whole);
        }
        let path = path_of(self.name, self.commit, &self.file.name);
        let answer = match self.client.get(&path, (here > 0).then_some(here)) {
            Ok(answer) => answer,
            Err(NoAnswer(reason)) => return Ok(Ended::Broken(reason)),
        };
        let whole = match answer.status().as_u16() {
            206 => range_of(answer.headers()).map(|(_, whole)| whole),
            200 => answer.body().content_length(),
            _ => None,
        };
        if let Some(whole) = whole.filter(|whole| *whole != self.file.size) {
            let (listed, file) = (size(self.file.size), self.file.name.clone());
            part.set_len(0)?;
            let reason = format!("it has {}, and {listed} were listed", size(whole));
            return Err(HubError::Damaged { file, reason }.into());
        }
        match answer.status().as_u16() {
            206 if range_of(answer.headers()).is_some_and(|(from, _)| from == here) => {}
            // The whole of it, although a part was asked for.
            200 => {
                part.set_len(0)?;
                here = 0;
            }
            206 | 416 => {
                part.set_len(0)?;
                return Ok(Ended::Broken("it does not have this part".into()));
            }
            status @ (408 | 429 | 500..) => return Ok(Ended::Broken(format!("its answer is {status}"))),
            _ => return Err(self.client.refused(self.name, &self.file.name, &answer).into()),
        }
        part.seek(SeekFrom::Start(here))?;
        self.copy(answer, part, here, come)
    }

    fn copy(
        &self,
        answer: Response<Body>,
        part: &mut File,
        mut here: u64,
        come: &mut dyn FnMut(u64),
    ) -> Result<Ended, Stopped> {
        let mut body = answer.into_body().into_reader();
        let mut piece = vec![0; PIECE];
        while here < self.file.size {
            // No more than the hub said there is, which the disk has room for.
            let most = usize::try_from(self.file.size - here).map_or(PIECE, |left| left.min(PIECE));
            match body.read(&mut piece[..most]) {
                Ok(0) => return Ok(Ended::Broken("it ended too early".into())),
                Ok(read) => {
                    part.write_all(&piece[..read])?;
                    here += read as u64;
                    come(here);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Ended::Broken(io_reason(&error))),
            }
        }
        Ok(Ended::Whole)
    }

    /// Refuses what is not the file that the hub listed, and removes it.
    fn check(&self, part: &mut File, blobs: &Folder) -> Result<(), HubError> {
        let Some(expected) = self.file.sha256() else { return Ok(()) };
        let path = blobs.path().join(part_of(&self.file.blob));
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE];
        part.seek(SeekFrom::Start(0)).map_err(HubError::io(&path))?;
        loop {
            match part.read(&mut piece).map_err(HubError::io(&path))? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        if hexadecimal(&hash.finalize()) == expected {
            return Ok(());
        }
        blobs.remove_file(part_of(&self.file.blob)).map_err(HubError::io(&path))?;
        Err(HubError::Damaged { file: self.file.name.clone(), reason: "its SHA-256 is another".into() })
    }
}

/// What ends a transfer for good.
enum Stopped {
    Hub(HubError),
    Disk(io::Error),
}

impl From<HubError> for Stopped {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}
