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
        live prompts_per_step aka "groups": usize = 16, 1..=65_536;
        /// Completions per prompt; their rewards are compared with each other.
        live group_size aka "group": usize = 16, 2..=4_096;
        /// Longest completion in tokens; a longer one is cut off.
        live max_new_tokens aka "tokens": usize = 320, 1..=65_536;
        /// Sampling temperature.
        live temperature aka "temp": f64 = 1.0, 0.01..=10.0;
    }
}

section! {
    /// Optimizer.
    #[derive(Copy)]
    pub struct Optimizer {
        /// Peak learning rate of AdamW.
        live learning_rate aka "lr": f64 = 4e-4, 0.0..=1.0;
        /// Steps of linear learning-rate warmup.
        fixed warmup_steps: u64 = 5, 0..=1_000_000;
        /// What the learning rate does after its warmup. Steps are counted, not optimizer updates.
        live learning_rate_decay aka "decay": Decay = Decay::Constant;
        /// The step at which a falling learning rate has arrived.
        live decay_steps: u64 = 200, 1..=1_000_000_000;
        /// The share of learning_rate that it falls to and stays at.
        live decay_to: f64 = 0.0, 0.0..=1.0;
        /// Global gradient norm to clip to; 0 turns clipping off.
        live max_grad_norm aka "grad": f64 = 1.0, 0.0..=1e6;
    }
}

section! {
    /// Loss and advantages.
    #[derive(Copy)]
    pub struct Update {
        /// Policy-gradient objective.
        live objective: Chosen<dyn Objective> = Chosen::default();
        /// Lower clip bound of the importance ratio: 1 minus this. With one update a step every ratio is 1 and nothing
        /// is clipped.
        live clip_eps_low: f64 = 0.2, 0.0..=1.0;
        /// Upper clip bound of the importance ratio: 1 plus this. With one update a step every ratio is 1 and nothing
        /// is clipped.
        live clip_eps_high: f64 = 0.28, 0.0..=100.0;
        /// The ratio beyond which a token of a negative advantage is not pushed. With `objective=dual_clip` only.
        live dual_clip: f64 = 3.0, 1.0..=1e6;
        /// How fast the gate of `objective=sapo` closes where the advantage is above 0.
        live sapo_tau_positive: f64 = 1.0, 0.01..=1e3;
        /// How fast the gate of `objective=sapo` closes where the advantage is 0 or below.
        live sapo_tau_negative: f64 = 1.05, 0.01..=1e3;
        /// Weight of KL to the reference, in the loss or in the reward (`kl_in`); at 0 the reference is not loaded,
        /// unless `kl_every` asks for it.
        live kl_coef aka "kl": f64 = 0.0, 0.0..=100.0;
        /// How KL(policy || reference) is estimated for each token.
        fixed kl_estimator: KlEstimator = KlEstimator::K3;
        /// What `kl_coef` weighs KL into.
        fixed kl_in: KlIn = KlIn::Loss;
        /// Steps between measurements of KL while `kl_coef` is 0; 0 turns them off. Each costs a forward pass of the
        /// reference over the step's completions.
        live kl_every: u64 = 0, 0..=1_000_000_000;
        /// Steps after which the policy becomes the reference anew; 0 keeps the first one.
        live reference_refresh: u64 = 0, 0..=1_000_000_000;
        /// Weight of the entropy bonus; above 0, the logits of a whole micro-batch are in memory.
        live entropy_coef aka "entropy": f64 = 0.0, 0.0..=10.0;
        /// How often a step goes through its rollouts; each time it makes one optimizer update per mini-batch.
        fixed inner_epochs: usize = 1, 1..=64;
        /// Parts that the groups of a step are shuffled into, with an optimizer update on each; a part has at least
        /// one group. From the second update on, ratios drift from 1 and clip bounds act.
        fixed mini_batches: usize = 1, 1..=65_536;
        /// Whether completions that were cut off are left out of the loss (DAPO's overlong filtering). Their rewards
        /// still count in the advantages of the others.
        live mask_truncated: bool = false;
        /// What corrects for a sampler whose probabilities are not the trainer's. It costs another forward pass.
        fixed correction: Correction = Correction::None;
        /// The greatest weight of a token under `correction=tis`.
        live tis_cap: f64 = 2.0, 0.01..=1e6;
        /// The least ratio of the trainer's probability to the sampler's that `correction=icepop` does not leave out.
        live icepop_low: f64 = 0.5, 0.0..=1.0;
        /// The greatest such ratio.
        live icepop_high: f64 = 5.0, 1.0..=1e6;
        /// Tokens per forward and backward pass.
        fixed micro_tokens: usize = 512, 1..=16_777_216;
        /// Whether the backward pass computes each block again instead of keeping its activations: some
        /// more time for about a tenth of their memory, and the same bits. On the CPU only, and not for OLMo 2 and Gemma 3.
        fixed gradient_checkpointing: bool = false;
        /// Normalization of the summed token losses.
        fixed loss_norm: LossNorm = LossNorm::Token;
        /// Baseline that a completion's reward is compared with.
        fixed advantage: Chosen<dyn Advantage> = Chosen::default();
        /// Divide advantages by the group's standard deviation; for `advantage=group` and `rloo`, the others have a
        /// scale of their own.
        fixed scale_rewards: bool = false;
        /// Sets the keys of a published algorithm at once, and those of the other presets to their defaults; settings
        /// after it override it.
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
        live answer: Graded = Graded::Last;
        /// Reward of a right answer.
        live reward_correct: f64 = 1.0, -1e3..=1e3;
        /// Reward of a well-formed wrong answer.
        live reward_format: f64 = 0.1, -1e3..=1e3;
        /// The most that a completion near max_new_tokens loses of its reward (DAPO's soft overlong punishment); 0
        /// turns it off.
        live overlong_penalty aka "overlong": f64 = 0.0, 0.0..=1e3;
        /// The last share of max_new_tokens, within which `overlong_penalty` grows from nothing to all of it.
        live overlong_buffer: f64 = 0.2, 0.01..=1.0;
    }
}

