//! The keys and sequences that terminals send: those of xterm, with the ones of rxvt, of the Linux console and of the
//! "CSI u" convention.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// The byte of the Esc key, with which sequences begin.
pub(crate) const ESCAPE: u8 = 0x1b;
const BELL: u8 = 7;

/// What some bytes are.
#[derive(Debug, PartialEq)]
pub enum Reading {
    /// The beginning of something.
    More,
    /// A key, or something the mouse did.
    Event(Event),
    /// A complete sequence that is not a key, such as the answer to a terminal query.
    Nothing,
    /// The beginning of a paste.
    Paste,
    /// The last byte does not belong to the earlier ones.
    Stray,
}

/// Reads the bytes since the last complete item; there is at least one.
pub fn read(bytes: &[u8]) -> Reading {
    match bytes {
        [ESCAPE] => Reading::More,
        [ESCAPE, b'[', rest @ ..] => control_sequence(rest),
        [ESCAPE, b'O', rest @ ..] => single_shift(rest),
        begun if is_string(begun) => match bytes.last() {
            Some(&BELL) => Reading::Nothing,
            _ => Reading::More,
        },
        [ESCAPE, rest @ ..] => plain_key(rest, KeyModifiers::ALT),
        _ => plain_key(bytes, KeyModifiers::NONE),
    }
}

/// Whether this begins a text for programs, which ends with a bell or with a sequence of its own.
pub(crate) fn is_string(bytes: &[u8]) -> bool {
    matches!(bytes, [ESCAPE, b']' | b'P' | b'X' | b'^' | b'_', ..])
}

/// A character as a key. Capital letters report Shift, as in crossterm.
pub fn character(character: char, modifiers: KeyModifiers) -> KeyEvent {
    let shift = if character.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(character), modifiers | shift)
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Reading {
    Reading::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

/// A key without a sequence: a control character or a character.
fn plain_key(bytes: &[u8], modifiers: KeyModifiers) -> Reading {
    let control = modifiers | KeyModifiers::CONTROL;
    match bytes {
        [b'\r'] => key(KeyCode::Enter, modifiers),
        [b'\t'] => key(KeyCode::Tab, modifiers),
        [0x7f] => key(KeyCode::Backspace, modifiers),
        [0] => key(KeyCode::Char(' '), control),
        [letter @ 1..=26] => key(KeyCode::Char(char::from(letter - 1 + b'a')), control),
        [digit @ 28..=31] => key(KeyCode::Char(char::from(digit - 28 + b'4')), control),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text
                .chars()
                .next()
                .map_or(Reading::Nothing, |read| Reading::Event(Event::Key(character(read, modifiers)))),
            Err(error) if error.error_len().is_none() => Reading::More,
            Err(_) => Reading::Stray,
        },
    }
}

/// What follows `ESC O`.
fn single_shift(rest: &[u8]) -> Reading {
    let Some((last, before)) = rest.split_last() else { return Reading::More };
    let none = KeyModifiers::NONE;
    match last {
        b'0'..=b'9' | b';' => Reading::More,
        b'M' if before.is_empty() => key(KeyCode::Enter, none),
        b'a'..=b'd' if before.is_empty() => key(arrow(last - b'a' + b'A'), KeyModifiers::CONTROL),
        b'A'..=b'D' | b'F' | b'H' | b'P'..=b'S' => {
            key(named(*last), parameters(before).last().map_or(none, |given| modifiers(given.0)))
        }
        _ => Reading::Stray,
    }
}

