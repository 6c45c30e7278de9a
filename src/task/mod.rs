//! What is asked and what is right.
//!
//! A [`Task`] draws puzzles, words them as prompts, scores completions by the answer alone, and reads which
//! reasoning behaviours they show. It is pure: no threads, no files, no tensors. The reward never looks at
//! how an answer was reached.
//!
//! Everything that depends on the task goes through this module. A new task is a new folder here and one line
//! in [`FAMILIES`].

pub mod answer;
pub mod countdown;
pub mod lessons;
pub mod multiplication;
pub mod numbers;
pub mod priming;
pub mod rules;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::{
    answer::Graded,
    lessons::Lessons,
    rules::{Judged, Rule, Trick},
};
pub use crate::record::{NumberPuzzle, Puzzle, Score};
use crate::{
    metrics::blind::Blind,
    record::{Analysis, Problem},
    settings::{Choice, Named},
    system::quoting::shortened,
};

/// Every task there is. The first is the default.
pub static FAMILIES: &[&Family] = &[&countdown::FAMILY, &multiplication::FAMILY];

/// The side of the hash split that a puzzle is on. No held-out puzzle is ever trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Nine tenths of all puzzles.
    Train,
    /// One tenth, chosen by a hash.
    Heldout,
}

impl Split {
    /// The side of a puzzle whose numbers alone define the problem. One puzzle in ten is held out, by a
    /// SHA-256 of the sorted numbers and the target, so the side depends neither on the order of the numbers
    /// nor on any seed.
    pub(crate) fn of_puzzle(puzzle: &NumberPuzzle) -> Self {
        let mut sorted = puzzle.numbers.clone();
        sorted.sort_unstable();
        Self::of_values(sorted.iter().chain([&-1, &puzzle.target]))
    }

    /// The side of all puzzles with these numbers, whatever their target. One number set in ten is held out,
    /// by a SHA-256 of the sorted numbers. A solution is a way to combine the numbers, so a set seen with
    /// another target would give the solution away.
    pub fn of_numbers(numbers: &[i64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        Self::of_values(sorted.iter().chain([&-2]))
    }

    fn of_values<'a>(values: impl Iterator<Item = &'a i64>) -> Self {
        let mut hash = Sha256::new();
        for value in values {
            hash.update(value.to_le_bytes());
        }
        let digest = hash.finalize();
        let word = u64::from_le_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ]);
        if word % 10 == 0 { Self::Heldout } else { Self::Train }
    }
}

/// Which answer is graded and what it earns. Nothing else is ever rewarded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RewardRules {
    /// Reward for a right answer (default 1.0).
    pub correct: f64,
    /// Reward for a well-formed answer that is wrong (default 0.1).
    pub format: f64,
    /// Which answer is graded when a completion states several.
    #[serde(default)]
    pub answer: Graded,
}

impl Default for RewardRules {
    fn default() -> Self {
        Self { correct: 1.0, format: 0.1, answer: Graded::default() }
    }
}

/// A family of puzzles with an exact verifier, at one level. Only [`draw`](Self::draw) depends on the level.
pub trait Task: Send + Sync {
    /// The name used by `--task` and in run files.
    fn name(&self) -> &'static str;
    /// Draws a puzzle from one side of the split.
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle;
    /// A puzzle of this task from fields that anybody may have written, without those that it does not know.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    fn admit(&self, puzzle: &Puzzle) -> Result<Puzzle, String>;
    /// The puzzle in the words of our own base models, which continue it; it ends with `<think>`.
    fn prompt(&self, puzzle: &Puzzle) -> String;
    /// The puzzle in plain English, for a model that has read nothing of ours: what to do, and that the answer
    /// goes between `<answer>` tags.
    fn question(&self, puzzle: &Puzzle) -> String {
        self.prompt(puzzle)
    }
    /// The text that the model of this run continues.
    ///
    /// # Errors
    /// A sentence that says why there is none; a model's chat template may refuse.
    fn asked(&self, puzzle: &Puzzle) -> Result<String, String> {
        Ok(self.prompt(puzzle))
    }
    /// The puzzle that a prompt of any engine asks, where it is worded as [`Self::prompt`] or [`Self::question`] word it,
    /// whatever stands around that; of several, as after examples, the last.
    fn asked_in(&self, _prompt: &str) -> Option<Puzzle> {
        None
    }
    /// The part of [`Self::asked`] that tells this puzzle from another; a model must have a word for all of it.
    fn asked_words(&self, puzzle: &Puzzle) -> String {
        self.prompt(puzzle)
    }
    /// Scores what the model wrote after the prompt.
    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score;
    /// The rules of the reward, in the order in which they are looked at; none for a task that does not tell them.
    fn rules(&self) -> &'static [Rule] {
        &[]
    }
    /// Scores what the model wrote, and says which rule decided.
    fn judge(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Judged {
        Judged { score: self.score(puzzle, completion, rules), broken: None }
    }
    /// Reads which reasoning behaviours a completion shows. Accepts any text. The reward never sees the
    /// result.
    fn analyze(&self, puzzle: &Puzzle, completion: &str) -> Analysis;
    /// Reads a completion as far as the answer that is graded.
    fn analyze_graded(&self, puzzle: &Puzzle, completion: &str, which: Graded) -> Analysis {
        self.analyze(puzzle, answer::read_for(completion, which))
    }
    /// Canonical text of an answer, the same for equal answers, for a majority vote; `None` for an unreadable
    /// answer.
    fn canonical_answer(&self, answer: &str) -> Option<String>;
    /// The puzzle on one line as people write it, `4 1 16 -> 19`, with `arrow` between question and target.
    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String;
    /// Makes a puzzle from given numbers. Without a target, the task derives it: Countdown takes the last number,
    /// multiplication the product.
    ///
    /// # Errors
    /// A sentence that says how a puzzle is written.
    fn assemble(&self, numbers: Vec<i64>, target: Option<i64>) -> Result<Puzzle, String>;
    /// Every distinct solution that the task knows, the shortest first.
    ///
    /// # Errors
    /// A sentence that says why it cannot list them.
    fn solutions(&self, puzzle: &Puzzle) -> Result<Vec<String>, String>;
    /// What is known about a puzzle before it is answered.
    fn prospect(&self, puzzle: &Puzzle) -> Prospect;
    /// The counts that blind search draws from; `None` for a task without blind search.
    fn blind(&self, _puzzle: &Puzzle) -> Option<Blind> {
        None
    }
    /// The attempts of a completion, in order, for a task whose completions form no search tree.
    fn outline(&self, _puzzle: &Puzzle, _completion: &str) -> Vec<Tried> {
        Vec::new()
    }
}

