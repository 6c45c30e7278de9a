//! What the parts of a step say of themselves, in words and numbers, for those who look at it closely.

use super::{
    kl,
    norm::BatchSize,
    settings::{Settings, Update},
};
use crate::record::explain::{Explanation, StepExplanation, TokenTerm};

/// What the phases of a step do to a group that earned these rewards.
pub fn step(settings: &Settings, rewards: &[f64]) -> StepExplanation {
    let Settings { reward, update, .. } = settings;
    let mut loss = update.objective.reads(update.inner_epochs, update.loss_norm);
    if update.kl_coef > 0.0 {
        loss += " The KL term is added to it; its gradient is that of KL(reference || policy).";
    }
    StepExplanation {
        reward: reward.control.words().to_owned(),
        score: reward.control.sentence().to_owned(),
        advantage: update.advantage.words(rewards, update.scale_rewards),
        baselines: update.advantage.baselines(rewards),
        weight: update.loss_norm.words().to_owned(),
        loss,
    }
}

/// What is known of a completion's tokens under a policy that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct SeenRow<'a> {
    /// Their log-probabilities under that policy.
    pub logprobs: &'a [f32],
    /// The same when they were sampled.
    pub sampled: &'a [f32],
    /// The same under the reference; empty without one.
    pub reference: &'a [f32],
    /// The advantage of the completion; 0 before it is known.
    pub advantage: f64,
    /// The batch that it is in, once that is whole.
    pub batch: Option<BatchSize>,
}

/// What the loss makes of the tokens of a completion.
pub fn completion(row: &SeenRow<'_>, rules: &Update) -> Explanation {
    let objective = rules.objective;
    let apart = |from: &[f32], to: &[f32]| -> Vec<f64> {
        from.iter().zip(to).map(|(&from, &to)| f64::from(from) - f64::from(to)).collect()
    };
    let bounds = objective.bounds(rules);
    let ratios = objective.ratios(&apart(row.logprobs, row.sampled));
    let gaps = apart(row.reference, row.logprobs);
    let term = |(token, ratio): (usize, f64)| TokenTerm {
        ratio,
        acts: objective.acts(ratio, row.advantage, bounds),
        kl: gaps.get(token).map(|&gap| kl::k3_of(gap)),
    };
    Explanation {
        formula: objective.formula(rules),
        bounds,
        kl_formula: (rules.kl_coef > 0.0).then(|| kl::FORMULA.to_owned()),
        norm: rules.loss_norm.words().to_owned(),
        weight: row.batch.map(|batch| rules.loss_norm.weight(row.logprobs.len(), batch)),
        tokens: ratios.into_iter().enumerate().map(term).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::explain::Bound;

    #[test]
    fn a_completion_is_explained_token_by_token() {
        let rules = Update { kl_coef: 0.1, ..Update::default() };
        let row = SeenRow {
            logprobs: &[-1.0, -0.5, -2.0],
            sampled: &[-1.0, -1.0, -1.0],
            reference: &[-1.0, -1.0, -2.0],
            advantage: 0.5,
            batch: Some(BatchSize { tokens: 40, completions: 4, max_new_tokens: 20 }),
        };
        let said = completion(&row, &rules);
        let ratios: Vec<f64> = said.tokens.iter().map(|token| token.ratio).collect();
        assert!((ratios[1] - 0.5f64.exp()).abs() < 1e-9 && ratios[0] == 1.0);
        let acts: Vec<Option<Bound>> = said.tokens.iter().map(|token| token.acts).collect();
        // The last one lies below its bound too, where an advantage above 0 pushes it back.
        assert_eq!(acts, [None, Some(Bound::High), None]);
        assert_eq!(said.tokens[0].kl, Some(0.0));
        assert_eq!((said.weight, said.norm.as_str()), (Some(1.0 / 40.0), "1 over the tokens of the step"));
        assert_eq!(said.formula, "-min(r A, clip(r, 0.8, 1.28) A)");
        let alone = completion(&SeenRow { reference: &[], batch: None, ..row }, &Update::default());
        assert!(alone.tokens.iter().all(|token| token.kl.is_none()) && alone.kl_formula.is_none());
    }
}
