use super::*;
use crate::fake::{FakeDevice, FakeHal, FakeTransport};

fn device_and_queue() -> (FakeDevice, EntropyQueue<FakeHal, FakeTransport>) {
    let (device, transport) = FakeDevice::new();
    (device, EntropyQueue::new(transport).unwrap())
}

#[test]
fn bytes_come_when_the_device_has_delivered() {
    let (device, mut queue) = device_and_queue();
    let mut out = [0; 8];
    assert_eq!(queue.poll(&mut out), Ok(0));
    assert_eq!(queue.poll(&mut out), Ok(0));
    assert_eq!(device.notifications(), 1);
    let buffer = device.take(0).unwrap();
    device.fill(buffer, b"12345678");
    device.put(0, u32::from(buffer.token), 8);
    assert_eq!(queue.poll(&mut out), Ok(8));
    assert_eq!(&out, b"12345678");
    // The next request is a new one.
    assert_eq!(queue.poll(&mut out), Ok(0));
    assert!(device.take(0).is_some());
}

#[test]
fn the_device_s_length_is_not_believed() {
    let (device, mut queue) = device_and_queue();
    let mut out = [0; 8];
    assert_eq!(queue.poll(&mut out), Ok(0));
    let buffer = device.take(0).unwrap();
    device.put(0, u32::from(buffer.token), u32::MAX);
    assert_eq!(queue.poll(&mut out), Ok(8));
}

#[test]
fn a_foreign_token_is_an_error_for_good() {
    let (device, mut queue) = device_and_queue();
    let mut out = [0; 8];
    assert_eq!(queue.poll(&mut out), Ok(0));
    device.put(0, 77, 8);
    assert_eq!(queue.poll(&mut out), Err(Error::WrongToken));
    assert_eq!(queue.poll(&mut out), Err(Error::IoError));
}
