//! What a person may choose about a step of GRPO.

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
    /// Seed of everything random.
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
    /// How many completions the policy writes in a step, and how.
    pub struct Sampling {
        /// Which prompts and groups a step trains on.
        fixed batching: Chosen<dyn Batching> = Chosen::default();
        /// Puzzles a step.
        fixed prompts_per_step: usize = 16, 1..=65_536;
        /// Completions per puzzle, whose rewards are compared.
        fixed group_size: usize = 16, 2..=4_096;
        /// A completion is cut off after so many tokens.
        live max_new_tokens: usize = 320, 1..=65_536;
        /// Sampling temperature.
        live temperature: f64 = 1.0, 0.01..=10.0;
    }
}

section! {
    /// How far a step goes.
    pub struct Optimizer {
        /// Peak learning rate of AdamW.
        live learning_rate: f64 = 4e-4, 0.0..=1.0;
        /// Steps over which the learning rate rises linearly.
        fixed warmup_steps: u64 = 5, 0..=1_000_000;
        /// The global gradient norm is clipped to this; 0 turns clipping off.
        live max_grad_norm: f64 = 1.0, 0.0..=1e6;
    }
}

section! {
    /// What a step is an update of: the loss and the advantages in it.
    pub struct Update {
        /// The loss of a token.
        fixed objective: Chosen<dyn Objective> = Chosen::default();
        /// The importance ratio is clipped below at 1 minus this; with one inner epoch it is 1 and nothing is clipped.
        live clip_eps_low: f64 = 0.2, 0.0..=1.0;
        /// The importance ratio is clipped above at 1 plus this; with one inner epoch it is 1 and nothing is clipped.
        live clip_eps_high: f64 = 0.28, 0.0..=100.0;
        /// Weight of the KL term, whose value estimates KL(policy || reference) and whose gradient is that of
        /// KL(reference || policy); 0 leaves the reference out of memory.
        live kl_coef: f64 = 0.0, 0.0..=100.0;
        /// Updates per rollout.
        fixed inner_epochs: usize = 1, 1..=64;
        /// Tokens in one forward and backward pass.
        fixed micro_tokens: usize = 512, 1..=16_777_216;
        /// Whether the backward pass computes each block again instead of keeping its activations: some
        /// more time for about a tenth of their memory, and the same bits. On the CPU only.
        fixed gradient_checkpointing: bool = false;
        /// What the sum of token losses is divided by.
        fixed loss_norm: LossNorm = LossNorm::Token;
        /// What a completion's reward is compared with.
        fixed advantage: Chosen<dyn Advantage> = Chosen::default();
        /// Whether advantages are divided by the group's standard deviation.
        fixed scale_rewards: bool = false;
        /// Sets scale_rewards, loss_norm, clip_eps_* and kl_coef at once; settings behind it have the last word.
        fixed preset: Preset = Preset::Lab;
    }
}

section! {
    /// What of a completion counts, and what it earns.
    pub struct Reward {
        /// What is paid instead of the reward, to see what learning is worth without it.
        fixed control: Control = Control::None;
        /// Where a completion ends.
        fixed stop: StopAt = StopAt::Auto;
        /// Which answer is graded where a completion states several.
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
    /// What the sum of token losses is divided by.
    pub enum LossNorm {
        /// All tokens of the batch (DAPO, <https://arxiv.org/abs/2503.14476>).
        Token = "token",
        /// Each completion's own length, then the number of completions (GRPO): long wrong answers are punished less per
        /// token than short ones.
        Sequence = "sequence",
        /// `max_new_tokens` times the number of completions, a constant (Dr. GRPO).
        Constant = "constant",
    }
}

choices! {
    /// What is paid instead of the reward.
    pub enum Control {
        /// The reward itself.
        None = "none",
        /// A coin that ignores the answer.
        RandomReward = "random-reward",
        /// The rewards that the answers of a group earned, dealt out again within the group: they keep their mean and
        /// spread.
        ShuffledReward = "shuffled-reward",
    }
}

choices! {
    /// Where a completion ends by itself.
    pub enum StopAt {
        /// `end` for bases made by `pretrain`, `answer` for all others; decided before the first step.
        Auto = "auto",
        /// At its end token, or right behind its first answer, for models that write on after it.
        Answer = "answer",
        /// At its end token.
        End = "end",
    }
}

impl StopAt {
    /// Whether a completion ends right behind its answer. `auto` in the file of a run is of older versions, where none
    /// ever did.
    pub fn is_answer(self) -> bool {
        self == Self::Answer
    }
}
