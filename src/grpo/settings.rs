//! The settings of a GRPO step.

use super::{
    advantage::Advantage, batching::Batching, objective::Objective, preset::Preset, registry::Chosen,
};
use crate::{
    settings::{choices, section},
    task::{RewardRules, answer::Graded},
};

/// Everything that decides what a step does, beside the task and the models.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Settings {
    /// Random seed of the run.
    pub seed: u64,
    /// How the policy writes.
    pub sampling: Sampling,
    /// What of a completion counts and what it earns.
    pub reward: Reward,
    /// The loss.
    pub update: Update,
    /// AdamW.
    pub optimizer: Optimizer,
}

section! {
    /// Sampling.
    #[derive(Copy)]
    pub struct Sampling {
        /// How the prompts and groups of a step are chosen.
        fixed batching: Chosen<dyn Batching> = Chosen::default();
        /// Prompts per step.
        fixed prompts_per_step: usize = 16, 1..=65_536;
        /// Completions per prompt; their rewards are compared with each other.
        fixed group_size: usize = 16, 2..=4_096;
        /// Longest completion in tokens; a longer one is cut off.
        live max_new_tokens: usize = 320, 1..=65_536;
        /// Sampling temperature.
        live temperature: f64 = 1.0, 0.01..=10.0;
    }
}

section! {
    /// Optimizer.
    #[derive(Copy)]
    pub struct Optimizer {
        /// Peak learning rate of AdamW.
        live learning_rate: f64 = 4e-4, 0.0..=1.0;
        /// Steps of linear learning-rate warmup.
        fixed warmup_steps: u64 = 5, 0..=1_000_000;
        /// Global gradient norm to clip to; 0 turns clipping off.
        live max_grad_norm: f64 = 1.0, 0.0..=1e6;
    }
}

section! {
    /// Loss and advantages.
    #[derive(Copy)]
    pub struct Update {
        /// Policy-gradient objective.
        fixed objective: Chosen<dyn Objective> = Chosen::default();
        /// Lower clip bound of the importance ratio: 1 minus this. With one inner epoch every ratio is 1 and nothing
        /// is clipped.
        live clip_eps_low: f64 = 0.2, 0.0..=1.0;
        /// Upper clip bound of the importance ratio: 1 plus this. With one inner epoch every ratio is 1 and nothing
        /// is clipped.
        live clip_eps_high: f64 = 0.28, 0.0..=100.0;
        /// Weight of the KL term; at 0 the reference is not loaded. Its value estimates KL(policy || reference); its
        /// gradient is that of KL(reference || policy).
        live kl_coef: f64 = 0.0, 0.0..=100.0;
        /// Optimizer updates per step, all on the same rollouts.
        fixed inner_epochs: usize = 1, 1..=64;
        /// Tokens per forward and backward pass.
        fixed micro_tokens: usize = 512, 1..=16_777_216;
        /// Whether the backward pass computes each block again instead of keeping its activations: some
        /// more time for about a tenth of their memory, and the same bits. On the CPU only, and not for OLMo 2 and Gemma 3.
        fixed gradient_checkpointing: bool = false;
        /// Normalization of the summed token losses.
        fixed loss_norm: LossNorm = LossNorm::Token;
        /// Baseline that a completion's reward is compared with.
        fixed advantage: Chosen<dyn Advantage> = Chosen::default();
        /// Divide advantages by the group's standard deviation.
        fixed scale_rewards: bool = false;
        /// Sets scale_rewards, loss_norm, clip_eps_* and kl_coef at once; settings after it override it.
        fixed preset: Preset = Preset::Lab;
    }
}

section! {
    /// Reward.
    #[derive(Copy)]
    pub struct Reward {
        /// Control experiment: replaces the reward, to see what training does without its signal.
        fixed control: Control = Control::None;
        /// Where sampling stops.
        fixed stop: StopAt = StopAt::Auto;
        /// Which answer is graded if a completion states several.
        fixed answer: Graded = Graded::Last;
        /// Reward of a right answer.
        live reward_correct: f64 = 1.0, -1e3..=1e3;
        /// Reward of a well-formed wrong answer.
        live reward_format: f64 = 0.1, -1e3..=1e3;
    }
}

impl Reward {
    /// What the task needs to know of them.
    pub fn rules(&self) -> RewardRules {
        RewardRules { correct: self.reward_correct, format: self.reward_format, answer: self.answer }
    }
}

choices! {
    /// Normalization of the summed token losses.
    pub enum LossNorm {
        /// Number of tokens in the batch (DAPO, <https://arxiv.org/abs/2503.14476>).
        Token = "token",
        /// Each completion's own length, then the number of completions (GRPO). A long wrong answer is then penalized
        /// less per token than a short one.
        Sequence = "sequence",
        /// `max_new_tokens` times the number of completions, a constant (Dr. GRPO).
        Constant = "constant",
    }
}

choices! {
    /// What replaces the reward.
    pub enum Control {
        /// No control: the reward itself.
        None = "none",
        /// A coin flip that ignores the answer.
        RandomReward = "random-reward",
        /// The group's rewards, shuffled within the group, so that mean and spread stay the same.
        ShuffledReward = "shuffled-reward",
    }
}

choices! {
    /// Where a completion ends by itself.
    pub enum StopAt {
        /// `end` for bases made by `pretrain`, `answer` for all others. Resolved before the first step.
        Auto = "auto",
        /// At the end token or right after the first answer, for models that keep writing.
        Answer = "answer",
        /// At the end token.
        End = "end",
    }
}

impl StopAt {
    /// Whether a completion ends right behind its answer. `auto` in the file of a run is of older versions, where none
    /// ever did.
    pub(crate) fn is_answer(self) -> bool {
        self == Self::Answer
    }
}
