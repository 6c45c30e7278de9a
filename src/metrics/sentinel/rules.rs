//! The rules: when a danger begins, when it ends, and what to try.

use super::{Fall, Sentinel, Settings, WINDOW, mean};
use crate::metrics::format;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is explained by its name and its rule")]
pub enum Danger {
    DeadGroups,
    EntropyCollapse,
    EntropyExplosion,
    Truncation,
    Loops,
    LengthCollapse,
    ArithmeticDecay,
    RewardWithoutAccuracy,
    UnsupportedAnswers,
    CopiedAnswers,
    KlRunaway,
    FailedUpdate,
}

impl Danger {
    /// All dangers, in the order in which they are judged.
    pub const ALL: [Danger; 12] = [
        Danger::FailedUpdate,
        Danger::DeadGroups,
        Danger::EntropyCollapse,
        Danger::EntropyExplosion,
        Danger::Truncation,
        Danger::Loops,
        Danger::LengthCollapse,
        Danger::ArithmeticDecay,
        Danger::RewardWithoutAccuracy,
        Danger::UnsupportedAnswers,
        Danger::CopiedAnswers,
        Danger::KlRunaway,
    ];

    /// Its name, with which a warning begins.
    pub fn name(self) -> &'static str {
        match self {
            Danger::DeadGroups => "Dead groups",
            Danger::EntropyCollapse => "Entropy collapse",
            Danger::EntropyExplosion => "Entropy explosion",
            Danger::Truncation => "Answers cut off",
            Danger::Loops => "Repetition loops",
            Danger::LengthCollapse => "Length collapse",
            Danger::ArithmeticDecay => "Arithmetic decay",
            Danger::RewardWithoutAccuracy => "Reward without accuracy",
            Danger::UnsupportedAnswers => "Answers without a calculation",
            Danger::CopiedAnswers => "Copied answers",
            Danger::KlRunaway => "KL runaway",
            Danger::FailedUpdate => "Failed update",
        }
    }
}

/// The finding of a rule.
pub(super) struct Finding<'a> {
    pub raises: bool,
    pub over: bool,
    /// Worded on demand: most steps of most runs have nothing to report.
    pub words: Box<dyn Fn() -> Words + 'a>,
}

/// A finding in sentences.
pub(super) struct Words {
    pub evidence: String,
    pub advice: String,
}

