//! An engine that trains nothing: it plays a plausible run, the same for the same seed, at any speed. For
//! testing and viewing the screens.

use std::{path::PathBuf, thread, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, bounded};

pub use self::script::Script;
use crate::protocol::{Command, Event, Phase, RunFacts, RunSource, StepBy, Temporality};

mod measured;
mod script;

/// Steps between two measurements of the compute frontier.
const MEASURED_EVERY: u64 = 20;

/// How the scripted engine plays.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptedOptions {
    /// The script to play.
    pub script: Script,
    /// The run directory to name (nothing is written).
    pub run: PathBuf,
    /// Ends after this many steps; `None` continues until stopped.
    pub steps: Option<u64>,
    /// Time between two decoded positions; zero plays at the highest event rate.
    pub position: Duration,
    /// Begins paused.
    pub paused: bool,
    /// Fails in the sample phase of this step.
    pub fail_at: Option<u64>,
    /// Steps that are sent at once, as for a resumed run.
    pub history: u64,
    /// The first step to play, as for a run resumed from the checkpoint before it.
    pub first_step: u64,
}

impl Default for ScriptedOptions {
    fn default() -> Self {
        Self {
            script: Script::new(7),
            run: PathBuf::from("runs/scripted"),
            steps: None,
            position: Duration::from_millis(25),
            paused: false,
            fail_at: None,
            history: 0,
            first_step: 1,
        }
    }
}

/// Starts the engine on a thread of its own.
///
/// # Errors
/// If the system cannot start a thread.
pub fn start(options: ScriptedOptions) -> std::io::Result<RunSource> {
    let (commands, orders) = bounded(64);
    let (sender, events) = bounded(4096);
    thread::Builder::new().name("scripted engine".into()).spawn(move || {
        let mut player = Player {
            steps_done: options.history.max(options.first_step.saturating_sub(1)),
            orders,
            events: sender,
            pause_after: None,
            dropped: 0,
            options,
        };
        // It only ends with the run, the watcher, or a command; none of these is an error.
        let _ = player.play();
    })?;
    Ok(RunSource { facts: RunFacts::of_our_engine(), events, commands: Some(commands), side: None })
}

/// The run is over: stopped, or nobody watches.
struct Over;

/// Work left before the next pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Budget {
    Phases(u32),
    Steps(u32),
}

struct Player {
    options: ScriptedOptions,
    orders: Receiver<Command>,
    events: Sender<Event>,
    pause_after: Option<Budget>,
    dropped: u64,
    steps_done: u64,
}

