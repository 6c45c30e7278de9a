//! How well a text fits what was typed.

/// The score of a word at the beginning of a word of the text, inside one, and scattered.
const AT_A_WORD: i32 = 100;
const INSIDE: i32 = 50;
const SCATTERED: i32 = 25;

/// How well `text` fits `typed`, of which every word must fit; `None` if one does not. More is better.
pub(super) fn score(typed: &str, text: &str) -> Option<i32> {
    let text = text.to_lowercase();
    let mut total = 0;
    for word in typed.to_lowercase().split_whitespace() {
        total += of_word(word, &text)?;
    }
    // Of two that fit as well, the shorter is meant.
    Some(4 * total - i32::try_from(text.len()).unwrap_or(i32::MAX).min(200) / 8)
}

fn of_word(word: &str, text: &str) -> Option<i32> {
    let starts = |at: usize| text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
    let mut best = None;
    for (at, _) in text.match_indices(word) {
        let whole = text[at + word.len()..].chars().next().is_none_or(|after| !after.is_alphanumeric());
        let early = i32::try_from(at).unwrap_or(i32::MAX).min(40) / 4;
        let fit = match starts(at) {
            true => AT_A_WORD + if whole { 20 } else { 0 } - early,
            false => INSIDE - early,
        };
        best = best.max(Some(fit));
    }
    best.or_else(|| scattered(word, text))
}

/// The letters in order, from the beginning of a word on, with few others between them.
fn scattered(word: &str, text: &str) -> Option<i32> {
    let mut best = None;
    let mut before = ' ';
    for (start, first) in text.char_indices() {
        let begins = !std::mem::replace(&mut before, first).is_alphanumeric();
        if begins && word.starts_with(first) {
            best = best.max(from(word, &text[start..]));
        }
    }
    best
}

fn from(word: &str, text: &str) -> Option<i32> {
    let (mut letters, mut skipped) = (word.chars().peekable(), 0);
    for character in text.chars() {
        if letters.next_if_eq(&character).is_none() {
            skipped += 1;
        }
        if letters.peek().is_none() {
            return (skipped <= 3 * word.chars().count())
                .then(|| SCATTERED - i32::try_from(skipped).unwrap_or(20).min(20));
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_beginning_of_a_word_goes_before_its_inside_and_that_before_scattered_letters() {
        let word = score("lear", "learning_rate").unwrap();
        let inside = score("earn", "learning_rate").unwrap();
        let scattered = score("lrt", "learning_rate").unwrap();
        assert!(word > inside && inside > scattered, "{word} {inside} {scattered}");
        assert_eq!(score("xyz", "learning_rate"), None);
        assert!(score("false check", "next false or misled check").is_some());
        assert_eq!(score("false xyz", "next false or misled check"), None);
        assert!(score("pause", "pause") > score("pause", "run to the end of the step, then pause"));
        assert!(score("", "anything").is_some());
    }

    proptest! {
        #[test]
        fn what_a_text_begins_with_fits_it(text in "[a-zé_ ]{1,20}", cut in 1usize..10) {
            let typed: String = text.chars().take(cut).collect();
            prop_assert!(score(&typed, &text).is_some());
        }
    }
}
