//! A close look at one group of a step, sent again whenever a phase adds results: the completions, their
//! rewards and why, their advantages, and the model's distribution at each token before and after the update.
//!
//! It draws no random numbers and writes nothing, so inspecting a run does not change it. It costs two
//! forward passes over the group (three with a reference), and only while somebody inspects.

use burn::tensor::{Int, Tensor, TensorData, activation};

use super::{control::Control, setup::EngineError, summary};
use crate::protocol::{Event, GroupInspection, Phase, RowInspection, TokenView};
use crate::{
    grpo::{
        explain::{self, SeenRow},
        settings::{Correction, Settings},
        step::{Grpo, Known, ScoredGroup},
        update::batch_size_of,
    },
    model::{
        tokenizer::{StreamingDecoder, Tokenizer},
        transformer::Transformer,
    },
    record::Rollout,
    rollout::RolloutGroup,
};

/// Alternatives sent for each position.
const ALTERNATIVES: usize = 5;
/// Most logits copied to the host at once.
const LOGITS_AT_ONCE: usize = 1 << 22;

impl Known<'_> {
    /// The last phase whose results these are.
    fn phase(self) -> Phase {
        match self {
            Self::Sampled(_) => Phase::Sample,
            Self::Scored(_) => Phase::Score,
            Self::Judged(_) => Phase::Advantage,
            Self::Updated(_) => Phase::Update,
        }
    }

    fn groups(self) -> usize {
        match self {
            Self::Sampled(groups) => groups.len(),
            Self::Scored(groups) => groups.len(),
            Self::Judged(groups) | Self::Updated(groups) => groups.len(),
        }
    }

    fn rollout(&self, group: usize) -> &RolloutGroup {
        match self {
            Self::Sampled(groups) => groups[group],
            Self::Scored(groups) => &groups[group].group,
            Self::Judged(groups) | Self::Updated(groups) => &groups[group].scored.group,
        }
    }

    fn scored(&self, group: usize) -> Option<&ScoredGroup> {
        match self {
            Self::Sampled(_) => None,
            Self::Scored(groups) => Some(&groups[group]),
            Self::Judged(groups) | Self::Updated(groups) => Some(&groups[group].scored),
        }
    }

    fn records(&self, grpo: &Grpo, step: u64, group: usize) -> Vec<Rollout> {
        let task = grpo.task.name();
        match self {
            Self::Sampled(groups) => {
                let rollout = groups[group];
                let text = |tokens: &[u32]| grpo.tokenizer.decode(tokens);
                let texts: Vec<String> = rollout.completions.iter().map(|one| text(&one.tokens)).collect();
                summary::sampled_records(step, task, group, rollout, &texts)
            }
            Self::Scored(groups) => summary::scored_records(step, task, group, &groups[group]),
            Self::Judged(groups) | Self::Updated(groups) => {
                summary::rollout_records(step, task, group, &groups[group])
            }
        }
    }
}

/// Inspects the requested group, as more and more of its step is known.
#[derive(Default)]
pub(crate) struct Inspector {
    /// The last requested group, the number of that request, and what was sent for it.
    told: Option<(usize, u64, GroupInspection)>,
}

impl Inspector {
    /// Sends what is known about the group that [`Control::inspecting`] names, unless it was already sent.
    ///
    /// # Errors
    /// If the device returns no data.
    pub fn look(
        &mut self,
        grpo: &Grpo,
        settings: &Settings,
        step: u64,
        known: Known<'_>,
        control: &Control,
    ) -> Result<(), EngineError> {
        let Some((wanted, request)) = control.inspecting().filter(|_| known.groups() > 0) else {
            return Ok(());
        };
        let earlier = self.told.take().filter(|(asked, _, told)| *asked == wanted && told.step == step);
        if let Some((_, last, told)) = &earlier
            && *last == request
            && told.phase == known.phase()
        {
            self.told = earlier;
            return Ok(());
        }
        let group = wanted.min(known.groups() - 1);
        let earlier = earlier.map(|(.., told)| told.rows).unwrap_or_default();
        let rows = rows(grpo, settings, step, known, group, earlier)?;
        let told = GroupInspection { step, group, groups: known.groups(), phase: known.phase(), rows };
        control.tell(Event::Inspected(Box::new(told.clone())));
        self.told = Some((wanted, request, told));
        Ok(())
    }
}

