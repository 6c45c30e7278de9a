//! Lines in a file that zstd compressed (RFC 8878), mostly in frames of some megabytes, so that what stands in the
//! middle can be had without the rest.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Mutex,
};

use ruzstd::decoding::StreamingDecoder;

use crate::{
    runs::{lines::LineSplitter, reader::LONGEST_ROLLOUT_LINE},
    system::files,
};

/// A frame may hold so much; prime-rl's hold 4 MB.
const LARGEST_FRAME: u64 = 256 << 20;
/// Most that is unpacked of a file.
const MOST_UNPACKED: u64 = 16 << 30;
/// A file may unpack to at most so many times its size, and 64 MB besides.
const MOST_GROWTH: u64 = 256;
const LEAST_ROOM: u64 = 64 << 20;
const CHUNK: usize = 256 * 1024;

/// A compressed file, and where its frames begin.
#[derive(Debug)]
pub struct Sealed {
    path: PathBuf,
    /// In what it holds, and in the file.
    frames: Vec<(u64, u64)>,
    /// The last frame that was unpacked, and where it begins: the lines of a step mostly stand together.
    last: Mutex<Option<(u64, Vec<u8>)>>,
}

/// A line of a compressed file.
pub struct Line<'a> {
    /// From 1, in what is read of the file.
    pub number: u64,
    /// Where it begins in what the file holds.
    pub at: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// A file that ends too early, or is none of zstd's, and what could be read of it.
#[derive(Debug)]
pub struct Broken {
    /// Why.
    pub reason: String,
    /// What could.
    pub sealed: Sealed,
}

impl Sealed {
    /// Passes every line from a place on, which must be the beginning of one.
    ///
    /// # Errors
    /// If the file cannot be read to its end.
    pub fn read(path: &Path, from: u64, on_line: impl FnMut(Line<'_>)) -> Result<Self, Broken> {
        let mut sealed = Self { path: path.to_owned(), frames: Vec::new(), last: Mutex::new(None) };
        match sealed.scan(from, on_line) {
            Ok(()) => Ok(sealed),
            Err(reason) => Err(Broken { reason, sealed }),
        }
    }

    fn scan(&mut self, from: u64, mut on_line: impl FnMut(Line<'_>)) -> Result<(), String> {
        let file = files::open_unlinked(&self.path).map_err(|error| error.to_string())?;
        let size = file.metadata().map_err(|error| error.to_string())?.len();
        let most = size.saturating_mul(MOST_GROWTH).saturating_add(LEAST_ROOM).min(MOST_UNPACKED);
        let mut reader = BufReader::new(file);
        let mut splitter = LineSplitter::from(from, LONGEST_ROLLOUT_LINE);
        let mut at = 0;
        while let Some(begins) = next_frame(&mut reader)? {
            self.frames.push((at, begins));
            let taken = unpack(&mut reader, |bytes| {
                let skipped = from.saturating_sub(at).min(bytes.len() as u64);
                at += bytes.len() as u64;
                splitter.feed(&bytes[skipped as usize..], |line| {
                    if let Some(bytes) = line.content.filter(|bytes| !bytes.trim_ascii().is_empty()) {
                        on_line(Line { number: line.number, at: line.offset, bytes });
                    }
                });
                at <= most
            });
            taken?;
            if at > most {
                return Err(format!("it unpacks to more than {most} bytes"));
            }
        }
        Ok(())
    }

    /// The bytes from a place on.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub fn line(&self, at: u64, length: usize) -> Result<Vec<u8>, String> {
        let mut frame = self.frames.partition_point(|(begins, _)| *begins <= at).saturating_sub(1);
        let mut line = Vec::with_capacity(length);
        while line.len() < length {
            let Some((begins, place)) = self.frames.get(frame).copied() else {
                return Err("the file has become shorter".into());
            };
            self.with_frame(begins, place, |bytes| {
                let from = usize::try_from(at + line.len() as u64 - begins).unwrap_or(usize::MAX);
                let wanted = bytes.get(from..).unwrap_or_default();
                line.extend_from_slice(&wanted[..wanted.len().min(length - line.len())]);
            })?;
            frame += 1;
        }
        Ok(line)
    }

    fn with_frame(&self, begins: u64, place: u64, mut take: impl FnMut(&[u8])) -> Result<(), String> {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((known, bytes)) = &*last
            && *known == begins
        {
            take(bytes);
            return Ok(());
        }
        let file = files::open_unlinked(&self.path).map_err(|error| error.to_string())?;
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(place)).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        unpack(&mut reader, |more| {
            bytes.extend_from_slice(more);
            bytes.len() as u64 <= LARGEST_FRAME
        })?;
        take(&bytes);
        *last = Some((begins, bytes));
        Ok(())
    }
}

