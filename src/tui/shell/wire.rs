//! What the loop hears from one run and sends to it. Nothing waits: the screen must not stand still because an engine is
//! busy.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, Select, Sender, TrySendError, never};

use super::past::Past;
use crate::protocol::{
    Command, Event, RunSource,
    side::{SideCommand, SideEvent, SideHandle},
};

/// The channels of a run, and what could not be sent yet.
#[derive(Debug)]
pub(super) struct Wire {
    /// The engine, or the journal being read.
    pub events: Receiver<Event>,
    /// What is recorded of a run that is gone on with.
    pub past: Past,
    /// Whoever answers beside training.
    pub answers: Receiver<SideEvent>,
    /// The engine's ear; `None` where nobody takes commands.
    commands: Option<Sender<Command>>,
    unsent: VecDeque<Command>,
    /// The side engine's ear; `None` where there is none.
    asking: Option<Sender<SideCommand>>,
    unasked: VecDeque<SideCommand>,
}

/// Which channel of a run has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Its events.
    Event,
    /// What is recorded of it.
    Recorded,
    /// The answers of its side engine.
    Answer,
}

impl Heard {
    /// In the order in which a loop listens to them.
    pub const ALL: [Self; 3] = [Self::Event, Self::Recorded, Self::Answer];
}

impl Wire {
    pub fn new(source: RunSource) -> Self {
        let (asking, answers) = side_ends(source.side);
        Self {
            events: source.events,
            past: Past::default(),
            answers,
            commands: source.commands,
            unsent: VecDeque::new(),
            asking,
            unasked: VecDeque::new(),
        }
    }

    /// Whether there is a side engine.
    pub fn has_side(&self) -> bool {
        self.asking.is_some()
    }

    /// Listens to the channels of [`Heard::ALL`].
    pub fn listen<'a>(&'a self, select: &mut Select<'a>) {
        select.recv(&self.events);
        select.recv(&self.past.recorded);
        select.recv(&self.answers);
    }

    /// Another engine stands in the place of the one that failed.
    pub fn begin_again(&mut self, source: RunSource) {
        (self.events, self.commands) = (source.events, source.commands);
        self.unsent.clear();
        if source.side.is_some() {
            (self.asking, self.answers) = side_ends(source.side);
            self.unasked = VecDeque::from([SideCommand::Models]);
        }
    }

    /// Tells the engine something as soon as it takes it.
    pub fn tell(&mut self, command: Command) {
        self.unsent.push_back(command);
    }

    /// Asks the side engine something as soon as it takes it.
    pub fn ask(&mut self, command: SideCommand) {
        self.unasked.push_back(command);
    }

    /// Sends what can be sent.
    pub fn send(&mut self) {
        send(&mut self.unsent, self.commands.as_ref());
        send(&mut self.unasked, self.asking.as_ref());
    }

    /// Whether something could not be sent yet.
    pub fn is_behind(&self) -> bool {
        !(self.unsent.is_empty() && self.unasked.is_empty())
    }
}

/// The ends of whoever answers beside training.
fn side_ends(side: Option<SideHandle>) -> (Option<Sender<SideCommand>>, Receiver<SideEvent>) {
    match side {
        Some(SideHandle { commands, events }) => (Some(commands), events),
        None => (None, never()),
    }
}

/// Sends what can be sent without waiting.
fn send<T>(unsent: &mut VecDeque<T>, commands: Option<&Sender<T>>) {
    let Some(commands) = commands else {
        unsent.clear();
        return;
    };
    while let Some(command) = unsent.pop_front() {
        match commands.try_send(command) {
            Ok(()) => {}
            Err(TrySendError::Full(command)) => {
                unsent.push_front(command);
                return;
            }
            Err(TrySendError::Disconnected(_)) => unsent.clear(),
        }
    }
}
