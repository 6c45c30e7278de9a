//! Reads runs whose engine writes a file, or some files, for each step: at once what the numbers in them say, for the
//! charts, then the newest completions, then what older ones show of reasoning; and what comes later as it comes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crossbeam_channel::{Sender, bounded};
use rayon::prelude::*;

use super::{
    Reading,
    derived::{Places, Sums},
    logs::Logged,
    past::MOST_WAITING,
    written::Written,
};
use crate::{
    metrics::registry,
    protocol::{Capabilities, Capability, Event, MOST_COMPLETIONS, RunFacts, RunSource, Started},
    record::{Measured, OtherEngine, Step},
    runs::RunError,
};

/// How often a run that is followed is looked at.
const POLL: Duration = Duration::from_millis(500);
/// A file that cannot be read counts as half written for so long.
const HALF_WRITTEN: Duration = Duration::from_secs(10);
/// A run whose files have not changed for so long counts as ended.
const STILL_LIVE: Duration = Duration::from_secs(15 * 60);
/// A completion whose number is not known takes at least so many bytes of a file.
const LEAST_BYTES: u64 = 256;
/// Most warnings about files.
const MOST_WARNINGS: usize = 20;

/// A file at one moment. Another moment's is equal if nothing was written between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamped {
    /// Where it is.
    pub path: PathBuf,
    length: u64,
    changed: Option<SystemTime>,
}

impl Stamped {
    /// A regular file; `None` if there is none, or a link in its place.
    pub fn of(path: &Path) -> Option<Self> {
        let found = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { path: path.to_owned(), length: found.len(), changed: found.modified().ok() })
    }

    /// A part of files, such as the lines of one step, that has this many bytes and was added to then.
    pub fn of_part(path: PathBuf, length: u64, changed: Option<SystemTime>) -> Self {
        Self { path, length, changed }
    }

    /// When it was written, where the disk says so.
    pub fn changed(&self) -> Option<SystemTime> {
        self.changed
    }

    /// Whether it was written a short while ago.
    pub fn may_still_grow(&self) -> bool {
        self.age().is_none_or(|age| age < STILL_LIVE)
    }

    /// How long ago it was written.
    fn age(&self) -> Option<Duration> {
        SystemTime::now().duration_since(self.changed?).ok()
    }
}

/// What the completions of a step are there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// The policy learns from them.
    Training,
    /// They are an evaluation.
    Evaluation,
}

/// The files of each step.
pub(super) type Listing = BTreeMap<(u64, Purpose), Vec<Stamped>>;

/// How an engine lays its files out.
pub(super) trait Layout: Send + Sync {
    /// Its files of completions as they are now.
    ///
    /// # Errors
    /// If the folder cannot be read.
    fn list(&mut self) -> Result<Listing, RunError>;

    /// What the numbers in a file say of its step, and how many completions it has, where that can be read without the
    /// texts.
    fn numbers(&self, _step: u64, _file: &Path) -> Option<(Step, usize)> {
        None
    }

    /// The completions in a file.
    ///
    /// # Errors
    /// What is wrong with the file, without its name; nothing of it is shown then.
    fn completions(&self, step: u64, file: &Path) -> Result<Read, String>;

    /// The metrics that the engine logged and that are new, and what cannot be read of them.
    fn logged(&mut self) -> Logged {
        (Vec::new(), Vec::new())
    }

    /// Whether a file is written in one go: one that changes later is of a run that has gone back to its step.
    fn writes_once(&self) -> bool {
        true
    }

    /// Whether the engine's own files say that the run has ended.
    fn has_ended(&self) -> bool {
        false
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Its completions, in order.
    pub completions: Vec<Written>,
    /// What is wrong with other parts of it, in sentences.
    pub warnings: Vec<String>,
    /// Whether it ends within a line, or has none: somebody is still writing it, or never finished.
    pub is_torn: bool,
}

/// Opens a run of this engine.
///
/// # Errors
/// If there is no thread to read it.
pub(super) fn open(
    path: &Path,
    engine: &'static str,
    mut layout: impl Layout + 'static,
    reading: &Reading,
) -> Result<RunSource, RunError> {
    let listing = layout.list()?;
    // It waits for the first file.
    let may_go_on = listing.is_empty() || listing.values().flatten().any(Stamped::may_still_grow);
    let logged = layout.logged();
    let live = may_go_on && !layout.has_ended();
    let known = Capabilities::default();
    let facts = RunFacts::of_files(engine, if live { known.with(Capability::Live) } else { known });
    let (feed, events) = bounded(MOST_WAITING);
    let mut started = Started::unknown(path);
    started.engine = Some(OtherEngine { name: engine.to_owned(), ..OtherEngine::default() });
    let _ = feed.send(Event::Started(Box::new(started)));
    let follows = live && reading.follows;
    std::thread::Builder::new()
        .name("reader".into())
        .spawn(move || {
            let mut teller = Teller::new(layout, feed);
            let told = teller.tell(logged, follows);
            if let Err(Stop::Failed(error)) = told {
                let _ = teller.feed.send(Event::Warning(error.to_string()));
            }
        })
        .map_err(RunError::io("start a thread that reads", path))?;
    Ok(RunSource { facts, events, commands: None, side: None })
}

/// Why reading ends before everything was told.
pub(super) enum Stop {
    /// Nobody listens any more.
    Unheard,
    /// A file or folder cannot be read.
    Failed(RunError),
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Self::Failed(error)
    }
}

