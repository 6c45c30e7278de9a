//! A transcript as a walk through the states of its puzzle, compared with all states there are.
//!
//! A *state* is the numbers left: the given ones at the root, one fewer after each step. Every attempt of a
//! transcript starts again at the root. [`Space`] knows every state that right arithmetic can reach, and
//! which of them are *alive*: the target can still be made from all numbers left. [`Search`] is the tree that
//! one transcript explored, and what it missed.
//!
//! Only steps of attempts make moves. A calculation inside a check moves nothing, and the inside of an answer
//! is not read. A step with wrong arithmetic or with an unavailable number is in the tree and marked; neither
//! it nor what follows counts as explored.

mod figures;
mod space;
mod state;
mod tree;
mod walk;

pub use figures::{Coverage, Figures, NEAR_MISS, NearMiss, PassedBy};
pub use space::{Level, MOST_STATES, Space};
pub use state::State;
pub use tree::{Move, Node, NodeId, ROOT, Standing};
pub use walk::MOST_STEPS;

use crate::record::NumberPuzzle;

/// The tree of one transcript, and its figures.
#[derive(Debug, Clone)]
pub struct Search {
    /// The nodes; [`ROOT`] comes first, and a parent before its children.
    pub nodes: Vec<Node>,
    /// The node of every right move, in text order.
    pub visits: Vec<NodeId>,
    /// The node at which each attempt ended.
    pub ends: Vec<NodeId>,
    /// Whether the text has more than [`MOST_STEPS`] steps; the rest are ignored.
    pub cut: bool,
    /// The figures.
    pub figures: Figures,
}

impl Search {
    /// Reads `completion`, which must answer the puzzle of `space`.
    pub fn new(puzzle: &NumberPuzzle, completion: &str, space: &mut Space) -> Self {
        let walk = walk::walk(puzzle, completion, space);
        let figures = figures::figures(&walk, space);
        Self { nodes: walk.nodes, visits: walk.visits, ends: walk.ends, cut: walk.cut, figures }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
