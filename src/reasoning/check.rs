//! One checking sentence: what it states, and whether it holds.

use std::collections::HashSet;

use super::{
    Verdict,
    attempts::{Again, AttemptRecord, Attempts},
    exact::{Exact, Operator},
    shape::Key,
};

/// What opened the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opener {
    /// No opener: the verdict stands alone (`that works .`).
    None,
    /// `wait`, `hmm`.
    Hesitation,
    /// `check`, `verify`: what follows may re-derive a result.
    Check,
}

/// The relation that the text claims between a value and a number. The number is the target unless one is
/// named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `19 = 19`, `19 is 19`
    Equal,
    /// `63 is not 19`, `63 , not 19`
    NotEqual,
    /// `63 is too high`, `63 > 19`
    Above,
    /// `13 is too low`, `13 < 19`
    Below,
}

#[derive(Debug, Clone, Copy)]
struct Comparison {
    relation: Relation,
    /// The value compared; `None` means the value of the previous attempt.
    value: Option<Exact>,
    /// The number it is compared with; `None` means the target.
    with: Option<Exact>,
    /// Claimed difference between the two.
    distance: Option<Exact>,
}

/// What a check concludes about the previous attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// It missed the target.
    Miss,
    /// It hit the target.
    Hit,
    /// Nothing: the check only re-derives a result.
    Open,
}

/// Outcome of a checking sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It makes a claim that exact arithmetic has decided.
    Decided {
        /// True, misled or false.
        verdict: Verdict,
        /// What it concludes about the attempt.
        conclusion: Conclusion,
    },
    /// It claims nothing, or there is nothing that it could refer to.
    Bare,
}

/// A checking sentence while it is read.
#[derive(Debug, Clone)]
pub(crate) struct CheckDraft {
    /// What opened it.
    pub opener: Opener,
    /// First byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Byte range of its claim, from the first value or verdict to the last.
    pub claim: Option<(usize, usize)>,
    /// The value that it refers to.
    pub subject: Option<Exact>,
    comparisons: Vec<Comparison>,
    derived: HashSet<Key>,
    derivation_wrong: bool,
    /// What it re-derives rests on a miscalculated result.
    derivation_unsound: bool,
    derived_values: HashSet<Exact>,
    /// Result of the whole attempt as this check re-derived it.
    derived_whole: Option<Exact>,
    says_right: bool,
    says_wrong: bool,
}

impl CheckDraft {
    /// A draft that opens with a phrase or a value at `start..end`.
    pub fn new(opener: Opener, start: usize, end: usize) -> Self {
        Self {
            opener,
            start,
            end,
            claim: None,
            subject: None,
            comparisons: Vec::new(),
            derived: HashSet::new(),
            derivation_wrong: false,
            derivation_unsound: false,
            derived_values: HashSet::new(),
            derived_whole: None,
            says_right: false,
            says_wrong: false,
        }
    }

    /// Whether it claims anything yet. A value alone claims nothing.
    pub(crate) fn states_something(&self) -> bool {
        self.concludes() || !self.derived.is_empty()
    }

    /// Whether it says that the attempt missed or hit.
    pub(crate) fn concludes(&self) -> bool {
        !self.comparisons.is_empty() || self.says_right || self.says_wrong
    }

    /// Adds a value that a verdict may follow.
    pub(crate) fn name_value(&mut self, value: Exact, start: usize, end: usize) {
        self.subject = Some(value);
        self.extend(start, end);
    }

    /// Adds a comparison of the current value.
    pub fn compare(&mut self, relation: Relation, with: Option<Exact>, start: usize, end: usize) {
        self.comparisons.push(Comparison { relation, value: self.subject, with, distance: None });
        self.extend(start, end);
    }

    /// Adds the claimed distance between the two sides of the last comparison.
    pub(crate) fn compare_by(&mut self, distance: Exact, end: usize) {
        if let Some(last) = self.comparisons.last_mut() {
            last.distance = Some(distance);
            self.end = self.end.max(end);
            self.claim = self.claim.map(|(start, old)| (start, old.max(end)));
        }
    }