impl Update {
    /// Optimizer updates that a step makes, unless a mini-batch has nothing to learn from.
    pub fn updates_per_step(&self) -> usize {
        self.inner_epochs * self.mini_batches
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
    /// How KL is estimated for each token.
    pub enum KlEstimator {
        /// `logp - ref`. Of use in the reward; in the loss its mean gradient is 0.
        K1 = "k1",
        /// `(logp - ref)^2 / 2`. In the loss its gradient is that of KL(policy || reference).
        K2 = "k2",
        /// `exp(ref - logp) - (ref - logp) - 1`. In the loss its gradient is that of KL(reference || policy).
        K3 = "k3",
        /// The value of k3 with the gradient of k2.
        K3Plus = "k3+",
    }
}

choices! {
    /// What KL is weighed into.
    pub enum KlIn {
        /// Added to the loss of each token.
        Loss = "loss",
        /// Taken off each completion's reward, summed over its tokens.
        Reward = "reward",
    }
}

choices! {
    /// What corrects for a sampler whose probabilities are not the trainer's.
    pub enum Correction {
        /// Nothing: the sampler's log-probabilities stand for the trainer's, and the gap is measured.
        None = "none",
        /// Truncated importance sampling: each token's loss is weighed by the ratio of the two, at most `tis_cap`.
        Tis = "tis",
        /// IcePop: the same, and tokens whose ratio is not within `icepop_low` and `icepop_high` are left out.
        IcePop = "icepop",
    }
}

choices! {
    /// What a learning rate does after its warmup.
    pub enum Decay {
        /// It stays.
        Constant = "constant",
        /// It falls in a straight line until `decay_steps`.
        Linear = "linear",
        /// It falls along half a cosine until `decay_steps`.
        Cosine = "cosine",
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
