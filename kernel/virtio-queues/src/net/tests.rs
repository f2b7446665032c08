use std::vec::Vec;

use super::*;
use crate::fake::{FakeDevice, FakeHal, FakeTransport};

type Queues = NetQueues<FakeHal, FakeTransport, 4>;

fn device_and_queues() -> (FakeDevice, Queues) {
    let (device, transport) = FakeDevice::new();
    let queues = Queues::new(transport).unwrap();
    assert!(device.is_running());
    (device, queues)
}

fn receive(queues: &mut Queues) -> Option<Vec<u8>> {
    let completed = queues.receive()?.unwrap();
    let frame = completed.frame().to_vec();
    queues.recycle(completed.into_buffer());
    Some(frame)
}

#[test]
fn frames_arrive_in_order_and_buffers_go_round() {
    let (device, mut queues) = device_and_queues();
    assert_eq!(queues.mac_address(), [0x52, 0x54, 0, 1, 2, 3]);
    for round in 0..100_u8 {
        let frames = [std::vec![round; 60], std::vec![round; 1514], std::vec![round; 1]];
        assert!(frames.iter().all(|frame| device.deliver(frame)));
        for frame in frames {
            assert_eq!(receive(&mut queues), Some(frame));
        }
        assert_eq!(receive(&mut queues), None);
    }
    assert_eq!(queues.error(), None);
}

#[test]
fn a_device_without_buffers_waits_for_recycled_ones() {
    let (device, mut queues) = device_and_queues();
    while device.deliver(b"frame") {}
    let held: Vec<_> = std::iter::from_fn(|| queues.receive()).map(Result::unwrap).collect();
    assert_eq!(held.len(), 4);
    assert!(!device.deliver(b"no room"));
    for completed in held {
        queues.recycle(completed.into_buffer());
    }
    assert!(device.deliver(b"room"));
}

#[test]
fn frames_are_sent_with_a_header_and_their_buffers_reused() {
    let (device, mut queues) = device_and_queues();
    for round in 0..50_u8 {
        for size in [60, 1514, 2036] {
            assert!(queues.send(size, |frame| frame.fill(round)).is_ok());
        }
        let sent = device.sent();
        assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [60, 1514, 2036]);
        assert!(sent.iter().flatten().all(|byte| *byte == round));
    }
}

#[test]
fn sending_never_waits() {
    let (device, mut queues) = device_and_queues();
    for _ in 0..4 {
        assert!(queues.send(60, |_| ()).is_ok());
    }
    assert!(!queues.can_send());
    assert!(queues.send(60, |_| panic!("no buffer is left")).is_err());
    assert_eq!(device.sent().len(), 4);
    assert!(queues.can_send());
    let too_long = queues.max_frame_bytes() + 1;
    assert!(queues.send(too_long, |_| panic!("too long")).is_err());
}

#[test]
fn interrupts_are_wanted_only_when_enabled() {
    let (device, mut queues) = device_and_queues();
    queues.disable_interrupts();
    assert!(!device.may_interrupt(0));
    assert!(!queues.enable_interrupts());
    assert!(device.may_interrupt(0));
    device.deliver(b"meanwhile");
    assert!(queues.enable_interrupts());
}

#[test]
fn impossible_lengths_lose_the_frame_and_nothing_else() {
    let (device, mut queues) = device_and_queues();
    for len in [0, 11, 2049, u32::MAX] {
        let buffer = device.take(0).unwrap();
        device.put(0, u32::from(buffer.token), len);
        let Some(Err(Malformed(buffer))) = queues.receive() else { panic!("{len} was accepted") };
        queues.recycle(buffer);
    }
    device.deliver(b"after that");
    assert_eq!(receive(&mut queues).as_deref(), Some(&b"after that"[..]));
}

#[test]
fn a_foreign_token_ends_the_use_of_the_device() {
    for token in [1, 4, 0xffff, 0x1_0004, u32::MAX] {
        let (device, mut queues) = device_and_queues();
        // The device has buffer 1 once, and returns it twice.
        let _first = device.take(0).unwrap();
        device.put(0, 1, 60);
        assert!(queues.receive().is_some());
        device.put(0, token, 60);
        assert!(queues.receive().is_none());
        let truncated = u16::try_from(token & 0xffff).unwrap();
        assert_eq!(queues.error(), Some(DeviceError::UnknownBuffer(truncated)));
        assert!(!queues.has_received() && !queues.can_send());
        assert!(queues.send(60, |_| ()).is_err());
    }
}

#[test]
fn a_foreign_token_in_the_transmit_queue_does_so_too() {
    let (device, mut queues) = device_and_queues();
    assert!(queues.send(60, |_| ()).is_ok());
    device.put(1, 3, 0);
    queues.reap();
    assert_eq!(queues.error(), Some(DeviceError::UnknownBuffer(3)));
}

/// Whatever stands in the rings: no panic, and no end to the work of one call.
#[test]
fn random_rings_never_panic() {
    for seed in 0..2000_u64 {
        let (device, mut queues) = device_and_queues();
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..20 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bits = u32::try_from(random >> 32).unwrap();
            match bits % 5 {
                0 => drop(device.deliver(&[1; 100])),
                1 => device.put(0, bits >> 3 & 7, bits >> 6 & 0xfff),
                2 => device.put(1, bits >> 3 & 7, 0),
                3 => drop(queues.send(100, |_| ()).is_ok()),
                _ => match queues.receive() {
                    Some(Ok(completed)) => queues.recycle(completed.into_buffer()),
                    Some(Err(Malformed(buffer))) => queues.recycle(buffer),
                    None => {}
                },
            }
        }
    }
}

#[test]
fn dropping_resets_the_device() {
    let (device, queues) = device_and_queues();
    drop(queues);
    assert!(!device.is_running());
}