/// Judges one danger; `None` while there is too little data. Long because it is a table: one arm a danger, so that the
/// thresholds and the advice can be compared.
pub(super) fn judge<'a>(s: &'a Sentinel, danger: Danger, config: &'a Settings) -> Option<Finding<'a>> {
    let percent = format::percent;
    match danger {
        Danger::DeadGroups => {
            let (dead, accuracy) = (s.now(|p| p.dead_groups)?, s.now(|p| p.accuracy)?);
            found(dead >= 0.8, dead < 0.65, move || Words {
                evidence: format!(
                    "in {}, {} of the groups were dead: equal rewards teach nothing ({} of the answers were right).",
                    s.span(),
                    percent(dead),
                    percent(accuracy)
                ),
                advice: if accuracy > 0.8 {
                    "Nearly everything is solved: start a run with a harder level.".to_owned()
                } else {
                    let easier =
                        "if nothing is ever right, start a run with an easier level or a larger group_size.";
                    match warmer(config, 0.2) {
                        Some(warmer) => format!("Try {warmer}; {easier}"),
                        None => upper_first(easier),
                    }
                },
            })
        }
        Danger::EntropyCollapse => {
            let (now, before) = (s.now(|p| p.entropy)?, s.before(|p| p.entropy)?);
            found(now < 0.15 * before, now > 0.25 * before, move || Words {
                evidence: entropy_then_and_now(s, now, before),
                advice: format!(
                    "The policy has stopped exploring. {} Or raise clip_eps_high above {}.",
                    slower(config),
                    config.clip_eps_high
                ),
            })
        }
        Danger::EntropyExplosion => {
            let (now, before) = (s.now(|p| p.entropy)?, s.before(|p| p.entropy)?);
            let raises = now > 2.5 * before && now > before + 0.3;
            found(raises, now < 2.0 * before || now < before + 0.2, move || Words {
                evidence: entropy_then_and_now(s, now, before),
                advice: format!("The policy is turning into noise. {}", slower(config)),
            })
        }
        Danger::Truncation => {
            let now = s.now(|p| p.truncated)?;
            found(now >= 0.5, now < 0.35, move || Words {
                evidence: format!(
                    "in {}, {} of the completions were cut off and earned nothing.",
                    s.span(),
                    percent(now)
                ),
                advice: format!(
                    "Try max_new_tokens={}.",
                    config.max_new_tokens.saturating_add((config.max_new_tokens / 2).max(1))
                ),
            })
        }
        Danger::Loops => {
            let now = s.now(|p| p.loops)?;
            found(now >= 0.2, now < 0.1, move || Words {
                evidence: format!(
                    "in {}, {} of the completions repeated the same tokens at least three times in a row.",
                    s.span(),
                    percent(now)
                ),
                advice: match warmer(config, 0.1) {
                    Some(warmer) => {
                        format!("Read some in Transcripts. Try {warmer}, or {}", lower_first(&slower(config)))
                    }
                    None => format!("Read some in Transcripts. {}", slower(config)),
                },
            })
        }
        Danger::LengthCollapse => {
            let (now, accuracy) = (s.now(|p| p.length)?, s.now(|p| p.accuracy)?);
            let before = s.before(|p| p.length)?;
            let (longest, then) = s.longest?;
            // Shorter answers that are right as often are not a collapse.
            let shrunk = now < 0.4 * longest && accuracy < then - 0.05;
            let over = now > 0.5 * before && (now > 0.5 * longest || accuracy >= then);
            found(now < 0.4 * before || shrunk, over, move || Words {
                evidence: format!(
                    "in {}, the mean length was {now:.0} tokens, {before:.0} at the start and {longest:.0} at its \
                     peak; {} right now, {} then.",
                    s.span(),
                    percent(accuracy),
                    percent(then)
                ),
                advice: format!(
                    "{} Check that reward_format ({}) does not reward guessing.",
                    slower(config),
                    config.reward_format
                ),
            })
        }
        Danger::ArithmeticDecay => {
            let (now, before) = (s.now(|p| p.arithmetic)?, s.before(|p| p.arithmetic)?);
            found(now < before - 0.15, now > before - 0.1, move || Words {
                evidence: format!(
                    "in {}, {} of the written calculations were right, {} at the start.",
                    s.span(),
                    percent(now),
                    percent(before)
                ),
                advice: format!(
                    "The reward sees only the answer, so wrong steps cost nothing. {} Or kl_coef=0.04, which keeps \
                     the policy near its current state.",
                    slower(config)
                ),
            })
        }
        Danger::RewardWithoutAccuracy => reward_without_accuracy(s, config),
        Danger::UnsupportedAnswers => {
            let (now, before) = (s.now(|p| p.unsupported)?, s.before(|p| p.unsupported).unwrap_or(0.0));
            found(now >= 0.2 + before, now < 0.1 + before, move || Words {
                evidence: format!(
                    "in {}, {} of the right answers had no right calculation before them, {} at the start.",
                    s.span(),
                    percent(now),
                    percent(before)
                ),
                advice: "The thought does not support them. Read some in Transcripts.".to_owned(),
            })
        }
        Danger::CopiedAnswers => {
            let now = s.now(|p| p.copied)?;
            found(now >= 0.2, now < 0.1, move || Words {
                evidence: format!(
                    "in {}, {} of the right answers were copied word for word from the prompt.",
                    s.span(),
                    percent(now)
                ),
                advice: "Change the prompt so that it does not contain the answer.".to_owned(),
            })
        }
        Danger::KlRunaway => {
            let now = s.now(|p| p.kl)?;
            found(now > 2.0, now < 1.5, move || Words {
                evidence: format!("in {}, KL to the reference was {now:.2} nats per token.", s.span()),
                advice: format!(
                    "Try kl_coef={}, or {}",
                    (config.kl_coef * 2.0).max(0.01),
                    lower_first(&slower(config))
                ),
            })
        }
        Danger::FailedUpdate => {
            let failed = s.recent.iter().rev().find(|p| p.failed).map(|p| p.step);
            found(failed.is_some(), failed.is_none() && s.recent.len() == WINDOW, move || Words {
                evidence: match failed {
                    Some(step) => {
                        format!("at step {step} the loss, the gradient or a measurement was not finite.")
                    }
                    None => format!("in {}, everything was finite.", s.span()),
                },
                advice: match config.max_grad_norm {
                    0.0 => format!("{} Or turn on clipping with max_grad_norm=1.", slower(config)),
                    _ => format!("{} Or lower max_grad_norm.", slower(config)),
                },
            })
        }
    }
}

