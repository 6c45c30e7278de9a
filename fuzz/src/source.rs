//! What reads the files of other engines, as far as it needs nothing else of the program.

#[path = "../../src/runs/source/parquet/mod.rs"]
pub mod parquet;
#[path = "../../src/runs/source/tfevents.rs"]
pub mod tfevents;
#[path = "../../src/runs/source/varint.rs"]
mod varint;