/// Tells a run.
struct Teller<L> {
    layout: L,
    feed: Sender<Event>,
    /// The files whose completions were told or given up, as they were then.
    read: BTreeMap<PathBuf, Stamped>,
    /// How many completions are in them, where that is known.
    rows: BTreeMap<PathBuf, usize>,
    /// What the engine logged of each step: nothing that follows from its completions replaces that.
    logged: BTreeMap<u64, Step>,
    /// The last step told.
    last: Option<u64>,
    warnings: usize,
}

impl<L: Layout> Teller<L> {
    fn new(layout: L, feed: Sender<Event>) -> Self {
        let (read, rows, logged) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { layout, feed, read, rows, logged, last: None, warnings: 0 }
    }

    fn send(&self, event: Event) -> Result<(), Stop> {
        self.feed.send(event).map_err(|_| Stop::Unheard)
    }

    fn warn(&mut self, sentence: &str) -> Result<(), Stop> {
        self.warnings += 1;
        match self.warnings {
            1..MOST_WARNINGS => self.send(Event::Warning(sentence.to_owned())),
            MOST_WARNINGS => self.send(Event::Warning(format!("{sentence} Further warnings are not shown."))),
            _ => Ok(()),
        }
    }

    /// Tells everything there is and, if the run goes on, everything that comes.
    fn tell(&mut self, logged: Logged, follows: bool) -> Result<(), Stop> {
        let listing = self.layout.list()?;
        self.tell_charts(logged, &listing)?;
        let newest = self.newest(&listing);
        for (key, files) in listing.range(newest..) {
            self.tell_files(*key, files, true, !follows)?;
        }
        for (key, files) in listing.range(..newest).rev() {
            self.tell_files(*key, files, false, !follows)?;
        }
        if !follows {
            return Ok(());
        }
        loop {
            std::thread::sleep(POLL);
            self.tell_logged()?;
            for (key, files) in &self.layout.list()? {
                self.tell_files(*key, files, true, false)?;
            }
        }
    }

    /// Tells what was logged, and what the numbers beside the completions say: enough for the charts.
    fn tell_charts(&mut self, (logged, warnings): Logged, listing: &Listing) -> Result<(), Stop> {
        let mut steps: BTreeMap<u64, Step> = BTreeMap::new();
        for step in logged {
            self.remember(&step);
        }
        steps.extend(self.logged.iter().map(|(number, step)| (*number, step.clone())));
        let training: Vec<(u64, &Stamped)> = listing
            .iter()
            .filter(|((_, purpose), _)| *purpose == Purpose::Training)
            .flat_map(|((step, _), files)| files.iter().map(|file| (*step, file)))
            .collect();
        let layout = &self.layout;
        let counted: Vec<_> =
            training.par_iter().map(|(step, file)| layout.numbers(*step, &file.path)).collect();
        for ((step, file), counted) in training.into_iter().zip(counted) {
            let known = steps.entry(step).or_insert_with(|| Step::new(step));
            if let Some((numbers, rows)) = counted {
                add_missing(known, &numbers);
                self.rows.insert(file.path.clone(), rows);
            }
        }
        for (number, step) in steps {
            self.last = Some(number);
            self.send(Event::StepDone(Box::new(step)))?;
        }
        warnings.iter().try_for_each(|sentence| self.warn(sentence))
    }

    /// Tells what was logged since.
    fn tell_logged(&mut self) -> Result<(), Stop> {
        let (mut logged, warnings) = self.layout.logged();
        logged.sort_by_key(|step| step.step);
        for step in logged {
            self.remember(&step);
            self.tell_step(step, false)?;
        }
        warnings.iter().try_for_each(|sentence| self.warn(sentence))
    }

