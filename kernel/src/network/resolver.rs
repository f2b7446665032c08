//! The name server for programs, and `/etc/resolv.conf`, by which they find it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::net::Ipv4Addr;

use hal::interrupts::SpinLock;
use ksync::Once;
use net::dns::{Resolver, ResolverCounters, ResolverFigures, ServiceAddress, ServiceNames};
use net::executor::Executor;
use net::stack::IpEndpoint;

use super::KernelStack;
use crate::{fs, levels, random};

/// Where programs ask. Not 127.0.0.1, which a name server among them may want.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 53);
const PORT: u16 = 53;
const FILE: &str = "# Written by the kernel, which asks the servers that the network names.\n\
                    nameserver 127.0.0.53\noptions edns0\n";

static COUNTERS: Once<Arc<ResolverCounters>> = Once::new();

/// What the name server has done.
#[must_use]
pub fn resolver_figures() -> ResolverFigures {
    COUNTERS.get().map_or_else(ResolverFigures::default, |counters| counters.figures())
}

static SERVICES: SpinLock<BTreeMap<String, ServiceAddress>> =
    SpinLock::new(levels::SERVICES, "names", BTreeMap::new());

/// Lets `NAME.service` be found there; a name is in lower case.
pub fn publish_name(name: &str, address: ServiceAddress) {
    let name = String::from(name);
    let before = SERVICES.lock().insert(name, address);
    drop(before);
}

/// Lets `NAME.service` be found no more.
pub fn withdraw_name(name: &str) {
    let before = SERVICES.lock().remove(name);
    drop(before);
}

/// What was published.
struct Published;

impl ServiceNames for Published {
    fn find(&self, name: &str) -> Option<ServiceAddress> {
        SERVICES.lock().get(name).cloned()
    }
}

/// Starts to answer, and says so in `/etc/resolv.conf` unless the image has one of its own.
pub(super) fn start(executor: &Executor) {
    let resolver = Resolver {
        stack: KernelStack,
        timers: executor.timers(),
        spawner: executor.spawner(),
        names: Published,
        random: random::number,
        counters: Arc::clone(COUNTERS.call_once(Arc::default)),
    };
    if let Err(error) = resolver.start(IpEndpoint::new(ADDRESS.into(), PORT)) {
        crate::error!("the name server for programs cannot be started: {error:?}");
        return;
    }
    if fs::read_whole(b"/etc/resolv.conf").is_ok() {
        return;
    }
    if let Err(error) = fs::write_whole(b"/etc", b"resolv.conf", FILE.as_bytes()) {
        crate::warning!("network: no /etc/resolv.conf: {error}");
    }
}
