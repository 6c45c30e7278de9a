//! Bytes of a terminal become keys, however they are split and joined on their way.
//!
//! Escape sequences begin with the byte of the Esc key. What a byte means can depend on the ones behind it, which may
//! come later, or on there being none: [`Decoder::feed`] takes in what came, and [`Decoder::quiet`] is told that for
//! [`Decoder::patience`] nothing did. A sequence that nobody knows is passed over as a whole and is never read as keys.

use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::sequence::{self, ESCAPE, Reading};

/// So long after its byte, Esc is a key of its own and no beginning of a sequence.
const ESC_PATIENCE: Duration = Duration::from_millis(50);
/// So long a sequence that was cut on the way may take to come to its end.
const SEQUENCE_PATIENCE: Duration = Duration::from_millis(500);
/// Bytes that are kept of a sequence; one that is as long is no key.
const LONGEST: usize = 64;
/// Bytes that are kept of what is pasted; the rest is passed over.
const MOST_PASTED: usize = 1024 * 1024;
const PASTE_ENDS: &[u8] = b"\x1b[201~";
const CTRL_C: u8 = 3;

/// Reads one terminal.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What has begun and has not come to its end.
    pending: Vec<u8>,
    /// What is being pasted.
    paste: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes in bytes; what they complete is added to `events`.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        for byte in bytes {
            match self.paste.is_some() {
                true => self.pasted(*byte, events),
                false => self.take_in(*byte, events),
            }
        }
    }

    /// How long to wait for more bytes before [`Decoder::quiet`]; `None` where nothing has begun.
    pub fn patience(&self) -> Option<Duration> {
        match self.pending.as_slice() {
            [] => None,
            [ESCAPE] => Some(ESC_PATIENCE),
            begun if sequence::is_string(begun) => Some(ESC_PATIENCE),
            _ => Some(SEQUENCE_PATIENCE),
        }
    }

    /// No more bytes came: what has begun is read as it stands.
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
            // Another sequence begins, or another Esc: what was before it comes to nothing more.
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
