//! What the parts of a step say of themselves, in words and numbers, for those who look at it closely.

use super::{
    norm::BatchSize,
    objective::Token,
    penalties,
    settings::{Settings, Update},
};
use crate::record::explain::{Explanation, StepExplanation, TokenTerm};

/// What the phases of a step do to a group that earned these rewards.
pub fn step(settings: &Settings, rewards: &[f64]) -> StepExplanation {
    let Settings { reward, update, .. } = settings;
    let mut loss = update.objective.reads(update.updates_per_step(), update.loss_norm);
    loss += &update.kl_in_words();
    if let Some(weight) = update.correction_formula() {
        loss += &format!(
            " Each token counts {weight}, rho its probability in the trainer over that in the sampler."
        );
    }
    if update.entropy_coef > 0.0 {
        loss += " The entropy bonus is taken off it.";
    }
    StepExplanation {
        reward: format!("{}{}", reward.control.words(), penalties::words(settings)),
        score: format!("{}{}", reward.control.sentence(), penalties::sentence(settings)),
        advantage: update.advantage.words(rewards, update.scale_rewards),
        baselines: update.advantage.baselines(rewards),
        weight: update.loss_norm.words(update.mini_batches).to_owned(),
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
    /// The same under the policy that trains, before the update; empty without a correction.
    pub old: &'a [f32],
    /// The same under the reference; empty without one.
    pub reference: &'a [f32],
    /// The advantage of the completion; 0 before it is known.
    pub advantage: f64,
    /// The batch that it is in, once that is whole.
    pub batch: Option<BatchSize>,
    /// Whether it was cut off and is left out of the loss.
    pub masked: bool,
}

/// What the loss makes of the tokens of a completion.
pub fn completion(row: &SeenRow<'_>, rules: &Update) -> Explanation {
    let objective = rules.objective;
    let apart = |from: &[f32], to: &[f32]| -> Vec<f64> {
        from.iter().zip(to).map(|(&from, &to)| f64::from(from) - f64::from(to)).collect()
    };
    let bounds = objective.bounds(rules);
    let old = if row.old.is_empty() { row.sampled } else { row.old };
    let ratios = objective.ratios(&apart(row.logprobs, old));
    let log_rhos = apart(old, row.sampled);
    let gaps = apart(row.reference, row.logprobs);
    let term = |(token, ratio): (usize, f64)| {
        let kl = gaps.get(token).map(|&gap| rules.kl_estimator.of_gap(gap));
        let logprob = row.logprobs.get(token).map_or(f64::NAN, |&logprob| f64::from(logprob));
        let correction = log_rhos.get(token).and_then(|&gap| rules.correction_weight(gap));
        let surrogate = objective.loss_of(Token { logprob, ratio, advantage: row.advantage }, rules);
        TokenTerm {
            ratio,
            acts: objective.acts(ratio, row.advantage, bounds),
            correction,
            loss: correction.unwrap_or(1.0) * surrogate + rules.kl_in_loss() * kl.unwrap_or_default(),
            kl,
        }
    };
    let weight = |batch| if row.masked { 0.0 } else { rules.loss_norm.weight(row.logprobs.len(), batch) };
    Explanation {
        formula: match rules.correction_formula() {
            Some(weight) => format!("{weight} * ({})", objective.formula(rules)),
            None => objective.formula(rules),
        },
        bounds,
        kl_formula: rules.has_reference().then(|| rules.kl_estimator.formula().to_owned()),
        norm: match row.masked {
            true => "0: it was cut off".to_owned(),
            false => rules.loss_norm.words(rules.mini_batches).to_owned(),
        },
        weight: row.batch.map(weight),
        tokens: ratios.into_iter().enumerate().map(term).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grpo::settings::Correction, record::explain::Bound};

    #[test]
    fn a_completion_is_explained_token_by_token() {
        let rules = Update { kl_coef: 0.1, ..Update::default() };
        let row = SeenRow {
            logprobs: &[-1.0, -0.5, -2.0],
            sampled: &[-1.0, -1.0, -1.0],
            old: &[],
            reference: &[-1.0, -1.0, -2.0],
            advantage: 0.5,
            batch: Some(BatchSize { tokens: 40, completions: 4, max_new_tokens: 20 }),
            masked: false,
        };
        let said = completion(&row, &rules);
        let ratios: Vec<f64> = said.tokens.iter().map(|token| token.ratio).collect();
        assert!((ratios[1] - 0.5f64.exp()).abs() < 1e-9 && ratios[0] == 1.0);
        let acts: Vec<Option<Bound>> = said.tokens.iter().map(|token| token.acts).collect();
        // The last one lies below its bound too, where an advantage above 0 pushes it back.
        assert_eq!(acts, [None, Some(Bound::High), None]);
        assert_eq!(said.tokens[0].kl, Some(0.0));
        // -A at ratio 1; the second is held at its bound, and its KL is that of a gap of -0.5.
        assert_eq!(said.tokens[0].loss, -0.5);
        let kl = (-0.5f64).exp() + 0.5 - 1.0;
        assert!((said.tokens[1].loss - (-1.28 * 0.5 + 0.1 * kl)).abs() < 1e-9);
        let corrected = Update { correction: Correction::Tis, ..Update::default() };
        let old = SeenRow { old: &[-1.0, 0.0, -2.0], ..row };
        let tokens = completion(&old, &corrected).tokens;
        let weights: Vec<Option<f64>> = tokens.iter().map(|token| token.correction).collect();
        assert_eq!(weights, [Some(1.0), Some(2.0), Some((-1.0f64).exp())]);
        assert!((tokens[1].ratio - (-0.5f64).exp()).abs() < 1e-9 && tokens[2].ratio == 1.0);
        assert!((tokens[2].loss - (-1.0f64).exp() * -0.5).abs() < 1e-9);
        assert_eq!(completion(&SeenRow { masked: true, ..row }, &rules).weight, Some(0.0));
        assert_eq!((said.weight, said.norm.as_str()), (Some(1.0 / 40.0), "1 over the tokens of the step"));
        assert_eq!(said.formula, "-min(r A, clip(r, 0.8, 1.28) A)");
        let alone = completion(&SeenRow { reference: &[], batch: None, ..row }, &Update::default());
        assert!(alone.tokens.iter().all(|token| token.kl.is_none()) && alone.kl_formula.is_none());
    }
}
