//! What a parquet file says of its sizes, looked at before the library reserves memory or counts for them. Its footer and
//! the headers of its pages are structures in Thrift's compact protocol; of a header's fields only the sizes are read, the
//! others are passed over.

use parquet::file::metadata::ParquetMetaData;

use super::super::varint;

/// How much larger than the file its unpacked pages may be: Snappy cannot do more than 22 times, and what repeats is
/// stored once.
const MOST_TIMES: u64 = 64;
/// Small files may say so much.
const ALWAYS: u64 = 1 << 20;
/// Values of all pages together, whatever the columns are.
const MOST_VALUES: u64 = 1 << 28;
/// Levels of a page: one for each value, of which a run of equal ones takes a few bytes.
const MOST_IN_A_PAGE: u64 = 1 << 22;
/// Structures inside structures.
const DEEPEST: u32 = 8;
/// The same in the footer, where a list counts as one.
const DEEPEST_IN_FOOTER: u32 = 32;

/// Checks that no list in the footer says that it has more than the footer holds: the library believes it, and counts to
/// two thousand million.
///
/// # Errors
/// That it is so.
pub(super) fn check_footer(bytes: &[u8]) -> Result<(), String> {
    let footer = || {
        let (rest, end) = bytes.split_last_chunk::<8>()?;
        let length = u32::from_le_bytes(end[..4].try_into().ok()?);
        let begins = rest.len().checked_sub(usize::try_from(length).ok()?)?;
        Compact { rest: &rest[begins..] }.pass(STRUCTURE, DEEPEST_IN_FOOTER)
    };
    footer().ok_or_else(|| "its footer is broken".to_owned())
}

/// Checks all pages of all columns.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check(metadata: &ParquetMetaData, bytes: &[u8]) -> Result<(), String> {
    let most = (bytes.len() as u64).saturating_mul(MOST_TIMES).saturating_add(ALWAYS);
    let (mut unpacked, mut values) = (0_u64, 0_u64);
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let chunk = start_and_length(column.dictionary_page_offset(), column.data_page_offset())
            .zip(usize::try_from(column.compressed_size()).ok())
            .and_then(|(start, length)| bytes.get(start..)?.get(..length));
        let mut rest = chunk.ok_or("a column lies outside it")?;
        while !rest.is_empty() {
            let (header, body) = Header::read(rest).ok_or("the header of a page is broken")?;
            unpacked = unpacked.saturating_add(header.unpacked);
            values = values.saturating_add(header.values);
            if unpacked > most || values > MOST_VALUES || header.values > MOST_IN_A_PAGE {
                return Err(format!("it unpacks to more than {MOST_TIMES} times its size, the limit"));
            }
            let packed = usize::try_from(header.packed).map_err(|_| "a page is too long")?;
            rest = body.get(packed..).ok_or("a page lies outside its column")?;
        }
    }
    Ok(())
}

/// Where the pages of a column begin.
fn start_and_length(dictionary: Option<i64>, data: i64) -> Option<usize> {
    // Some writers put 0 where there is no dictionary.
    let start = dictionary.filter(|at| *at > 0).map_or(data, |at| at.min(data));
    usize::try_from(start).ok()
}

/// The sizes in a page's header.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Header {
    unpacked: u64,
    packed: u64,
    values: u64,
}

impl Header {
    /// A header, and what follows it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Compact { rest: bytes };
        let mut header = Self::default();
        let mut id = 0;
        while let Some(kind) = reader.field(&mut id)? {
            match (id, kind) {
                (2, I32) => header.unpacked = u64::try_from(reader.signed()?).ok()?,
                (3, I32) => header.packed = u64::try_from(reader.signed()?).ok()?,
                // The header of a data page, of a dictionary, of a data page of the second version.
                (5 | 7 | 8, STRUCTURE) => header.values = reader.values_of_page()?,
                _ => reader.pass(kind, DEEPEST)?,
            }
        }
        Some((header, reader.rest))
    }
}

/// Kinds of fields by their number in the protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCTURE: u8 = 12;

/// What is left to read.
struct Compact<'a> {
    rest: &'a [u8],
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        varint::take(&mut self.rest)
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The kind of the next field, and its number in `id`; `Some(None)` at the end of a structure.
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.signed()?,
            more => id.checked_add(i64::from(more))?,
        };
        Some(Some(byte & 0xf))
    }

    /// Of a page's own header, its first field: how many values there are.
    fn values_of_page(&mut self) -> Option<u64> {
        let (mut id, mut values) = (0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (1, I32) => values = u64::try_from(self.signed()?).ok()?,
                _ => self.pass(kind, DEEPEST)?,
            }
        }
        Some(values)
    }

    fn pass(&mut self, kind: u8, deepest: u32) -> Option<()> {
        let deeper = deepest.checked_sub(1)?;
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.skip(1),
            I16 | I32 | I64 => self.varint().map(|_| ()),
            DOUBLE => self.skip(8),
            BINARY => {
                let length = self.varint()?;
                self.skip(usize::try_from(length).ok()?)
            }
            LIST | SET => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    few => u64::from(few),
                };
                for _ in 0..count {
                    // In a list, a yes or no takes a byte.
                    match head & 0xf {
                        TRUE | FALSE => self.skip(1)?,
                        kind => self.pass(kind, deeper)?,
                    }
                }
                Some(())
            }
            STRUCTURE => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.pass(kind, deeper)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_the_footer_has_no_more_than_the_footer_holds() {
        let file = |footer: &[u8]| {
            let length = (footer.len() as u32).to_le_bytes();
            [b"PAR1", footer, &length, b"PAR1"].concat()
        };
        // A number, and a list of two numbers.
        assert_eq!(check_footer(&file(&[0x15, 2, 0x19, 0x25, 2, 4, 0])), Ok(()));
        // The same list, of two thousand million; of yes and no, which the library takes for nothing.
        for endless in [[0xf5, 0xff, 0xff, 0xff, 0xff, 7], [0xf1, 0xff, 0xff, 0xff, 0xff, 7]] {
            let footer = [&[0x15, 2, 0x19][..], &endless, &[2, 4, 0]].concat();
            assert!(check_footer(&file(&footer)).is_err());
        }
        let mut longer = file(&[0]);
        longer[5] = 200;
        assert!(check_footer(&longer).is_err(), "it begins before the file");
    }

    #[test]
    fn the_sizes_of_a_page_are_read_and_the_rest_is_passed_over() {
        // type 0, 300 unpacked, 20 packed, a structure {8 values, a list of two bytes, a text}, end, body.
        let bytes = [
            0x15, 0, 0x15, 0xd8, 0x04, 0x15, 40, 0x2c, 0x15, 16, 0x19, 0x23, 1, 2, 0x18, 3, b'a', b'b', b'c',
            0, 0, 7, 7,
        ];
        let (header, body) = Header::read(&bytes).unwrap();
        assert_eq!(header, Header { unpacked: 300, packed: 20, values: 8 });
        assert_eq!(body, [7, 7]);
        for end in 0..bytes.len() - 2 {
            assert_eq!(Header::read(&bytes[..end]), None, "cut at {end}");
        }
        let negative = [0x15, 0, 0x15, 1, 0];
        assert_eq!(Header::read(&negative), None);
        let nested = [0x1c; 40];
        assert_eq!(Header::read(&nested), None, "structures in structures");
    }
}
