//! Completions of any engine, one JSON object a line: `step`, `prompt`, `completion` and `reward`, and whatever else is
//! known of them under the names that our own `rollouts.jsonl` has. A field that this program does not know is kept
//! with the puzzle, and what a line does not say is unknown.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crossbeam_channel::{Sender, bounded};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{
    RunFormat,
    derived::{Places, StepsOf},
    past::MOST_WAITING,
};
use crate::{
    protocol::{Capabilities, Event, RunFacts, RunSource, Started, UNKNOWN_ENGINE},
    record::{Problem, Puzzle, Rollout},
    runs::{RunError, reader::LONGEST_ROLLOUT_LINE, tail::Tail},
    system::files,
    task::{self, RewardRules},
};

/// So many bytes are looked at to recognise a file.
const FIRST_BYTES: u64 = 1 << 20;

/// See the module.
pub(super) struct Completions;

impl RunFormat for Completions {
    fn name(&self) -> &'static str {
        "a .jsonl file of completions (step, prompt, completion and reward on each line)"
    }

    fn recognises(&self, path: &Path) -> bool {
        let field = br#""completion""#;
        path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl"))
            && path.is_file()
            && first_bytes(path).is_ok_and(|bytes| bytes.windows(field.len()).any(|found| found == field))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn open(&self, path: &Path) -> Result<RunSource, RunError> {
        let mut file = files::open(path).map_err(RunError::io("read", path))?;
        let (feed, events) = bounded(MOST_WAITING);
        let _ = feed.send(Event::Started(Box::new(Started::unknown(path))));
        let place = path.to_owned();
        std::thread::Builder::new()
            .name("reader".into())
            .spawn(move || {
                if let Err(error) = tell(&place, &mut file, &feed) {
                    let _ = feed.send(Event::Warning(error.to_string()));
                }
            })
            .map_err(RunError::io("start a thread that reads", path))?;
        let facts = RunFacts::of_files(UNKNOWN_ENGINE, self.capabilities());
        Ok(RunSource { facts, events, commands: None, side: None })
    }
}

fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
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
    /// As a record. Where the task is one of ours, its own rules say what is right and what was thought.
    fn rollout(mut self, places: &mut Places) -> Rollout {
        let rewards = parts_of(&mut self.fields);
        let (group, index) = places.of(self.step, &self.prompt, self.group, self.index);
        let puzzle = Puzzle(self.fields);
        let task = task::of_record(self.task.as_deref()).ok().filter(|task| task.admit(&puzzle).is_ok());
        let name = self.task.or_else(|| Some(task?.name().to_owned())).unwrap_or_default();
        let score = || Some(task?.score(&puzzle, &self.completion, &RewardRules::default()).correct);
        let numbers = |list: Vec<Option<f32>>| list.into_iter().map(|n| n.unwrap_or(f32::NAN)).collect();
        Rollout {
            step: self.step,
            group,
            index,
            token_ids: self.token_ids,
            logprobs: self.logprobs.map(numbers),
            entropies: self.entropies.map(numbers),
            reward: self.reward.unwrap_or(f64::NAN),
            penalties: Default::default(),
            rewards,
            advantage: self.advantage,
            correct: self.correct.or_else(score),
            truncated: self.truncated,
            analysis: task.map(|task| task.analyze(&puzzle, &self.completion)).unwrap_or_default(),
            problem: Problem { task: name, puzzle, prompt: self.prompt },
            completion: self.completion,
        }
    }
}

/// The parts of the reward by their names. Another engine may mean something else by that field: then it stays.
fn parts_of(fields: &mut Map<String, Value>) -> Option<BTreeMap<String, Option<f64>>> {
    let parts = serde_json::from_value(fields.get("rewards")?.clone()).ok()?;
    fields.remove("rewards");
    parts
}

/// Tells all completions in the order of their steps, which need not be that of the file, and each step's metrics
/// behind its completions.
fn tell(path: &Path, file: &mut File, feed: &Sender<Event>) -> Result<(), RunError> {
    let mut lines: Vec<(u64, u64, usize)> = Vec::new();
    let mut tail = Tail::new(path, LONGEST_ROLLOUT_LINE);
    let mut bad = Vec::new();
    let mut note = |line: Line, at, length| lines.push((line.step, at, length));
    loop {
        let polled = tail.poll(&mut note)?;
        bad.extend(polled.bad);
        if !polled.behind {
            break;
        }
    }
    bad.extend(tail.poll_rest(&mut note).bad);
    lines.sort_by_key(|(step, ..)| *step);
    let (mut places, mut steps) = (Places::default(), StepsOf::default());
    for (_, at, length) in lines {
        let bytes = read_at(file, at, length).map_err(RunError::io("read", path))?;
        // It was read before: unless the file was changed meanwhile, it can be read again.
        let Ok(line) = serde_json::from_slice::<Line>(&bytes) else { continue };
        let rollout = line.rollout(&mut places);
        let done = steps.add(&rollout).map(|step| Event::StepDone(Box::new(step)));
        for event in done.into_iter().chain([Event::RolloutScored(Box::new(rollout))]) {
            if feed.send(event).is_err() {
                return Ok(());
            }
        }
    }
    let last = steps.end().map(|step| Event::StepDone(Box::new(step)));
    let bad = bad.into_iter().map(|line| Event::Warning(line.to_string()));
    for event in last.into_iter().chain(bad) {
        let _ = feed.send(event);
    }
    Ok(())
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
        record::{Analysis, Step},
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
        let source = source::open(&path).unwrap();
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
            let error = source::open(&path).unwrap_err().to_string();
            assert!(error.contains("is not a run that can be read here"), "{error}");
        }
    }
}
