//! Free English, LaTeX and Markdown: precision and recall of every kind over hand-labelled transcripts.

use std::collections::BTreeMap;

use aha_lab::{
    reasoning::{Analysis, SpanKind, analyze},
    record::NumberPuzzle,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Labelled {
    numbers: Vec<i64>,
    target: i64,
    completion: String,
    expected: BTreeMap<String, usize>,
}

const KINDS: [&str; 9] = [
    "attempts",
    "true",
    "misled",
    "false",
    "superficial",
    "corrected",
    "backtracking",
    "subgoal",
    "backward",
];

fn found(analysis: &Analysis, kind: &str) -> usize {
    let spans = |wanted| analysis.spans.iter().filter(|span| span.kind == wanted).count();
    match kind {
        "attempts" => analysis.attempts,
        "true" => analysis.true_checks,
        "misled" => analysis.misled_checks,
        "false" => analysis.false_checks,
        "superficial" => analysis.superficial_checks,
        "corrected" => analysis.self_corrections,
        "backtracking" => spans(SpanKind::Backtracking),
        "subgoal" => spans(SpanKind::Subgoal),
        "backward" => spans(SpanKind::BackwardChaining),
        other => panic!("`{other}` is no kind"),
    }
}

fn labelled() -> impl Iterator<Item = Labelled> {
    include_str!("../data/free_english.jsonl").lines().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn precision_and_recall_of_every_kind_are_high() {
    let mut table = String::from("kind            precision  recall  labelled\n");
    let mut misses = String::new();
    let entries: Vec<(Labelled, Analysis)> = labelled()
        .map(|entry| {
            let puzzle = NumberPuzzle { numbers: entry.numbers.clone(), target: entry.target };
            let analysis = analyze(&puzzle, &entry.completion);
            (entry, analysis)
        })
        .collect();
    let mut good = true;
    for kind in KINDS {
        let (mut hits, mut labels, mut reported) = (0, 0, 0);
        for (entry, analysis) in &entries {
            let (expected, found) = (entry.expected.get(kind).copied().unwrap_or(0), found(analysis, kind));
            hits += expected.min(found);
            labels += expected;
            reported += found;
            if expected != found {
                misses += &format!("{kind}: expected {expected}, found {found}: {:?}\n", entry.completion);
            }
        }
        let share = |whole: usize| if whole == 0 { 1.0 } else { hits as f64 / whole as f64 };
        let (precision, recall) = (share(reported), share(labels));
        table += &format!("{kind:<15} {precision:>9.3} {recall:>7.3} {labels:>9}\n");
        good &= precision >= 0.95 && recall >= 0.95;
    }
    println!("{table}{misses}");
    assert!(good, "\n{table}{misses}");
}

#[test]
fn every_prefix_of_free_english_is_safe() {
    for entry in labelled() {
        let puzzle = NumberPuzzle { numbers: entry.numbers, target: entry.target };
        for (end, _) in entry.completion.char_indices() {
            let text = &entry.completion[..end];
            let analysis = analyze(&puzzle, text);
            let mut last = 0;
            for span in &analysis.spans {
                assert!(last <= span.start && text.get(span.start..span.end).is_some(), "{text:?}: {span:?}");
                last = span.end;
            }
        }
    }
}

#[test]
fn hostile_marks_are_read_to_their_end() {
    let puzzle = NumberPuzzle { numbers: vec![4, 1, 16], target: 19 };
    for piece in
        ["\\frac{", "{", "}", "**", "\\", "$", "`", "3 is ", "3 + 4 . ", "3 over ", "if ", "\\frac{1}{"]
    {
        let analysis = analyze(&puzzle, &piece.repeat((1 << 18) / piece.len()));
        assert_eq!(analysis.superficial_checks, 0, "{piece:?}");
    }
}
