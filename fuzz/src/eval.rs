//! What a measurement in a run needs of the program's `eval`.

#[path = "../../src/eval/by_numbers.rs"]
pub mod by_numbers;
#[path = "../../src/eval/frontier.rs"]
pub mod frontier;
#[path = "../../src/eval/options.rs"]
mod options;
#[path = "../../src/eval/reference.rs"]
mod reference;
#[path = "../../src/eval/report.rs"]
pub mod report;

pub use options::EvalOptions;
pub use reference::BaseReference;
