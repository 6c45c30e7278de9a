//! What the scripted engine plays: puzzles, completions and metrics as functions of seed and step.

use std::path::PathBuf;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::{
    config::{Config, Preset},
    eval::BaseReference,
    metrics::registry,
    protocol::Started,
    reasoning,
    record::{PinnedAnswer, Problem, Rollout, Step},
    task::{NumberPuzzle, Puzzle},
};

const OPENINGS: [&str; 6] = ["first ,", "let me try", "how about", "maybe", "start with", "one idea :"];
const RETRIES: [&str; 5] =
    ["try again :", "let me try another way :", "instead ,", "start over :", "another idea :"];

/// A run as a function: the same step always gives the same answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The configuration that is sent.
    pub config: Config,
}

/// Small draws from one stream.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound.max(1) as u64) as usize
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// One legal attempt: its words, its value, and the expression.
struct Attempt {
    words: String,
    value: i64,
    expression: String,
}

impl Script {
    /// A run with this seed, smaller than a real one. Its displayed configuration does not follow the
    /// defaults, so that pictures of it stay the same.
    pub fn new(seed: u64) -> Self {
        let mut config = Config::default();
        config.update.preset = Preset::DrGrpo;
        config.update.inner_epochs = 1;
        config.watch.price_per_hour = 0.1;
        config.sampling.group_size = 8;
        config.sampling.prompts_per_step = 16;
        config.machine.seed = seed;
        Self { config }
    }

    /// The engine's first event.
    pub fn started(&self, run: PathBuf, step: u64) -> Started {
        Started {
            run,
            config: self.config.clone(),
            step,
            backend: "cpu x2".into(),
            backend_reason: "the scripted engine computes nothing".into(),
            parameters: 810_624,
            base: Some(BaseReference {
                reward: 0.19,
                well_formed: Some(0.91),
                accuracy: 0.11,
                mean_length: 27.0,
                checks: 0.2,
                self_corrections: 0.2,
                self_checking_share: 0.07,
                completions: 1000,
            }),
            forks: Vec::new(),
            pins: None,
            engine: None,
        }
    }

