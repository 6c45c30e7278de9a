//! Decodes terminal bytes into keys, however they are split or joined on the way.
//!
//! Escape sequences begin with the byte of the Esc key. A byte's meaning can depend on the bytes after it, which may
//! arrive later, or on there being none: [`Decoder::feed`] takes new bytes, and [`Decoder::quiet`] is called if none
//! came for [`Decoder::patience`]. An unknown sequence is skipped as a whole and never read as keys.

use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::sequence::{self, ESCAPE, Reading};

/// This long after its byte, Esc is a key of its own and not the start of a sequence.
const ESC_PATIENCE: Duration = Duration::from_millis(50);
/// How long an interrupted sequence may take to complete.
const SEQUENCE_PATIENCE: Duration = Duration::from_millis(500);
/// Most bytes kept of a sequence; one this long is not a key.
const LONGEST: usize = 64;
/// Most bytes kept of a paste; the rest is dropped.
const MOST_PASTED: usize = 1024 * 1024;
const PASTE_ENDS: &[u8] = b"\x1b[201~";
const CTRL_C: u8 = 3;

/// Reads one terminal.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The unfinished sequence.
    pending: Vec<u8>,
    /// What is being pasted.
    paste: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes bytes and appends the completed events to `events`.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        for byte in bytes {
            match self.paste.is_some() {
                true => self.pasted(*byte, events),
                false => self.take_in(*byte, events),
            }
        }
    }

    /// How long to wait for more bytes before [`Decoder::quiet`]; `None` if nothing is pending.
    pub fn patience(&self) -> Option<Duration> {
        match self.pending.as_slice() {
            [] => None,
            [ESCAPE] => Some(ESC_PATIENCE),
            begun if sequence::is_string(begun) => Some(ESC_PATIENCE),
            _ => Some(SEQUENCE_PATIENCE),
        }
    }

    /// No more bytes came: the pending bytes are decoded as they are.
    pub fn quiet(&mut self, events: &mut Vec<Event>) {
        match self.pending.as_slice() {
            [ESCAPE] => events.push(Event::Key(KeyEvent::from(KeyCode::Esc))),
            // With Alt, the keys that otherwise begin a sequence.
            [ESCAPE, byte] if byte.is_ascii_graphic() => {
                events.push(Event::Key(sequence::character(char::from(*byte), KeyModifiers::ALT)));
            }
            _ => {}
        }
        self.pending.clear();
    }

    fn take_in(&mut self, byte: u8, events: &mut Vec<Event>) {
        if byte == ESCAPE {
            // Another sequence or Esc begins: the earlier bytes are dropped.
            self.quiet(events);
        }
        if self.pending.len() == LONGEST {
            self.pending.pop();
        }
        self.pending.push(byte);
        match sequence::read(&self.pending) {
            Reading::More => {}
            Reading::Event(event) => {
                if self.pending.len() < LONGEST {
                    events.push(event);
                }
                self.pending.clear();
            }
            Reading::Nothing => self.pending.clear(),
            Reading::Paste => {
                self.pending.clear();
                self.paste = Some(Vec::new());
            }
            Reading::Stray => {
                self.pending.pop();
                let alone = self.pending.is_empty();
                self.quiet(events);
                if !alone {
                    self.take_in(byte, events);
                }
            }
        }
    }

    /// A byte between the two marks of a paste. Ctrl+C is never pasted: it is the way out of a paste that has no end.
    fn pasted(&mut self, byte: u8, events: &mut Vec<Event>) {
        let Some(text) = &mut self.paste else { return };
        text.push(byte);
        if text.len() > MOST_PASTED {
            text.remove(MOST_PASTED - PASTE_ENDS.len());
        }
        let ends = text.ends_with(PASTE_ENDS);
        if !ends && byte != CTRL_C {
            return;
        }
        let kept = text.len() - if ends { PASTE_ENDS.len() } else { 1 };
        events.push(Event::Paste(String::from_utf8_lossy(&text[..kept]).into_owned()));
        self.paste = None;
        if !ends {
            self.take_in(byte, events);
        }
    }
}
