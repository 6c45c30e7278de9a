//! `aha-lab bench`: how fast this machine samples and trains, with the code that training runs.

mod steps;
mod task;

use std::{
    hint::black_box,
    io::{self, Write},
    sync::Arc,
    time::Instant,
};

use burn::tensor::{Device, Distribution, Tensor};
use clap::Args;
use serde_json::{Value, json};

use self::{
    steps::Timed,
    task::{AnyTokens, words},
};
use super::Failure;
use crate::{
    config::Config,
    device::{self, Choice},
    engine::footprint::Footprint,
    grpo::{
        settings::Optimizer,
        step::{Grpo, step},
    },
    kernels::{
        product::{Into, Matrix, product},
        unit::VectorUnit,
    },
    model::{config::ModelConfig, trainer::Trainer, transformer::Transformer},
    system::workers::{Workers, worker_count},
};

/// Measure the sampling and training speed of a random model of any shape
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
One step samples prompts x group rows of exactly --max-new tokens, takes group advantages of random rewards, and makes
one clipped update over all rows. The first step does not count.

Examples:
  aha-lab bench
  aha-lab bench --d-model 256 --layers 6 --heads 8 --kv-heads 4 --ffn 768 --threads 1 --json")]
pub struct BenchArgs {
    /// Width of the residual stream
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub d_model: usize,
    /// Blocks
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub layers: usize,
    /// Query heads
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub heads: usize,
    /// Key and value heads
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub kv_heads: usize,
    /// Inner width of the feed-forward
    #[arg(long, value_name = "N", default_value_t = 384)]
    pub ffn: usize,
    /// Tokens of the vocabulary
    #[arg(long, value_name = "N", default_value_t = 172)]
    pub vocab: usize,
    /// Prompts per step
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub prompts: usize,
    /// Completions per prompt
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub group: usize,
    /// Tokens of a prompt
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub prompt_len: usize,
    /// Tokens of a completion; none ends early
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub max_new: usize,
    /// Worker threads; 0 uses the physical cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Tokens in one forward and backward pass
    #[arg(long, value_name = "N", default_value_t = Config::default().update.micro_tokens)]
    pub micro_tokens: usize,
    /// Rank of a LoRA adapter for all matrices of the blocks; 0 trains all weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub lora_rank: usize,
    /// Compute each block again in the backward pass instead of keeping its activations
    #[arg(long)]
    pub gradient_checkpointing: bool,
    /// Steps that count
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub steps: usize,
    /// `auto`, `wgpu` or `cpu`
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub backend: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl BenchArgs {
    /// The lab's, for these shapes.
    fn config(&self) -> Config {
        let mut settings = Config::default();
        settings.sampling.prompts_per_step = self.prompts;
        settings.sampling.group_size = self.group;
        settings.sampling.max_new_tokens = self.max_new;
        settings.update.micro_tokens = self.micro_tokens;
        settings.update.gradient_checkpointing = self.gradient_checkpointing;
        settings.lora.lora_rank = self.lora_rank;
        settings.optimizer = Optimizer { learning_rate: 3e-4, warmup_steps: 0, ..Optimizer::default() };
        settings
    }
}

/// Side of the square matrices whose product gives the machine's peak.
const GEMM_SIDE: usize = 1024;

/// Measures and returns the exit code.
///
/// # Errors
/// A sentence about an impossible shape or backend.
pub fn run(args: &BenchArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let config = ModelConfig {
        hidden_size: args.d_model,
        intermediate_size: args.ffn,
        num_hidden_layers: args.layers,
        num_attention_heads: args.heads,
        num_key_value_heads: args.kv_heads,
        max_position_embeddings: args.prompt_len + args.max_new,
        ..ModelConfig::small(args.vocab)
    };
    config.validate().map_err(Failure)?;
    if [args.prompts, args.group, args.prompt_len, args.max_new, args.steps, args.micro_tokens].contains(&0) {
        return Err(Failure(
            "--prompts, --group, --prompt-len, --max-new, --steps and --micro-tokens must be at least 1."
                .into(),
        ));
    }
    let choice = device::choose(args.backend.parse()?)?;
    let threads = if choice.is_gpu { 1 } else { worker_count(args.threads) };
    let workers = Arc::new(Workers::new(threads)?);
    let unit = (!choice.is_gpu).then(VectorUnit::in_use);
    let gemm = gemm_gflops(&workers, &choice);
    choice.device.seed(0);
    let wanted = args.config();
    let mut model = Transformer::random(&config, &choice.device);
    model.recompute = args.gradient_checkpointing;
    if args.lora_rank > 0 {
        model = model.with_new_adapter(&wanted.lora, 0);
    }
    let trainer = Trainer::new(model, 0.0, workers);
    let task = Box::new(AnyTokens { vocabulary: args.vocab, length: args.prompt_len });
    let mut grpo = Grpo { task, tokenizer: words(args.vocab)?, trainer, reference: None };
    let settings = wanted.grpo();
    let estimate = Footprint::of(&wanted, &config, threads, args.prompt_len);
    let mut times: Vec<(f64, f64)> = Vec::new();
    for number in 1..=args.steps as u64 + 1 {
        let mut timed = Timed::new(&mut grpo);
        step(&mut timed, &settings, number)?;
        // The first step warms up caches, the allocator and, on a GPU, the kernels.
        if number > 1 {
            times.push((timed.rollout, timed.update));
        }
    }
    let rows = args.prompts * args.group;
    let rollout = median(times.iter().map(|t| t.0));
    let update = median(times.iter().map(|t| t.1));
    let step = median(times.iter().map(|t| t.0 + t.1));
    let fastest = times.iter().map(|t| t.0 + t.1).fold(f64::INFINITY, f64::min);
    let trained = (rows * (args.prompt_len + args.max_new)) as f64;
    // A backward pass costs twice its forward pass, and where the weights are frozen once; the mean position sees half of
    // the row.
    let passes = if args.lora_rank > 0 { 2.0 } else { 3.0 };
    let flops = passes * config.forward_flops((args.prompt_len + args.max_new) as f64 / 2.0) * trained;
    let share = flops / update / 1e9 / gemm;
    let whole = json!({
        "rollout_tok_s": (rows * args.max_new) as f64 / rollout,
        "train_tok_s": trained / update,
        "step_s": step,
        "step_s_min": fastest,
        "rollout_share": rollout / step,
        "train_share": update / step,
        "max_rss_mib": peak_memory_mib(),
        "estimated_mib": estimate.peak() / f64::from(1 << 20),
        "threads": threads,
        "backend": choice.name,
        "vector_unit": unit,
        "params": config.parameters(),
        "gemm_gflops": gemm,
        "train_gemm_share": share,
    });
    if args.json {
        writeln!(stdout, "{whole}")?;
        return Ok(0);
    }
    tell(args, &whole, unit, stdout)?;
    Ok(0)
}

/// The measurements for people.
fn tell(args: &BenchArgs, whole: &Value, unit: Option<VectorUnit>, mut stdout: impl Write) -> io::Result<()> {
    let number = |key: &str| whole[key].as_f64().unwrap_or(f64::NAN);
    writeln!(
        stdout,
        "{} parameters, {} rows of {} + {} tokens, {} x{}{}",
        number("params"),
        args.prompts * args.group,
        args.prompt_len,
        args.max_new,
        whole["backend"].as_str().unwrap_or_default(),
        whole["threads"],
        unit.map(|unit| format!(", vector unit {unit}")).unwrap_or_default()
    )?;
    if let Some(warning) = unit.and_then(VectorUnit::warning) {
        writeln!(stdout, "{warning}")?;
    }
    writeln!(
        stdout,
        "rollout     {:>9.0} tokens/s   {:>4.0} % of a step",
        number("rollout_tok_s"),
        100.0 * number("rollout_share")
    )?;
    writeln!(
        stdout,
        "training    {:>9.0} tokens/s   {:>4.0} % of a step",
        number("train_tok_s"),
        100.0 * number("train_share")
    )?;
    writeln!(
        stdout,
        "a step      {:>9.2} s          fastest {:.2} s",
        number("step_s"),
        number("step_s_min")
    )?;
    writeln!(
        stdout,
        "GEMM peak   {:>9.0} GFLOP/s    training reaches {:.0} % of it",
        number("gemm_gflops"),
        100.0 * number("train_gemm_share")
    )?;
    if let Some(memory) = whole["max_rss_mib"].as_f64() {
        writeln!(
            stdout,
            "peak memory {memory:>9.0} MiB          estimated {:.0} MiB",
            number("estimated_mib")
        )?;
    }
    Ok(())
}

/// The machine's peak: square products, one per worker at a time, the best of a few rounds.
fn gemm_gflops(workers: &Workers, choice: &Choice) -> f64 {
    let flops = 2.0 * (GEMM_SIDE as f64).powi(3);
    let device = &choice.device;
    // On the CPU the faster of ours and Burn's, which takes all that the machine has, also where it is not to.
    let whole = VectorUnit::in_use() == VectorUnit::of_this_machine();
    let timed = || {
        let ours = if choice.is_gpu { f64::INFINITY } else { product_of_kernels() };
        if choice.is_gpu || whole { product_of_burn(device).min(ours) } else { ours }
    };
    let round = || {
        let jobs: Vec<_> = (0..workers.count()).map(|_| timed).collect();
        let slowest = workers.run(jobs).into_iter().fold(0.0, f64::max);
        flops * workers.count() as f64 / slowest / 1e9
    };
    (0..5).map(|_| round()).fold(0.0, f64::max)
}

/// Seconds of one square product in the kernels that the model uses on the CPU, with their vector unit.
fn product_of_kernels() -> f64 {
    let side = GEMM_SIDE;
    let matrix = |seed: usize| -> Vec<f32> {
        (0..side * side).map(|i| ((i * 31 + seed) % 257) as f32 / 257.0).collect()
    };
    let (a, b, mut out) = (matrix(1), matrix(2), vec![0.0; side * side]);
    let mut clock = Instant::now();
    // The first round warms the caches.
    for _ in 0..2 {
        clock = Instant::now();
        product(&mut out, Into::Fresh, Matrix::new(&a, side, side), Matrix::new(&b, side, side));
    }
    black_box(out);
    clock.elapsed().as_secs_f64()
}

/// Seconds of one square product in Burn.
fn product_of_burn(device: &Device) -> f64 {
    let random = || Tensor::<2>::random([GEMM_SIDE, GEMM_SIDE], Distribution::Default, device);
    let (a, b) = (random(), random());
    let mut clock = Instant::now();
    for _ in 0..2 {
        clock = Instant::now();
        black_box(a.clone().matmul(b.clone()).sum().into_scalar::<f32>());
    }
    clock.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Peak resident memory of this process, if the system reports it.
fn peak_memory_mib() -> Option<f64> {
    let status = crate::system::files::text("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
