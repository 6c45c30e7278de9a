//! The types of tensors in a GGUF file. A quantized one is a row of blocks, each with its own scales; every
//! value is worked out as in ggml's `dequantize_row_*` (`ggml/src/ggml-quants.c`), whose structures
//! (`ggml/src/ggml-common.h`) are quoted at each type.

use super::super::host::f16_to_f32;

/// Numbers in a block of the simple types.
const SIMPLE: usize = 32;
/// Numbers in a block of the K types.
const SUPER: usize = 256;

/// How the numbers of a tensor are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockType {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// Each type's number in `enum ggml_type` and its name there.
const TYPES: [(u32, &str, BlockType); 11] = [
    (0, "F32", BlockType::F32),
    (1, "F16", BlockType::F16),
    (30, "BF16", BlockType::Bf16),
    (2, "Q4_0", BlockType::Q4_0),
    (3, "Q4_1", BlockType::Q4_1),
    (6, "Q5_0", BlockType::Q5_0),
    (7, "Q5_1", BlockType::Q5_1),
    (8, "Q8_0", BlockType::Q8_0),
    (12, "Q4_K", BlockType::Q4K),
    (13, "Q5_K", BlockType::Q5K),
    (14, "Q6_K", BlockType::Q6K),
];

/// Types that files have and we do not read, for the message.
const OTHERS: [(u32, &str); 15] = [
    (10, "Q2_K"),
    (11, "Q3_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (28, "F64"),
];

impl BlockType {
    /// The type of a number.
    ///
    /// # Errors
    /// The name of one that is not read.
    pub(super) fn of(number: u32) -> Result<Self, String> {
        if let Some((_, _, found)) = TYPES.iter().find(|(known, ..)| *known == number) {
            return Ok(*found);
        }
        let named = OTHERS.iter().find(|(known, _)| *known == number);
        Err(named.map_or_else(|| format!("number {number}"), |(_, name)| (*name).to_owned()))
    }

    /// `a, b and c`, for a sentence.
    pub(super) fn supported() -> String {
        let names = TYPES.map(|(_, name, _)| name);
        let (last, rest) = names.split_last().unwrap_or((&"", &[]));
        format!("{} and {last}", rest.join(", "))
    }

    /// Numbers in a block, and its bytes.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (SIMPLE, 2 + 16),
            Self::Q4_1 => (SIMPLE, 2 + 2 + 16),
            Self::Q5_0 => (SIMPLE, 2 + 4 + 16),
            Self::Q5_1 => (SIMPLE, 2 + 2 + 4 + 16),
            Self::Q8_0 => (SIMPLE, 2 + 32),
            Self::Q4K => (SUPER, 2 + 2 + 12 + 128),
            Self::Q5K => (SUPER, 2 + 2 + 12 + 32 + 128),
            Self::Q6K => (SUPER, 128 + 64 + 16 + 2),
        }
    }

    /// The numbers of whole blocks.
    pub(super) fn decoded(self, bytes: &[u8]) -> Vec<f32> {
        let (numbers, size) = self.block();
        let mut values = Vec::with_capacity(bytes.len() / size * numbers);
        let decode: fn(&[u8], &mut Vec<f32>) = match self {
            Self::F32 => |b, out| out.push(f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            Self::F16 => |b, out| out.push(half(b, 0)),
            Self::Bf16 => {
                |b, out| out.push(f32::from_bits(u32::from(u16::from_le_bytes([b[0], b[1]])) << 16))
            }
            Self::Q4_0 => q4_0,
            Self::Q4_1 => q4_1,
            Self::Q5_0 => q5_0,
            Self::Q5_1 => q5_1,
            Self::Q8_0 => q8_0,
            Self::Q4K => q4_k,
            Self::Q5K => q5_k,
            Self::Q6K => q6_k,
        };
        bytes.chunks_exact(size).for_each(|block| decode(block, &mut values));
        values
    }
}

/// The `ggml_half` at this byte.
fn half(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// Half-bytes of 16 bytes: all the low ones, then all the high ones.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.iter().map(|byte| byte & 15).chain(bytes.iter().map(|byte| byte >> 4))
}

/// Half-bytes with a fifth bit each, from the 32 bits before them.
fn five_bits(bits: &[u8], bytes: &[u8]) -> impl Iterator<Item = u8> {
    nibbles(bytes).enumerate().map(|(i, low)| low | (bits[i / 8] >> (i % 8) & 1) << 4)
}

/// `half d; uint8_t qs[16]`.
fn q4_0(block: &[u8], out: &mut Vec<f32>) {
    let d = half(block, 0);
    out.extend(nibbles(&block[2..]).map(|q| d * (f32::from(q) - 8.0)));
}

