//! NUMA: which frames are near which CPU. Memory is divided into zones, ranges of one node each; a
//! CPU takes from the zones of its own node first, then from the others by their distance.

use core::sync::atomic::{AtomicU8, Ordering};

use ksync::Once;
use vm_core::frame::{FrameNumber, Order};

use crate::acpi::NodeMemory;
use crate::cpu::MAX_CPUS;

/// Ranges that memory is divided into at the most; what comes behind them belongs to the last.
pub(super) const MAX_ZONES: usize = 16;
/// Nodes that are told apart.
const MAX_NODES: usize = 8;
/// The distance to itself, and to another node of which nothing is known (ACPI, 5.2.17).
const DISTANCES: (u8, u8) = (10, 20);

#[derive(Clone, Copy, Default)]
struct Zone {
    /// Its first frame; it reaches to the next one's.
    first: u64,
    /// Index of its node.
    node: usize,
}

struct Division {
    zones: [Zone; MAX_ZONES],
    zone_count: usize,
    /// The nodes' numbers in the firmware's tables.
    nodes: [u32; MAX_NODES],
    node_count: usize,
    /// The zones in the order that each node prefers.
    preferred: [[u8; MAX_ZONES]; MAX_NODES],
    /// From each node to each.
    distances: [[u8; MAX_NODES]; MAX_NODES],
}

static DIVISION: Once<Division> = Once::new();
/// Each CPU's node, by index. Written before the CPU runs.
static NODE_OF: [AtomicU8; MAX_CPUS] = [const { AtomicU8::new(0) }; MAX_CPUS];

/// How the firmware says that memory is divided.
#[derive(Debug)]
pub(crate) struct Affinity<'a> {
    /// Memory by node.
    pub memory: &'a [NodeMemory],
    /// Distances between nodes, a row a node; empty where nothing is known.
    pub distances: &'a [u8],
}

/// How many zones there are.
pub(super) fn zone_count() -> usize {
    DIVISION.get().map_or(1, |division| division.zone_count)
}

/// How many nodes there are.
pub(super) fn count() -> usize {
    DIVISION.get().map_or(1, |division| division.node_count)
}

/// The zone that a frame lies in.
pub(super) fn zone_of(frame: FrameNumber) -> usize {
    let Some(division) = DIVISION.get() else { return 0 };
    let zones = &division.zones[..division.zone_count];
    zones.iter().rposition(|zone| zone.first <= frame.number()).unwrap_or(0)
}

/// The node of a zone, by index.
pub(super) fn node_of_zone(zone: usize) -> usize {
    DIVISION.get().and_then(|division| division.zones.get(zone)).map_or(0, |zone| zone.node)
}

/// The number that the firmware gave a node.
pub(super) fn number(node: usize) -> u32 {
    DIVISION.get().and_then(|division| division.nodes.get(node)).map_or(0, |number| *number)
}

/// How far a node is from another one, both by index; 10 is "itself" (ACPI, 5.2.17).
pub(super) fn distance(from: usize, to: usize) -> u8 {
    let known = DIVISION.get().and_then(|division| division.distances.get(from)?.get(to));
    known.copied().unwrap_or(DISTANCES.0)
}

/// A CPU's node, by index.
pub(super) fn node_of_cpu(cpu: usize) -> usize {
    NODE_OF.get(cpu).map_or(0, |node| usize::from(node.load(Ordering::Relaxed)))
}

/// Whether a frame is as near as any to a CPU.
pub(super) fn is_local(frame: FrameNumber, cpu: usize) -> bool {
    DIVISION.get().is_none() || node_of_zone(zone_of(frame)) == node_of_cpu(cpu)
}

/// The zones in the order that a CPU takes from them.
pub(super) fn zones_for(cpu: usize) -> impl Iterator<Item = usize> {
    let division = DIVISION.get();
    let preferred = division.and_then(|division| division.preferred.get(node_of_cpu(cpu)));
    (0..zone_count()).map(move |place| {
        preferred.and_then(|zones| zones.get(place)).map_or(place, |zone| usize::from(*zone))
    })
}

/// Says which node a CPU belongs to. Before it runs.
pub(crate) fn set_cpu(cpu: usize, number: u32) {
    let Some(division) = DIVISION.get() else { return };
    let node = division.nodes[..division.node_count].iter().position(|known| *known == number);
    if let (Some(node), Some(slot)) =
        (node.and_then(|node| u8::try_from(node).ok()), NODE_OF.get(cpu))
    {
        slot.store(node, Ordering::Relaxed);
    }
}

/// Decides on the zones; gives the first frames of all but the first one. Nothing is divided where
/// there is one node.
pub(super) fn decide(affinity: &Affinity<'_>) -> Option<[u64; MAX_ZONES]> {
    let mut division = Division {
        zones: [Zone::default(); MAX_ZONES],
        zone_count: 0,
        nodes: [0; MAX_NODES],
        node_count: 0,
        preferred: [[0; MAX_ZONES]; MAX_NODES],
        distances: [[0; MAX_NODES]; MAX_NODES],
    };
    let mut start = 0;
    // In the order of their addresses, whatever the table's is.
    while let Some(range) =
        affinity.memory.iter().filter(|range| range.start >= start).min_by_key(|range| range.start)
    {
        division.add(range);
        start = range.start.saturating_add(1);
    }
    if division.node_count < 2 {
        return None;
    }
    division.prefer(affinity.distances);
    let firsts = division.zones.map(|zone| zone.first);
    DIVISION.call_once(|| division);
    Some(firsts)
}

impl Division {
    fn add(&mut self, range: &NodeMemory) {
        let known = self.nodes[..self.node_count].iter().position(|known| *known == range.node);
        let node = match known {
            Some(node) => node,
            None if self.node_count < MAX_NODES => {
                self.nodes[self.node_count] = range.node;
                self.node_count += 1;
                self.node_count - 1
            }
            None => return,
        };
        let last = self.zone_count.checked_sub(1).and_then(|last| self.zones.get(last));
        if last.is_some_and(|last| last.node == node) || self.zone_count == MAX_ZONES {
            return;
        }
        // Blocks do not reach over the border: a few frames of it count as the other node's.
        let block = Order::MAX.bytes();
        let border = range.start - range.start % block;
        let first = if self.zone_count == 0 { 0 } else { border / Order::FRAME.bytes() };
        if last.is_some_and(|last| last.first >= first) {
            return;
        }
        self.zones[self.zone_count] = Zone { first, node };
        self.zone_count += 1;
    }

    fn distance(&self, distances: &[u8], from: usize, to: usize) -> u8 {
        let side = distances.len().isqrt();
        let place = |node: usize| usize::try_from(self.nodes[node]).ok().filter(|at| *at < side);
        let known =
            place(from).zip(place(to)).and_then(|(from, to)| distances.get(from * side + to));
        let default = if from == to { DISTANCES.0 } else { DISTANCES.1 };
        known.copied().unwrap_or(default)
    }

    fn prefer(&mut self, distances: &[u8]) {
        for node in 0..self.node_count {
            let mut order = [0_u8; MAX_ZONES];
            for (zone, place) in (0_u8..).zip(&mut order) {
                *place = zone;
            }
            let nodes = self.zones.map(|zone| zone.node);
            // Stable: of zones that are equally far the lower ones come first.
            order[..self.zone_count].sort_by_key(|zone| {
                let other = nodes[usize::from(*zone)];
                (other != node, self.distance(distances, node, other))
            });
            self.preferred[node] = order;
            for other in 0..self.node_count {
                self.distances[node][other] = self.distance(distances, node, other);
            }
        }
    }
}
