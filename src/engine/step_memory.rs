//! Whether a step fits the memory of this machine.

use crate::{config::Config, model::config::ModelConfig, system::memory::Memory};

/// Bytes of one completion token: its id, log-probability and entropy, and the same as text in the journal.
const TOKEN_BYTES: f64 = 48.0;
/// Further bytes of one completion: prompt, text, analysis.
const COMPLETION_BYTES: f64 = 2048.0;

/// Estimated peak memory of a step, bytes, with every completion at its longest.
pub(super) fn needed(config: &Config, model: &ModelConfig, threads: usize) -> f64 {
    let (threads, tokens) = (threads as f64, config.sampling.max_new_tokens as f64);
    let completions = config.sampling.prompts_per_step as f64 * config.sampling.group_size as f64;
    let kept = completions * (tokens * TOKEN_BYTES + COMPLETION_BYTES);
    // The weights, two moments, a copy for rollback, and each thread's gradients.
    let weights = 4.0 * model.parameters() as f64 * (4.0 + 2.0 * threads);
    // Activations that the backward pass keeps per token of a micro-batch.
    let width = 12.0 * model.hidden_size as f64 + 3.0 * model.intermediate_size as f64;
    let activations = model.num_hidden_layers as f64 * width + 2.0 * model.vocab_size as f64;
    let batch = (config.update.micro_tokens as f64).min(completions * tokens) + tokens;
    kept + weights + 4.0 * threads * batch * activations
}

/// Refuses what certainly does not fit, before allocating any of it: a system that runs out of memory kills
/// the process without a message.
///
/// # Errors
/// A sentence that says how much it would take and what to lower.
pub(super) fn check(
    config: &Config,
    model: &ModelConfig,
    threads: usize,
    memory: Option<Memory>,
) -> Result<(), String> {
    let Some(memory) = memory else { return Ok(()) };
    let needed = needed(config, model, threads);
    if needed <= memory.total_bytes as f64 {
        return Ok(());
    }
    let gibibytes = |bytes: f64| bytes / f64::from(1 << 30);
    Err(format!(
        "A step of {} puzzles with {} completions of up to {} tokens may need {:.1} GiB, but this machine has {:.1}; \
         lower prompts_per_step, group_size, max_new_tokens, micro_tokens or threads.",
        config.sampling.prompts_per_step,
        config.sampling.group_size,
        config.sampling.max_new_tokens,
        gibibytes(needed),
        gibibytes(memory.total_bytes as f64)
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_a_small_machine_and_absurd_sizes_fit_none() {
        let model = ModelConfig::small(172);
        let small = Some(Memory { total_bytes: 1 << 30, available_bytes: 0 });
        assert_eq!(check(&Config::default(), &model, 4, small), Ok(()));
        let absurd = [
            Config::default().with(["prompts_per_step=65536", "group_size=4096"]).unwrap(),
            Config::default().with(["max_new_tokens=65536", "group_size=4096"]).unwrap(),
            Config::default()
                .with(["micro_tokens=16777216", "max_new_tokens=8192", "group_size=128"])
                .unwrap(),
        ];
        for config in absurd {
            let said = check(&config, &model, 2, small).err().unwrap_or_default();
            assert!(said.contains("GiB, but this machine has 1.0;"), "{said}");
            assert_eq!(check(&config, &model, 2, None), Ok(()), "it is not known everywhere");
        }
    }
}
