use core::task::Waker;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use virtio_queues::fake::{FakeDevice, FakeHal, FakeTransport};

use super::*;
use crate::pci::{Address, enumerate};
use crate::registers::fake::{FakeFunction, FakeMachine, FakeRegisters};

type Card = VirtioNetwork<FakeHal, FakeTransport, FakeRegisters>;

/// The test's ends of a card: its queues, its MSI-X table, its own registers.
struct Ends {
    device: FakeDevice,
    table: FakeRegisters,
    registers: FakeRegisters,
}

impl Ends {
    fn is_masked(&self, entry: usize) -> bool {
        self.table.read_u32(16 * entry + 12) & 1 != 0
    }
}

fn card() -> (Card, Ends) {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[4] = 0xfe00_0000;
    function.capability(0x98, 0, 0x0002_0011, &[0, 0x800]);
    let table = FakeRegisters::new(0x1000);
    let mut machine = FakeMachine::default();
    machine.functions.borrow_mut().insert(Address { bus: 0, device: 0, function: 0 }, function);
    machine.memory.insert(0xfe00_0000, table.clone());
    let msix = Msix::enable(&machine, &enumerate(&machine)[0]).unwrap();
    let (device, transport) = FakeDevice::new();
    let registers = FakeRegisters::new(8);
    let queues = NetQueues::new(transport).unwrap();
    let card = Card::assemble(queues, registers.clone(), msix, None);
    (card, Ends { device, table, registers })
}

/// Answers each frame with the same frame, reversed.
fn echo(card: &mut Card) -> usize {
    let mut frames = 0;
    while let Some((received, answer)) = card.receive(Instant::ZERO) {
        let mut frame = received.consume(<[u8]>::to_vec);
        frame.reverse();
        answer.consume(frame.len(), |place| place.copy_from_slice(&frame));
        frames += 1;
    }
    frames
}

#[test]
fn frames_go_through_and_are_counted() {
    let (mut card, ends) = card();
    for round in 0..20_u8 {
        for _ in 0..QUEUE_SIZE {
            assert!(ends.device.deliver(&[round, 1, 2]));
        }
        assert_eq!(echo(&mut card), QUEUE_SIZE);
        let sent = ends.device.sent();
        assert_eq!(sent.len(), QUEUE_SIZE);
        assert!(sent.iter().all(|frame| frame == &[2, 1, round]));
    }
    let signal = card.signal();
    let counters = signal.counters();
    assert_eq!(counters.received_frames.get(), 20 * QUEUE_SIZE as u64);
    assert_eq!(counters.sent_bytes.get(), 60 * QUEUE_SIZE as u64);
    assert_eq!(counters.received_dropped.get() + counters.sent_dropped.get(), 0);
}

#[test]
fn the_link_is_read_from_the_card() {
    let (card, ends) = card();
    assert!(!card.is_link_up());
    ends.registers.write_u16(6, 1);
    assert!(card.is_link_up());
    assert_eq!(card.mac_address(), [0x52, 0x54, 0, 1, 2, 3]);
}

#[test]
fn interrupts_are_on_only_at_rest() {
    let (mut card, ends) = card();
    assert!(!ends.device.may_interrupt(0));
    assert!(!ends.is_masked(0));
    assert_eq!(card.rest(), Idle::Resting);
    assert!(ends.device.may_interrupt(0));
    // No interrupt is wanted for each frame that has been sent.
    assert!(ends.is_masked(1));
    ends.device.deliver(&[1]);
    assert_eq!(echo(&mut card), 1);
    assert!(!ends.device.may_interrupt(0));
}

