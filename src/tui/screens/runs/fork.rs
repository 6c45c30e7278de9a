//! What is typed to fork a run: the step of a checkpoint, and the keys that are to be others.

use crate::{config::Config, runs::overview::Overview, tui::store::shelf::Fork};

/// The word for the last step of the fork, which is no key of the configuration.
const STEPS: &str = "steps";

/// What the line begins with: the last checkpoint.
pub(super) fn beginning(run: &Overview) -> String {
    run.checkpoints.last().map_or_else(String::new, |step| format!("{step} "))
}

/// Reads `30 learning_rate=1e-4 seed=7 steps=130`.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn read(run: &Overview, typed: &str) -> Result<Fork, String> {
    if run.engine.is_some() {
        return Err("only a run of this program can be forked".into());
    }
    let mut words = typed.split_whitespace();
    let step = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| {
        format!("begin with the step of a checkpoint ({})", steps_in_words(&run.checkpoints))
    })?;
    if !run.checkpoints.contains(&step) {
        return Err(format!(
            "there is no checkpoint of step {step}, only {}",
            steps_in_words(&run.checkpoints)
        ));
    }
    let mut config = run.config.as_deref().cloned().unwrap_or_default();
    let (mut keys, mut last_step) = (Vec::new(), None);
    for word in words {
        let (key, value) =
            word.split_once('=').ok_or_else(|| format!("'{word}' is not a setting: write key=value"))?;
        if key == STEPS {
            let last: u64 = value.parse().map_err(|_| format!("{STEPS}={value} is not a number"))?;
            if last <= step {
                return Err(format!("it would end at step {last}, and begins behind step {step}"));
            }
            last_step = Some(last);
            continue;
        }
        set(&mut config, key, value)?;
        keys.push((key.to_owned(), value.to_owned()));
    }
    Ok(Fork { run: run.path.clone(), step, last_step, keys })
}

fn set(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    config.set(key, value).map_err(|error| error.to_string())
}

/// `10, 20 and 30`; of many the last ones.
fn steps_in_words(steps: &[u64]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = steps.iter().rev().take(SHOWN).rev().map(u64::to_string).collect();
    match (shown.as_slice(), steps.len() > SHOWN) {
        ([], _) => "none".to_owned(),
        ([one], _) => one.clone(),
        ([rest @ .., last], false) => format!("{} and {last}", rest.join(", ")),
        ([rest @ .., last], true) => format!("..., {} and {last}", rest.join(", ")),
    }
}
