//! Metrics as an event file of TensorBoard: records of `tensorflow.Event` (event.proto, summary.proto), each framed
//! with its length and masked CRC-32C sums (record_writer.h).

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{record::Step, system::files};

/// Writes an event file into a folder, made if necessary; returns its path.
pub(super) fn write(steps: &[Step], folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let path = folder.join(format!("events.out.tfevents.{now:010}.aha-lab"));
    let mut out = BufWriter::new(files::create(&path)?);
    record(&mut out, &event(now as f64, None, &length_delimited(3, b"brain.Event:2")))?;
    for step in steps {
        let mut summary = Vec::new();
        for (name, value) in step.iter() {
            let value = value.number();
            if value.is_finite() {
                summary.extend(length_delimited(1, &scalar(name, value as f32)));
            }
        }
        record(&mut out, &event(now as f64, Some(step.step), &length_delimited(5, &summary)))?;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(path)
}

/// `Event`: `wall_time` is field 1, `step` field 2; `what` is the encoded rest.
fn event(wall_time: f64, step: Option<u64>, what: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1 << 3 | 1];
    bytes.extend(wall_time.to_le_bytes());
    if let Some(step) = step {
        bytes.push(2 << 3);
        bytes.extend(varint(step));
    }
    bytes.extend(what);
    bytes
}

/// `Summary.Value`: `tag` is field 1, `simple_value` field 2.
fn scalar(tag: &str, value: f32) -> Vec<u8> {
    let mut bytes = length_delimited(1, tag.as_bytes());
    bytes.push(2 << 3 | 5);
    bytes.extend(value.to_le_bytes());
    bytes
}

fn length_delimited(field: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field << 3 | 2];
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Length, its sum, the content, its sum.
fn record(out: &mut impl Write, content: &[u8]) -> io::Result<()> {
    let length = (content.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked(crc32c(&length)).to_le_bytes())?;
    out.write_all(content)?;
    out.write_all(&masked(crc32c(content)).to_le_bytes())
}

/// A sum of data that holds sums itself would be weak; so they are stored rotated.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32 with Castagnoli's polynomial, bit by bit: the files are small.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = sum >> 1 ^ (0x82f6_3b78 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn numbers_are_as_short_as_protocol_buffers_make_them() {
        assert_eq!((varint(0), varint(127), varint(300)), (vec![0], vec![127], vec![0xac, 2]));
    }
}
