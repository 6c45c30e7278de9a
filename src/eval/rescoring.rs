//! What stored completions would earn under other rules of the reward, and what that would make of their advantages. The
//! estimator is the run's own; the text of a completion is all that is judged.

use std::collections::BTreeMap;

use crate::{
    config::{Config, Control},
    grpo::{advantage::Earned, penalties::OVERLONG},
    metrics::spread::is_dead,
    record::{Penalties, Rollout},
    task::{self, Task, rules::Judged},
};

/// The keys of the rules, in the order in which they are shown.
pub const RULE_KEYS: &[&str] =
    &["answer", "reward_correct", "reward_format", "overlong_penalty", "overlong_buffer"];

/// Rewards that differ by no more are equal: files round.
const SAME_REWARD: f64 = 1e-9;
/// The same of advantages, which other engines compute in 32 bits.
const SAME_ADVANTAGE: f64 = 1e-4;

/// Rules to be tried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trial {
    /// Of [`RULE_KEYS`], those that are given another value than the run's.
    pub keys: BTreeMap<&'static str, String>,
    /// What the named parts of a reward are multiplied by, where that is not 1: for engines that write them.
    pub weights: BTreeMap<String, f64>,
}

impl Trial {
    /// The run's configuration with the rules changed. A value that a key does not take changes nothing.
    pub fn applied(&self, run: &Config) -> Config {
        let mut config = run.clone();
        for (key, value) in &self.keys {
            let _ = config.set(key, value);
        }
        config
    }

    /// What a part of a reward is multiplied by.
    pub fn weight(&self, part: &str) -> f64 {
        self.weights.get(part).copied().unwrap_or(1.0)
    }
}

/// Scores completions again.
#[derive(Debug, Clone)]
pub struct Rescorer {
    run: Config,
    tried: Config,
    trial: Trial,
    /// Whether it is known how the run makes advantages of rewards.
    estimates: bool,
}

/// How a completion fares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Which completion of the group.
    pub index: usize,
    /// What it earned; NaN where that is not known.
    pub before: f64,
    /// What it would earn; as before where nobody here can judge it.
    pub after: f64,
    /// Whether it could be scored again.
    pub scored: bool,
    /// Whether its answer was right, and would be; `None` where nobody judged it.
    pub right: (Option<bool>, Option<bool>),
    /// Its advantage; NaN where that is not known.
    pub advantage_before: f64,
    /// What its advantage would be; NaN where that is not known.
    pub advantage_after: f64,
    /// Its tokens, where they are known.
    length: Option<usize>,
}

impl Row {
    /// Whether its reward changes.
    pub fn changes(&self) -> bool {
        differ(self.before, self.after, SAME_REWARD)
    }

    /// Whether its advantage changes.
    pub fn shifts(&self) -> bool {
        differ(self.advantage_before, self.advantage_after, SAME_ADVANTAGE)
    }
}

fn differ(a: f64, b: f64, most: f64) -> bool {
    a.is_finite() && b.is_finite() && (a - b).abs() > most
}

impl Rescorer {
    /// For a run with this configuration; `estimates`: whether its engine says how it makes advantages of rewards.
    pub fn new(run: &Config, trial: Trial, estimates: bool) -> Self {
        Self { run: run.clone(), tried: trial.applied(run), trial, estimates }
    }

    /// What is tried.
    pub fn trial(&self) -> &Trial {
        &self.trial
    }

    /// The run's configuration with the rules changed.
    pub fn tried(&self) -> &Config {
        &self.tried
    }

    /// Whether advantages can be computed.
    pub fn estimates(&self) -> bool {
        self.estimates
    }

    /// Whether completions are compared with what was recorded, and not with what the run's own rules would have given:
    /// a control pays something else.
    pub fn is_against_the_record(&self) -> bool {
        self.run.reward.control == Control::None
    }

