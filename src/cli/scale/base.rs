//! What is known of a base whose weights need not be here: its name for the engine, its size, and how it is asked.

use std::path::Path;

use super::super::{Failure, base::place_of, printable};
use crate::{
    engine::origin,
    hub::{Name, Want},
    model::{
        adapter, companions,
        companions::Companions,
        config::ModelConfig,
        gguf,
        host::{MAX_JSON, read_bounded},
        tokenizer::Tokenizer,
    },
    prompt::PromptStyle,
};

/// A base.
#[derive(Debug, Clone)]
pub(super) struct Base {
    /// As the engine loads it: an absolute path, or a name on the hub.
    pub(super) name: String,
    /// A branch, a tag or a commit of the hub.
    pub(super) revision: Option<String>,
    pub(super) shape: Shape,
    /// How it is asked; never `auto`.
    pub(super) prompt: PromptStyle,
    /// What could only be guessed.
    pub(super) notes: Vec<String>,
}

/// The sizes that memory and time depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) parameters: f64,
    pub(super) hidden: f64,
    pub(super) layers: f64,
    pub(super) vocabulary: f64,
    /// Numbers that attention keeps of each token in each layer.
    pub(super) kept: f64,
}

impl Shape {
    fn of(model: &ModelConfig) -> Self {
        Self {
            parameters: model.parameters() as f64,
            hidden: model.hidden_size as f64,
            layers: model.num_hidden_layers as f64,
            vocabulary: model.vocab_size as f64,
            kept: (2 * model.num_key_value_heads * model.head_dim()) as f64,
        }
    }

    /// The usual shape of a model of so many weights: `12 d^2` in each block, and one block for each 128 of `d`.
    fn usual(parameters: f64) -> Self {
        let hidden = (parameters * 128.0 / 12.0).cbrt();
        Self {
            parameters,
            hidden,
            layers: (hidden / 128.0).max(1.0),
            vocabulary: 151_936.0,
            kept: hidden / 2.0,
        }
    }
}

impl Base {
    /// Of a folder, or of a name on the hub: of that, only the small files are fetched. Where they cannot be had, the size
    /// is the one that was given, or that the name says.
    pub(super) fn of(text: &str, parameters: Option<f64>, prompt: &PromptStyle) -> Result<Self, Failure> {
        let given = parameters.map(checked_parameters).transpose()?.map(Shape::usual);
        let path = Path::new(text);
        if path.exists() {
            return Self::of_folder(path, given, prompt);
        }
        let Some(name) = Name::parse(text).filter(|name| name.file.is_none()) else {
            return Err(Failure(format!(
                "{} is neither a folder here nor a model's name on the hub, such as Qwen/Qwen2.5-3B.",
                printable(text)
            )));
        };
        let (shape, found, notes) = match place_of(text, Want::Shape).and_then(|place| Files::of(&place)) {
            Ok(files) => (files.shape(given)?, files.prompt(prompt, Path::new("")), Vec::new()),
            Err(Failure(reason)) => {
                let Some(shape) = given.or_else(|| size_in(&name.repository).map(Shape::usual)) else {
                    return Err(Failure(format!(
                        "How large {name} is cannot be told: {reason} Say --parameters, such as 7.6e9."
                    )));
                };
                let note = format!("The size of {name} is taken from its name or --parameters: {reason}");
                (shape, guessed(prompt, &name.repository), vec![note])
            }
        };
        Ok(Self { name: name.repository, revision: name.revision, shape, prompt: found, notes })
    }

    fn of_folder(path: &Path, given: Option<Shape>, prompt: &PromptStyle) -> Result<Self, Failure> {
        if adapter::is_adapter(path) {
            return Err(Failure(format!(
                "{} holds an adapter; `aha-lab export` merges it into a folder that engines load.",
                printable(&path.to_string_lossy())
            )));
        }
        if gguf::is_meant(path) {
            return Err(Failure("Engines train folders; `aha-lab export` makes one of a GGUF file.".into()));
        }
        let files = Files::of(path)?;
        let absolute = std::fs::canonicalize(path)?;
        let Some(name) = absolute.to_str() else {
            return Err(Failure(format!("{} is no UTF-8 text.", absolute.display())));
        };
        Ok(Self {
            name: name.to_owned(),
            revision: None,
            shape: files.shape(given)?,
            prompt: files.prompt(prompt, path),
            notes: Vec::new(),
        })
    }
}

