//! Decides what a formula is in its context: a step, a re-derivation, a value or a comparison.

use super::{EventKind, Named, Reader, StepPlace, Waiting};
use crate::reasoning::{
    Verdict,
    check::{CheckDraft, Conclusion, Decision, Opener, Relation},
    exact::{Exact, Operator},
    expression::{Expression, Formula},
};

impl Reader<'_> {
    /// Reads the formula that begins here.
    pub(super) fn formula(&mut self, formula: Formula) {
        let first = self.at;
        self.at += formula.tokens;
        let waiting = self.relation.take().filter(|waiting| waiting.number_at == first);
        if !self.in_draft() {
            self.reading.breaks_off |= formula.unfinished;
        }
        match formula.sides.as_slice() {
            [] => {}
            [only] if !only.calculates() => self.number(only, waiting),
            [only] => {
                // A calculation that the attempt has already made begins no other attempt.
                self.reading.breaks_off |= !self.in_draft() && !self.reading.attempts.has_made(only);
                if !formula.unfinished {
                    self.bare = Some((only.clone(), self.at));
                }
            }
            // `see whether 25 * 3 + 7 = 78` only asks.
            [first, ..] if self.supposed && !self.in_draft() && first.calculates() => {
                self.bare = Some((first.clone(), self.at));
            }
            sides => {
                self.bare = None;
                self.equation(sides, first);
            }
        }
        self.sentence_start = false;
    }

    /// Reads a bare number: the value of a check, or the number that it is compared with.
    fn number(&mut self, side: &Expression, waiting: Option<Waiting>) {
        let Some(value) = side.value() else { return };
        let in_draft = self.in_draft();
        if let Some(Waiting { relation, start, after_value, .. }) = waiting {
            let compares = match relation {
                // Without a value before it, `is 63` only names a number.
                Relation::Equal => {
                    let claims = after_value.is_some()
                        || self.text[start..side.start].contains("exactly")
                        || self.claims_anew(value, start);
                    claims && (in_draft || Some(value) == self.target)
                }
                Relation::NotEqual | Relation::Above | Relation::Below => {
                    in_draft || after_value.is_some() || !self.reading.attempts.records().is_empty()
                }
            };
            if compares {
                self.judge_bare();
                let named = after_value.filter(|_| !in_draft);
                let draft = self.draft_at(named.map_or(start, |named| named.start));
                if let Some(named) = named {
                    draft.name_value(named.value, named.start, named.end);
                }
                draft.compare(relation, Some(value), start, side.end);
                return;
            }
        }
        self.value = Some(Named { value, start: side.start, end: side.end, next: self.at });
        if in_draft
            && let Some(draft) = &mut self.draft
            // `that works, but 11 is left over` refers to another number.
            && !(draft.concludes() && self.text[draft.end.min(side.start)..side.start].contains("but "))
        {
            draft.name_value(value, side.start, side.end);
        }
    }

    /// Whether `equals 65` is a claim about an attempt that has already reached 65, not the result of a
    /// calculation here.
    fn claims_anew(&self, value: Exact, start: usize) -> bool {
        let words = &self.text[start..];
        let names_only = words.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("is "))
            && !words.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("is equal"));
        let attempts = &self.reading.attempts;
        let worked_out = self.bare.as_ref().is_none_or(|(bare, _)| attempts.has_made(bare));
        !names_only
            && !self.concluding
            && !self.supposed
            && worked_out
            && (attempts.states(value) || self.speaks_of_result(start))
    }

    /// Whether the word before `start` stands for the attempt's result: `this is equal to`.
    fn speaks_of_result(&self, start: usize) -> bool {
        let not_a_letter = |character: char| !character.is_alphabetic();
        let before = self.text[..start].trim_end().rsplit(not_a_letter).next().unwrap_or("");
        let first = self.text[start..].split(not_a_letter).next().unwrap_or("");
        !self.reading.attempts.records().is_empty()
            && ["this", "that", "it", "which", "result", "we", "i"]
                .iter()
                .any(|name| before.eq_ignore_ascii_case(name) || first.eq_ignore_ascii_case(name))
    }

    /// Whether two sides are equal. After `≈` and with decimals, a difference below one unit of the last
    /// place is allowed.
    fn agree(&self, left: &Expression, right: &Expression) -> bool {
        let Some((a, b)) = left.value().zip(right.value()) else { return false };
        let about = self.text.get(left.end..right.start).is_some_and(|between| between.contains('≈'));
        let digits =
            self.text[right.start..right.end].split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let unit = u32::try_from(digits).ok().and_then(|digits| 10_i128.checked_pow(digits));
        let close = || {
            let difference = a.apply(Operator::Subtract, b)?;
            let unit = Exact::new(1, unit?)?;
            Some(difference < unit && difference.negate() < unit)
        };
        a == b || (about || digits > 0) && close() == Some(true)
    }

    /// Reads two or more sides joined by equals signs.
    fn equation(&mut self, sides: &[Expression], first: usize) {
        for (index, link) in self.links(sides).iter().enumerate() {
            for pair in link.windows(2) {
                if let [left, right] = pair
                    && (left.calculates() || right.calculates())
                {
                    self.reading.steps += 1;
                    self.reading.steps_right += usize::from(self.agree(left, right));
                }
            }
            match link.iter().find(|side| side.calculates()) {
                // All links are one formula in the text, so only the first records a place.
                Some(calculation) => self.calculation(calculation, link, (index == 0).then_some(first)),
                None => self.equality(link),
            }
        }
    }

    /// Splits a run-on such as `5 + 3 = 8 * 2 = 16` into its two claims, `5 + 3 = 8` and `8 * 2 = 16`.
    fn links(&self, sides: &[Expression]) -> Vec<Vec<Expression>> {
        let (mut links, mut link) = (Vec::new(), Vec::new());
        for (index, side) in sides.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| sides.get(before));
            if let Some(before) = before.filter(|before| before.calculates() && side.calculates())
                && let Some(result) = before.value()
                && side.numbers().next() == Some(Some(result))
                && !self.agree(before, side)
            {
                link.push(Expression::number(result, side.start));
                links.push(std::mem::take(&mut link));
            }
            link.push(side.clone());
        }
        links.push(link);
        links
    }

    /// `4 * 16 = 64`: re-derives a result inside a check; anywhere else it is a step of an attempt.
    fn calculation(&mut self, calculation: &Expression, sides: &[Expression], token: Option<usize>) {
        let (Some(first), Some(last)) = (sides.first(), sides.last()) else { return };
        let stated = match sides.iter().rev().find(|side| !side.calculates()) {
            Some(plain) => plain.value(),
            None => last.value(),
        };
        let right = sides.windows(2).all(|pair| self.agree(&pair[0], &pair[1]));
        // Written at once, `wait , 36 + 9 = 45` re-derives a result as `check :` does.
        let at_once = |draft: &CheckDraft| {
            let between = self.text.get(draft.end..first.start).unwrap_or("-");
            draft.opener == Opener::Hesitation && between.trim() == ","
        };
        let derives =
            |draft: &CheckDraft| (draft.opener == Opener::Check || at_once(draft)) && !draft.concludes();
        let key = calculation.plain_shape().key();
        if let Some(draft) = self.draft.as_mut().filter(|draft| derives(draft) && !draft.has_derived(key))
            && self.reading.attempts.has_made(calculation)
        {
            let again = self.reading.attempts.derive_again(calculation, stated, right);
            draft.derive(key, stated, right, again, (first.start.max(draft.end), last.end));
            self.sentence_closed = false;
            return;
        }
        let repeats = self.reading.attempts.has_made(calculation);
        if self.concluding && repeats {
            return;
        }
        self.finish_draft(false);
        if self.reading.attempts.sums_up(calculation) {
            self.reading.attempts.sum_up(calculation, stated, right);
            self.value = None;
            return;
        }
        if self.reading.attempts.works_out(calculation) {
            let again = self.reading.attempts.derive_again(calculation, stated, right);
            if again.whole && !(right && again.sound) {
                self.reading.attempts.sum_up(calculation, stated, false);
            }
            self.value = None;
            return;
        }
        if self.measures_distance(calculation) {
            self.value = None;
            return;
        }
        if self.works_backwards(calculation) {
            // `Start from the target: 96 - 40 = 56` is one event.
            match self.reading.events.last_mut() {
                Some(before)
                    if matches!(before.kind, EventKind::Backward)
                        && self.text.get(before.end..first.start).is_some_and(|between| {
                            // So is `Starting from 19, I add 1 to get 20`.
                            between.len() < 12 && !between.contains(['.', '\n', '!', '?'])
                        }) =>
                {
                    before.end = last.end;
                }
                _ => self.event(EventKind::Backward, first.start, last.end),
            }
            self.value = None;
            return;
        }
        if self.concludes_from(token) {
            self.reading.attempts.write_out(calculation);
        }
        let kept = self.reading.attempts.kept();
        let place = (self.opening.take().map_or(first.start, |opening| opening.min(first.start)), last.end);
        self.reading.attempts.add_step(calculation, stated, right, self.segment, place);
        let attempt = self.reading.attempts.records().len().saturating_sub(1);
        self.reading.places.extend(token.map(|token| StepPlace { attempt, token, kept }));
        self.reading.breaks_off = false;
        self.value = None;
    }

    /// Whether a word such as `so` precedes the formula at a token.
    fn concludes_from(&self, token: Option<usize>) -> bool {
        let before = token.and_then(|at| at.checked_sub(1)).map(|index| self.tokens[index]);
        let word = before.and_then(|token| self.text.get(token.start..token.end)).unwrap_or("");
        ["so", "thus", "hence", "therefore"].iter().any(|listed| word.eq_ignore_ascii_case(listed))
    }

    /// Merges the draft into the previous check if both are one exclamation, as in `Yes! That works` or
    /// `18 / 6 = 3. ✓`, and share one verdict that fits. Returns whether it did.
    pub(super) fn joins_last_check(&mut self, draft: &CheckDraft, decision: Decision) -> bool {
        let Decision::Decided { verdict, conclusion: Conclusion::Hit } = decision else { return false };
        let Some(last) = self.reading.events.last_mut() else { return false };
        let EventKind::Check { decision: Decision::Decided { verdict: before, conclusion }, .. } = last.kind
        else {
            return false;
        };
        if verdict == Verdict::False || before != verdict {
            return false;
        }
        let (Some(before), Some(between), Some(after)) = (
            self.text.get(last.start..last.end),
            self.text.get(last.end..draft.start),
            self.text.get(draft.start..draft.end),
        ) else {
            return false;
        };
        let exclaims = conclusion == Conclusion::Hit
            && between.trim_end() == "!"
            && before.bytes().all(|byte| byte.is_ascii_alphabetic());
        // `Wait, 36 + 9 = 45. It is 45!`
        let thinks =
            before.get(..4).is_some_and(|word| ["wait", "hmm,"].iter().any(|w| word.eq_ignore_ascii_case(w)));
        let ticks =
            conclusion == Conclusion::Open && between.trim() == "." && (thinks || after.chars().count() == 1);
        if exclaims || ticks {
            last.end = draft.end;
            last.kind = EventKind::Check { decision, claim: draft.claim, cut_off: false };
        }
        exclaims || ticks
    }

    /// Whether the calculation only measures how far the attempt is from the target: `71 - 60 = 11`.
    fn measures_distance(&self, calculation: &Expression) -> bool {
        let stated = self.reading.attempts.records().last().and_then(|last| last.stated);
        let numbers: Vec<Option<Exact>> = calculation.numbers().take(3).collect();
        let [left, right] = numbers.as_slice() else { return false };
        let pair = [(*left, *right), (*right, *left)];
        stated.is_some()
            && stated != self.target
            && pair.contains(&(stated, self.target))
            && !self.target.is_some_and(|target| self.reading.attempts.is_given(target))
    }

    /// Whether the calculation starts from the target, which is neither given nor reached yet.
    fn works_backwards(&self, calculation: &Expression) -> bool {
        let target = self.target;
        let Some(value) = target else { return false };
        calculation.numbers().any(|number| number == target) && !self.reading.attempts.knows(value)
    }

    /// `63 = 19`: a comparison if it is part of a check or names the target.
    fn equality(&mut self, sides: &[Expression]) {
        for pair in sides.windows(2) {
            let [left, right] = pair else { continue };
            let (Some(value), Some(with)) = (left.value(), right.value()) else { continue };
            let in_draft = self.in_draft();
            if in_draft || Some(with) == self.target {
                let draft = self.draft_at(left.start);
                draft.name_value(value, left.start, left.end);
                draft.compare(Relation::Equal, Some(with), left.start, right.end);
                self.value = None;
            }
        }
    }
}
