//! Plays a recording against the clock and obeys commands meanwhile.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};

use super::{Cue, Recording};
use crate::protocol::{Command, Event, MOST_COMPLETIONS, Phase, Play, Playing, Speed, StepBy, Temporality};

/// How late a cue may be and the next ones still try to catch up; a machine that slept does not.
const LATENESS: Duration = Duration::from_millis(250);
/// A watcher keeps so many steps whole, and can go back among them; see the screens' history.
const WHOLE_STEPS: u64 = 4096;

/// The watcher is gone.
pub(super) struct Over;

/// How far to go before pausing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leash {
    None,
    Phases(u32),
    Steps(u32),
}

/// A recording and how far it has been played.
pub(super) struct Player {
    recording: Recording,
    steps: Vec<u64>,
    /// Steps that are over: those before this place are.
    place: usize,
    /// What is still to come of the step at the place.
    cues: VecDeque<Cue>,
    /// Whether that step has begun.
    within: bool,
    /// The run's time within the step that was reached, and when.
    here: Duration,
    since: Instant,
    speed: Speed,
    paused: bool,
    leash: Leash,
    /// Completions that were told since the beginning.
    told: usize,
    commands: Receiver<Command>,
    events: Sender<Event>,
}

impl Player {
    pub(super) fn new(
        recording: Recording,
        speed: Speed,
        commands: Receiver<Command>,
        events: Sender<Event>,
    ) -> Self {
        Self {
            steps: recording.steps().collect(),
            recording,
            place: 0,
            cues: VecDeque::new(),
            within: false,
            here: Duration::ZERO,
            since: Instant::now(),
            speed,
            paused: false,
            leash: Leash::None,
            told: 0,
            commands,
            events,
        }
    }

    /// Plays until the watcher leaves.
    pub(super) fn play(mut self) {
        // It ends only when nobody watches any more, which is no error.
        let _ = self.try_to_play();
    }

    fn try_to_play(&mut self) -> Result<(), Over> {
        self.begin_at(0)?;
        for warning in self.recording.warnings().to_vec() {
            self.tell(Event::Warning(warning))?;
        }
        loop {
            if self.paused {
                let command = self.commands.recv().map_err(|_| Over)?;
                self.obey(command)?;
            } else if self.place == self.steps.len() {
                // The end. It can be played again.
                self.pause()?;
            } else if !self.within {
                self.enter_step()?;
            } else {
                self.next_cue()?;
            }
        }
    }

    fn enter_step(&mut self) -> Result<(), Over> {
        self.cues = self.recording.cues(self.steps[self.place]).into();
        (self.within, self.here, self.since) = (true, Duration::ZERO, Instant::now());
        self.say_how()
    }

