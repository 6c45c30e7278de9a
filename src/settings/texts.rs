//! Settings that are a few short texts.

use super::{Allowed, Field, Unbounded, Value};

/// Most texts of one key.
pub(super) const MOST: usize = 8;
/// Most bytes of one text.
pub(super) const LONGEST: usize = 64;

/// A few short texts, such as those that end a completion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(pub Vec<String>);

impl Field for Texts {
    fn value(&self) -> Value {
        Value::Texts(self.0.clone())
    }

    fn store(&mut self, value: Value) {
        if let Value::Texts(all) = value {
            self.0 = all;
        }
    }
}

impl Unbounded for Texts {
    fn allowed() -> Allowed {
        Allowed::Texts
    }
}

pub(super) fn are_allowed(all: &[String]) -> bool {
    all.len() <= MOST && all.iter().all(|text| (1..=LONGEST).contains(&text.len()))
}

/// A TOML array of texts; anything else that does not begin like one is a single text.
pub(super) fn read(text: &str) -> Option<Vec<String>> {
    match text.starts_with('[') {
        true => match format!("x = {text}").parse::<toml::Table>().ok()?.remove("x")? {
            toml::Value::Array(all) => of_array(&all),
            _ => None,
        },
        false => Some(vec![text.to_owned()]),
    }
}

pub(super) fn of_array(all: &[toml::Value]) -> Option<Vec<String>> {
    all.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// As [`read`] takes it back.
pub(super) fn written(all: &[String]) -> String {
    toml::Value::from(all.to_vec()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for all in [vec![], vec!["</answer>"], vec!["\n\n", "\"a\"", "[", "\u{1b}"]] {
            let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
            assert_eq!(read(&written(&all)), Some(all));
        }
        assert_eq!(read("</answer>"), Some(vec!["</answer>".to_owned()]));
        for wrong in ["[1]", "[\"a\"", "[\"a\"]\ny = 1\n["] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
