//! Finding and starting the machine's devices: the network card, and the entropy device whose bytes
//! go into the generator.

use alloc::sync::Arc;

use drivers::machine::{EntropyDevice, NetworkCard, ThisMachine};
use drivers::pci::{Function, MsiTarget, enumerate};
use drivers::virtio::{Kind, NetworkSignal, kind};
use ksync::Once;

use crate::{interrupts, random};

static SIGNAL: Once<Arc<NetworkSignal>> = Once::new();

/// How long the entropy device may take; what it has not given by then is done without.
const ENTROPY_PATIENCE_NS: u64 = 20_000_000;

fn on_interrupt() {
    if let Some(signal) = SIGNAL.get() {
        signal.interrupt();
    }
}

/// Starts the first network card that works, after the entropy device if there is one.
pub(super) fn start() -> Option<NetworkCard> {
    let functions = enumerate(&ThisMachine);
    for function in functions.iter().filter(|function| kind(function) == Some(Kind::Entropy)) {
        stir(function);
    }
    for function in functions.iter().filter(|function| kind(function) == Some(Kind::Network)) {
        if let Some(card) = start_card(function) {
            return Some(card);
        }
    }
    crate::warning!("network: there is no virtio network card, so there is no admin server");
    None
}

fn start_card(function: &Function) -> Option<NetworkCard> {
    let vector = interrupts::allocate_vector("network card", on_interrupt)?;
    let target = MsiTarget { apic_id: hal::cpu::apic_id(0)?, vector };
    match NetworkCard::start(&ThisMachine, function, target) {
        Ok(card) => {
            SIGNAL.call_once(|| card.signal());
            Some(card)
        }
        Err(error) => {
            crate::error!("network: the card at {} cannot be used: {error}", function.address);
            None
        }
    }
}

fn stir(function: &Function) {
    let mut device = match EntropyDevice::start(&ThisMachine, function) {
        Ok(device) => device,
        Err(error) => {
            crate::warning!("the entropy device at {} cannot be used: {error}", function.address);
            return;
        }
    };
    let deadline = hal::time::now_ns() + ENTROPY_PATIENCE_NS;
    let mut bytes = [0; 32];
    match device.fill(&mut bytes, || hal::time::now_ns() < deadline) {
        Ok(0) => crate::warning!("the entropy device at {} gives nothing", function.address),
        Ok(count) => random::add_entropy(&bytes[..count]),
        Err(error) => crate::warning!("the entropy device at {}: {error}", function.address),
    }
}
