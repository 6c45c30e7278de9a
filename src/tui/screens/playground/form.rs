//! The fields above the answers: the puzzle, the models and the options.

use crate::{
    config::Config,
    protocol::side::{ModelName, Models, PlayOptions},
    task::{FAMILIES, Family, NumberPuzzle, Prospect, Puzzle},
    tui::store::desk::label,
};

/// One of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The given numbers.
    Numbers,
    /// The value to reach.
    Target,
    /// Who answers on the left (0) and on the right (1).
    Model(usize),
    /// The sampling temperature.
    Temperature,
    /// The thinking budget.
    Budget,
    /// How many times a thought is forced to continue.
    KeepThinking,
    /// The seed of the draws.
    Seed,
    /// Tokens a second.
    Pace,
}

impl Field {
    /// All of them, in the order in which they stand.
    pub const ALL: [Self; 9] = [
        Self::Numbers,
        Self::Target,
        Self::Model(0),
        Self::Model(1),
        Self::Temperature,
        Self::Budget,
        Self::KeepThinking,
        Self::Seed,
        Self::Pace,
    ];

    /// Its name, in full or short.
    pub fn name(self, short: bool) -> &'static str {
        match (self, short) {
            (Self::Numbers, false) => "numbers",
            (Self::Numbers, true) => "of",
            (Self::Target, false) => "target",
            (Self::Target, true) => "make",
            (Self::Model(0), _) => "A",
            (Self::Model(_), _) => "B",
            (Self::Temperature, false) => "temperature",
            (Self::Temperature, true) => "T",
            (Self::Budget, false) => "thinking budget",
            (Self::Budget, true) => "think",
            (Self::KeepThinking, false) => "keep thinking",
            (Self::KeepThinking, true) => "wait",
            (Self::Seed, _) => "seed",
            (Self::Pace, _) => "pace",
        }
    }

    /// What it expects.
    fn expected(self) -> &'static str {
        match self {
            Self::Numbers => "2 to 6 whole numbers from 0 up, such as 4 1 16; or a whole puzzle, 4 1 16 = 19",
            Self::Target => "a whole number, such as 19",
            Self::Model(_) => "base, now, or the step of a checkpoint",
            Self::Temperature => "a number from 0 (the likeliest token) to 5",
            Self::Budget => "tokens of thought, 0 to 4096; off never forces an answer",
            Self::KeepThinking => "how often a wait replaces the end of the thought, 0 to 20",
            Self::Seed => "a whole number from 0 up",
            Self::Pace => "tokens per second, 1 to 1000; off is full speed",
        }
    }
}

/// The fields and their values.
#[derive(Debug, Clone)]
pub struct Form {
    /// The task that is asked.
    pub family: &'static Family,
    /// What is asked.
    pub puzzle: Puzzle,
    /// Who answers.
    pub models: [ModelName; 2],
    /// How.
    pub options: PlayOptions,
    /// The field under the cursor.
    pub at: Field,
    /// What exact search finds for the puzzle.
    pub prospect: Prospect,
    /// The budget to restore when it is turned on again.
    default_budget: usize,
    /// Whether the user chose the models.
    chosen: bool,
}

impl Default for Form {
    fn default() -> Self {
        let puzzle = Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target: 19 });
        let family = FAMILIES[0];
        Self {
            family,
            prospect: family.reader.prospect(&puzzle),
            puzzle,
            models: [ModelName::Embedded; 2],
            options: PlayOptions {
                temperature: 1.0,
                budget: Some(200),
                keep_thinking: 0,
                seed: 0,
                pace: Some(40),
            },
            at: Field::Numbers,
            default_budget: 200,
            chosen: false,
        }
    }
}

impl Form {
    /// Adopts the sampling settings of a run.
    pub(crate) fn configure(&mut self, config: &Config) {
        self.options.temperature = config.sampling.temperature;
        self.options.budget = Some(config.sampling.max_new_tokens);
        self.default_budget = config.sampling.max_new_tokens;
        let family = config.puzzles.task;
        if family != self.family {
            self.family = family;
            self.ask(family.example());
        }
    }

