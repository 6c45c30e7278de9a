//! Which words two answers share.

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// A word and the white space after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// The text.
    pub text: &'a str,
    /// Whether the other answer lacks it here.
    pub differs: bool,
}

/// Answers with more words than this are not compared, which would block the screen.
const MOST_WORDS: usize = 4_000;

/// Both texts cut into words, each marked where the other lacks it. The words put together are the text again.
pub fn differences<'a>(left: &'a str, right: &'a str) -> [Vec<Word<'a>>; 2] {
    let (a, b) = (words(left), words(right));
    let mut marked = [Vec::with_capacity(a.len()), Vec::with_capacity(b.len())];
    let plain = |words: &[&'a str]| words.iter().map(|text| Word { text, differs: false }).collect();
    if a.len().max(b.len()) > MOST_WORDS {
        return [plain(&a), plain(&b)];
    }
    // White space is no difference.
    let trimmed = |words: &[&'a str]| words.iter().map(|word| word.trim()).collect::<Vec<_>>();
    let (bare_a, bare_b) = (trimmed(&a), trimmed(&b));
    for operation in capture_diff_slices(Algorithm::Myers, &bare_a, &bare_b) {
        let differs = operation.tag() != DiffTag::Equal;
        for (side, range, all) in [(0, operation.old_range(), &a), (1, operation.new_range(), &b)] {
            let word = |text: &&'a str| Word { text, differs: differs && !text.trim().is_empty() };
            marked[side].extend(all[range].iter().map(word));
        }
    }
    marked
}

fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(words: &[Word]) -> String {
        words
            .iter()
            .map(
                |word| if word.differs { format!("[{}]", word.text.trim()) } else { word.text.trim().into() },
            )
            .collect::<Vec<String>>()
            .join(" ")
    }

    #[test]
    fn what_the_other_lacks_is_marked() {
        let [a, b] = differences("4 * 16 = 64 .", "4 * 16 = 64 , 64 - 1 = 63 .");
        assert_eq!(marked(&a), "4 * 16 = 64 .");
        assert_eq!(marked(&b), "4 * 16 = 64 [,] [64] [-] [1] [=] [63] .");
        let [a, b] = differences("one two", "one  three\n");
        assert_eq!((marked(&a).as_str(), marked(&b).as_str()), ("one [two]", "one  [three]"));
    }

    proptest! {
        #[test]
        fn no_text_is_lost_and_equal_texts_have_no_difference(left in "[ab \\n]{0,40}|\\PC{0,40}", right in "[ab ]{0,40}") {
            let [a, b] = differences(&left, &right);
            let joined = |words: &[Word]| words.iter().map(|word| word.text).collect::<String>();
            prop_assert_eq!((joined(&a), joined(&b)), (left.clone(), right.clone()));
            let shared = |words: &[Word]| words.iter().filter(|w| !w.differs).map(|w| w.text.trim().to_owned()).filter(|text| !text.is_empty()).collect::<Vec<_>>();
            prop_assert_eq!(shared(&a), shared(&b), "what is not marked is the same on both sides");
            let [same, _] = differences(&left, &left);
            prop_assert!(same.iter().all(|word| !word.differs));
        }
    }
}