/// What follows `ESC [`.
fn control_sequence(rest: &[u8]) -> Reading {
    let Some((&last, before)) = rest.split_last() else { return Reading::More };
    match rest[0] {
        // The function keys of the Linux console.
        b'[' => {
            return match rest.get(1) {
                None => Reading::More,
                Some(letter @ b'A'..=b'E') => key(KeyCode::F(letter - b'A' + 1), KeyModifiers::NONE),
                Some(_) => Reading::Nothing,
            };
        }
        b'M' => return if rest.len() < 4 { Reading::More } else { oldest_mouse(&rest[1..]) },
        _ => {}
    }
    let numbered = !before.is_empty() && before.iter().all(u8::is_ascii_digit);
    match last {
        // rxvt's keys with Shift end with a byte that ends nothing elsewhere.
        b'$' if numbered => numbered_key(before, Some(KeyModifiers::SHIFT)),
        0x20..=0x3f => Reading::More,
        0x40..=0x7e => whole_sequence(before, last),
        _ => Reading::Stray,
    }
}

fn whole_sequence(before: &[u8], last: u8) -> Reading {
    let (mouse_follows, before) = match before {
        [b'<', figures @ ..] => (true, figures),
        _ => (false, before),
    };
    if !before.iter().all(|byte| byte.is_ascii_digit() || b";:".contains(byte)) {
        return Reading::Nothing;
    }
    if mouse_follows {
        return mouse(before, last);
    }
    let given = parameters(before);
    let number = |at: usize| given.get(at).map_or(1, |(number, _)| *number);
    let (held, kind) =
        (modifiers(number(1)), given.get(1).map_or(KeyEventKind::Press, |given| kind(given.1)));
    let pressed = |code| Reading::Event(Event::Key(KeyEvent::new_with_kind(code, held, kind)));
    match last {
        b'~' if number(0) == 200 => Reading::Paste,
        b'~' if number(0) == 27 => by_codepoint(number(2), held, kind),
        b'~' => numbered_key(before, None),
        b'^' => numbered_key(before, Some(KeyModifiers::CONTROL)),
        b'@' => numbered_key(before, Some(KeyModifiers::CONTROL | KeyModifiers::SHIFT)),
        b'u' => by_codepoint(number(0), held, kind),
        b'Z' => key(KeyCode::BackTab, KeyModifiers::SHIFT),
        b'a'..=b'd' => key(arrow(last - b'a' + b'A'), KeyModifiers::SHIFT),
        // With other figures it tells where the cursor is.
        b'R' if given.len() > 1 && !(number(0) == 1 && (2..=8).contains(&number(1))) => Reading::Nothing,
        b'A'..=b'D' | b'F' | b'H' | b'P'..=b'S' => pressed(named(last)),
        b'M' if given.len() == 3 => match number(0).checked_sub(32) {
            Some(what) => mouse_event(what, (number(1), number(2)), false),
            None => Reading::Nothing,
        },
        _ => Reading::Nothing,
    }
}

/// Numbers, each with its part after a colon; an omitted one is 1.
fn parameters(bytes: &[u8]) -> Vec<(u32, u32)> {
    let number = |text: Option<&[u8]>| {
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        text.and_then(|text| text.parse().ok()).unwrap_or(1)
    };
    let parameter = |part: &[u8]| {
        let mut sub = part.split(|byte| *byte == b':');
        (number(sub.next()), number(sub.next()))
    };
    if bytes.is_empty() { Vec::new() } else { bytes.split(|byte| *byte == b';').map(parameter).collect() }
}

fn modifiers(told: u32) -> KeyModifiers {
    // The six that crossterm has, in the order of its bits; the locks behind them are none.
    let held = told.saturating_sub(1);
    let names = [
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
        KeyModifiers::SUPER,
        KeyModifiers::HYPER,
        KeyModifiers::META,
    ];
    names.into_iter().enumerate().filter(|(bit, _)| held >> bit & 1 == 1).map(|(_, name)| name).collect()
}

fn kind(told: u32) -> KeyEventKind {
    match told {
        2 => KeyEventKind::Repeat,
        3 => KeyEventKind::Release,
        _ => KeyEventKind::Press,
    }
}

fn arrow(letter: u8) -> KeyCode {
    match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        _ => KeyCode::Left,
    }
}

