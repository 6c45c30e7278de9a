//! The small files beside a model's weights: the tokenizer's class, the end tokens, the chat template. A run
//! keeps them, so that its checkpoints and exports have them too.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::{Map, Value};

use super::host::{ModelError, broken, read_bounded};
use crate::system::quoting::quoting;

/// Names of the files to keep.
const KEPT: [&str; 11] = [
    CONFIG,
    GENERATION_CONFIG,
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
];
/// The shape.
pub const CONFIG: &str = "config.json";
/// How completions are sampled, and where they end.
pub const GENERATION_CONFIG: &str = "generation_config.json";
/// The tokenizer's class and its special tokens.
pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// Size limit of each.
const MOST_BYTES: u64 = 32 << 20;

/// The small files beside a model's weights, by name. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Companions(Arc<BTreeMap<&'static str, Vec<u8>>>);

/// The end tokens that the files name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// Their ids, from the file that transformers uses.
    pub ids: Vec<u32>,
    /// The text of the tokenizer's own end token.
    pub named: Option<String>,
}

impl Companions {
    /// The small files of a folder.
    ///
    /// # Errors
    /// Names the file that cannot be read or is not JSON.
    pub fn of_folder(folder: &Path) -> Result<Self, ModelError> {
        let mut kept = BTreeMap::new();
        for name in KEPT {
            let path = folder.join(name);
            if std::fs::symlink_metadata(&path).is_err() {
                continue;
            }
            let bytes = read_bounded(&path, MOST_BYTES)?;
            if name.ends_with(".json") {
                let parsed = serde_json::from_slice::<Value>(&bytes);
                parsed.map_err(|e| broken(&path, format!("This is no JSON: {}.", quoting(&e))))?;
            }
            kept.insert(name, bytes);
        }
        Ok(Self(Arc::new(kept)))
    }

    /// Only a `config.json`.
    pub fn of_config(config: &[u8]) -> Self {
        Self(Arc::new(BTreeMap::from([(CONFIG, config.to_vec())])))
    }

    /// These.
    pub(super) fn of_files(files: BTreeMap<&'static str, Vec<u8>>) -> Self {
        Self(Arc::new(files))
    }

    /// All of them.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The fields of a JSON file; none if it is missing.
    pub fn fields(&self, name: &str) -> Map<String, Value> {
        self.0.get(name).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    }

    /// The end tokens. `generation_config.json` comes first, as in transformers.
    pub fn ends(&self) -> Ends {
        let ids = [GENERATION_CONFIG, CONFIG]
            .into_iter()
            .map(|file| numbers(self.fields(file).get("eos_token_id")))
            .find(|ids| !ids.is_empty());
        let named = match self.fields(TOKENIZER_CONFIG).get("eos_token") {
            Some(Value::String(token)) => Some(token.clone()),
            Some(Value::Object(token)) => token.get("content").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        Ends { ids: ids.unwrap_or_default(), named }
    }
}

/// One number or a list of them.
fn numbers(value: Option<&Value>) -> Vec<u32> {
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Some(Value::Array(all)) => all.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ends_of(files: &[(&str, &str)]) -> Ends {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Companions::of_folder(folder.path()).unwrap().ends()
    }

    #[test]
    fn end_tokens_are_those_that_transformers_heeds() {
        let config = (CONFIG, r#"{"eos_token_id": 2}"#);
        assert_eq!(ends_of(&[config]).ids, [2]);
        assert_eq!(ends_of(&[config, (GENERATION_CONFIG, r#"{"eos_token_id": [5, 7]}"#)]).ids, [5, 7]);
        assert_eq!(ends_of(&[config, (GENERATION_CONFIG, r#"{"eos_token_id": null}"#)]).ids, [2]);
        assert_eq!(ends_of(&[(CONFIG, r#"{"eos_token_id": [-1, "x", 3]}"#)]).ids, [3]);
        for (token, text) in [(r#""<a>""#, "<a>"), (r#"{"content": "<b>"}"#, "<b>")] {
            let said = ends_of(&[(TOKENIZER_CONFIG, &format!(r#"{{"eos_token": {token}}}"#))]);
            assert_eq!(said, Ends { ids: Vec::new(), named: Some(text.into()) });
        }
    }
}