    /// Takes in the available models. Until the user chooses, the models are the run's base and the newest.
    pub(crate) fn offer(&mut self, models: &Models) {
        let newest = models.names.last().copied().unwrap_or(ModelName::Embedded);
        for (side, first) in [(0, models.base), (1, newest)] {
            if !self.chosen || !models.names.contains(&self.models[side]) {
                self.models[side] = first;
            }
        }
    }

    /// The puzzle as numbers and a target.
    fn numbers(&self) -> NumberPuzzle {
        NumberPuzzle::of(&self.puzzle).unwrap_or_default()
    }

    /// Asks something else.
    pub fn ask(&mut self, puzzle: Puzzle) {
        self.prospect = self.family.reader.prospect(&puzzle);
        self.puzzle = puzzle;
    }

    /// The field this many places further, without wrapping around.
    pub fn step(&mut self, by: isize) {
        let at = Field::ALL.iter().position(|field| *field == self.at).unwrap_or(0);
        self.at = Field::ALL[at.saturating_add_signed(by).min(Field::ALL.len() - 1)];
    }

    /// A larger or smaller value, a newer or older model.
    pub fn change(&mut self, up: bool, models: Option<&Models>) {
        let by = if up { 1 } else { -1 };
        let options = &mut self.options;
        match self.at {
            Field::Numbers => {}
            Field::Target => {
                let target = Some(self.numbers().target.saturating_add(by));
                if let Ok(puzzle) = self.family.reader.assemble(self.numbers().numbers, target) {
                    self.ask(puzzle);
                }
            }
            Field::Model(side) => {
                let Some(models) = models else { return };
                let at = models.names.iter().position(|name| *name == self.models[side]).unwrap_or(0);
                let to = at.saturating_add_signed(by as isize).min(models.names.len().saturating_sub(1));
                self.models[side] = models.names.get(to).copied().unwrap_or(ModelName::Embedded);
                self.chosen = true;
            }
            Field::Temperature => {
                let tenths = (options.temperature * 10.0).round() + by as f64;
                options.temperature = (tenths / 10.0).clamp(0.0, HOTTEST);
            }
            Field::Budget => {
                options.budget = match (options.budget, up) {
                    (None, false) => Some(self.default_budget),
                    (None, true) => None,
                    (Some(budget), true) => Some((budget / 8 + 1) * 8).filter(|more| *more <= MOST_TOKENS),
                    (Some(budget), false) => Some(budget.div_ceil(8).saturating_sub(1) * 8),
                };
            }
            Field::KeepThinking => {
                options.keep_thinking =
                    options.keep_thinking.saturating_add_signed(by as isize).min(MOST_WAITS);
            }
            Field::Seed => options.seed = options.seed.saturating_add_signed(by),
            Field::Pace => {
                options.pace = match (options.pace, up) {
                    (None, false) => Some(FASTEST),
                    (None, true) => None,
                    (Some(pace), true) => Some(pace * 2).filter(|pace| *pace <= FASTEST),
                    (Some(pace), false) => Some((pace / 2).max(1)),
                };
            }
        }
    }

    /// Sets the field under the cursor to the typed text.
    ///
    /// # Errors
    /// A sentence that says what is expected; nothing changes then.
    pub fn enter(&mut self, text: &str, models: Option<&Models>) -> Result<(), String> {
        let entry = self.read(text, models)?;
        match entry {
            Entry::Puzzle(puzzle) => self.ask(puzzle),
            Entry::Model(side, name) => {
                self.models[side] = name;
                self.chosen = true;
            }
            Entry::Options(options) => self.options = options,
        }
        Ok(())
    }

