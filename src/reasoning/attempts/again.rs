//! Recognises what a text restates of the current attempt: in a check, in a summary, part by part, or within
//! a longer expression.

use super::{Attempts, made::Made};
use crate::reasoning::{exact::Exact, expression::Expression, shape::Shape};

/// How a check's re-derivation relates to the attempt.
#[derive(Debug, Clone, Copy)]
pub struct Again {
    /// It rests on no miscalculated result.
    pub sound: bool,
    /// It covers the whole attempt.
    pub whole: bool,
}

impl Attempts {
    /// Records that a check re-derives a calculation of the current attempt. `right` says whether the check's
    /// own arithmetic is right.
    pub(crate) fn derive_again(
        &mut self,
        calculation: &Expression,
        stated: Option<Exact>,
        right: bool,
    ) -> Again {
        let Some(made) = self.retraced(calculation) else { return Again { sound: true, whole: false } };
        let whole = self.records.last().is_some_and(|last| last.key == made.shape.key());
        match stated {
            _ if right => self.remember(calculation, made),
            Some(stated) => _ = self.current.slips.insert(stated, Made { sound: false, ..made }),
            None => {}
        }
        if let Some(stated) = stated.filter(|_| right && made.sound) {
            self.known.add(stated, made);
            // From here on, the text relies on the re-derived value.
            self.current.stated.insert(stated, made);
            if let Some(last) = self.records.last_mut().filter(|_| whole) {
                (last.stated, last.sound) = (Some(stated), true);
            }
        }
        Again { sound: made.sound, whole }
    }

    /// Whether the calculation only restates the result of the current attempt's two or more steps, with
    /// nothing in between to announce another try.
    pub(crate) fn sums_up(&self, calculation: &Expression) -> bool {
        let whole = |shape: Shape| self.records.last().is_some_and(|last| last.key == shape.key());
        !self.parted
            && !self.opened
            && self.current.parts.len() > 1
            && (whole(calculation.plain_shape()) || self.traced(calculation).is_some_and(whole))
    }

    /// Whether the calculation is part of the current attempt's only step, worked out right after it
    /// (`24 + 35 + 6 = 65? 24 + 35 = 59, 59 + 6 = 65`), or combines such parts.
    pub(crate) fn works_out(&mut self, calculation: &Expression) -> bool {
        let alone = !self.parted && !self.opened && self.current.length == 1 && self.current.parts.len() > 1;
        if !alone || !self.has_made(calculation) {
            return false;
        }
        let whole = |shape: Shape| self.records.last().is_some_and(|last| last.key == shape.key());
        // The whole expression again is another attempt, which repeats this one.
        let repeats = whole(calculation.plain_shape());
        self.current.worked_out |= !repeats;
        self.current.worked_out && !repeats
    }

    /// Applies `calculation = stated` where it [sums up](Self::sums_up) the current attempt: the last stated
    /// result counts.
    pub(crate) fn sum_up(&mut self, calculation: &Expression, stated: Option<Exact>, right: bool) {
        let Some(made) = self.retraced(calculation) else { return };
        let made = Made { sound: right, ..made };
        if right {
            self.remember(calculation, made);
        }
        let (Some(last), Some(stated)) = (self.records.last_mut(), stated) else { return };
        // Stating the same value again says nothing new about the steps that led to it.
        if last.stated != Some(stated) {
            (last.stated, last.sound) = (Some(stated), right);
            self.current.stated.insert(stated, made);
            self.known.add(stated, made);
        }
    }

    /// Lets the calculation continue the current attempt if it restates the attempt as part of a longer
    /// expression: `62 + 27 = 89. So 62 + 27 - 10 = 79`.
    pub(crate) fn write_out(&mut self, calculation: &Expression) {
        let Some(whole) = self.records.last().map(|last| last.key).filter(|_| !self.parted && !self.opened)
        else {
            return;
        };
        let mut contains = false;
        let shape = calculation.fold(
            Shape::number,
            |operator, left, right| {
                contains |= left.key() == whole || right.key() == whole;
                Shape::combine(operator, left, right)
            },
            Shape::negate,
        );
        if !contains || shape.is_none() {
            return;
        }
        self.current.unused.clear();
        self.current.used_numbers.clear();
        self.current.roots = 0;
        self.sentence_ended = false;
    }
}