/// The completions of a group with everything known about them; `earlier` is the view from before the update.
fn rows(
    grpo: &Grpo,
    settings: &Settings,
    step: u64,
    known: Known<'_>,
    group: usize,
    earlier: Vec<RowInspection>,
) -> Result<Vec<RowInspection>, EngineError> {
    let updated = matches!(known, Known::Updated(_));
    let prompt = &known.rollout(group).prompt_tokens;
    let model = grpo.trainer.inference_model();
    let reference = grpo.reference.as_ref().filter(|_| settings.update.has_reference());
    let seen = |model: &Transformer, tokens: &[u32]| {
        look(model, &grpo.tokenizer, prompt, tokens, settings.sampling.temperature)
    };
    let scores = known.scored(group).map(|scored| scored.scores.as_slice()).unwrap_or_default();
    let batch = match known {
        Known::Judged(groups) | Known::Updated(groups) => Some(batch_size_of(settings, step, groups, group)),
        Known::Sampled(_) | Known::Scored(_) => None,
    };
    let mut earlier = earlier.into_iter();
    let mut rows = Vec::new();
    for (index, record) in known.records(grpo, step, group).into_iter().enumerate() {
        let tokens = record.token_ids();
        // A group that was replaced since then is inspected again.
        let mut row = match earlier.next().filter(|earlier| earlier.record.token_ids() == tokens) {
            Some(earlier) => earlier,
            None => RowInspection {
                record: record.clone(),
                score: None,
                pieces: pieces(&grpo.tokenizer, tokens),
                // After the update, the old weights are gone: what sampling recorded stands in for them.
                before: if updated { as_sampled(&record) } else { seen(&model, tokens)? },
                after: Vec::new(),
                reference: match reference {
                    Some(model) => seen(model, tokens)?.iter().map(|token| token.logprob).collect(),
                    None => Vec::new(),
                },
                explained: None,
                explained_after: None,
            },
        };
        if updated {
            row.after = seen(&model, tokens)?;
        }
        let logprobs = |seen: &[TokenView]| -> Vec<f32> { seen.iter().map(|token| token.logprob).collect() };
        let corrected = settings.update.correction != Correction::None;
        let old = if corrected { logprobs(&row.before) } else { Vec::new() };
        let explained = |seen: &[TokenView]| {
            let (logprobs, old) = (logprobs(seen), &old);
            let (sampled, reference, advantage) =
                (record.logprobs(), &row.reference, record.advantage.unwrap_or(0.0));
            let masked = settings.update.mask_truncated && record.truncated;
            let row = SeenRow { logprobs: &logprobs, sampled, old, reference, advantage, batch, masked };
            explain::completion(&row, &settings.update)
        };
        let (before, after) = (explained(&row.before), updated.then(|| explained(&row.after)));
        (row.explained, row.explained_after) = (Some(before), after);
        row.score = scores.get(index).cloned();
        row.record = record;
        rows.push(row);
    }
    Ok(rows)
}

/// What is known about the tokens without another forward pass: no alternatives.
fn as_sampled(record: &Rollout) -> Vec<TokenView> {
    let numbers = record.logprobs().iter().zip(record.entropies());
    numbers.map(|(&logprob, &entropy)| TokenView { logprob, entropy, top: Vec::new() }).collect()
}

/// The distribution of `model` at each token of a completion, at this temperature.
///
/// # Errors
/// If the device returns no data.
pub fn look(
    model: &Transformer,
    tokenizer: &Tokenizer,
    prompt: &[u32],
    tokens: &[u32],
    temperature: f64,
) -> Result<Vec<TokenView>, EngineError> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let device = model.device();
    let read: Vec<i32> = prompt.iter().chain(tokens).map(|&token| token as i32).collect();
    let length = read.len() - 1;
    let input = Tensor::<2, Int>::from_data(TensorData::new(read[..length].to_vec(), [1, length]), &device);
    let hidden = model.hidden(input);
    let vocabulary = model.config.vocab_size;
    let chunk = (LOGITS_AT_ONCE / vocabulary.max(1)).max(1);
    let mut seen = Vec::with_capacity(tokens.len());
    for (number, part) in tokens.chunks(chunk).enumerate() {
        let first = prompt.len() - 1 + number * chunk;
        let logits = model.logits(hidden.clone().narrow(0, first, part.len()));
        let logprobs = activation::log_softmax(logits / temperature.max(1e-6), 1);
        let values = logprobs.into_data().try_to_vec::<f32>();
        let values = values
            .map_err(|error| EngineError::Other(format!("The tokens could not be inspected: {error:?}.")))?;
        for (&token, logprobs) in part.iter().zip(values.chunks_exact(vocabulary)) {
            seen.push(token_view(tokenizer, token, logprobs));
        }
    }
    Ok(seen)
}

