//! How a puzzle becomes the text that a model continues: in the words of our own base models, in TinyZero's, or as its
//! chat template says.

mod asking;
mod style;

pub use asking::{asking, encode, prompt_file, words};
pub use style::PromptStyle;
