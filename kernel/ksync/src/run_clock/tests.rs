use super::*;

#[cfg(not(loom))]
mod single_thread {
    use super::*;

    #[test]
    fn runs_add_up_with_the_present_one() {
        let clock = RunClock::new();
        assert_eq!(clock.read(|| 99), 0);
        clock.begin(100);
        assert_eq!(clock.read(|| 130), 30);
        clock.end(150);
        assert_eq!(clock.read(|| 1_000), 50);
        clock.begin(200);
        clock.end(210);
        assert_eq!(clock.read(|| 1_000), 60);
        // One that has not begun does not end.
        clock.end(5_000);
        assert_eq!(clock.read(|| 5_000), 60);
    }

    #[test]
    fn what_was_told_is_not_taken_back() {
        let clock = RunClock::new();
        clock.begin(100);
        // The reader's look at the time is later than the switch's, which had begun before.
        assert_eq!(clock.read(|| 180), 80);
        clock.end(150);
        assert_eq!(clock.read(|| 190), 80);
        clock.begin(200);
        assert_eq!(clock.read(|| 240), 90);
    }

    #[test]
    fn times_at_the_edges_are_times() {
        let clock = RunClock::new();
        clock.begin(0);
        clock.end(11);
        assert_eq!(clock.read(|| 0), 10);
        clock.begin(u64::MAX);
        assert_eq!(clock.read(|| u64::MAX), 11);
        clock.end(u64::MAX);
        assert_eq!(clock.read(|| 0), 11);
    }
}

#[cfg(loom)]
mod model {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// Two runs on two CPUs, of 10 and of 100. `tick` is told each moment before it comes.
    fn run_twice(clock: &Arc<RunClock>, tick: impl Fn(u64) + Clone + Send + 'static) {
        let run = |clock: &RunClock, tick: &dyn Fn(u64), began: u64, ended: u64| {
            tick(began);
            clock.begin(began);
            tick(ended);
            clock.end(ended);
        };
        run(clock, &tick, 1_000, 1_010);
        let clock = Arc::clone(clock);
        thread::spawn(move || run(&clock, &tick, 2_000, 2_100)).join().unwrap();
    }

    /// The reader's time stands still at 2,050, so each sum says what it is made of; here in the order
    /// in which they become true. A run counted twice, or lost, makes another number.
    const TRUE: [u64; 5] = [0, 1_050, 10, 60, 110];

    #[test]
    fn what_a_look_adds_up_was_there_at_one_moment() {
        loom::model(|| {
            let clock = Arc::new(RunClock::new());
            let cpus = Arc::clone(&clock);
            let switches = thread::spawn(move || run_twice(&cpus, |_| {}));
            let look = || {
                let sum = clock.look(|| 2_050)?;
                let place = TRUE.iter().position(|one| *one == sum);
                Some(place.unwrap_or_else(|| panic!("{sum} was never true")))
            };
            if let (Some(first), Some(second)) = (look(), look()) {
                assert!(first <= second, "{} after {}", TRUE[second], TRUE[first]);
            }
            switches.join().unwrap();
            assert_eq!(look(), Some(TRUE.len() - 1));
        });
    }

    /// With a time that moves on: also while switches come between, nothing is taken back.
    #[test]
    fn readers_are_told_no_more_and_nothing_is_taken_back() {
        loom::model(|| {
            let clock = Arc::new(RunClock::new());
            let time = Arc::new(AtomicU64::new(1));
            let (cpus, moves) = (Arc::clone(&clock), Arc::clone(&time));
            // Release and Acquire: nobody's clock is ahead of what the switch has done before.
            let tick = move |now| moves.store(now, Ordering::Release);
            let switches = thread::spawn(move || run_twice(&cpus, tick));
            let read = || clock.read(|| time.load(Ordering::Acquire));
            let (first, second) = (read(), read());
            assert!(first <= second && second <= 110, "{first}, {second}");
            switches.join().unwrap();
            assert_eq!(read(), 110);
        });
    }
}