fn token_view(tokenizer: &Tokenizer, token: u32, logprobs: &[f32]) -> TokenView {
    let terms = logprobs.iter().map(|&logprob| f64::from(logprob));
    let entropy = -terms.filter(|logprob| logprob.is_finite()).map(|l| l.exp() * l).sum::<f64>();
    let mut order: Vec<u32> = (0..logprobs.len() as u32).collect();
    let likelier = |a: &u32, b: &u32| logprobs[*b as usize].total_cmp(&logprobs[*a as usize]).then(a.cmp(b));
    let count = ALTERNATIVES.min(order.len());
    if count < order.len() {
        order.select_nth_unstable_by(count, likelier);
    }
    order.truncate(count);
    order.sort_by(likelier);
    let top = order.into_iter().map(|other| (piece(tokenizer, other), logprobs[other as usize].exp()));
    TokenView {
        logprob: logprobs.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY),
        entropy: entropy as f32,
        top: top.collect(),
    }
}

/// The text of a single token; the bytes of one that is part of a character.
fn piece(tokenizer: &Tokenizer, token: u32) -> String {
    if tokenizer.end().contains(token) {
        return END.into();
    }
    match tokenizer.decode(&[token]) {
        text if text.contains('\u{fffd}') => tokenizer.in_hexadecimal(token),
        text => text,
    }
}

/// How the end token is shown.
const END: &str = " <end>";

/// The text that each token of a completion adds. A character comes with its last token; those before it are shown as
/// their bytes.
fn pieces(tokenizer: &Tokenizer, tokens: &[u32]) -> Vec<String> {
    let mut decoder = StreamingDecoder::new();
    let text = |&token: &u32| {
        if tokenizer.end().contains(token) {
            return END.into();
        }
        match decoder.push(tokenizer, token) {
            none if none.is_empty() => tokenizer.in_hexadecimal(token),
            text => text,
        }
    };
    tokens.iter().map(text).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Bytes, each of them a token.
    fn bytes() -> Tokenizer {
        let tokens = ["<eos>", "a", "â", "Ĥ", "¬", "Ġ", "Ċ", "Ġthe"];
        let vocabulary: serde_json::Map<String, serde_json::Value> =
            tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id.into())).collect();
        let file = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "added_tokens": [{"id": 0, "content": "<eos>", "special": true, "single_word": false, "lstrip": false,
                              "rstrip": false, "normalized": false}],
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                      "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary,
                      "merges": []},
        });
        Tokenizer::from_bytes(file.to_string().as_bytes(), Path::new("bytes")).unwrap()
    }

    #[test]
    fn a_character_of_several_tokens_comes_with_its_last_and_is_never_garbage() {
        let tokenizer = bytes();
        let shown = pieces(&tokenizer, &[1, 2, 3, 4, 5, 6, 7, 2, 1, 0]);
        assert_eq!(shown[..7], ["a", "\\xE2", "\\x82", "€", " ", "\n", " the"]);
        assert_eq!(shown.last().unwrap(), END);
        assert_eq!(piece(&tokenizer, 3), "\\x82");
        assert_eq!(piece(&tokenizer, 7), " the");
        // Bytes that are no text do not wait for ever.
        let garbage = pieces(&tokenizer, &[2; 20]);
        assert!(garbage.iter().any(|piece| piece.contains('\u{fffd}')), "{garbage:?}");
    }

    #[test]
    fn the_likeliest_of_many_words_are_readable() {
        let view = token_view(&bytes(), 3, &[-9.0, -1.0, -2.0, -9.0, -9.0, -1.5, -1.2, -1.1]);
        let names: Vec<&str> = view.top.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", " the", "\n", " ", "\\xE2"]);
    }
}
