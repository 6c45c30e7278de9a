//! What must hold of every analysis, whatever the text.

use aha_lab::{
    reasoning::{Analysis, SpanKind, Verdict, analyze},
    record::NumberPuzzle,
};

/// `4 1 16 -> 19`.
pub fn puzzle(line: &str) -> NumberPuzzle {
    let (numbers, target) = line.split_once(" -> ").unwrap();
    NumberPuzzle {
        numbers: numbers.split(' ').map(|number| number.parse().unwrap()).collect(),
        target: target.parse().unwrap(),
    }
}

/// What must hold of every analysis of every text.
pub fn assert_sound(text: &str, analysis: &Analysis) {
    let verdicts = |wanted| analysis.spans.iter().filter(|span| span.verdict == Some(wanted)).count();
    assert_eq!(verdicts(Verdict::True), analysis.true_checks, "{text:?}");
    assert_eq!(verdicts(Verdict::Misled), analysis.misled_checks, "{text:?}");
    assert_eq!(verdicts(Verdict::False), analysis.false_checks, "{text:?}");
    assert_eq!(verdicts(Verdict::Superficial), analysis.superficial_checks, "{text:?}");
    let decided = analysis.true_checks + analysis.misled_checks + analysis.false_checks;
    let checks = decided + analysis.superficial_checks;
    assert_eq!(analysis.checks, checks, "{text:?}");
    let corrects = analysis.spans.iter().filter(|span| span.corrects).count();
    assert_eq!(corrects, analysis.self_corrections, "{text:?}");
    let mut end = 0;
    for span in &analysis.spans {
        assert!(end <= span.start && span.start < span.end, "{text:?}: {span:?} after byte {end}");
        let inside = text.get(span.start..span.end).unwrap_or_else(|| panic!("{text:?}: {span:?}"));
        assert_eq!(span.kind == SpanKind::Verification, span.verdict.is_some(), "{text:?}: {span:?}");
        if let Some(claim) = &span.claim {
            assert!(inside.contains(claim.as_str()), "{inside:?} does not hold {claim:?}");
        }
        end = span.end;
    }
    assert!(analysis.arithmetic_right <= analysis.arithmetic_steps);
    assert!(analysis.attempts <= analysis.arithmetic_steps);
    assert!(analysis.repeated_attempts < analysis.attempts.max(1));
    assert!(analysis.backtracks < analysis.attempts.max(1));
    assert!(analysis.self_corrections <= analysis.backtracks.min(analysis.true_checks));
    assert!(analysis.stops_after_miss <= analysis.stated_misses);
    assert!(analysis.stops_after_hit <= analysis.stated_hits);
    assert!(analysis.stated_misses + analysis.stated_hits <= analysis.checks);
}

pub fn assert_prefixes_sound(puzzle: &NumberPuzzle, text: &str) {
    for (end, _) in text.char_indices() {
        assert_sound(&text[..end], &analyze(puzzle, &text[..end]));
    }
}
