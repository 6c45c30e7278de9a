//! The prompts that were drawn, and all of their groups: `prompts_per_step` of them in every step.
//!
//! A group whose rewards are all equal teaches nothing, and its tokens still count where the loss is divided by all of
//! them.

use super::{Batching, Wanted};
use crate::grpo::step::ScoredGroup;

/// Every group that was drawn.
pub(super) struct Fixed;

pub(super) const PART: Fixed = Fixed;

impl Batching for Fixed {
    fn about(&self) -> &'static str {
        "Every prompt that was drawn, with its whole group."
    }

    fn replaced(&self, _groups: &[ScoredGroup], _wanted: Wanted) -> Vec<usize> {
        Vec::new()
    }

    fn replaces(&self) -> bool {
        false
    }
}
