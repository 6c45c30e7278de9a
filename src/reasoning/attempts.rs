//! Groups steps `a op b = v` into attempts by the numbers they use, and records every attempt.

mod again;
mod made;

use std::collections::{HashMap, HashSet};

pub use self::again::Again;
use self::made::{Known, Made, numbers_of};
use super::{
    exact::Exact,
    expression::Expression,
    shape::{Key, Shape},
};

/// A result that a later step may still use.
#[derive(Debug, Clone, Copy)]
struct Unused {
    made: Made,
    /// Whether a step of this attempt made it; a kept result was made earlier.
    own: bool,
}

/// What is recorded of every attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptRecord {
    /// Equal for attempts that apply the same operations to the same numbers.
    pub key: Key,
    /// The value that the text states last.
    pub stated: Option<Exact>,
    /// The real value of the last step's operations, from the first number on.
    pub value: Option<Exact>,
    /// Whether every step leading to that value was calculated correctly.
    pub sound: bool,
    /// Whether its operations have really reached the target, using each given number once.
    pub hits: bool,
    /// Number of answers opened before it. An attempt after an answer does not follow anything before that
    /// answer.
    pub segment: usize,
    /// Whether the text announced it as another try (`try again`, `back to 64`).
    pub announced: bool,
    /// Byte range of the first formula, including the phrase that opens it.
    pub begins: (usize, usize),
}

/// The current attempt.
#[derive(Debug, Default)]
struct Attempt {
    unused: HashMap<Exact, Vec<Unused>>,
    used_numbers: HashMap<Exact, usize>,
    /// The values that it states, each with its latest derivation.
    stated: HashMap<Exact, Made>,
    /// Keys of its steps, both as written and traced back to the given numbers.
    steps: HashSet<Key>,
    /// Values of subexpressions, such as 60 in `30 * 2 + 5`, with the operations that made them.
    parts: HashMap<Exact, Made>,
    /// Results that a miscalculating check states. They only help to read what follows.
    slips: HashMap<Exact, Made>,
    /// Sum of the keys of the results that no step has used yet.
    roots: Key,
    /// Its number of steps.
    length: usize,
    /// Whether the text is working out its only step part by part.
    worked_out: bool,
}

/// All attempts of one completion.
#[derive(Debug)]
pub struct Attempts {
    given: HashMap<Exact, usize>,
    /// Sum of the keys of the given numbers.
    all_given: Key,
    target: Option<Exact>,
    current: Attempt,
    /// Results of all attempts.
    known: Known,
    records: Vec<AttemptRecord>,
    /// What steps have derived without a miscalculation: operations and their values.
    derived: HashSet<Key>,
    derived_values: HashSet<Exact>,
    /// The sentence of the last step has ended.
    sentence_ended: bool,
    /// A phrase that opens an attempt has occurred since the last step.
    opened: bool,
    /// Something since the last step means that the next step cannot continue from it.
    parted: bool,
    announced: bool,
    kept: Option<Exact>,
}

impl Attempts {
    /// Starts with no attempts, over the given numbers.
    pub fn new(numbers: &[i64], target: Option<Exact>) -> Self {
        let mut given = HashMap::new();
        let mut all_given: Key = 0;
        for number in numbers.iter().filter_map(|number| Exact::integer(*number)) {
            *given.entry(number).or_insert(0) += 1;
            all_given = all_given.wrapping_add(Made::number(Some(number)).numbers);
        }
        Self {
            given,
            all_given,
            target,
            current: Attempt::default(),
            known: Known::default(),
            records: Vec::new(),
            derived: HashSet::new(),
            derived_values: HashSet::new(),
            sentence_ended: false,
            opened: false,
            parted: true,
            announced: false,
            kept: None,
        }
    }

    /// All attempts so far; the last may still grow.
    pub fn records(&self) -> &[AttemptRecord] {
        &self.records
    }

    /// Ends the sentence: what follows continues the attempt only if it uses something left over.
    pub(crate) fn end_sentence(&mut self) {
        self.sentence_ended = true;
    }

    /// Notes a phrase that may open an attempt.
    pub fn open(&mut self) {
        self.opened = true;
    }

    /// Notes a check or an answer: what follows is another attempt.
    pub fn part(&mut self) {
        self.parted = true;
    }

