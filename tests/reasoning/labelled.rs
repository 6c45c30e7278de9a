//! Our corpus' own language, labelled by hand.

use std::collections::{BTreeMap, HashSet};

use aha_lab::{
    reasoning::{Analysis, SpanKind, Verdict, analyze},
    record::NumberPuzzle,
};

use super::sound::{assert_prefixes_sound, assert_sound, puzzle};

/// The counts under the names that the labels use.
fn counts(analysis: &Analysis) -> BTreeMap<&'static str, String> {
    let number = |value: usize| value.to_string();
    let pair = |all: usize, some: usize| format!("{all}/{some}");
    BTreeMap::from([
        ("attempts", number(analysis.attempts)),
        ("repeated", number(analysis.repeated_attempts)),
        ("true", number(analysis.true_checks)),
        ("misled", number(analysis.misled_checks)),
        ("false", number(analysis.false_checks)),
        ("superficial", number(analysis.superficial_checks)),
        ("corrected", number(analysis.self_corrections)),
        ("backtracks", number(analysis.backtracks)),
        ("phrases", number(analysis.phrases)),
        ("steps", pair(analysis.arithmetic_steps, analysis.arithmetic_right)),
        ("misses", pair(analysis.stated_misses, analysis.stops_after_miss)),
        ("hits", pair(analysis.stated_hits, analysis.stops_after_hit)),
    ])
}

/// The labels of one line, absent counts filled in.
fn labels(line: &str) -> BTreeMap<&str, String> {
    let mut expected: BTreeMap<&str, String> = counts(&Analysis::default());
    for label in line.split_whitespace() {
        let (name, value) = label.split_once('=').unwrap_or_else(|| panic!("`{label}` is no label"));
        let old = expected.insert(name, value.into());
        assert!(old.is_some(), "`{name}` is no count");
    }
    expected
}

/// The completions of the labelled table with their puzzles and labels.
fn labelled() -> Vec<(NumberPuzzle, String, &'static str)> {
    let mut current = None;
    let mut completion = None;
    let mut entries = Vec::new();
    for line in include_str!("../data/labelled_traces.txt").lines() {
        if let Some(rest) = line.strip_prefix("puzzle ") {
            current = Some(puzzle(rest));
        } else if let Some(rest) = line.strip_prefix('>') {
            let text = rest
                .replace("{A}", "4 * 16 = 64 , 64 - 1 = 63 .")
                .replace("{B}", "16 + 4 = 20 , 20 - 1 = 19 .")
                .replace("{C}", "16 - 4 = 12 , 12 + 1 = 13 .")
                .replace("{end}", "</think> <answer> ( 16 + 4 ) - 1 </answer>")
                .replace("\\n", "\n");
            assert!(completion.replace(text).is_none(), "a completion without labels before: {line}");
        } else if let Some(rest) = line.strip_prefix('=') {
            entries.push((current.clone().unwrap(), completion.take().unwrap(), rest));
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
        }
    }
    entries
}

#[test]
fn hand_labelled_traces_have_exactly_these_counts() {
    let entries = labelled();
    assert!(entries.len() >= 60, "only {} entries", entries.len());
    let mut wrong = String::new();
    for (puzzle, text, line) in &entries {
        let analysis = analyze(puzzle, text);
        assert_sound(text, &analysis);
        let (found, expected) = (counts(&analysis), labels(line));
        for (name, value) in &expected {
            if found[name] != *value {
                wrong += &format!("{text}\n    {name}: expected {value}, found {}\n", found[name]);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_prefix_of_a_labelled_trace_is_safe() {
    for (puzzle, text, _) in labelled() {
        assert_prefixes_sound(&puzzle, &text);
    }
}

#[test]
fn counts_of_a_growing_text_only_settle() {
    // While a text streams, attempts and decided checks that stand stay.
    let (puzzle, text, _) =
        labelled().into_iter().find(|(_, text, _)| text.contains("keep 64")).expect("a trace that keeps 64");
    let mut last = Analysis::default();
    for (end, _) in text.match_indices(" . ") {
        let now = analyze(&puzzle, &text[..end]);
        assert!(now.attempts >= last.attempts && now.true_checks >= last.true_checks, "{:?}", &text[..end]);
        assert_eq!(now.misled_checks + now.false_checks + now.superficial_checks, 0, "{:?}", &text[..end]);
        last = now;
    }
    assert_eq!((last.attempts, last.true_checks), (3, 3));
}

#[test]
fn spans_mark_what_a_person_would_mark() {
    let text = " first , 4 * 16 = 64 , 64 - 1 = 63 . check : 63 is not 19 . hmm , try again : 16 + 4 = 20 , \
        20 - 1 = 18 . verify : 18 , too high . that works . </think> <answer> 1 </answer> <answer> ( 16 + 4 ) - 1 ";
    let analysis = analyze(&puzzle("4 1 16 -> 19"), text);
    let seen: Vec<_> = analysis
        .spans
        .iter()
        .map(|span| (span.kind, &text[span.start..span.end], span.claim.as_deref(), span.verdict))
        .collect();
    let verification = SpanKind::Verification;
    assert_eq!(
        seen,
        [
            (verification, "check : 63 is not 19", Some("63 is not 19"), Some(Verdict::True)),
            (SpanKind::Hesitation, "hmm", None, None),
            (SpanKind::Backtracking, "try again", None, None),
            (verification, "verify : 18 , too high", Some("18 , too high"), Some(Verdict::False)),
            (verification, "that works", Some("that works"), Some(Verdict::False)),
            (SpanKind::Answer, "( 16 + 4 ) - 1", None, None),
        ]
    );
}

#[test]
fn an_analysis_survives_json() {
    for (puzzle, text, _) in labelled() {
        let analysis = analyze(&puzzle, &text);
        let json = serde_json::to_string(&analysis).unwrap();
        assert_eq!(serde_json::from_str::<Analysis>(&json).unwrap(), analysis);
    }
}

#[test]
fn distinct_labelled_completions_only() {
    let mut seen = HashSet::new();
    for (puzzle, text, _) in labelled() {
        assert!(seen.insert((puzzle, text.clone())), "twice: {text}");
    }
}
