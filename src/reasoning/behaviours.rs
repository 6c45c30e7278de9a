//! Counts the behaviours found in a completion and lays out the spans.

use std::collections::{HashMap, HashSet};

use super::{
    Analysis, Span, SpanKind, Verdict,
    attempts::AttemptRecord,
    check::{Conclusion, Decision},
    corrections,
    exact::Exact,
    reader::{Event, EventKind, Reading},
};

/// Turns what the reader found into the analysis.
pub fn assemble(text: &str, reading: &Reading, target: i64) -> Analysis {
    let records = reading.attempts.records();
    let mut analysis = Analysis {
        attempts: records.len(),
        phrases: reading.phrases,
        arithmetic_steps: reading.steps,
        arithmetic_right: reading.steps_right,
        faithful: reading.faithful,
        ..Analysis::default()
    };
    let made_before = number_attempts(records, &mut analysis);
    let misses = mark_events(text, reading, &mut analysis);
    analysis.sum_checks();
    add_backtracks(target, reading, &made_before, &misses, &mut analysis);
    analysis
}

/// Numbers the distinct attempts from 1, and says of each attempt whether it was made before.
fn number_attempts(records: &[AttemptRecord], analysis: &mut Analysis) -> Vec<bool> {
    let mut tried = HashMap::new();
    let mut made_before = Vec::with_capacity(records.len());
    for record in records {
        let next = tried.len() + 1;
        let number = *tried.entry(record.key).or_insert(next);
        made_before.push(number < next);
        if record.hits && analysis.first_hit.is_none() {
            analysis.first_hit = Some(number);
        }
    }
    analysis.repeated_attempts = made_before.iter().filter(|before| **before).count();
    made_before
}

/// Attempts that the text says have missed.
#[derive(Default)]
struct Misses {
    /// All of them.
    stated: HashSet<usize>,
    /// Those of which it says so rightly.
    rightly: HashSet<usize>,
}

/// Lays out the spans of what the reader found, and counts checks and stops.
fn mark_events(text: &str, reading: &Reading, analysis: &mut Analysis) -> Misses {
    let records = reading.attempts.records();
    let last_answer = reading.events.iter().rposition(|event| matches!(event.kind, EventKind::Answer));
    let mut misses = Misses::default();
    for (index, event) in reading.events.iter().enumerate() {
        // Drawing code relies on spans being in order and not overlapping, so an event without room of its
        // own is neither marked nor counted.
        let start = analysis.spans.last().map_or(event.start, |last: &Span| last.end.max(event.start));
        if start >= event.end {
            continue;
        }
        let mut span = Span {
            kind: SpanKind::Answer,
            start,
            end: event.end,
            claim: None,
            verdict: None,
            corrects: false,
        };
        match event.kind {
            EventKind::Answer if last_answer != Some(index) => continue,
            EventKind::Answer => {}
            EventKind::Retry => span.kind = SpanKind::Backtracking,
            EventKind::Subgoal => span.kind = SpanKind::Subgoal,
            EventKind::Backward => span.kind = SpanKind::BackwardChaining,
            EventKind::Check { decision, claim, cut_off } => {
                let followed = followed(event, records) || awaits_attempt(event, reading);
                span.verdict = match decision {
                    Decision::Decided { verdict, .. } => Some(verdict),
                    Decision::Bare if followed || cut_off || leads_to_check(index, reading) => None,
                    Decision::Bare => Some(Verdict::Superficial),
                };
                span.kind = match span.verdict {
                    Some(_) => SpanKind::Verification,
                    None => SpanKind::Hesitation,
                };
                if let Decision::Decided { verdict, conclusion } = decision {
                    let place = claim.map(|(from, to)| (from.max(start), to.min(event.end)));
                    span.claim = place.and_then(|(from, to)| text.get(from..to)).map(str::to_owned);
                    misses.count(verdict, conclusion, event.attempts_before, followed, analysis);
                }
                match span.verdict {
                    Some(Verdict::True) => analysis.true_checks += 1,
                    Some(Verdict::Misled) => analysis.misled_checks += 1,
                    Some(Verdict::False) => analysis.false_checks += 1,
                    Some(Verdict::Superficial) => analysis.superficial_checks += 1,
                    None => {}
                }
            }
        }
        analysis.spans.push(span);
    }
    misses
}