/// Where the next frame of data begins, behind frames that are to be skipped; `None` at the end of the file.
fn next_frame(reader: &mut BufReader<File>) -> Result<Option<u64>, String> {
    loop {
        let begins = reader.stream_position().map_err(|error| error.to_string())?;
        if reader.fill_buf().map_err(|error| error.to_string())?.is_empty() {
            return Ok(None);
        }
        let mut word = || {
            let mut word = [0; 4];
            reader.read_exact(&mut word).map(|()| u32::from_le_bytes(word))
        };
        let magic = word().map_err(|_| "it ends within a frame".to_owned())?;
        let to = match magic & 0xFFFF_FFF0 == 0x184D_2A50 {
            // A skippable frame, such as the table of a seekable file.
            true => begins + 8 + u64::from(word().map_err(|_| "it ends within a frame".to_owned())?),
            false => begins,
        };
        reader.seek(SeekFrom::Start(to)).map_err(|error| error.to_string())?;
        if to == begins {
            return Ok(Some(begins));
        }
    }
}

/// Unpacks a frame, piece by piece, for as long as more is wanted; the reader then stands behind it.
fn unpack(reader: &mut BufReader<File>, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), String> {
    let mut decoder = StreamingDecoder::new(reader).map_err(|error| format!("it is not zstd's: {error}"))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if !take(&chunk[..count]) {
                    return Ok(());
                }
            }
            Err(error) => return Err(format!("a frame cannot be unpacked: {error}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    /// A file of frames that hold these texts, with a table behind them that is to be skipped.
    fn packed(folder: &Path, frames: &[&str]) -> PathBuf {
        let pack = |text: &&str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let mut bytes: Vec<u8> = frames.iter().flat_map(pack).collect();
        bytes.extend(0x184D_2A5E_u32.to_le_bytes());
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend([1, 2, 3]);
        let path = folder.join("00000.jsonl.zst");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn lines(path: &Path, from: u64) -> (Vec<(u64, String)>, Result<Sealed, Broken>) {
        let mut lines = Vec::new();
        let sealed = Sealed::read(path, from, |line| {
            lines.push((line.at, String::from_utf8(line.bytes.to_vec()).unwrap()));
        });
        (lines, sealed)
    }

    #[test]
    fn lines_are_found_again_in_whichever_frames_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let path = packed(folder.path(), &["first\nthe n", "ext, over\ntwo", " frames\n", "last\n"]);
        let (found, sealed) = lines(&path, 0);
        let (Ok(sealed), texts) = (sealed, ["first", "the next, over", "two frames", "last"]) else {
            unreachable!()
        };
        assert_eq!(found.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), texts);
        for (at, text) in found.iter().rev().chain(&found) {
            assert_eq!(sealed.line(*at, text.len()).unwrap(), text.as_bytes());
        }
        assert!(sealed.line(found[3].0, 100).is_err(), "it ends there");
        let (rest, _) = lines(&path, found[2].0);
        assert_eq!(rest, found[2..]);
    }

    #[test]
    fn a_file_that_is_cut_off_or_no_zstd_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = packed(folder.path(), &["first\n", &"second\n".repeat(50)]);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (found, sealed) = lines(&path, 0);
            assert!(found.len() <= 51, "{length}");
            let told = sealed.err().map(|broken| broken.reason);
            assert!(told.is_none_or(|reason| !reason.is_empty()));
        }
        std::fs::write(&path, "no zstd at all").unwrap();
        let (found, sealed) = lines(&path, 0);
        assert!(found.is_empty() && sealed.is_err());
    }

    #[test]
    fn a_file_may_not_unpack_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.jsonl.zst");
        let frame = compress_to_vec(&vec![b'x'; 8 << 20][..], CompressionLevel::Fastest);
        assert!(frame.len() < 64 << 10);
        let frames: Vec<u8> = frame.iter().copied().cycle().take(frame.len() * 40).collect();
        std::fs::write(&path, frames).unwrap();
        let Err(Broken { reason, .. }) = Sealed::read(&path, 0, |_| ()) else { unreachable!() };
        assert!(reason.contains("unpacks to more than"), "{reason}");
    }
}