    /// The form with this text in the field, to validate it while it is typed.
    pub fn read(&self, text: &str, models: Option<&Models>) -> Result<Entry, String> {
        let text = text.trim();
        let refused = || format!("'{text}' is not {}.", self.expected());
        let mut options = self.options;
        match self.at {
            Field::Numbers => {
                let (numbers, target) = match text.split_once(['=', '>', '→']) {
                    Some((numbers, target)) => {
                        (numbers, Some(target.trim().parse::<i64>().map_err(|_| refused())?))
                    }
                    None => (text, (!self.family.target_follows).then_some(self.numbers().target)),
                };
                let marks = if self.family.target_follows { ",;-*x×" } else { ",;-" };
                let parts = numbers.split(|c: char| c.is_whitespace() || marks.contains(c));
                let numbers: Result<Vec<i64>, _> =
                    parts.filter(|part| !part.is_empty()).map(str::parse::<i64>).collect();
                let numbers = numbers.map_err(|_| refused())?;
                return self.assembled(text, numbers, target);
            }
            Field::Target => {
                let target = text.parse::<i64>().map_err(|_| refused())?;
                return self.assembled(text, self.numbers().numbers, Some(target));
            }
            Field::Model(side) => {
                let name = match text {
                    "base" | "embedded" => ModelName::Embedded,
                    "now" => ModelName::Now,
                    step => ModelName::Checkpoint(step.parse().map_err(|_| refused())?),
                };
                if models.is_some_and(|models| !models.names.contains(&name)) {
                    return Err(format!("There is no {} here.", label(name, None)));
                }
                return Ok(Entry::Model(side, name));
            }
            Field::Temperature => {
                let value = text.parse::<f64>().map_err(|_| refused())?;
                options.temperature =
                    Some(value).filter(|t| (0.0..=HOTTEST).contains(t)).ok_or_else(refused)?;
            }
            Field::Budget => {
                options.budget = limited(text, 0, MOST_TOKENS).ok_or_else(refused)?;
            }
            Field::KeepThinking => {
                options.keep_thinking =
                    text.parse().ok().filter(|waits| *waits <= MOST_WAITS).ok_or_else(refused)?;
            }
            Field::Seed => options.seed = text.parse().map_err(|_| refused())?,
            Field::Pace => {
                let pace = limited(text, 1, FASTEST as usize).ok_or_else(refused)?;
                options.pace = pace.map(|pace| pace as u32);
            }
        }
        Ok(Entry::Options(options))
    }

    fn assembled(&self, text: &str, numbers: Vec<i64>, target: Option<i64>) -> Result<Entry, String> {
        let puzzle = self.family.reader.assemble(numbers, target);
        puzzle.map(Entry::Puzzle).map_err(|reason| format!("'{text}' is not a puzzle: {reason}."))
    }

    /// A field's value in words.
    pub fn value(&self, field: Field, models: Option<&Models>) -> String {
        let options = &self.options;
        match field {
            Field::Numbers => words(&self.numbers().numbers),
            Field::Target => self.numbers().target.to_string(),
            Field::Model(side) => label(self.models[side], models.and_then(|models| models.now)),
            Field::Temperature => format!("{}", options.temperature),
            Field::Budget => options.budget.map_or("off".into(), |budget| budget.to_string()),
            Field::KeepThinking => format!("{}x", options.keep_thinking),
            Field::Seed => options.seed.to_string(),
            Field::Pace => options.pace.map_or("off".into(), |pace| format!("{pace}/s")),
        }
    }

    /// The field's text when typing begins.
    pub(crate) fn draft(&self) -> String {
        match self.at {
            Field::Numbers => words(&self.numbers().numbers),
            _ => String::new(),
        }
    }

    /// What the field under the cursor expects.
    pub fn expected(&self) -> &'static str {
        match self.at {
            Field::Numbers if self.family.target_follows => self.family.puzzle_form,
            Field::Target if self.family.target_follows => "determined by the numbers; change them instead",
            other => other.expected(),
        }
    }
}

/// A field's new value.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What is asked.
    Puzzle(Puzzle),
    /// Who answers on this side.
    Model(usize, ModelName),
    /// How.
    Options(PlayOptions),
}

const HOTTEST: f64 = 5.0;
const MOST_TOKENS: usize = 4096;
const MOST_WAITS: usize = 20;
const FASTEST: u32 = 1000;

/// A number within limits, or `None` for `off`.
fn limited(text: &str, least: usize, most: usize) -> Option<Option<usize>> {
    if matches!(text, "off" | "none") {
        return Some(None);
    }
    text.parse().ok().filter(|value| (least..=most).contains(value)).map(Some)
}

fn words(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}
