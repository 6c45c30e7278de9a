//! Where a person is in one of the open runs. Going to another run and back finds everything as it was left.

use crate::tui::screens::{AnyScreen, REGISTRY, listing::Listing};

/// The screens of a run: their cursors, filters and scrolling, and what is typed on them.
#[derive(Debug)]
pub struct Visit {
    /// All screens, as in the registry.
    pub screens: Vec<Box<dyn AnyScreen>>,
    /// The list of completions, and the selected one: several screens share it.
    pub listing: Listing,
    /// The group that the engine was last asked to look at.
    pub(super) inspecting: Option<usize>,
}

impl Default for Visit {
    fn default() -> Self {
        Self {
            screens: REGISTRY.iter().map(|make| make()).collect(),
            listing: Listing::default(),
            inspecting: None,
        }
    }
}