    /// Waits for the next cue and gives it; or obeys a command that comes before.
    fn next_cue(&mut self) -> Result<(), Over> {
        let Some(cue) = self.cues.front() else { return self.leave_step() };
        let wait = cue.at.saturating_sub(self.here).div_f64(self.speed.times());
        let late = self.since.elapsed().checked_sub(wait);
        let command = match late {
            Some(_) => match self.commands.try_recv() {
                Ok(command) => Some(command),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return Err(Over),
            },
            None => match self.commands.recv_timeout(wait.saturating_sub(self.since.elapsed())) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Err(Over),
            },
        };
        if let Some(command) = command {
            let passed = self.since.elapsed().mul_f64(self.speed.times());
            self.here =
                self.here.saturating_add(passed).min(self.cues.front().map_or(self.here, |cue| cue.at));
            self.since = Instant::now();
            return self.obey(command);
        }
        let Some(cue) = self.cues.pop_front() else { return Ok(()) };
        self.since =
            if late.is_some_and(|late| late > LATENESS) { Instant::now() } else { self.since + wait };
        self.here = cue.at;
        match cue.event {
            None => self.phase_over(),
            Some(event) => self.give(event),
        }
    }

    fn give(&mut self, event: Event) -> Result<(), Over> {
        self.told += usize::from(matches!(event, Event::RolloutScored(_)));
        let begins = matches!(event, Event::PhaseChanged { phase, done: 0, .. } if phase != Phase::Sample);
        self.tell(event)?;
        if begins { self.say_how() } else { Ok(()) }
    }

    fn leave_step(&mut self) -> Result<(), Over> {
        (self.place, self.within) = (self.place + 1, false);
        if let Leash::Steps(left) = &mut self.leash {
            *left = left.saturating_sub(1);
        }
        self.say_how()?;
        self.pause_at_the_end_of_the_leash()
    }

    fn phase_over(&mut self) -> Result<(), Over> {
        if let Leash::Phases(left) = &mut self.leash {
            *left = left.saturating_sub(1);
        }
        if self.cues.is_empty() {
            return self.leave_step();
        }
        self.pause_at_the_end_of_the_leash()
    }

    fn pause_at_the_end_of_the_leash(&mut self) -> Result<(), Over> {
        match self.leash {
            Leash::Phases(0) | Leash::Steps(0) => self.pause(),
            _ => Ok(()),
        }
    }

    fn pause(&mut self) -> Result<(), Over> {
        (self.paused, self.leash) = (true, Leash::None);
        self.tell(Event::Temporality(Temporality::Paused))
    }

    fn go_on(&mut self, leash: Leash) -> Result<(), Over> {
        self.paused = false;
        if self.place == self.steps.len() {
            self.begin_at(0)?;
            self.leash = leash;
            return Ok(());
        }
        (self.leash, self.since) = (leash, Instant::now());
        self.tell(Event::Temporality(Temporality::Live))
    }

    fn obey(&mut self, command: Command) -> Result<(), Over> {
        match command {
            Command::Pause => self.pause(),
            Command::Resume => self.go_on(Leash::None),
            Command::Step(StepBy::Phases(count)) => self.go_on(Leash::Phases(count.max(1))),
            Command::Step(StepBy::Steps(count)) => self.go_on(Leash::Steps(count.max(1))),
            Command::Play(Play::Slower) => self.play_at(self.speed.slower()),
            Command::Play(Play::Faster) => self.play_at(self.speed.faster()),
            Command::Play(Play::To(step)) => self.go_to(self.steps.partition_point(|known| *known <= step)),
            Command::Play(Play::By(by)) => {
                // One back, within a step, is to its beginning.
                let here = self.place.saturating_add(usize::from(self.within && by < 0));
                self.go_to(here.saturating_add_signed(by).min(self.steps.len()))
            }
            // Nothing of a record can be changed.
            _ => Ok(()),
        }
    }

    fn play_at(&mut self, speed: Speed) -> Result<(), Over> {
        self.speed = speed;
        self.say_how()
    }

    /// Goes to another step, and goes on there; whoever goes by single steps or phases stays there.
    fn go_to(&mut self, place: usize) -> Result<(), Over> {
        self.paused |= self.leash != Leash::None;
        self.leash = Leash::None;
        self.begin_at(place)
    }

    /// Goes to where the steps before this place are over, and tells what is missing there. Whoever watches drops what
    /// came later.
    fn begin_at(&mut self, place: usize) -> Result<(), Over> {
        let over = |place: usize| place.checked_sub(1).map_or(0, |last| self.steps[last]);
        let (until, done) = (over(place), over(self.place));
        // What a watcher had to drop because it was too much has to be told again.
        let whole = self.told <= MOST_COMPLETIONS && done <= WHOLE_STEPS;
        let from = if until >= done || whole { done.min(until) } else { 0 };
        self.tell(Event::Started(Box::new(self.recording.started_after(from))))?;
        let missing: Vec<Event> = self.recording.told(from, until).collect();
        for event in missing {
            self.tell(event)?;
        }
        self.told = self.recording.completions(0..=until);
        (self.place, self.within) = (place, false);
        self.cues.clear();
        self.say_how()?;
        let now = if self.paused { Temporality::Paused } else { Temporality::Live };
        self.tell(Event::Temporality(now))
    }

    /// Says how the record is played.
    fn say_how(&self) -> Result<(), Over> {
        let before =
            self.place.checked_sub(1).map_or(0.0, |last| self.recording.seconds_until(self.steps[last]));
        let within = if self.within { self.here.as_secs_f64() } else { 0.0 };
        let (first, last) = self.recording.ends().unwrap_or_default();
        let over = self.place == self.steps.len();
        self.tell(Event::Playing(Playing { speed: self.speed, first, last, seconds: before + within, over }))
    }

    fn tell(&self, event: Event) -> Result<(), Over> {
        self.events.send(event).map_err(|_| Over)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
