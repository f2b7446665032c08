//! What lists show of an end.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::socket::UnixName;

use super::{Node, Phase};
use crate::socket::unix::listing::{UnixPhase, UnixStatistics};

impl Node {
    /// What is known about it; and of a listener the connections that wait to be accepted.
    pub(in crate::socket::unix) fn statistics(
        node: &Arc<Self>,
    ) -> (UnixStatistics, Vec<Arc<Self>>) {
        let (statistics, waiting, peer) = {
            let state = node.state.lock();
            let mut queues = (state.bytes, 0);
            let (phase, waiting) = match &state.phase {
                Phase::Apart | Phase::Connects => (UnixPhase::Apart, Vec::new()),
                Phase::Joined { .. } => (UnixPhase::Joined, Vec::new()),
                Phase::Listens { backlog, queue } => {
                    queues = (queue.len(), *backlog);
                    (UnixPhase::Listens, queue.iter().map(Arc::clone).collect())
                }
            };
            let statistics = UnixStatistics {
                inode: node.number,
                kind: node.kind,
                owner: node.maker.pid,
                // Its peer counts; who looks does not.
                references: (Arc::strong_count(node) + Arc::weak_count(node)).saturating_sub(1),
                phase,
                names: (
                    state.name.unwrap_or(UnixName::NONE),
                    state.peer_name.unwrap_or(UnixName::NONE),
                ),
                traffic: (node.received_bytes.get(), node.sent_bytes.get()),
                queues,
            };
            (statistics, waiting, state.peer())
        };
        let Some(peer) = peer else { return (statistics, waiting) };
        let at_peer = peer.state.lock().bytes;
        let queues = (statistics.queues.0, at_peer);
        (UnixStatistics { queues, ..statistics }, waiting)
    }
}
