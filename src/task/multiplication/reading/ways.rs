//! The ways in which a completion computes the product: its partial products and the results that it states.

use std::collections::{HashMap, HashSet};

use super::formula::{Formula, Term, value_of};

/// More partial products than anyone writes for one product.
const MOST_PARTS: usize = 64;

/// One way taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayTaken {
    /// The partial products, sorted, each with the smaller factor first. Ways with equal parts are the same
    /// way.
    pub parts: Vec<Term>,
    /// The same partial products in the order in which they were combined.
    pub said: Vec<Term>,
    /// The product that the text states; `None` if it states none.
    pub stated: Option<i128>,
    /// Whether the partial products add up to the product of the puzzle.
    pub adds_up: bool,
    /// Whether every step was calculated correctly.
    pub sound: bool,
    /// First byte.
    pub start: usize,
    /// Number of answers opened before it.
    pub segment: usize,
}

impl WayTaken {
    /// Whether it applies the distributive rule: at least two partial products that add up to the product.
    pub(crate) fn is_decomposition(&self) -> bool {
        self.adds_up && self.parts.len() > 1
    }
}

/// Follows a completion's results from partial products to the product.
#[derive(Debug)]
pub(crate) struct Tracker {
    factors: [i128; 2],
    product: i128,
    /// The partial products behind each stated result.
    held: HashMap<i128, Vec<Term>>,
    /// Stated results that were miscalculated or rest on a miscalculated one.
    slips: HashSet<i128>,
    /// The stated value of each product, by its factors as written.
    stated: HashMap<Vec<i128>, i128>,
    /// Partial products since the last complete way.
    open: Vec<Term>,
    open_start: Option<usize>,
    open_slip: bool,
    last_stated: Option<i128>,
    /// All ways in order, complete or abandoned.
    pub taken: Vec<WayTaken>,
    /// Number of answers opened so far.
    pub segment: usize,
}

impl Tracker {
    /// Tracks the product of two factors.
    pub fn new(factors: [i128; 2], product: i128) -> Self {
        Self {
            factors,
            product,
            held: HashMap::new(),
            slips: HashSet::new(),
            stated: HashMap::new(),
            open: Vec::new(),
            open_start: None,
            open_slip: false,
            last_stated: None,
            taken: Vec::new(),
            segment: 0,
        }
    }

    /// Whether the formulas use a miscalculated result.
    pub(crate) fn rests_on_slip(&self, chain: &[Formula]) -> bool {
        let results = chain.split_last().map_or(&[][..], |(_, before)| before);
        let alone = |term: &Term| term.factors.len() == 1 && self.slips.contains(&term.factors[0]);
        results.iter().flat_map(|side| &side.terms).any(alone)
    }

    /// Records formulas joined by equals signs; `right` says whether they are equal.
    pub(crate) fn equation(&mut self, chain: &[Formula], right: bool) {
        let Some(stated) = chain.last().and_then(Formula::number).filter(|_| chain.len() > 1) else { return };
        let whole = Term { sign: 1, factors: self.factors.to_vec() }.sorted();
        // Of several sides, the one with the most parts shows how the product was computed.
        let sides = chain[..chain.len() - 1].iter().filter_map(|side| self.parts_of(side));
        let Some(parts) = sides.max_by_key(Vec::len) else { return };
        let start = chain[0].start;
        let direct = parts.len() == 1 && parts[0].sorted() == whole;
        let sound = right && !self.rests_on_slip(chain);
        if sound {
            self.slips.remove(&stated);
        } else {
            self.slips.insert(stated);
        }
        let complete = direct || parts.len() > 1 && value_of(&parts) == Some(self.product);
        self.held.insert(stated, parts.clone());
        for side in &chain[..chain.len() - 1] {
            if let [Term { sign: 1, factors }] = side.terms.as_slice() {
                self.stated.insert(factors.clone(), stated);
            }
        }
        self.last_stated = Some(stated);
        let begun = *self.open_start.get_or_insert(start);
        if complete {
            self.complete(parts, Some(stated), true, sound, begun);
        } else if self.open.len() < MOST_PARTS {
            self.open.extend(parts);
            self.open_slip |= !sound;
        }
    }

    /// Notes that the text moves on: partial products not yet combined become an abandoned way.
    pub fn turn(&mut self) {
        if let (Some(start), false) = (self.open_start, self.open.is_empty()) {
            let mut seen = HashSet::new();
            let mut parts = std::mem::take(&mut self.open);
            parts.retain(|part| seen.insert(part.sorted()));
            self.complete(parts, self.last_stated, false, !self.open_slip, start);
        }
    }

    /// Notes an answer: what follows it builds on nothing before it.
    pub fn answered(&mut self) {
        self.turn();
        self.held.clear();
        self.slips.clear();
        self.segment += 1;
    }

    /// The value that the text last stated for a product.
    pub(crate) fn stated_product(&self, factors: &[i128]) -> Option<i128> {
        self.stated.get(factors).copied()
    }

    /// The latest way since the last answer.
    pub fn newest(&self) -> Option<&WayTaken> {
        self.taken.last().filter(|way| way.segment == self.segment)
    }

    fn complete(&mut self, said: Vec<Term>, stated: Option<i128>, adds_up: bool, sound: bool, start: usize) {
        let mut parts: Vec<Term> = said.iter().map(Term::sorted).collect();
        parts.sort_unstable();
        self.taken.push(WayTaken { parts, said, stated, adds_up, sound, start, segment: self.segment });
        self.open.clear();
        self.open_slip = false;
        self.open_start = None;
    }

    /// The partial products that a formula stands for; `None` if it contains a number that was never stated
    /// as a result.
    fn parts_of(&self, formula: &Formula) -> Option<Vec<Term>> {
        let mut parts = Vec::new();
        for term in &formula.terms {
            match term.factors.as_slice() {
                [number] => {
                    let held = self.held.get(number)?;
                    let signed = held
                        .iter()
                        .map(|part| Term { sign: term.sign * part.sign, factors: part.factors.clone() });
                    parts.extend(signed);
                }
                [_, _] => parts.push(term.clone()),
                _ => return None,
            }
            if parts.len() > MOST_PARTS {
                return None;
            }
        }
        Some(parts)
    }
}
