//! Walks over the tokens once and turns them into events: steps go to the attempts, checking sentences to
//! [`CheckDraft`], and everything that may become a span to the event list.

mod distances;
mod drafts;
mod formulas;
mod goals;
mod verdicts;

use super::{
    attempts::Attempts,
    check::{CheckDraft, Decision, Opener, Relation},
    exact::Exact,
    expression::{Expression, Formula},
    lexer::{Token, TokenKind},
    phrases::{self, PhraseKind},
};

/// Something that may become a span.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// Kind of event.
    pub kind: EventKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Number of attempts begun before it.
    pub attempts_before: usize,
    /// Number of answers opened before it.
    pub segment: usize,
}

/// Kind of an [`Event`].
#[derive(Debug, Clone, Copy)]
pub enum EventKind {
    /// A checking sentence.
    Check {
        /// Outcome of the sentence.
        decision: Decision,
        /// Byte range of what it states.
        claim: Option<(usize, usize)>,
        /// Whether the text breaks off before the sentence ends.
        cut_off: bool,
    },
    /// A phrase that gives an attempt up for another.
    Retry,
    /// A phrase that works backwards from the target.
    Backward,
    /// An intermediate goal and its number.
    Subgoal,
    /// The inside of an answer; the range is empty if the answer is.
    Answer,
}

/// Where a step of an attempt is written.
#[derive(Debug, Clone, Copy)]
pub struct StepPlace {
    /// The attempt that it belongs to, from 0.
    pub attempt: usize,
    /// The first token of its formula.
    pub token: usize,
    /// The kept result that the attempt starts from (`back to 64`).
    pub kept: Option<Exact>,
}

/// What one completion says, before the behaviours are counted.
#[derive(Debug)]
pub struct Reading {
    /// Sorted by start.
    pub events: Vec<Event>,
    /// The steps of all attempts, in text order.
    pub places: Vec<StepPlace>,
    /// All attempts.
    pub attempts: Attempts,
    /// Occurrences of phrases on the verification list.
    pub phrases: usize,
    /// Steps `a op b = c`.
    pub steps: usize,
    /// Steps whose arithmetic is right.
    pub steps_right: usize,
    /// Whether steps before the last answer derive it; `None` if there is no readable answer.
    pub faithful: Option<bool>,
    /// Whether the text breaks off in an attempt that was announced or begun but not completed.
    pub breaks_off: bool,
}

/// Reads a completion.
pub fn read(text: &str, tokens: &[Token], numbers: &[i64], target: i64) -> Reading {
    let mut reader = Reader {
        text,
        tokens,
        at: 0,
        target: Exact::integer(target),
        draft: None,
        value: None,
        bare: None,
        relation: None,
        sentence_start: true,
        supposed: false,
        opening: None,
        concluding: false,
        sentence_closed: false,
        aside: false,
        segment: 0,
        reading: Reading {
            events: Vec::new(),
            places: Vec::new(),
            attempts: Attempts::new(numbers, Exact::integer(target)),
            phrases: 0,
            steps: 0,
            steps_right: 0,
            faithful: None,
            breaks_off: false,
        },
    };
    while reader.at < tokens.len() {
        reader.next();
    }
    reader.finish_draft(true);
    reader.reading
}

/// A value that a verdict may follow.
#[derive(Debug, Clone, Copy)]
struct Named {
    value: Exact,
    start: usize,
    end: usize,
    /// The token after it.
    next: usize,
}

/// A relation such as `is not` that still needs its number.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    relation: Relation,
    /// First byte of the relation or of its phrase.
    start: usize,
    /// The token index at which the number must stand.
    number_at: usize,
    /// The value directly before the relation.
    after_value: Option<Named>,
}

/// Words that may precede a verdict that still counts as opening the sentence.
const LEADS: [&str; 15] = [
    "but",
    "however",
    "unfortunately",
    "oh",
    "ok",
    "okay",
    "ah",
    "aha",
    "so",
    "and",
    "also",
    "still",
    "again",
    "done",
    "close",
];

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    target: Option<Exact>,
    draft: Option<CheckDraft>,
    value: Option<Named>,
    /// A calculation without a stated result, and the index of the token after it.
    bare: Option<(Expression, usize)>,
    /// A relation that waits for its number.
    relation: Option<Waiting>,
    /// Whether nothing of the sentence has been read yet.
    sentence_start: bool,
    /// Whether the clause only asks, as in `let me check whether this works`.
    supposed: bool,
    /// Where this sentence's last phrase that opens an attempt stands.
    opening: Option<usize>,
    /// Whether the sentence repeats a result as the answer.
    concluding: bool,
    /// Whether the draft's sentence has ended, although a re-derivation may continue in the next.
    sentence_closed: bool,
    /// Whether the previous checking sentence announced a check of something other than a result, such as the
    /// rules.
    aside: bool,
    segment: usize,
    reading: Reading,
}

