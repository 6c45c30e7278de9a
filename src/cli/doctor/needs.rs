//! What a run from a base would take of the machine's memory.

use std::path::Path;

use serde::Serialize;

use crate::{
    cli::Failure,
    config::Config,
    engine::footprint::{Footprint, advice, gibibytes},
    model::{
        adapter, companions,
        config::ModelConfig,
        host::{MAX_JSON, read_bounded},
    },
    system::{memory::Memory, workers::worker_count},
};

#[derive(Serialize)]
pub(super) struct Needs {
    /// Weights of the model.
    parameters: usize,
    /// Those of them that are trained, or the adapter's.
    trained: usize,
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
    /// Of a run from a folder with these settings. Only the shape is read, not the weights.
    pub(super) fn of(base: &Path, settings: &[String]) -> Result<Self, Failure> {
        let config = Config::default().with(settings)?;
        if adapter::is_adapter(base) {
            return Err(Failure(format!(
                "{} holds an adapter; name the folder of its base.",
                super::super::printable(&base.to_string_lossy())
            )));
        }
        let path = base.join(companions::CONFIG);
        let model = ModelConfig::parse(&read_bounded(&path, MAX_JSON)?)
            .map_err(|reason| Failure(format!("{}: {reason}", path.display())))?;
        let threads = worker_count(config.machine.threads);
        let footprint = Footprint::of(&config, &model, threads);
        let (memory, peak) = (Memory::of_this_machine(), footprint.peak());
        let fits = memory.map(|memory| peak <= memory.total_bytes as f64);
        let adapter = config.lora.parameters(&model);
        let parameters = model.parameters();
        Ok(Self {
            parameters,
            trained: if adapter > 0 { adapter } else { parameters },
            footprint,
            peak_bytes: peak,
            fits,
            advice: memory
                .filter(|_| fits == Some(false))
                .map(|memory| advice(&config, &model, threads, memory)),
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
                "about {:.1} GiB at its peak; trains {} of {} weights",
                gibibytes(self.peak_bytes),
                self.trained,
                self.parameters
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
