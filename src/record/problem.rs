//! What is asked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What one puzzle of a task consists of, in the task's own fields: `numbers` and `target` in Countdown and
/// multiplication, whatever it needs in another. In run files they stand beside the fields of the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Puzzle(pub Map<String, Value>);

/// Fields and their values in plain text, for a puzzle that nobody here can word.
impl fmt::Display for Puzzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn plain(value: &Value) -> String {
            match value {
                Value::String(text) => text.clone(),
                Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
                other => other.to_string(),
            }
        }
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {}", plain(value))?;
        }
        Ok(())
    }
}

/// A puzzle of numbers to use and a value to reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NumberPuzzle {
    /// The given numbers, in the order in which the prompt shows them.
    pub numbers: Vec<i64>,
    /// The value to reach. Whether the prompt shows it is the task's affair.
    pub target: i64,
}

impl NumberPuzzle {
    /// A puzzle read as numbers and a target; `None` if it has no such fields.
    pub fn of(puzzle: &Puzzle) -> Option<Self> {
        let numbers =
            puzzle.0.get("numbers")?.as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?;
        Some(Self { numbers, target: puzzle.0.get("target")?.as_i64()? })
    }
}

impl From<NumberPuzzle> for Puzzle {
    fn from(NumberPuzzle { numbers, target }: NumberPuzzle) -> Self {
        Self(Map::from_iter([("numbers".to_owned(), json!(numbers)), ("target".to_owned(), json!(target))]))
    }
}

/// A puzzle as a run put it to its model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The task's name.
    pub task: String,
    /// The puzzle. Fields of a record that no part of this program knows are kept here.
    #[serde(flatten)]
    pub puzzle: Puzzle,
    /// The text the model continued.
    pub prompt: String,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_a_target_are_written_as_they_always_were() {
        let numbers = NumberPuzzle { numbers: vec![4, -1, 16], target: 19 };
        let puzzle = Puzzle::from(numbers.clone());
        assert_eq!(serde_json::to_string(&puzzle).unwrap(), r#"{"numbers":[4,-1,16],"target":19}"#);
        assert_eq!(NumberPuzzle::of(&puzzle), Some(numbers));
        assert_eq!(puzzle.to_string(), "numbers 4 -1 16, target 19");
    }

    #[test]
    fn a_puzzle_without_numbers_keeps_its_fields() {
        for (line, shown) in [
            (r#"{"letters":["a","t","c"],"task":"words"}"#, "letters a t c"),
            (r#"{"numbers":[1,"b"],"target":3}"#, "numbers 1 b, target 3"),
            (r#"{"numbers":[1],"target":"three"}"#, "numbers 1, target three"),
            (r#"{"target":1.5}"#, "target 1.5"),
            ("{}", ""),
        ] {
            let mut fields: Map<String, Value> = serde_json::from_str(line).unwrap();
            fields.remove("task");
            let puzzle = Puzzle(fields);
            assert_eq!((NumberPuzzle::of(&puzzle), puzzle.to_string().as_str()), (None, shown));
        }
    }
}
