#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::{collection::vec, prelude::*};
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::decoder::Decoder;

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn char(character: char) -> Event {
    key(KeyCode::Char(character), if character.is_uppercase() { SHIFT } else { NONE })
}

/// Keys and what terminals send for them.
fn keys() -> Vec<(&'static str, Event)> {
    let f = |number| key(KeyCode::F(number), NONE);
    vec![
        ("\x1b", key(KeyCode::Esc, NONE)),
        ("q", char('q')),
        ("Q", char('Q')),
        ("O", char('O')),
        ("[", char('[')),
        ("~", char('~')),
        ("7", char('7')),
        ("é", char('é')),
        ("→", char('→')),
        ("𝄞", char('𝄞')),
        (" ", char(' ')),
        ("\r", key(KeyCode::Enter, NONE)),
        ("\t", key(KeyCode::Tab, NONE)),
        ("\x7f", key(KeyCode::Backspace, NONE)),
        ("\x03", key(KeyCode::Char('c'), CONTROL)),
        ("\0", key(KeyCode::Char(' '), CONTROL)),
        ("\x1bOP", f(1)),
        ("\x1bOQ", f(2)),
        ("\x1b[[C", f(3)),
        ("\x1b[15~", f(5)),
        ("\x1b[17~", f(6)),
        ("\x1b[21~", f(10)),
        ("\x1b[24~", f(12)),
        ("\x1b[1;5Q", key(KeyCode::F(2), CONTROL)),
        ("\x1b[1;2R", key(KeyCode::F(3), SHIFT)),
        ("\x1b[A", key(KeyCode::Up, NONE)),
        ("\x1bOB", key(KeyCode::Down, NONE)),
        ("\x1b[1;5C", key(KeyCode::Right, CONTROL)),
        ("\x1b[d", key(KeyCode::Left, SHIFT)),
        ("\x1b[H", key(KeyCode::Home, NONE)),
        ("\x1b[4~", key(KeyCode::End, NONE)),
        ("\x1b[3~", key(KeyCode::Delete, NONE)),
        ("\x1b[3$", key(KeyCode::Delete, SHIFT)),
        ("\x1b[3;5~", key(KeyCode::Delete, CONTROL)),
        ("\x1b[6~", key(KeyCode::PageDown, NONE)),
        ("\x1b[Z", key(KeyCode::BackTab, SHIFT)),
        ("\x1b[27u", key(KeyCode::Esc, NONE)),
        ("\x1b[113u", char('q')),
        ("\x1b[27;5;99~", key(KeyCode::Char('c'), CONTROL)),
        ("\x1bx", key(KeyCode::Char('x'), ALT)),
        ("\x1b[200~two\nlines \x1b[A Q\x1b[201~", Event::Paste("two\nlines \x1b[A Q".into())),
        (
            "\x1b[<0;12;3M",
            Event::Mouse(MouseEvent {
                kind: MouseEventKind::Down(MouseButton::Left),
                column: 11,
                row: 2,
                modifiers: NONE,
            }),
        ),
        (
            "\x1b[<65;300;90M",
            Event::Mouse(MouseEvent {
                kind: MouseEventKind::ScrollDown,
                column: 299,
                row: 89,
                modifiers: NONE,
            }),
        ),
    ]
}

/// What comes out of bytes that come in these pieces, without a pause between them.
fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    pieces.into_iter().for_each(|piece| decoder.feed(piece, &mut events));
    if decoder.patience().is_some() {
        decoder.quiet(&mut events);
    }
    assert_eq!(decoder.patience(), None, "after a pause nothing is left over");
    events
}

#[test]
fn every_key_is_read_whole_and_byte_by_byte() {
    for (bytes, event) in keys() {
        let event = std::slice::from_ref(&event);
        assert_eq!(decoded([bytes.as_bytes()]), event, "{bytes:?}");
        assert_eq!(decoded(bytes.as_bytes().chunks(1)), event, "{bytes:?} byte by byte");
    }
}

#[test]
fn esc_and_a_key_in_one_packet_are_both_read() {
    let esc = || key(KeyCode::Esc, NONE);
    let f2 = || key(KeyCode::F(2), NONE);
    for (bytes, events) in [
        ("\x1b\x1bOQ", vec![esc(), f2()]),
        ("\x1b\x1b\x1bOQ", vec![esc(), esc(), f2()]),
        ("\x1b\x1b[15~\x1b", vec![esc(), key(KeyCode::F(5), NONE), esc()]),
        ("\x1b\x1b", vec![esc(), esc()]),
        ("\x1bOQ\x1b\x1b[AQ", vec![f2(), esc(), key(KeyCode::Up, NONE), char('Q')]),
    ] {
        assert_eq!(decoded([bytes.as_bytes()]), events, "{bytes:?}");
        assert_eq!(decoded(bytes.as_bytes().chunks(1)), events, "{bytes:?} byte by byte");
    }
}

