//! Which fields of a stranger's lines mean what.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::{Map, Value};

use crate::system::quoting::quoted;

/// What a field can mean.
const MEANINGS: [&str; 10] =
    ["step", "prompt", "completion", "reward", "advantage", "group", "index", "task", "correct", "truncated"];
/// The step of completions that do not say theirs.
const ONLY_STEP: u64 = 1;

/// Meanings and the fields that have them, written `completion=response,reward=score`. What is not named has its own
/// name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<&'static str, String>);

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = BTreeMap::new();
        for pair in text.split(',') {
            let (meaning, field) = pair
                .split_once('=')
                .filter(|(_, field)| !field.is_empty())
                .ok_or_else(|| format!("Write each column as MEANING=FIELD: {} is none.", quoted(pair)))?;
            let known = MEANINGS.iter().find(|known| **known == meaning.trim()).ok_or_else(|| {
                format!("{} is no meaning of a column: {}.", quoted(meaning), MEANINGS.join(", "))
            })?;
            if columns.insert(*known, field.trim().to_owned()).is_some() {
                return Err(format!("Two fields cannot both be the {known}."));
            }
        }
        Ok(Self(columns))
    }
}

impl Columns {
    /// A line with these fields under our names. A field that has such a name by chance keeps its value under
    /// `NAME (theirs)`.
    ///
    /// # Errors
    /// Which field is not there.
    pub(super) fn in_our_words(&self, mut line: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut found = Vec::new();
        for (meaning, field) in &self.0 {
            let value = line.get(field).cloned();
            found.push((*meaning, value.ok_or_else(|| format!("it has no field {}", quoted(field)))?));
        }
        for field in self.0.values() {
            line.remove(field);
        }
        for (meaning, value) in found {
            if let Some(theirs) = line.insert(meaning.to_owned(), value) {
                line.insert(format!("{meaning} (theirs)"), theirs);
            }
        }
        line.entry("step").or_insert(Value::from(ONLY_STEP));
        line.entry("reward").or_insert(Value::Null);
        line.entry("prompt").or_insert(Value::from(""));
        Ok(line)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_read_under_the_names_that_they_are_given() {
        let columns: Columns = "completion=response, reward=score,step=iteration".parse().unwrap();
        let line = json!({"response": "r", "score": 1, "iteration": 7, "step": "warm", "prompt": "p"});
        let Value::Object(line) = line else { unreachable!() };
        let ours = columns.in_our_words(line.clone()).unwrap();
        let expected =
            json!({"completion": "r", "reward": 1, "step": 7, "step (theirs)": "warm", "prompt": "p"});
        assert_eq!(Value::Object(ours), expected);
        let swapped: Columns = "prompt=step,step=iteration,completion=response".parse().unwrap();
        let ours = swapped.in_our_words(line).unwrap();
        assert_eq!((&ours["prompt"], &ours["step"]), (&json!("warm"), &json!(7)));
        let missing = columns.in_our_words(Map::new()).unwrap_err();
        assert!(missing.contains("response"), "{missing}");
    }

    #[test]
    fn what_is_no_mapping_is_said() {
        for (text, named) in
            [("", "MEANING"), ("reward", "reward"), ("a=b", "`a`"), ("step=a,step=b", "step")]
        {
            let error = text.parse::<Columns>().unwrap_err();
            assert!(error.contains(named) && error.ends_with('.'), "{error}");
        }
    }
}
