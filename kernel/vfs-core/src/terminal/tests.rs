//! Terminals: rules of termios(3) one by one, and lines against a naive model.

use std::vec::Vec;

use proptest::prelude::*;

use super::{INPUT_BYTES, Key, Modes, OUTPUT_BYTES, Terminal};

fn terminal() -> Terminal {
    Terminal::new().unwrap()
}

fn with(change: impl FnOnce(&mut Modes)) -> Terminal {
    let mut terminal = terminal();
    let mut modes = *terminal.modes();
    change(&mut modes);
    terminal.set_modes(modes);
    terminal
}

fn raw() -> Terminal {
    with(|modes| {
        modes.local = 0;
        modes.input = 0;
        modes.output = 0;
    })
}

fn read(terminal: &mut Terminal) -> Option<Vec<u8>> {
    let mut buffer = [0; 100];
    terminal.read(&mut buffer).map(|count| buffer[..count].to_vec())
}

fn shown(terminal: &mut Terminal) -> Vec<u8> {
    let mut buffer = std::vec![0; terminal.shown()];
    let count = terminal.take_output(&mut buffer);
    assert_eq!(count, buffer.len());
    buffer
}

fn type_in(terminal: &mut Terminal, bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    assert_eq!(terminal.type_in(bytes, |key| keys.push(key)), bytes.len());
    keys
}

#[test]
fn a_line_is_read_when_it_ends() {
    let mut terminal = terminal();
    type_in(&mut terminal, b"ab");
    assert_eq!(read(&mut terminal), None);
    type_in(&mut terminal, b"c\rnext");
    assert_eq!(terminal.readable(), 4);
    assert_eq!(read(&mut terminal).unwrap(), b"abc\n");
    assert_eq!(read(&mut terminal), None);
    assert_eq!(shown(&mut terminal), b"abc\r\nnext");
}

#[test]
fn characters_words_and_lines_are_erased() {
    let mut terminal = terminal();
    type_in(&mut terminal, b"one two\x7f\x17xyz\x15ok\x01\x7f\n");
    assert_eq!(read(&mut terminal).unwrap(), b"ok\n");
    let rub: &[u8] = b"\x08 \x08";
    let mut expected = b"one two".to_vec();
    // One character, the word, its three successors with what was left, and `^A`.
    for count in [1, 2] {
        expected.extend(rub.repeat(count));
    }
    expected.extend(b"xyz");
    expected.extend(rub.repeat(7));
    expected.extend(b"ok^A");
    expected.extend(rub.repeat(2));
    expected.extend(b"\r\n");
    assert_eq!(shown(&mut terminal), expected);
}

#[test]
fn a_tab_is_erased_back_to_where_it_began() {
    let mut terminal = terminal();
    assert_eq!(terminal.write(b"$ "), 2);
    type_in(&mut terminal, b"abc\t\x7f");
    assert_eq!(shown(&mut terminal), b"$ abc\t\x08\x08\x08");
}

#[test]
fn an_end_of_file_ends_the_line_and_is_no_byte() {
    let mut terminal = terminal();
    type_in(&mut terminal, b"ab\x04\x04c\n");
    assert_eq!(read(&mut terminal).unwrap(), b"ab");
    assert_eq!(read(&mut terminal).unwrap(), b"");
    assert_eq!(read(&mut terminal).unwrap(), b"c\n");
    // One behind a full buffer goes with it.
    type_in(&mut terminal, b"ab\x04");
    let mut two = [0; 2];
    assert_eq!(terminal.read(&mut two), Some(2));
    assert_eq!(read(&mut terminal), None);
}

#[test]
fn keys_send_signals_and_forget_what_was_typed() {
    let mut terminal = terminal();
    assert_eq!(type_in(&mut terminal, b"abc\x03"), [Key::Interrupt]);
    assert_eq!(shown(&mut terminal), b"^C");
    assert_eq!(type_in(&mut terminal, b"\x1c\x1a"), [Key::Quit, Key::Suspend]);
    type_in(&mut terminal, b"x\n");
    assert_eq!(read(&mut terminal).unwrap(), b"x\n");
    // Quoted, it is a byte like others.
    assert_eq!(type_in(&mut terminal, b"\x16\x03\n"), []);
    assert_eq!(read(&mut terminal).unwrap(), b"\x03\n");
    assert_eq!(type_in(&mut raw(), b"\x03\x1c\x1a"), []);
}