impl Player {
    fn play(&mut self) -> Result<(), Over> {
        let started = self.options.script.started(self.options.run.clone(), self.steps_done);
        self.tell(Event::Started(Box::new(started)))?;
        for step in 1..=self.options.history {
            let metrics = self.options.script.metrics(step);
            self.tell(Event::StepDone(Box::new(metrics)))?;
        }
        for step in self.options.first_step.saturating_sub(1)..=self.steps_done {
            self.pinned(step)?;
            self.measured(step)?;
        }
        if self.options.paused {
            self.pause()?;
        }
        for step in self.steps_done + 1.. {
            if self.options.steps.is_some_and(|steps| step > steps) {
                break;
            }
            if self.options.fail_at == Some(step) {
                self.phase(step, Phase::Sample, 0, 256)?;
                let reason = "scripted failure: the adapter was lost while the step was being sampled";
                return self.tell(Event::Failed(reason.into()));
            }
            self.step(step)?;
            self.steps_done = step;
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Over> {
        self.tell(Event::Finished { steps: self.steps_done, run: self.options.run.clone() })
    }

    fn step(&mut self, step: u64) -> Result<(), Over> {
        self.sample(step)?;
        self.phase_ended(false)?;
        let config = &self.options.script.config;
        let (prompts, size) = (config.sampling.prompts_per_step, config.sampling.group_size);
        for group in 0..prompts {
            self.phase(step, Phase::Score, group * size, prompts * size)?;
            for record in self.options.script.group(step, group) {
                self.tell(Event::RolloutScored(Box::new(record)))?;
            }
            self.wait(1)?;
        }
        self.phase_ended(false)?;
        self.phase(step, Phase::Advantage, prompts * size, prompts * size)?;
        self.wait(1)?;
        self.phase_ended(false)?;
        for done in 0..=12 {
            self.phase(step, Phase::Update, done, 12)?;
            self.wait(4)?;
        }
        self.phase_ended(false)?;
        self.phase(step, Phase::Evaluate, 0, 0)?;
        self.wait(1)?;
        let metrics = self.options.script.metrics(step);
        self.tell(Event::StepDone(Box::new(metrics)))?;
        self.pinned(step)?;
        self.measured(step)?;
        self.phase_ended(true)
    }

    /// Answers the pinned puzzles if they are due.
    fn pinned(&mut self, step: u64) -> Result<(), Over> {
        for answer in self.options.script.pins(step) {
            self.tell(Event::PinnedAnswered(Box::new(answer)))?;
        }
        Ok(())
    }

    /// Measures the compute frontier, before the first step and now and then.
    fn measured(&mut self, step: u64) -> Result<(), Over> {
        if step.is_multiple_of(MEASURED_EVERY) {
            self.tell(Event::Measured(Box::new(self.options.script.measured(step))))?;
        }
        Ok(())
    }

    /// Streams the first group; the others are only counted.
    fn sample(&mut self, step: u64) -> Result<(), Over> {
        let script = self.options.script.clone();
        let (prompts, size) = (script.config.sampling.prompts_per_step, script.config.sampling.group_size);
        self.phase(step, Phase::Sample, 0, prompts * size)?;
        let texts: Vec<String> = (0..size).map(|index| script.rollout(step, 0, index).completion).collect();
        for index in 0..size {
            let puzzle = script.puzzle(step, 0);
            self.tell(Event::CompletionStarted { step, group: 0, index, puzzle })?;
        }
        let tokens: Vec<Vec<&str>> = texts.iter().map(|text| text.split(' ').skip(1).collect()).collect();
        let longest = tokens.iter().map(Vec::len).max().unwrap_or(0);
        for position in 0..longest {
            for (index, tokens) in tokens.iter().enumerate() {
                if let Some(token) = tokens.get(position) {
                    self.token(Event::Token { step, group: 0, index, text: format!(" {token}") })?;
                }
            }
            let finished = tokens.iter().filter(|tokens| tokens.len() <= position + 1).count();
            self.phase(step, Phase::Sample, finished * prompts, prompts * size)?;
            self.wait(1)?;
        }
        Ok(())
    }

    fn phase(&mut self, step: u64, phase: Phase, done: usize, total: usize) -> Result<(), Over> {
        self.tell(Event::PhaseChanged { step, phase, done, total })
    }

    fn tell(&mut self, event: Event) -> Result<(), Over> {
        self.events.send(event).map_err(|_| Over)
    }

    fn token(&mut self, event: Event) -> Result<(), Over> {
        match self.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.dropped += 1;
                self.tell(Event::TokensDropped(self.dropped))
            }
            Err(TrySendError::Disconnected(_)) => Err(Over),
        }
    }

    /// Counts the phase (and the step) off the budget, and pauses once it is used up.
    fn phase_ended(&mut self, step_ended: bool) -> Result<(), Over> {
        self.pause_after = match self.pause_after {
            Some(Budget::Phases(left)) => Some(Budget::Phases(left.saturating_sub(1))),
            Some(Budget::Steps(left)) if step_ended => Some(Budget::Steps(left.saturating_sub(1))),
            other => other,
        };
        if matches!(self.pause_after, Some(Budget::Phases(0) | Budget::Steps(0))) {
            self.pause()?;
        }
        Ok(())
    }

