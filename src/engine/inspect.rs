//! A close look at one group of a step: what the model thought at each token, before and after the update.
//!
//! It draws no random numbers and writes nothing: a run that is looked at is the same run. It costs two forward
//! passes over the group (three with a reference), and only while somebody looks.

use burn::tensor::{Int, Tensor, TensorData, activation};

use super::{
    control::Control,
    protocol::{Event, GroupInspection, RowInspection, TokenView},
    setup::EngineError,
    summary,
};
use crate::{
    config::Config,
    grpo::step::{Grpo, JudgedGroup},
    model::transformer::Transformer,
    tokenizer::{StreamingDecoder, Tokenizer},
};

/// Alternatives told for each position.
const ALTERNATIVES: usize = 5;
/// Most logits brought to the host at once.
const LOGITS_AT_ONCE: usize = 1 << 22;

/// A group that is being looked at.
pub struct Inspection {
    wanted: usize,
    prompt: Vec<u32>,
    told: GroupInspection,
}

impl Inspection {
    /// Looks at the group that [`Control::inspecting`] names, with the weights before the update, and tells it.
    /// `earlier` is what was already seen of this step; the same group is not looked at twice.
    ///
    /// # Errors
    /// When the device gives no numbers back.
    pub fn before(
        grpo: &Grpo,
        config: &Config,
        step: u64,
        groups: &[JudgedGroup],
        control: &Control,
        earlier: Option<Self>,
    ) -> Result<Option<Self>, EngineError> {
        let Some(wanted) = control.inspecting().filter(|_| !groups.is_empty()) else { return Ok(None) };
        if earlier.as_ref().is_some_and(|earlier| earlier.wanted == wanted) {
            return Ok(earlier);
        }
        let group = wanted.min(groups.len() - 1);
        let judged = &groups[group];
        let prompt = judged.scored.group.prompt_tokens.clone();
        let model = grpo.trainer.inference_model();
        let reference = grpo.reference.as_ref().filter(|_| config.kl_coef > 0.0);
        let mut rows = Vec::with_capacity(judged.advantages.len());
        for record in summary::rollout_records(step, grpo.task.name(), group, judged) {
            let tokens = &record.token_ids;
            let before = look(&model, &grpo.tokenizer, &prompt, tokens, config.temperature)?;
            let reference = match reference {
                Some(model) => {
                    let seen = look(model, &grpo.tokenizer, &prompt, tokens, config.temperature)?;
                    seen.iter().map(|token| token.logprob).collect()
                }
                None => Vec::new(),
            };
            let pieces = pieces(&grpo.tokenizer, tokens);
            rows.push(RowInspection { record, pieces, before, after: Vec::new(), reference });
        }
        let told = GroupInspection { step, group, rows };
        control.tell(Event::Inspected(Box::new(told.clone())));
        Ok(Some(Self { wanted, prompt, told }))
    }

    /// Looks at the same tokens with the weights after the update, and tells both.
    ///
    /// # Errors
    /// As [`Self::before`].
    pub fn after(mut self, grpo: &Grpo, config: &Config, control: &Control) -> Result<(), EngineError> {
        if control.inspecting().is_none() {
            return Ok(());
        }
        let model = grpo.trainer.inference_model();
        for row in &mut self.told.rows {
            let tokens = &row.record.token_ids;
            row.after = look(&model, &grpo.tokenizer, &self.prompt, tokens, config.temperature)?;
        }
        control.tell(Event::Inspected(Box::new(self.told)));
        Ok(())
    }
}

/// What `model` thinks at each token of a completion, at this temperature.
///
/// # Errors
/// When the device gives no numbers back.
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
        let values = values.map_err(|error| {
            EngineError::Other(format!("The tokens could not be looked at closely: {error:?}."))
        })?;
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

/// The text of one token by itself.
fn piece(tokenizer: &Tokenizer, token: u32) -> String {
    if tokenizer.end().contains(token) { END.into() } else { tokenizer.decode(&[token]) }
}

/// How the end token is shown.
const END: &str = " <end>";

/// The text that each token of a completion adds; a token that ends inside a character adds it with the next.
fn pieces(tokenizer: &Tokenizer, tokens: &[u32]) -> Vec<String> {
    let mut decoder = StreamingDecoder::new();
    let text = |&token: &u32| {
        if tokenizer.end().contains(token) { END.into() } else { decoder.push(tokenizer, token) }
    };
    tokens.iter().map(text).collect()
}
