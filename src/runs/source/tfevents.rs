//! The scalars in TensorBoard's event files: records of `tensorflow.Event` (event.proto, summary.proto), each framed with
//! its length and two sums (record_writer.h).

use super::varint;

/// A longer record holds pictures or a graph, and is passed over.
const LONGEST: u64 = 1 << 20;
/// Most bytes that are looked at together.
pub(super) const MOST_BYTES: u64 = 64 << 20;

/// A step, a name without `train/`, and a value.
pub type Scalar = (u64, String, f32);

/// The scalars of all whole records, and how many bytes those take.
///
/// # Errors
/// What is wrong with a record.
pub fn scalars(bytes: &[u8]) -> Result<(usize, Vec<Scalar>), String> {
    let (mut used, mut found) = (0, Vec::new());
    loop {
        let rest = &bytes[used..];
        let Some(head) = rest.first_chunk::<8>() else { return Ok((used, found)) };
        let length = u64::from_le_bytes(*head);
        if length > MOST_BYTES / 2 {
            return Err(format!("a record of {length} bytes is no event"));
        }
        let (begin, end) = (12, 12 + length as usize);
        let Some(record) = rest.get(begin..end).filter(|_| rest.len() >= end + 4) else {
            return Ok((used, found));
        };
        if length <= LONGEST {
            let event = Fields(record).collect::<Option<Vec<_>>>().ok_or("an event is broken")?;
            read_event(&event, &mut found);
        }
        used += end + 4;
    }
}

/// Of an `Event`, `step` is field 2 and `summary` field 5; its values are field 1.
fn read_event(event: &[(u64, Field<'_>)], found: &mut Vec<Scalar>) {
    let step = event.iter().find_map(|(id, field)| field.whole().filter(|_| *id == 2)).unwrap_or(0);
    let summaries = event.iter().filter(|(id, _)| *id == 5).filter_map(|(_, field)| field.bytes());
    for value in summaries.flat_map(Fields).map_while(|field| field).filter(|(id, _)| *id == 1) {
        let Some(value) = value.1.bytes() else { continue };
        let fields: Vec<_> = Fields(value).map_while(|field| field).collect();
        // `tag` is field 1, `simple_value` field 2.
        let tag = fields.iter().find(|(id, _)| *id == 1).and_then(|(_, tag)| tag.bytes());
        let number = fields.iter().find(|(id, _)| *id == 2).and_then(|(_, number)| number.float());
        if let (Some(tag), Some(number)) = (tag.and_then(|tag| str::from_utf8(tag).ok()), number) {
            found.push((step, tag.strip_prefix("train/").unwrap_or(tag).to_owned(), number));
        }
    }
}

/// The content of a field of a protocol buffer.
#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Whole(u64),
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Field<'a> {
    fn whole(self) -> Option<u64> {
        if let Self::Whole(whole) = self { Some(whole) } else { None }
    }

    fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    fn float(self) -> Option<f32> {
        if let Self::Fixed32(bytes) = self { Some(f32::from_le_bytes(bytes)) } else { None }
    }
}

/// The fields of a message; `None` where it is broken, and then it ends.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Whole(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed64)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(usize::try_from(length).ok()?)?)
            }
            5 => Field::Fixed32(self.take(4)?.try_into().ok()?),
            _ => return None,
        };
        Some((key >> 3, field))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        varint::take(&mut self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `{step: 3, summary: {value: {tag: "train/kl", simple_value: 0.5}}}` in its frame.
    fn record() -> Vec<u8> {
        let mut event = vec![2 << 3, 3, 5 << 3 | 2, 17, 1 << 3 | 2, 15, 1 << 3 | 2, 8];
        event.extend(b"train/kl");
        event.push(2 << 3 | 5);
        event.extend(0.5_f32.to_le_bytes());
        let mut record = (event.len() as u64).to_le_bytes().to_vec();
        record.extend([0; 4]);
        record.extend(event);
        record.extend([0; 4]);
        record
    }

    #[test]
    fn scalars_are_read_as_far_as_records_are_whole() {
        let bytes = [record(), record()].concat();
        let one = (3, "kl".to_owned(), 0.5);
        assert_eq!(scalars(&bytes).unwrap(), (bytes.len(), vec![one.clone(), one.clone()]));
        for end in 0..bytes.len() {
            let (used, found) = scalars(&bytes[..end]).unwrap();
            assert_eq!((used, found.len()), if end < record().len() { (0, 0) } else { (record().len(), 1) });
        }
        assert!(scalars(&[255; 40]).is_err());
        let mut broken = record();
        broken[12] = 7;
        assert!(scalars(&broken).is_err());
    }
}
