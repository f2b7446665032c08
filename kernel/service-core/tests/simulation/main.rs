//! The manager against a world that fails: programs that crash, hang, never become ready or ignore their
//! signals, checks that lie or get lost, and operators who ask for everything at any time. After each
//! step the invariants are looked at; a failure names its seed.
#![expect(clippy::unwrap_used, reason = "tests")]

mod random;
mod world;

use random::Random;
use world::World;

/// proves: S1, S2, S4, P8
#[test]
fn invariants_hold_whatever_happens() {
    for seed in 0..60 {
        let mut world = World::new(seed, 18);
        world.boot();
        world.live(500);
        world.calm_down();
        world.shut_down();
    }
}

/// proves: S2, P9
#[test]
fn thousands_of_services_start_and_stop_in_order() {
    let mut world = World::new(77, 3_000);
    world.boot();
    world.live(3_000);
    world.calm_down();
    world.shut_down();
}

/// proves: S5
#[test]
fn instances_roll_without_a_gap() {
    let mut world = World::reliable(5, 200);
    world.boot();
    world.calm_down();
    assert_eq!(world.ready("s0"), 200);
    let lowest = world.restart_rolling("s0");
    assert!(lowest >= 199, "only {lowest} were ready at some moment");
    world.shut_down();
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut world = World::new(seed, 12);
        world.boot();
        world.live(300);
        world.into_history()
    };
    assert_eq!(history(3), history(3));
    assert_ne!(history(3), history(4));
    let mut random = Random::new(1);
    assert_ne!(random.below(1 << 30), random.below(1 << 30));
}
