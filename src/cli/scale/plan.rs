//! What is to be trained, on what, and in which portions.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{ScaleArgs, base::Base, dataset::Row, engine::Engine, machine::Gpu};
use crate::{
    cli::{Failure, printable},
    config::Config,
    prompt,
    record::NumberPuzzle,
    task::Split,
};

/// Tokens that one GPU trains on at once; their logits are the largest thing in its memory beside the model.
const MICRO_TOKENS: usize = 16_384;
/// Puzzles at most: as many as TinyZero's data set has. A longer run goes through them again.
const MOST_PUZZLES: u64 = 327_680;
/// Tokens that a prompt may have: TinyZero's have about 150.
pub(super) const PROMPT_TOKENS: usize = 512;
/// What sampling has for keys and values, at the least, in bytes.
const KEPT: f64 = 6e9;

/// Keys whose defaults differ for models of this size.
const DEFAULTS: [&str; 8] = [
    "max_new_tokens=1024",
    "prompts_per_step=128",
    "group_size=8",
    "learning_rate=0.000001",
    "warmup_steps=10",
    "checkpoint_every=50",
    "evaluate_every=20",
    "evaluate_puzzles=512",
];

/// A project, before it is written for an engine.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) config: Config,
    pub(super) algorithm: String,
    pub(super) base: Base,
    pub(super) gpu: Gpu,
    pub(super) gpus: usize,
    pub(super) nodes: usize,
    pub(super) steps: u64,
    /// Completions that one GPU trains on at once.
    pub(super) micro: usize,
    /// GPUs that share one copy of the model while they sample.
    pub(super) tensor_parallel: usize,
    /// The share of a GPU's memory that sampling may take.
    pub(super) utilization: f64,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

impl Plan {
    /// From the command line.
    ///
    /// # Errors
    /// A sentence on the first thing that does not fit.
    pub(super) fn of(args: &ScaleArgs, engine: &dyn Engine, gpu: Gpu) -> Result<Self, Failure> {
        let config = configured(args)?;
        check_keys(&config, engine)?;
        let base = Base::of(&args.base, args.parameters, &config.asking.prompt)?;
        let (gpus, nodes) = (args.gpus as usize, args.nodes as usize);
        let least = |tensor_parallel: usize| {
            (2.0 * base.shape.parameters / tensor_parallel as f64 + KEPT) / gpu.memory
        };
        // As few as can hold it: what they tell each other costs time.
        let tensor_parallel = (0..)
            .map(|power| 1 << power)
            .take_while(|&ways| ways <= gpus && gpus.is_multiple_of(ways))
            .find(|&ways| least(ways) <= 0.6);
        let tensor_parallel = tensor_parallel.unwrap_or(gpus);
        let utilization = ((least(tensor_parallel) * 20.0).ceil() / 20.0).clamp(0.3, 0.9);
        let mut plan = Self {
            micro: 1,
            algorithm: args.algorithm.clone(),
            notes: base.notes.clone(),
            steps: args.steps,
            config,
            base,
            gpu,
            gpus,
            nodes,
            tensor_parallel,
            utilization,
        };
        plan.micro = plan.portion()?;
        Ok(plan)
    }

    /// GPUs in all.
    pub(super) fn world(&self) -> usize {
        self.gpus * self.nodes
    }

    /// Completions of a step.
    pub(super) fn completions(&self) -> usize {
        self.config.sampling.prompts_per_step * self.config.sampling.group_size
    }

    /// Completions that each GPU trains on before the optimizer's next update.
    pub(super) fn per_update(&self) -> usize {
        self.completions() / self.config.update.mini_batches / self.world()
    }

    /// The most completions at once that make up an update in equal portions.
    fn portion(&self) -> Result<usize, Failure> {
        let (world, parts) = (self.world(), self.config.update.mini_batches);
        let prompts = self.config.sampling.prompts_per_step;
        if !prompts.is_multiple_of(parts) || !self.completions().is_multiple_of(parts * world) {
            return Err(Failure(format!(
                "{prompts} prompts with {} completions each do not make {parts} equal updates on {world} GPUs. Choose \
                 prompts_per_step, group_size and mini_batches such that prompts_per_step is a multiple of mini_batches, \
                 and prompts_per_step * group_size one of mini_batches * {world}.",
                self.config.sampling.group_size
            )));
        }
        let row = PROMPT_TOKENS + self.config.sampling.max_new_tokens;
        let most = (MICRO_TOKENS / row).max(1);
        let fits = |micro: &usize| self.per_update().is_multiple_of(*micro);
        Ok((1..=most).rev().find(fits).unwrap_or(1))
    }