    /// Keeps what was logged of a step. It may be logged in several lines.
    fn remember(&mut self, step: &Step) {
        self.logged.entry(step.step).or_insert_with(|| Step::new(step.step)).amend(step);
    }

    /// Tells what is known of a step: of a new one all, of another what was not known before. `again` if the engine has
    /// gone back to it, so that the steps behind it are void.
    fn tell_step(&mut self, step: Step, again: bool) -> Result<(), Stop> {
        let is_new = self.last.is_none_or(|last| step.step > last);
        if is_new || again {
            self.last = Some(step.step);
            return self.send(Event::StepDone(Box::new(step)));
        }
        if step.iter().next().is_none() {
            return Ok(());
        }
        self.send(Event::StepAmended(Box::new(step)))
    }

    /// The key of the oldest step whose completions are kept.
    fn newest(&self, listing: &Listing) -> (u64, Purpose) {
        let mut left = MOST_COMPLETIONS as u64;
        let held = |file: &Stamped| match self.rows.get(&file.path) {
            Some(rows) => *rows as u64,
            None => file.length / LEAST_BYTES + 1,
        };
        for (key, files) in listing.iter().rev() {
            match left.checked_sub(files.iter().map(held).sum()) {
                Some(rest) => left = rest,
                None => return *key,
            }
        }
        (0, Purpose::Training)
    }

    /// Tells the completions of a step, unless its files are as they were when they were told.
    fn tell_files(
        &mut self,
        (step, purpose): (u64, Purpose),
        files: &[Stamped],
        with_completions: bool,
        is_last_look: bool,
    ) -> Result<(), Stop> {
        if files.iter().all(|file| self.read.get(&file.path) == Some(file)) {
            return Ok(());
        }
        let was_read = files.iter().any(|file| self.read.contains_key(&file.path));
        let (mut places, mut sums) = (Places::default(), Sums::of(step));
        let mut rollouts = Vec::new();
        let mut read_now = Vec::new();
        let may_be_written =
            |file: &Stamped| !is_last_look && file.age().is_some_and(|age| age < HALF_WRITTEN);
        for file in files {
            match self.layout.completions(step, &file.path) {
                Ok(read) if read.is_torn && may_be_written(file) => return Ok(()),
                Err(_) if may_be_written(file) => return Ok(()),
                Ok(Read { completions, warnings, .. }) => {
                    rollouts.extend(completions.into_iter().map(|written| written.rollout(&mut places)));
                    warnings.iter().try_for_each(|sentence| self.warn(sentence))?;
                }
                Err(reason) => self.warn(&format!("{} is skipped: {reason}.", file.path.display()))?,
            }
            read_now.push(file.clone());
        }
        self.read.extend(read_now.into_iter().map(|file| (file.path.clone(), file)));
        rollouts.iter().for_each(|rollout| sums.add(rollout));
        if purpose == Purpose::Evaluation {
            return self.tell_evaluation(step, sums);
        }
        if with_completions {
            let told = rollouts.into_iter().map(|rollout| Event::RolloutScored(Box::new(rollout)));
            told.into_iter().try_for_each(|event| self.send(event))?;
        }
        let again = was_read && self.layout.writes_once() && self.last.is_some_and(|last| step < last);
        if again {
            // It was logged by what is void now.
            self.logged.retain(|known, _| *known < step);
        }
        let mut found = sums.step();
        for (name, _) in self.logged.get(&step).into_iter().flat_map(Step::iter) {
            found.remove(name);
        }
        self.tell_step(found, again)
    }

    /// Tells how an evaluation went: the share of right answers where they can be judged, and what it earned.
    fn tell_evaluation(&mut self, step: u64, sums: Sums) -> Result<(), Stop> {
        let puzzles = sums.completions();
        let found = sums.step();
        let mut told = Step::new(step);
        if let Some(accuracy) = found.known(&registry::ACCURACY) {
            told.set(&registry::EVAL_ACCURACY, accuracy);
            self.send(Event::EvalDone { step, accuracy, pass_at_k: None, puzzles })?;
        }
        if let Some(reward) = found.known(&registry::REWARD) {
            told.put("eval/reward", reward.into(), |_| false);
        }
        for (name, value) in found.iter().filter(|(name, _)| name.starts_with("rewards/")) {
            told.put(&format!("eval/{name}"), value.clone(), |_| false);
        }
        self.tell_step(told, false)
    }
}

/// Adds what a step has not measured and another has.
fn add_missing(step: &mut Step, other: &Step) {
    for (name, value) in other.iter() {
        if step.named(name).is_none_or(|known| *known == Measured::Nothing) {
            step.put(name, value.clone(), |_| false);
        }
    }
}
