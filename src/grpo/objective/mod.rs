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
}

/// The completion tokens of a micro-batch, end to end: what an objective makes its loss of. All but the first are
/// constants.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Log-probability of each token under the policy in training.
    pub logprobs: Tensor<1>,
    /// The same under the policy that sampled it.
    pub sampled: Tensor<1>,
    /// The advantage of its completion.
    pub advantages: Tensor<1>,
    /// Tokens of each completion.
    pub lengths: Vec<usize>,
}

impl Tokens {
    /// `log pi - log pi_old` of each token.
    pub(crate) fn log_ratios(&self) -> Tensor<1> {
        self.logprobs.clone() - self.sampled.clone()
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
    fn reads(&self, inner_epochs: usize, norm: LossNorm) -> String {
        if inner_epochs > 1 {
            return format!(
                "In the first of {inner_epochs} inner epochs every ratio is 1 and the loss about 0; then ratios drift and are clipped."
            );
        }
        let near = if norm == LossNorm::Sequence { "0 within each group" } else { "near 0" };
        format!(
            "With one inner epoch every ratio is 1 and nothing is clipped: the loss is minus the mean advantage, {near}; its gradient is not 0."
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
        let gaps = [-0.5f32, -0.001, 0.0, 0.001, 0.5, 0.3, 0.2];
        let tokens = Tokens {
            logprobs: tensor(&gaps.map(|gap| gap - 1.0)),
            sampled: tensor(&[-1.0; 7]),
            advantages: tensor(&[-0.5, -0.5, -0.5, -0.5, -0.5, 0.75, 0.75]),
            lengths: vec![5, 2],
        };
        for objective in Chosen::<dyn Objective>::all() {
            let name = objective.name();
            let rules = Update { objective, ..Update::default() };
            let done = objective.surrogate(&tokens, &rules).clipped.into_data();
            let done: Vec<bool> = done.iter::<bool>().collect();
            let bounds = objective.bounds(&rules);
            let said = |gaps: &[f32], advantage: f64| -> Vec<bool> {
                let gaps: Vec<f64> = gaps.iter().map(|&gap| f64::from(gap)).collect();
                let ratios = objective.ratios(&gaps);
                ratios.iter().map(|&ratio| objective.acts(ratio, advantage, bounds).is_some()).collect()
            };
            assert_eq!(done, [said(&gaps[..5], -0.5), said(&gaps[5..], 0.75)].concat(), "{name}");
            for bound in [bounds.low, bounds.high].into_iter().flatten() {
                let formula = objective.formula(&rules);
                assert!(formula.contains(&bound.to_string()), "{name}: {formula} lacks {bound}");
            }
        }
    }
}
