//! The nodes of the tree that a transcript explored.

use std::{fmt, ops::Range};

use super::state::State;
use crate::reasoning::exact::{Exact, Operator};

/// Which node: its place in the list.
pub type NodeId = usize;

/// The given numbers.
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
    /// What it really comes to; `None` for a division by zero and for what cannot be held exactly.
    pub value: Option<Exact>,
    /// What the text says that it comes to, where it says so.
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
    /// The step uses a number that is not in hand, or turns a sign, which is no operation of the game.
    NotInHand,
    /// The step follows one that is not real.
    AfterWrong,
}

/// A state as it was reached by one path.
#[derive(Debug, Clone)]
pub struct Node {
    /// The node before; `None` for the root.
    pub parent: Option<NodeId>,
    /// What was reached from here, in the order of the text.
    pub children: Vec<NodeId>,
    /// The operation that led here; `None` for the root.
    pub step: Option<Move>,
    /// The numbers left. After a wrong step, those that the text believes in.
    pub state: State,
    /// Whether it counts as explored.
    pub standing: Standing,
    /// Whether the target can still be reached; `None` where it is not known or the state is not real.
    pub alive: Option<bool>,
    /// Whether the target is all that is left.
    pub solved: bool,
    /// Where in the completion each move that led here is written, in bytes.
    pub places: Vec<Range<usize>>,
    /// The attempts that came by, from 0.
    pub attempts: Vec<usize>,
    /// Whether another path of the transcript had reached the same state before.
    pub known_before: bool,
}

impl Node {
    /// How many operations are still to be made.
    pub fn operations_left(&self) -> usize {
        self.state.numbers().len().saturating_sub(1)
    }
}
