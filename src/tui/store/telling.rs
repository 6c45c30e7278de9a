//! Handles the events of the engine, its journal and the side engine.

use std::{sync::Arc, time::Duration};

use super::{Ended, Evaluated, Progress, Run, changes::Change, streams::Streams};
use crate::{
    eval::rescoring::{Rescorer, Trial},
    metrics::registry,
    protocol::{Capability, Event, Started, Temporality, side::SideEvent},
    record::Step,
};

/// A message for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// For information.
    Info(String),
    /// A warning.
    Warning(String),
}

impl Run {
    /// Handles an engine event.
    pub fn hear(&mut self, event: Event) -> Option<News> {
        match event {
            Event::Started(started) => return self.begin(*started),
            Event::PhaseChanged { step, phase, done, total } => {
                self.progress = Some(Progress { step, phase, done, total });
            }
            Event::Temporality(temporality) => self.temporality = temporality,
            Event::CompletionStarted { step, group, index, puzzle } => {
                self.streams.start(step, group, index, puzzle);
            }
            Event::Token { step, group, index, text } => self.streams.append(step, group, index, &text),
            Event::TokensDropped(count) => self.tokens_dropped = count,
            Event::RolloutScored(record) => {
                let record = Arc::new(*record);
                self.streams.scored(&record);
                self.watch.scored(&record, self.now);
                self.counts.push(&record);
                self.groups.push(record.clone());
                self.completions.push(record);
            }
            Event::StepDone(metrics) => return self.step_done(*metrics),
            Event::StepAmended(metrics) => self.history.amend(&metrics),
            Event::EvalDone { step, accuracy, pass_at_k, puzzles } => {
                self.evaluations.push(Evaluated { step, accuracy, pass_at_k });
                let passes = pass_at_k.map(|(k, share)| format!(", pass@{k} {share:.2}")).unwrap_or_default();
                // A record does not say how many they were.
                let of = if puzzles == 0 { String::new() } else { format!(" ({puzzles} puzzles)") };
                let text = format!("held out, step {step}: {accuracy:.3} right{passes}{of}");
                return (self.unfolds() && !self.is_before_us(step)).then_some(News::Info(text));
            }
            Event::PinnedAnswered(answer) => self.pins.push(*answer),
            Event::Measured(measurement) => self.measurements.push(*measurement),
            Event::Inspected(group) => self.groups.inspected(group),
            Event::CheckpointSaved { step, path } => {
                let text = format!("checkpoint of step {step} saved in {}", path.display());
                return self.is_ours().then_some(News::Info(text));
            }
            Event::Edited { step, key, value, before } => self.edited(Change { step, key, value, before }),
            Event::Playing(playing) => self.playing = Some(playing),
            Event::Warning(sentence) => return Some(News::Warning(sentence)),
            Event::Failed(reason) => self.ended = Some(Ended::Failed(reason)),
            Event::Finished { .. } => {
                self.ended.get_or_insert(Ended::Finished);
            }
        }
        None
    }

    fn begin(&mut self, started: Started) -> Option<News> {
        let goes_elsewhere = self.is_playback() && self.started.is_some();
        if goes_elsewhere {
            self.restart();
        } else {
            self.price_per_hour = started.config.watch.price_per_hour;
        }
        // Whoever goes to another step of a record sees that they are there.
        let news = self.cut_back(started.step).filter(|_| !goes_elsewhere);
        let last = if !self.has(Capability::Live) { u64::MAX } else { started.step };
        self.pins.are(started.pins.clone(), last);
        self.watch.configure(&started.config);
        self.started = Some(started);
        self.begun += 1;
        self.rescore_again();
        news
    }

    /// Whether a step was finished before we watched.
    fn is_before_us(&self, step: u64) -> bool {
        self.started.as_ref().is_some_and(|started| step <= started.step)
    }

