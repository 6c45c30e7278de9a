//! The nodes of the tree that a transcript explored.

use std::{fmt, ops::Range};

use super::state::State;
use crate::reasoning::exact::{Exact, Operator};

/// A node's index in [`Search::nodes`](super::Search::nodes).
pub type NodeId = usize;

/// The node of the given numbers.
pub const ROOT: NodeId = 0;

/// One operation as the text states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Move {
    /// First operand.
    pub left: Exact,
    /// The operation.
    pub operator: Operator,
    /// Second operand.
    pub right: Exact,
    /// Its real value; `None` for a division by zero or a value too large to hold exactly.
    pub value: Option<Exact>,
    /// The value that the text states, if any.
    pub stated: Option<Exact>,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.operator.sign(), self.right)
    }
}

/// Whether a node counts as explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Every step from the root to here is right.
    Real,
    /// The step states a result that it does not have.
    WrongArithmetic,
    /// The step uses a number that is not available, or flips a sign, which is not an operation of the game.
    NotInHand,
    /// The step follows one that is not real.
    AfterWrong,
}

/// A state as reached by one path.
#[derive(Debug, Clone)]
pub struct Node {
    /// The parent; `None` for the root.
    pub parent: Option<NodeId>,
    /// The nodes reached from here, in text order.
    pub children: Vec<NodeId>,
    /// The operation that led here; `None` for the root.
    pub step: Option<Move>,
    /// The numbers left. After a wrong step, the numbers left according to the text.
    pub state: State,
    /// Whether it counts as explored.
    pub standing: Standing,
    /// Whether the target can still be reached; `None` if this is unknown or the state is not real.
    pub alive: Option<bool>,
    /// Whether the target is all that is left.
    pub solved: bool,
    /// Byte ranges in the completion of the moves that led here.
    pub places: Vec<Range<usize>>,
    /// The attempts that passed through, from 0.
    pub attempts: Vec<usize>,
    /// Whether another path of the transcript had already reached the same state.
    pub known_before: bool,
}

impl Node {
    /// Number of operations still to be made.
    pub(crate) fn operations_left(&self) -> usize {
        self.state.numbers().len().saturating_sub(1)
    }
}
