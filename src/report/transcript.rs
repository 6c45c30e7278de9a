//! A completion with what was found in it.

use super::html::text;
use crate::record::{Rollout, Span, SpanKind, Verdict};

/// Longest text that is shown, in bytes.
const MOST: usize = 16_384;

/// A completion as markup, its spans marked.
pub(super) fn marked(record: &Rollout) -> String {
    let whole = &record.completion;
    let mut end = whole.len().min(MOST);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    let mut markup = String::new();
    let mut at = 0;
    for span in &record.analysis.spans {
        // A stranger's spans may be anything.
        let fits = span.start >= at
            && span.start < span.end
            && span.end <= end
            && whole.is_char_boundary(span.start)
            && whole.is_char_boundary(span.end);
        if !fits {
            continue;
        }
        markup.push_str(&text(&whole[at..span.start]));
        markup.push_str(&mark(span, &whole[span.start..span.end]));
        at = span.end;
    }
    markup.push_str(&text(&whole[at..end]));
    if end < whole.len() {
        markup.push_str(" <i>… the rest is left out</i>");
    }
    markup
}

fn mark(span: &Span, shown: &str) -> String {
    let (class, words) = match (span.kind, span.verdict) {
        (SpanKind::Verification, Some(Verdict::True)) => ("true", "a true check"),
        (SpanKind::Verification, Some(Verdict::Misled)) => {
            ("misled", "a misled check: the value was miscalculated")
        }
        (SpanKind::Verification, Some(Verdict::False)) => ("false", "a false check"),
        (SpanKind::Verification, Some(Verdict::Superficial)) => ("superficial", "checks nothing"),
        (SpanKind::Answer, _) => ("answer", "the answer"),
        (SpanKind::Backtracking, _) => ("turn", "another attempt"),
        (SpanKind::Subgoal, _) => ("turn", "a subgoal"),
        (SpanKind::BackwardChaining, _) => ("turn", "works backwards"),
        _ => ("superficial", "hesitation"),
    };
    let corrects = if span.corrects { " corrects" } else { "" };
    let also = if span.corrects { "; it corrects itself here" } else { "" };
    format!("<mark class=\"{class}{corrects}\" title=\"{words}{also}\">{}</mark>", text(shown))
}

/// What the marks mean.
pub(super) const LEGEND: &str = "<p class=\"marks\"><mark class=\"true\">true check</mark> <mark class=\"misled\">misled: judges a \
    miscalculated value</mark> <mark class=\"false\">false check</mark> <mark class=\"superficial\">checks nothing</mark> <mark \
    class=\"turn\">another attempt</mark> <mark class=\"true corrects\">corrects itself here</mark> <mark \
    class=\"answer\">answer</mark></p>";

/// A completion with its puzzle, verdict and reward. Its attributes are what samples are filtered by.
pub(super) fn article(record: &Rollout) -> String {
    let analysis = &record.analysis;
    let mut kinds = vec![record.verdict()];
    let checks = analysis.true_checks + analysis.misled_checks + analysis.false_checks;
    let more = [
        ("checked", checks > 0),
        ("corrected", analysis.self_corrections > 0),
        ("unfaithful", record.is_right() && analysis.faithful == Some(false)),
        ("false", analysis.false_checks + analysis.misled_checks > 0),
        ("cut", record.truncated),
    ];
    kinds.extend(more.into_iter().filter_map(|(name, is)| is.then_some(name)));
    let advantage = record
        .advantage
        .filter(|a| a.is_finite())
        .map_or_else(String::new, |a| format!(" · advantage {a:+.2}"));
    let reward =
        if record.reward.is_finite() { format!("{:.2}", record.reward) } else { "unknown".to_owned() };
    format!(
        "<article class=\"completion {verdict}\" data-kinds=\"{}\" data-step=\"{step}\"><header><b>step {step}</b> group {} · \
         completion {} · <span class=\"verdict\">{verdict}</span> · reward {reward}{advantage} · {checks} checks · {} \
         self-corrections{}</header><p class=\"asked\">{}</p><p class=\"written\">{}</p></article>",
        kinds.join(" "),
        record.group.saturating_add(1),
        record.index.saturating_add(1),
        analysis.self_corrections,
        if record.truncated { " · cut off" } else { "" },
        text(&record.problem.puzzle.to_string()),
        marked(record),
        verdict = record.verdict(),
        step = record.step,
    )
}
