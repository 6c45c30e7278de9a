//! How much memory a run will take, and whether this machine has it.
//!
//! The estimate is a sum of what is in memory at once, in bytes, with every completion at its longest. `P` are the model's
//! weights, `T` those that are trained (all, or the adapter's), `w` the worker threads, `d` the hidden size, `f` the
//! feed-forward's inner width, `V` the vocabulary:
//!
//! - weights `4 P`, adapter `4 T` where there is one, AdamW's moments `8 T`;
//! - completions: 48 for each token, 2048 for each;
//! - and the larger of the two phases:
//!   - sampling: the weights laid out once more, `4 P` (and `4 V d` for an output layer that is the embedding), and for each
//!     thread its slots' keys and values;
//!   - update: for each thread the sum of its gradients and those of one micro-batch, `8 T` (and `4 V d` for a trained
//!     embedding that is the output layer too), or if that is more, weights, moments and gradients of the step that is being
//!     made, `16 T`; and for each thread the weights that it has laid out, up to 64 MiB and one matrix, and each token's
//!     activations and logits.
//!
//! A token's activations are in each block `queries, keys and values + 2 d + 2 f + attention's result + heads + 2` numbers;
//! with `gradient_checkpointing` they are `d`, and those of one block. Its logits are `2 V` numbers, and 1024 where the
//! vocabulary is done in pieces. A block that no kernel makes as a whole (OLMo 2, Gemma 3) is taken to keep three times as
//! much, and has no checkpointing.

use crate::{
    config::Config,
    kernels::{attention::Heads, head, laid_out},
    model::{config::ModelConfig, decoding::kept_bytes},
    rollout::slots_of,
    system::memory::Memory,
};

/// Bytes of one completion token: its id, log-probability and entropy, and the same as text in the journal.
const TOKEN_BYTES: f64 = 48.0;
/// Further bytes of one completion: prompt, text, analysis.
const COMPLETION_BYTES: f64 = 2048.0;
/// Program, libraries and what the allocator holds back.
const PROGRAM_BYTES: f64 = 64e6;

/// The bytes that a run takes, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Footprint {
    /// The model.
    pub weights: f64,
    /// The adapter beside it.
    pub adapter: f64,
    /// AdamW's moments.
    pub optimizer: f64,
    /// What the journal and the loss need of the completions.
    pub completions: f64,
    /// Sampling: the weights laid out for it.
    pub laid_out: f64,
    /// Sampling: keys and values.
    pub kv_cache: f64,
    /// Update: gradients, or the weights and moments that it makes.
    pub gradients: f64,
    /// Update: activations, and weights laid out.
    pub activations: f64,
    /// Update: logits.
    pub logits: f64,
}

impl Footprint {
    /// What a run with this configuration takes of a model of this shape, whose prompts have this many tokens.
    pub fn of(config: &Config, model: &ModelConfig, threads: usize, prompt: usize) -> Self {
        let (w, p) = (threads as f64, model.parameters() as f64);
        let adapter = config.lora.parameters(model) as f64;
        let trained = if adapter > 0.0 { adapter } else { p };
        let completions = config.sampling.prompts_per_step as f64 * config.sampling.group_size as f64;
        let length = config.sampling.max_new_tokens as f64;
        let head = (model.vocab_size * model.hidden_size) as f64;
        let tied = if model.tie_word_embeddings { head } else { 0.0 };
        let tied_gradient = if adapter > 0.0 { 0.0 } else { tied };
        let capacity = prompt + config.sampling.max_new_tokens;
        let slots = slots_of(model, completions as usize, capacity, threads);
        let row = prompt as f64 + length;
        let tokens = (config.update.micro_tokens as f64).min(completions * row).max(row);
        let pieces = model.vocab_size > head::IN_PIECES_ABOVE;
        let gate_up = (2 * model.intermediate_size * model.hidden_size) as f64;
        // An output layer that is done in pieces is never laid out whole.
        let largest = if pieces { gate_up } else { head.max(gate_up) };
        let logits = if pieces { 1024.0 + model.hidden_size as f64 } else { 2.0 * model.vocab_size as f64 };
        Self {
            weights: 4.0 * p,
            adapter: 4.0 * adapter,
            optimizer: 8.0 * trained,
            completions: completions * (length * TOKEN_BYTES + COMPLETION_BYTES),
            laid_out: 4.0 * (p - head + if tied > 0.0 { head } else { 0.0 }),
            kv_cache: w * slots as f64 * kept_bytes(model, capacity) as f64,
            gradients: 4.0 * (4.0 * trained).max(w * (2.0 * trained + tied_gradient)),
            activations: 4.0
                * w
                * (tokens * activations(config, model) + largest + (2.0 * p).min(laid_out::MOST_KEPT as f64)),
            logits: 4.0 * w * tokens * logits,
        }
    }