/// `half d, m; uint8_t qs[16]`.
fn q4_1(block: &[u8], out: &mut Vec<f32>) {
    let (d, m) = (half(block, 0), half(block, 2));
    out.extend(nibbles(&block[4..]).map(|q| d * f32::from(q) + m));
}

/// `half d; uint8_t qh[4], qs[16]`.
fn q5_0(block: &[u8], out: &mut Vec<f32>) {
    let d = half(block, 0);
    out.extend(five_bits(&block[2..6], &block[6..]).map(|q| d * (f32::from(q) - 16.0)));
}

/// `half d, m; uint8_t qh[4], qs[16]`.
fn q5_1(block: &[u8], out: &mut Vec<f32>) {
    let (d, m) = (half(block, 0), half(block, 2));
    out.extend(five_bits(&block[4..8], &block[8..]).map(|q| d * f32::from(q) + m));
}

/// `half d; int8_t qs[32]`.
fn q8_0(block: &[u8], out: &mut Vec<f32>) {
    let d = half(block, 0);
    out.extend(block[2..].iter().map(|q| f32::from(q.cast_signed()) * d));
}

/// Scale and minimum of one of eight parts, in six bits each (`get_scale_min_k4`).
fn scale_and_minimum(packed: &[u8], part: usize) -> (f32, f32) {
    let (scale, minimum) = match part {
        0..4 => (packed[part] & 63, packed[part + 4] & 63),
        _ => (
            packed[part + 4] & 15 | packed[part - 4] >> 6 << 4,
            packed[part + 4] >> 4 | packed[part] >> 6 << 4,
        ),
    };
    (f32::from(scale), f32::from(minimum))
}

/// `half d, dmin; uint8_t scales[12], qs[128]`.
fn q4_k(block: &[u8], out: &mut Vec<f32>) {
    let (d, d_min) = (half(block, 0), half(block, 2));
    let (scales, quants) = (&block[4..16], &block[16..]);
    for part in 0..8 {
        let (scale, minimum) = scale_and_minimum(scales, part);
        let (scale, minimum) = (d * scale, d_min * minimum);
        let bytes = &quants[part / 2 * 32..][..32];
        out.extend(bytes.iter().map(|byte| scale * f32::from(byte >> (4 * (part % 2)) & 15) - minimum));
    }
}

/// `half d, dmin; uint8_t scales[12], qh[32], qs[128]`.
fn q5_k(block: &[u8], out: &mut Vec<f32>) {
    let (d, d_min) = (half(block, 0), half(block, 2));
    let (scales, high, quants) = (&block[4..16], &block[16..48], &block[48..]);
    for part in 0..8 {
        let (scale, minimum) = scale_and_minimum(scales, part);
        let (scale, minimum) = (d * scale, d_min * minimum);
        let bytes = quants[part / 2 * 32..][..32].iter().zip(high);
        out.extend(bytes.map(|(byte, bits)| {
            let q = byte >> (4 * (part % 2)) & 15 | (bits >> part & 1) << 4;
            scale * f32::from(q) - minimum
        }));
    }
}

/// `uint8_t ql[128], qh[64]; int8_t scales[16]; half d`.
fn q6_k(block: &[u8], out: &mut Vec<f32>) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let d = half(block, 208);
    for i in 0..SUPER {
        // Two halves of four parts of 32: the first two parts in the low half-bytes, the others in the high.
        let (side, part, place) = (i / 128, i % 128 / 32, i % 32);
        let nibble = low[side * 64 + part % 2 * 32 + place] >> (4 * (part / 2)) & 15;
        let q = nibble | (high[side * 32 + place] >> (2 * part) & 3) << 4;
        let scale = d * f32::from(scales[i / 16].cast_signed());
        out.push(scale * (f32::from(q) - 32.0));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bytes(text: &serde_json::Value) -> Vec<u8> {
        let digits = text.as_str().unwrap();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn random_blocks_of_every_type_have_the_values_of_the_gguf_package() {
        let fixture = include_bytes!("../../../tests/fixtures/gguf/blocks.json");
        let fixture: serde_json::Value = serde_json::from_slice(fixture).unwrap();
        for (number, name, kind) in TYPES {
            assert_eq!(BlockType::of(number), Ok(kind));
            let [blocks, values] = ["blocks", "values"].map(|part| bytes(&fixture[name][part]));
            let expected: Vec<f32> =
                values.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            assert!(expected.len() >= kind.block().0 && blocks.len() >= kind.block().1);
            assert_eq!(kind.decoded(&blocks), expected, "{name}");
        }
        assert_eq!(BlockType::of(10), Err("Q2_K".to_owned()));
        assert_eq!(BlockType::of(99), Err("number 99".to_owned()));
    }
}