/// Both queues' interrupts move to another CPU with their masks as they are; one that cannot be addressed
/// leaves them where they were.
#[test]
fn interrupts_are_steered() {
    let (mut card, ends) = card();
    card.target = Some(MsiTarget { apic_id: 0, vector: 0x41 });
    let targets = || [0, 16].map(|entry| (ends.table.read_u32(entry) >> 12) & 0xff);
    card.steer(3);
    assert_eq!(targets(), [3, 3]);
    assert_eq!([8, 24].map(|entry| ends.table.read_u32(entry)), [0x41; 2]);
    assert!(!ends.is_masked(0) && ends.is_masked(1));
    card.steer(256);
    assert_eq!(targets(), [3, 3]);
    assert!(!ends.is_masked(0) && ends.is_masked(1));
    card.unmask_send();
    card.steer(1);
    assert_eq!(targets(), [1, 1]);
    assert!(!ends.is_masked(0) && !ends.is_masked(1));
}

#[test]
fn what_came_before_the_rest_is_work() {
    let (mut card, ends) = card();
    ends.device.deliver(&[1]);
    assert_eq!(card.rest(), Idle::HasWork);
    assert!(!ends.device.may_interrupt(0));
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_interrupt_wakes_the_resting_task_once() {
    let (mut card, ends) = card();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    assert_eq!(card.poll_idle(&mut context), Poll::Pending);
    let signal = card.signal();
    ends.device.deliver(&[1]);
    signal.interrupt();
    signal.interrupt();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(signal.counters().interrupts.get(), 2);
    assert_eq!(card.poll_idle(&mut context), Poll::Ready(()));
}

#[test]
fn a_sender_without_a_buffer_is_woken_by_the_transmit_queue() {
    let (mut card, ends) = card();
    while let Some(token) = card.transmit(Instant::ZERO) {
        token.consume(60, |frame| frame.fill(1));
    }
    // Received frames wait, because they may want an answer.
    ends.device.deliver(&[1]);
    assert!(card.receive(Instant::ZERO).is_none());
    assert_eq!(ends.device.sent().len(), QUEUE_SIZE);
    assert_eq!(card.rest(), Idle::HasWork);
    assert!(ends.is_masked(1));
    assert_eq!(echo(&mut card), 1);

    while let Some(token) = card.transmit(Instant::ZERO) {
        token.consume(60, |frame| frame.fill(1));
    }
    assert_eq!(card.rest(), Idle::Resting);
    assert!(!ends.is_masked(1));
    assert_eq!(ends.device.sent().len(), QUEUE_SIZE);
    assert!(card.transmit(Instant::ZERO).is_some());
    assert!(ends.is_masked(1));
}

#[test]
fn frames_that_do_not_fit_are_dropped_and_counted() {
    let (mut card, ends) = card();
    let token = card.transmit(Instant::ZERO).unwrap();
    assert_eq!(token.consume(9000, |frame| frame.len()), 9000);
    assert!(ends.device.sent().is_empty());
    assert_eq!(card.signal().counters().sent_dropped.get(), 1);

    let buffer = ends.device.take(0).unwrap();
    ends.device.put(0, u32::from(buffer.token), 5000);
    ends.device.deliver(&[1]);
    assert_eq!(echo(&mut card), 1);
    assert_eq!(card.signal().counters().received_dropped.get(), 1);
    // The card has all its buffers back.
    card.rest();
    assert_eq!((0..).take_while(|_| ends.device.deliver(&[1])).count(), QUEUE_SIZE);
}

#[test]
fn unread_frames_do_not_cost_the_card_a_buffer() {
    let (mut card, ends) = card();
    for _ in 0..3 * QUEUE_SIZE {
        assert!(ends.device.deliver(&[1]));
        drop(card.receive(Instant::ZERO));
        card.rest();
    }
}

#[test]
fn a_lying_card_is_out_of_use() {
    let (mut card, ends) = card();
    ends.device.put(0, 9999, 60);
    assert!(card.receive(Instant::ZERO).is_none());
    assert_eq!(card.error(), Some(DeviceError::UnknownBuffer(9999)));
    assert!(card.transmit(Instant::ZERO).is_none());
    assert_eq!(card.rest(), Idle::Resting);
}
