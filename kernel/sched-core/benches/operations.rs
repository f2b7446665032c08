//! What the operations cost, with 2, 100, 10,000 and 65,536 tasks or timers: nanoseconds each.
//!
//! `cargo bench -p sched-core`

use std::{hint::black_box, time};

use sched_core::{
    Arrival, Class, CpuId, CpuSet, CpuView, Entity, Instant, Nice, Params, Priority, PutBack,
    RunQueue, State, Stolen, TimerQueue, Topology, Wanted, choose_cpu,
};

const SIZES: [u32; 4] = [2, 100, 10_000, 65_536];
const ROUNDS: usize = 500;
const BATCHES: usize = 601;
const SLICE: u64 = 4_000_000;

/// Runs `work` with the numbers of the rounds; gives the time of one: the median of many short
/// batches, most of which the rest of the machine does not disturb.
fn measure(mut work: impl FnMut(usize)) -> f64 {
    let mut batches = [0.0; BATCHES];
    for (number, batch) in batches.iter_mut().enumerate() {
        let start = time::Instant::now();
        for round in 0..ROUNDS {
            work(black_box(number * ROUNDS + round));
        }
        *batch = start.elapsed().as_secs_f64() * 1e9 / ROUNDS as f64;
    }
    batches.sort_unstable_by(f64::total_cmp);
    batches[BATCHES / 2]
}

fn report(what: &str, run: impl Fn(u32) -> f64) {
    print!("{what:<44}");
    for size in SIZES {
        print!("{:>10.0}", run(size));
    }
    println!();
}

/// A queue with `size` tasks of all nice levels, and the time.
fn queue_of(size: u32, class: Class) -> RunQueue<u32> {
    let mut queue = RunQueue::new(CpuId::ZERO);
    assert!(queue.reserve(size as usize + 1).is_ok());
    for id in 0..size {
        let nice = Nice::clamped((id % 40).cast_signed() - 20);
        let params = Params { nice, ..Params::new(Priority::Normal, class) };
        let state = State::new(params, CpuSet::ALL);
        let entity = state.map(|state| Entity::new(id, state));
        assert!(
            entity.is_ok_and(|new| queue.enqueue(new, Arrival::New, Instant::ZERO).is_ok()),
            "there is memory and room"
        );
    }
    queue
}

/// The running task's slice ends, the next one starts.
fn switch(size: u32) -> f64 {
    let mut queue = queue_of(size, Class::User);
    let mut now = 0;
    measure(|_| {
        now += SLICE;
        let at = Instant::from_nanos(now);
        black_box(queue.charge(at));
        black_box(queue.pick_next(at));
        black_box(queue.next_event(at));
    })
}

fn yield_to_next(size: u32) -> f64 {
    let mut queue = queue_of(size, Class::User);
    let mut now = 0;
    measure(|_| {
        now += 10_000;
        let at = Instant::from_nanos(now);
        queue.put_back(PutBack::Yielded, at);
        black_box(queue.pick_next(at));
    })
}

/// The running task blocks, another one starts, the first wakes up.
fn block_and_wake(size: u32) -> f64 {
    let mut queue = queue_of(size, Class::User);
    let mut now = 0;
    queue.pick_next(Instant::ZERO);
    measure(|_| {
        now += 100_000;
        let at = Instant::from_nanos(now);
        let entity = queue.take_current(at);
        black_box(queue.pick_next(at));
        if let Some(entity) = entity {
            assert!(queue.enqueue(entity, Arrival::Woken, at).is_ok());
        }
    })
}

fn change_nice(size: u32) -> f64 {
    let mut queue = queue_of(size, Class::User);
    let mut keys = Vec::new();
    for _ in 0..64 {
        queue.pick_next(Instant::ZERO);
        keys.extend(queue.current_key());
    }
    measure(|round| {
        let key = keys[round % keys.len()];
        let nice = Nice::clamped(i32::from(round.to_le_bytes()[0] % 40) - 20);
        let params = Params { nice, ..Params::default() };
        let _ = black_box(queue.set_params(key, params, Instant::ZERO));
    })
}

fn steal_and_return(size: u32) -> f64 {
    let mut queue = queue_of(size, Class::User);
    let thief = CpuId::from(200);
    measure(|_| {
        let Stolen::Taken(entity) = queue.steal(thief, u64::MAX, Instant::ZERO) else {
            panic!("nothing is hot");
        };
        assert!(queue.enqueue(entity, Arrival::Migrated, Instant::ZERO).is_ok());
    })
}

fn timers_of(size: u32) -> TimerQueue<u32> {
    let mut timers = TimerQueue::new();
    assert!(timers.reserve(size as usize + 1).is_ok());
    for id in 0..size {
        let deadline = Instant::from_nanos(u64::from(id.wrapping_mul(0x9E37_79B9)));
        assert!(timers.insert(deadline, id).is_ok());
    }
    timers
}

fn timer_expires_and_is_set_again(size: u32) -> f64 {
    let mut timers = timers_of(size);
    measure(|round| {
        if let Some((deadline, what)) = timers.pop_expired(Instant::MAX) {
            let later = deadline.as_nanos() + (1 << 32) + (round % 1_000) as u64;
            assert!(timers.insert(Instant::from_nanos(later), what).is_ok());
        }
    })
}

/// What most timers are for: a time limit that is not reached.
fn timer_is_set_and_cancelled(size: u32) -> f64 {
    let mut timers = timers_of(size);
    measure(|round| {
        let scattered = (round as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let deadline = Instant::from_nanos(scattered);
        match timers.insert(deadline, 0) {
            Ok(id) => assert!(timers.cancel(id).is_some()),
            Err(_) => panic!("there is room"),
        }
    })
}

fn choose(cpus: usize, idle: CpuSet) -> f64 {
    let topology = Topology::single_node(CpuSet::first_n(cpus));
    let wanted = Wanted {
        band: Params::default().band(),
        arrival: Arrival::Woken,
        affinity: CpuSet::ALL,
        last: CpuId::ZERO,
        handing_over: None,
    };
    let busy = CpuView { load: 8_192, movable: 1, running: Some(Params::default().band()) };
    let published = vec![busy.to_bits(); cpus];
    let view = |cpu: CpuId| CpuView::from_bits(published[cpu.index()]);
    measure(|_| {
        black_box(choose_cpu(black_box(&wanted), &topology, idle, view));
    })
}

fn main() {
    print!("{:<44}", "ns an operation, with");
    for size in SIZES {
        print!("{size:>10}");
    }
    println!();
    report("slice ends, next task starts", switch);
    report("yield", yield_to_next);
    report("block, next task starts, wake up", block_and_wake);
    report("change the nice level of a waiting task", change_nice);
    report("steal and enqueue again", steal_and_return);
    report("timer expires and is set again", timer_expires_and_is_set_again);
    report("timer is set and cancelled", timer_is_set_and_cancelled);
    println!();
    println!("{:<44}{:>10}{:>10}{:>10}", "ns, with processors", 4, 64, 256);
    for (what, idle) in [
        ("choose a processor, one idles", CpuSet::single(CpuId::from(3))),
        ("choose a processor, all are busy", CpuSet::EMPTY),
    ] {
        let [few, many, most] = [4, 64, 256].map(|cpus| choose(cpus, idle));
        println!("{what:<44}{few:>10.0}{many:>10.0}{most:>10.0}");
    }
}
