//! The parts of the program's `model` that read.

#[path = "../../src/model/arch.rs"]
pub mod arch;
#[path = "../../src/model/companions.rs"]
pub mod companions;
#[path = "../../src/model/config.rs"]
pub mod config;
#[path = "../../src/model/families/mod.rs"]
pub mod families;
#[path = "../../src/model/fields/mod.rs"]
pub mod fields;
#[path = "../../src/model/gguf/mod.rs"]
pub mod gguf;
#[path = "../../src/model/host.rs"]
pub mod host;
#[path = "../../src/model/layout.rs"]
mod layout;
#[path = "../../src/model/template.rs"]
pub mod template;
#[path = "../../src/model/rope.rs"]
pub mod rope;
#[path = "../../src/model/tokenizer/mod.rs"]
pub mod tokenizer;