impl Misses {
    /// Counts what a decided check concludes about an attempt, and whether the text stops after it.
    fn count(
        &mut self,
        verdict: Verdict,
        conclusion: Conclusion,
        attempt: usize,
        followed: bool,
        analysis: &mut Analysis,
    ) {
        match conclusion {
            Conclusion::Miss => {
                analysis.stated_misses += 1;
                analysis.stops_after_miss += usize::from(!followed);
                self.stated.insert(attempt);
                if verdict == Verdict::True {
                    self.rightly.insert(attempt);
                }
            }
            Conclusion::Hit => {
                analysis.stated_hits += 1;
                analysis.stops_after_hit += usize::from(!followed);
            }
            Conclusion::Open => {}
        }
    }
}

/// Counts the attempts that were given up for another one, and those of them that correct a miss.
fn add_backtracks(
    target: i64,
    reading: &Reading,
    made_before: &[bool],
    misses: &Misses,
    analysis: &mut Analysis,
) {
    let (records, target) = (reading.attempts.records(), Exact::integer(target));
    // Where attempts begin that no phrase announces.
    let mut unphrased = Vec::new();
    let mut corrections = Vec::new();
    let retries = reading.events.iter().filter(|event| matches!(event.kind, EventKind::Retry));
    let phrased: HashSet<usize> = retries.map(|event| event.attempts_before).collect();
    for (index, pair) in records.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        if before.segment != after.segment || before.key == after.key {
            continue;
        }
        let begun = index + 1;
        if misses.rightly.contains(&begun) && !made_before[begun] {
            corrections.push((before.begins.1, after.begins.1));
        }
        // Giving up a hit that leaves a number over also counts.
        let missed = before.stated != target || before.value != target || !before.hits;
        let failed = missed || misses.stated.contains(&begun);
        if failed || after.announced {
            analysis.backtracks += 1;
            if !phrased.contains(&begun) {
                unphrased.push(after.begins);
            }
        }
    }
    add_backtracking(&mut analysis.spans, &unphrased);
    analysis.self_corrections = corrections.len();
    corrections::mark(&mut analysis.spans, &corrections);
}

/// Adds backtracking spans at `places`, which must be in order, wherever the text is free.
fn add_backtracking(spans: &mut Vec<Span>, places: &[(usize, usize)]) {
    let mut merged = Vec::with_capacity(spans.len() + places.len());
    let mut old = std::mem::take(spans).into_iter().peekable();
    for (start, end) in places {
        while let Some(span) = old.next_if(|span| span.start < *start) {
            merged.push(span);
        }
        let start = merged.last().map_or(*start, |last: &Span| last.end.max(*start));
        let end = old.peek().map_or(*end, |next| next.start.min(*end));
        if start < end {
            let kind = SpanKind::Backtracking;
            merged.push(Span { kind, start, end, claim: None, verdict: None, corrects: false });
        }
    }
    merged.extend(old);
    *spans = merged;
}

/// Whether an attempt begins after the event and before the next answer.
fn followed(event: &Event, records: &[AttemptRecord]) -> bool {
    records.get(event.attempts_before).is_some_and(|next| next.segment == event.segment)
}

/// Whether the text is cut off after the event, with an attempt announced or begun.
fn awaits_attempt(event: &Event, reading: &Reading) -> bool {
    reading.breaks_off && reading.events.last().is_some_and(|last| last.segment == event.segment)
}

/// Whether a check that claims something follows the event, at once or after bare checks only.
fn leads_to_check(index: usize, reading: &Reading) -> bool {
    let here = reading.events[index].attempts_before;
    // Looking past only a few bare phrases keeps the time linear on a text made of nothing else.
    for event in reading.events.iter().skip(index + 1).take(4) {
        match event.kind {
            EventKind::Check { decision: Decision::Bare, .. } => {}
            EventKind::Check { .. } => return event.attempts_before == here,
            _ => return false,
        }
    }
    false
}
