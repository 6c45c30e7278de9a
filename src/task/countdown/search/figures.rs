//! The figures of a search.

use std::collections::HashSet;

use serde::Serialize;

use super::{
    space::Space,
    state::State,
    tree::{NodeId, ROOT, Standing},
    walk::Walk,
};
use crate::reasoning::exact::{Exact, Operator};

/// Maximum distance from the target for a near miss.
pub const NEAR_MISS: i64 = 5;

/// How much of the reachable states was explored. The given numbers themselves do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Distinct states visited.
    pub visited: usize,
    /// Distinct reachable states.
    pub reachable: usize,
    /// Whether `reachable` is exact; otherwise it is a lower bound.
    pub exact: bool,
}

impl Coverage {
    /// The share visited, from 0 to 1; an upper bound if the count is not exact.
    pub fn share(&self) -> f64 {
        if self.reachable == 0 { 0.0 } else { self.visited as f64 / self.reachable as f64 }
    }
}

/// An attempt that ended close to the target, or on it with numbers left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearMiss {
    /// Where it ended.
    pub node: NodeId,
    /// The last result.
    pub value: Exact,
    /// Distance from the target; may be 0.
    pub distance: Exact,
    /// Number of given numbers and results left unused.
    pub left_over: usize,
}

/// A state from which the target could be reached, abandoned for one from which it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedBy {
    /// The state that was alive. Never the root, where everything is still open.
    pub node: NodeId,
    /// The state chosen instead; `None` if the attempt was given up.
    pub to: Option<NodeId>,
    /// Number of operations still missing.
    pub operations_left: usize,
}

/// All figures of one search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Over all depths.
    pub coverage: Coverage,
    /// After 1, 2, … operations.
    pub by_depth: Vec<Coverage>,
    /// Right moves.
    pub moves: usize,
    /// Right moves into a state already reached, on any path.
    pub revisits: usize,
    /// Number of attempts.
    pub attempts: usize,
    /// Moves that state a wrong result.
    pub wrong_arithmetic: usize,
    /// Moves with a number that is no longer available.
    pub not_in_hand: usize,
    /// Moves after either of these, which lead to no real state.
    pub after_wrong: usize,
    /// Attempts that ended near the target.
    pub near_misses: Vec<NearMiss>,
    /// Missed solutions, in text order, each path once.
    pub passed_by: Vec<PassedBy>,
    /// Whether right steps reached a solution.
    pub solved: bool,
}

pub(super) fn figures(walk: &Walk, space: &Space) -> Figures {
    let mut figures = Figures { attempts: walk.ends.len(), moves: walk.visits.len(), ..Figures::default() };
    let mut visited: HashSet<&State> = HashSet::from([&walk.nodes[ROOT].state]);
    let mut by_depth = vec![0; space.levels().len()];
    for id in &walk.visits {
        let node = &walk.nodes[*id];
        if visited.insert(&node.state) {
            let depth = walk.nodes[ROOT].state.numbers().len() - node.state.numbers().len();
            if let Some(count) = depth.checked_sub(1).and_then(|depth| by_depth.get_mut(depth)) {
                *count += 1;
            }
        } else {
            figures.revisits += 1;
        }
        figures.solved |= node.solved;
    }
    for (visited, level) in by_depth.iter().zip(space.levels()) {
        let coverage = Coverage { visited: *visited, reachable: level.states, exact: level.complete };
        figures.coverage.visited += coverage.visited;
        figures.coverage.reachable += coverage.reachable;
        figures.by_depth.push(coverage);
    }
    figures.coverage.exact = figures.by_depth.iter().all(|coverage| coverage.exact);
    for node in &walk.nodes[1..] {
        match node.standing {
            Standing::Real => {}
            Standing::WrongArithmetic => figures.wrong_arithmetic += node.places.len(),
            Standing::NotInHand => figures.not_in_hand += node.places.len(),
            Standing::AfterWrong => figures.after_wrong += node.places.len(),
        }
    }
    figures.near_misses = near_misses(walk, space);
    figures.passed_by = passed_by(walk);
    figures
}

fn near_misses(walk: &Walk, space: &Space) -> Vec<NearMiss> {
    let Some((target, limit)) = space.target().zip(Exact::integer(NEAR_MISS)) else { return Vec::new() };
    let near = |node: &NodeId| {
        let found = &walk.nodes[*node];
        let value = found.step?.value?;
        let difference = value.apply(Operator::Subtract, target)?;
        let distance = difference.max(difference.negate());
        let near = found.standing == Standing::Real && !found.solved && distance <= limit;
        near.then_some(NearMiss { node: *node, value, distance, left_over: found.operations_left() })
    };
    let mut ends = HashSet::new();
    walk.ends.iter().filter(|node| ends.insert(**node)).filter_map(near).collect()
}

fn passed_by(walk: &Walk) -> Vec<PassedBy> {
    let alive = |id: NodeId| id != ROOT && walk.nodes[id].alive == Some(true) && !walk.nodes[id].solved;
    let mut found: Vec<(usize, PassedBy)> = Vec::new();
    for (id, node) in walk.nodes.iter().enumerate() {
        if let Some(parent) = node.parent.filter(|parent| alive(*parent))
            && node.alive == Some(false)
            && let Some(place) = node.places.first()
        {
            let operations_left = walk.nodes[parent].operations_left();
            found.push((place.start, PassedBy { node: parent, to: Some(id), operations_left }));
        }
    }
    // The last attempt may have been cut off, or completed in the answer.
    let given_up = walk.ends.split_last().map_or(&[][..], |(_, before)| before);
    let mut ends = HashSet::new();
    for id in given_up.iter().copied().filter(|id| alive(*id) && ends.insert(*id)) {
        let start = walk.nodes[id].places.last().map_or(0, |place| place.start);
        let operations_left = walk.nodes[id].operations_left();
        found.push((start, PassedBy { node: id, to: None, operations_left }));
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, passed)| passed).collect()
}
