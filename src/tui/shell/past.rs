//! The record of a run that is resumed. It is replayed before new events, so that the live screen shows the run
//! directory plus what follows.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, never};

use crate::protocol::{Event, Started};

/// Reads the record of a run up to its engine's step; `None` if it cannot be read.
pub(crate) type Historian<'a> = dyn FnMut(&Started) -> Option<Receiver<Event>> + 'a;

/// The record while it is being replayed, and the engine events that wait meanwhile.
#[derive(Debug)]
pub(super) struct Past {
    /// The recorded events; empty if there are none left.
    pub recorded: Receiver<Event>,
    /// Whether there is more of it.
    telling: bool,
    /// What must come after it.
    waiting: VecDeque<Event>,
    /// Whether the engine has gone meanwhile.
    gone: bool,
}

impl Default for Past {
    fn default() -> Self {
        Self { recorded: never(), telling: false, waiting: VecDeque::new(), gone: false }
    }
}

impl Past {
    /// From now on recorded events go first.
    pub fn begin(&mut self, recorded: Receiver<Event>) {
        (self.recorded, self.telling) = (recorded, true);
    }

    /// Returns an event that may be handled at once: streamed text continues on screen, while anything counted per
    /// step waits.
    pub fn hold(&mut self, event: Event) -> Option<Event> {
        let at_once = matches!(
            event,
            Event::PhaseChanged { .. }
                | Event::Temporality(_)
                | Event::CompletionStarted { .. }
                | Event::Token { .. }
                | Event::TokensDropped(_)
                | Event::CheckpointSaved { .. }
                | Event::Warning(_)
        );
        if at_once || !self.telling {
            return Some(event);
        }
        self.waiting.push_back(event);
        None
    }

    /// The engine has gone; returns `false` if that must wait too.
    pub(crate) fn engine_gone(&mut self) -> bool {
        self.gone = self.telling;
        !self.telling
    }

    /// The record is complete: returns the waiting events, and whether the engine has gone.
    pub fn end(&mut self) -> (VecDeque<Event>, bool) {
        let past = std::mem::take(self);
        (past.waiting, past.gone)
    }
}
