//! What `config` needs of the program's `prompt`.

#[path = "../../src/prompt/style.rs"]
mod style;

pub use style::PromptStyle;
