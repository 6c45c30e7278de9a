//! Completions of any engine, one JSON object a line: `step`, `prompt`, `completion` and `reward`, and whatever else is
//! known of them under the names that our own `rollouts.jsonl` has; or under others, if it is said what they mean. What
//! this program does not know is kept with the puzzle, and what a line does not say is unknown.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use crossbeam_channel::{Sender, bounded};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{
    Columns, Reading, RunFormat,
    derived::{Places, Sums},
    logs::python_json,
    past::MOST_WAITING,
    watched::{Stamped, Stop},
    written::Written,
};
use crate::{
    protocol::{Capabilities, Capability, Event, RunFacts, RunSource, Started, UNKNOWN_ENGINE},
    record::Step,
    runs::{BadLine, RunError, reader::LONGEST_ROLLOUT_LINE, tail::Tail},
    system::{files, quoting::quoting},
};

/// So many bytes are looked at to recognise a file.
const FIRST_BYTES: u64 = 1 << 20;
/// How often a file that may grow is looked at.
const POLL: Duration = Duration::from_millis(500);

/// See the module.
pub(super) struct Completions;

impl RunFormat for Completions {
    fn name(&self) -> &'static str {
        "a .jsonl file of completions (step, prompt, completion and reward on each line, or --columns)"
    }

    fn recognises(&self, path: &Path) -> bool {
        let field = br#""completion""#;
        path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl"))
            && path.is_file()
            && first_bytes(path).is_ok_and(|bytes| bytes.windows(field.len()).any(|found| found == field))
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        let file = files::open(path).map_err(RunError::io("read", path))?;
        let live = reading.follows && Stamped::of(path).is_some_and(|file| file.may_still_grow());
        let (feed, events) = bounded(MOST_WAITING);
        let _ = feed.send(Event::Started(Box::new(Started::unknown(path))));
        let mut teller = Teller::new(path, file, reading.columns.clone(), feed);
        std::thread::Builder::new()
            .name("reader".into())
            .spawn(move || {
                let told = teller.tell(live);
                if let Err(Stop::Failed(error)) = told {
                    let _ = teller.feed.send(Event::Warning(error.to_string()));
                }
            })
            .map_err(RunError::io("start a thread that reads", path))?;
        let known = Capabilities::default();
        let known = if live { known.with(Capability::Live) } else { known };
        let facts = RunFacts::of_files(UNKNOWN_ENGINE, known);
        Ok(RunSource { facts, events, commands: None, side: None })
    }
}

