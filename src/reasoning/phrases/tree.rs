//! A trie of the phrases by word: looking one up costs the same however many share a beginning.

use super::{PhraseKind, WordId};

/// Maximum number of adverbs before a word of a phrase.
pub(super) const MOST_ADVERBS: usize = 2;

/// One word in one or more phrases.
#[derive(Debug, Default)]
struct Node {
    /// The words that may follow, as word number and node.
    next: Vec<(WordId, usize)>,
    /// The phrase that ends here: its kind and its position among all phrases.
    ends: Option<(PhraseKind, usize)>,
}

/// All phrases. Node 0 precedes the first word.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    count: usize,
}

/// A phrase found.
#[derive(Debug, Clone, Copy)]
struct Found {
    words: usize,
    order: usize,
    kind: PhraseKind,
    tokens: usize,
}

impl Tree {
    pub fn new() -> Self {
        Self { nodes: vec![Node::default()], count: 0 }
    }

    /// Adds a phrase unless it is already present.
    pub fn add(&mut self, words: &[WordId], kind: PhraseKind) {
        if words.is_empty() {
            return;
        }
        let mut at = 0;
        for word in words {
            let fresh = self.nodes.len();
            let next = &mut self.nodes[at].next;
            at = match next.binary_search_by_key(word, |(known, _)| *known) {
                Ok(found) => next[found].1,
                Err(place) => {
                    next.insert(place, (*word, fresh));
                    self.nodes.push(Node::default());
                    fresh
                }
            };
        }
        if self.nodes[at].ends.is_none() {
            self.nodes[at].ends = Some((kind, self.count));
            self.count += 1;
        }
    }

    fn child(&self, node: usize, word: WordId) -> Option<usize> {
        let next = &self.nodes[node].next;
        next.binary_search_by_key(&word, |(known, _)| *known).ok().map(|found| next[found].1)
    }

    /// Finds the phrase of most words that begins at position 0 of `word`; among equals, the one added first.
    /// Returns its kind and its length in words of the text.
    pub fn longest(
        &self,
        word: impl Fn(usize) -> WordId,
        is_adverb: impl Fn(WordId) -> bool,
    ) -> Option<(PhraseKind, usize)> {
        let first = self.child(0, word(0))?;
        let mut best = None;
        self.walk(first, 1, 1, &word, &is_adverb, &mut best);
        best.map(|found: Found| (found.kind, found.tokens))
    }

    /// Continues from a node reached after `words` words of the phrase and `at` tokens of the text.
    fn walk(
        &self,
        node: usize,
        words: usize,
        at: usize,
        word: &impl Fn(usize) -> WordId,
        is_adverb: &impl Fn(WordId) -> bool,
        best: &mut Option<Found>,
    ) {
        if let Some((kind, order)) = self.nodes[node].ends
            && best.is_none_or(|best| words > best.words || words == best.words && order < best.order)
        {
            *best = Some(Found { words, order, kind, tokens: at });
        }
        if self.nodes[node].next.is_empty() {
            return;
        }
        let here = word(at);
        if let Some(next) = self.child(node, here) {
            self.walk(next, words + 1, at + 1, word, is_adverb, best);
        }
        // `is still well below` counts as `is below`.
        let skipped = (0..MOST_ADVERBS).take_while(|ahead| is_adverb(word(at + ahead))).count();
        let behind = word(at + skipped);
        if skipped > 0
            && behind != here
            && let Some(next) = self.child(node, behind)
        {
            self.walk(next, words + 1, at + skipped + 1, word, is_adverb, best);
        }
    }
}