    /// Adds `yes`, `that works` or their opposites.
    pub fn answer(&mut self, right: bool, start: usize, end: usize) {
        match right {
            true => self.says_right = true,
            false => self.says_wrong = true,
        }
        self.extend(start, end);
    }

    /// Whether this check has already re-derived the calculation.
    pub(crate) fn has_derived(&self, key: Key) -> bool {
        self.derived.contains(&key)
    }

    /// Adds a re-derivation of a calculation that an attempt made before.
    pub fn derive(
        &mut self,
        key: Key,
        stated: Option<Exact>,
        right: bool,
        again: Again,
        place: (usize, usize),
    ) {
        self.derived.insert(key);
        self.derivation_wrong |= !right;
        self.derivation_unsound |= !again.sound;
        self.derived_values.extend(stated);
        if again.whole {
            self.derived_whole = stated;
        }
        self.subject = stated;
        self.extend(place.0, place.1);
    }

    fn extend(&mut self, start: usize, end: usize) {
        self.end = end;
        self.claim = Some((self.claim.map_or(start, |claim| claim.0), end));
    }

    /// Decides what the sentence states about the previous attempt.
    ///
    /// A comparison fits if all of these hold: it names the puzzle's target or no number; its value is one
    /// that the attempt states or really evaluates to, or that this check has re-derived; the relation is
    /// true; and the attempt's last stated value misses (or hits) as well. `yes` or `no` after a comparison
    /// with `=` answers it as a question; beside any other comparison it must agree with it. A verdict
    /// without a value is judged by what the attempt states last; `that is not right` also fits where the
    /// attempt states the target but does not reach it. A check that fits is true if the value it refers to
    /// was calculated correctly from the first number on, and misled otherwise.
    pub fn decide(&self, attempts: &Attempts, target: Option<Exact>) -> Decision {
        let before = attempts.records().last();
        // `wait , 100 - 18 = 82 , not 72` corrects the arithmetic and says nothing about the target.
        let corrects = |stated: &Comparison| {
            stated.relation == Relation::NotEqual
                && stated.with != target
                && stated.with.is_some_and(|with| attempts.states(with) && stated.value != Some(with))
                && stated.value.is_some_and(|value| self.derived_values.contains(&value))
        };
        let only_corrects = !self.says_right && !self.says_wrong && self.comparisons.iter().all(corrects);
        if !self.concludes() || only_corrects {
            return match self.derived.is_empty() {
                true => Decision::Bare,
                false => self.decided(Finding { fits: true, sound: true }, Conclusion::Open),
            };
        }
        let judge = Judge { draft: self, attempts, before, target };
        // `63 = 19 , no` asks and answers.
        let denied = self.says_wrong && !self.says_right;
        let comparisons: Vec<Comparison> =
            self.comparisons.iter().map(|stated| stated.denied_if(denied)).collect();
        let conclusion = match comparisons.last() {
            Some(last) if last.relation == Relation::Equal => Conclusion::Hit,
            Some(_) => Conclusion::Miss,
            None if self.says_wrong => Conclusion::Miss,
            None => Conclusion::Hit,
        };
        let hits = self.says_right || comparisons.iter().any(|stated| stated.relation == Relation::Equal);
        let misses = self.says_wrong || comparisons.iter().any(|stated| stated.relation != Relation::Equal);
        let consistent = !(hits && misses);
        if comparisons.is_empty() {
            // `close to 65 , but not quite` names the target, not the value.
            let names_target = |value: &Exact| denied && Some(*value) == target && !attempts.states(*value);
            let Some(value) = self.subject.filter(|value| !names_target(value)) else {
                let Some(before) = before else { return Decision::Bare };
                let finding = judge.silent(before, conclusion);
                return self.decided(Finding { fits: finding.fits && consistent, ..finding }, conclusion);
            };
            let relation = match conclusion {
                Conclusion::Hit => Relation::Equal,
                _ => Relation::NotEqual,
            };
            let finding =
                judge.judge(&Comparison { relation, value: Some(value), with: None, distance: None });
            return self.decided(Finding { fits: finding.fits && consistent, ..finding }, conclusion);
        }
        let silent = comparisons.iter().all(|stated| stated.value.is_none() && stated.with.is_none());
        if silent && before.is_none() {
            return Decision::Bare;
        }
        let findings = comparisons.iter().map(|stated| judge.judge(stated));
        let all = findings.fold(Finding { fits: consistent, sound: true }, |all, one| Finding {
            fits: all.fits && one.fits,
            sound: all.sound && one.sound,
        });
        self.decided(all, conclusion)
    }

