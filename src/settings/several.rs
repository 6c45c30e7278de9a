//! Settings that are several of a few words.

use std::{fmt, marker::PhantomData};

use super::{Allowed, Choice, Field, Unbounded, Value};

/// At least one of the values of a choice, as in `q,v`.
pub struct Several<C> {
    /// A bit for each value, in the order in which they are told.
    bits: u64,
    of: PhantomData<fn() -> C>,
}

impl<C: Choice + PartialEq> Several<C> {
    /// Every value.
    pub const ALL: Self = Self { bits: u64::MAX, of: PhantomData };

    /// These.
    pub fn of(chosen: impl IntoIterator<Item = C>) -> Self {
        let all = C::all();
        let place = |choice: C| all.iter().position(|other| *other == choice).unwrap_or_default();
        let bits = chosen.into_iter().fold(0, |bits, choice| bits | 1 << place(choice));
        Self { bits, of: PhantomData }
    }

    /// Those that are chosen, in the order in which they are told.
    pub fn chosen(self) -> impl Iterator<Item = C> {
        C::all()
            .into_iter()
            .enumerate()
            .filter(move |(i, _)| self.bits >> i & 1 == 1)
            .map(|(_, choice)| choice)
    }
}

impl<C> Clone for Several<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Several<C> {}

impl<C: Choice + PartialEq> PartialEq for Several<C> {
    fn eq(&self, other: &Self) -> bool {
        self.chosen().eq(other.chosen())
    }
}

impl<C: Choice + PartialEq> fmt::Display for Several<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.chosen().map(Choice::name).collect();
        f.write_str(&names.join(","))
    }
}

impl<C: Choice + PartialEq> fmt::Debug for Several<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The words of a list.
pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

impl<C: Choice + PartialEq> Field for Several<C> {
    fn value(&self) -> Value {
        Value::Word(self.to_string())
    }

    fn store(&mut self, value: Value) {
        if let Value::Word(list) = value {
            *self = Self::of(words(&list).filter_map(C::of_name));
        }
    }
}

impl<C: Choice + PartialEq> Unbounded for Several<C> {
    fn allowed() -> Allowed {
        Allowed::SomeOf(C::all().into_iter().map(C::named).collect())
    }
}