fn found<'a>(raises: bool, over: bool, words: impl Fn() -> Words + 'a) -> Option<Finding<'a>> {
    Some(Finding { raises, over, words: Box::new(words) })
}

fn reward_without_accuracy<'a>(s: &'a Sentinel, config: &'a Settings) -> Option<Finding<'a>> {
    if config.control {
        // In a control, the reward is not meant to depend on the answer.
        return None;
    }
    let (reward, accuracy) = (s.now(|p| p.reward)?, s.now(|p| p.accuracy)?);
    let accuracy_before = s.before(|p| p.accuracy)?;
    let reward_before =
        (s.since_reward_edit.len() == WINDOW).then(|| mean(s.since_reward_edit.iter().copied())).flatten()?;
    let scale = config.reward_correct.abs().max(config.reward_format.abs());
    // Three standard errors of a share near one tenth over 5 x 256 answers are below .03 of the scale.
    let raises = reward > reward_before + 0.05 * scale && accuracy <= accuracy_before + 0.01;
    let over = accuracy > accuracy_before + 0.03 || reward < reward_before + 0.02 * scale;
    found(raises, over, move || Words {
        evidence: format!(
            "in {}, the reward was {} (start {}) while {} of the answers were right (start {}).",
            s.span(),
            format::value(reward),
            format::value(reward_before),
            format::percent(accuracy),
            format::percent(accuracy_before)
        ),
        advice: match config.reward_format {
            0.0 => "The reward does not come from right answers. Read some in Transcripts.".to_owned(),
            format => format!(
                "The reward does not come from right answers, perhaps from form alone. Try reward_format={}.",
                format / 2.0
            ),
        },
    })
}

fn entropy_then_and_now(s: &Sentinel, now: f64, before: f64) -> String {
    format!(
        "in {}, entropy was {} nats per token, {} at the start.",
        s.span(),
        format::value(now),
        format::value(before)
    )
}

/// Advice for a policy that one update has ruined.
pub(super) fn against_fall(fall: Fall, config: &Settings) -> String {
    let Fall { step, before, since: (sum, steps) } = fall;
    format!(
        "The policy collapsed with the update of step {step}: the reward was {} before it and {} since. A learning_rate of \
         {:e} is too high. What it learned is lost: fork from a checkpoint before step {step}. {}",
        format::value(before),
        format::value(sum / f64::from(steps)),
        config.learning_rate,
        slower(config)
    )
}

/// Advises half the learning rate, or the usual one if the rate is far above it.
fn slower(config: &Settings) -> String {
    let usual = config.usual_learning_rate;
    match config.learning_rate {
        0.0 => "The learning rate is already 0: the problem is older.".to_owned(),
        rate if rate > 10.0 * usual => format!("Try learning_rate={usual:e}."),
        rate => format!("Try learning_rate={:e}.", rate / 2.0),
    }
}

/// The highest temperature ever advised.
const WARMEST: f64 = 1.5;

/// A temperature raised by `by`; `None` if it is already as high as advised.
fn warmer(config: &Settings, by: f64) -> Option<String> {
    // Rounded to one decimal, as it is written.
    let warmer = (10.0 * (config.temperature + by).min(WARMEST)).round() / 10.0;
    (warmer > config.temperature).then(|| format!("temperature={warmer:.1}"))
}

fn upper_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn lower_first(sentence: &str) -> String {
    match sentence.strip_prefix("Try ") {
        Some(rest) => rest.to_owned(),
        None => sentence.replacen("The ", "the ", 1),
    }
}