/// The keys that a letter names.
fn named(letter: u8) -> KeyCode {
    match letter {
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => arrow(letter),
    }
}

/// The keys that a number names.
fn numbered_key(before: &[u8], held: Option<KeyModifiers>) -> Reading {
    let given = parameters(before);
    let (number, told) = (given.first().map_or(0, |first| first.0), given.get(1).copied().unwrap_or((1, 1)));
    let f = |first: u32, number: u32| KeyCode::F((number - first) as u8);
    let code = match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => f(10, number),
        17..=21 => f(11, number),
        23..=26 => f(12, number),
        28..=29 => f(13, number),
        31..=34 => f(14, number),
        _ => return Reading::Nothing,
    };
    let held = held.unwrap_or_else(|| modifiers(told.0));
    Reading::Event(Event::Key(KeyEvent::new_with_kind(code, held, kind(told.1))))
}

/// A key given by its character.
fn by_codepoint(code: u32, held: KeyModifiers, kind: KeyEventKind) -> Reading {
    let shift = held.contains(KeyModifiers::SHIFT);
    let code = match char::from_u32(code) {
        Some('\x1b') => KeyCode::Esc,
        Some('\r') => KeyCode::Enter,
        Some('\t') if shift => KeyCode::BackTab,
        Some('\t') => KeyCode::Tab,
        Some('\x7f' | '\x08') => KeyCode::Backspace,
        Some(letter) if shift && letter.is_ascii_lowercase() => KeyCode::Char(letter.to_ascii_uppercase()),
        // Private-use characters stand for keys without a character, such as Shift alone.
        Some(read) if !read.is_control() && !('\u{e000}'..='\u{f8ff}').contains(&read) => KeyCode::Char(read),
        _ => return Reading::Nothing,
    };
    Reading::Event(Event::Key(KeyEvent::new_with_kind(code, held, kind)))
}

/// The mouse in three bytes.
fn oldest_mouse(bytes: &[u8]) -> Reading {
    let figure = |at: usize| u32::from(bytes[at]).checked_sub(32);
    match (figure(0), figure(1), figure(2)) {
        (Some(what), Some(column), Some(row)) => mouse_event(what, (column, row), false),
        _ => Reading::Nothing,
    }
}

/// The mouse in numbers, `M` pressed and `m` released.
fn mouse(figures: &[u8], last: u8) -> Reading {
    match (parameters(figures).as_slice(), last) {
        ([(what, _), (column, _), (row, _)], b'M' | b'm') => {
            mouse_event(*what, (*column, *row), last == b'm')
        }
        _ => Reading::Nothing,
    }
}

/// `what` holds the button, the keys held and whether it moves; places are counted from 1.
fn mouse_event(what: u32, (column, row): (u32, u32), released: bool) -> Reading {
    let button = match what & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let moves = what & 32 != 0;
    let kind = match (what & 3 | (what & 192) >> 4, moves) {
        (0..=2, true) => MouseEventKind::Drag(button),
        (0..=2, false) if released => MouseEventKind::Up(button),
        (0..=2, false) => MouseEventKind::Down(button),
        (3, false) => MouseEventKind::Up(MouseButton::Left),
        (3..=5, true) => MouseEventKind::Moved,
        (4, false) => MouseEventKind::ScrollUp,
        (5, false) => MouseEventKind::ScrollDown,
        (6, false) => MouseEventKind::ScrollLeft,
        (7, false) => MouseEventKind::ScrollRight,
        _ => return Reading::Nothing,
    };
    let held = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = held.into_iter().filter(|(bit, _)| what & bit != 0).map(|(_, name)| name).collect();
    let place = |number: u32| u16::try_from(number.saturating_sub(1)).unwrap_or(u16::MAX);
    Reading::Event(Event::Mouse(MouseEvent { kind, column: place(column), row: place(row), modifiers }))
}
