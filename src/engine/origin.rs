//! Whether a model was made by this program, and so where its answers end.

use std::path::Path;

use super::setup::EngineError;
use crate::{
    grpo::settings::StopAt,
    model::{
        companions::Companions,
        host::{MAX_JSON, read_bounded},
        tokenizer::Tokenizer,
    },
    pretrain::priming::PRIMING_FILE,
    prompt::{PromptStyle, prompt_file},
    runs::state::{STATE_FILE, TrainingState},
    task::FAMILIES,
};

/// The recipe that `pretrain` writes beside the weights.
const RECIPE_FILE: &str = "recipe.json";

/// Whether answers of the model in a folder end right after their closing tag under this `stop`. With `auto`,
/// models of `pretrain` end at the end token that they were trained with, a run's checkpoint ends where the
/// run's answers did, and any other model, which is likely to keep writing, ends after its answer.
pub(crate) fn stops_at_answer(
    stop: StopAt,
    folder: &Path,
    tokenizer_file: &[u8],
    tokenizer: &Tokenizer,
) -> bool {
    match stop {
        StopAt::Answer => true,
        StopAt::End => false,
        StopAt::Auto if folder.join(STATE_FILE).exists() => {
            TrainingState::load(folder).is_ok_and(|state| state.config.reward.stop.is_answer())
        }
        StopAt::Auto => !is_ours(folder, tokenizer_file, tokenizer),
    }
}

/// How the model in a folder is asked under this `prompt`. With `auto`, models of `pretrain` are asked in our words, a
/// run's checkpoint as its run asked it, a primed model as it was primed, and any other model in its own chat template, or in TinyZero's words for base
/// models where it has none.
pub fn prompt_of(
    prompt: &PromptStyle,
    folder: &Path,
    companions: &Companions,
    tokenizer_file: &[u8],
    tokenizer: &Tokenizer,
) -> PromptStyle {
    match prompt {
        PromptStyle::Auto if folder.join(STATE_FILE).exists() => TrainingState::load(folder)
            .map_or(PromptStyle::Ours, |state| state.config.asking.prompt.of_a_run()),
        PromptStyle::Auto if let Some(primed) = primed_prompt(folder) => primed,
        PromptStyle::Auto if is_ours(folder, tokenizer_file, tokenizer) => PromptStyle::Ours,
        PromptStyle::Auto if companions.chat_template().is_some() => PromptStyle::Chat,
        PromptStyle::Auto => PromptStyle::TinyzeroBase,
        chosen => chosen.clone(),
    }
}

/// The text of a prompt that is a file. One that a model inherits from its run (`style` was not `given`) is kept with
/// it.
///
/// # Errors
/// If the file cannot be read.
pub fn prompt_text(
    style: &PromptStyle,
    given: &PromptStyle,
    companions: &Companions,
) -> Result<Option<String>, EngineError> {
    match (style, companions.prompt()) {
        (PromptStyle::File(_), Some(kept)) if style != given => Ok(Some(kept)),
        (PromptStyle::File(path), _) => prompt_file(path).map(Some).map_err(EngineError::Other),
        _ => Ok(None),
    }
}

/// Whether `pretrain` made it: the folder has its recipe, or the vocabulary is one of ours, as in an export.
fn is_ours(folder: &Path, tokenizer_file: &[u8], tokenizer: &Tokenizer) -> bool {
    // Other language models use subword tokens.
    tokenizer.is_word_level()
        || FAMILIES.iter().flat_map(|family| family.bases().map(move |found| (family, found))).any(
            |(family, (level, base))| {
                base.tokenizer == tokenizer_file
                    || family.lessons_at(level, true).tokenizer_json().as_bytes() == tokenizer_file
            },
        )
        || has_recipe(folder)
}

/// How `prime` asked the model in a folder, if it made it.
fn primed_prompt(folder: &Path) -> Option<PromptStyle> {
    let about = read_bounded(&folder.join(PRIMING_FILE), MAX_JSON).ok()?;
    let about: serde_json::Value = serde_json::from_slice(&about).ok()?;
    // Other programs may use this file name too.
    about.get("taught")?;
    Some(PromptStyle::of_word(about["recipe"]["prompt"].as_str()?))
}

fn has_recipe(folder: &Path) -> bool {
    let recipe = read_bounded(&folder.join(RECIPE_FILE), MAX_JSON).ok();
    let recipe = recipe.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    // Other programs may use this file name too.
    recipe
        .is_some_and(|recipe| ["updates", "documents", "corpus"].iter().all(|key| recipe.get(key).is_some()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rollout::budget::tests::characters;

    #[test]
    fn models_from_elsewhere_end_behind_their_answer_and_ours_at_the_end_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let foreign = characters();
        let auto = |file: &[u8], tokenizer: &Tokenizer| stops_at_answer(StopAt::Auto, path, file, tokenizer);
        assert!(auto(b"{}", &foreign));
        for stop in [(StopAt::Answer, true), (StopAt::End, false)] {
            assert_eq!(stops_at_answer(stop.0, path, b"{}", &foreign), stop.1);
        }
        for (_, base) in FAMILIES.iter().flat_map(|family| family.bases()) {
            let ours = Tokenizer::from_bytes(base.tokenizer, Path::new("ours")).unwrap();
            assert!(!auto(base.tokenizer, &ours), "an export of it");
        }
        std::fs::write(path.join(RECIPE_FILE), r#"{"updates": "lots"}"#).unwrap();
        assert!(auto(b"{}", &foreign), "somebody else's recipe");
        std::fs::write(path.join(RECIPE_FILE), include_bytes!("../../assets/recipe.json")).unwrap();
        assert!(!auto(b"{}", &foreign));
        // A checkpoint follows its run; in older versions answers never ended there.
        std::fs::write(path.join(STATE_FILE), "{}").unwrap();
        assert!(!auto(b"{}", &foreign));
    }
}
