//! The presets: published algorithms as values of the settings. Each deviates from its paper in what
//! [`super::step`] states, and in what is said here.

use super::settings::{LossNorm, Update};
use crate::settings::choices;

choices! {
    /// A published algorithm.
    pub enum Preset {
        /// Measured best here: Dr. GRPO's unscaled advantages, DAPO's mean over all tokens.
        Lab = "lab",
        /// DeepSeekMath: advantages in standard deviations, each completion by its own length, KL to the reference. The
        /// paper moves the reference along every few hundred steps; here it stays.
        Grpo = "grpo",
        /// Dr. GRPO: neither the deviation nor the length of a completion weighs it. With one inner epoch that is `lab`
        /// with the loss on another scale: the gradient of a step has the same direction, and of its length Adam keeps
        /// little.
        DrGrpo = "dr_grpo",
        /// DAPO: every token counts alike, more room upwards (which acts from the second inner epoch on), no KL. With one
        /// inner epoch that is `lab` with advantages in standard deviations. Its dynamic sampling (drawing until no group
        /// is all right or all wrong) and its overlong penalty are left out: the first makes steps of unpredictable
        /// length, the second would reward a length.
        Dapo = "dapo",
    }
}

impl Preset {
    /// Sets what the preset stands for.
    pub fn apply(self, update: &mut Update) {
        let (scale_rewards, loss_norm, clip_eps_high, kl_coef) = match self {
            Self::Lab => (false, LossNorm::Token, 0.28, 0.0),
            Self::Grpo => (true, LossNorm::Sequence, 0.2, 0.04),
            Self::DrGrpo => (false, LossNorm::Constant, 0.2, 0.0),
            Self::Dapo => (true, LossNorm::Token, 0.28, 0.0),
        };
        let (clip_eps_low, preset) = (0.2, self);
        *update =
            Update { scale_rewards, loss_norm, clip_eps_low, clip_eps_high, kl_coef, preset, ..*update };
    }
}