/// The small files of a model.
struct Files {
    config: Result<ModelConfig, String>,
    companions: Companions,
    /// Its `tokenizer.json`, if this program reads it.
    tokenizer: Option<(Vec<u8>, Tokenizer)>,
}

impl Files {
    fn of(folder: &Path) -> Result<Self, Failure> {
        let config = ModelConfig::parse(&read_bounded(&folder.join(companions::CONFIG), MAX_JSON)?);
        let companions = Companions::of_folder(folder)?;
        let path = folder.join("tokenizer.json");
        let tokenizer = read_bounded(&path, MAX_JSON).ok().and_then(|bytes| {
            let tokenizer = Tokenizer::with_ends(&bytes, &path, &companions.ends()).ok()?;
            Some((bytes, tokenizer))
        });
        Ok(Self { config, companions, tokenizer })
    }

    /// A model of a family that the lab does not know can be trained elsewhere, if its size is said.
    fn shape(&self, given: Option<Shape>) -> Result<Shape, Failure> {
        match (given, &self.config) {
            (Some(shape), Err(_)) => Ok(shape),
            (_, Ok(config)) => Ok(Shape::of(config)),
            (None, Err(reason)) => Err(Failure(format!("{reason} Say --parameters, such as 7.6e9."))),
        }
    }

    fn prompt(&self, prompt: &PromptStyle, folder: &Path) -> PromptStyle {
        match &self.tokenizer {
            Some((bytes, tokenizer)) => origin::prompt_of(prompt, folder, &self.companions, bytes, tokenizer),
            None if *prompt == PromptStyle::Auto && self.companions.chat_template().is_some() => {
                PromptStyle::Chat
            }
            None => guessed(prompt, ""),
        }
    }
}

/// `auto` for a model of which only the name is known.
fn guessed(prompt: &PromptStyle, name: &str) -> PromptStyle {
    let name = name.to_ascii_lowercase();
    let parts = || name.split(['-', '_', '.', '/']);
    match prompt {
        PromptStyle::Auto if parts().any(|part| ["instruct", "chat", "it"].contains(&part)) => {
            PromptStyle::Chat
        }
        PromptStyle::Auto => PromptStyle::TinyzeroBase,
        chosen => chosen.clone(),
    }
}

fn checked_parameters(count: f64) -> Result<f64, Failure> {
    match (1e3..=1e13).contains(&count) {
        true => Ok(count),
        false => Err(Failure("--parameters must be between 1000 and 1e13, such as 7.6e9.".into())),
    }
}

/// `3B` in `Qwen2.5-3B`, `360M` in `SmolLM2-360M-Instruct`.
fn size_in(name: &str) -> Option<f64> {
    let sizes = name.split(['-', '_', '/']).filter_map(|part| {
        let (digits, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
        let unit = match unit {
            "B" | "b" => 1e9,
            "M" | "m" => 1e6,
            _ => return None,
        };
        let count: f64 = digits.parse().ok()?;
        (digits.starts_with(|c: char| c.is_ascii_digit()) && count > 0.0).then_some(count * unit)
    });
    sizes.last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        for (name, size) in [
            ("Qwen/Qwen2.5-3B", Some(3e9)),
            ("Qwen/Qwen2.5-0.5B-Instruct", Some(0.5e9)),
            ("HuggingFaceTB/SmolLM2-360M", Some(360e6)),
            ("meta-llama/Llama-3.1-8B", Some(8e9)),
            ("a/b", None),
            ("a/-B", None),
            ("a/nanB", None),
        ] {
            assert_eq!(size_in(name), size, "{name}");
        }
    }

    #[test]
    fn a_guessed_prompt_follows_the_name() {
        let auto = |name: &str| guessed(&PromptStyle::Auto, name);
        assert_eq!(auto("google/gemma-3-1b-it"), PromptStyle::Chat);
        assert_eq!(auto("Qwen/Qwen2.5-3B-Instruct"), PromptStyle::Chat);
        assert_eq!(auto("Qwen/Qwen2.5-3B"), PromptStyle::TinyzeroBase);
        assert_eq!(guessed(&PromptStyle::Ours, "a/b-it"), PromptStyle::Ours);
    }

    #[test]
    fn the_usual_shape_has_the_weights_that_it_is_of() {
        let shape = Shape::usual(7e9);
        let blocks = 12.0 * shape.hidden * shape.hidden * shape.layers;
        assert!((blocks / 7e9 - 1.0).abs() < 0.01, "{shape:?}");
        assert!((25.0..45.0).contains(&shape.layers), "{shape:?}");
    }
}
