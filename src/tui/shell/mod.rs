//! Everything around the screens: the event loop, keys, mouse, theme, prompt, help, and both bars.

pub mod app;
mod bottom;
mod clipboard;
mod colors;
mod command_palette;
pub mod effect;
pub(in crate::tui) mod event_loop;
mod export;
pub mod grammar;
mod help;
mod hints;
pub(in crate::tui) mod input;
pub mod keys;
pub mod list;
pub mod message;
mod palette;
pub(in crate::tui) mod past;
pub mod prompt;
pub mod question;
pub(crate) mod remembered;
pub mod restart;
mod scrubber;
mod search;
mod stepping;
pub(in crate::tui) mod terminal;
pub mod theme;
pub mod themes;
mod title;
mod tour;
pub mod update;
pub mod view;
pub mod visit;
mod wire;

pub(in crate::tui) use clipboard::osc52;
