//! How much memory there is, and whether a configuration can possibly do with it.

use serde::Serialize;

use crate::{config::Config, model::config::ModelConfig, system::files};

/// What a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// In all.
    pub total_bytes: u64,
    /// Of that, what could be taken now.
    pub available_bytes: u64,
}

impl Memory {
    /// From `/proc/meminfo`, held down to the limit of the control group where there is one; `None` where neither is
    /// known.
    pub fn of_this_machine() -> Option<Self> {
        of_this_machine()
    }
}

fn of_this_machine() -> Option<Memory> {
    let mut memory = parse_meminfo(&files::text("/proc/meminfo")?)?;
    let read = |file: &str| files::text(&format!("/sys/fs/cgroup/{file}"))?.trim().parse::<u64>().ok();
    if let Some(limit) = read("memory.max").filter(|limit| *limit < memory.total_bytes) {
        memory.total_bytes = limit;
        let free = limit.saturating_sub(read("memory.current").unwrap_or(0));
        memory.available_bytes = memory.available_bytes.min(free);
    }
    Some(memory)
}

fn parse_meminfo(text: &str) -> Option<Memory> {
    let kibibytes = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some(Memory {
        total_bytes: kibibytes("MemTotal")? * 1024,
        available_bytes: kibibytes("MemAvailable")? * 1024,
    })
}

/// Of one token of a completion: its number, log-probability and entropy, and the same as text in the journal.
const TOKEN_BYTES: f64 = 48.0;
/// Of one completion besides: prompt, text, analysis.
const COMPLETION_BYTES: f64 = 2048.0;

/// About how much a step takes at the most, bytes: every completion as long as it may be.
pub fn needed(config: &Config, model: &ModelConfig, threads: usize) -> f64 {
    let (threads, tokens) = (threads as f64, config.max_new_tokens as f64);
    let completions = config.prompts_per_step as f64 * config.group_size as f64;
    let kept = completions * (tokens * TOKEN_BYTES + COMPLETION_BYTES);
    // The weights, two moments, a copy to go back to, and each thread's gradients.
    let weights = 4.0 * model.parameters() as f64 * (4.0 + 2.0 * threads);
    // What the backward pass needs of each token of a micro-batch.
    let width = 12.0 * model.hidden_size as f64 + 3.0 * model.intermediate_size as f64;
    let activations = model.num_hidden_layers as f64 * width + 2.0 * model.vocab_size as f64;
    let batch = (config.micro_tokens as f64).min(completions * tokens) + tokens;
    kept + weights + 4.0 * threads * batch * activations
}

/// Refuses what is sure not to fit, before anything of it is taken: a system that has no more memory ends a process
/// without a word.
///
/// # Errors
/// A sentence that says how much it would be and what to set lower.
pub fn check(
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
        "A step of {} puzzles with {} completions of up to {} tokens may take {:.1} GiB, and this machine has {:.1}; \
         set prompts_per_step, group_size, max_new_tokens, micro_tokens or threads lower.",
        config.prompts_per_step,
        config.group_size,
        config.max_new_tokens,
        gibibytes(needed),
        gibibytes(memory.total_bytes as f64)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes_and_a_file_without_it_gives_nothing() {
        let text = "MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   22000000 kB\n";
        let expected = Memory { total_bytes: 24_000_000 * 1024, available_bytes: 22_000_000 * 1024 };
        assert_eq!(parse_meminfo(text), Some(expected));
        assert_eq!(parse_meminfo("MemTotal: lots"), None);
    }

    #[test]
    fn the_defaults_fit_a_small_machine_and_absurd_sizes_fit_none() {
        let model = ModelConfig::small(172);
        let small = Some(Memory { total_bytes: 1 << 30, available_bytes: 0 });
        assert_eq!(check(&Config::default(), &model, 4, small), Ok(()));
        let absurd = [
            Config { prompts_per_step: 65_536, group_size: 4_096, ..Config::default() },
            Config { max_new_tokens: 65_536, group_size: 4_096, ..Config::default() },
            Config { micro_tokens: 16_777_216, max_new_tokens: 8_192, group_size: 128, ..Config::default() },
        ];
        for config in absurd {
            let said = check(&config, &model, 2, small).err().unwrap_or_default();
            assert!(said.contains("GiB, and this machine has 1.0;"), "{said}");
            assert_eq!(check(&config, &model, 2, None), Ok(()), "it is not known everywhere");
        }
    }
}
