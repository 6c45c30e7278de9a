//! One step of Group Relative Policy Optimization, phase by phase.
//!
//! Read it from top to bottom: [`step`] is the order of the phases, and [`Grpo`]'s methods are what each does: sample,
//! score, advantage, and, in [`update`](super::update), update. Training, `replay` and `bench` all run this one; they
//! differ in their [`Driver`], which may end it between any two phases. Deviations from the papers are stated where they
//! are made.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    advantage::Earned,
    batching::Wanted,
    penalties::penalties,
    settings::Settings,
    update::{Progress, UpdateReport},
};
use crate::{
    metrics::spread::{is_no_spread, standard_deviation},
    model::{
        tokenizer::{Tokenizer, TokenizerError},
        trainer::{Trainer, UpdateError},
        transformer::Transformer,
    },
    prompt,
    reasoning::Analysis,
    record::{Penalties, phase::Phase},
    rollout::{
        RolloutGroup,
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    task::{Puzzle, Score, Split, Task},
};

/// One step, whoever drives it. `None` if the driver ended it before its update: nothing has changed then.
///
/// # Errors
/// The driver's own, and what it makes of a prompt that cannot be encoded.
pub fn step<D: Driver>(driver: &mut D, settings: &Settings, step: u64) -> Result<Option<Done>, D::Error> {
    let Some(batch) = rollout(driver, settings, step)? else { return Ok(None) };

    driver.begins(Phase::Update);
    let gate = driver.gate();
    let update = match driver.grpo().update(settings, step, &batch.groups, &gate) {
        Ok(update) => update,
        Err(UpdateError::Interrupted) => return Ok(None),
        // The weights are the last good ones; the step counts, without an update.
        Err(error @ UpdateError::NotFinite { .. }) => {
            driver.refused(error)?;
            UpdateReport { grad_norm: f64::NAN, ..UpdateReport::default() }
        }
    };
    // The weights are those after this step: it is not ended any more.
    driver.over(Known::Updated(&batch.groups))?;
    Ok(Some(Done { batch, update }))
}

/// The first half of a step, which changes no weights: sample, score, advantage. `None` if the driver ended it.
///
/// # Errors
/// As [`step`].
pub fn rollout<D: Driver>(driver: &mut D, settings: &Settings, step: u64) -> Result<Option<Batch>, D::Error> {
    driver.grpo().choose_reference(settings, step);
    let mut draws = Draws::of(settings, step);
    let mut groups: Vec<ScoredGroup> = Vec::new();
    let mut replaced_tokens = 0;
    // All groups are new at first; those that `batching` wants to have replaced are drawn again.
    let mut new: Vec<usize> = (0..settings.sampling.prompts_per_step).collect();
    while !new.is_empty() {
        let round = driver.grpo().draw(&mut draws, new);
        driver.begins(Phase::Sample);
        let observer = driver.watch(&round);
        let Some(sampled) = driver.grpo().sample(settings, step, &round, &observer)? else { return Ok(None) };
        drop(observer);
        let mut known: Vec<&RolloutGroup> = groups.iter().map(|group| &group.group).collect();
        place(&mut known, &round.slots, &sampled);
        if !driver.over(Known::Sampled(&known))? {
            return Ok(None);
        }

        driver.begins(Phase::Score);
        let scored = driver.grpo().score(settings, step, &mut draws, sampled);
        let replaced = round.slots.iter().filter_map(|&slot| groups.get(slot));
        replaced_tokens += replaced.map(|group| group.group.tokens()).sum::<usize>();
        place(&mut groups, &round.slots, scored);
        if !driver.over(Known::Scored(&groups))? {
            return Ok(None);
        }
        let wanted = Wanted { groups: settings.sampling.prompts_per_step, drawn: draws.drawn };
        new = settings.sampling.batching.replaced(&groups, wanted);
    }

    driver.begins(Phase::Advantage);
    let batch = Batch { groups: advantage(settings, groups), drawn: draws.drawn, replaced_tokens };
    Ok(driver.over(Known::Judged(&batch.groups))?.then_some(batch))
}

/// The driver of a step: it is notified of each phase, and may end the step between two phases or within one.
pub trait Driver {
    /// What it fails with.
    type Error: From<TokenizerError>;
    /// Watches completions being written, from the workers' threads.
    type Watch: Observer;
    /// Asked before each micro-batch of an update, from the workers' threads; `false` ends the step.
    type Gate: Fn(Progress) -> bool + Sync;

    /// What is trained.
    fn grpo(&mut self) -> &mut Grpo;
    /// A phase begins. Sample and score come again where groups are replaced.
    fn begins(&mut self, phase: Phase);
    /// These prompts are about to be answered.
    fn watch(&mut self, round: &Round) -> Self::Watch;
    /// The update is about to be made.
    fn gate(&mut self) -> Self::Gate;
    /// An update that would have spoilt the weights was not made.
    ///
    /// # Errors
    /// Where that ends it.
    fn refused(&mut self, error: UpdateError) -> Result<(), Self::Error>;
    /// A phase is over. `false` ends the step; after the update it is too late for that.
    ///
    /// # Errors
    /// The driver's own.
    fn over(&mut self, known: Known<'_>) -> Result<bool, Self::Error>;
}

/// What is known of a step's groups when a phase is over.
#[derive(Clone, Copy)]
pub enum Known<'a> {
    /// Their completions.
    Sampled(&'a [&'a RolloutGroup]),
    /// Their rewards too.
    Scored(&'a [ScoredGroup]),
    /// Their advantages too.
    Judged(&'a [JudgedGroup]),
    /// All of it, and the weights have changed.
    Updated(&'a [JudgedGroup]),
}

/// A finished step.
#[derive(Debug, Clone)]
pub struct Done {
    /// What it was trained on.
    pub batch: Batch,
    /// What the update measured.
    pub update: UpdateReport,
}

/// What a step trains on.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its groups.
    pub groups: Vec<JudgedGroup>,
    /// Prompts that were drawn for it.
    pub drawn: usize,
    /// Tokens of the groups that were replaced, a prompt once for each of its completions.
    pub replaced_tokens: usize,
}

/// Prompts of a step that are answered together.
#[derive(Debug, Clone)]
pub struct Round {
    /// Which group of the step each is.
    pub slots: Vec<usize>,
    /// The problems.
    pub puzzles: Vec<Puzzle>,
    /// Prompts of the step that were drawn before.
    drawn_before: usize,
}

/// A group after the score phase: parallel to `group.completions`.
#[derive(Debug, Clone)]
pub struct ScoredGroup {
    /// The completions.
    pub group: RolloutGroup,
    /// Their text.
    pub texts: Vec<String>,
    /// What the task says of each.
    pub scores: Vec<Score>,
    /// What each earns: the score's reward, or what a control makes of it, and the penalties taken off.
    pub rewards: Vec<f64>,
    /// What was taken off each.
    pub penalties: Vec<Penalties>,
    /// KL of each to the reference, summed over its tokens as they were sampled; `None` where it is not measured so.
    pub kl: Option<Vec<f64>>,
    /// The reasoning found in each. Never looked at by the reward.
    pub analyses: Vec<Analysis>,
}

impl ScoredGroup {
    /// The rewards as they were before the penalties.
    pub(crate) fn unpenalized(&self) -> Vec<f64> {
        let taken = |penalties: &Penalties| penalties.values().sum::<f64>();
        self.rewards
            .iter()
            .zip(&self.penalties)
            .map(|(reward, penalties)| reward + taken(penalties))
            .collect()
    }
}

/// A group after the advantage phase.
#[derive(Debug, Clone)]
pub struct JudgedGroup {
    /// As scored.
    pub scored: ScoredGroup,
    /// The advantage of each completion.
    pub advantages: Vec<f64>,
    /// Standard deviation of the group's rewards.
    pub reward_std: f64,
}

impl JudgedGroup {
    /// Whether all rewards are equal, so that comparing them teaches nothing.
    pub(crate) fn is_dead(&self) -> bool {
        is_no_spread(self.reward_std)
    }
}

/// The policy, what it is trained on and how.
pub struct Grpo {
    /// Asks and scores.
    pub task: Box<dyn Task>,
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    /// The policy and its optimizer.
    pub trainer: Trainer,
    /// The model that KL is measured against; there from the first step on that measures it.
    pub reference: Option<Transformer>,
}

/// The generators of a step, which depend on the seed and the step alone.
struct Draws {
    puzzles: ChaCha8Rng,
    coin: ChaCha8Rng,
    /// Prompts drawn so far.
    drawn: usize,
}

impl Draws {
    fn of(settings: &Settings, step: u64) -> Self {
        let generator = |salt: u64| generator(settings.seed, salt, step);
        Self { puzzles: generator(0x70757a7a6c65), coin: generator(0x636f696e), drawn: 0 }
    }
}

/// Random numbers for one purpose within one step.
pub(super) fn generator(seed: u64, salt: u64, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ salt);
    rng.set_stream(step);
    rng
}

impl Grpo {
    /// Draws a puzzle from the train side of the split for each of these groups.
    fn draw(&self, draws: &mut Draws, slots: Vec<usize>) -> Round {
        let drawn_before = draws.drawn;
        draws.drawn += slots.len();
        let puzzles = slots.iter().map(|_| self.task.draw(Split::Train, &mut draws.puzzles)).collect();
        Round { slots, puzzles, drawn_before }
    }

    /// **Sample.** The policy writes `group_size` completions for each puzzle. `None` if the observer ended it.
    fn sample(
        &self,
        settings: &Settings,
        step: u64,
        round: &Round,
        observer: &dyn Observer,
    ) -> Result<Option<Vec<RolloutGroup>>, TokenizerError> {
        let mut groups = Vec::with_capacity(round.puzzles.len());
        for puzzle in &round.puzzles {
            let (prompt, prompt_tokens) = prompt::encode(self.task.as_ref(), puzzle, &self.tokenizer)?;
            let puzzle = puzzle.clone();
            groups.push(RolloutGroup { puzzle, prompt, prompt_tokens, completions: Vec::new() });
        }
        let options = SamplingOptions::new(
            &self.tokenizer,
            settings.sampling.temperature,
            settings.sampling.max_new_tokens,
            settings.reward.stop.is_answer(),
        );
        // A number for every completion of the run, those included that are replaced.
        let row = |draw: usize, i: usize| step << 32 | (draw << 16 | i) as u64;
        let requests: Vec<Request<'_>> = (round.drawn_before..)
            .zip(&groups)
            .flat_map(|(draw, group)| {
                (0..settings.sampling.group_size).map(move |i| Request {
                    prompt: &group.prompt_tokens,
                    seed: RowSeed { run: settings.seed, row: row(draw, i) },
                })
            })
            .collect();
        let model = self.trainer.inference_model();
        let written = sampler::sample(&model, &requests, options, self.trainer.workers(), observer);
        let Some(mut written) = written.map(Vec::into_iter) else { return Ok(None) };
        for group in &mut groups {
            group.completions = written.by_ref().take(settings.sampling.group_size).collect();
        }
        Ok(Some(groups))
    }

    /// **Score.** The task looks at the answers, and at nothing else; what the settings take off for other reasons is
    /// written down by name. The analysis reads the same texts for the charts; no number of it goes any further than the
    /// journal.
    fn score(
        &self,
        settings: &Settings,
        step: u64,
        draws: &mut Draws,
        groups: Vec<RolloutGroup>,
    ) -> Vec<ScoredGroup> {
        let rules = settings.reward.rules();
        let score_group = |group: RolloutGroup| {
            let texts: Vec<String> =
                group.completions.iter().map(|c| self.tokenizer.decode(&c.tokens)).collect();
            let scores: Vec<Score> =
                texts.iter().map(|t| self.task.score(&group.puzzle, t, &rules)).collect();
            let analyses =
                texts.iter().map(|t| self.task.analyze_graded(&group.puzzle, t, rules.answer)).collect();
            let mut rewards: Vec<f64> = scores.iter().map(|s| s.reward).collect();
            settings.reward.control.apply(&mut rewards, &mut draws.coin);
            let kl = self.kl_of_samples(settings, step, &group);
            let penalties = penalties(settings, &group, kl.as_deref());
            for (reward, taken) in rewards.iter_mut().zip(&penalties) {
                *reward -= taken.values().sum::<f64>();
            }
            ScoredGroup { group, texts, scores, rewards, penalties, kl, analyses }
        };
        groups.into_iter().map(score_group).collect()
    }
}

/// **Advantage.** Each completion is compared with others; there is no value network.
fn advantage(settings: &Settings, groups: Vec<ScoredGroup>) -> Vec<JudgedGroup> {
    let lengths: Vec<Vec<usize>> = groups.iter().map(|scored| scored.group.lengths()).collect();
    let earned: Vec<Earned<'_>> = groups
        .iter()
        .zip(&lengths)
        .map(|(scored, lengths)| Earned { rewards: &scored.rewards, lengths })
        .collect();
    let advantages = settings.update.advantage.advantages(&earned, settings.update.scale_rewards);
    let judge = |(scored, advantages): (ScoredGroup, Vec<f64>)| {
        let reward_std = standard_deviation(&scored.rewards);
        JudgedGroup { scored, advantages, reward_std }
    };
    groups.into_iter().zip(advantages).map(judge).collect()
}

/// Puts new groups in their places; at first there is nothing in them.
fn place<T>(groups: &mut Vec<T>, slots: &[usize], new: impl IntoIterator<Item = T>) {
    for (&slot, group) in slots.iter().zip(new) {
        match groups.get_mut(slot) {
            Some(old) => *old = group,
            None => groups.push(group),
        }
    }
}
