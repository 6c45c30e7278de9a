//! What a run that is gone on with holds already. It is told before what comes now, so that the screen of a live run is
//! that of its directory and what follows.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, never};

use crate::protocol::{Event, Started};

/// Reads what is recorded of a run up to where its engine stands; `None` where nothing can be.
pub type Historian<'a> = dyn FnMut(&Started) -> Option<Receiver<Event>> + 'a;

/// What is recorded, while it is being told, and what the engine tells meanwhile.
#[derive(Debug)]
pub(super) struct Past {
    /// What is recorded; never anything where nothing is, or all was told.
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
    /// From now on what is recorded goes first.
    pub fn begin(&mut self, recorded: Receiver<Event>) {
        (self.recorded, self.telling) = (recorded, true);
    }

    /// Gives an event back that may be taken in at once. What is being written goes on before a person's eyes; what is
    /// counted step by step waits.
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

    /// The engine has gone; `false` where that must wait too.
    pub fn engine_gone(&mut self) -> bool {
        self.gone = self.telling;
        !self.telling
    }

    /// All was told: what waited, and whether the engine has gone.
    pub fn end(&mut self) -> (VecDeque<Event>, bool) {
        let past = std::mem::take(self);
        (past.waiting, past.gone)
    }
}
