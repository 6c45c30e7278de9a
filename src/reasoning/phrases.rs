//! The phrases that find candidates. A phrase decides nothing: it only says where to look.
//!
//! To teach the analysis more English, add lines to [`TABLE`], or verbs to [`families`]; the longest phrase at
//! a place wins.

mod families;

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

use PhraseKind as Kind;

/// Every phrase. Words are parted by single spaces, in lower case, with straight apostrophes.
const TABLE: &[(Kind, &[&str])] = &[
    (Kind::Opening, &["first", "let me try", "how about", "maybe", "start with", "one idea", "take"]),
    (Kind::Opening, &["let's try", "let us try", "i can try", "i'll try", "try"]),
    (Kind::Retry, &["try again", "let me try another way", "instead", "start over", "what about"]),
    (Kind::Retry, &["another idea", "let me try again", "let's try again", "another way", "try another way"]),
    (Kind::Retry, &["let me try something else", "let's try something else", "try something else"]),
    (Kind::Retry, &["let me try another approach", "let's try another approach", "another approach"]),
    (Kind::Retry, &["let me try a different approach", "let's try a different approach"]),
    (Kind::Retry, &["a different approach", "let me try a different combination", "different combination"]),
    (Kind::Retry, &["let me try another combination", "let's try another combination"]),
    (Kind::Retry, &["another combination", "let's try another way", "let me start over", "alternatively"]),
    (Kind::Retry, &["go back to the start", "back to the start", "back to the beginning", "starting over"]),
    (Kind::Nothing, &["instead of", "checks", "right now", "no way"]),
    (Kind::Keep, &["back to", "keep", "go back to", "going back to", "go back"]),
    (Kind::Check, &["check", "verify", "let me check", "let me verify", "let's check", "let's verify"]),
    (Kind::Check, &["let me double check", "let me double-check", "double check", "double-check"]),
    (Kind::Check, &["let's double-check", "checking", "verifying", "verification", "recheck"]),
    (Kind::Check, &["let me check this", "let me verify this", "let's check this", "let's verify this"]),
    (Kind::Check, &["let me check again", "check again", "let me confirm", "let's confirm"]),
    (Kind::Hesitation, &["wait", "hmm", "hm", "hold on", "actually", "oops"]),
    (Kind::TooHigh, &["too high", "too big", "too large", "too much", "is too high", "is too big"]),
    (Kind::TooHigh, &["is too large", "that is too high", "that's too high", "which is too high"]),
    (Kind::TooHigh, &["that is too large", "that's too large", "which is too large", "this is too high"]),
    (Kind::TooHigh, &["that is too big", "that's too big", "which is too big", "it's too high"]),
    (Kind::TooLow, &["too low", "too small", "is too low", "is too small", "that is too low"]),
    (Kind::TooLow, &["that's too low", "which is too low", "that is too small", "that's too small"]),
    (
        Kind::TooLow,
        &[
            "which is too small",
            "this is too low",
            "not enough",
            "is not enough",
            "not big enough",
            "it's too low",
        ],
    ),
    (Kind::Wrong, &["that is not right", "that's not right", "this is not right", "that isn't right"]),
    (Kind::Wrong, &["that is not correct", "that's not correct", "this is not correct", "is not correct"]),
    (Kind::Wrong, &["that is wrong", "that's wrong", "this is wrong", "is wrong", "is not right"]),
    (Kind::Wrong, &["that does not work", "that doesn't work", "this does not work", "this doesn't work"]),
    (Kind::Wrong, &["does not work", "doesn't work", "that didn't work", "didn't work", "that is not it"]),
    (Kind::Wrong, &["that is not working", "that's not working", "isn't working", "is not working"]),
    (Kind::Wrong, &["that's not it", "not the target", "is not the target", "which is not the target"]),
    (Kind::Wrong, &["that is not the target", "that's not the target", "does not equal the target"]),
    (Kind::Wrong, &["doesn't equal the target", "not right", "not correct", "not what we want"]),
    (Kind::Wrong, &["is not what we want", "not what we need", "is not what we need"]),
    (Kind::Right, &["that works", "this works", "it works", "that is right", "that's right"]),
    (Kind::Right, &["this is right", "is right", "that is correct", "that's correct", "this is correct"]),
    (Kind::Right, &["is correct", "matches the target", "equals the target", "is equal to the target"]),
    (Kind::Right, &["is the target", "which is the target", "that is the target", "that's the target"]),
    (Kind::Right, &["that's it", "which is correct", "which works", "checks out", "that checks out"]),
    (Kind::Right, &["which matches the target", "which equals the target", "that's exactly right"]),
    (Kind::WeakRight, &["yes", "right", "correct", "works", "perfect"]),
    (Kind::WeakWrong, &["no", "wrong", "incorrect", "nope"]),
    (Kind::NotEqual, &["is not", "isn't", "not", "that is not", "that's not", "that isn't", "this is not"]),
    (Kind::NotEqual, &["which is not", "which isn't", "it is not", "it's not", "does not equal"]),
    (Kind::NotEqual, &["doesn't equal", "is not equal to", "not equal to", "which does not equal"]),
    (Kind::NotEqual, &["which doesn't equal", "does not make", "doesn't make"]),
    (
        Kind::Equal,
        &[
            "is",
            "equals",
            "is equal to",
            "is exactly",
            "that's exactly",
            "which is exactly",
            "that is exactly",
        ],
    ),
    // These name the value in hand; they compare it with nothing.
    (Kind::Nothing, &["that is", "this is", "it is", "that's", "which is", "it's", "there is"]),
    (Kind::Above, &["is greater than", "is more than", "is higher than", "is larger than", "is above"]),
    (Kind::Above, &["greater than", "which is greater than", "which is more than"]),
    (Kind::Below, &["is less than", "is lower than", "is smaller than", "is below", "less than"]),
    (Kind::Below, &["which is less than", "which is smaller than"]),
    (Kind::Backward, &["work backwards", "work backward", "working backwards", "working backward"]),
    (Kind::Backward, &["start from the target", "starting from the target", "start with the target"]),
    (Kind::Backward, &["from the target", "work back from", "reverse engineer"]),
    (Kind::Calculate(Operator::Add), &["plus", "added to"]),
    (Kind::Calculate(Operator::Subtract), &["minus"]),
    (Kind::Calculate(Operator::Multiply), &["times", "multiplied by"]),
    (Kind::Calculate(Operator::Divide), &["divided by", "over"]),
    (
        Kind::Gives,
        &[
            "evaluates to",
            "gives",
            "gives us",
            "gives me",
            "giving",
            "makes",
            "yields",
            "results in",
            "we get",
        ],
    ),
    (Kind::Gives, &["which gives", "which gives us", "this gives", "this gives us", "that gives", "i get"]),
    (
        Kind::Gives,
        &["which equals", "this equals", "that equals", "it equals", "to get", "comes to", "resulting in"],
    ),
    (Kind::Gives, &["the result is", "which makes", "that makes", "this makes", "which comes to"]),
    (
        Kind::Subgoal,
        &["i need to get", "we need to get", "i need to make", "we need to make", "need to reach"],
    ),
    (Kind::Subgoal, &["if i can get", "if i can make", "if we can get", "if we can make", "i still need"]),
    (
        Kind::Subgoal,
        &["we still need", "so i need", "so we need", "now i need", "now we need", "goal is to get"],
    ),
    (Kind::NotEqual, &["that's not equal to", "which is not equal to", "that is not equal to", "far from"]),
    (Kind::NotEqual, &["this is not equal to", "it is not equal to", "is far from", "which is far from"]),
    (Kind::NotEqual, &["is different from", "does not reach", "doesn't reach", "it's not equal to"]),
    (Kind::Wrong, &["is incorrect", "this is incorrect", "that is incorrect", "that's incorrect"]),
    (Kind::Wrong, &["which is incorrect", "which is wrong"]),
    (Kind::TooHigh, &["more than the target", "greater than the target", "higher than the target"]),
    (Kind::TooHigh, &["is more than the target", "is greater than the target", "is higher than the target"]),
    (Kind::TooLow, &["less than the target", "smaller than the target", "lower than the target"]),
    (Kind::TooLow, &["is less than the target", "is smaller than the target", "is lower than the target"]),
    (
        Kind::Right,
        &["which is exactly the target", "that's exactly the target", "that is exactly the target"],
    ),
    (Kind::OffBy, &["off by", "is off by", "we are off by"]),
    (
        Kind::Supposed,
        &["if", "whether", "see if", "make sure", "to see if", "ensure", "that our", "that the"],
    ),
    (Kind::Supposed, &["that this", "that it", "if this", "if it", "if that", "whether this", "whether it"]),
    (
        Kind::Concludes,
        &["the answer is", "final answer", "the final answer", "therefore", "the solution is", "thus"],
    ),
    (Kind::Concludes, &["so the answer", "the final expression", "the expression is", "the equation is"]),
    (Kind::TooHigh, &["exceeds the target", "over the target", "above the target", "still too high"]),
    (Kind::TooLow, &["below the target", "under the target", "short of the target", "still too low"]),
    (Kind::Wrong, &["does not match", "doesn't match", "not quite", "not quite right", "no good", "not it"]),
    (Kind::Wrong, &["does not match the target", "doesn't match the target", "not equal to the target"]),
    (Kind::Wrong, &["does not give us the target", "is not equal to the target", "not valid"]),
    (Kind::Wrong, &["won't work", "will not work", "still not right", "still not", "is still not"]),
    (Kind::Right, &["we got it", "exactly the target", "matches our target", "is our target", "we found it"]),
    (Kind::Right, &["that does it", "it matches", "this matches", "that matches", "hits the target"]),
    (Kind::Right, &["is exactly the target", "exactly what we need", "is exactly what we need", "bingo"]),
    (Kind::WeakRight, &["great", "success", "exactly"]),
    (
        Kind::WeakSubgoal,
        &["we need", "i need", "need", "need to make", "we want", "i want", "goal is to make"],
    ),
    (
        Kind::WeakSubgoal,
        &["we'd need", "i'd need", "leaves me needing", "goal now is to make", "goal now is"],
    ),
    (Kind::Subgoal, &["now i need to get", "the next goal is", "aim for", "let me aim for", "let's aim for"]),
    (Kind::Subgoal, &["if we could get", "if i could get", "if we could make", "if i could make"]),
    (Kind::BackwardFrom, &["starting from", "start from", "work from", "going backwards from"]),
    (Kind::BackwardFrom, &["going backward from", "reverse from", "starting with"]),
    (Kind::Opening, &["what if", "trying", "next", "consider", "suppose", "attempt", "we can try", "say"]),
    (Kind::WeakRight, &["so yes", "there we go", "there it is", "got it", "nice", "good", "excellent"]),
    (
        Kind::WeakRight,
        &["as required", "as desired", "as needed", "as expected", "yep", "yeah", "so it works"],
    ),
    (Kind::WeakRight, &["which is right", "match", "eureka", "found it", "yes it works", "that works out"]),
    (Kind::WeakWrong, &["so no", "close but no", "still no", "nah", "close but not quite", "but not equal"]),
    (
        Kind::WeakWrong,
        &["fail", "fails", "but not the same", "not the same", "no luck", "not equal", "miss", "mismatch"],
    ),
    (Kind::WeakWrong, &["not close", "not even close", "not good", "not there yet", "not working"]),
    (Kind::NotEqual, &["but not", "is not exactly", "isn't exactly", "is not quite", "isn't quite"]),
    (Kind::OffBy, &["misses by", "missed by", "short by", "is short by", "over by", "overshoots by"]),
    (Kind::OffBy, &["differs by", "undershoots by", "exceeds by"]),
    (Kind::Equal, &["does equal", "matches", "reaches", "hits", "gets us to", "equal to", "is indeed"]),
    (Kind::NotEqual, &["but we need", "but i need", "but the target is", "but we want", "rather than"]),
    (Kind::Retry, &["let's try a different combination", "let's try a different way", "try a different way"]),
    (
        Kind::Retry,
        &["try something different", "let's try something different", "another attempt", "next attempt"],
    ),
    (Kind::Retry, &["let me try something different", "let's start over", "let me go back", "let's go back"]),
    (Kind::Retry, &["a different combination", "a different way", "another option", "another possibility"]),
    (Kind::Retry, &["how about instead", "let me think again", "let me rethink", "let's rethink"]),
    (
        Kind::Check,
        &["let me double-check this", "let me double check this", "let's double check", "to verify"],
    ),
];

/// Words that may stand inside any phrase without changing what it says.
const ADVERBS: &[&str] = &[
    "well",
    "way",
    "far",
    "much",
    "slightly",
    "already",
    "also",
    "even",
    "clearly",
    "definitely",
    "obviously",
    "indeed",
    "really",
    "just",
    "still",
    "actually",
    "only",
    "now",
    "finally",
    "simply",
    "perfectly",
];

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
