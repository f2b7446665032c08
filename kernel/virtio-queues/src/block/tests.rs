use std::vec::Vec;

use super::*;
use crate::fake::{Available, FakeDevice, FakeHal, FakeTransport};

type Queue = BlockQueue<FakeHal, FakeTransport>;

const SECTORS: u64 = 1000;

fn device_and_queue(features: u64) -> (FakeDevice, Queue) {
    let (device, transport) = FakeDevice::disk(SECTORS, features);
    (device, Queue::new(transport).unwrap())
}

/// Takes the request that the driver has made: type, sector, and all its buffers.
fn take(device: &FakeDevice) -> (u32, u64, Vec<Available>) {
    let chain = device.take_chain(0);
    let header = device.content(chain[0]);
    assert_eq!(header.len(), 16);
    let kind = u32::from_le_bytes(header[..4].try_into().unwrap());
    let sector = u64::from_le_bytes(header[8..].try_into().unwrap());
    assert!(!device.is_writable(chain[0]) && device.is_writable(*chain.last().unwrap()));
    (kind, sector, chain)
}

fn finish(device: &FakeDevice, chain: &[Available], status: u8) {
    device.fill(*chain.last().unwrap(), &[status]);
    device.put(0, u32::from(chain[0].token), 1);
}

#[test]
fn sectors_are_read_and_written() {
    let (device, mut queue) = device_and_queue(FLUSH);
    assert!(device.is_running() && queue.has_cache() && !queue.is_read_only());
    assert_eq!(queue.sectors(), SECTORS);
    let content: Vec<u8> = (0..=250).cycle().take(MOST_SECTORS * SECTOR_BYTES).collect();
    queue.begin(Request::Write { sector: 7, bytes: &content }).unwrap();
    assert!(queue.poll().is_none());
    assert_eq!(queue.begin(Request::Flush), Err(BlockError::Busy));
    let (kind, sector, chain) = take(&device);
    assert_eq!((kind, sector, chain.len()), (TYPE_OUT, 7, 3));
    assert!(!device.is_writable(chain[1]) && device.content(chain[1]) == content);
    finish(&device, &chain, 0);
    assert_eq!(queue.poll().unwrap().unwrap().data, b"");

    queue.begin(Request::Flush).unwrap();
    let (kind, _, chain) = take(&device);
    assert_eq!((kind, chain.len()), (TYPE_FLUSH, 2));
    finish(&device, &chain, 0);
    queue.poll().unwrap().unwrap();

    queue.begin(Request::Read { sector: 999, len_bytes: 512 }).unwrap();
    let (kind, sector, chain) = take(&device);
    assert_eq!((kind, sector, chain.len()), (TYPE_IN, 999, 3));
    assert!(device.is_writable(chain[1]));
    device.fill(chain[1], &[9; 512]);
    finish(&device, &chain, 0);
    assert_eq!(queue.poll().unwrap().unwrap().data, [9; 512]);
}

#[test]
fn a_disk_s_errors_are_told_and_it_goes_on() {
    let (device, mut queue) = device_and_queue(0);
    assert!(!queue.has_cache());
    for (status, error) in [
        (1, BlockError::Io),
        (2, BlockError::Unsupported),
        (3, BlockError::Io),
        (NO_STATUS, BlockError::Io),
    ] {
        queue.begin(Request::Flush).unwrap();
        let chain = device.take_chain(0);
        finish(&device, &chain, status);
        assert_eq!(queue.poll().unwrap().err(), Some(error));
    }
    queue.begin(Request::Flush).unwrap();
    let chain = device.take_chain(0);
    finish(&device, &chain, 0);
    assert!(queue.poll().unwrap().is_ok());
}

#[test]
fn impossible_requests_never_reach_the_device() {
    let (device, mut queue) = device_and_queue(0);
    let much = std::vec![0; (MOST_SECTORS + 1) * SECTOR_BYTES];
    for request in [
        Request::Read { sector: 0, len_bytes: 0 },
        Request::Read { sector: 0, len_bytes: 511 },
        Request::Read { sector: 1000, len_bytes: 512 },
        Request::Read { sector: 999, len_bytes: 1024 },
        Request::Read { sector: u64::MAX, len_bytes: 512 },
        Request::Write { sector: 0, bytes: &much },
        Request::Write { sector: 0, bytes: &[1; 10] },
    ] {
        assert_eq!(queue.begin(request), Err(BlockError::Invalid), "{request:?}");
    }
    assert_eq!(device.notifications(), 0);
    assert_eq!(queue.poll().unwrap().err(), Some(BlockError::Invalid));
    let (_, mut queue) = device_and_queue(READ_ONLY);
    assert!(queue.is_read_only());
    let write = Request::Write { sector: 0, bytes: &[0; 512] };
    assert_eq!(queue.begin(write), Err(BlockError::Invalid));
}

#[test]
fn a_foreign_token_ends_the_use_of_the_device() {
    for token in [1, 7, 0xffff, u32::MAX] {
        let (device, mut queue) = device_and_queue(0);
        queue.begin(Request::Read { sector: 0, len_bytes: 512 }).unwrap();
        device.put(0, token, 1);
        assert_eq!(queue.poll().unwrap().err(), Some(BlockError::Broken));
        assert_eq!(queue.poll().unwrap().err(), Some(BlockError::Broken));
        assert_eq!(queue.begin(Request::Flush), Err(BlockError::Broken));
    }
}

#[test]
fn a_device_that_is_given_up_is_reset() {
    let (device, mut queue) = device_and_queue(0);
    queue.begin(Request::Flush).unwrap();
    queue.give_up();
    assert!(!device.is_running());
    assert_eq!(queue.begin(Request::Flush), Err(BlockError::Broken));
}

/// Whatever the device writes: no panic.
#[test]
fn random_answers_never_panic() {
    for seed in 0..2000_u64 {
        let (device, mut queue) = device_and_queue(FLUSH);
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..20 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bits = u32::try_from(random >> 32).unwrap();
            match bits % 4 {
                0 => drop(queue.begin(Request::Read { sector: 0, len_bytes: 1024 })),
                1 => device.put(0, bits >> 3 & 3, bits >> 5),
                2 => {
                    let chain = device.take_chain(0);
                    chain
                        .iter()
                        .for_each(|buffer| device.fill(*buffer, &[bits.to_le_bytes()[0]; 2000]));
                }
                _ => drop(queue.poll().is_some()),
            }
        }
    }
}
