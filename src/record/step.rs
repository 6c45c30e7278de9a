//! The lines of `metrics.jsonl`.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;

/// One line of `metrics.jsonl`: what one step measured, by name, in the order of the line. Which names there are and
/// [`crate::metrics::registry`] explains them; an unknown name is kept as well.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// 1 for the first step; its completions were sampled from the base model.
    pub step: u64,
    /// Shared by the steps of a run, see [`Step::share_names`].
    names: Arc<Vec<String>>,
    /// Beside `names`.
    values: Vec<Measured>,
}

/// What a name stands for in one step.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Not measured.
    Nothing,
    /// A count.
    Whole(u64),
    /// A measurement. One that is not finite is written as `null`: JSON has no other word for it.
    Real(f64),
    /// What another engine wrote.
    Other(Box<Value>),
}

impl Measured {
    /// As a number; NaN where it is none.
    pub fn number(&self) -> f64 {
        match self {
            Self::Nothing => f64::NAN,
            Self::Whole(count) => *count as f64,
            Self::Real(value) => *value,
            Self::Other(value) => value.as_f64().unwrap_or(f64::NAN),
        }
    }

    /// As text: what is text already as it is, all else as JSON writes it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Whole(count) => count.to_string(),
            Self::Real(value) => value.to_string(),
            Self::Other(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        }
    }
}

impl From<f64> for Measured {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<u64> for Measured {
    fn from(count: u64) -> Self {
        Self::Whole(count)
    }
}

impl<T: Into<Measured>> From<Option<T>> for Measured {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl From<Value> for Measured {
    fn from(value: Value) -> Self {
        match &value {
            Value::Null => Self::Nothing,
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(count), ..) => Self::Whole(count),
                (None, None, Some(real)) => Self::Real(real),
                _ => Self::Other(Box::new(value)),
            },
            _ => Self::Other(Box::new(value)),
        }
    }
}

impl Step {
    /// A step that has measured nothing yet.
    pub fn new(step: u64) -> Self {
        Self { step, ..Self::default() }
    }

    /// What was measured under a name; `None` if the line does not have it.
    pub fn named(&self, name: &str) -> Option<&Measured> {
        self.values.get(self.place(name)?)
    }

    /// All names and what was measured under them, in the order of the line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Measured)> {
        self.names.iter().map(String::as_str).zip(&self.values)
    }

    /// Puts a measurement in; a new name stands before the first one for which `follows` is true.
    pub fn put(&mut self, name: &str, value: Measured, follows: impl Fn(&str) -> bool) {
        match self.place(name) {
            Some(at) => self.values[at] = value,
            None => {
                let at = self.names.iter().position(|other| follows(other)).unwrap_or(self.names.len());
                Arc::make_mut(&mut self.names).insert(at, name.to_owned());
                self.values.insert(at, value);
            }
        }
    }

    /// Takes over what another line says; what only this one has stays.
    pub fn amend(&mut self, more: &Step) {
        more.iter().for_each(|(name, value)| self.put(name, value.clone(), |_| false));
    }

    /// Takes a measurement out.
    pub fn remove(&mut self, name: &str) {
        if let Some(at) = self.place(name) {
            Arc::make_mut(&mut self.names).remove(at);
            self.values.remove(at);
        }
    }

    /// Keeps the names once where another step has the same: those of a run mostly do.
    pub(crate) fn share_names(&mut self, other: &Step) {
        if self.names == other.names {
            self.names = Arc::clone(&other.names);
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(Some(1 + self.values.len()))?;
        line.serialize_entry("step", &self.step)?;
        for (name, value) in self.iter() {
            match value {
                Measured::Nothing => line.serialize_entry(name, &())?,
                Measured::Whole(count) => line.serialize_entry(name, count)?,
                Measured::Real(value) => line.serialize_entry(name, value)?,
                Measured::Other(value) => line.serialize_entry(name, value)?,
            }
        }
        line.end()
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Line;
        impl<'de> Visitor<'de> for Line {
            type Value = Step;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the metrics of a step")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut line: A) -> Result<Step, A::Error> {
                let mut step = Step::default();
                let (mut names, mut values) = (Vec::<String>::new(), Vec::new());
                while let Some(name) = line.next_key::<String>()? {
                    if name == "step" {
                        step.step = line.next_value()?;
                    } else if !names.contains(&name) {
                        names.push(name);
                        values.push(line.next_value::<Value>()?.into());
                    } else {
                        return Err(serde::de::Error::custom(format!("it has `{name}` twice")));
                    }
                }
                Ok(Step { names: Arc::new(names), values, ..step })
            }
        }
        deserializer.deserialize_map(Line)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_any_engine_comes_back_as_it_was() {
        let line = r#"{"step":3,"reward":0.5,"kl":null,"num_tokens":9007199254740993,"rewards/f/mean":-2,"note":"warm","loss":0.0,"x":[1]}"#;
        let read: Step = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
        let number = |name| read.named(name).map(Measured::number);
        assert_eq!(
            (number("reward"), number("rewards/f/mean"), number("absent")),
            (Some(0.5), Some(-2.0), None)
        );
        assert!(number("kl").unwrap().is_nan() && number("note").unwrap().is_nan());
        for bad in ["[]", r#"{"step":-1}"#, r#"{"a":1,"a":2}"#, r#"{"step":null}"#] {
            assert!(serde_json::from_str::<Step>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_finite_is_written_as_null() {
        let mut step = Step::new(1);
        step.put("b", f64::NAN.into(), |_| false);
        step.put("c", f64::INFINITY.into(), |_| false);
        step.put("a", None::<f64>.into(), |_| true);
        step.put("b", f64::NEG_INFINITY.into(), |_| true);
        assert_eq!(serde_json::to_string(&step).unwrap(), r#"{"step":1,"a":null,"b":null,"c":null}"#);
        step.remove("b");
        assert_eq!(step.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "c"]);
    }
}