    /// Scores a completion of `length` tokens, where that is known, again. Its advantages follow in [`Self::compare`].
    pub fn row(&self, record: &Rollout, length: Option<usize>) -> Row {
        let tried = self.reward(record, length, &self.tried, &self.trial);
        let before = match self.is_against_the_record() {
            true => Some((record.reward, record.correct)),
            false => self.reward(record, length, &self.run, &Trial::default()),
        };
        let (before, was_right) = before.unwrap_or((record.reward, record.correct));
        let (after, is_right) = tried.unwrap_or((before, was_right));
        Row {
            index: record.index,
            before,
            after,
            scored: tried.is_some(),
            right: (was_right, is_right),
            advantage_before: f64::NAN,
            advantage_after: f64::NAN,
            length,
        }
    }

    /// What a completion earns under rules, and whether it is right; `None` where nobody here can tell.
    fn reward(
        &self,
        record: &Rollout,
        length: Option<usize>,
        rules: &Config,
        trial: &Trial,
    ) -> Option<(f64, Option<bool>)> {
        let penalties = self.penalties(record, length, rules);
        let taken = penalties.values().sum::<f64>();
        if let Some(parts) = &record.rewards {
            let weighed = |(name, value): (&String, &Option<f64>)| Some(trial.weight(name) * (*value)?);
            return Some((parts.iter().filter_map(weighed).sum::<f64>() - taken, record.correct));
        }
        let judged = judge(record, rules)?;
        Some((judged.score.reward - taken, Some(judged.score.correct)))
    }

    /// What is taken off under rules. KL stays as it was measured, and so does the penalty on length as long as its keys
    /// are the run's, as `max_new_tokens` may have been another then, or the length is not known.
    pub fn penalties(&self, record: &Rollout, length: Option<usize>, rules: &Config) -> Penalties {
        let mut penalties = record.penalties.clone();
        let of = |config: &Config| (config.reward.overlong_penalty, config.reward.overlong_buffer);
        if let Some(length) = length.filter(|_| of(rules) != of(&self.run)) {
            let taken = rules.reward.overlong(length, rules.sampling.max_new_tokens);
            penalties.remove(OVERLONG);
            if taken != 0.0 {
                penalties.insert(OVERLONG.to_owned(), taken);
            }
        }
        penalties
    }

    /// Computes the advantages of a whole step: some estimators compare all of its completions. `recorded` are those that
    /// its engine wrote down, beside `groups`.
    pub fn compare(&self, groups: &mut [Vec<Row>], recorded: &[Vec<Option<f64>>]) {
        let known = recorded.iter().flatten().all(Option::is_some);
        if self.is_against_the_record() && known {
            for (row, advantage) in groups.iter_mut().flatten().zip(recorded.iter().flatten()) {
                row.advantage_before = advantage.unwrap_or(f64::NAN);
            }
        } else {
            self.estimate(groups, |row| row.before, |row, advantage| row.advantage_before = advantage);
        }
        if groups.iter().flatten().all(|row| !row.changes()) {
            groups.iter_mut().flatten().for_each(|row| row.advantage_after = row.advantage_before);
        } else {
            self.estimate(groups, |row| row.after, |row, advantage| row.advantage_after = advantage);
        }
    }

    fn estimate(&self, groups: &mut [Vec<Row>], reward: fn(&Row) -> f64, put: fn(&mut Row, f64)) {
        let update = &self.run.update;
        // Some estimators count a completion once for each of its tokens, and not every file tells them.
        let counted = !update.advantage.weighs_tokens()
            || groups.iter().flatten().all(|row| row.length.is_some_and(|length| length > 0));
        let lengths: Vec<Vec<usize>> =
            groups.iter().map(|group| group.iter().map(|row| row.length.unwrap_or(0)).collect()).collect();
        if !self.estimates || !counted {
            return;
        }
        let rewards: Vec<Vec<f64>> = groups.iter().map(|group| group.iter().map(reward).collect()).collect();
        let earned: Vec<Earned<'_>> =
            rewards.iter().zip(&lengths).map(|(rewards, lengths)| Earned { rewards, lengths }).collect();
        let found = update.advantage.advantages(&earned, update.scale_rewards);
        for (row, advantage) in groups.iter_mut().flatten().zip(found.into_iter().flatten()) {
            put(row, advantage);
        }
    }
}

