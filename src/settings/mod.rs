//! The settings of a run. One row of [`section!`](section) is one configuration key: it says whether it may change
//! during a run, its name, type, default and bounds, and its comment is the text of the help and the docs.
//!
//! The rooms that use a value declare its row; [`crate::config`] puts the sections together.

mod choice;
mod several;
mod texts;

use std::{fmt, ops::RangeInclusive};

pub(crate) use choice::choices;
pub use choice::{Choice, Named};
pub use several::Several;
pub use texts::Texts;

use crate::system::quoting::quoted;

/// A configuration key.
#[derive(Debug)]
pub struct Key {
    /// Its name, as in `--set name=value` and in `config.toml`.
    pub name: &'static str,
    /// A shorter name for it, at a prompt only.
    pub short: Option<&'static str>,
    /// Whether it may change during a run.
    pub live: bool,
    pub(crate) raw_doc: &'static str,
    pub(crate) allowed: fn() -> Allowed,
}

/// The values that a key takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Allowed {
    /// One of these words.
    OneOf(Vec<Named>),
    /// One of these words, or the path of a file, which has a slash or a dot.
    OneOfOrFile(Vec<Named>),
    /// A few short texts, or none.
    Texts,
    /// One or more of these words, with commas between them.
    SomeOf(Vec<Named>),
    /// `true` or `false`.
    Flag,
    /// A whole number, bounds included.
    Whole(RangeInclusive<u64>),
    /// A finite number, bounds included.
    Number(RangeInclusive<f64>),
}

/// The value of some key.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A name or a text.
    Word(String),
    /// Several texts.
    Texts(Vec<String>),
    /// On or off.
    Flag(bool),
    /// A count.
    Whole(u64),
    /// Any finite number.
    Number(f64),
}

/// A value that a key does not take.
#[derive(Debug, thiserror::Error)]
#[error("`{key}` cannot be {value}: it takes {allowed}.")]
pub struct Refused {
    /// The key.
    pub key: &'static str,
    /// What was given, shortened and with control characters escaped.
    pub value: String,
    /// What the key takes, in words.
    pub allowed: String,
}

/// A group of keys: a struct with one field for each.
pub(crate) trait Section {
    /// What the keys have in common.
    fn about(&self) -> &'static str;
    fn keys(&self) -> &'static [Key];
    fn field(&self, name: &str) -> Option<&dyn Field>;
    fn field_mut(&mut self, name: &str) -> Option<&mut dyn Field>;
}

/// A field that holds the value of a key.
pub trait Field {
    /// What is stored.
    fn value(&self) -> Value;
    /// Stores a value that the key has checked.
    fn store(&mut self, value: Value);
}

/// A type of field whose values need no bounds.
pub(crate) trait Unbounded: Field {
    fn allowed() -> Allowed;
}

/// A type of field whose values lie between bounds.
pub(crate) trait Bounded: Field + Sized {
    fn allowed(bounds: RangeInclusive<Self>) -> Allowed;
}

/// Declares a section: its struct, its defaults and its keys. A row reads
/// `live|fixed name: type = default, least..=greatest;`, without bounds for flags and words, and with `name aka "short"`
/// where a prompt takes a shorter one; its comment says in the first sentence what the key does.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $(#[derive($copy:ident)])?
        pub struct $section:ident {
            $(
                $(#[doc = $doc:literal])+
                $mode:ident $name:ident $(aka $short:literal)?: $type:ty = $default:expr $(, $bounds:expr)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone $(, $copy)?, PartialEq)]
        pub struct $section {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl $crate::settings::Section for $section {
            fn about(&self) -> &'static str {
                concat!($($about),+).trim()
            }

            fn keys(&self) -> &'static [$crate::settings::Key] {
                static KEYS: &[$crate::settings::Key] = &[$(
                    $crate::settings::Key {
                        name: stringify!($name),
                        short: $crate::settings::section!(@short $($short)?),
                        live: $crate::settings::section!(@$mode),
                        raw_doc: concat!($($doc),+),
                        allowed: $crate::settings::section!(@allowed $type $(, $bounds)?),
                    },
                )+];
                KEYS
            }

            fn field(&self, name: &str) -> Option<&dyn $crate::settings::Field> {
                match name {
                    $(stringify!($name) => Some(&self.$name),)+
                    _ => None,
                }
            }

            fn field_mut(&mut self, name: &str) -> Option<&mut dyn $crate::settings::Field> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }
    };
    (@short) => { None };
    (@short $short:literal) => { Some($short) };
    (@live) => { true };
    (@fixed) => { false };
    (@allowed $type:ty) => { <$type as $crate::settings::Unbounded>::allowed };
    (@allowed $type:ty, $bounds:expr) => { || <$type as $crate::settings::Bounded>::allowed($bounds) };
}
pub(crate) use section;

