//! How the prompts and groups of a step are chosen.

use super::{registry::registry, step::ScoredGroup};

registry! { dyn Batching:
    fixed,
    dynamic,
}

/// What a step may draw.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Groups that the step trains on.
    pub groups: usize,
    /// Prompts that were drawn so far.
    pub drawn: usize,
}

/// Decides what becomes of the groups that were drawn, once they are scored.
pub trait Batching: Send + Sync {
    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// Which of the step's groups, by number, are replaced: a new prompt is drawn for each, answered and scored, and this
    /// is asked again. None: the step trains on the groups as they are.
    fn replaced(&self, groups: &[ScoredGroup], wanted: Wanted) -> Vec<usize>;

    /// Whether it ever replaces a group, so that there is something to count.
    fn replaces(&self) -> bool;
}