    /// Notes that the text announces another try, possibly from a kept result.
    pub(crate) fn announce(&mut self, kept: Option<Exact>) {
        self.parted = true;
        self.announced = true;
        self.kept = kept;
    }

    /// The result from which the announced next attempt is to begin.
    pub fn kept(&self) -> Option<Exact> {
        self.kept
    }

    /// Whether the current attempt states `value`, as a result or as the kept result that it starts from.
    pub fn states(&self, value: Exact) -> bool {
        !self.records.is_empty() && self.current.stated.contains_key(&value)
    }

    /// Whether the current attempt calculated `value` correctly, including every step leading to it. True for
    /// a value that it does not state.
    pub(crate) fn is_sound(&self, value: Exact) -> bool {
        self.current.stated.get(&value).is_none_or(|made| made.sound)
    }

    /// Whether `value` is one of the given numbers.
    pub(crate) fn is_given(&self, value: Exact) -> bool {
        self.given.contains_key(&value)
    }

    /// Whether `value` is a given number or a result of any attempt.
    pub fn knows(&self, value: Exact) -> bool {
        self.given.contains_key(&value) || self.known.holds(value)
    }

    /// Whether the current attempt has made this calculation, step by step or as a whole.
    pub(crate) fn has_made(&self, calculation: &Expression) -> bool {
        let made = |shape: Shape| self.current.steps.contains(&shape.key());
        !self.records.is_empty()
            && (made(calculation.plain_shape()) || self.traced(calculation).is_some_and(made))
    }

    /// The calculation's shape, its numbers traced back to results of the current attempt where possible.
    fn traced(&self, calculation: &Expression) -> Option<Shape> {
        self.retraced(calculation).map(|made| made.shape)
    }

    /// The calculation with each number that is a result of the current attempt replaced by the operations
    /// that made it.
    fn retraced(&self, calculation: &Expression) -> Option<Made> {
        let result = |number: Exact| {
            let stated = self.current.stated.get(&number).filter(|_| !self.given.contains_key(&number));
            let parts = || self.current.parts.get(&number);
            stated.or_else(parts).or_else(|| self.current.slips.get(&number)).copied()
        };
        calculation.fold(
            |number| number.and_then(result).unwrap_or(Made::number(number)),
            Made::combine,
            Made::negate,
        )
    }

    /// Remembers a correct derivation, both as traced back to the given numbers and as written.
    fn remember(&mut self, calculation: &Expression, made: Made) {
        self.derived.insert(calculation.plain_shape().key());
        if made.sound {
            self.derived.insert(made.shape.key());
            self.derived_values.extend(made.value);
        }
    }

    /// Whether the steps so far derive this answer without a miscalculation: by the same operations on the
    /// same numbers in any order or, if the answer is a bare number, by reaching that value.
    pub fn derives(&self, answer: &Expression) -> bool {
        match answer.calculates() {
            true => self.derived.contains(&answer.plain_shape().key()),
            false => answer.value().is_some_and(|value| self.derived_values.contains(&value)),
        }
    }

    /// Adds the step `calculation = stated` to the current attempt, or begins another attempt with it.
    /// `right` says whether its arithmetic is right.
    ///
    /// `place` is the byte range where an attempt begun by this step begins.
    pub(crate) fn add_step(
        &mut self,
        calculation: &Expression,
        stated: Option<Exact>,
        right: bool,
        segment: usize,
        place: (usize, usize),
    ) {
        if self.begins_another(calculation) {
            self.begin(calculation, segment, place);
        }
        let mut consumed: Key = 0;
        let (written, all_given) = (numbers_of(calculation), self.all_given);
        let mut parts: Vec<Made> = Vec::new();
        let made = {
            let (current, given, known) = (&mut self.current, &self.given, &self.known);
            calculation.fold(
                |number| {
                    let made = |number| known.fitting(number, written, all_given);
                    current.resolve(number, given, made, &mut consumed)
                },
                |operator, left, right| {
                    let made = Made::combine(operator, left, right);
                    parts.push(made);
                    made
                },
                Made::negate,
            )
        };
        let Some(made) = made.map(|made| Made { sound: made.sound && right, ..made }) else { return };
        if right {
            self.remember(calculation, made);
        }
        let key = made.shape.key();
        self.current.length += 1;
        self.current.roots = self.current.roots.wrapping_sub(consumed).wrapping_add(key);
        self.current.steps.extend([key, calculation.plain_shape().key()]);
        // A check may re-derive the expression part by part.
        for part in parts {
            self.current.steps.insert(part.shape.key());
            if let Some(value) = part.value.filter(|value| !self.given.contains_key(value)) {
                self.current.parts.insert(value, part);
            }
        }
        if let Some(stated) = stated {
            self.current.stated.insert(stated, made);
            self.current.unused.entry(stated).or_default().push(Unused { made, own: true });
            self.known.add(stated, made);
        }
        if let Some(record) = self.records.last_mut() {
            record.key = self.current.roots;
            record.stated = stated;
            record.value = made.value;
            record.sound = made.sound;
            let whole = made.numbers == self.all_given;
            record.hits |= whole && made.value.is_some() && made.value == self.target;
        }
        self.sentence_ended = false;
        self.opened = false;
    }