impl Key {
    /// What it does; the first sentence says it by itself.
    pub(crate) fn doc(&self) -> &'static str {
        self.raw_doc.trim()
    }

    /// What it takes.
    pub fn allowed(&self) -> Allowed {
        (self.allowed)()
    }

    /// Reads a value as it is written after `--set key=`.
    pub(crate) fn read_text(&self, text: &str) -> Result<Value, Refused> {
        let (text, allowed) = (text.trim(), self.allowed());
        let value = match allowed {
            Allowed::OneOf(_) | Allowed::OneOfOrFile(_) | Allowed::SomeOf(_) => {
                Some(Value::Word(text.to_owned()))
            }
            Allowed::Texts => texts::read(text).map(Value::Texts),
            Allowed::Flag => text.parse().ok().map(Value::Flag),
            Allowed::Whole(_) => text.parse().ok().map(Value::Whole),
            Allowed::Number(_) => text.parse().ok().map(Value::Number),
        };
        value.filter(|value| allowed.takes(value)).ok_or_else(|| self.refuses(quoted(text)))
    }

    /// Reads a value of a TOML file, whose type must be the key's.
    pub(crate) fn read_toml(&self, given: &toml::Value) -> Result<Value, Refused> {
        let allowed = self.allowed();
        let value = match (&allowed, given) {
            (Allowed::OneOf(_) | Allowed::OneOfOrFile(_) | Allowed::SomeOf(_), toml::Value::String(text)) => {
                Some(Value::Word(text.clone()))
            }
            (Allowed::Texts, toml::Value::Array(all)) => texts::of_array(all).map(Value::Texts),
            (Allowed::Flag, toml::Value::Boolean(flag)) => Some(Value::Flag(*flag)),
            (Allowed::Whole(_), toml::Value::Integer(whole)) => u64::try_from(*whole).ok().map(Value::Whole),
            (Allowed::Number(_), toml::Value::Float(number)) => Some(Value::Number(*number)),
            (Allowed::Number(_), toml::Value::Integer(whole)) => Some(Value::Number(*whole as f64)),
            _ => None,
        };
        value
            .filter(|value| allowed.takes(value))
            .ok_or_else(|| self.refuses(format!("the {} {}", given.type_str(), quoted(&given.to_string()))))
    }

    fn refuses(&self, value: String) -> Refused {
        Refused { key: self.name, value, allowed: self.allowed().to_string() }
    }
}

impl Allowed {
    fn takes(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::OneOf(words), Value::Word(word)) => words.iter().any(|named| named.name == word),
            (Self::OneOfOrFile(words), Value::Word(word)) => {
                words.iter().any(|named| named.name == word) || is_path(word)
            }
            (Self::Texts, Value::Texts(all)) => texts::are_allowed(all),
            (Self::SomeOf(words), Value::Word(list)) => {
                several::words(list).all(|word| words.iter().any(|named| named.name == word))
            }
            (Self::Flag, Value::Flag(_)) => true,
            (Self::Whole(bounds), Value::Whole(whole)) => bounds.contains(whole),
            // NaN and the infinities lie between no bounds.
            (Self::Number(bounds), Value::Number(number)) => bounds.contains(number),
            _ => false,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(words) | Self::SomeOf(words) => {
                let names: Vec<&str> = words.iter().map(|word| word.name).collect();
                let (one, end) = match self {
                    Self::OneOf(_) => ("one", ""),
                    _ => ("one or more", ", with commas between them"),
                };
                write!(f, "{one} of {}{end}", names.join(", "))
            }
            Self::OneOfOrFile(words) => {
                let names: Vec<&str> = words.iter().map(|word| word.name).collect();
                write!(f, "one of {}, or the path of a file, with a slash or a dot", names.join(", "))
            }
            Self::Texts => write!(
                f,
                "a list of at most {} texts of 1 to {} bytes, as in [\"</answer>\"]",
                texts::MOST,
                texts::LONGEST
            ),
            Self::Flag => write!(f, "true or false"),
            Self::Whole(bounds) => write!(f, "a whole number from {} to {}", bounds.start(), bounds.end()),
            Self::Number(bounds) => write!(f, "a number from {} to {}", bounds.start(), bounds.end()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Texts(all) => f.write_str(&texts::written(all)),
            Self::Flag(flag) => flag.fmt(f),
            Self::Whole(whole) => whole.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Whether a word is meant as the path of a file. Nothing that could move a cursor is.
fn is_path(word: &str) -> bool {
    word.contains(['/', '\\', '.']) && word.len() <= 1024 && !word.contains(char::is_control)
}

impl Field for bool {
    fn value(&self) -> Value {
        Value::Flag(*self)
    }

    fn store(&mut self, value: Value) {
        if let Value::Flag(flag) = value {
            *self = flag;
        }
    }
}

impl Unbounded for bool {
    fn allowed() -> Allowed {
        Allowed::Flag
    }
}

impl Field for u64 {
    fn value(&self) -> Value {
        Value::Whole(*self)
    }

    fn store(&mut self, value: Value) {
        if let Value::Whole(whole) = value {
            *self = whole;
        }
    }
}

impl Bounded for u64 {
    fn allowed(bounds: RangeInclusive<Self>) -> Allowed {
        Allowed::Whole(bounds)
    }
}

impl Field for usize {
    fn value(&self) -> Value {
        Value::Whole(*self as u64)
    }

    fn store(&mut self, value: Value) {
        if let Value::Whole(whole) = value {
            *self = usize::try_from(whole).unwrap_or(usize::MAX);
        }
    }
}

impl Bounded for usize {
    fn allowed(bounds: RangeInclusive<Self>) -> Allowed {
        Allowed::Whole(*bounds.start() as u64..=*bounds.end() as u64)
    }
}

impl Field for f64 {
    fn value(&self) -> Value {
        Value::Number(*self)
    }

    fn store(&mut self, value: Value) {
        if let Value::Number(number) = value {
            *self = number;
        }
    }
}

impl Bounded for f64 {
    fn allowed(bounds: RangeInclusive<Self>) -> Allowed {
        Allowed::Number(bounds)
    }
}
