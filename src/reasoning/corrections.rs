//! Finds the span in which each self-correction happens.

use super::{Span, SpanKind, Verdict};

/// Marks one span for each self-correction, so that drawing code need not guess. `places` holds, in order,
/// the starting bytes of the attempt that missed and of the attempt that follows it.
///
/// The marked span is the one that opens the new attempt or, if nothing announces it, the check that found
/// the miss.
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
