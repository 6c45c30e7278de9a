//! The phrases that find candidates. A phrase decides nothing: it only says where to look.
//!
//! To teach the analysis more English, add lines to [`table`], or verbs to [`families`]; the longest phrase at
//! a place wins.

mod families;
mod table;

use std::{collections::HashMap, sync::LazyLock};

use super::{
    exact::Operator,
    lexer::{Token, TokenKind, tokenize},
};

/// Number of a word in the vocabulary of all phrases.
pub type WordId = u16;

/// The number of every word that is in no phrase.
pub const UNKNOWN_WORD: WordId = 0;

/// What a phrase may announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhraseKind {
    /// Opens an attempt: `first`, `let me try`.
    Opening,
    /// Gives an attempt up for another: `try again`, `instead`.
    Retry,
    /// Goes back to a result that a number names: `back to 64`.
    Keep,
    /// Opens a check: `check`, `verify`.
    Check,
    /// Stops to think: `wait`, `hmm`.
    Hesitation,
    /// The value is above the target.
    TooHigh,
    /// The value is below the target.
    TooLow,
    /// The attempt succeeded.
    Right,
    /// The attempt failed.
    Wrong,
    /// As [`PhraseKind::Right`], but a word so common that it counts only where it answers something.
    WeakRight,
    /// As [`PhraseKind::Wrong`], but a word so common that it counts only where it answers something.
    WeakWrong,
    /// The number that follows is claimed to differ.
    NotEqual,
    /// The number that follows is claimed to be equal.
    Equal,
    /// The number that follows is smaller.
    Above,
    /// The number that follows is larger.
    Below,
    /// Works from the target towards the numbers.
    Backward,
    /// An operator in words, where it stands between two operands: `divided by`.
    Calculate(Operator),
    /// States the result of the calculation before it: `gives`.
    Gives,
    /// An intermediate goal, where a number other than the target follows.
    Subgoal,
    /// As [`PhraseKind::Subgoal`], but so common that the number must follow at once: `we need 42`.
    WeakSubgoal,
    /// Works from the number that follows, if that is the target: `starting from 19`.
    BackwardFrom,
    /// Misses by the number that follows: `off by 2`.
    OffBy,
    /// What follows in the clause is asked or supposed, not stated: `whether`, `if`.
    Supposed,
    /// The sentence repeats a result as the answer: `so the answer is`.
    Concludes,
    /// Looks like another phrase and is none: `instead of`.
    Nothing,
}

use table::{ADVERBS, TABLE};

use PhraseKind as Kind;

/// A phrase found in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// What it may announce.
    pub kind: PhraseKind,
    /// How many tokens it takes.
    pub tokens: usize,
}

struct Index {
    words: HashMap<&'static str, WordId>,
    /// Words that may stand inside a phrase.
    adverbs: Vec<WordId>,
    /// By the first word: the phrases, longest first.
    phrases: Vec<Vec<(Vec<WordId>, PhraseKind)>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, WordId> = HashMap::new();
    let mut phrases: Vec<Vec<(Vec<WordId>, PhraseKind)>> = vec![Vec::new()];
    let mut add = |kind: PhraseKind, text: &mut dyn Iterator<Item = &'static str>| {
        let mut ids = Vec::new();
        for word in text {
            let next = phrases.len() as WordId;
            let id = *words.entry(word).or_insert(next);
            if id == next {
                phrases.push(Vec::new());
            }
            ids.push(id);
        }
        if let Some(slot) = ids.first().and_then(|first| phrases.get_mut(usize::from(*first)))
            && !slot.iter().any(|(held, _): &(Vec<WordId>, PhraseKind)| *held == ids)
        {
            slot.push((ids, kind));
        }
    };
    for (kind, texts) in TABLE {
        for text in *texts {
            add(*kind, &mut text.split(' '));
        }
    }
    for (kind, beginnings, ends) in families::FAMILIES {
        for beginning in beginnings.iter().copied().flatten() {
            for end in *ends {
                add(*kind, &mut beginning.split(' ').chain(end.split(' ')));
            }
        }
    }
    let adverbs: Vec<WordId> = ADVERBS
        .iter()
        .map(|adverb| {
            let next = phrases.len() as WordId;
            let id = *words.entry(adverb).or_insert(next);
            if id == next {
                phrases.push(Vec::new());
            }
            id
        })
        .collect();
    for slot in &mut phrases {
        slot.sort_by_key(|(ids, _)| std::cmp::Reverse(ids.len()));
    }
    Index { words, adverbs, phrases }
});

/// The number of a word that is already in lower case.
pub fn word_id(word: &str) -> WordId {
    INDEX.words.get(word).copied().unwrap_or(UNKNOWN_WORD)
}

/// The longest phrase that begins with the first of `tokens`.
pub fn longest_match(tokens: &[Token]) -> Option<Match> {
    let word = |token: &Token| match token.kind {
        TokenKind::Word(id) => id,
        _ => UNKNOWN_WORD,
    };
    let candidates = INDEX.phrases.get(usize::from(word(tokens.first()?)))?;
    let taken = |ids: &[WordId]| {
        let mut at = 0;
        for (place, id) in ids.iter().enumerate() {
            // `is still well below` is `is below`.
            if place > 0 && tokens.get(at).map(word) != Some(*id) {
                at += tokens[at..]
                    .iter()
                    .take(2)
                    .take_while(|token| INDEX.adverbs.contains(&word(token)))
                    .count();
            }
            if tokens.get(at).map(word) != Some(*id) {
                return None;
            }
            at += 1;
        }
        Some(at)
    };
    candidates.iter().find_map(|(ids, kind)| taken(ids).map(|tokens| Match { kind: *kind, tokens }))
}

/// Whether `kind` is on the verification list: the phrases that a mere phrase count would count.
pub fn is_verification(kind: PhraseKind) -> bool {
    matches!(kind, Kind::Check | Kind::Hesitation | Kind::Right | Kind::Wrong)
}

/// Whether `text` is one phrase of the verification list and nothing else, in any letter case.
pub fn is_phrase(text: &str) -> bool {
    let tokens = tokenize(text);
    longest_match(&tokens).is_some_and(|found| found.tokens == tokens.len() && is_verification(found.kind))
}

/// The verification list as the table spells it out; the families have more phrases for which [`is_phrase`]
/// holds.
pub fn verification_phrases() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|(kind, _)| is_verification(*kind)).flat_map(|(_, texts)| texts.iter().copied())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_spelling_the_lexer_gives_and_names_nothing_twice() {
        let mut seen = std::collections::HashSet::new();
        for (kind, texts) in TABLE {
            for text in *texts {
                assert!(seen.insert(*text), "`{text}` stands twice");
                let tokens = tokenize(&text.to_uppercase());
                let found = longest_match(&tokens).unwrap_or_else(|| panic!("`{text}` is not found"));
                assert_eq!((found.kind, found.tokens), (*kind, tokens.len()), "{text}");
            }
        }
    }

    #[test]
    fn only_whole_phrases_of_the_list_are_phrases() {
        assert!(verification_phrases().count() > 50);
        for phrase in verification_phrases() {
            assert!(is_phrase(phrase), "{phrase}");
        }
        assert!(is_phrase("That\u{2019}s not right"));
        for other in ["", "try again", "check the", "checkers", "19", "too"] {
            assert!(!is_phrase(other), "{other}");
        }
    }
}
