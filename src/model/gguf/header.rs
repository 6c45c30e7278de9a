//! The header of a GGUF file, versions 2 and 3, little-endian: the metadata by key, then the name, shape, type
//! and place of each tensor (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>).
//!
//! A stranger wrote it: a count or a length is compared with what is left of the file before anything is
//! allocated for it, and tensors neither overlap nor leave the file.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::Read,
};

use super::{
    blocks::BlockType,
    metadata::{Metadata, Value},
};
use crate::system::quoting::shortened;

/// Longest header that is read. That of a vocabulary of 150,000 tokens has 6 MB.
const MOST_HEADER: u64 = 64 << 20;
/// Most metadata keys, and most tensors.
const MOST_ENTRIES: u64 = 1 << 16;
/// Most items of an array: tokens, merges.
const MOST_ITEMS: u64 = 1 << 22;
/// Longest key of the specification.
const MOST_KEY: u64 = 65_535;
/// Longest tensor name of the specification.
const MOST_NAME: u64 = 64;
/// Most dimensions of a tensor in the specification.
const MOST_DIMENSIONS: u32 = 4;
/// Of the tensors' places, unless `general.alignment` says otherwise.
const ALIGNMENT: u64 = 32;

/// What a header says.
pub(super) struct Header {
    pub(super) metadata: Metadata,
    /// In the order of their places in the file.
    pub(super) tensors: Vec<TensorInfo>,
}

/// A tensor in the file.
pub(super) struct TensorInfo {
    pub(super) name: String,
    /// Rows first; the file counts the other way round.
    pub(super) shape: Vec<usize>,
    pub(super) kind: BlockType,
    /// From the beginning of the file.
    pub(super) start: u64,
    pub(super) bytes: u64,
}

impl Header {
    /// Reads the header of a file of `length` bytes from its beginning.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub(super) fn read(from: &mut impl Read, length: u64) -> Result<Self, String> {
        let mut bytes = Bytes { from, read: 0, length };
        if bytes.array::<4>()? != *b"GGUF" {
            return Err("This is no GGUF file. Fetch it again.".into());
        }
        match bytes.u32()? {
            2 | 3 => {}
            version if version.swap_bytes() < 1 << 16 => {
                return Err("This GGUF file is big-endian; only little-endian ones are read.".into());
            }
            version => return Err(format!("The GGUF version is {version}; 2 and 3 are read.")),
        }
        let tensors = bytes.count("tensors", MOST_ENTRIES)?;
        let keys = bytes.count("metadata keys", MOST_ENTRIES)?;
        let mut metadata = BTreeMap::new();
        for _ in 0..keys {
            let key = bytes.text(MOST_KEY)?;
            let kind = bytes.u32()?;
            let value = bytes.value(kind, &key)?;
            match metadata.entry(key) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(there) => {
                    return Err(format!("The metadata key `{}` occurs twice.", shortened(there.key())));
                }
            };
        }
        let metadata = Metadata::new(metadata);
        let infos = (0..tensors).map(|_| bytes.tensor()).collect::<Result<Vec<_>, _>>()?;
        let alignment = metadata.number("general.alignment")?.unwrap_or(ALIGNMENT);
        if !alignment.is_power_of_two() || alignment > MOST_HEADER {
            return Err(format!("`general.alignment` is {alignment}; it must be a power of two."));
        }
        let data = bytes.read.next_multiple_of(alignment);
        Ok(Self { metadata, tensors: placed(infos, data, alignment, length)? })
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.iter().any(|tensor| tensor.name == name)
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn tensor(&self, name: &str) -> Result<&TensorInfo, String> {
        let found = self.tensors.iter().find(|tensor| tensor.name == name);
        found.ok_or_else(|| format!("Tensor `{name}` is missing; this is no whole model. Fetch it again."))
    }
}

/// Checks that names are unique and places are aligned, apart from each other and in the file; makes the
/// places absolute.
fn placed(
    mut tensors: Vec<TensorInfo>,
    data: u64,
    alignment: u64,
    length: u64,
) -> Result<Vec<TensorInfo>, String> {
    let mut names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("Tensor `{}` occurs twice.", shortened(twice[0])));
    }
    tensors.sort_by_key(|tensor| tensor.start);
    let mut free = 0;
    for tensor in &mut tensors {
        let name = shortened(&tensor.name);
        if !tensor.start.is_multiple_of(alignment) {
            return Err(format!("Tensor `{name}` does not begin at a multiple of {alignment} bytes."));
        }
        if tensor.start < free {
            return Err(format!("Tensor `{name}` overlaps another one."));
        }
        let end = tensor.start.checked_add(tensor.bytes);
        let end = end.filter(|end| end.checked_add(data).is_some_and(|end| end <= length));
        free = end.ok_or_else(|| {
            format!("Tensor `{name}` ends after the file does, which has {length} bytes. Fetch it again.")
        })?;
        tensor.start += data;
    }
    Ok(tensors)
}

