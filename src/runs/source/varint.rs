//! Whole numbers of any length, as Thrift and protocol buffers both write them.

/// Takes a number off the front: seven bits a byte, the lowest first. `None` if it does not end, or is too large.
pub(super) fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
