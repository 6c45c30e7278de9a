//! The small files beside a model's weights: the tokenizer's class, the end tokens, the chat template. A run
//! keeps them, so that its checkpoints and exports have them too.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::{Map, Value};

use super::host::{ModelError, broken, read_bounded};
use crate::system::quoting::quoting;

/// Names of the files to keep.
pub(crate) const KEPT: [&str; 12] = [
    CONFIG,
    GENERATION_CONFIG,
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    CHAT_TEMPLATE,
    CHAT_TEMPLATE_OLD,
    PROMPT,
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
];
/// The shape.
pub(crate) const CONFIG: &str = "config.json";
/// How completions are sampled, and where they end.
pub(crate) const GENERATION_CONFIG: &str = "generation_config.json";
/// The tokenizer's class and its special tokens.
pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// How a conversation is laid out for the model.
const CHAT_TEMPLATE: &str = "chat_template.jinja";
/// The same, as older processors keep it.
const CHAT_TEMPLATE_OLD: &str = "chat_template.json";
/// The file of a run's own prompt: the run keeps it, so that it goes on without it.
pub const PROMPT: &str = "prompt.jinja";
/// The special tokens that a chat template may name, as the tokenizer's files call them.
const SPECIAL_TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
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
                parsed.map_err(|e| broken(&path, format!("This is not JSON: {}.", quoting(&e))))?;
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

    /// The same files, and a run's own prompt.
    #[must_use]
    pub fn with_prompt(&self, text: &str) -> Self {
        let mut files = (*self.0).clone();
        files.insert(PROMPT, text.into());
        Self(Arc::new(files))
    }

    /// The run's own prompt.
    pub fn prompt(&self) -> Option<String> {
        Some(String::from_utf8_lossy(self.0.get(PROMPT)?).into_owned())
    }

    /// The file of the run's own prompt, with its name.
    pub(crate) fn own_prompt(&self) -> Option<(&'static str, &[u8])> {
        Some((PROMPT, self.0.get(PROMPT)?.as_slice()))
    }

    /// The model's chat template. A file of its own comes first, as in transformers; of a list of templates, the
    /// one named `default`.
    pub fn chat_template(&self) -> Option<String> {
        if let Some(bytes) = self.0.get(CHAT_TEMPLATE) {
            return Some(String::from_utf8_lossy(bytes).into_owned());
        }
        let found = |file: &str| match self.fields(file).get("chat_template")? {
            Value::String(template) => Some(template.clone()),
            Value::Array(named) => {
                let default = named.iter().find(|one| one["name"] == "default")?;
                default["template"].as_str().map(str::to_owned)
            }
            Value::Object(named) => named.get("default")?.as_str().map(str::to_owned),
            _ => None,
        };
        [CHAT_TEMPLATE_OLD, TOKENIZER_CONFIG].into_iter().find_map(found)
    }

    /// The special tokens by their names in `tokenizer_config.json`, such as `bos_token`.
    pub fn special_tokens(&self) -> Vec<(&'static str, String)> {
        let fields = self.fields(TOKENIZER_CONFIG);
        let token = |name: &'static str| Some((name, text_of(fields.get(name)?)?));
        SPECIAL_TOKENS.into_iter().filter_map(token).collect()
    }

    /// The end tokens. `generation_config.json` comes first, as in transformers.
    pub fn ends(&self) -> Ends {
        let ids = [GENERATION_CONFIG, CONFIG]
            .into_iter()
            .map(|file| numbers(self.fields(file).get("eos_token_id")))
            .find(|ids| !ids.is_empty());
        let named = self.fields(TOKENIZER_CONFIG).get("eos_token").and_then(text_of);
        Ends { ids: ids.unwrap_or_default(), named }
    }
}

/// The text of a token, which is written by itself or with how it is split off.
fn text_of(token: &Value) -> Option<String> {
    token.as_str().or(token["content"].as_str()).map(str::to_owned)
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
    fn a_chat_template_is_found_wherever_it_is_kept() {
        let of = |files: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            Companions::of_folder(folder.path()).unwrap()
        };
        let string = (
            TOKENIZER_CONFIG,
            r#"{"chat_template": "a", "bos_token": {"content": "<s>"}, "pad_token": null}"#,
        );
        let list = r#"{"chat_template": [{"name": "tools", "template": "t"}, {"name": "default", "template": "b"}]}"#;
        assert_eq!(of(&[string]).chat_template().as_deref(), Some("a"));
        assert_eq!(of(&[string]).special_tokens(), [("bos_token", "<s>".to_owned())]);
        assert_eq!(of(&[(TOKENIZER_CONFIG, list)]).chat_template().as_deref(), Some("b"));
        assert_eq!(of(&[string, (CHAT_TEMPLATE, "c")]).chat_template().as_deref(), Some("c"));
        assert_eq!(
            of(&[string, (CHAT_TEMPLATE_OLD, r#"{"chat_template": "d"}"#)]).chat_template().as_deref(),
            Some("d")
        );
        for none in
            ["{}", r#"{"chat_template": 3}"#, r#"{"chat_template": [{"name": "tools", "template": "t"}]}"#]
        {
            assert_eq!(of(&[(TOKENIZER_CONFIG, none)]).chat_template(), None, "{none}");
        }
        assert_eq!(of(&[string]).with_prompt("p").prompt().as_deref(), Some("p"));
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
