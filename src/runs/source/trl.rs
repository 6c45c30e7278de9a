//! What TRL itself leaves of a run of its `GRPOTrainer`: `completions/*.parquet` (with `log_completions`),
//! `trainer_state.json`, and TensorBoard's event files. docs/engines.md says what they hold and what they do not.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    Reading, RunFormat,
    folders::{StepFolder, names_in, number_in},
    logs::{EventFiles, TrainerState},
    parquet::{Column, Holds, Message, Table},
    watched::{self, Layout, Listing, Purpose, Read},
    weights::Weights,
    written::Written,
};
use crate::{metrics::registry, protocol::RunSource, record::Step, runs::RunError, system::files};

/// Columns that are the same whatever the reward functions are.
const STEP: &str = "step";
const PROMPT: &str = "prompt";
const COMPLETION: &str = "completion";
const ADVANTAGE: &str = "advantage";

/// See the module.
pub(super) struct Trl;

impl RunFormat for Trl {
    fn name(&self) -> &'static str {
        "an output folder of TRL (completions/*.parquet, trainer_state.json, or TensorBoard's events)"
    }

    fn recognises(&self, path: &Path) -> bool {
        let run = run_of(path);
        run.is_dir()
            && (has_completions(&run.join("completions"))
                || TrainerState::find(&run).is_some()
                || EventFiles::are_in(&run))
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        watched::open(path, "TRL", TrlFiles::of(&run_of(path)), reading)
    }
}

fn step_of(name: &str) -> Option<u64> {
    number_in(name, "completions_", ".parquet")
}

fn has_completions(folder: &Path) -> bool {
    names_in(folder).is_ok_and(|names| names.iter().any(|name| step_of(name).is_some()))
}

/// The run that a path is of: its `completions` may be named instead.
fn run_of(path: &Path) -> PathBuf {
    let is_inside = path.file_name().is_some_and(|name| name == "completions") && has_completions(path);
    match path.parent().filter(|_| is_inside) {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    }
}

struct TrlFiles {
    completions: StepFolder,
    state: TrainerState,
    events: EventFiles,
    weights: Weights,
}

impl TrlFiles {
    fn of(run: &Path) -> Self {
        Self {
            completions: StepFolder::new(run.join("completions"), step_of),
            state: TrainerState::new(run),
            events: EventFiles::new(run),
            weights: Weights::default(),
        }
    }

    /// The columns that reward functions filled: those whose means were logged or, where nothing was, the columns of
    /// fractions between the completion and the advantage.
    fn rewards(&self, columns: &[Column]) -> Vec<String> {
        let between: Vec<&Column> = between(columns).collect();
        let logged: Vec<String> = between
            .iter()
            .filter(|column| self.weights.has_logged(&column.name))
            .map(|column| column.name.clone())
            .collect();
        if !logged.is_empty() {
            return logged;
        }
        let reals = between.into_iter().filter(|column| column.holds == Holds::Reals);
        reals.map(|column| column.name.clone()).collect()
    }
}

/// The columns that another run may not have.
fn between(columns: &[Column]) -> impl Iterator<Item = &Column> {
    columns.iter().filter(|column| ![STEP, PROMPT, COMPLETION, ADVANTAGE].contains(&column.name.as_str()))
}

fn table(path: &Path) -> Result<Table, String> {
    let file = files::open_unlinked(path).map_err(|error| error.to_string())?;
    Table::read(&file)
}

impl Layout for TrlFiles {
    fn list(&mut self) -> Result<Listing, RunError> {
        let files = self.completions.look()?;
        Ok(files.map(|(step, file)| ((step, Purpose::Training), vec![file.clone()])).collect())
    }

    fn numbers(&self, step: u64, file: &Path) -> Option<(Step, usize)> {
        let table = table(file).ok()?;
        let columns = table.columns();
        let rewards = self.rewards(&columns);
        let mut sums = super::derived::Sums::of(step);
        let mut parts = Vec::new();
        for name in &rewards {
            let values = table.numbers(name).ok()?;
            values.iter().for_each(|part| sums.part(name, *part));
            parts.push(values);
        }
        for column in between(&columns).filter(|column| !rewards.contains(&column.name)) {
            if matches!(column.holds, Holds::Reals | Holds::Wholes) {
                table
                    .numbers(&column.name)
                    .ok()?
                    .into_iter()
                    .flatten()
                    .for_each(|n| sums.column(&column.name, n));
            }
        }
        let mut found = sums.step();
        let totals: Vec<f64> =
            (0..table.rows()).map_while(|row| self.weights.total(&rewards, |at| parts[at][row])).collect();
        if totals.len() == table.rows() && table.rows() > 0 {
            found.set(&registry::REWARD, totals.iter().sum::<f64>() / totals.len() as f64);
        }
        Some((found, table.rows()))
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        let table = table(file)?;
        let columns = table.columns();
        let names = self.rewards(&columns);
        let texts = |name: &str| match columns.iter().find(|column| column.name == name).map(|c| c.holds) {
            Some(Holds::Nested) => {
                Ok(table.messages(name)?.into_iter().map(|row| Some(as_text(row))).collect())
            }
            _ => table.texts(name),
        };
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        let (prompts, completions) = (texts(PROMPT)?, texts(COMPLETION)?);
        let advantages = if has(ADVANTAGE) { Some(table.numbers(ADVANTAGE)?) } else { None };
        let rewards = names.iter().map(|name| table.numbers(name)).collect::<Result<Vec<_>, _>>()?;
        let mut extras: Vec<(&str, Vec<Value>)> = Vec::new();
        for column in between(&columns).filter(|column| !names.contains(&column.name)) {
            let values = match column.holds {
                Holds::Reals | Holds::Wholes => {
                    table.numbers(&column.name)?.into_iter().map(|n| number(n, column.holds)).collect()
                }
                Holds::Texts => table.texts(&column.name)?.into_iter().map(Value::from).collect(),
                Holds::Nested => continue,
            };
            extras.push((column.name.as_str(), values));
        }
        let rows =
            prompts.into_iter().zip(completions).enumerate().map(|(row, (prompt, completion))| Written {
                step,
                prompt: prompt.unwrap_or_default(),
                completion: completion.unwrap_or_default(),
                reward: self.weights.total(&names, |at| rewards[at][row]),
                rewards: Some(names.iter().cloned().zip(rewards.iter().map(|values| values[row])).collect()),
                advantage: advantages.as_ref().and_then(|values| values[row]),
                fields: extras
                    .iter()
                    .map(|(name, values)| ((*name).to_owned(), values[row].clone()))
                    .collect::<Map<String, Value>>(),
                ..Written::default()
            });
        Ok(Read { completions: rows.collect(), ..Read::default() })
    }

    fn logged(&mut self) -> (Vec<Step>, Vec<String>) {
        let (steps, warnings) = self.state.poll();
        let (events, more_warnings) = self.events.poll();
        self.weights.learn(steps.iter().chain(&events));
        ([steps, events].concat(), [warnings, more_warnings].concat())
    }

    fn has_ended(&self) -> bool {
        self.state.has_ended()
    }
}

/// A conversation as a text: what one message says, or all of them with their speakers.
fn as_text(messages: Vec<Message>) -> String {
    match &messages[..] {
        [only] => only.content.clone(),
        several => {
            let each = several.iter().map(|Message { role, content }| format!("{role}\n{content}"));
            each.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Whole numbers stay whole.
fn number(number: Option<f64>, holds: Holds) -> Value {
    match number {
        Some(whole) if holds == Holds::Wholes => Value::from(whole as i64),
        Some(real) => Value::from(real),
        None => Value::Null,
    }
}