    fn step_done(&mut self, metrics: Step) -> Option<News> {
        let before_us = self.is_before_us(metrics.step);
        if (!self.is_ours() || before_us) && metrics.get(&registry::STEP_TIME).is_finite() {
            self.worked_before += metrics.get(&registry::STEP_TIME).max(0.0);
        }
        let live = self.unfolds() && !before_us;
        let before = if live { self.aha() } else { None };
        self.groups.step_done(metrics.step, metrics.get(&registry::LOSS));
        self.desk.step_done(metrics.step);
        self.watch.step_done(&metrics);
        self.history.push(metrics);
        if !live || before.is_some() {
            return None;
        }
        let step = self.aha()?;
        let text = format!("aha at step {step}: smoothed self-corrections stay above three times the base's");
        Some(News::Info(text))
    }

    /// Screen and sentinel use the current configuration.
    fn edited(&mut self, mut change: Change) {
        let is_playback = self.is_playback();
        let Some(started) = &mut self.started else { return };
        let now = started.config.get(&change.key).unwrap_or_default();
        let new = now != change.value;
        if change.before.is_empty() {
            change.before = now;
        }
        // An unknown task is no reason to show nothing.
        if started.config.set_live(&change.key, &change.value).is_ok() {
            self.watch.edited(change.step, &started.config);
            if change.key == "price_per_hour" || !is_playback {
                self.price_per_hour = started.config.watch.price_per_hour;
            }
            self.edits += 1;
            self.changes.push(change, new);
            self.rescore_again();
        }
    }

    /// Scores the completions under other rules of the reward; none of them changes what was recorded.
    pub(crate) fn rescore(&mut self, trial: Trial) {
        let estimates =
            ["advantage", "scale_rewards"].iter().all(|key| self.told(key)) && self.config().is_some();
        let config = self.config().cloned().unwrap_or_default();
        self.rescoring.begin(Rescorer::new(&config, trial, estimates));
    }

    /// The same rules over another configuration of the run.
    fn rescore_again(&mut self) {
        if let Some(trial) = self.rescoring.rescorer().map(|rescorer| rescorer.trial().clone()) {
            self.rescore(trial);
        }
    }

    /// The last step of which all completions are known.
    fn whole(&self) -> u64 {
        if self.over() { u64::MAX } else { self.history.last().map_or(0, |step| step.step) }
    }

    /// Handles a side engine event.
    pub(crate) fn hear_side(&mut self, event: SideEvent) -> Option<News> {
        let news = self.measurements.told(&event).map(News::Info);
        self.desk.told(event);
        news
    }

    /// The side engine has gone.
    pub(crate) fn side_gone(&mut self) {
        self.desk.gone();
        self.measurements.gone();
    }

    /// The time since the screen was opened. Returns whether anything looks different.
    pub fn pass(&mut self, now: Duration) -> bool {
        let before = self.elapsed().as_secs();
        if self.working() {
            self.worked += now.saturating_sub(self.now);
        }
        let light_went = self.streams.light_goes(self.now, now);
        self.now = now;
        let looked = self.watch.look_again(self.history.steps(), now);
        let whole = self.whole();
        let scored = self.rescoring.work(&self.completions, whole);
        scored || looked || light_went || self.elapsed().as_secs() != before
    }

    /// Analyzes the texts that came since the last frame.
    pub(crate) fn settle(&mut self) {
        self.history.settle();
        let (task, now) = (self.task(), self.now);
        self.streams.read(task, now);
    }

    /// Another engine starts with the current data; it will report its step.
    pub fn restart(&mut self) {
        self.ended = None;
        self.temporality = Temporality::Live;
        self.progress = None;
        self.streams = Streams::default();
        self.restarting = true;
    }

    /// Drops everything after the engine's checkpoint, as the journal does: it will be made again.
    fn cut_back(&mut self, step: u64) -> Option<News> {
        if !std::mem::take(&mut self.restarting) {
            return None;
        }
        self.history.cut_back(step);
        self.changes.cut_back(step);
        self.evaluations.retain(|found| found.step <= step);
        self.completions.cut_back(step);
        self.counts.cut_back(step);
        self.pins.cut_back(step);
        self.groups.cut_back(step);
        if self.is_playback() {
            self.measurements.cut_back(step);
        }
        self.watch.begin_again(self.history.steps());
        Some(News::Info(format!("the engine continues after step {step}")))
    }
}
