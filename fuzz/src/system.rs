//! What the operating system gives, as far as it is fuzzed.

#[path = "../../src/system/files/mod.rs"]
pub mod files;
#[path = "../../src/system/output.rs"]
pub mod output;
#[path = "../../src/system/platform.rs"]
pub mod platform;
#[path = "../../src/system/quoting.rs"]
pub mod quoting;