    /// What sampling adds to what is always there.
    pub fn sampling(&self) -> f64 {
        self.laid_out + self.kv_cache
    }

    /// What an update adds to it.
    pub fn update(&self) -> f64 {
        self.gradients + self.activations + self.logits
    }

    /// The most bytes at once.
    pub fn peak(&self) -> f64 {
        let always = self.weights + self.adapter + self.optimizer + self.completions + PROGRAM_BYTES;
        always + self.sampling().max(self.update())
    }
}

/// Numbers that the backward pass finds of a token.
fn activations(config: &Config, model: &ModelConfig) -> f64 {
    let (d, f, layers) = (model.hidden_size, model.intermediate_size, model.num_hidden_layers);
    let heads @ Heads { queries, width, .. } = model.heads();
    let block = heads.row() + 2 * d + 2 * f + queries * width + queries + 2;
    let kept = match (model.arch().is_fused(), config.update.gradient_checkpointing) {
        (false, _) => 3 * layers * block,
        (true, true) => layers * d + block,
        (true, false) => layers * block,
    };
    kept as f64
}

/// Refuses what certainly does not fit, before allocating any of it: a system that runs out of memory kills
/// the process without a message.
///
/// # Errors
/// A sentence that says how much it would take, and what would fit.
pub(super) fn check(
    config: &Config,
    model: &ModelConfig,
    threads: usize,
    prompt: usize,
    memory: Option<Memory>,
) -> Result<(), String> {
    let Some(memory) = memory else { return Ok(()) };
    let needed = Footprint::of(config, model, threads, prompt).peak();
    if needed <= memory.total_bytes as f64 {
        return Ok(());
    }
    Err(format!(
        "A step of {} puzzles with {} completions of up to {} tokens may need {:.1} GiB, but this machine has {:.1}; {}",
        config.sampling.prompts_per_step,
        config.sampling.group_size,
        config.sampling.max_new_tokens,
        gibibytes(needed),
        gibibytes(memory.total_bytes as f64),
        advice(config, model, threads, prompt, memory)
    ))
}

/// The smallest change that makes a run fit, in words.
pub fn advice(config: &Config, model: &ModelConfig, threads: usize, prompt: usize, memory: Memory) -> String {
    let micro_tokens = (config.update.micro_tokens / 2).max(64);
    let checkpointing = "gradient_checkpointing=true";
    let mut ways = vec![
        vec![checkpointing.to_owned()],
        vec![format!("micro_tokens={micro_tokens}")],
        vec![format!("micro_tokens={micro_tokens}"), checkpointing.to_owned()],
    ];
    if config.sampling.prompts_per_step > 1 {
        ways.push(vec![format!("prompts_per_step={}", config.sampling.prompts_per_step / 2)]);
    }
    if config.lora.lora_rank == 0 {
        ways.push(vec!["lora_rank=16".to_owned()]);
        ways.push(vec!["lora_rank=16".to_owned(), checkpointing.to_owned()]);
    }
    if !model.arch().is_fused() {
        ways.retain(|way| !way.iter().any(|set| set == checkpointing));
    }
    let takes = |way: &Vec<String>| {
        let changed = config.clone().with(way).ok()?;
        Some(Footprint::of(&changed, model, threads, prompt).peak())
    };
    let fits = |way: &&Vec<String>| takes(way).is_some_and(|bytes| bytes <= memory.total_bytes as f64);
    match ways.iter().find(fits) {
        Some(way) => format!(
            "{} would take {:.1} GiB.",
            way.join(" and "),
            takes(way).map_or(f64::NAN, gibibytes)
        ),
        None => "lower prompts_per_step, group_size, max_new_tokens, micro_tokens or threads, or take a smaller model."
            .into(),
    }
}