    pub(super) fn dice(&self, step: u64, group: usize, index: usize) -> Dice {
        let place = step.wrapping_mul(1_000_003) + group as u64 * 1009 + index as u64;
        Dice(ChaCha8Rng::seed_from_u64(self.config.machine.seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The policy's progress after `step` steps, from 0 to 1.
    pub(super) fn progress(step: u64) -> f64 {
        1.0 / (1.0 + (-(step as f64 - 20.0) / 5.0).exp())
    }

    /// The puzzle of a prompt.
    pub fn puzzle(&self, step: u64, group: usize) -> Puzzle {
        self.numbers(step, group).into()
    }

    fn numbers(&self, step: u64, group: usize) -> NumberPuzzle {
        let mut dice = self.dice(step, group, 900);
        loop {
            let numbers: Vec<i64> = (0..3).map(|_| 1 + dice.below(20) as i64).collect();
            let attempt = attempt(&numbers, &mut dice);
            if (10..100).contains(&attempt.value) && !numbers.contains(&attempt.value) {
                return NumberPuzzle { numbers, target: attempt.value };
            }
        }
    }

    /// One completion, scored. Its advantage is the plain reward; [`Script::group`] corrects it.
    pub fn rollout(&self, step: u64, group: usize, index: usize) -> Rollout {
        self.answer(step, group, index, self.numbers(step, group))
    }

    fn answer(&self, step: u64, group: usize, index: usize, numbers: NumberPuzzle) -> Rollout {
        let mut dice = self.dice(step, group, index);
        let progress = Self::progress(step);
        let checks = dice.chance(0.07 + 0.88 * progress);
        let longest = if checks { 1 + dice.below(1 + (9.0 * progress) as usize) } else { 1 };
        let mut text = format!(" {}", dice.one_of(&OPENINGS));
        let mut answer = String::new();
        let mut correct = false;
        for number in 0..longest {
            let found = attempt(&numbers.numbers, &mut dice);
            if number > 0 {
                text.push_str(&format!(" {}", dice.one_of(&RETRIES)));
            }
            text.push_str(&format!(" {} .", found.words));
            correct = found.value == numbers.target;
            answer = found.expression;
            if checks {
                text.push_str(&format!(" {}", check(found.value, numbers.target, &mut dice)));
            }
            if correct {
                break;
            }
        }
        let truncated = checks && !correct && longest > 7;
        if !truncated {
            text.push_str(&format!(" </think> <answer> {answer} </answer>"));
        }
        correct &= !truncated;
        let reward = match (correct, truncated) {
            (true, _) => 1.0,
            (false, false) => 0.1,
            (false, true) => 0.0,
        };
        // Each word is a token; equal words have equal ids.
        let number = |word: &str| word.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 10_007);
        let token_ids: Vec<u32> = text.split(' ').map(number).collect();
        let tokens = token_ids.len();
        Rollout {
            step,
            group,
            index,
            problem: Problem {
                task: "countdown".into(),
                prompt: prompt(&numbers),
                puzzle: numbers.clone().into(),
            },
            analysis: reasoning::analyze(&numbers, &text),
            completion: text,
            token_ids: Some(token_ids),
            logprobs: Some(vec![-0.5; tokens]),
            entropies: Some(vec![0.3; tokens]),
            reward,
            penalties: Default::default(),
            rewards: None,
            advantage: Some(reward),
            correct: Some(correct),
            truncated,
        }
    }

    /// The answer to a pinned puzzle after `step` steps: three numbers only.
    pub fn pinned(&self, puzzle: &Puzzle, step: u64) -> PinnedAnswer {
        let numbers = NumberPuzzle::of(puzzle).unwrap_or_default();
        let record = self.answer(step, 700 + numbers.target as usize, 0, numbers);
        PinnedAnswer {
            step,
            task: record.problem.task,
            puzzle: record.problem.puzzle,
            tokens: record.token_ids.map_or(0, |tokens| tokens.len()),
            reward: record.reward,
            correct: record.correct == Some(true),
            truncated: record.truncated,
            analysis: record.analysis,
            completion: record.completion,
        }
    }

    /// The answers to four pinned puzzles, due every fifth step.
    pub fn pins(&self, step: u64) -> Vec<PinnedAnswer> {
        let due = step.is_multiple_of(5);
        (0..4).filter(|_| due).map(|pin| self.pinned(&self.puzzle(0, 800 + pin), step)).collect()
    }

    /// All completions of a prompt with their advantages.
    pub fn group(&self, step: u64, group: usize) -> Vec<Rollout> {
        let mut records: Vec<Rollout> =
            (0..self.config.sampling.group_size).map(|index| self.rollout(step, group, index)).collect();
        let mean = records.iter().map(|record| record.reward).sum::<f64>() / records.len().max(1) as f64;
        for record in &mut records {
            record.advantage = Some(record.reward - mean);
        }
        records
    }

    /// The metrics of a step.
    pub fn metrics(&self, step: u64) -> Step {
        let mut dice = self.dice(step, 999, 0);
        let mut noisy = |value: f64, share: f64| value * (1.0 + share * (dice.unit() - 0.5));
        let progress = Self::progress(step);
        let checks = noisy(0.2 + 5.2 * progress, 0.3);
        let (false_share, superficial_share) = (0.22 - 0.08 * progress, 0.12 - 0.08 * progress);
        let misled_share = 0.04 + 0.04 * progress;
        let mean_length = noisy(26.0 + 96.0 * progress, 0.2);
        let accuracy = noisy(0.11 + 0.25 * progress, 0.3);
        let tokens_per_step = 256.0 * (27.0 + 48.0 * Self::progress(step / 2 + 8));
        Step::new(step)
            .with(&registry::REWARD, accuracy + 0.1 * (1.0 - accuracy))
            .with(&registry::REWARD_STD, 0.3)
            .with(&registry::FRAC_REWARD_ZERO_STD, 0.2)
            .with(&registry::ACCURACY, accuracy)
            .with(&registry::MEAN_LENGTH, mean_length)
            .with(&registry::CLIPPED_RATIO, 0.2 * progress)
            .with(&registry::ENTROPY, noisy(0.3 + 0.06 * progress, 0.1))
            .with(&registry::LOSS, noisy(0.0, 1.0) + 0.000_3 * (step % 3) as f64)
            .with(&registry::GRAD_NORM, noisy(0.4, 0.5))
            .with(&registry::LEARNING_RATE, 4e-4 * (step as f64 / 5.0).min(1.0))
            .with(&registry::NUM_TOKENS, (step as f64 * tokens_per_step) as u64)
            .with(&registry::STEP_TIME, 5.0)
            .with(&registry::CHECKS, checks)
            .with(&registry::TRUE_CHECKS, checks * (1.0 - misled_share - false_share - superficial_share))
            .with(&registry::MISLED_CHECKS, checks * misled_share)
            .with(&registry::FALSE_CHECKS, checks * false_share)
            .with(&registry::SUPERFICIAL_CHECKS, checks * superficial_share)
            .with(&registry::SELF_CORRECTIONS, noisy(0.2 + 2.6 * progress, 0.3))
            .with(&registry::PHRASES, checks * 1.1)
            .with(&registry::SELF_CHECKING_SHARE, 0.07 + 0.86 * progress)
            .with(&registry::BACKTRACKING_SHARE, 0.02 + 0.5 * progress)
            .with(&registry::ARITHMETIC_RIGHT, 0.98)
            .with(&registry::FAITHFUL_SHARE, Some(0.9 + 0.06 * progress))
            .with(&registry::TIME_SAMPLE, 3.0)
            .with(&registry::TIME_UPDATE, 1.8)
            .with(&registry::SAMPLE_TOKENS_PER_SECOND, noisy(9_800.0, 0.1))
            .with(&registry::UPDATE_TOKENS_PER_SECOND, noisy(12_100.0, 0.1))
            .with(&registry::FLOPS, step as f64 * tokens_per_step * 810_624.0 * 8.0)
            .with(&registry::POLICY_VERSION, step.saturating_sub(1))
    }
}

fn prompt(puzzle: &NumberPuzzle) -> String {
    let numbers: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
    format!("use {} make {} : <think>", numbers.join(" "), puzzle.target)
}

/// Two steps over three numbers, every result in 1..100.
fn attempt(numbers: &[i64], dice: &mut Dice) -> Attempt {
    let mut order = numbers.to_vec();
    for place in (1..order.len()).rev() {
        order.swap(place, dice.below(place + 1));
    }
    let mut value = order[0];
    let mut expression = order[0].to_string();
    let mut words = String::new();
    for &next in &order[1..] {
        let (left, operator, right, result) = operate(value, next, dice);
        let comma = if words.is_empty() { "" } else { " , " };
        words.push_str(&format!("{comma}{left} {operator} {right} = {result}"));
        expression = if left == value && right == next {
            format!("( {expression} ) {operator} {next}")
        } else {
            format!("{next} {operator} ( {expression} )")
        };
        value = result;
    }
    Attempt { words, value, expression }
}

fn operate(a: i64, b: i64, dice: &mut Dice) -> (i64, char, i64, i64) {
    let (large, small) = (a.max(b), a.min(b));
    match dice.below(4) {
        0 if a * b < 100 => (a, '*', b, a * b),
        1 if large > small => (large, '-', small, large - small),
        2 if large % small == 0 => (large, '/', small, large / small),
        _ if a + b < 100 => (a, '+', b, a + b),
        _ => (large, '-', small, (large - small).max(1)),
    }
}

/// A check of a value in the corpus's words, occasionally wrong or empty.
fn check(value: i64, target: i64, dice: &mut Dice) -> String {
    if value == target {
        return [format!("check : {value} = {target} , yes ."), format!("verify : {value} , right .")]
            [dice.below(2)]
        .clone();
    }
    let side = match (value > target) ^ dice.chance(0.12) {
        true => "high",
        false => "low",
    };
    match dice.below(6) {
        0 => format!("check : {value} is not {target} ."),
        1 => format!("verify : {value} , too {side} ."),
        2 => format!("wait , that is {value} , not {target} ."),
        3 => format!("hmm , {value} is too {side} ."),
        4 => format!("no , {value} is not {target} ."),
        _ => "that is not right .".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_same_step_always_gives_the_same_answers_and_seeds_differ() {
        let (one, same, other) = (Script::new(7), Script::new(7), Script::new(8));
        assert_eq!(one.group(12, 3), same.group(12, 3));
        assert_eq!(one.metrics(12), same.metrics(12));
        assert_ne!(one.group(12, 3), other.group(12, 3));
    }

    #[test]
    fn the_story_is_told() {
        let script = Script::new(7);
        let checks = |step| {
            let groups = (0..16).flat_map(|group| script.group(step, group));
            let counts: Vec<usize> = groups.map(|record| record.analysis.true_checks).collect();
            counts.iter().sum::<usize>() as f64 / counts.len() as f64
        };
        assert!(checks(40) > 10.0 * checks(1), "{} {}", checks(1), checks(40));
        let advantages: f64 = script.group(30, 0).iter().map(|record| record.advantage()).sum();
        assert!(advantages.abs() < 1e-9);
    }
}
