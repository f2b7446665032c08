//! The power is cut after any sector, and disks fail.

use super::*;

/// Steps until the power is cut: what certainly is on the disk, and what may be.
fn run(
    store: &mut Store<Disk>,
    model: &mut Model,
    random: &mut Random,
    steps: u64,
) -> Option<Step> {
    for _ in 0..steps {
        let step = Step::random(random);
        match step.carry_out(store) {
            Ok(()) => step.apply(model),
            Err(StoreError::Full { .. }) => {}
            Err(StoreError::Disk(Failure::NoPower) | StoreError::Unsettled(Failure::NoPower)) => {
                return Some(step);
            }
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(content(store), *model);
    }
    None
}

/// Checks what is there after the power has come back; what was under way may be there, too.
fn check(disk: &Disk, model: &mut Model, under_way: Option<&Step>, seed: u64, what: &str) {
    disk.restore_power();
    let (store, recovery) = open(disk, seed);
    assert_eq!(recovery.gaps, 0, "{what}");
    let found = content(&store);
    if found != *model {
        let step = under_way.unwrap_or_else(|| panic!("{what}: {found:?} and not {model:?}"));
        step.apply(model);
        assert_eq!(found, *model, "{what}");
    }
}

#[test]
fn after_a_cut_at_any_sector_everything_answered_is_there() {
    for seed in 0..4 {
        let mut cut = 0;
        loop {
            let what = format!("seed {seed}, cut after {cut}");
            let disk = Disk::new(SMALL, seed + 1000 * cut as u64);
            let (mut store, _) = open(&disk, seed);
            disk.cut_after(cut);
            let (mut model, mut random) = (Model::new(), Random::new(seed));
            let under_way = run(&mut store, &mut model, &mut random, 120);
            check(&disk, &mut model, under_way.as_ref(), cut as u64, &what);
            if under_way.is_none() {
                assert!(store.figures().compactions > 1, "{what}: the halves never changed");
                break;
            }
            cut += 1;
        }
        assert!(cut > 100, "seed {seed}: only {cut} cuts");
    }
}

#[test]
fn life_goes_on_after_many_cuts() {
    for seed in 0..60 {
        let disk = Disk::new(SMALL, seed);
        let (mut model, mut random) = (Model::new(), Random::new(seed));
        drop(open(&disk, seed));
        for boot in 0..40 {
            let what = format!("seed {seed}, boot {boot}");
            // The start itself writes, and may be cut, too.
            disk.cut_after(random.below(30) as usize);
            let opened = Store::open(disk.clone(), Foreign::Leave, seed ^ boot << 32);
            let under_way = match opened {
                Ok((mut store, _)) => {
                    assert_eq!(content(&store), model, "{what}");
                    run(&mut store, &mut model, &mut random, 20)
                }
                Err(_) => None,
            };
            check(&disk, &mut model, under_way.as_ref(), boot, &what);
        }
    }
}

#[test]
fn a_disk_that_is_set_up_is_empty_or_a_store_after_a_cut() {
    for cut in 0..8 {
        let disk = Disk::new(SMALL, cut as u64);
        disk.cut_after(cut);
        let _ = Store::open(disk.clone(), Foreign::Leave, 1);
        disk.restore_power();
        match Store::open(disk.clone(), Foreign::Leave, 2) {
            Ok((store, _)) => assert!(content(&store).is_empty()),
            // A header that was torn, the first time that anything was written: told, not guessed at.
            Err(error) => {
                assert!(matches!(
                    error,
                    store_core::OpenError::Damaged | store_core::OpenError::Foreign
                ));
                let (store, _) = Store::open(disk, Foreign::TakeOver, 3).unwrap();
                assert!(content(&store).is_empty());
            }
        }
    }
}

#[test]
fn a_failing_disk_refuses_and_goes_on() {
    let mut refused = 0;
    for seed in 0..150 {
        let disk = Disk::new(SMALL, seed);
        let (mut store, _) = open(&disk, seed);
        let (mut model, mut random) = (Model::new(), Random::new(seed));
        // What a change that nobody knows the end of would make of it.
        let mut maybe: Vec<Model> = Vec::new();
        for round in 0..60 {
            disk.fail(if round % 20 < 10 { 30 } else { 0 });
            let step = Step::random(&mut random);
            match step.carry_out(&mut store) {
                Ok(()) => {
                    step.apply(&mut model);
                    maybe.clear();
                }
                Err(StoreError::Unsettled(_)) => {
                    refused += 1;
                    let mut other = model.clone();
                    step.apply(&mut other);
                    maybe.push(other);
                }
                Err(StoreError::Disk(_)) => refused += 1,
                Err(StoreError::Full { .. }) => {}
                Err(StoreError::TooLong) => panic!("nothing is too long"),
            }
            // What is refused is not there.
            assert_eq!(content(&store), model, "seed {seed}, round {round}");
            if random.below(10) == 0 {
                disk.fail(0);
                disk.restore_power();
                (store, _) = open(&disk, seed ^ round << 32);
                let found = content(&store);
                assert!(
                    found == model || maybe.contains(&found),
                    "seed {seed}, round {round}: {found:?} is neither {model:?} nor {maybe:?}"
                );
                model = found;
                maybe.clear();
            }
        }
    }
    assert!(refused > 500, "{refused}");
}