/// The bytes of a header, counted.
struct Bytes<'a, R> {
    from: &'a mut R,
    read: u64,
    length: u64,
}

impl<R: Read> Bytes<'_, R> {
    /// Whether so many more bytes may be read.
    fn check(&self, more: u64) -> Result<(), String> {
        let end = self.read.saturating_add(more);
        if end > self.length {
            return Err("The file ends within its header. Fetch it again.".into());
        }
        if end > MOST_HEADER {
            return Err(format!("The header has more than {MOST_HEADER} bytes, the most that is read."));
        }
        Ok(())
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), String> {
        self.check(into.len() as u64)?;
        self.from.read_exact(into).map_err(|error| format!("The header could not be read: {error}."))?;
        self.read += into.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self, of: &str, most: u64) -> Result<u64, String> {
        match self.u64()? {
            count if count <= most => Ok(count),
            count => Err(format!("The header counts {count} {of}; at most {most} are read.")),
        }
    }

    fn text(&mut self, most: u64) -> Result<String, String> {
        let length = self.u64()?;
        self.check(length)?;
        if length > most {
            return Err(format!("A name in the header has {length} bytes; at most {most} are allowed."));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| "A text in the header is not UTF-8.".into())
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Value, String> {
        Ok(match kind {
            0 => Value::Whole(self.array::<1>()?[0].into()),
            1 => Value::Whole(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Whole(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Whole(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Whole(self.u32()?.into()),
            5 => Value::Whole(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Real(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Flag(self.array::<1>()?[0] != 0),
            8 => Value::Text(self.text(MOST_HEADER)?),
            9 => self.items(key)?,
            10 => Value::Whole(self.u64()?.into()),
            11 => Value::Whole(i64::from_le_bytes(self.array()?).into()),
            12 => Value::Real(f64::from_le_bytes(self.array()?)),
            other => {
                return Err(format!(
                    "The metadata key `{}` has a value of the unknown type {other}.",
                    shortened(key)
                ));
            }
        })
    }

    /// Keeps texts and whole numbers; nothing that we read is an array of anything else.
    fn items(&mut self, key: &str) -> Result<Value, String> {
        let kind = self.u32()?;
        let count = self.count("items of an array", MOST_ITEMS)?;
        let least = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => {
                let key = shortened(key);
                return Err(format!(
                    "The metadata key `{key}` has an array of the type {kind}, which is not read."
                ));
            }
        };
        self.check(count * least)?;
        if kind == 8 {
            let texts = (0..count).map(|_| self.text(MOST_HEADER));
            return Ok(Value::Texts(texts.collect::<Result<_, _>>()?));
        }
        let mut numbers = Vec::new();
        for _ in 0..count {
            if let Value::Whole(number) = self.value(kind, key)? {
                numbers.push(i64::try_from(number).map_err(|_| {
                    format!("The metadata key `{}` has a number that is too large.", shortened(key))
                })?);
            }
        }
        Ok(Value::Numbers(numbers))
    }

    /// A tensor whose place is still relative.
    fn tensor(&mut self) -> Result<TensorInfo, String> {
        let name = self.text(MOST_NAME)?;
        let shown = shortened(&name);
        let dimensions = self.u32()?;
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Err(format!(
                "Tensor `{shown}` has {dimensions} dimensions; 1 to {MOST_DIMENSIONS} are allowed."
            ));
        }
        let sizes = (0..dimensions).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let kind = BlockType::of(self.u32()?).map_err(|found| {
            format!("Tensor `{shown}` has the type {found}; {} are read.", BlockType::supported())
        })?;
        let start = self.u64()?;
        let (numbers, bytes) = kind.block();
        let columns = sizes[0];
        if columns == 0 || !columns.is_multiple_of(numbers as u64) {
            return Err(format!(
                "Tensor `{shown}` has {columns} columns; its type needs a multiple of {numbers}."
            ));
        }
        let all = sizes.iter().try_fold(1_u64, |all, size| all.checked_mul(*size));
        let taken = all.and_then(|all| (all / numbers as u64).checked_mul(bytes as u64));
        // What is larger than the file is refused here, so that every size fits.
        let taken = taken.filter(|taken| *taken > 0 && *taken <= self.length).ok_or_else(|| {
            format!("Tensor `{shown}` has the shape {sizes:?}, which does not fit in this file.")
        })?;
        let shape = sizes.iter().rev().map(|size| *size as usize).collect();
        Ok(TensorInfo { name, shape, kind, start, bytes: taken })
    }
}
