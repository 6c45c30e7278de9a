//! The presets: published algorithms as values of the settings. Each deviates from its paper in what
//! [`super::step`] states, and in what is said here.

use super::settings::{LossNorm, Update};
use crate::settings::choices;

choices! {
    /// A published algorithm.
    pub enum Preset {
        /// Best in our measurements: Dr. GRPO's unscaled advantages, DAPO's mean over all tokens.
        Lab = "lab",
        /// DeepSeekMath: advantages scaled by the standard deviation, losses averaged per completion, KL to the
        /// reference. The paper updates the reference every few hundred steps; here it stays fixed.
        Grpo = "grpo",
        /// Dr. GRPO: no scaling by deviation or by length. With one inner epoch this is `lab` with the loss on
        /// another scale: the gradient has the same direction, and Adam mostly cancels the scale.
        DrGrpo = "dr_grpo",
        /// DAPO: every token has equal weight, a higher upper clip bound (which matters from the second inner epoch
        /// on), no KL. With one inner epoch this is `lab` with advantages scaled by the standard deviation. Its
        /// dynamic sampling is a setting of its own (`batching`); its overlong penalty is left out, because it would
        /// reward a length.
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
