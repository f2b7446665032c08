use core::task::Waker;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use virtio_queues::fake::{FakeDevice, FakeHal, FakeTransport};

use super::*;

type Disk = VirtioBlock<FakeHal, FakeTransport>;

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn disk() -> (Disk, FakeDevice) {
    let (device, transport) = FakeDevice::disk(100, 1 << 9);
    (Disk::assemble(BlockQueue::new(transport).unwrap()), device)
}

fn answer(device: &FakeDevice, status: u8) {
    let chain = device.take_chain(0);
    device.fill(*chain.last().unwrap(), &[status]);
    device.put(0, u32::from(chain[0].token), 1);
}

#[test]
fn the_end_of_a_request_wakes_who_waits_for_it() {
    let (mut disk, device) = disk();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    disk.begin(Request::Read { sector: 3, len_bytes: 512 }).unwrap();
    assert!(disk.poll(&mut context).is_pending());
    answer(&device, 0);
    disk.signal().interrupt();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert!(matches!(disk.poll(&mut context), Poll::Ready(Ok(Done { data })) if data.len() == 512));
}

#[test]
fn what_is_asked_is_counted_when_it_is_done() {
    let (mut disk, device) = disk();
    let mut context = Context::from_waker(Waker::noop());
    let mut ask = |request: Request<'_>, status| {
        let begun = disk.begin(request);
        if begun.is_ok() {
            answer(&device, status);
            let _ = disk.poll(&mut context).map(|outcome| outcome.is_ok());
        }
        disk.signal()
    };
    ask(Request::Read { sector: 0, len_bytes: 1024 }, 0);
    ask(Request::Write { sector: 0, bytes: &[1; 512] }, 0);
    ask(Request::Write { sector: 0, bytes: &[1; 512] }, 1);
    ask(Request::Write { sector: 100, bytes: &[1; 512] }, 0);
    let signal = ask(Request::Flush, 0);
    let counters = signal.counters();
    let of = |counter: &Counter| counter.get();
    assert_eq!((of(&counters.reads), of(&counters.read_bytes)), (1, 1024));
    assert_eq!((of(&counters.writes), of(&counters.written_bytes)), (1, 512));
    assert_eq!((of(&counters.flushes), of(&counters.errors)), (1, 2));
}

#[test]
fn a_disk_that_is_given_up_refuses() {
    let (mut disk, device) = disk();
    disk.begin(Request::Flush).unwrap();
    disk.give_up();
    assert!(!device.is_running());
    assert_eq!(disk.begin(Request::Flush), Err(BlockError::Broken));
}
