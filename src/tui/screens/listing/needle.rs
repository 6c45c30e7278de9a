//! Finds the text typed after `/`.

use std::ops::Range;

/// What is searched for. Letter case counts once the query has an upper-case letter; only ASCII is folded, which
/// keeps byte offsets valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    query: String,
    exact_case: bool,
}

impl Needle {
    /// A needle for a query; `None` if nothing is searched for.
    pub fn new(query: &str) -> Option<Self> {
        (!query.is_empty())
            .then(|| Self { query: query.to_owned(), exact_case: query.chars().any(char::is_uppercase) })
    }

    /// Where the needle first occurs at or after byte `from`.
    fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let wanted = self.query.as_bytes();
        let last_start = text.len().checked_sub(wanted.len())?;
        let (first, rest) = wanted.split_first()?;
        let (first, other_case) = match self.exact_case {
            true => (*first, *first),
            false => (first.to_ascii_lowercase(), first.to_ascii_uppercase()),
        };
        let bytes = text.as_bytes();
        let mut from = from;
        // A match of whole UTF-8 sequences always starts and ends on character boundaries.
        loop {
            let starts = bytes.get(from..=last_start)?;
            let start = from + starts.iter().position(|byte| *byte == first || *byte == other_case)?;
            let tail = &bytes[start + 1..start + wanted.len()];
            let found = if self.exact_case { tail == rest } else { tail.eq_ignore_ascii_case(rest) };
            if found {
                return Some(start..start + wanted.len());
            }
            from = start + 1;
        }
    }

    /// Whether the needle occurs in `text`.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }

    /// Every occurrence in `text` as bytes, in order, without overlaps.
    pub(crate) fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut from = 0;
        while let Some(range) = self.find(text, from) {
            from = range.end;
            ranges.push(range);
        }
        ranges
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(query: &str, text: &str) -> Vec<Range<usize>> {
        Needle::new(query).unwrap().ranges(text)
    }

    #[test]
    fn case_counts_only_when_it_is_typed() {
        assert_eq!(ranges("wait", "Wait, wait"), [0..4, 6..10]);
        assert_eq!(ranges("Wait", "Wait, Wait, wait"), [0..4, 6..10]);
        assert_eq!(ranges("aa", "aaaa"), [0..2, 2..4]);
        assert_eq!(ranges("é", "caféé"), [3..5, 5..7]);
        assert!(ranges("longer than the text", "short").is_empty());
        assert_eq!(Needle::new(""), None);
    }

    proptest! {
        #[test]
        fn finds_what_a_lowered_text_has(text in "[aAbBé日 ]{0,30}", query in "[abé日]{1,3}") {
            let expected: Vec<Range<usize>> = text
                .to_ascii_lowercase()
                .match_indices(&query)
                .map(|(start, found)| start..start + found.len())
                .collect();
            prop_assert_eq!(ranges(&query, &text), expected);
        }
    }
}
