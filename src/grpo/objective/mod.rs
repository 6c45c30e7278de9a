//! What an update makes smaller: the loss of a token, before it is weighed and the KL term is added.

use burn::tensor::{Bool, Tensor};

use super::{
    registry::registry,
    settings::{LossNorm, Update},
};
use crate::record::explain::{Bound, Bounds};

registry! { dyn Objective:
    clip,
    gspo,
    cispo,
    dual_clip,
    sapo,
}

/// The completion tokens of a micro-batch, end to end: what an objective makes its loss of. All but the first are
/// constants.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Log-probability of each token under the policy in training.
    pub logprobs: Tensor<1>,
    /// The same under the policy that ratios start from: the one that sampled it.
    pub old: Tensor<1>,
    /// The advantage of its completion.
    pub advantages: Tensor<1>,
    /// Tokens of each completion.
    pub lengths: Vec<usize>,
}

impl Tokens {
    /// `log pi - log pi_old` of each token.
    pub(crate) fn log_ratios(&self) -> Tensor<1> {
        self.logprobs.clone() - self.old.clone()
    }

    /// Each token's value replaced by the mean over its completion.
    pub(crate) fn row_means(&self, values: Tensor<1>) -> Tensor<1> {
        let mut start = 0;
        let rows = self.lengths.iter().map(|&length| {
            let row = values.clone().narrow(0, start, length);
            start += length;
            row.mean().expand([length])
        });
        Tensor::cat(rows.collect(), 0)
    }
}

/// One token, in plain numbers.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    /// Its log-probability under the policy in training.
    pub logprob: f64,
    /// The ratio that the objective has for it.
    pub ratio: f64,
    /// The advantage of its completion.
    pub advantage: f64,
}

/// The loss of each token.
#[derive(Debug, Clone)]
pub struct Surrogate {
    /// The loss.
    pub loss: Tensor<1>,
    /// Whether a bound acts on its ratio.
    pub clipped: Tensor<1, Bool>,
}

/// A loss. What it says of itself in plain numbers is what it does with tensors; a test holds the two together.
pub trait Objective: Send + Sync {
    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// The loss of each token.
    fn surrogate(&self, tokens: &Tokens, rules: &Update) -> Surrogate;

    /// The loss of a token in plain numbers.
    fn loss_of(&self, token: Token, rules: &Update) -> f64;

    /// The same in a formula, with the bounds that these rules give: `r` is the ratio, `A` the advantage.
    fn formula(&self, rules: &Update) -> String;

    /// The bounds of the ratio.
    fn bounds(&self, rules: &Update) -> Bounds;

    /// The ratio of each token of a completion, of whose tokens these are the `log pi - log pi_old`.
    fn ratios(&self, log_ratios: &[f64]) -> Vec<f64> {
        log_ratios.iter().map(|gap| gap.exp()).collect()
    }

    /// The bound that acts on a token, if one does.
    fn acts(&self, ratio: f64, advantage: f64, bounds: Bounds) -> Option<Bound>;

    /// What the loss reads and why that is no measure of progress, in a sentence.
    fn reads(&self, updates: usize, norm: LossNorm) -> String {
        if updates > 1 {
            return format!(
                "In the first of {updates} updates a step every ratio is 1 and the loss about 0; then ratios drift and are clipped."
            );
        }
        let near = if norm == LossNorm::Sequence { "0 within each group" } else { "near 0" };
        format!(
            "With one update a step every ratio is 1 and nothing is clipped: the loss is minus the mean advantage, {near}; its gradient is not 0."
        )
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::{grpo::registry::Chosen, settings::Choice};

    fn tensor(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
    }

    /// Ratios on both sides of every bound, under advantages of both signs, in two completions of different lengths.
    #[test]
    fn what_an_objective_says_of_a_token_is_what_it_does() {
        let gaps = [-0.5f32, -0.001, 0.0, 0.001, 0.5, 1.5, 0.3, 0.2];
        let tokens = Tokens {
            logprobs: tensor(&gaps.map(|gap| gap - 1.0)),
            old: tensor(&[-1.0; 8]),
            advantages: tensor(&[-0.5, -0.5, -0.5, -0.5, -0.5, -0.5, 0.75, 0.75]),
            lengths: vec![6, 2],
        };
        for objective in Chosen::<dyn Objective>::all() {
            let name = objective.name();
            let rules = Update { objective, ..Update::default() };
            let Surrogate { loss, clipped } = objective.surrogate(&tokens, &rules);
            let done: Vec<bool> = clipped.into_data().iter::<bool>().collect();
            let losses: Vec<f64> = loss.into_data().iter::<f64>().collect();
            let bounds = objective.bounds(&rules);
            let said = |gaps: &[f32], advantage: f64| -> Vec<(bool, f64)> {
                let wide: Vec<f64> = gaps.iter().map(|&gap| f64::from(gap)).collect();
                let told = |(ratio, gap): (f64, f64)| {
                    let token = Token { logprob: gap - 1.0, ratio, advantage };
                    (objective.acts(ratio, advantage, bounds).is_some(), objective.loss_of(token, &rules))
                };
                objective.ratios(&wide).into_iter().zip(wide).map(told).collect()
            };
            let said = [said(&gaps[..6], -0.5), said(&gaps[6..], 0.75)].concat();
            assert_eq!(done, said.iter().map(|(acts, _)| *acts).collect::<Vec<_>>(), "{name}");
            for (done, (_, said)) in losses.iter().zip(&said) {
                assert!((done - said).abs() < 1e-5 * said.abs().max(1.0), "{name}: {losses:?} {said:?}");
            }
            for bound in [bounds.low, bounds.high, bounds.dual].into_iter().flatten() {
                let formula = objective.formula(&rules);
                assert!(formula.contains(&bound.to_string()), "{name}: {formula} lacks {bound}");
            }
        }
    }
}