/// What is known about a puzzle before it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// The target can be reached.
    Solvable,
    /// The target cannot be reached; this comes nearest.
    Nearest {
        /// The nearest value, such as `79` or `7/3`.
        value: String,
        /// An expression for it.
        expression: String,
    },
    /// The numbers determine the answer; this text says how.
    Given(String),
    /// The puzzle cannot be searched, for this reason.
    Unknown(String),
}

/// One line of [`Task::outline`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Nesting depth in the outline, from 0.
    pub depth: usize,
    /// What was tried, such as `20 * 47 + 3 * 47`.
    pub words: String,
    /// The result that the completion states.
    pub stated: Option<String>,
    /// Whether the stated result is right; `None` if none is stated.
    pub right: Option<bool>,
}

/// A task before a level is chosen.
pub struct Family {
    /// The name used by `--task` and in run files.
    pub name: &'static str,
    /// What is asked, in a few words.
    pub about: &'static str,
    /// The names of its levels. The first is the default and the one on which the base was measured.
    pub levels: &'static [&'static str],
    /// The levels, described in one line.
    pub levels_doc: &'static str,
    /// How a puzzle is typed, with an example.
    pub puzzle_form: &'static str,
    /// Whether the numbers alone determine the target.
    pub target_follows: bool,
    /// Why the Search screen has nothing to search; `None` if it has.
    pub nothing_to_search: Option<&'static str>,
    /// Configuration keys whose defaults differ for this task.
    pub settings: &'static [(&'static str, &'static str)],
    /// The task without a particular level: everything but drawing.
    pub reader: &'static dyn Task,
    /// The task at a named level.
    pub at: fn(&str) -> Result<Box<dyn Task>, String>,
    /// What its base model is taught; `false` omits the behaviours that RL is meant to bring out.
    pub lessons: fn(bool) -> Box<dyn Lessons>,
    /// What was tried to be paid without a right answer. No reward may ever pay for any of it.
    pub tricks: &'static [Trick],
    /// What writes traces to prime models from elsewhere, if anything does.
    pub traces: Option<priming::Writer>,
    /// The base model built into the program.
    pub base: BaseFiles,
    /// The levels that have a base model of their own. The others share the family's.
    pub own: &'static [Own],
}

/// A level that has its own base model.
pub struct Own {
    /// The name of the level.
    pub level: &'static str,
    /// Configuration keys whose defaults differ at this level, after those of the task.
    pub settings: &'static [(&'static str, &'static str)],
    /// What its base model is taught; see [`Family::lessons`].
    pub lessons: fn(bool) -> Box<dyn Lessons>,
    /// Its base model.
    pub base: BaseFiles,
}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Family({})", self.name)
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Choice for &'static Family {
    fn all() -> Vec<Self> {
        FAMILIES.to_vec()
    }

    fn named(self) -> Named {
        Named { name: self.name, doc: self.about }
    }
}

/// A level name that is known to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelName(&'static str);

impl LevelName {
    /// The name itself.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl Choice for LevelName {
    fn all() -> Vec<Self> {
        FAMILIES.iter().flat_map(|family| family.levels).map(|name| Self(name)).collect()
    }

    fn named(self) -> Named {
        let family = FAMILIES.iter().find(|family| family.levels.contains(&self.0));
        Named { name: self.0, doc: family.map_or("", |family| family.name) }
    }
}

impl Family {
    /// The default level.
    pub(crate) fn first_level(&self) -> LevelName {
        LevelName(self.levels[0])
    }

