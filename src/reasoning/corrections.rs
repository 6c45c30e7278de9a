//! Where the self-corrections of a completion stand among its spans.

use super::{Span, SpanKind, Verdict};

/// Marks one span for each self-correction, so that whoever draws them need not guess. `places` holds, in order, the
/// bytes between the beginnings of the attempt that missed and of the one that follows it.
///
/// The span is the one that opens the new attempt. Where nothing announces it, it is the check that found the miss.
pub fn mark(spans: &mut [Span], places: &[(usize, usize)]) {
    for (from, to) in places {
        let first = spans.partition_point(|span| span.start < *from);
        let end = spans.partition_point(|span| span.start < *to).max(first);
        let inside = &mut spans[first..end];
        let last = |wanted: &dyn Fn(&Span) -> bool| inside.iter().rposition(wanted);
        let check = last(&|span| span.verdict == Some(Verdict::True));
        let opening = last(&|span| span.kind == SpanKind::Backtracking);
        if let Some(span) = opening.or(check).and_then(|at| inside.get_mut(at)) {
            span.corrects = true;
        }
    }
}