/// The beginning of a file, to recognise it by.
pub(super) fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files::open(path)?.take(FIRST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One line.
#[derive(Deserialize)]
struct Line {
    step: u64,
    prompt: String,
    completion: String,
    /// `null` if it is not known.
    reward: Option<f64>,
    group: Option<usize>,
    index: Option<usize>,
    task: Option<String>,
    advantage: Option<f64>,
    correct: Option<bool>,
    #[serde(default)]
    truncated: bool,
    token_ids: Option<Vec<u32>>,
    logprobs: Option<Vec<Option<f32>>>,
    entropies: Option<Vec<Option<f32>>>,
    /// It is read again by the rules of today.
    #[serde(default, rename = "analysis")]
    _analysis: IgnoredAny,
    /// The puzzle's fields, and those that nobody here knows.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Line {
    fn read(bytes: &[u8], columns: &Columns) -> Result<Self, String> {
        if *columns == Columns::default() {
            return python_json(bytes);
        }
        let line = columns.in_our_words(python_json(bytes)?)?;
        serde_json::from_value(Value::Object(line)).map_err(|error| quoting(&error))
    }

    fn written(mut self) -> Written {
        let numbers = |list: Vec<Option<f32>>| list.into_iter().map(|n| n.unwrap_or(f32::NAN)).collect();
        Written {
            step: self.step,
            group: self.group,
            group_key: None,
            index: self.index,
            token_ids: self.token_ids,
            logprobs: self.logprobs.map(numbers),
            entropies: self.entropies.map(numbers),
            reward: self.reward,
            rewards: parts_of(&mut self.fields),
            advantage: self.advantage,
            correct: self.correct,
            truncated: self.truncated,
            task: self.task,
            prompt: self.prompt,
            completion: self.completion,
            fields: self.fields,
        }
    }
}

/// The parts of the reward by their names. Another engine may mean something else by that field: then it stays.
fn parts_of(fields: &mut Map<String, Value>) -> Option<BTreeMap<String, Option<f64>>> {
    let parts = serde_json::from_value(fields.get("rewards")?.clone()).ok()?;
    fields.remove("rewards");
    parts
}

/// Tells the completions of a file.
struct Teller {
    tail: Tail,
    file: File,
    columns: Columns,
    feed: Sender<Event>,
    places: Places,
    /// The step whose completions are coming.
    sums: Option<(u64, Sums)>,
}

impl Teller {
    fn new(path: &Path, file: File, columns: Columns, feed: Sender<Event>) -> Self {
        let tail = Tail::new(path, LONGEST_ROLLOUT_LINE);
        Self { tail, file, columns, feed, places: Places::default(), sums: None }
    }

    fn send(&self, event: Event) -> Result<(), Stop> {
        self.feed.send(event).map_err(|_| Stop::Unheard)
    }

    /// Tells all completions in the order of their steps, which need not be that of the file, and each step's metrics
    /// behind its completions; then, if the file may grow, those that come.
    fn tell(&mut self, follows: bool) -> Result<(), Stop> {
        let (mut lines, mut bad) = self.poll()?;
        if !follows {
            let columns = &self.columns;
            let note = |line: Line, at, length| lines.push((line.step, at, length));
            bad.extend(self.tail.poll_rest_with(|bytes| Line::read(bytes, columns), note).bad);
        }
        self.tell_lines(lines)?;
        if !follows {
            self.end_step()?;
            return bad.into_iter().try_for_each(|line| self.send(Event::Warning(line.to_string())));
        }
        loop {
            bad.drain(..).try_for_each(|line| self.send(Event::Warning(line.to_string())))?;
            std::thread::sleep(POLL);
            let (lines, more) = self.poll()?;
            bad = more;
            self.tell_lines(lines)?;
        }
    }

    /// Step, place and length of the lines that are new, and those that are none.
    #[allow(clippy::type_complexity)]
    fn poll(&mut self) -> Result<(Vec<(u64, u64, usize)>, Vec<BadLine>), RunError> {
        let (mut lines, mut bad) = (Vec::new(), Vec::new());
        loop {
            let columns = &self.columns;
            let note = |line: Line, at, length| lines.push((line.step, at, length));
            let polled = self.tail.poll_with(|bytes| Line::read(bytes, columns), note)?;
            bad.extend(polled.bad);
            if !polled.behind {
                return Ok((lines, bad));
            }
        }
    }

    fn tell_lines(&mut self, mut lines: Vec<(u64, u64, usize)>) -> Result<(), Stop> {
        lines.sort_by_key(|(step, ..)| *step);
        for (_, at, length) in lines {
            let bytes = match read_at(&mut self.file, at, length) {
                Ok(bytes) => bytes,
                // It was cut off or replaced meanwhile; the next look begins with what is there then.
                Err(_) => continue,
            };
            // It was read before: unless the file was changed meanwhile, it can be read again.
            let Ok(line) = Line::read(&bytes, &self.columns) else { continue };
            let rollout = line.written().rollout(&mut self.places);
            if self.sums.as_ref().is_some_and(|(step, _)| *step < rollout.step) {
                self.end_step()?;
            }
            let (step, sums) = self.sums.get_or_insert_with(|| (rollout.step, Sums::of(rollout.step)));
            // A late completion of an older step is shown; that step's metrics were told.
            if *step == rollout.step {
                sums.add(&rollout);
            }
            self.send(Event::RolloutScored(Box::new(rollout)))?;
        }
        Ok(())
    }

    fn end_step(&mut self) -> Result<(), Stop> {
        let done: Option<Step> = self.sums.take().map(|(_, sums)| sums.step());
        done.map_or(Ok(()), |step| self.send(Event::StepDone(Box::new(step))))
    }
}

fn read_at(file: &mut File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::{
        metrics::registry,
        protocol::Capability,
        record::{Analysis, Rollout, Step},
        runs::source,
    };

    const LINES: &str = concat!(
        r#"{"step":2,"prompt":"p","completion":"<think> 4 + 1 = 5 </think> <answer>16 + 4 - 1</answer>","reward":1.0,"numbers":[4,1,16],"target":19,"uid":"x7","rewards":{"countdown":1.0,"style":null}}"#,
        "\n",
        "{\"step\":1,\n",
        r#"{"step":1,"prompt":"Say cat.","completion":"dog","reward":null,"task":"words","advantage":-0.5}"#,
        "\n\n",
        r#"{"step":1,"prompt":"Say cat.","completion":"cat","reward":1.0,"task":"words","correct":true,"token_ids":[3,4],"rewards":[1.0]}"#,
        "\n",
        r#"{"step":2,"completion":"no prompt","reward":0}"#,
        "\n",
        r#"{"step":2,"prompt":"q","completion":"","reward":0.0}"#,
    );

    struct Told {
        rollouts: Vec<Rollout>,
        steps: Vec<Step>,
        warnings: Vec<String>,
    }

    fn opened(text: &str) -> (tempfile::TempDir, PathBuf, RunSource, Told) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("from-elsewhere.jsonl");
        fs::write(&path, text).unwrap();
        let source = source::open(&path, &Reading::default()).unwrap();
        let mut told = Told { rollouts: vec![], steps: vec![], warnings: vec![] };
        for event in &source.events {
            match event {
                Event::Started(started) => assert_eq!(started.run, path),
                Event::RolloutScored(rollout) => told.rollouts.push(*rollout),
                Event::StepDone(step) => told.steps.push(*step),
                Event::Warning(sentence) => told.warnings.push(sentence),
                other => panic!("{other:?}"),
            }
        }
        (folder, path, source, told)
    }

    #[test]
    fn completions_are_told_in_the_order_of_their_steps_and_bad_lines_are_named() {
        let (_folder, path, source, told) = opened(LINES);
        assert!(
            !source.facts.capabilities.take_commands() && !source.facts.capabilities.can(Capability::Live)
        );
        let places: Vec<_> = told.rollouts.iter().map(|r| (r.step, r.group, r.index)).collect();
        assert_eq!(
            places,
            [(1, 0, 0), (1, 0, 1), (2, 0, 0), (2, 1, 0)],
            "equal prompts of a step are a group"
        );
        let named = |line: usize| format!("{}, line {line}", path.display());
        let [first, second] = &told.warnings[..] else { panic!("{:?}", told.warnings) };
        assert!(first.starts_with(&named(2)) && second.starts_with(&named(6)), "{first} {second}");
    }

    #[test]
    fn what_a_line_does_not_say_is_unknown_unless_its_task_tells() {
        let (.., told) = opened(LINES);
        let [dog, cat, countdown, nothing] = &told.rollouts[..] else { panic!() };
        assert_eq!((dog.correct, dog.advantage, &dog.analysis), (None, Some(-0.5), &Analysis::default()));
        assert!(dog.reward.is_nan() && dog.token_ids.is_none() && dog.logprobs.is_none());
        assert_eq!((cat.correct, cat.token_ids().len(), cat.problem.task.as_str()), (Some(true), 2, "words"));
        assert_eq!((countdown.correct, countdown.problem.task.as_str()), (Some(true), "countdown"));
        assert!(countdown.analysis.attempts > 0);
        assert_eq!(countdown.problem.puzzle.0["uid"], "x7", "what nobody here knows is kept");
        let parts = [("countdown".to_owned(), Some(1.0)), ("style".to_owned(), None)];
        assert_eq!(countdown.rewards, Some(BTreeMap::from(parts)));
        assert!(!countdown.problem.puzzle.0.contains_key("rewards"));
        assert_eq!((&cat.rewards, &cat.problem.puzzle.0["rewards"][0]), (&None, &Value::from(1.0)));
        assert_eq!((nothing.correct, nothing.problem.task.as_str()), (None, ""));
    }

    #[test]
    fn a_step_measures_what_follows_from_its_completions() {
        let (.., told) = opened(LINES);
        let [first, second] = &told.steps[..] else { panic!("{:?}", told.steps) };
        assert_eq!((first.step, second.step), (1, 2));
        assert_eq!(first.known(&registry::ACCURACY), Some(1.0), "of those that were judged");
        assert_eq!(first.known(&registry::MEAN_LENGTH), Some(2.0));
        assert!(!first.has(&registry::CHECKS), "nobody could read them");
        assert_eq!(second.known(&registry::REWARD), Some(0.5));
        assert!(second.has(&registry::CHECKS) && !second.has(&registry::ENTROPY));
    }

    #[test]
    fn other_files_are_no_runs() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a.jsonl", "{\"step\":1}\n"), ("b.json", LINES), ("c.jsonl", "")] {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            let error = source::open(&path, &Reading::default()).unwrap_err().to_string();
            assert!(error.contains("is not a run that can be read here"), "{error}");
        }
    }
}