    fn decided(&self, finding: Finding, conclusion: Conclusion) -> Decision {
        let verdict = match finding {
            _ if self.derivation_wrong => Verdict::False,
            Finding { fits: false, .. } => Verdict::False,
            Finding { sound, .. } if !sound || self.derivation_unsound => Verdict::Misled,
            _ => Verdict::True,
        };
        Decision::Decided { verdict, conclusion }
    }
}

/// What was found about one claim of a check.
#[derive(Debug, Clone, Copy)]
struct Finding {
    /// It fits what the text states.
    fits: bool,
    /// The value that it refers to was calculated correctly.
    sound: bool,
}

impl Comparison {
    fn denied_if(self, denied: bool) -> Self {
        match self.relation {
            Relation::Equal if denied => Self { relation: Relation::NotEqual, ..self },
            _ => self,
        }
    }
}

struct Judge<'a> {
    draft: &'a CheckDraft,
    attempts: &'a Attempts,
    before: Option<&'a AttemptRecord>,
    target: Option<Exact>,
}

impl Judge<'_> {
    /// The attempt's result according to the text: from the check if it re-derived the whole attempt, else
    /// from the attempt itself.
    fn settled(&self) -> Option<Exact> {
        self.draft.derived_whole.or(self.before?.stated)
    }

    /// `that works`, `that is not right`: a verdict that names no value.
    fn silent(&self, before: &AttemptRecord, conclusion: Conclusion) -> Finding {
        let hits = |value: Option<Exact>| value.is_some() && value == self.target;
        let derived = self.draft.derived_whole.is_some();
        let states_hit = hits(self.settled());
        // The text claims to have reached the target but has not: denying the claim means seeing the slip.
        let slip_seen = conclusion == Conclusion::Miss && !derived && states_hit && !hits(before.value);
        Finding {
            fits: slip_seen || states_hit == (conclusion == Conclusion::Hit),
            sound: slip_seen || derived || before.sound,
        }
    }

    fn judge(&self, stated: &Comparison) -> Finding {
        let nothing = Finding { fits: false, sound: true };
        let (Some(before), Some(target)) = (self.before, self.target) else { return nothing };
        let Some(value) = stated.value.or(self.settled()) else { return nothing };
        let derived = self.draft.derived_values.contains(&value);
        // The check names the real result of the operations, not the one that the attempt states.
        let corrects = !derived && !self.attempts.states(value) && before.value == Some(value);
        let settled = if corrects { Some(value) } else { self.settled() };
        let relation_holds = match stated.relation {
            Relation::Equal => value == target,
            Relation::NotEqual => value != target,
            Relation::Above => value > target,
            Relation::Below => value < target,
        };
        let distance_holds = stated.distance.is_none_or(|distance| {
            let difference = value.apply(Operator::Subtract, target);
            difference == Some(distance) || difference.map(Exact::negate) == Some(distance)
        });
        let fits = stated.with.is_none_or(|with| with == target)
            && (derived || corrects || self.attempts.states(value))
            && relation_holds
            && distance_holds
            && (settled == self.target) == (stated.relation == Relation::Equal);
        Finding { fits, sound: derived || corrects || self.attempts.is_sound(value) }
    }
}
