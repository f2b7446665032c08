//! Signals against signal(7)'s table, and against a list of what is pending.

use std::collections::{BTreeMap, BTreeSet};
use std::string::ToString;
use std::vec::Vec;

use crate::{
    DefaultAction, Delivery, Disposition, ExitStatus, HandlerFlags, Instant, PendingSignal, Pid,
    ProcessError, ProcessSignals, QueuedSignals, Resource, Signal, SignalCause, SignalContext,
    SignalHandler, SignalSet, SignalTarget, Tid, Uid, WhatFollows,
};
use proptest::prelude::*;

const NOW: Instant = Instant::from_nanoseconds(1);
const PLAIN: SignalContext = SignalContext { is_protected: false, is_orphaned: false };

/// signal(7), "Standard signals", for x86-64: name, number, action.
const STANDARD: &str = "
    SIGHUP 1 Term      SIGINT 2 Term      SIGQUIT 3 Core    SIGILL 4 Core     SIGTRAP 5 Core
    SIGABRT 6 Core     SIGBUS 7 Core      SIGFPE 8 Core     SIGKILL 9 Term    SIGUSR1 10 Term
    SIGSEGV 11 Core    SIGUSR2 12 Term    SIGPIPE 13 Term   SIGALRM 14 Term   SIGTERM 15 Term
    SIGSTKFLT 16 Term  SIGCHLD 17 Ign     SIGCONT 18 Cont   SIGSTOP 19 Stop   SIGTSTP 20 Stop
    SIGTTIN 21 Stop    SIGTTOU 22 Stop    SIGURG 23 Ign     SIGXCPU 24 Core   SIGXFSZ 25 Core
    SIGVTALRM 26 Term  SIGPROF 27 Term    SIGWINCH 28 Ign   SIGIO 29 Term     SIGPWR 30 Term
    SIGSYS 31 Core
";

// proves: P5, P6
#[test]
fn what_is_queued_counts_for_the_user_until_it_is_taken_or_gone() {
    let user = std::sync::Arc::new(QueuedSignals::default());
    let tid = Tid::new(10).unwrap();
    let real_time = Signal::new(40).unwrap();
    let make = || {
        let all = SignalSet::from_bits(u64::MAX);
        let mut signals = ProcessSignals::new(tid, all).unwrap();
        signals.count_for(user.clone());
        signals.set_queue_limit(3);
        signals
    };
    let (pid, uid) = (Pid::new(9).unwrap(), Uid(7));
    let queue = SignalCause::Queue { pid, uid, code: -1, value: 5 };
    let send = |to: &mut ProcessSignals, signal, cause| {
        to.send(SignalTarget::Process, PendingSignal { signal, cause }, PLAIN, NOW).map(|_| ())
    };
    let full = Err(ProcessError::ResourceExhausted { resource: Resource::PendingSignals });
    let (mut one, mut other) = (make(), make());
    assert_eq!(send(&mut one, real_time, queue), Ok(()));
    assert_eq!(send(&mut one, real_time, queue), Ok(()));
    assert_eq!(send(&mut other, real_time, queue), Ok(()));
    // The limit is the user's: no process of it has room.
    assert_eq!(send(&mut one, real_time, queue), full);
    assert_eq!(send(&mut other, real_time, SignalCause::Thread { pid, uid }), full);
    assert_eq!(user.count(), 3);
    // These arrive without their cause; ordinary ones of kill(2), and timers, with it.
    let kill = SignalCause::User { pid, uid };
    let (usr1, usr2) = (Signal::SIGUSR1, Signal::SIGUSR2);
    let timer = SignalCause::Timer { id: 0, overruns: 0, value: 4 };
    let later = Signal::new(41).unwrap();
    assert_eq!(send(&mut other, later, kill), Ok(()));
    assert_eq!(send(&mut other, usr2, queue), Ok(()));
    assert_eq!(user.count(), 3);
    assert_eq!(send(&mut other, usr1, kill), Ok(()));
    assert_eq!(send(&mut one, real_time, timer), Ok(()));
    assert_eq!((user.count(), one.queued_for_user()), (5, 5));
    let only = |signal| SignalSet::EMPTY.with(signal);
    let lost = SignalCause::User { pid: Pid::SYSTEM, uid: Uid(0) };
    for (signal, cause) in [(later, lost), (usr2, lost), (usr1, kill), (real_time, queue)] {
        let taken = other.take_awaited(tid, only(signal), NOW);
        assert_eq!(taken, Some(PendingSignal { signal, cause }));
    }
    assert_eq!(user.count(), 3);
    // A fork counts for the same user and has nothing pending; what ends takes all with it.
    let mut child = one.fork(tid, tid).unwrap();
    assert_eq!(send(&mut child, real_time, queue), full);
    drop(one);
    assert_eq!(user.count(), 0);
    assert_eq!(send(&mut child, real_time, queue), Ok(()));
    assert_eq!(user.count(), 1);
}

