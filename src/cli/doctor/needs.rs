//! What a run from a base would take of the machine's memory.

use std::path::Path;

use serde::Serialize;

use crate::{
    cli::Failure,
    config::Config,
    engine::{
        footprint::{Footprint, advice, gibibytes},
        origin,
        setup::{prompt_tokens, task_of},
    },
    model::{
        adapter,
        companions::{self, Companions},
        config::ModelConfig,
        finding, gguf,
        host::{MAX_JSON, read_bounded},
        tokenizer::Tokenizer,
    },
    prompt,
    system::{memory::Memory, workers::worker_count},
};

#[derive(Serialize)]
pub(super) struct Needs {
    /// Weights of the model.
    parameters: usize,
    /// Those of them that are trained, or the adapter's.
    trained: usize,
    /// Tokens of the longest of a few prompts.
    prompt_tokens: usize,
    /// Bytes, by what they are for.
    footprint: Footprint,
    /// The most bytes at once.
    peak_bytes: f64,
    /// Whether this machine has them; unknown where its memory is.
    fits: Option<bool>,
    /// What would fit, if this does not.
    advice: Option<String>,
}

impl Needs {
    /// Of a run from a folder or a GGUF file with these settings. Its weights are not read.
    pub(super) fn of(base: &Path, settings: &[String]) -> Result<Self, Failure> {
        let config = Config::default().with(settings)?;
        if adapter::is_adapter(base) {
            return Err(Failure(format!(
                "{} holds an adapter; name the folder of its base.",
                super::super::printable(&base.to_string_lossy())
            )));
        }
        let shape = Shape::read(base)?;
        let prompt_tokens = shape.prompt_tokens(&config, base)?;
        let model = shape.config;
        let threads = worker_count(config.machine.threads);
        let footprint = Footprint::of(&config, &model, threads, prompt_tokens);
        let (memory, peak) = (Memory::of_this_machine(), footprint.peak());
        let fits = memory.map(|memory| peak <= memory.total_bytes as f64);
        let adapter = config.lora.parameters(&model);
        let parameters = model.parameters();
        Ok(Self {
            parameters,
            trained: if adapter > 0 { adapter } else { parameters },
            prompt_tokens,
            footprint,
            peak_bytes: peak,
            fits,
            advice: memory
                .filter(|_| fits == Some(false))
                .map(|memory| advice(&config, &model, threads, prompt_tokens, memory)),
        })
    }

    /// For a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let f = &self.footprint;
        let part = |name: &str, bytes: f64| format!("{name} {:.2}", gibibytes(bytes));
        let parts = |parts: &[(&str, f64)]| -> String {
            let told: Vec<String> = parts
                .iter()
                .filter(|(_, bytes)| *bytes > 0.0)
                .map(|(name, bytes)| part(name, *bytes))
                .collect();
            told.join(", ")
        };
        vec![
            format!(
                "about {:.1} GiB at its peak; trains {} of {} weights; prompts of {} tokens",
                gibibytes(self.peak_bytes),
                self.trained,
                self.parameters,
                self.prompt_tokens
            ),
            parts(&[
                ("always: weights", f.weights),
                ("adapter", f.adapter),
                ("optimizer", f.optimizer),
                ("completions", f.completions),
            ]),
            parts(&[("sampling: weights laid out", f.laid_out), ("keys and values", f.kv_cache)]),
            parts(&[
                ("update: gradients", f.gradients),
                ("activations", f.activations),
                ("logits", f.logits),
            ]),
        ]
    }

    /// Why it would not run here.
    pub(super) fn problem(&self) -> Option<String> {
        let advice = self.advice.as_ref()?;
        Some(format!(
            "Such a run may take {:.1} GiB, more than this machine has; {advice}",
            gibibytes(self.peak_bytes)
        ))
    }
}

/// What is known of a model without its weights.
struct Shape {
    config: ModelConfig,
    /// The bytes of a `tokenizer.json`.
    tokenizer: Vec<u8>,
    companions: Companions,
}

impl Shape {
    fn read(base: &Path) -> Result<Self, Failure> {
        if gguf::is_meant(base) {
            finding::check_exists(base)?;
            let gguf::Gguf { config, tokenizer, companions, .. } = gguf::open(base)?;
            return Ok(Self { config, tokenizer, companions });
        }
        let path = base.join(companions::CONFIG);
        let config = ModelConfig::parse(&read_bounded(&path, MAX_JSON)?)
            .map_err(|reason| Failure(format!("{}: {reason}", path.display())))?;
        let tokenizer = read_bounded(&base.join("tokenizer.json"), MAX_JSON)?;
        Ok(Self { config, tokenizer, companions: Companions::of_folder(base)? })
    }

    /// Tokens of a prompt of a run from it, which is asked as such a run would ask it.
    fn prompt_tokens(&self, config: &Config, base: &Path) -> Result<usize, Failure> {
        let Self { tokenizer: file, companions, .. } = self;
        let tokenizer = Tokenizer::with_ends(file, &base.join("tokenizer.json"), &companions.ends())?;
        let mut config = config.clone();
        let given = config.asking.prompt.clone();
        config.asking.prompt = origin::prompt_of(&given, base, companions, file, &tokenizer);
        let companions = match origin::prompt_text(&config.asking.prompt, &given, companions)? {
            Some(text) => companions.with_prompt(&text),
            None => companions.clone(),
        };
        let task = prompt::asking(task_of(&config)?, &config.asking.prompt, &companions, &tokenizer)
            .map_err(Failure)?;
        Ok(prompt_tokens(task.as_ref(), &tokenizer)?)
    }
}
