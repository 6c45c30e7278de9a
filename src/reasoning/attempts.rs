//! Groups steps `a op b = v` into attempts by what they calculate with, and remembers every attempt.

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

/// A result in hand that a later step may use.
#[derive(Debug, Clone, Copy)]
struct Unused {
    made: Made,
    /// Whether a step of this attempt made it; a kept result was made before.
    own: bool,
}

/// What is remembered of every attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptRecord {
    /// The same operations on the same numbers have the same key.
    pub key: Key,
    /// The value the text states last.
    pub stated: Option<Exact>,
    /// What the operations of the last step really come to, from the first number on.
    pub value: Option<Exact>,
    /// Whether every step that led to that value was calculated rightly.
    pub sound: bool,
    /// Whether its operations have really come to the target, with each given number used once.
    pub hits: bool,
    /// Answers opened before it: an attempt after an answer does not follow what was before the answer.
    pub segment: usize,
    /// Whether the text announced it as another try (`try again`, `back to 64`).
    pub announced: bool,
    /// The bytes of the first formula, from the phrase that opens it on.
    pub begins: (usize, usize),
}

/// The attempt in hand.
#[derive(Debug, Default)]
struct Attempt {
    unused: HashMap<Exact, Vec<Unused>>,
    used_numbers: HashMap<Exact, usize>,
    /// What it states, the latest for each value.
    stated: HashMap<Exact, Made>,
    /// Keys of its steps as they are written, and of the same steps traced back to the first numbers.
    steps: HashSet<Key>,
    /// Values of the parts of its expressions, such as 60 in `30 * 2 + 5`, with what made them.
    parts: HashMap<Exact, Made>,
    /// What a check that miscalculates says that the operations come to: good for nothing but for reading on.
    slips: HashMap<Exact, Made>,
    /// Sum of the keys of the results that no step has used.
    roots: Key,
    /// How many steps it has.
    length: usize,
    /// Its only step is being worked out part by part.
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
    /// What steps have derived without a miscalculation: operations, and the values that they come to.
    derived: HashSet<Key>,
    derived_values: HashSet<Exact>,
    /// The sentence of the last step has ended.
    sentence_ended: bool,
    /// A phrase that opens an attempt stands since the last step.
    opened: bool,
    /// Something since the last step means that the next one cannot go on from it.
    parted: bool,
    announced: bool,
    kept: Option<Exact>,
}

impl Attempts {
    /// None yet, over the given numbers.
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

    /// The sentence ends: what follows goes on with the attempt only if it uses something left over.
    pub fn end_sentence(&mut self) {
        self.sentence_ended = true;
    }

    /// A phrase stands here that may open an attempt.
    pub fn open(&mut self) {
        self.opened = true;
    }

    /// A check or an answer stands here: what follows is another attempt.
    pub fn part(&mut self) {
        self.parted = true;
    }

    /// The text announces another try, perhaps from a result it keeps.
    pub fn announce(&mut self, kept: Option<Exact>) {
        self.parted = true;
        self.announced = true;
        self.kept = kept;
    }

    /// The result that the next attempt is announced to begin from.
    pub fn kept(&self) -> Option<Exact> {
        self.kept
    }

    /// Whether the attempt in hand states `value`, as a result or as the result it was kept from.
    pub fn states(&self, value: Exact) -> bool {
        !self.records.is_empty() && self.current.stated.contains_key(&value)
    }

    /// Whether the value that the attempt in hand states was calculated rightly, all steps that led to it included. A
    /// value that it does not state was not miscalculated.
    pub fn is_sound(&self, value: Exact) -> bool {
        self.current.stated.get(&value).is_none_or(|made| made.sound)
    }

    /// Whether `value` is one of the given numbers.
    pub fn is_given(&self, value: Exact) -> bool {
        self.given.contains_key(&value)
    }

    /// Whether `value` is given or the result of any attempt.
    pub fn knows(&self, value: Exact) -> bool {
        self.given.contains_key(&value) || self.known.holds(value)
    }

    /// Whether the attempt in hand has made this calculation, step by step or as a whole.
    pub fn has_made(&self, calculation: &Expression) -> bool {
        let made = |shape: Shape| self.current.steps.contains(&shape.key());
        !self.records.is_empty()
            && (made(calculation.plain_shape()) || self.traced(calculation).is_some_and(made))
    }

    /// The shape of a calculation whose numbers are results of the attempt in hand where they can be.
    fn traced(&self, calculation: &Expression) -> Option<Shape> {
        self.retraced(calculation).map(|made| made.shape)
    }

    /// The calculation as if the numbers in it that are results of the attempt in hand stood for the operations that
    /// made them.
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

    /// Keeps what was derived rightly: as it was traced back to the first numbers, and as it is written.
    fn remember(&mut self, calculation: &Expression, made: Made) {
        self.derived.insert(calculation.plain_shape().key());
        if made.sound {
            self.derived.insert(made.shape.key());
            self.derived_values.extend(made.value);
        }
    }

    /// Whether steps so far derive this answer, none of them miscalculated: the same operations on the same numbers,
    /// in any order, or, for a number, the value of such steps.
    pub fn derives(&self, answer: &Expression) -> bool {
        match answer.calculates() {
            true => self.derived.contains(&answer.plain_shape().key()),
            false => answer.value().is_some_and(|value| self.derived_values.contains(&value)),
        }
    }

    /// Adds the step `calculation = stated` to the attempt in hand, or begins another with it. `right` says whether its
    /// arithmetic is.
    ///
    /// `place` is where an attempt begun by this step begins in the text.
    pub fn add_step(
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
        // A check may work the expression out part by part.
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

    /// A step that uses a result still unused goes on with the attempt, and so does one of given numbers
    /// still unused, unless a phrase such as `maybe` opens its sentence. Any other step begins another
    /// attempt in a new sentence. Within a sentence it does so only if nothing else can be meant: it needs
    /// numbers that are used up, and the given numbers alone suffice.
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

    /// Where a number of a step comes from: an unused result first, then the given numbers, then any
    /// earlier result. A number from nowhere stands for itself. (`7 - 4 = 3 , 3 * 25 = 75` with 3 given too
    /// leaves open which 3 is meant; taking the result keeps the chain whole.)
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