    /// Waits for the time of this many positions, obeying commands meanwhile.
    fn wait(&mut self, positions: u32) -> Result<(), Over> {
        let time = self.options.position * positions;
        let order = if time.is_zero() {
            match self.orders.try_recv() {
                Ok(order) => Some(order),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return Err(Over),
            }
        } else {
            match self.orders.recv_timeout(time) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Err(Over),
            }
        };
        match order {
            Some(Command::Pause) => {
                self.tell(Event::Temporality(Temporality::Pausing))?;
                self.pause()
            }
            Some(order) => self.obey(order),
            None => Ok(()),
        }
    }

    fn obey(&mut self, order: Command) -> Result<(), Over> {
        match order {
            Command::Step(StepBy::Phases(count)) => self.pause_after = Some(Budget::Phases(count)),
            Command::Step(StepBy::Steps(count)) => self.pause_after = Some(Budget::Steps(count)),
            Command::Resume | Command::TryAgain => self.pause_after = None,
            Command::Checkpoint => {
                let path = self.options.run.join(format!("checkpoints/step-{:06}", self.steps_done));
                self.tell(Event::CheckpointSaved { step: self.steps_done, path })?;
            }
            Command::Set { key, value } => {
                if key != "price_per_hour" {
                    let warning = format!("{key}={value}: the scripted engine has no settings");
                    self.tell(Event::Warning(warning))?;
                }
            }
            Command::Pin(puzzle) => {
                let answer = self.options.script.pinned(&puzzle, self.steps_done);
                self.tell(Event::PinnedAnswered(Box::new(answer)))?;
            }
            Command::Stop => {
                self.finish()?;
                return Err(Over);
            }
            Command::Pause | Command::Unpin(_) | Command::Inspect { .. } | Command::Play(_) => {}
        }
        Ok(())
    }

    /// Blocks until a command unpauses the run.
    fn pause(&mut self) -> Result<(), Over> {
        self.pause_after = None;
        self.tell(Event::Temporality(Temporality::Paused))?;
        loop {
            let order = self.orders.recv().map_err(|_| Over)?;
            let goes_on = matches!(order, Command::Resume | Command::TryAgain | Command::Step(_));
            self.obey(order)?;
            if goes_on {
                self.tell(Event::Temporality(Temporality::Unpausing))?;
                return self.tell(Event::Temporality(Temporality::Live));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn fast(steps: u64) -> ScriptedOptions {
        ScriptedOptions { steps: Some(steps), position: Duration::ZERO, ..ScriptedOptions::default() }
    }

    fn until(handle: &RunSource, mut found: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            let event = handle.events.recv().unwrap();
            let last = found(&event);
            seen.push(event);
            if last {
                return seen;
            }
        }
    }

    fn paused(event: &Event) -> bool {
        matches!(event, Event::Temporality(Temporality::Paused))
    }

    #[test]
    fn it_plays_its_steps_and_finishes() {
        let handle = start(fast(2)).unwrap();
        let seen = until(&handle, |event| matches!(event, Event::Finished { .. }));
        let steps: Vec<u64> = seen
            .iter()
            .filter_map(|event| match event {
                Event::StepDone(step) => Some(step.step),
                _ => None,
            })
            .collect();
        assert_eq!(steps, [1, 2]);
        assert!(matches!(seen[0], Event::Started(_)));
        assert!(handle.events.recv().is_err());
    }

    #[test]
    fn a_step_of_one_phase_ends_with_that_phase() {
        let handle = start(ScriptedOptions { paused: true, ..fast(2) }).unwrap();
        until(&handle, paused);
        for expected in [Phase::Sample, Phase::Score, Phase::Advantage, Phase::Update, Phase::Evaluate] {
            assert!(handle.command(Command::Step(StepBy::Phases(1))));
            let seen = until(&handle, paused);
            let phases: Vec<Phase> = seen
                .iter()
                .filter_map(|event| match event {
                    Event::PhaseChanged { phase, .. } => Some(*phase),
                    _ => None,
                })
                .collect();
            assert!(!phases.is_empty() && phases.iter().all(|phase| *phase == expected), "{phases:?}");
        }
        assert!(handle.command(Command::Stop));
        let seen = until(&handle, |event| matches!(event, Event::Finished { .. }));
        assert_eq!(seen.last(), Some(&Event::Finished { steps: 0, run: "runs/scripted".into() }));
    }
}
