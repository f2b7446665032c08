use std::collections::VecDeque;
use std::string::{String, ToString};
use std::thread;

use super::*;

/// Host threads have no interrupts.
struct NoInterrupts;

impl Interrupts for NoInterrupts {
    type State = ();
    fn disable() {}
    fn restore(_state: ()) {}
}

type Ring<const RECORDS: usize, const BYTES: usize> = LogRing<NoInterrupts, RECORDS, BYTES>;

const LEVEL: Level = Level::new(200);

#[test]
fn records_come_back_as_written() {
    static RING: Ring<8, 1024> = Ring::new(LEVEL);
    let mut buffer = [0; MAX_TEXT_BYTES];
    assert_eq!(RING.read(0, &mut buffer), None);
    RING.write(6, 1000, 2, format_args!("{} CPUs", 4));
    RING.write(3, 2000, 0, format_args!(""));
    let first = RING.read(0, &mut buffer).unwrap();
    let expected =
        Record { sequence: 0, time_ns: 1000, severity: 6, cpu: 2, text: "4 CPUs", lost: 0 };
    assert_eq!(first, expected);
    let second = RING.read(1, &mut buffer).unwrap();
    assert_eq!((second.text, second.severity, second.time_ns), ("", 3, 2000));
    assert_eq!(RING.read(2, &mut buffer), None);
    assert_eq!(RING.range(), 0..2);
}

#[test]
fn a_slow_reader_learns_what_it_lost() {
    let ring = Ring::<4, 1024>::new(LEVEL);
    for number in 0..10 {
        ring.write(6, number, 0, format_args!("line {number}"));
    }
    let mut buffer = [0; MAX_TEXT_BYTES];
    let record = ring.read(1, &mut buffer).unwrap();
    assert_eq!((record.sequence, record.lost, record.text), (6, 5, "line 6"));
    assert_eq!(ring.read(7, &mut buffer).unwrap().lost, 0);
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let ring = Ring::<4, 1024>::new(LEVEL);
    let mut long = "x".repeat(MAX_TEXT_BYTES - 1);
    long.push('é');
    ring.write(6, 0, 0, format_args!("{long}"));
    let mut buffer = [0; MAX_TEXT_BYTES];
    assert_eq!(ring.read(0, &mut buffer).unwrap().text, &long[..MAX_TEXT_BYTES - 1]);
}

/// Against the obvious model: a list that drops its oldest while the rest does not fit.
#[test]
fn agrees_with_a_list_for_any_lengths() {
    let ring = Ring::<16, 700>::new(LEVEL);
    let mut model: VecDeque<(u64, String)> = VecDeque::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut buffer = [0; MAX_TEXT_BYTES];
    for sequence in 0..3000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let len = usize::try_from(random >> 33).unwrap() % if sequence % 7 == 0 { 500 } else { 40 };
        let text: String = sequence.to_string().chars().cycle().take(len).collect();
        ring.write(6, sequence, 0, format_args!("{text}"));
        model.push_back((sequence, text));
        while model.len() > 16 || model.iter().map(|(_, text)| text.len()).sum::<usize>() > 700 {
            model.pop_front();
        }
        assert_eq!(ring.range(), model[0].0..sequence + 1);
        for (wanted, text) in &model {
            assert_eq!(ring.read(*wanted, &mut buffer).unwrap().text, text);
        }
    }
}

#[test]
fn readers_beside_writers_see_whole_records_in_order() {
    let ring = Ring::<32, 2048>::new(LEVEL);
    thread::scope(|scope| {
        for writer in 0..2_u8 {
            let ring = &ring;
            scope.spawn(move || {
                for number in 0..5000_u64 {
                    ring.write(
                        writer,
                        number,
                        0,
                        format_args!("{}", "ab".repeat(usize::from(writer) + 9)),
                    );
                }
            });
        }
        let (mut next, mut received, mut lost) = (0, 0, 0);
        let mut buffer = [0; MAX_TEXT_BYTES];
        while next < 10_000 {
            let Some(record) = ring.read(next, &mut buffer) else {
                thread::yield_now();
                continue;
            };
            assert_eq!(record.text, "ab".repeat(usize::from(record.severity) + 9));
            next = record.sequence + 1;
            received += 1;
            lost += record.lost;
        }
        assert_eq!(received + lost, 10_000);
    });
}

#[test]
fn a_panic_that_interrupted_the_writer_does_not_hang() {
    let ring = Ring::<4, 1024>::new(LEVEL);
    core::mem::forget(ring.state.lock());
    assert_eq!(ring.try_write(0, 0, 0, format_args!("panic")), None);
}
