//! The metadata of a GGUF file: values by key, each of a type.

use std::collections::BTreeMap;

use crate::system::quoting::shortened;

/// A value; the widths of numbers are forgotten.
pub(super) enum Value {
    Whole(i128),
    Real(f64),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<i64>),
}

/// Values by key.
pub(super) struct Metadata(BTreeMap<String, Value>);

impl Metadata {
    pub(super) fn new(values: BTreeMap<String, Value>) -> Self {
        Self(values)
    }

    /// The keys that begin with this.
    pub(super) fn keys<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().filter_map(move |key| key.strip_prefix(prefix))
    }

    /// The value of a key as something; `None` if it is missing.
    fn value<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        let read = read(value);
        read.map(Some).ok_or_else(|| format!("The metadata key `{}` is not {wanted}.", shortened(key)))
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, String> {
        self.value(key, "one whole number", |value| match value {
            Value::Whole(number) => u64::try_from(*number).ok(),
            _ => None,
        })
    }

    /// A finite number.
    pub(super) fn real(&self, key: &str) -> Result<Option<f64>, String> {
        self.value(key, "one finite number", |value| match value {
            Value::Real(number) => Some(*number).filter(|number| number.is_finite()),
            Value::Whole(number) => Some(*number as f64),
            _ => None,
        })
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        self.value(key, "true or false", |value| match value {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, String> {
        self.value(key, "a text", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<&[String]>, String> {
        self.value(key, "a list of texts", |value| match value {
            Value::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    pub(super) fn numbers(&self, key: &str) -> Result<Option<&[i64]>, String> {
        self.value(key, "a list of whole numbers", |value| match value {
            Value::Numbers(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }
}

/// The value of a key that must be there.
pub(super) fn needed<T>(found: Option<T>, key: &str) -> Result<T, String> {
    found.ok_or_else(|| {
        format!("The metadata key `{key}` is missing; this is no whole model. Fetch it again.")
    })
}
