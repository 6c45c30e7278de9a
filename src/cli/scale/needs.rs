//! What a project takes of memory and time, by formulas that its README states.

use super::plan::{PROMPT_TOKENS, Plan};

/// The share of a GPU's operations that training reaches.
pub(super) const UTILIZED: f64 = 0.35;
/// The share of a GPU's bandwidth that sampling reaches.
pub(super) const READ: f64 = 0.6;

/// An estimate. Memory in bytes of one GPU, times in seconds of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Needs {
    /// Weights, gradients and the optimizer's moments: this GPU's share of them.
    pub(super) state: f64,
    /// The frozen reference: this GPU's share.
    pub(super) reference: f64,
    /// Two blocks, gathered to be computed.
    pub(super) gathered: f64,
    pub(super) activations: f64,
    pub(super) logits: f64,
    /// What sampling reserves.
    pub(super) sampling: f64,
    /// The most at once.
    pub(super) peak: f64,
    pub(super) train_seconds: f64,
    pub(super) sample_seconds: f64,
    /// Of all steps on all GPUs.
    pub(super) gpu_hours: f64,
}

impl Needs {
    /// Of a plan whose completions are all as long as they may be.
    pub(super) fn of(plan: &Plan) -> Self {
        let (config, shape, gpu) = (&plan.config, plan.base.shape, plan.gpu);
        let world = plan.world() as f64;
        let p = shape.parameters;
        let length = config.sampling.max_new_tokens as f64;
        let rows = plan.micro as f64;
        let row = PROMPT_TOKENS as f64 + length;
        let adapted = config.lora.lora_rank > 0;
        let state = if adapted { 4.0 * p + 16.0 * adapter(plan) } else { 16.0 * p } / world;
        let has_reference = config.update.kl_coef > 0.0 && !adapted;
        let reference = if has_reference { 4.0 * p / world } else { 0.0 };
        let gathered = 4.0 * p / shape.layers;
        let activations = rows * row * shape.hidden * (2.0 * shape.layers + 34.0);
        let logits = 10.0 * rows * length * shape.vocabulary;
        let sampling = plan.utilization * gpu.memory;
        let update = gathered + activations + logits;

        let tokens = plan.completions() as f64 * row;
        let epochs = config.update.inner_epochs as f64;
        let forward_passes = 1.0 + f64::from(has_reference || adapted && config.update.kl_coef > 0.0);
        let train_seconds =
            p * tokens * (8.0 * epochs + 2.0 * forward_passes) / (world * gpu.flops * UTILIZED);
        // Every token of a completion reads the weights once, and the keys and values before it.
        let ways = plan.tensor_parallel as f64;
        let at_once = plan.completions() as f64 * ways / world;
        let kept = at_once * (PROMPT_TOKENS as f64 + length / 2.0) * 2.0 * shape.kept * shape.layers;
        let reading = length * (2.0 * p + kept) / (ways * gpu.bandwidth * READ);
        let computing = 2.0 * p * tokens / (world * gpu.flops * UTILIZED);
        let sample_seconds = reading.max(computing);
        let gpu_hours = plan.steps as f64 * (train_seconds + sample_seconds) * world / 3600.0;
        Self {
            state,
            reference,
            gathered,
            activations,
            logits,
            sampling,
            peak: state + reference + sampling.max(update),
            train_seconds,
            sample_seconds,
            gpu_hours,
        }
    }

    /// Why it would not fit, and what would help.
    pub(super) fn problem(&self, plan: &Plan) -> Option<String> {
        (self.peak > plan.gpu.memory).then(|| {
            format!(
                "Such a training takes about {:.0} GB of each GPU, and a {} has {:.0}. Take more GPUs, `--set \
                 lora_rank=32`, a smaller max_new_tokens, or a smaller base.",
                self.peak / 1e9,
                plan.gpu.name,
                plan.gpu.memory / 1e9
            )
        })
    }
}

/// Weights of an adapter, taking every matrix as square.
fn adapter(plan: &Plan) -> f64 {
    let shape = plan.base.shape;
    let matrices = plan.config.lora.lora_targets.chosen().count() as f64;
    2.0 * shape.hidden * plan.config.lora.lora_rank as f64 * matrices * shape.layers
}
