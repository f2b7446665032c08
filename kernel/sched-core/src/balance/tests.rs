//! Placement on small machines whose loads are given.

use super::*;

const IDLE: CpuView = CpuView { load: 0, movable: 0, running: None };

fn busy(load: u64) -> CpuView {
    CpuView { load, movable: 1, running: Some(Band::Sharing) }
}

fn cpu(number: u8) -> CpuId {
    CpuId::from(number)
}

/// Eight processors on two nodes: 0 to 3 and 4 to 7.
fn two_nodes() -> Topology {
    let mut topology = Topology::single_node(CpuSet::EMPTY);
    for number in 0..8 {
        topology.set_node(cpu(number), NodeId::new(usize::from(number / 4)).unwrap());
    }
    topology
}

fn woken(last: u8) -> Wanted {
    Wanted {
        band: Band::Sharing,
        arrival: Arrival::Woken,
        affinity: CpuSet::ALL,
        last: cpu(last),
        handing_over: None,
    }
}

fn choose(wanted: &Wanted, views: [CpuView; 8]) -> Option<CpuId> {
    let online = CpuSet::first_n(8);
    let idle = online.iter().filter(|cpu| views[cpu.index()].running.is_none()).collect();
    choose_cpu(wanted, &two_nodes(), idle, |cpu| views[cpu.index()])
}

/// proves: K2, K3
#[test]
fn a_woken_task_prefers_its_last_processor_then_its_node_then_any_that_idles() {
    assert_eq!(choose(&woken(5), [IDLE; 8]), Some(cpu(5)));
    let mut views = [busy(4_096); 8];
    views[1] = IDLE;
    views[6] = IDLE;
    assert_eq!(choose(&woken(5), views), Some(cpu(6)));
    assert_eq!(choose(&woken(3), views), Some(cpu(1)));
    views[6] = busy(4_096);
    assert_eq!(choose(&woken(5), views), Some(cpu(1)), "better far than waiting");
    let here = Wanted { affinity: CpuSet::single(cpu(5)), ..woken(0) };
    assert_eq!(choose(&here, views), Some(cpu(5)));
    let nowhere = Wanted { affinity: CpuSet::single(cpu(99)), ..woken(0) };
    assert_eq!(choose(&nowhere, views), None);
}

/// proves: K2
#[test]
fn without_an_idle_processor_the_least_loaded_is_chosen() {
    let mut views = [busy(8_192); 8];
    views[6] = busy(7_000);
    assert_eq!(choose(&woken(5), views), Some(cpu(5)), "warm caches are worth a little load");
    let new = Wanted { arrival: Arrival::New, ..woken(5) };
    assert_eq!(choose(&new, views), Some(cpu(6)), "a new task has none");
    views[6] = busy(4_096);
    assert_eq!(choose(&woken(5), views), Some(cpu(6)));
    assert_eq!(choose(&woken(1), views), Some(cpu(1)), "stays on its node");
    // Real-time work is in the way of everybody who shares, however small the load.
    views[5] = CpuView { load: 10, movable: 0, running: Some(Band::RealTime) };
    assert_eq!(choose(&woken(5), views), Some(cpu(6)));
    // What is only of priority Idle gives way at once.
    views[5] = CpuView { load: 16, movable: 0, running: Some(Band::Idle) };
    assert_eq!(choose(&woken(5), views), Some(cpu(5)));
}

/// proves: K2
#[test]
fn a_waker_that_blocks_hands_its_processor_over() {
    let mut views = [busy(8_192); 8];
    views[2] = CpuView { load: 4_096, movable: 0, running: Some(Band::Sharing) };
    views[7] = IDLE;
    let wanted = Wanted { handing_over: Some(cpu(2)), ..woken(5) };
    assert_eq!(choose(&wanted, views), Some(cpu(2)), "no idle processor has to be woken up");
    views[2].movable = 1;
    assert_eq!(choose(&wanted, views), Some(cpu(7)), "somebody waits there already");
}

/// proves: K2, K3
#[test]
fn an_idle_processor_steals_from_the_most_loaded_one_nearby_first() {
    let mut views = [IDLE; 8];
    views[1] = busy(10_000);
    views[2] = busy(20_000);
    views[7] = busy(90_000);
    views[3] = CpuView { movable: 0, ..busy(50_000) };
    let view = |cpu: CpuId| views[cpu.index()];
    let mut tried = CpuSet::EMPTY;
    let mut order = std::vec::Vec::new();
    while let Some(victim) = choose_victim(cpu(0), tried, &two_nodes(), view) {
        order.push(victim);
        tried.insert(victim);
    }
    assert_eq!(order, [cpu(2), cpu(1), cpu(7)]);
}

/// proves: K2
#[test]
fn busy_processors_even_out_and_then_leave_each_other_alone() {
    let near = Topology::single_node(CpuSet::first_n(2));
    let decide =
        |own: CpuView, other: CpuView| {
            rebalance(cpu(0), CpuSet::ALL, &near, CpuSet::EMPTY, |id| {
                if id == cpu(0) { own } else { other }
            })
        };
    let unit = u64::from(NORMAL_WEIGHT);
    let room = |decision| match decision {
        Move::Push { max_load, .. } | Move::Pull { max_load, .. } => max_load / unit,
        Move::Kick(_) | Move::Nothing => 0,
    };
    assert!(matches!(decide(busy(3 * unit), busy(unit)), Move::Push { to, .. } if to == cpu(1)));
    assert!(
        matches!(decide(busy(unit), busy(3 * unit)), Move::Pull { from, .. } if from == cpu(1))
    );
    assert_eq!(room(decide(busy(3 * unit), busy(unit))), 1);
    assert_eq!(room(decide(busy(9 * unit), busy(unit))), 5);
    assert_eq!(room(decide(busy(2 * unit), busy(unit))), 0, "it would only change places");
    assert_eq!(decide(busy(5 * unit), busy(4 * unit)), Move::Nothing);
}

/// proves: K5
#[test]
fn a_view_is_one_word() {
    for running in
        [None, Some(Band::Idle), Some(Band::Sharing), Some(Band::RealTime), Some(Band::Critical)]
    {
        let view = CpuView { load: (1 << 40) - 1, movable: (1 << 20) - 1, running };
        assert_eq!(CpuView::from_bits(view.to_bits()), view);
        let huge = CpuView { load: u64::MAX, movable: u32::MAX, running };
        assert_eq!(CpuView::from_bits(huge.to_bits()), view, "saturates");
    }
}

/// proves: K2
#[test]
fn looking_around_gets_rare_while_nothing_happens() {
    let at = |millis| Instant::ZERO.after(Duration::from_millis(millis));
    let mut pacer = Pacer::new(at(0));
    assert_eq!(pacer.next(0, at(0)), None, "nobody waits");
    assert!(!pacer.is_due(at(1_000)));
    assert_eq!(pacer.next(1, at(1_000)), Some(at(1_000)), "it is long since");
    assert!(pacer.is_due(at(1_000)));
    let mut intervals = std::vec::Vec::new();
    let mut now = at(1_000);
    for _ in 0..7 {
        pacer.found_nothing(now);
        let next = pacer.next(1, now).unwrap();
        intervals.push(next.since(now).as_nanos() / 1_000_000);
        now = next;
    }
    assert_eq!(intervals, [4, 8, 16, 32, 61, 61, 61]);
    pacer.found_nothing(now);
    let next = pacer.next(2, now).unwrap();
    assert_eq!(next, now.after(SHORTEST_INTERVAL), "one more waits");
}