/// In GiB.
pub fn gibibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 30)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn smollm2() -> ModelConfig {
        ModelConfig {
            hidden_size: 576,
            intermediate_size: 1536,
            num_hidden_layers: 30,
            num_attention_heads: 9,
            num_key_value_heads: 3,
            ..ModelConfig::small(49_152)
        }
    }

    #[test]
    fn the_defaults_fit_a_small_machine_and_absurd_sizes_fit_none() {
        let model = ModelConfig::small(172);
        let small = Some(Memory { total_bytes: 1 << 30, available_bytes: 0 });
        assert_eq!(check(&Config::default(), &model, 4, 64, small), Ok(()));
        let absurd = [
            Config::default().with(["prompts_per_step=65536", "group_size=4096"]).unwrap(),
            Config::default().with(["max_new_tokens=65536", "group_size=4096"]).unwrap(),
            Config::default()
                .with(["micro_tokens=16777216", "max_new_tokens=8192", "group_size=128"])
                .unwrap(),
        ];
        for config in absurd {
            let said = check(&config, &model, 2, 64, small).err().unwrap_or_default();
            assert!(said.contains("GiB, but this machine has 1.0;"), "{said}");
            assert_eq!(check(&config, &model, 2, 64, None), Ok(()), "it is not known everywhere");
        }
    }

    /// `bench` at this shape had a peak of 1556 MiB on two threads.
    #[test]
    fn the_estimate_for_an_adapter_is_near_what_was_measured() {
        let settings = ["prompts_per_step=1", "group_size=8", "max_new_tokens=100", "lora_rank=16"];
        let config = Config::default().with(settings).unwrap();
        let ratio = Footprint::of(&config, &smollm2(), 2, 64).peak() / f64::from(1556 << 20);
        assert!((0.8..=1.25).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_longer_prompt_takes_more() {
        // One row a micro-batch: more rows would fill it whatever their length.
        let config = Config::default().with(["micro_tokens=64"]).unwrap();
        let of = |prompt: usize| Footprint::of(&config, &smollm2(), 2, prompt);
        let (short, long) = (of(64), of(512));
        assert!(long.kv_cache > 1.5 * short.kv_cache, "{short:?} {long:?}");
        assert!(long.activations > short.activations && long.peak() > short.peak(), "{short:?} {long:?}");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let machine = |gibibytes: u64| Some(Memory { total_bytes: gibibytes << 30, available_bytes: 0 });
        let config = Config::default();
        assert_eq!(check(&config, &smollm2(), 2, 64, machine(8)), Ok(()));
        let said = check(&config, &smollm2(), 2, 64, machine(3)).err().unwrap();
        assert!(said.contains("lora_rank=16 would take"), "{said}");
        let adapted = config.with(["lora_rank=16"]).unwrap();
        assert_eq!(check(&adapted, &smollm2(), 2, 64, machine(3)), Ok(()));
        let none = check(&adapted, &smollm2(), 2, 64, machine(1)).err().unwrap();
        assert!(none.contains("or take a smaller model"), "{none}");
    }
}