    /// What is particular to a level; `None` for a level that shares the family's base model.
    pub fn own(&self, level: &str) -> Option<&'static Own> {
        self.own.iter().find(|own| own.level == level)
    }

    /// The base model of a level.
    pub fn base_at(&'static self, level: &str) -> &'static BaseFiles {
        self.own(level).map_or(&self.base, |own| &own.base)
    }

    /// Every base model of the task, with the name of the level that it is for.
    pub fn bases(&'static self) -> impl Iterator<Item = (&'static str, &'static BaseFiles)> {
        std::iter::once((self.levels[0], &self.base)).chain(self.own.iter().map(|own| (own.level, &own.base)))
    }

    /// What the base model of a level is taught; see [`Self::lessons`].
    pub fn lessons_at(&self, level: &str, habits: bool) -> Box<dyn Lessons> {
        self.own(level).map_or(self.lessons, |own| own.lessons)(habits)
    }

    /// An example puzzle.
    pub fn example(&self) -> Puzzle {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        match (self.at)(self.levels[0]) {
            Ok(task) => task.draw(Split::Heldout, &mut rng),
            Err(_) => Puzzle::default(),
        }
    }
}

/// The files of a base model built into the program.
pub struct BaseFiles {
    /// `config.json`.
    pub config: &'static [u8],
    /// `model.safetensors`.
    pub weights: &'static [u8],
    /// `tokenizer.json`.
    pub tokenizer: &'static [u8],
    /// `measured.json`: measurements made when the base was trained.
    pub measured: &'static [u8],
}

/// Looks up a task family by name.
///
/// # Errors
/// A sentence that lists the known tasks.
pub fn family(name: &str) -> Result<&'static Family, String> {
    FAMILIES.iter().copied().find(|family| family.name == name).ok_or_else(|| {
        format!("There is no task `{}`; the tasks are {}.", shortened(name), names().join(", "))
    })
}

/// Looks up a task by name, at a level.
///
/// # Errors
/// A sentence that lists the known tasks or levels.
pub fn named(name: &str, level: &str) -> Result<Box<dyn Task>, String> {
    (family(name)?.at)(level)
}

/// The task that wrote a record, to score, analyse or word it. A record without a task name belongs to the
/// first task.
///
/// # Errors
/// A sentence that lists the known tasks.
pub fn of_record(name: Option<&str>) -> Result<&'static dyn Task, String> {
    Ok(name.map_or(Ok(FAMILIES[0]), family)?.reader)
}

/// The puzzle that a prompt asks, and the task that knows it; see [`Task::asked_in`].
pub(crate) fn asked_in(prompt: &str) -> Option<(&'static dyn Task, Puzzle)> {
    FAMILIES.iter().find_map(|family| Some((family.reader, family.reader.asked_in(prompt)?)))
}

/// A run's puzzle on one line; see [`Task::in_words`]. For an unknown task, its fields.
pub fn in_words(task: &str, puzzle: &Puzzle, arrow: &str) -> String {
    family(task).map_or_else(|_| puzzle.to_string(), |family| family.reader.in_words(puzzle, arrow))
}

/// A run's problem on one line. For an unknown task, its prompt.
pub(crate) fn problem_in_words(problem: &Problem, arrow: &str) -> String {
    match family(&problem.task) {
        Ok(family) => family.reader.in_words(&problem.puzzle, arrow),
        Err(_) => problem.prompt.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Analyses a completion of a run's task; see [`Task::analyze`]. `None` for an unknown task.
pub fn analyze(task: &str, puzzle: &Puzzle, completion: &str) -> Option<Analysis> {
    Some(family(task).ok()?.reader.analyze(puzzle, completion))
}

/// Reads a completion as far as the answer that is graded, see [`Task::analyze_graded`]. `None` for an unknown task.
pub(crate) fn analyze_graded(
    task: &str,
    puzzle: &Puzzle,
    completion: &str,
    which: Graded,
) -> Option<Analysis> {
    Some(family(task).ok()?.reader.analyze_graded(puzzle, completion, which))
}

/// Whether a completion of this problem can be scored and analysed here.
pub fn reads(problem: &Problem) -> bool {
    family(&problem.task).is_ok_and(|family| family.reader.admit(&problem.puzzle).is_ok())
}

/// Caches the blind search of the last puzzle: the completions of a group come one after the other and share
/// their puzzle.
#[derive(Debug, Default)]
pub(crate) struct LastBlind(Option<(String, Puzzle, Option<Blind>)>);

impl LastBlind {
    /// See [`Task::blind`]; `None` for a task that this program does not know.
    pub fn of(&mut self, task: &str, puzzle: &Puzzle) -> Option<Blind> {
        match &self.0 {
            Some((name, last, blind)) if name == task && last == puzzle => *blind,
            _ => {
                let blind = family(task).ok().and_then(|family| family.reader.blind(puzzle));
                self.0 = Some((task.to_owned(), puzzle.clone(), blind));
                blind
            }
        }
    }
}

/// The names of all tasks.
pub fn names() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name).collect()
}
