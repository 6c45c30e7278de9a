//! The learning rate of a step.
//!
//! It rises linearly over the first `warmup_steps` steps, and is then constant, or falls until step `decay_steps` to
//! `decay_to` of its peak, where it stays: in a straight line, or along half a cosine
//! (<https://arxiv.org/abs/1608.03983>). Steps of the run are counted, not optimizer updates: all updates of a step have
//! one learning rate, and a resumed run goes on where it was.
//!
//! Deviation: transformers counts from 0 and so makes its first update at a rate of 0; step 1 here has what its second one
//! has.

use super::settings::{Decay, Optimizer};

/// `step` counts from 1.
pub(super) fn learning_rate(optimizer: &Optimizer, step: u64) -> f64 {
    let warmed = (step as f64 / optimizer.warmup_steps.max(1) as f64).min(1.0);
    optimizer.learning_rate * warmed * left(optimizer, step)
}

/// The part of the peak that is left of it.
fn left(optimizer: &Optimizer, step: u64) -> f64 {
    let (from, to) = (optimizer.warmup_steps, optimizer.decay_steps);
    let done = match step {
        step if step <= from => 0.0,
        step if step >= to => 1.0,
        step => (step - from) as f64 / (to - from) as f64,
    };
    let still = match optimizer.learning_rate_decay {
        Decay::Constant => return 1.0,
        Decay::Linear => 1.0 - done,
        Decay::Cosine => f64::midpoint(1.0, (std::f64::consts::PI * done).cos()),
    };
    optimizer.decay_to + (1.0 - optimizer.decay_to) * still
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_and_then_falls_as_it_is_told() {
        let plain =
            Optimizer { learning_rate: 0.5, warmup_steps: 4, decay_steps: 12, ..Optimizer::default() };
        let rates = |decay, decay_to: f64, steps: &[u64]| -> Vec<f64> {
            let optimizer = Optimizer { learning_rate_decay: decay, decay_to, ..plain };
            steps.iter().map(|&step| learning_rate(&optimizer, step)).collect()
        };
        assert_eq!(rates(Decay::Constant, 0.0, &[1, 2, 4, 5, 99]), [0.125, 0.25, 0.5, 0.5, 0.5]);
        assert_eq!(rates(Decay::Linear, 0.0, &[2, 4, 6, 8, 12, 99]), [0.25, 0.5, 0.375, 0.25, 0.0, 0.0]);
        assert_eq!(rates(Decay::Linear, 0.5, &[4, 8, 12, 99]), [0.5, 0.375, 0.25, 0.25]);
        let cosine = rates(Decay::Cosine, 0.0, &[4, 6, 8, 10, 12]);
        let half = std::f64::consts::FRAC_1_SQRT_2 / 2.0;
        for (ours, expected) in cosine.iter().zip([0.5, 0.25 + half / 2.0, 0.25, 0.25 - half / 2.0, 0.0]) {
            assert!((ours - expected).abs() < 1e-12, "{cosine:?}");
        }
        let at_once =
            Optimizer { warmup_steps: 9, decay_steps: 3, learning_rate_decay: Decay::Linear, ..plain };
        assert_eq!(learning_rate(&at_once, 9), 0.5, "the warm-up comes first");
        assert_eq!(learning_rate(&at_once, 10), 0.0);
    }
}
