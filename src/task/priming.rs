//! What a model from elsewhere is shown before reinforcement learning: worked thoughts in English, with chosen behaviours
//! ("Cognitive Behaviors that Enable Self-Improving Reasoners", <https://arxiv.org/abs/2503.01307>).

use rand_chacha::ChaCha8Rng;

use super::Puzzle;
use crate::settings::{Choice, Several, choices};

choices! {
    /// A behaviour that a thought may show.
    pub enum Behaviour {
        /// Compares a result with the target, or works it out again.
        Verification = "verification",
        /// Leaves an attempt that failed and begins another.
        Backtracking = "backtracking",
        /// Names a value to reach on the way.
        Subgoals = "subgoals",
        /// Works from the target to the numbers.
        BackwardChaining = "backward-chaining",
    }
}

/// What the traces of one priming have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// The behaviours that thoughts show; none makes thoughts that say nothing.
    pub behaviours: Several<Behaviour>,
    /// Whether the answers are right. Thoughts are true either way.
    pub right: bool,
}

impl Habits {
    /// Every behaviour, with right answers.
    pub const ALL: Self = Self { behaviours: Several::ALL, right: true };

    /// The behaviours in a list such as `verification,backtracking`, or none of them in `none`.
    ///
    /// # Errors
    /// A sentence that names the behaviours.
    pub fn parse(list: &str, right: bool) -> Result<Self, String> {
        let mut chosen = Vec::new();
        for word in list.split(',').map(str::trim).filter(|_| list.trim() != "none") {
            let names: Vec<&str> = Behaviour::all().into_iter().map(Choice::name).collect();
            chosen.push(Behaviour::of_name(word).ok_or_else(|| {
                format!(
                    "There is no behaviour `{}`; write some of {}, with commas between them, or `none`.",
                    crate::system::quoting::shortened(word),
                    names.join(", ")
                )
            })?);
        }
        Ok(Self { behaviours: Several::of(chosen), right })
    }

    /// Whether thoughts show this behaviour.
    pub fn show(&self, behaviour: Behaviour) -> bool {
        self.behaviours.chosen().any(|chosen| chosen == behaviour)
    }

    /// Whether thoughts say nothing.
    pub fn are_empty(&self) -> bool {
        self.behaviours.chosen().next().is_none()
    }

    /// The list that [`Self::parse`] reads.
    pub fn list(&self) -> String {
        if self.are_empty() { "none".into() } else { self.behaviours.to_string() }
    }
}

/// A worked answer to a puzzle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What goes between the `<think>` tags.
    pub thought: String,
    /// What goes between the `<answer>` tags.
    pub answer: String,
}

/// Writes a trace of a puzzle; `None` if it cannot solve it.
pub type Writer = fn(&Puzzle, &Habits, &mut ChaCha8Rng) -> Option<Trace>;
