//! The encoding of numbers in a weights file.

use super::publish::WeightType;

/// Halfway between the largest F16 number and the next one, if there were one.
pub(crate) const F16_ENDS: f32 = 65_520.0;

/// Little-endian, each rounded to the nearest number of the type, ties to even. Overflow of F16 becomes
/// infinite.
pub(crate) fn encoded(values: &[f32], as_type: WeightType) -> Vec<u8> {
    match as_type {
        WeightType::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        WeightType::Bf16 => values.iter().flat_map(|v| bf16(*v).to_le_bytes()).collect(),
        WeightType::F16 => values.iter().flat_map(|v| f16(*v).to_le_bytes()).collect(),
    }
}

/// The upper half of an F32.
fn bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    let half = 0x7fff + (bits >> 16 & 1);
    (bits.wrapping_add(half) >> 16) as u16
}

/// IEEE 754 binary16.
fn f16(value: f32) -> u16 {
    let sign = (value.to_bits() >> 16 & 0x8000) as u16;
    let size = value.abs();
    if size.is_nan() {
        return sign | 0x7e00;
    }
    if size >= F16_ENDS {
        return sign | 0x7c00;
    }
    // The distance between neighbours, a power of two: division by it is exact, and so is the addition below.
    let exponent = ((size.to_bits() >> 23) as i32 - 127).max(-14);
    let steps = (f64::from(size) / 2.0_f64.powi(exponent - 10)).round_ties_even() as u16;
    // If there is a leading bit, adding it carries into the exponent.
    sign | (((exponent + 14) as u16) << 10).wrapping_add(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest_and_ties_go_to_even() {
        // Expected values from PyTorch.
        let step = |exponent: i32| 2.0_f32.powi(-exponent);
        for (value, as_bf16, as_f16) in [
            (0.0, 0x0000, 0x0000),
            (-0.0, 0x8000, 0x8000),
            (1.0, 0x3f80, 0x3c00),
            (-2.5, 0xc020, 0xc100),
            (0.1, 0x3dcd, 0x2e66),
            (65_504.0, 0x4780, 0x7bff),
            (65_519.0, 0x4780, 0x7bff),
            (65_520.0, 0x4780, 0x7c00),
            (1.0 + step(8), 0x3f80, 0x3c04),
            (1.0 + 3.0 * step(8), 0x3f82, 0x3c0c),
            (1.0 + step(11), 0x3f80, 0x3c00),
            (1.0 + 3.0 * step(11), 0x3f80, 0x3c02),
            (5.960_464_5e-8, 0x3380, 0x0001),
            (2.0e-8, 0x32ac, 0x0000),
            (6.097_555e-5, 0x3880, 0x03ff),
            (6.103_515_6e-5, 0x3880, 0x0400),
            (f32::INFINITY, 0x7f80, 0x7c00),
        ] {
            assert_eq!((bf16(value), f16(value)), (as_bf16, as_f16), "{value:e}");
        }
    }
}