    fn begin(&mut self, calculation: &Expression, segment: usize, begins: (usize, usize)) {
        self.current = Attempt::default();
        if let Some(kept) = self.kept.take() {
            let made = self.known.fitting(kept, numbers_of(calculation), self.all_given);
            self.current.stated.insert(kept, made);
            self.current.unused.entry(kept).or_default().push(Unused { made, own: false });
        }
        self.records.push(AttemptRecord {
            key: 0,
            stated: None,
            value: None,
            sound: true,
            hits: false,
            segment,
            announced: std::mem::take(&mut self.announced),
            begins,
        });
        self.parted = false;
    }

    /// Whether the step begins another attempt.
    ///
    /// A step that uses a result not yet used continues the attempt, and so does a step that uses only given
    /// numbers not yet used, unless a phrase such as `maybe` opens its sentence. Any other step in a new
    /// sentence begins another attempt. Within a sentence it does so only if nothing else can be meant: it
    /// needs numbers that are used up, and the given numbers alone suffice.
    fn begins_another(&self, calculation: &Expression) -> bool {
        if self.parted {
            return true;
        }
        if calculation.numbers().flatten().any(|number| self.current.has_unused(number)) {
            return false;
        }
        let mut needed: HashMap<Exact, usize> = HashMap::new();
        for number in calculation.numbers().flatten() {
            *needed.entry(number).or_insert(0) += 1;
        }
        let given = |number: &Exact| self.given.get(number).copied().unwrap_or(0);
        let in_hand = |number: &Exact| {
            given(number).saturating_sub(self.current.used_numbers.get(number).copied().unwrap_or(0))
        };
        let readable = calculation.numbers().all(|number| number.is_some());
        let suffices = |supply: &dyn Fn(&Exact) -> usize| {
            readable && needed.iter().all(|(number, count)| supply(number) >= *count)
        };
        match (self.sentence_ended, suffices(&in_hand)) {
            (true, in_hand) => self.opened || !in_hand,
            (false, in_hand) => !in_hand && suffices(&given),
        }
    }
}

impl Attempt {
    fn has_unused(&self, number: Exact) -> bool {
        self.unused.get(&number).is_some_and(|results| !results.is_empty())
    }

    /// Finds the origin of a number in a step: an unused result first, then the given numbers, then any
    /// earlier result. An unknown number stands for itself. In `7 - 4 = 3 , 3 * 25 = 75`, with 3 also given,
    /// either 3 could be meant; taking the result keeps the chain whole.
    fn resolve(
        &mut self,
        number: Option<Exact>,
        given: &HashMap<Exact, usize>,
        made_before: impl FnOnce(Exact) -> Made,
        consumed: &mut Key,
    ) -> Made {
        let Some(number) = number else { return Made::number(None) };
        if let Some(result) = self.unused.get_mut(&number).and_then(Vec::pop) {
            if result.own {
                *consumed = consumed.wrapping_add(result.made.shape.key());
            }
            return result.made;
        }
        if given.contains_key(&number) {
            *self.used_numbers.entry(number).or_insert(0) += 1;
            return Made::number(Some(number));
        }
        made_before(number)
    }
}
