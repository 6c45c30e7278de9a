//! The phrases that find candidates. A phrase decides nothing; it only says where to look.
//!
//! To teach the analysis more English, add lines to `table` or verbs to `families`. Where several phrases
//! match, the longest wins.

mod aims;
mod families;
mod table;
mod tree;

use std::{collections::HashMap, sync::LazyLock};

use super::{
    exact::Operator,
    lexer::{Token, TokenKind},
};

/// Number of a word in the vocabulary of all phrases.
pub(crate) type WordId = u16;

/// The number of every word that occurs in no phrase.
pub(crate) const UNKNOWN_WORD: WordId = 0;

/// What a phrase may announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PhraseKind {
    /// Opens an attempt: `first`, `let me try`.
    Opening,
    /// Gives an attempt up for another: `try again`, `instead`.
    Retry,
    /// Returns to a result that a number names: `back to 64`.
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
    /// Like [`PhraseKind::Right`], but so common a word that it counts only as an answer.
    WeakRight,
    /// Like [`PhraseKind::Wrong`], but so common a word that it counts only as an answer.
    WeakWrong,
    /// Claims that the value differs from the number that follows.
    NotEqual,
    /// Claims that the value equals the number that follows.
    Equal,
    /// Claims that the value is above the number that follows.
    Above,
    /// Claims that the value is below the number that follows.
    Below,
    /// Works from the target toward the numbers.
    Backward,
    /// An operator in words between two operands: `divided by`.
    Calculate(Operator),
    /// States the result of the calculation before it: `gives`.
    Gives,
    /// An intermediate goal, if a number other than the target follows.
    Subgoal,
    /// Like [`PhraseKind::Subgoal`], but so common that the number must follow at once: `we need 42`.
    WeakSubgoal,
    /// Works from the number that follows, if that is the target: `starting from 19`.
    BackwardFrom,
    /// Misses by the number that follows: `off by 2`.
    OffBy,
    /// The rest of the clause is asked or supposed, not stated: `whether`, `if`.
    Supposed,
    /// The sentence repeats a result as the answer: `so the answer is`.
    Concludes,
    /// Looks like another phrase but announces nothing: `instead of`.
    Nothing,
}

use table::{ADVERBS, TABLE};
use tree::Tree;

use PhraseKind as Kind;

/// A phrase found in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    /// What it may announce.
    pub kind: PhraseKind,
    /// Its length in tokens.
    pub tokens: usize,
}

struct Index {
    words: HashMap<&'static str, WordId>,
    /// Words that may occur inside a phrase.
    adverbs: Vec<WordId>,
    tree: Tree,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, WordId> = HashMap::new();
    let mut number = |word: &'static str| {
        // 0 is reserved for words that occur in no phrase.
        let next = words.len() as WordId + 1;
        *words.entry(word).or_insert(next)
    };
    let mut tree = Tree::new();
    let mut ids = Vec::new();
    for (kind, text) in all_phrases() {
        ids.clear();
        ids.extend(text.map(&mut number));
        tree.add(&ids, kind);
    }
    let adverbs = ADVERBS.iter().map(|adverb| number(adverb)).collect();
    Index { words, adverbs, tree }
});

/// The words of every phrase: first those of the table, then those of the families.
fn all_phrases() -> impl Iterator<Item = (PhraseKind, Box<dyn Iterator<Item = &'static str>>)> {
    type Words = Box<dyn Iterator<Item = &'static str>>;
    let listed = TABLE
        .iter()
        .flat_map(|(kind, texts)| texts.iter().map(move |text| (*kind, Box::new(text.split(' ')) as Words)));
    let built = families::FAMILIES.iter().flat_map(|(kind, beginnings, ends)| {
        beginnings.iter().copied().flatten().flat_map(move |beginning| {
            let both = move |end: &'static str| {
                Box::new(beginning.split(' ').filter(|word| !word.is_empty()).chain(end.split(' '))) as Words
            };
            ends.iter().map(move |end| (*kind, both(end)))
        })
    });
    listed.chain(built)
}

