//! Which ports are taken, by whom: what `bind` asks.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::front::{FrontId, Membership};
use super::local::LocalAddress;

/// The range that ports are chosen from (RFC 6335, section 6).
pub(super) const EPHEMERAL: core::ops::RangeInclusive<u16> = 49_152..=65_535;
pub(super) const EPHEMERAL_COUNT: u16 = u16::MAX - 49_152 + 1;

/// Whose ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortSpace {
    /// TCP's.
    Tcp,
    /// UDP's.
    Udp,
    /// The identifiers of echo requests.
    Echo,
}

/// With whom a port is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// With others that want this too, while none of them listens; and with connections that are
    /// about to end (`SO_REUSEADDR`).
    pub address: bool,
    /// With others that want this too (`SO_REUSEPORT`).
    pub port: bool,
    /// With the other members of the front that has the port: by which number it knows them; 0 for
    /// none.
    pub member: u64,
}

/// Someone's hold on a port, until it is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub(super) space: PortSpace,
    pub(super) id: u64,
    /// The port.
    pub port: u16,
    /// On which addresses.
    pub address: LocalAddress,
    /// Behind which front.
    pub(super) member: Option<Membership>,
}

struct Holder {
    id: u64,
    address: LocalAddress,
    sharing: Sharing,
    is_listening: bool,
    front: Option<FrontId>,
}

/// All reservations.
#[derive(Default)]
pub(super) struct Ports {
    holders: BTreeMap<(PortSpace, u16), Vec<Holder>>,
    next_id: u64,
}

impl Ports {
    /// Whether someone else has the port.
    pub(super) fn is_taken(
        &self,
        space: PortSpace,
        port: u16,
        address: LocalAddress,
        sharing: Sharing,
        member: Option<Membership>,
    ) -> bool {
        let conflicts = |holder: &Holder| {
            let may_share = sharing.port && holder.sharing.port
                || sharing.address && holder.sharing.address && !holder.is_listening;
            let is_of_front = member.is_some_and(|(front, _)| holder.front == Some(front));
            holder.address.overlaps(address) && !may_share && !is_of_front
        };
        self.holders.get(&(space, port)).is_some_and(|holders| holders.iter().any(conflicts))
    }

    /// Whether anyone has the port on any address.
    pub(super) fn is_known(&self, space: PortSpace, port: u16) -> bool {
        self.holders.contains_key(&(space, port))
    }

    pub(super) fn take(
        &mut self,
        space: PortSpace,
        port: u16,
        address: LocalAddress,
        sharing: Sharing,
        member: Option<Membership>,
    ) -> Reservation {
        self.next_id += 1;
        let id = self.next_id;
        let holder = Holder {
            id,
            address,
            sharing,
            is_listening: false,
            front: member.map(|(front, _)| front),
        };
        self.holders.entry((space, port)).or_default().push(holder);
        Reservation { space, id, port, address, member }
    }

    pub(super) fn give_back(&mut self, reservation: Reservation) {
        let key = (reservation.space, reservation.port);
        if let Some(holders) = self.holders.get_mut(&key) {
            holders.retain(|holder| holder.id != reservation.id);
            if holders.is_empty() {
                self.holders.remove(&key);
            }
        }
    }

    /// The holder begins to listen: says whether it may, since nobody it shares the port with does.
    pub(super) fn listen(&mut self, reservation: Reservation) -> bool {
        let Some(holders) = self.holders.get_mut(&(reservation.space, reservation.port)) else {
            return false;
        };
        let Some(at) = holders.iter().position(|holder| holder.id == reservation.id) else {
            return false;
        };
        let is_free = holders.iter().all(|other| {
            other.id == reservation.id
                || !other.is_listening
                || !other.address.overlaps(reservation.address)
                || other.sharing.port && holders[at].sharing.port
                || other.front.is_some() && other.front == holders[at].front
        });
        if is_free && let Some(holder) = holders.get_mut(at) {
            holder.is_listening = true;
        }
        is_free
    }
}
