//! Parts of a step that the configuration names: a file each, and one line each in the list of their kind.

use std::{fmt, ops::Deref};

use crate::settings::{Choice, Named};

/// A kind of part that there is a list of.
pub trait Registered: Send + Sync + 'static {
    /// Every part with its name. The first is the one that is meant where none is named.
    const ALL: &'static [(&'static str, &'static Self)];

    /// What the part is, in a line.
    fn about(&self) -> &'static str;
}

/// Declares the modules of a kind of part and lists what they hold as `PART`, under the name of the module.
///
/// rustfmt does not follow modules that a macro declares: `.ci/run` formats them by their paths.
macro_rules! registry {
    (dyn $kind:ident: $($module:ident),+ $(,)?) => {
        $(mod $module;)+

        impl $crate::grpo::registry::Registered for dyn $kind {
            const ALL: &'static [(&'static str, &'static Self)] =
                &[$((stringify!($module), &$module::PART)),+];

            fn about(&self) -> &'static str {
                $kind::about(self)
            }
        }
    };
}
pub(super) use registry;

/// The part that was chosen. It is known by its name, and does what the part does.
pub struct Chosen<P: Registered + ?Sized> {
    name: &'static str,
    part: &'static P,
}

impl<P: Registered + ?Sized> Chosen<P> {
    fn of(&(name, part): &(&'static str, &'static P)) -> Self {
        Self { name, part }
    }
}

impl<P: Registered + ?Sized> Deref for Chosen<P> {
    type Target = P;

    fn deref(&self) -> &P {
        self.part
    }
}

impl<P: Registered + ?Sized> Choice for Chosen<P> {
    fn all() -> Vec<Self> {
        P::ALL.iter().map(Self::of).collect()
    }

    fn named(self) -> Named {
        Named { name: self.name, doc: self.part.about() }
    }
}

impl<P: Registered + ?Sized> Default for Chosen<P> {
    fn default() -> Self {
        Self::of(&P::ALL[0])
    }
}

impl<P: Registered + ?Sized> Clone for Chosen<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Registered + ?Sized> Copy for Chosen<P> {}

impl<P: Registered + ?Sized> PartialEq for Chosen<P> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<P: Registered + ?Sized> fmt::Debug for Chosen<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
