//! What a GPU has and does, by its makers' data sheets.

use super::{super::printable, Failure};

/// A kind of GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gpu {
    pub(super) name: &'static str,
    /// Bytes of memory.
    pub(super) memory: f64,
    /// Dense bfloat16 operations in a second.
    pub(super) flops: f64,
    /// Bytes that it reads in a second.
    pub(super) bandwidth: f64,
}

const fn gpu(name: &'static str, gigabytes: f64, teraflops: f64, gigabytes_a_second: f64) -> Gpu {
    Gpu { name, memory: gigabytes * 1e9, flops: teraflops * 1e12, bandwidth: gigabytes_a_second * 1e9 }
}

static GPUS: [Gpu; 8] = [
    gpu("a100-40", 40.0, 312.0, 1555.0),
    gpu("a100", 80.0, 312.0, 2039.0),
    gpu("h100", 80.0, 989.0, 3350.0),
    gpu("h200", 141.0, 989.0, 4800.0),
    gpu("b200", 180.0, 2250.0, 7700.0),
    gpu("l40s", 48.0, 362.0, 864.0),
    gpu("a10g", 24.0, 70.0, 600.0),
    gpu("rtx4090", 24.0, 165.0, 1008.0),
];

impl Gpu {
    /// By its name.
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        GPUS.into_iter().find(|gpu| gpu.name == name).ok_or_else(|| {
            let names: Vec<&str> = GPUS.iter().map(|gpu| gpu.name).collect();
            Failure(format!("--gpu must be one of {}, not `{}`.", names.join(", "), printable(name)))
        })
    }
}