// proves: P6
#[test]
fn numbers_names_and_actions_are_those_of_the_manual() {
    let words: Vec<&str> = STANDARD.split_whitespace().collect();
    let mut count = 0;
    for row in words.chunks(3) {
        let signal = Signal::from_name(row[0]).unwrap();
        assert_eq!(signal.number(), row[1].parse::<u8>().unwrap());
        assert_eq!(signal.to_string(), row[0]);
        let action = match row[2] {
            "Term" => DefaultAction::Terminate,
            "Core" => DefaultAction::Core,
            "Ign" => DefaultAction::Ignore,
            "Stop" => DefaultAction::Stop,
            "Cont" => DefaultAction::Continue,
            other => panic!("{other}"),
        };
        assert_eq!(signal.default_action(), action, "{signal}");
        count += 1;
    }
    assert_eq!(count, 31);
    for number in 32..=64 {
        let signal = Signal::new(number).unwrap();
        assert!(signal.is_real_time());
        assert_eq!(signal.default_action(), DefaultAction::Terminate);
        assert_eq!(Signal::from_name(&signal.to_string()), Some(signal));
    }
    for number in [i64::MIN, -1, 0, 65, 256, 265] {
        assert!(Signal::new(number).is_err(), "{number}");
    }
    for name in ["", "TERM", "sigterm", "SIGRTMIN+", "SIGRTMIN+0", "SIGRTMIN+33", "SIGRTMIN+-1"] {
        assert_eq!(Signal::from_name(name), None, "{name}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Default,
    Ignore,
    Handler { mask: SignalSet, no_defer: bool, reset: bool },
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send { target: Option<u8>, signal: Signal, is_queued: bool },
    Ask(Signal, Asked),
    Mask(u8, SignalSet),
    Deliver(u8),
    Take(u8, SignalSet),
    AddThread(u8),
    RemoveThread(u8),
}

fn signal() -> impl Strategy<Value = Signal> {
    // Few, so that they meet; of every kind.
    let numbers = [1, 9, 11, 15, 17, 18, 19, 20, 22, 28, 34, 35_i64];
    prop::sample::select(numbers.to_vec()).prop_map(|number| Signal::new(number).unwrap())
}

fn set() -> impl Strategy<Value = SignalSet> {
    proptest::collection::vec(signal(), 0..6).prop_map(|signals| SignalSet::of(&signals))
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        Just(Asked::Default),
        Just(Asked::Ignore),
        (set(), any::<bool>(), any::<bool>()).prop_map(|(mask, no_defer, reset)| Asked::Handler {
            mask,
            no_defer,
            reset
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let thread = 0..3_u8;
    prop_oneof![
        6 => (proptest::option::of(thread.clone()), signal(), any::<bool>())
            .prop_map(|(target, signal, is_queued)| Step::Send { target, signal, is_queued }),
        3 => (signal(), asked()).prop_map(|(signal, asked)| Step::Ask(signal, asked)),
        3 => (thread.clone(), set()).prop_map(|(thread, set)| Step::Mask(thread, set)),
        4 => thread.clone().prop_map(Step::Deliver),
        1 => (thread.clone(), set()).prop_map(|(thread, set)| Step::Take(thread, set)),
        1 => thread.clone().prop_map(Step::AddThread),
        1 => thread.prop_map(Step::RemoveThread),
    ]
}

/// One sending that has not been delivered.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    target: Option<u8>,
    signal: Signal,
    serial: u64,
}

#[derive(Default)]
struct Model {
    asked: BTreeMap<Signal, Asked>,
    masks: BTreeMap<u8, SignalSet>,
    waiting: Vec<Waiting>,
    serial: u64,
}

impl Model {
    fn asked(&self, signal: Signal) -> Asked {
        self.asked.get(&signal).copied().unwrap_or(Asked::Default)
    }

    fn forget(&mut self, signals: &[Signal]) {
        self.waiting.retain(|it| !signals.contains(&it.signal));
    }

    fn add(&mut self, target: Option<u8>, signal: Signal) {
        let is_there = self.waiting.iter().any(|it| it.target == target && it.signal == signal);
        if signal.is_real_time() || !is_there {
            self.waiting.push(Waiting { target, signal, serial: self.serial });
        }
    }

    fn send(&mut self, target: Option<u8>, signal: Signal) -> WhatFollows {
        self.serial += 1;
        let stops = [Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTOU];
        if signal == Signal::SIGCONT {
            self.forget(&stops);
        } else if stops.contains(&signal) {
            self.forget(&[Signal::SIGCONT]);
        }
        let takes = |(thread, mask): (&u8, &SignalSet)| {
            (target.is_none_or(|target| target == *thread) && !mask.contains(signal))
                .then_some(*thread)
        };
        let Some(thread) = self.masks.iter().find_map(takes) else {
            self.add(target, signal);
            return WhatFollows::Nothing;
        };
        match self.asked(signal) {
            Asked::Handler { .. } => {
                self.add(target, signal);
                WhatFollows::Wake(tid(thread))
            }
            Asked::Ignore => WhatFollows::Nothing,
            Asked::Default => default_effect(signal),
        }
    }

    /// Takes what comes first for a thread: own before shared, faults before others, low numbers
    /// before high ones, old before new.
    fn take(&mut self, thread: u8, wanted: impl Fn(Signal) -> bool) -> Option<Waiting> {
        let order =
            |it: &Waiting| (it.target.is_none(), !it.signal.is_synchronous(), it.signal, it.serial);
        let position = (0..self.waiting.len())
            .filter(|index| {
                let it = &self.waiting[*index];
                it.target.is_none_or(|target| target == thread) && wanted(it.signal)
            })
            .min_by_key(|index| order(&self.waiting[*index]))?;
        Some(self.waiting.remove(position))
    }

    fn deliver(&mut self, thread: u8) -> Option<(u64, WhatFollows, SignalSet)> {
        loop {
            let mask = self.masks[&thread];
            let it = self.take(thread, |signal| !mask.contains(signal))?;
            let follows = match self.asked(it.signal) {
                Asked::Handler { mask: blocked, no_defer, reset } => {
                    if reset {
                        self.asked.remove(&it.signal);
                    }
                    let own = if no_defer { SignalSet::EMPTY } else { SignalSet::of(&[it.signal]) };
                    let blocked = mask.union(blocked).union(own);
                    let blocked = blocked.difference(SignalSet::UNSTOPPABLE);
                    self.masks.insert(thread, blocked);
                    return Some((it.serial, WhatFollows::Wake(tid(thread)), mask));
                }
                Asked::Ignore => WhatFollows::Nothing,
                Asked::Default => default_effect(it.signal),
            };
            if follows != WhatFollows::Nothing {
                return Some((it.serial, follows, SignalSet::EMPTY));
            }
        }
    }
}

fn default_effect(signal: Signal) -> WhatFollows {
    match signal.default_action() {
        DefaultAction::Terminate | DefaultAction::Core => {
            WhatFollows::Terminate(ExitStatus::by_signal(signal))
        }
        DefaultAction::Stop => WhatFollows::Stop(signal),
        DefaultAction::Ignore | DefaultAction::Continue => WhatFollows::Nothing,
    }
}

fn tid(thread: u8) -> Tid {
    Tid::new(i64::from(thread) + 10).unwrap()
}

/// The serial number of a sending travels as its value.
fn serial(cause: SignalCause) -> u64 {
    match cause {
        SignalCause::Queue { value, .. } => value,
        SignalCause::User { uid, .. } => uid.0.into(),
        other => panic!("{other:?}"),
    }
}

fn disposition(asked: Asked) -> Disposition {
    match asked {
        Asked::Default => Disposition::Default,
        Asked::Ignore => Disposition::Ignore,
        Asked::Handler { mask, no_defer, reset } => {
            let no_defer = if no_defer { HandlerFlags::NO_DEFER } else { 0 };
            let reset = if reset { HandlerFlags::RESET_HANDLER } else { 0 };
            let flags = HandlerFlags::from_bits(no_defer | reset);
            Disposition::Handler(SignalHandler { address: 0x40_0000, flags, mask, restorer: 0 })
        }
    }
}

fn run(signals: &mut ProcessSignals, model: &mut Model, step: Step) {
    let is_there = |model: &Model, thread: &u8| model.masks.contains_key(thread);
    match step {
        Step::Send { target, signal, is_queued } => {
            if target.is_some_and(|thread| !is_there(model, &thread)) {
                return;
            }
            let serial = model.serial + 1;
            let pid = Pid::INIT;
            let cause = if is_queued {
                SignalCause::Queue { pid, uid: Uid(0), code: -1, value: serial }
            } else {
                SignalCause::User { pid, uid: Uid(u32::try_from(serial).unwrap()) }
            };
            let to = target.map_or(SignalTarget::Process, |it| SignalTarget::Thread(tid(it)));
            let sent = signals.send(to, PendingSignal { signal, cause }, PLAIN, NOW).unwrap();
            assert_eq!(sent.continues, signal == Signal::SIGCONT);
            assert_eq!(sent.follows, model.send(target, signal), "{signal} to {target:?}");
        }
        Step::Ask(signal, asked) => {
            let result = signals.set_disposition(signal, disposition(asked));
            assert_eq!(result.is_err(), [Signal::SIGKILL, Signal::SIGSTOP].contains(&signal));
            if result.is_ok() {
                model.asked.insert(signal, asked);
                let is_dropped = match asked {
                    Asked::Handler { .. } => false,
                    Asked::Ignore => true,
                    Asked::Default => default_effect(signal) == WhatFollows::Nothing,
                };
                if is_dropped {
                    model.forget(&[signal]);
                }
            }
        }
        Step::Mask(thread, mask) => {
            signals.set_mask(tid(thread), mask);
            if let Some(known) = model.masks.get_mut(&thread) {
                *known = mask.difference(SignalSet::UNSTOPPABLE);
            }
        }
        Step::Deliver(thread) => {
            if !is_there(model, &thread) {
                assert_eq!(signals.next_delivery(tid(thread), PLAIN, NOW), None);
                return;
            }
            let expected = model.deliver(thread);
            match signals.next_delivery(tid(thread), PLAIN, NOW) {
                None => assert_eq!(expected, None),
                Some(Delivery::Terminate(exit)) => {
                    assert_eq!(expected.unwrap().1, WhatFollows::Terminate(exit));
                }
                Some(Delivery::Stop(signal)) => {
                    assert_eq!(expected.unwrap().1, WhatFollows::Stop(signal));
                }
                Some(Delivery::Handler { signal, return_mask, .. }) => {
                    let woken = WhatFollows::Wake(tid(thread));
                    assert_eq!(expected, Some((serial(signal.cause), woken, return_mask)));
                }
            }
        }
        Step::Take(thread, wanted) => {
            if is_there(model, &thread) {
                let unstoppable = SignalSet::UNSTOPPABLE;
                let expected = model.take(thread, |signal| {
                    wanted.contains(signal) && !unstoppable.contains(signal)
                });
                let taken = signals.take_awaited(tid(thread), wanted, NOW);
                assert_eq!(taken.map(|it| serial(it.cause)), expected.map(|it| it.serial));
            }
        }
        Step::AddThread(thread) => {
            signals.add_thread(tid(thread), SignalSet::EMPTY).unwrap();
            model.masks.entry(thread).or_default();
        }
        Step::RemoveThread(thread) => {
            // A process without threads has no use for signals.
            if model.masks.len() > 1 {
                signals.remove_thread(tid(thread));
                model.masks.remove(&thread);
                model.waiting.retain(|it| it.target != Some(thread));
            }
        }
    }
}

fn check(signals: &ProcessSignals, model: &Model) {
    for (thread, mask) in &model.masks {
        assert_eq!(signals.mask(tid(*thread)), *mask);
        let pending: BTreeSet<Signal> = model
            .waiting
            .iter()
            .filter(|it| it.target.is_none_or(|target| target == *thread))
            .map(|it| it.signal)
            .collect();
        let blocked: Vec<Signal> = signals.pending(tid(*thread)).iter().collect();
        assert!(blocked.iter().eq(pending.iter().filter(|signal| mask.contains(**signal))));
        let has_work = pending.iter().any(|signal| !mask.contains(*signal));
        assert_eq!(signals.has_work(tid(*thread)), has_work);
    }
    for signal in model.asked.keys() {
        assert_eq!(signals.disposition(*signal), disposition(model.asked(*signal)));
    }
    let woken: Vec<Tid> = std::iter::successors(signals.next_thread_with_work(None), |tid| {
        signals.next_thread_with_work(Some(*tid))
    })
    .collect();
    let expected = model.masks.keys().map(|it| tid(*it)).filter(|it| signals.has_work(*it));
    assert!(expected.eq(woken));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    // proves: P6
    #[test]
    fn signals_are_a_list_of_sendings(steps in proptest::collection::vec(step(), 0..120)) {
        let mut signals = ProcessSignals::new(tid(0), SignalSet::EMPTY).unwrap();
        let mut model = Model::default();
        model.masks.insert(0, SignalSet::EMPTY);
        for step in steps {
            run(&mut signals, &mut model, step);
            check(&signals, &model);
        }
        let usage = signals.usage();
        prop_assert_eq!(usage.received, model.serial);
        prop_assert!(usage.handled + usage.ignored <= usage.received);
        prop_assert!(signals.recent().count() <= 16);
    }
}