/// The number of a word, which must be in lower case.
pub(crate) fn word_id(word: &str) -> WordId {
    INDEX.words.get(word).copied().unwrap_or(UNKNOWN_WORD)
}

/// The longest phrase that begins at the first of `tokens`.
pub(crate) fn longest_match(tokens: &[Token]) -> Option<Match> {
    let word = |token: &Token| match token.kind {
        TokenKind::Word(id) => id,
        _ => UNKNOWN_WORD,
    };
    let word_at = |at: usize| tokens.get(at).map_or(UNKNOWN_WORD, word);
    let found = INDEX.tree.longest(word_at, |id| INDEX.adverbs.contains(&id));
    found.map(|(kind, tokens)| Match { kind, tokens })
}

/// Whether `kind` is on the verification list: the phrases that plain phrase counting would count.
pub(crate) fn is_verification(kind: PhraseKind) -> bool {
    matches!(kind, Kind::Check | Kind::Hesitation | Kind::Right | Kind::Wrong)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{super::lexer::tokenize, *};

    /// Whether `text` is exactly one phrase of the verification list, ignoring case.
    fn is_phrase(text: &str) -> bool {
        let tokens = tokenize(text);
        longest_match(&tokens)
            .is_some_and(|found| found.tokens == tokens.len() && is_verification(found.kind))
    }

    /// The verification phrases of the table. The families form more, for which [`is_phrase`] also holds.
    fn verification_phrases() -> impl Iterator<Item = &'static str> {
        TABLE.iter().filter(|(kind, _)| is_verification(*kind)).flat_map(|(_, texts)| texts.iter().copied())
    }

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

    /// Tries every phrase, longest first, in the order of [`all_phrases`].
    fn by_trying_all(
        tokens: &[WordId],
        phrases: &[(Vec<WordId>, PhraseKind)],
    ) -> Option<(PhraseKind, usize)> {
        let word = |at: usize| tokens.get(at).copied().unwrap_or(UNKNOWN_WORD);
        let taken = |ids: &[WordId]| {
            let mut at = 0;
            for (place, id) in ids.iter().enumerate() {
                if place > 0 && word(at) != *id {
                    at += (at..at + 2).take_while(|at| INDEX.adverbs.contains(&word(*at))).count();
                }
                if word(at) != *id {
                    return None;
                }
                at += 1;
            }
            Some(at)
        };
        phrases.iter().find_map(|(ids, kind)| taken(ids).map(|at| (*kind, at)))
    }

    #[test]
    fn the_tree_finds_what_trying_every_phrase_finds() {
        let mut phrases: Vec<(Vec<WordId>, PhraseKind)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (kind, text) in all_phrases() {
            let ids: Vec<WordId> = text.map(word_id).collect();
            if seen.insert(ids.clone()) {
                phrases.push((ids, kind));
            }
        }
        phrases.sort_by_key(|(ids, _)| std::cmp::Reverse(ids.len()));
        assert!(phrases.len() > 5000, "{}", phrases.len());
        let tree = |tokens: &[WordId]| {
            let word = |at: usize| tokens.get(at).copied().unwrap_or(UNKNOWN_WORD);
            INDEX.tree.longest(word, |id| INDEX.adverbs.contains(&id))
        };
        // Phrases with inserted adverbs and changed words: deterministic, and often nearly a phrase.
        let mut state = 1usize;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut found = 0;
        for _ in 0..3000 {
            let mut tokens = phrases[draw(phrases.len())].0.clone();
            for _ in 0..draw(4) {
                let at = draw(tokens.len() + 1);
                tokens.insert(at, INDEX.adverbs[draw(INDEX.adverbs.len())]);
            }
            if draw(3) == 0 {
                let at = draw(tokens.len());
                tokens[at] = draw(INDEX.words.len() + 1) as WordId;
            }
            let expected = by_trying_all(&tokens, &phrases);
            assert_eq!(tree(&tokens), expected, "{tokens:?}");
            found += usize::from(expected.is_some());
        }
        assert!(found > 1500, "{found}");
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
