//! Engines that a project can be written for. One is a file here and a line in [`ENGINES`].

use super::{plan::Plan, trl::Trl, verl::Verl};
use crate::{
    cli::{Failure, printable},
    config::Config,
};

/// One of them.
pub(super) trait Engine: Sync {
    /// As people write it.
    fn name(&self) -> &'static str;
    /// Keys of the lab that it has, beside those that all have.
    fn keys(&self) -> &'static [&'static str];
    /// Why it cannot do what a configuration asks for, in a sentence.
    fn lacks(&self, config: &Config) -> Option<String>;
    /// Where it differs from the lab under this configuration, in sentences.
    fn deviations(&self, plan: &Plan) -> Vec<String>;
    /// Its files, without the puzzles.
    fn files(&self, plan: &Plan) -> Vec<(String, Vec<u8>)>;
    /// The parts of the README that are its own, in Markdown.
    fn guide(&self, plan: &Plan) -> String;
}

static ENGINES: &[&dyn Engine] = &[&Trl, &Verl];

/// By its name.
pub(super) fn named(name: &str) -> Result<&'static dyn Engine, Failure> {
    ENGINES.iter().copied().find(|engine| engine.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<String> = ENGINES.iter().map(|engine| engine.name().to_ascii_lowercase()).collect();
        Failure(format!("--engine must be one of {}, not `{}`.", names.join(", "), printable(name)))
    })
}