#[test]
fn output_stops_and_goes_on() {
    let mut terminal = terminal();
    type_in(&mut terminal, b"\x13");
    assert!(!terminal.can_write());
    assert_eq!(terminal.write(b"x"), 0);
    type_in(&mut terminal, b"\x11");
    assert_eq!(terminal.write(b"x\n"), 2);
    assert_eq!(shown(&mut terminal), b"x\r\n");
}

#[test]
fn what_is_edited_can_be_read_when_lines_are_given_up() {
    let mut terminal = terminal();
    type_in(&mut terminal, b"ab");
    let mut modes = *terminal.modes();
    modes.local &= !Modes::ICANON;
    terminal.set_modes(modes);
    assert_eq!(read(&mut terminal).unwrap(), b"ab");
    type_in(&mut terminal, b"cd");
    modes.local |= Modes::ICANON;
    terminal.set_modes(modes);
    assert_eq!(read(&mut terminal).unwrap(), b"cd");
}

#[test]
fn a_line_that_is_too_long_is_cut_but_ends() {
    let mut terminal = terminal();
    type_in(&mut terminal, &[b'a'; 2 * INPUT_BYTES]);
    type_in(&mut terminal, b"\n");
    let mut buffer = std::vec![0; 2 * INPUT_BYTES];
    assert_eq!(terminal.read(&mut buffer), Some(INPUT_BYTES));
    assert_eq!(buffer[INPUT_BYTES - 1], b'\n');
    let mut raw = raw();
    assert_eq!(raw.type_in(&[b'a'; 2 * INPUT_BYTES], |_| ()), INPUT_BYTES - 1);
}

/// Lines as their typist means them: erasing, killing, ending.
fn lines(typed: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    for byte in typed {
        match byte {
            0x7f => {
                line.pop();
            }
            0x15 => line.clear(),
            b'\n' | b'\r' => {
                line.push(b'\n');
                lines.push(core::mem::take(&mut line));
            }
            4 => lines.push(core::mem::take(&mut line)),
            byte => line.push(*byte),
        }
    }
    (lines, line)
}

proptest! {
    // proves: P2
    #[test]
    fn lines_are_what_was_meant(
        typed in proptest::collection::vec(prop::sample::select(b"ab \t\x01\x7f\x15\n\r\x04".to_vec()), 0..200),
        pieces in 1..9_usize,
    ) {
        let mut terminal = terminal();
        let mut got = Vec::new();
        for piece in typed.chunks(pieces) {
            type_in(&mut terminal, piece);
            if piece.len() % 2 == 0 {
                while let Some(line) = read(&mut terminal) {
                    got.push(line);
                }
            }
        }
        let (expected, _) = lines(&typed);
        while let Some(line) = read(&mut terminal) {
            got.push(line);
        }
        prop_assert_eq!(got, expected);
    }

    // Whatever modes a program chooses and whatever is typed: nothing is lost between raw sides,
    // and no bound is passed.
    #[test]
    fn no_modes_break_it(
        words in any::<[u32; 4]>(),
        characters in any::<[u8; 19]>(),
        steps in proptest::collection::vec((0..4_u8, proptest::collection::vec(any::<u8>(), 0..300)), 0..60),
    ) {
        let mut terminal = terminal();
        for (step, bytes) in steps {
            match step {
                0 => {
                    terminal.type_in(&bytes, |_| ());
                }
                1 => {
                    terminal.write(&bytes);
                }
                2 => {
                    let mut buffer = std::vec![0; bytes.len()];
                    terminal.read(&mut buffer);
                    terminal.take_output(&mut buffer);
                }
                _ => {
                    let [input, output, control, local] = words;
                    let flip = u32::from(bytes.first().copied().unwrap_or(0));
                    terminal.set_modes(Modes {
                        input: input ^ flip,
                        output: output ^ flip,
                        control,
                        local: local ^ flip,
                        line: 0,
                        characters,
                    });
                }
            }
            prop_assert!(terminal.input.len() <= INPUT_BYTES);
            prop_assert!(terminal.edited <= terminal.input.len());
            prop_assert!(terminal.shown() <= OUTPUT_BYTES + super::ECHO_BYTES);
            let ends = terminal.input.iter().filter(|cell| !matches!(cell, super::Cell::Byte(_)));
            prop_assert_eq!(ends.count(), terminal.line_ends);
        }
    }

    #[test]
    fn raw_bytes_pass_as_they_are(bytes in proptest::collection::vec(any::<u8>(), 1..100)) {
        let mut terminal = raw();
        type_in(&mut terminal, &bytes);
        prop_assert_eq!(read(&mut terminal).unwrap(), bytes.clone());
        prop_assert_eq!(terminal.write(&bytes), bytes.len());
        prop_assert_eq!(shown(&mut terminal), bytes);
    }
}
