//! What search without any judgement achieves: the baseline for a model that searches.

/// What two blind searchers can draw from in one puzzle. Neither repeats an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blind {
    /// Different attempts that the rules allow.
    pub attempts: usize,
    /// Attempts that reach the target.
    pub right: usize,
    /// Different states with one step left.
    pub pairs: usize,
    /// Of these states, those from which a step reaches the target.
    pub ending: usize,
}

impl Blind {
    /// Probability that `k` random attempts contain a right one: `1 - C(n - right, k) / C(n, k)`.
    pub fn random(&self, k: usize) -> f64 {
        within(self.attempts, self.right, k)
    }

    /// The same for attempts whose last step looks ahead and reaches the target if any operation does.
    pub(crate) fn looking_ahead(&self, k: usize) -> f64 {
        within(self.pairs, self.ending, k)
    }

    /// Probability that the next random attempt is right after `made` wrong ones.
    pub(crate) fn random_next(&self, made: usize) -> f64 {
        next(self.attempts, self.right, made)
    }

    /// The same for attempts whose last step looks ahead.
    pub(crate) fn looking_ahead_next(&self, made: usize) -> f64 {
        next(self.pairs, self.ending, made)
    }
}

/// Probability that `k` draws without replacement from `n`, `right` of them right, contain a right one.
fn within(n: usize, right: usize, k: usize) -> f64 {
    if right == 0 {
        return 0.0;
    }
    let missed: f64 = (0..k.min(n)).map(|made| 1.0 - next(n, right, made)).product();
    1.0 - missed
}

/// Probability that the next draw is right after `made` wrong ones; 0 once nothing is left to draw.
fn next(n: usize, right: usize, made: usize) -> f64 {
    let left = n.saturating_sub(made);
    if left == 0 { 0.0 } else { (right as f64 / left as f64).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_without_replacement_by_hand() {
        let blind = Blind { attempts: 4, right: 1, pairs: 2, ending: 1 };
        assert_eq!([0, 1, 2, 4, 9].map(|k| blind.random(k)), [0.0, 0.25, 0.5, 1.0, 1.0]);
        assert_eq!([1, 2].map(|k| blind.looking_ahead(k)), [0.5, 1.0]);
        assert_eq!([0, 1, 3, 4].map(|made| blind.random_next(made)), [0.25, 1.0 / 3.0, 1.0, 0.0]);
        assert_eq!(Blind { right: 0, ..blind }.random(4), 0.0);
        assert_eq!(Blind::default().random(3), 0.0);
    }
}