#[test]
fn what_is_no_key_is_passed_over_and_never_read_as_keys() {
    for bytes in [
        // Answers to what another program asked: attributes, the cursor's place, a mode, a colour, a capability.
        "\x1b[?62;22c",
        "\x1b[>0;276;0c",
        "\x1b[24;80R",
        "\x1b[1;1R",
        "\x1b[?2026;2$y",
        "\x1b]11;rgb:0000/0000/0000\x07",
        "\x1b[I",
        "\x1b[O",
        // Keys that nobody knows.
        "\x1b[99~",
        "\x1b[57441u",
        "\x1b[1;5q",
        "\x1b[[Z",
    ] {
        assert_eq!(decoded([bytes.as_bytes()]), [], "{bytes:?}");
        assert_eq!(decoded(bytes.as_bytes().chunks(1)), [], "{bytes:?} byte by byte");
    }
    // A text for programs whose end is a sequence of its own, and one without an end.
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1bP1$r0q\x1b\\q", &mut events);
    assert_eq!(events, [key(KeyCode::Char('\\'), ALT), char('q')]);
    assert_eq!(decoded([&b"\x1bP>|some terminal with q and Q"[..]]), []);
    // A sequence that is too long to be one.
    let long = format!("\x1b[{}Qq", "1;".repeat(4000));
    assert_eq!(decoded([long.as_bytes()]), [char('q')]);
}

#[test]
fn a_pause_ends_what_has_begun() {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    for (bytes, event) in [
        ("\x1b", Some(key(KeyCode::Esc, NONE))),
        ("\x1bO", Some(key(KeyCode::Char('O'), ALT | SHIFT))),
        ("\x1b[", Some(key(KeyCode::Char('['), ALT))),
        ("\x1b[1;", None),
        ("\u{e9}", Some(char('é'))),
    ] {
        decoder.feed(bytes.as_bytes(), &mut events);
        decoder.quiet(&mut events);
        decoder.feed(b"x", &mut events);
        let expected: Vec<Event> = event.into_iter().chain([char('x')]).collect();
        assert_eq!(std::mem::take(&mut events), expected, "{bytes:?}");
    }
    // Half a character, and a byte that is none: the keys around them are read.
    assert_eq!(decoded([&b"a\xc3b\xffc"[..]]), [char('a'), char('b'), char('c')]);
}

#[test]
fn a_release_is_told_as_one() {
    let told = decoded([&b"\x1b[113;1:3u"[..]]);
    let [Event::Key(told)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((told.code, told.kind), (KeyCode::Char('q'), KeyEventKind::Release));
}

#[test]
fn a_paste_is_bounded_and_has_a_way_out() {
    let end = "\x1b[201~";
    let long = format!("\x1b[200~{}{end}q", "x".repeat(1024 * 1024 + 100));
    let events = decoded([long.as_bytes()]);
    let [Event::Paste(text), after] = events.as_slice() else { panic!("{} events", events.len()) };
    assert!(text.len() <= 1024 * 1024 && text.chars().all(|c| c == 'x'), "{}", text.len());
    assert_eq!(*after, char('q'));
    let events = decoded([&b"\x1b[200~no end\x03q"[..]]);
    assert_eq!(events, [Event::Paste("no end".into()), key(KeyCode::Char('c'), CONTROL), char('q')]);
}

/// A key, and whether a pause followed it.
fn typed() -> impl Strategy<Value = Vec<(usize, bool)>> {
    vec((0..keys().len(), any::<bool>()), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn keys_are_read_as_they_were_pressed_however_their_bytes_are_split_and_joined(
        typed in typed(),
        cuts in vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let keys = keys();
        let (mut decoder, mut read, mut pressed) = (Decoder::default(), Vec::new(), Vec::new());
        let mut packet = Vec::new();
        for (place, (index, pause)) in typed.iter().enumerate() {
            let (bytes, event) = &keys[*index];
            packet.extend_from_slice(bytes.as_bytes());
            pressed.push(event.clone());
            // Esc right before a character is that character with Alt: only a pause tells the two apart.
            let next = typed.get(place + 1).map(|(next, _)| keys[*next].0.as_bytes()[0]);
            let pause = *pause || (*bytes == "\x1b" && next != Some(0x1b));
            if !pause && place + 1 < typed.len() {
                continue;
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(packet.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts.into_iter().chain([packet.len()]) {
                decoder.feed(&packet[from..cut], &mut read);
                from = cut;
            }
            decoder.quiet(&mut read);
            packet.clear();
        }
        prop_assert_eq!(read, pressed);
    }

    #[test]
    fn any_bytes_are_survived_and_splitting_them_changes_nothing(
        bytes in vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'O'), Just(b'M'), Just(b';'), Just(b'1')], 0..200),
        at in any::<proptest::sample::Index>(),
    ) {
        let whole = decoded([&bytes[..]]);
        let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
        prop_assert_eq!(decoded([first, second]), whole);
    }
}
