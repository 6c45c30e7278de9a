//! The numbers of the token under the cursor.

use ratatui::text::Line;

use super::{lens::newest, result::points, tokens::visible};
use crate::{
    protocol::{RowInspection, TokenView},
    record::{Rollout, explain::Explanation},
    tui::{
        shell::theme::Theme,
        widgets::{lines::span, wrap},
    },
};

/// The numbers of the token under the cursor.
pub struct Reading<'a> {
    pub(super) record: &'a Rollout,
    pub(super) seen: Option<&'a RowInspection>,
    pub(super) pieces: &'a [String],
    pub(super) token: usize,
    pub(super) exact: bool,
    /// Whether the advantages are known.
    pub(super) judged: bool,
    /// Whether the run's engine shows a group closely when it is asked.
    pub(super) inspects: bool,
    pub(super) width: u16,
}

impl Reading<'_> {
    pub(super) fn out(&self, theme: &Theme) -> Vec<Line<'static>> {
        let narrow = self.width < 60;
        // A space between every two tokens, as in a vocabulary of words, tells nothing.
        let words = self.pieces.iter().all(|piece| piece.starts_with(' '))
            || self.pieces.iter().rev().skip(1).all(|piece| piece.ends_with(' '));
        let named = |piece: &str, most: usize| -> String {
            let piece = if words { piece.trim_matches(' ') } else { piece };
            format!("\"{}\"", visible(piece, theme).chars().take(most).collect::<String>())
        };
        let piece = self.pieces.get(self.token).map_or_else(String::new, |piece| named(piece, 16));
        let name = format!("{}/{} {piece}", self.token + 1, self.pieces.len());
        if !self.exact {
            let why =
                "Token borders are not recorded: each word has the mean colour of the tokens near its place.";
            let mut lines = vec![Line::from(span(name, theme.accent))];
            lines.extend(wrap::wrap(&[span(why, theme.dim)], self.width));
            return lines;
        }
        let number = |values: &[f32]| values.get(self.token).map_or(f64::NAN, |&value| f64::from(value));
        let (then, entropy) = (number(self.record.logprobs()), number(self.record.entropies()));
        let first = match (narrow, then.is_nan()) {
            (true, true) => "  p not recorded".to_owned(),
            (true, false) if entropy.is_nan() => format!("  p {:.3}", then.exp()),
            (true, false) => format!("  p {:.3} H {entropy:.2}", then.exp()),
            (false, true) => "  probability not recorded".to_owned(),
            (false, false) => {
                let entropy = match entropy.is_nan() {
                    true => "unknown".to_owned(),
                    false => format!("{entropy:.3} nats"),
                };
                format!("  sampled with p {:.4} (log {then:.3}), entropy {entropy}", then.exp())
            }
        };
        let advantage = match !narrow && self.judged {
            true if self.record.advantage().is_nan() => ", advantage unknown".to_owned(),
            true => format!(", advantage {:+.3}", self.record.advantage()),
            false => String::new(),
        };
        let mut lines =
            vec![Line::from(vec![span(name, theme.accent), span(first + &advantage, theme.text)])];
        let Some((seen, before)) = self.seen.and_then(|seen| Some((seen, seen.before.get(self.token)?)))
        else {
            let why = match self.inspects {
                true => {
                    "Ratio, KL and alternatives are not recorded; they are only shown live, while this screen is open."
                }
                false => "Ratio, KL and alternatives are unknown: this run's engine does not tell them.",
            };
            lines.extend(wrap::wrap(&[span(why, theme.dim)], self.width));
            return lines;
        };
        let after = seen.after.get(self.token);
        let ratio = |loss: &Option<Explanation>| {
            let term = loss.as_ref().and_then(|loss| loss.tokens.get(self.token));
            term.map_or(f64::NAN, |term| term.ratio)
        };
        let arrow = theme.glyph("→", "->");
        let p = |logprob: f32| f64::from(logprob).exp();
        let mut second = match after {
            None => format!("ratio {:.4} before the update", ratio(&seen.explained)),
            Some(after) => format!(
                "p {:.4} {arrow} {:.4} ({} points)  ratio {:.4} {arrow} {:.4}",
                p(before.logprob),
                p(after.logprob),
                points(p(after.logprob) - p(before.logprob)),
                ratio(&seen.explained),
                ratio(&seen.explained_after)
            ),
        };
        if let Some((loss, term)) = newest(seen).and_then(|loss| Some((loss, loss.tokens.get(self.token)?)))
            && !narrow
        {
            let acts = term.acts.and_then(|bound| loss.bounds.at(bound));
            second.push_str(&acts.map_or_else(String::new, |bound| format!(", held at {bound}")));
            if let Some(weight) = term.correction {
                second.push_str(&format!(", counts {weight:.3}"));
            }
            if self.judged {
                second.push_str(&format!("  loss {:+.4}", term.loss));
            }
            second.push_str(&match term.kl {
                Some(kl) => format!("  KL {kl:.5}"),
                None => "  no reference (kl_coef 0)".into(),
            });
        }
        lines.push(Line::from(span(second, theme.text)));
        let after = after.map(|after| ("top 5 after ", after));
        lines.extend(
            [("top 5 before", before)]
                .into_iter()
                .chain(after)
                .filter_map(|(label, view)| top(label, view, &|piece| named(piece, 12), theme)),
        );
        lines
    }
}

/// The most probable tokens in a token's place; none where they were not asked for.
fn top(
    label: &str,
    view: &TokenView,
    named: &dyn Fn(&str) -> String,
    theme: &Theme,
) -> Option<Line<'static>> {
    let mut spans = vec![span(format!("{label} "), theme.dim)];
    for (piece, p) in &view.top {
        spans.extend([span(named(piece), theme.title), span(format!(" {p:.3}  "), theme.text)]);
    }
    (!view.top.is_empty()).then(|| Line::from(spans))
}
