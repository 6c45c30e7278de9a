//! Settings that are one of a few words.

use super::{Allowed, Field, Unbounded, Value};

/// A word that a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The word.
    pub name: &'static str,
    /// What it stands for.
    pub doc: &'static str,
}

/// A type whose values have names: an enum made by [`choices!`](choices), or an entry of a registry.
pub trait Choice: Copy + 'static {
    /// Every value, in the order in which they are told.
    fn all() -> Vec<Self>;

    /// Its name and what it stands for.
    fn named(self) -> Named;

    /// Its name.
    fn name(self) -> &'static str {
        self.named().name
    }

    /// The value of a name.
    fn of_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|choice| choice.name() == name)
    }
}

impl<C: Choice> Field for C {
    fn value(&self) -> Value {
        Value::Word(self.name().to_owned())
    }

    fn store(&mut self, value: Value) {
        if let Value::Word(word) = value
            && let Some(choice) = C::of_name(&word)
        {
            *self = choice;
        }
    }
}

impl<C: Choice> Unbounded for C {
    fn allowed() -> Allowed {
        Allowed::OneOf(C::all().into_iter().map(C::named).collect())
    }
}

/// Declares an enum whose values have names for the user, each as `Value = "name"`.
macro_rules! choices {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derived:path),+)] #[serde($($serde:tt)+)])?
        pub enum $choice:ident {
            $($(#[doc = $doc:literal])+ $value:ident = $name:literal,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq $($(, $derived)+)?)]
        $(#[serde($($serde)+)])?
        pub enum $choice {
            $($(#[doc = $doc])+ $value,)+
        }

        impl $crate::settings::Choice for $choice {
            fn all() -> Vec<Self> {
                vec![$(Self::$value),+]
            }

            fn named(self) -> $crate::settings::Named {
                let (name, doc) = match self {
                    $(Self::$value => ($name, concat!($($doc),+)),)+
                };
                $crate::settings::Named { name, doc: doc.trim() }
            }
        }

        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::settings::Choice::name(*self))
            }
        }
    };
}
pub(crate) use choices;
