//! pipe(7), and a comparison with a queue of bytes.

use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::{PIPE_ATOMIC_BYTES, PIPE_BYTES, PIPE_MOST_BYTES, Pipe, PipeOutcome};
use crate::error::FileError;
use crate::tmpfs::HeapPage;

fn pipe() -> Pipe<HeapPage> {
    let mut pipe = Pipe::new();
    pipe.add_reader();
    pipe.add_writer();
    pipe
}

fn copied(bytes: usize, wakes_others: bool) -> PipeOutcome {
    PipeOutcome::Copied { bytes, wakes_others }
}

#[test]
fn a_full_pipe_holds_its_writers_until_there_is_room_for_a_whole_write() {
    let mut pipe = pipe();
    let data = vec![1; PIPE_BYTES + 1];
    assert_eq!(pipe.write(&data), Ok(copied(PIPE_BYTES, true)));
    assert_eq!(pipe.write(b"x"), Ok(PipeOutcome::WouldBlock));
    let mut buffer = vec![0; PIPE_ATOMIC_BYTES];
    assert_eq!(pipe.read(&mut buffer[1..]), copied(PIPE_ATOMIC_BYTES - 1, false));
    assert!(!pipe.is_writable());
    assert_eq!(pipe.write(&data[..PIPE_ATOMIC_BYTES]), Ok(PipeOutcome::WouldBlock));
    assert_eq!(pipe.read(&mut buffer[..1]), copied(1, true));
    assert!(pipe.is_writable());
    assert_eq!(pipe.write(&data[..PIPE_ATOMIC_BYTES]), Ok(copied(PIPE_ATOMIC_BYTES, true)));
}

#[test]
fn the_last_end_tells_the_other_side() {
    let mut pipe = pipe();
    pipe.add_writer();
    pipe.write(b"rest").unwrap();
    assert!(!pipe.remove_writer() && pipe.remove_writer());
    let mut buffer = [0; 9];
    assert_eq!(pipe.read(&mut buffer), copied(4, false), "what is in it can be read");
    assert!(pipe.is_readable());
    assert_eq!(pipe.read(&mut buffer), PipeOutcome::Closed);
    assert_eq!(pipe.read(&mut []), copied(0, false));
    assert!(pipe.remove_reader() && pipe.is_writable());
    assert_eq!(pipe.write(b"x"), Ok(PipeOutcome::Closed));
    assert_eq!(pipe.write(b""), Ok(copied(0, false)), "nothing can always be written");
}

#[test]
fn the_capacity_is_a_power_of_two_of_pages_and_holds_what_is_there() {
    let mut pipe = pipe();
    assert_eq!(pipe.set_capacity(1), Ok((4096, false)));
    assert_eq!(pipe.write(&[1; 5000]), Ok(copied(4096, true)));
    assert_eq!(pipe.set_capacity(5000), Ok((8192, true)));
    assert_eq!(pipe.write(&[1; 5000]), Ok(copied(4096, true)));
    assert_eq!(pipe.set_capacity(4096), Err(FileError::Busy));
    assert_eq!(pipe.set_capacity(PIPE_MOST_BYTES), Ok((PIPE_MOST_BYTES, true)));
    assert_eq!(pipe.set_capacity(PIPE_MOST_BYTES + 1), Err(FileError::NotPermitted));
    assert_eq!(pipe.len(), 8192);
}

proptest! {
    #[test]
    fn a_pipe_is_a_queue_of_bytes(
        steps in proptest::collection::vec((any::<bool>(), 0..20_000_usize), 0..60),
    ) {
        let mut pipe = pipe();
        let mut model: VecDeque<u8> = VecDeque::new();
        let mut next = 0_u8;
        for (writes, len) in steps {
            if writes {
                let data: Vec<u8> = (0..len).map(|_| { next = next.wrapping_add(1); next }).collect();
                let room = PIPE_BYTES - model.len();
                let expected = match len {
                    0 => 0,
                    _ if len <= PIPE_ATOMIC_BYTES && len > room => 0,
                    _ => len.min(room),
                };
                match pipe.write(&data).unwrap() {
                    PipeOutcome::Copied { bytes, .. } => prop_assert_eq!(bytes, expected),
                    outcome => {
                        prop_assert_eq!(outcome, PipeOutcome::WouldBlock);
                        prop_assert!(expected == 0 && len > 0);
                    }
                }
                model.extend(&data[..expected]);
            } else {
                let mut buffer = vec![0; len];
                let expected: Vec<u8> = model.drain(..len.min(model.len())).collect();
                match pipe.read(&mut buffer) {
                    PipeOutcome::Copied { bytes, .. } => prop_assert_eq!(&buffer[..bytes], &expected),
                    outcome => {
                        prop_assert_eq!(outcome, PipeOutcome::WouldBlock);
                        prop_assert!(expected.is_empty() && len > 0);
                    }
                }
            }
            prop_assert_eq!(pipe.len(), model.len());
            prop_assert_eq!(pipe.is_readable(), !model.is_empty());
            let has_room = PIPE_BYTES - model.len() >= PIPE_ATOMIC_BYTES;
            prop_assert_eq!(pipe.is_writable(), has_room);
        }
    }
}

// proves: P7
#[test]
fn what_is_passed_on_is_taken_once_and_by_nobody_else() {
    let mut pipe = pipe();
    let data: Vec<u8> = (0..10_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    assert_eq!(pipe.write(&data), Ok(copied(10_000, true)));
    let mut buffer = vec![0; 6000];
    assert_eq!(pipe.read(&mut buffer[..100]), copied(100, false));
    assert_eq!(pipe.begin_passing_on(&mut buffer), copied(6000, false));
    assert_eq!(buffer, data[100..6100]);
    let mut other = [0; 10];
    assert_eq!(pipe.read(&mut other), PipeOutcome::WouldBlock);
    assert_eq!(pipe.begin_passing_on(&mut other), PipeOutcome::WouldBlock);
    assert!(!pipe.end_passing_on(5000));
    assert_eq!(pipe.len(), 4900);
    assert_eq!(pipe.begin_passing_on(&mut buffer), copied(4900, false));
    assert_eq!(buffer[..4900], data[5100..]);
    pipe.end_passing_on(0);
    assert_eq!(pipe.read(&mut buffer), copied(4900, false));
    assert_eq!(buffer[..4900], data[5100..]);
    assert_eq!(pipe.begin_passing_on(&mut buffer), PipeOutcome::WouldBlock);
    pipe.remove_writer();
    assert_eq!(pipe.begin_passing_on(&mut buffer), PipeOutcome::Closed);
}