    /// Puzzles to train on.
    pub(super) fn puzzles(&self) -> u64 {
        (self.steps.saturating_mul(self.config.sampling.prompts_per_step as u64)).clamp(1, MOST_PUZZLES)
    }

    /// Steps that go once through the puzzles.
    pub(super) fn steps_of_a_pass(&self) -> u64 {
        (self.puzzles() / self.config.sampling.prompts_per_step as u64).max(1)
    }

    /// Held-out puzzles.
    pub(super) fn held_out(&self) -> u64 {
        self.config.schedule.evaluate_puzzles as u64
    }

    /// Whether the engine puts puzzles through the model's chat template.
    pub(super) fn is_chat(&self) -> bool {
        self.base.prompt == prompt::PromptStyle::Chat
    }

    /// Puzzles of one side of the split, by the seed of the configuration.
    pub(super) fn rows(&self, split: Split, count: u64) -> Result<Vec<Row>, Failure> {
        let task = self.config.puzzles.make().map_err(Failure)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.machine.seed);
        let mut rows = Vec::new();
        for _ in 0..count {
            let puzzle = task.draw(split, &mut rng);
            let content = prompt::words(task.as_ref(), &self.base.prompt, &puzzle).map_err(Failure)?;
            let Some(NumberPuzzle { numbers, target }) = NumberPuzzle::of(&puzzle) else {
                return Err(Failure(format!("A puzzle of {} has no numbers and target.", task.name())));
            };
            rows.push(Row { numbers, target, content });
        }
        Ok(rows)
    }
}

/// The lab's configuration with this command line. Task and level come first, because they set other keys; then what suits
/// larger models, then the algorithm, then what was set.
fn configured(args: &ScaleArgs) -> Result<Config, Failure> {
    let is = |pair: &str, key: &str| pair.split('=').next().is_some_and(|name| name.trim() == key);
    if args.set.iter().any(|pair| is(pair, "preset")) {
        return Err(Failure("Choose the preset with --algorithm.".into()));
    }
    let of_task = |pair: &&String| is(pair, "task") || is(pair, "level");
    let mut config = Config::default();
    if !args.set.iter().any(|pair| is(pair, "task")) {
        config.set("level", "tinyzero")?;
    }
    let config = config
        .with(args.set.iter().filter(of_task))?
        .with(DEFAULTS)?
        .with([format!("preset={}", args.algorithm)])?;
    let mut config = config;
    if !config.update.preset.settings().iter().any(|(key, _)| *key == "kl_coef") {
        // The level's is for its own base.
        config.set("kl_coef", "0")?;
    }
    let config = config.with(args.set.iter().filter(|pair| !of_task(pair)))?;
    if config.lora.lora_rank > 0 && !args.set.iter().any(|pair| is(pair, "learning_rate")) {
        return Ok(config.with(["learning_rate=0.00001"])?);
    }
    Ok(config)
}

/// Refuses keys that nothing in the engine stands for.
fn check_keys(config: &Config, engine: &dyn Engine) -> Result<(), Failure> {
    let usual = Config::default();
    let known = |key: &str| COMMON.contains(&key) || engine.keys().contains(&key);
    for key in Config::keys().filter(|key| !known(key.name)) {
        let value = config.get(key.name)?;
        if value != usual.get(key.name)? {
            return Err(Failure(format!(
                "{}={} has no counterpart in {}.",
                key.name,
                printable(&value),
                engine.name()
            )));
        }
    }
    match engine.lacks(config) {
        Some(reason) => Err(Failure(format!("{}: {reason}", engine.name()))),
        None => Ok(()),
    }
}

/// Keys that every engine has, or that are of no meaning to it.
const COMMON: [&str; 31] = [
    "task",
    "level",
    "prompt",
    "prompts_per_step",
    "group_size",
    "max_new_tokens",
    "temperature",
    "batching",
    "learning_rate",
    "warmup_steps",
    "learning_rate_decay",
    "max_grad_norm",
    "objective",
    "clip_eps_low",
    "clip_eps_high",
    "dual_clip",
    "sapo_tau_positive",
    "sapo_tau_negative",
    "kl_coef",
    "kl_estimator",
    "kl_in",
    "entropy_coef",
    "inner_epochs",
    "mini_batches",
    "loss_norm",
    "advantage",
    "scale_rewards",
    "preset",
    "seed",
    "overlong_penalty",
    "overlong_buffer",
];
