//! Randomness: a ChaCha20 generator, seeded from the CPU's own and from the moments at which things
//! happened during the boot; `add_entropy` stirs in more when a device has some.

use hal::interrupts::SpinLock;
use ksync::Level;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// Above everything that may want a number, below the heap.
const RANDOM: Level = Level::new(205);

static GENERATOR: SpinLock<Option<ChaCha20Rng>> = SpinLock::new(RANDOM, "random", None);

/// Seeds the generator. Once, early; says whether the CPU gave randomness of its own.
pub fn start() -> bool {
    let mut hash = Sha256::new();
    let mut has_hardware = true;
    for _ in 0..8 {
        match hal::cpu::features::hardware_random() {
            Some(value) => hash.update(value.to_le_bytes()),
            None => has_hardware = false,
        }
        hash.update(hal::time::ticks().to_le_bytes());
    }
    hash.update(hal::time::wall_ns().to_le_bytes());
    *GENERATOR.lock() = Some(ChaCha20Rng::from_seed(hash.finalize().into()));
    has_hardware
}

/// Stirs bytes from a device into the generator. They can only make it better: what it would have
/// produced is part of the new seed.
pub fn add_entropy(bytes: &[u8]) {
    let mut old = [0; 32];
    fill(&mut old);
    let mut hash = Sha256::new();
    hash.update(old);
    hash.update(bytes);
    hash.update(hal::time::ticks().to_le_bytes());
    *GENERATOR.lock() = Some(ChaCha20Rng::from_seed(hash.finalize().into()));
}

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    // In pieces: a program may ask for megabytes, and interrupts are disabled under the lock.
    for piece in bytes.chunks_mut(256) {
        match GENERATOR.lock().as_mut() {
            Some(generator) => generator.fill_bytes(piece),
            None => panic!("randomness is asked for before the generator is seeded"),
        }
    }
}

/// A random number.
#[must_use]
pub fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