/// How the record's task judges its completion under rules; `None` for a task or a puzzle that is not known here.
pub fn judge(record: &Rollout, rules: &Config) -> Option<Judged> {
    let task = task_of(record)?;
    Some(task.judge(&record.problem.puzzle, &record.completion, &rules.reward.rules()))
}

/// The record's task, where it is one of ours and can read the puzzle.
pub fn task_of(record: &Rollout) -> Option<&'static dyn Task> {
    task::reads(&record.problem).then(|| task::of_record(Some(&record.problem.task)).ok()).flatten()
}

/// What rules change in many completions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Effect {
    /// Completions that were scored again.
    pub scored: usize,
    /// Completions that nobody here can judge.
    pub unread: usize,
    /// Those whose reward changes.
    pub changed: usize,
    /// Those whose advantage changes.
    pub shifted: usize,
    /// Whether any advantage is known.
    pub compared: bool,
    /// Right answers before and after.
    pub right: (usize, usize),
    /// Sum of the rewards before and after, of those that have one.
    pub sum: (f64, f64),
    /// How many have one.
    pub paid: usize,
    /// Groups.
    pub groups: usize,
    /// Groups whose rewards are all equal, before and after.
    pub dead: (usize, usize),
}

impl Effect {
    /// What rules change in a step.
    pub fn of(groups: &[Vec<Row>]) -> Self {
        let mut effect = Self { groups: groups.len(), ..Self::default() };
        for group in groups {
            let rewards = |of: fn(&Row) -> f64| group.iter().map(of).collect::<Vec<f64>>();
            effect.dead.0 += usize::from(is_dead(&rewards(|row| row.before)));
            effect.dead.1 += usize::from(is_dead(&rewards(|row| row.after)));
            for row in group {
                effect.scored += usize::from(row.scored);
                effect.unread += usize::from(!row.scored);
                effect.changed += usize::from(row.changes());
                effect.shifted += usize::from(row.shifts());
                effect.compared |= row.advantage_after.is_finite();
                effect.right.0 += usize::from(row.right.0 == Some(true));
                effect.right.1 += usize::from(row.right.1 == Some(true));
                if row.before.is_finite() && row.after.is_finite() {
                    effect.paid += 1;
                    effect.sum = (effect.sum.0 + row.before, effect.sum.1 + row.after);
                }
            }
        }
        effect
    }

