//! The completions of the group, one per line, with the results of the phases so far.

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    protocol::Phase,
    record::Rollout,
    task::Score,
    tui::{
        shell::theme::Theme,
        widgets::{
            figures::{figure, signed_bar},
            lines::span,
            numbers::counted,
        },
    },
};

/// A completion and its results so far.
pub(super) struct GroupRow<'a> {
    pub(super) record: &'a Rollout,
    pub(super) score: Option<&'a Score>,
    /// Its place among the completions on screen.
    pub(super) index: usize,
    pub(super) selected: bool,
    /// The last phase whose results are known.
    pub(super) known: Phase,
    /// The largest advantage of the group.
    pub(super) scale: f64,
}

impl GroupRow<'_> {
    /// The line: verdict and reward once there are any, then what the phase says, then how the text begins.
    pub(super) fn line(&self, theme: &Theme, width: u16) -> Line<'static> {
        let record = self.record;
        let mark = if self.selected { theme.glyph("▸", ">") } else { " " };
        let number = format!("{mark}{:>2} ", self.index + 1);
        let mut spans = vec![span(number, if self.selected { theme.accent } else { theme.dim })];
        let cut = record.truncated.then(|| span(format!("{} ", theme.cut_off()), theme.warning));
        if self.known == Phase::Sample {
            spans.push(cut.unwrap_or_else(|| Span::raw("  ")));
            spans.push(span(format!("{:>4} tokens ", counted(record.length())), theme.dim));
        } else {
            let (verdict, style) = theme.answer(record.correct);
            spans.push(span(format!("{verdict} "), style));
            spans.push(span(format!("{:>5} ", figure(record.reward, false)), theme.title));
        }
        if self.known >= Phase::Advantage {
            self.add_bar(&mut spans, theme, width);
        }
        let used: usize = spans.iter().map(Span::width).sum();
        let room = usize::from(width).saturating_sub(used);
        let text = match (self.known, self.score) {
            (Phase::Score, Some(score)) => match self.record.penalties_in_words() {
                none if none.is_empty() => why(score, room),
                taken => format!("{taken}; {}", why(score, room.saturating_sub(taken.len() + 2))),
            },
            _ => record.completion.clone(),
        };
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(room).collect();
        spans.push(span(text, if self.selected { theme.text } else { theme.dim }));
        Line::from(spans)
    }

    fn add_bar(&self, spans: &mut Vec<Span<'static>>, theme: &Theme, width: u16) {
        let half = if width >= 100 { 12 } else { 6 };
        let [below, middle, over] = signed_bar(self.record.advantage(), self.scale, half, theme);
        // Reversed, the stroke of a bar would become a block.
        let stroke = Modifier::UNDERLINED | Modifier::REVERSED;
        spans.extend([
            span(below, theme.false_check.remove_modifier(stroke)),
            span(middle, theme.border),
            span(over, theme.true_check.remove_modifier(stroke)),
            span(
                match self.record.advantage() {
                    unknown if unknown.is_nan() => format!(" {:>6} ", figure(unknown, true)),
                    known => format!(" {known:>+6.3} "),
                },
                theme.text,
            ),
        ]);
    }
}

/// Why the answer got its reward: the task's sentence if it fits, else a few words.
fn why(score: &Score, room: usize) -> String {
    if score.reason.chars().count() <= room {
        return score.reason.clone();
    }
    match (score.correct, score.format, &score.value) {
        (true, ..) => "right".into(),
        (false, false, _) => "no well-formed answer".into(),
        (false, true, Some(value)) => format!("well-formed, wrong: value {value}"),
        (false, true, None) => "well-formed, wrong: no value".into(),
    }
}
