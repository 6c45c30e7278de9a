//! Cuts a completion into thoughts.

use std::ops::Range;

use crate::tui::widgets::highlight::{Meaning, Piece};

/// Splits a completion into thoughts: sentences, split further where the analysis found something to begin.
/// Surrounding white space is dropped.
pub(super) fn thoughts(text: &str, pieces: &[Piece]) -> Vec<Range<usize>> {
    let mut cuts: Vec<usize> = text
        .match_indices(['.', '!', '?', '\n'])
        .map(|(at, end)| at + end.len())
        .filter(|at| {
            text[*at..].chars().next().is_none_or(char::is_whitespace) || text[..*at].ends_with('\n')
        })
        .collect();
    cuts.extend(pieces.iter().filter_map(|Piece { range, meaning }| {
        let begins = match meaning {
            Meaning::TrueCheck | Meaning::MisledCheck => true,
            Meaning::FalseCheck | Meaning::SuperficialCheck => true,
            Meaning::Backtrack | Meaning::Correction => true,
            Meaning::Tag => &text[range.clone()] == "</think>",
            _ => false,
        };
        begins.then_some(range.start)
    }));
    // An `<answer>` shares the line of a `</think>` just before it and has its own otherwise.
    cuts.extend(
        text.match_indices("<answer>")
            .map(|(at, _)| at)
            .filter(|at| !text[..*at].trim_end().ends_with("</think>")),
    );
    cuts.push(text.len());
    cuts.sort_unstable();
    let mut thoughts = Vec::new();
    let mut at = 0;
    for cut in cuts {
        let part = &text[at..cut];
        let start = at + (part.len() - part.trim_start().len());
        let end = start + part.trim().len();
        if end > start {
            thoughts.push(start..end);
        }
        at = cut;
    }
    thoughts
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        reasoning::{Analysis, Span as Found, SpanKind, Verdict},
        tui::widgets::highlight::pieces,
    };

    fn cut(text: &str, analysis: &Analysis) -> Vec<String> {
        thoughts(text, &pieces(text, analysis)).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn a_thought_is_a_sentence_or_what_begins_inside_one() {
        let text = " first , 4 + 1 = 5 , wait , that is 5 , not 19 . 1.5 e . </think> <answer> 1 </answer>";
        let start = text.find("wait").unwrap();
        let spans = vec![Found {
            kind: SpanKind::Verification,
            start,
            end: start + 26,
            claim: None,
            verdict: Some(Verdict::True),
            corrects: false,
        }];
        let analysis = Analysis { spans, ..Analysis::default() };
        assert_eq!(
            cut(text, &analysis),
            [
                "first , 4 + 1 = 5 ,",
                "wait , that is 5 , not 19 .",
                "1.5 e .",
                "</think> <answer> 1 </answer>"
            ]
        );
    }

    proptest! {
        #[test]
        fn thoughts_keep_every_word(text in "([a-z.]{1,4}|[ \n]|<answer>|</think>|é){0,20}") {
            let analysis = Analysis::default();
            let words = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(words(&cut(&text, &analysis).join(" ")), words(&text));
        }
    }
}