    /// That of both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let pair = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
        Self {
            scored: self.scored + other.scored,
            unread: self.unread + other.unread,
            changed: self.changed + other.changed,
            shifted: self.shifted + other.shifted,
            compared: self.compared || other.compared,
            right: pair(self.right, other.right),
            sum: (self.sum.0 + other.sum.0, self.sum.1 + other.sum.1),
            paid: self.paid + other.paid,
            groups: self.groups + other.groups,
            dead: pair(self.dead, other.dead),
        }
    }

    /// The mean reward before and after; NaN of none.
    pub fn mean(&self) -> (f64, f64) {
        let count = if self.paid == 0 { f64::NAN } else { self.paid as f64 };
        (self.sum.0 / count, self.sum.1 / count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{engine::scripted::Script, record::Analysis};

    fn trial(keys: &[(&'static str, &str)]) -> Trial {
        Trial {
            keys: keys.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            ..Trial::default()
        }
    }

    /// A step of the scripted run, scored again.
    fn step(config: &Config, trial: Trial) -> (Vec<Vec<Row>>, Effect) {
        let script = Script::new(7);
        let records: Vec<Vec<Rollout>> = (0..6).map(|group| script.group(30, group)).collect();
        let rescorer = Rescorer::new(config, trial, true);
        let mut groups: Vec<Vec<Row>> =
            records.iter().map(|group| group.iter().map(|r| rescorer.row(r, r.length())).collect()).collect();
        let recorded: Vec<Vec<Option<f64>>> =
            records.iter().map(|group| group.iter().map(|r| r.advantage).collect()).collect();
        rescorer.compare(&mut groups, &recorded);
        let effect = Effect::of(&groups);
        (groups, effect)
    }

    #[test]
    fn the_rules_of_the_run_give_what_was_recorded() {
        let (groups, effect) = step(&Script::new(7).config, Trial::default());
        assert_eq!(
            (effect.scored, effect.unread, effect.changed, effect.shifted),
            (48, 0, 0, 0),
            "{groups:?}"
        );
        assert_eq!(effect.mean().0, effect.mean().1);
        assert!(effect.compared && effect.right.0 == effect.right.1 && effect.right.0 > 0);
    }

    #[test]
    fn other_rewards_change_those_that_they_are_for_and_the_advantages_of_their_groups() {
        let (groups, effect) = step(&Script::new(7).config, trial(&[("reward_format", "0.4")]));
        for row in groups.iter().flatten() {
            let expected = if row.before == 0.1 { 0.4 } else { row.before };
            assert_eq!(row.after, expected);
        }
        assert!(effect.changed > 0 && effect.right.0 == effect.right.1);
        for group in &groups {
            let sum: f64 = group.iter().map(|row| row.advantage_after).sum();
            assert!(sum.abs() < 1e-9, "compared with the mean of the group");
            let mean: f64 = group.iter().map(|row| row.after).sum::<f64>() / group.len() as f64;
            assert!(group.iter().all(|row| (row.advantage_after - (row.after - mean)).abs() < 1e-9));
        }
    }

    #[test]
    fn the_penalty_on_length_is_the_recorded_one_until_its_keys_change() {
        let run = Config::default().with(["overlong_penalty=0.5", "max_new_tokens=100"]).unwrap();
        let mut record = Script::new(7).rollout(30, 0, 0);
        record.penalties = [("overlong".to_owned(), 0.25), ("kl".to_owned(), 0.01)].into();
        record.reward -= 0.26;
        let same = Rescorer::new(&run, Trial::default(), true);
        assert!(!same.row(&record, Some(100)).changes());
        let other = Rescorer::new(&run, trial(&[("overlong_penalty", "1")]), true);
        let row = other.row(&record, Some(100));
        assert!((row.after - (row.before + 0.25 - 1.0)).abs() < 1e-12, "{row:?}");
        let off = Rescorer::new(&run, trial(&[("overlong_penalty", "0")]), true);
        assert!((off.row(&record, Some(100)).after - (record.reward + 0.25)).abs() < 1e-12, "KL stays");
        assert!(!other.row(&record, None).changes(), "without a length nobody can say what it would be");
    }

    #[test]
    fn a_control_is_compared_with_what_its_rules_would_have_paid() {
        let run = Config::default().with(["control=random-reward"]).unwrap();
        let mut record = Script::new(7).rollout(30, 0, 0);
        record.reward = 0.0;
        record.completion = "<answer>1</answer>".into();
        let row = Rescorer::new(&run, Trial::default(), true).row(&record, Some(9));
        assert_eq!((row.before, row.after, row.changes()), (0.1, 0.1, false));
    }

    #[test]
    fn what_nobody_here_can_judge_stays_and_parts_are_weighed() {
        let mut record = Script::new(7).rollout(30, 0, 0);
        record.problem.task = "poems".into();
        record.analysis = Analysis::default();
        record.reward = 0.7;
        let rescorer = Rescorer::new(&Config::default(), trial(&[("reward_format", "0.4")]), false);
        let row = rescorer.row(&record, Some(9));
        assert_eq!((row.scored, row.before, row.after), (false, 0.7, 0.7));
        record.rewards = Some([("rhyme".to_owned(), Some(0.5)), ("style".to_owned(), None)].into());
        let mut heavy = Trial::default();
        heavy.weights.insert("rhyme".into(), 3.0);
        let row = Rescorer::new(&Config::default(), heavy, false).row(&record, Some(9));
        assert_eq!((row.scored, row.after), (true, 1.5));
        let mut groups = vec![vec![row]];
        Rescorer::new(&Config::default(), Trial::default(), false).compare(&mut groups, &[vec![None]]);
        assert!(groups[0][0].advantage_after.is_nan() && !Effect::of(&groups).compared);
    }
}
