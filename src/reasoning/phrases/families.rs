//! Phrases that are put together from a verb and what it speaks of: `matches` + `our target number`.

use super::PhraseKind;

/// A kind, the beginnings of its phrases, and the ends that each may have.
pub(super) type Family = (PhraseKind, &'static [&'static [&'static str]], &'static [&'static str]);

/// What a run calls the number it is after.
const AIMS: &[&str] = &[
    "the target",
    "our target",
    "the target number",
    "our target number",
    "the target value",
    "the target of",
    "the goal",
    "our goal",
    "the desired number",
    "the desired result",
    "the desired value",
    "the required number",
    "the required result",
    "the required value",
    "the requirement",
    "what we need",
    "what we needed",
    "what we want",
    "what we wanted",
    "what i need",
    "what i want",
    "what we're looking for",
    "what we are looking for",
    "what i'm looking for",
    "what we were looking for",
    "the number we need",
    "the number we want",
    "the result we want",
];

const HITS: &[&str] = &[
    "is", "that's", "that is", "this is", "it's", "it is", "which is", "is exactly", "exactly", "is indeed",
    "equals", "does equal", "is equal to", "equal to", "which equals", "matches", "which matches", "match",
    "does match", "hits", "which hits", "reaches", "reached", "have reached", "we reached", "we have reached",
];
const MORE_HITS: &[&str] = &[
    "satisfies", "meets", "achieves", "gives us", "gives us exactly", "gets us to", "gives", "got", "we got",
    "we've got", "we have", "is the same as", "the same as", "found", "that's exactly", "which is exactly",
    "this is exactly", "that is exactly", "yields", "we've reached", "results in", "makes", "exactly equals",
];
const MISSES: &[&str] = &[
    "is not", "isn't", "not", "that's not", "that is not", "which is not", "which isn't", "it's not",
    "it is not", "this is not", "this isn't", "does not equal", "doesn't equal", "not equal to",
    "is not equal to", "isn't equal to", "does not match", "doesn't match", "does not give",
    "doesn't give", "does not give us", "doesn't give us", "does not reach", "doesn't reach", "is still not",
];
const MORE_MISSES: &[&str] = &[
    "does not hit", "doesn't hit", "does not meet", "doesn't meet", "does not satisfy", "doesn't satisfy",
    "does not get us to", "doesn't get us to", "misses", "missed", "is far from", "far from", "nowhere near",
    "is nowhere near", "is different from", "different from", "did not reach", "didn't reach", "not exactly",
    "is not exactly", "isn't exactly", "not quite", "isn't quite", "is not quite", "does not result in",
];
const HIGHS: &[&str] = &[
    "exceeds", "overshoots", "overshot", "is above", "is over", "is more than", "is greater than",
    "is larger than", "is bigger than", "is higher than", "above", "over", "more than", "greater than",
    "larger than", "bigger than", "higher than", "goes over", "is beyond", "we overshot",
];
const LOWS: &[&str] = &[
    "is below", "is under", "is less than", "is smaller than", "is lower than", "below", "under", "less than",
    "smaller than", "lower than", "falls short of", "short of", "undershoots", "is short of",
];

/// The families. A phrase that the table has too keeps the kind that the table gives it.
pub(super) const FAMILIES: &[Family] = &[
    (PhraseKind::Right, &[HITS, MORE_HITS], AIMS),
    (PhraseKind::Wrong, &[MISSES, MORE_MISSES], AIMS),
    (PhraseKind::TooHigh, &[HIGHS], AIMS),
    (PhraseKind::TooLow, &[LOWS], AIMS),
    (
        PhraseKind::NotEqual,
        &[&[
            "does not", "doesn't", "did not", "didn't", "cannot", "can't", "will not", "won't",
        ]],
        &["equal", "give", "give us", "match", "reach", "make", "hit", "get us to", "result in", "yield", "get to"],
    ),
    (
        PhraseKind::NotEqual,
        &[&["is", "isn't", "is not", "still", "is still", "which is", "that's", "that is", "it's"]],
        &["nowhere near", "far from", "not close to", "close to but not", "different from", "unequal to"],
    ),
    (
        PhraseKind::Above,
        &[&["is", "that is", "that's", "this is", "which is", "it is", "it's", "is still", "which is still", "is much"]],
        &["greater than", "more than", "larger than", "bigger than", "higher than", "above", "over"],
    ),
    (
        PhraseKind::Below,
        &[&["is", "that is", "that's", "this is", "which is", "it is", "it's", "is still", "which is still", "is much"]],
        &["less than", "lower than", "smaller than", "below", "under"],
    ),
    (
        PhraseKind::Wrong,
        &[&["not", "isn't", "is not", "which isn't", "which is not", "that's not", "that isn't"]],
        &["an integer", "a whole number", "an integer value", "possible", "allowed", "valid"],
    ),
    (
        PhraseKind::Wrong,
        &[&["this", "that", "it", "which", "so this", "so that"]],
        &[
            "isn't correct", "isn't right", "isn't it", "doesn't match", "does not match", "isn't working",
            "fails", "won't do", "doesn't work either", "is not it", "isn't quite right", "isn't equal",
        ],
    ),
    (
        PhraseKind::Right,
        &[&["this", "that", "it", "which", "so this", "so it", "so that"]],
        &["works", "matches", "is it", "does it", "works out", "works perfectly", "works well", "checks out"],
    ),
    (
        PhraseKind::Check,
        &[&["let me", "let's", "let us", "i'll", "i will", "we can", "i should", "we should", "i need to", "to"]],
        &[
            "check", "verify", "confirm", "double check", "double-check", "recheck", "re-check", "make sure",
            "be sure", "check again", "verify this", "check this", "verify that", "check that", "quickly check",
            "quickly verify", "just check", "verify again", "recalculate", "make certain", "re-verify",
        ],
    ),
    (
        PhraseKind::Retry,
        &[&["let me", "let's", "let us", "i'll", "i will", "we can", "i should", "i can", "we could"]],
        &[
            "try another", "try a different", "try a new", "start again", "start over", "reconsider",
            "rethink", "rethink this", "think differently", "try again", "try something else", "try differently",
            "go another way", "switch", "backtrack", "start from scratch",
        ],
    ),
    (
        PhraseKind::Retry,
        &[&["another", "a different", "a new", "one more", "the next"]],
        &["try", "attempt", "possibility", "way", "approach", "combination", "option", "idea", "strategy", "route"],
    ),
    (
        PhraseKind::Opening,
        &[&["let me", "let's", "we can", "we could", "i can", "i could", "i'll", "what if i", "what if we", "if i", "if we"]],
        &["do", "use", "add", "subtract", "multiply", "divide", "combine", "start with", "try", "compute", "consider"],
    ),
];
