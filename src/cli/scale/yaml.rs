//! Settings as YAML, each with why it is what it is.

use std::fmt::{self, Write};

/// A value that YAML 1.1 and 1.2 read alike.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    Texts(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A string of JSON is one of YAML.
        let text = |text: &String| serde_json::Value::from(text.as_str()).to_string();
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Whole(number) => write!(f, "{number}"),
            // `1e-6` is a text to YAML 1.1; Display never writes an exponent, and Debug always a point.
            Self::Number(number) if number.fract() == 0.0 => write!(f, "{number:.1}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(given) => f.write_str(&text(given)),
            Self::Texts(given) => write!(f, "[{}]", given.iter().map(text).collect::<Vec<_>>().join(", ")),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

/// One setting. Dots in its name lead into tables.
pub(super) struct Setting {
    name: &'static str,
    value: Value,
    why: &'static str,
}

/// Settings in the order of a file.
#[derive(Default)]
pub(super) struct Settings(Vec<Setting>);

impl Settings {
    /// Adds one.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.say(name, value, "")
    }

    /// Adds one, with a comment.
    pub(super) fn say(
        &mut self,
        name: &'static str,
        value: impl Into<Value>,
        why: &'static str,
    ) -> &mut Self {
        self.0.push(Setting { name, value: value.into(), why });
        self
    }

    /// All of them. Those of one table must follow each other.
    pub(super) fn yaml(&self) -> String {
        let mut text = String::new();
        let mut open: Vec<&str> = Vec::new();
        for Setting { name, value, why } in &self.0 {
            let mut tables: Vec<&str> = name.split('.').collect();
            let last = tables.pop().unwrap_or_default();
            let same = open.iter().zip(&tables).take_while(|(a, b)| a == b).count();
            for (depth, table) in tables.iter().enumerate().skip(same) {
                let _ = writeln!(text, "{}{table}:", "  ".repeat(depth));
            }
            let margin = "  ".repeat(tables.len());
            if !why.is_empty() {
                let _ = writeln!(text, "{margin}# {why}");
            }
            let _ = writeln!(text, "{margin}{last}: {value}");
            open = tables;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_open_once_and_numbers_stay_numbers() {
        let mut settings = Settings::default();
        settings.set("a.b.c", 1e-6).set("a.b.d", 2.0).say("a.e", "x: \"y\"\n# z", "Why.").set("f", true);
        settings.set("g.h", vec!["q".to_owned(), "k".to_owned()]);
        assert_eq!(
            settings.yaml(),
            "a:\n  b:\n    c: 0.000001\n    d: 2.0\n  # Why.\n  e: \"x: \\\"y\\\"\\n# z\"\nf: true\ng:\n  h: [\"q\", \"k\"]\n"
        );
    }
}