impl Reader<'_> {
    fn next(&mut self) {
        let token = self.tokens[self.at];
        match token.kind {
            TokenKind::AnswerOpen => self.answer(),
            TokenKind::AnswerClose | TokenKind::Think => {
                self.end_sentence();
                self.finish_draft(false);
                self.at += 1;
            }
            TokenKind::Stop => {
                self.end_sentence();
                self.at += 1;
            }
            TokenKind::Comma | TokenKind::Colon => {
                self.supposed = false;
                self.concluding |= token.kind == TokenKind::Colon && self.heads_answer();
                self.at += 1;
            }
            TokenKind::NotEquals => self.expect_number(Relation::NotEqual, 1),
            TokenKind::Greater => self.expect_number(Relation::Above, 1),
            TokenKind::Less => self.expect_number(Relation::Below, 1),
            TokenKind::Tick => self.weak_answer(true, 1),
            TokenKind::Cross => self.weak_answer(false, 1),
            TokenKind::Word(_) => match phrases::longest_match(&self.tokens[self.at..]) {
                Some(found) => self.phrase(found),
                None if self.distance() || self.ratio() => {}
                None => self.skip_word(),
            },
            TokenKind::Number if self.distance() => {}
            TokenKind::Number | TokenKind::Open | TokenKind::Operator(..) => {
                match Formula::read(self.text, self.tokens, self.at) {
                    Some(formula) => self.formula(formula),
                    None => self.at += 1,
                }
            }
            _ => self.at += 1,
        }
    }

    fn skip_word(&mut self) {
        let token = self.tokens[self.at];
        let word = &self.text[token.start..token.end];
        self.at += 1;
        // In `oh nice` and `also wrong`, the verdict still counts as opening the sentence.
        self.sentence_start &= LEADS.iter().any(|lead| word.eq_ignore_ascii_case(lead));
    }

    fn phrase(&mut self, found: phrases::Match) {
        let length = found.tokens;
        let states = matches!(
            found.kind,
            PhraseKind::Right | PhraseKind::Wrong | PhraseKind::WeakRight | PhraseKind::WeakWrong
        );
        let asked =
            self.tokens.get(self.at + length).is_some_and(|next| self.text[next.start..].starts_with('?'));
        if states && (self.supposed || asked || self.describes())
            || self.supposed && found.kind == PhraseKind::Equal
        {
            self.at += length;
            return;
        }
        if self.neighbours_decide(found, asked) {
            return;
        }
        self.at_face_value(found);
    }

    /// Whether a number stands right after a phrase of so many tokens.
    fn number_follows(&self, length: usize) -> bool {
        self.tokens.get(self.at + length).is_some_and(|next| next.kind == TokenKind::Number)
    }

    /// Reads a phrase that means something else because of its neighbours; returns whether it did.
    fn neighbours_decide(&mut self, found: phrases::Match, asked: bool) -> bool {
        let length = found.tokens;
        let number_follows = self.number_follows(length);
        // `doesn't match 47` is a comparison; without a number it is a verdict.
        match found.kind {
            PhraseKind::Wrong | PhraseKind::WeakWrong if number_follows && length > 1 => {
                self.expect_number(Relation::NotEqual, length);
            }
            PhraseKind::WeakRight if self.sentence_start && number_follows && self.restates(length) => {
                self.expect_number(Relation::Equal, length);
            }
            // `that's 88`, after the attempt reached 88.
            PhraseKind::Nothing
                if self.sentence_start && self.points() && self.restates(self.past_adverb(length)) =>
            {
                self.expect_number(Relation::Equal, self.past_adverb(length));
            }
            // `is it right to begin with 7` does not ask for a check; `is it right?` does.
            PhraseKind::Check if !asked && (self.is_written("is") || self.is_written("does")) => {
                self.at += length;
            }
            PhraseKind::Equal if length == 1 && !number_follows && self.is_written("matches") => {
                self.weak_answer(true, length);
            }
            // `try this instead .` does not give up what it has just tried.
            PhraseKind::Retry if length == 1 && self.trails() && self.is_written("instead") => {
                // `let me add 9 to 24 instead .` has tried nothing yet.
                match self.opening.filter(|_| self.bare.is_none()) {
                    Some(opening) => self.retry(None, opening, self.tokens[self.at].end, length),
                    None => self.at += length,
                }
            }
            // `87 instead of 86`: the target was missed.
            PhraseKind::Nothing
                if number_follows
                    && self.number_at(self.at + length) == self.target
                    && self.adjacent_value().is_some() =>
            {
                self.expect_number(Relation::NotEqual, length);
            }
            PhraseKind::Right if number_follows && length > 1 => {
                self.expect_number(Relation::Equal, length);
            }
            _ => return false,
        }
        true
    }

    /// Reads a phrase as what it says. Long because it is a table: one arm a kind of phrase.
    fn at_face_value(&mut self, found: phrases::Match) {
        let length = found.tokens;
        let (start, end) = (self.tokens[self.at].start, self.tokens[self.at + length - 1].end);
        if phrases::is_verification(found.kind) {
            self.reading.phrases += 1;
        }
        match found.kind {
            PhraseKind::Opening => {
                self.reading.breaks_off = true;
                self.reading.attempts.open();
                self.opening = Some(start);
                self.at += length;
                // `first ,` still leaves the next word at the beginning of the sentence: `maybe , no .`
                return;
            }
            PhraseKind::Retry => self.retry(None, start, end, length),
            PhraseKind::Keep => self.keep(start, length),
            PhraseKind::Check => self.open_draft(Opener::Check, start, end, length),
            PhraseKind::Hesitation => self.open_draft(Opener::Hesitation, start, end, length),
            // `4 more than the target` names the distance, not the value.
            PhraseKind::TooHigh if self.text[start..].starts_with("more") => {
                self.value = None;
                self.too(Relation::Above, start, end, length);
            }
            PhraseKind::TooLow if self.text[start..].starts_with("less") => {
                self.value = None;
                self.too(Relation::Below, start, end, length);
            }
            PhraseKind::TooHigh | PhraseKind::TooLow => {
                let relation = match found.kind {
                    PhraseKind::TooHigh => Relation::Above,
                    _ => Relation::Below,
                };
                self.too(relation, start, end, length);
                self.distance_after(false);
            }
            PhraseKind::Right => self.verdict(true, start, end, length),
            PhraseKind::Wrong => self.verdict(false, start, end, length),
            PhraseKind::WeakRight => self.weak_answer(true, length),
            PhraseKind::WeakWrong => self.weak_answer(false, length),
            PhraseKind::NotEqual => self.expect_number(Relation::NotEqual, length),
            PhraseKind::Equal => self.expect_number(Relation::Equal, length),
            PhraseKind::Above => self.expect_number(Relation::Above, length),
            PhraseKind::Below => self.expect_number(Relation::Below, length),
            PhraseKind::Backward => {
                self.finish_draft(false);
                self.event(EventKind::Backward, start, end);
                self.at += length;
            }
            PhraseKind::OffBy => {
                self.too(Relation::NotEqual, start, end, length);
                self.distance_after(true);
            }
            PhraseKind::Subgoal => self.subgoal(start, length, 4),
            PhraseKind::WeakSubgoal => self.subgoal(start, length, 0),
            PhraseKind::BackwardFrom => {
                self.at += length;
                if self.number_at(self.at).is_some_and(|number| Some(number) == self.target) {
                    let end = self.tokens[self.at].end;
                    self.finish_draft(false);
                    self.event(EventKind::Backward, start, end);
                    self.at += 1;
                }
            }
            PhraseKind::Supposed => {
                self.supposed = !self.draft.as_ref().is_some_and(CheckDraft::concludes);
                self.at += length;
            }
            PhraseKind::Concludes => {
                self.concluding = true;
                self.at += length;
            }
            // `this equals` may begin `equals the target`.
            PhraseKind::Gives
                if self.sentence_start && self.number_follows(length) && self.restates(length) =>
            {
                self.expect_number(Relation::Equal, length);
            }
            PhraseKind::Gives | PhraseKind::Calculate(_) => self.at += 1,
            PhraseKind::Nothing => {
                // `instead of adding 21 I'd divide it by 3` begins another attempt.
                if self.text[start..].len() > 7
                    && self.text.as_bytes()[start..start + 7].eq_ignore_ascii_case(b"instead")
                {
                    self.opening.get_or_insert(start);
                }
                self.at += length;
            }
        }
        self.sentence_start = false;
    }

    fn event(&mut self, kind: EventKind, start: usize, end: usize) {
        let attempts_before = self.reading.attempts.records().len();
        self.reading.events.push(Event { kind, start, end, attempts_before, segment: self.segment });
    }

    fn end_sentence(&mut self) {
        let goes_on = |draft: &CheckDraft| {
            let checks = draft.opener == Opener::Check
                || draft.opener == Opener::Hesitation && draft.states_something();
            checks && !draft.concludes()
        };
        if self.draft.as_ref().is_some_and(goes_on) {
            self.aside = self.sentence_closed && self.aside || self.announces_aside();
            self.sentence_closed = true;
        } else {
            self.finish_draft(false);
        }
        self.reading.attempts.end_sentence();
        self.value = None;
        self.relation = None;
        self.sentence_start = true;
        (self.supposed, self.concluding) = (false, false);
        self.opening = None;
        self.reading.breaks_off = false;
    }
}
