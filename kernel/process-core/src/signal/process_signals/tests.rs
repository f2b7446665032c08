//! Rules of signal(7) one by one; the comparison with a model stands in `src/tests/signals.rs`.

use std::vec::Vec;

use crate::credentials::Uid;
use crate::error::ProcessError;
use crate::exit::ExitStatus;
use crate::ids::{Instant, Pid, Tid};
use crate::signal::{
    Delivery, Disposition, HandlerFlags, PendingSignal, ProcessSignals, Sent, Signal, SignalCause,
    SignalContext, SignalEffect, SignalHandler, SignalSet, SignalTarget, WhatFollows,
};

const MAIN: Tid = Tid::from_number(10);
const OTHER: Tid = Tid::from_number(11);
const NOW: Instant = Instant::from_nanoseconds(1);
const USER: SignalCause = SignalCause::User { pid: Pid::from_number(5), uid: Uid(0) };
const PLAIN: SignalContext = SignalContext { is_protected: false, is_orphaned: false };

fn signals() -> ProcessSignals {
    let mut signals = ProcessSignals::new(MAIN, SignalSet::EMPTY).unwrap();
    signals.add_thread(OTHER, SignalSet::EMPTY).unwrap();
    signals
}

fn send(signals: &mut ProcessSignals, signal: Signal) -> WhatFollows {
    send_as(signals, SignalTarget::Process, signal, USER, PLAIN).follows
}

fn send_as(
    signals: &mut ProcessSignals,
    target: SignalTarget,
    signal: Signal,
    cause: SignalCause,
    context: SignalContext,
) -> Sent {
    signals.send(target, PendingSignal { signal, cause }, context, NOW).unwrap()
}

fn handle(signals: &mut ProcessSignals, signal: Signal, flags: u64, mask: SignalSet) {
    let flags = HandlerFlags::from_bits(flags);
    let handler = SignalHandler { address: 0x1000, flags, mask, restorer: 0 };
    signals.set_disposition(signal, Disposition::Handler(handler)).unwrap();
}

fn delivered(signals: &mut ProcessSignals, tid: Tid) -> Option<Signal> {
    match signals.next_delivery(tid, PLAIN, NOW)? {
        Delivery::Handler { signal, .. } => Some(signal.signal),
        other => panic!("{other:?}"),
    }
}

// proves: P6
#[test]
fn a_default_action_needs_no_thread() {
    let mut signals = signals();
    assert_eq!(
        send(&mut signals, Signal::SIGTERM),
        WhatFollows::Terminate(ExitStatus::by_signal(Signal::SIGTERM))
    );
    assert_eq!(send(&mut signals, Signal::SIGTSTP), WhatFollows::Stop(Signal::SIGTSTP));
    assert_eq!(send(&mut signals, Signal::SIGCHLD), WhatFollows::Nothing);
    let usage = signals.usage();
    assert_eq!((usage.received, usage.handled, usage.ignored), (3, 2, 1));
    let effects: Vec<SignalEffect> = signals.recent().map(|record| record.effect).collect();
    assert_eq!(effects, [SignalEffect::Ignored, SignalEffect::Stopped, SignalEffect::Terminated]);
}

#[test]
fn nobody_catches_blocks_or_ignores_kill_and_stop() {
    let mut signals = signals();
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        assert!(matches!(
            signals.set_disposition(signal, Disposition::Ignore),
            Err(ProcessError::SignalNotSupported { .. })
        ));
    }
    let all = SignalSet::from_bits(u64::MAX);
    signals.set_mask(MAIN, all);
    signals.set_mask_for_wait(OTHER, all);
    assert_eq!(
        send(&mut signals, Signal::SIGKILL),
        WhatFollows::Terminate(ExitStatus::by_signal(Signal::SIGKILL))
    );
    assert_eq!(send(&mut signals, Signal::SIGSTOP), WhatFollows::Stop(Signal::SIGSTOP));
}

#[test]
fn a_blocked_signal_waits_and_goes_to_whoever_unblocks_it() {
    let mut signals = signals();
    handle(&mut signals, Signal::SIGUSR1, 0, SignalSet::EMPTY);
    let blocked = SignalSet::of(&[Signal::SIGUSR1]);
    signals.set_mask(MAIN, blocked);
    assert_eq!(send(&mut signals, Signal::SIGUSR1), WhatFollows::Wake(OTHER));
    signals.set_mask(OTHER, blocked);
    assert_eq!(signals.next_thread_with_work(None), None);
    assert_eq!(signals.pending(MAIN), blocked);
    signals.set_mask(MAIN, SignalSet::EMPTY);
    assert_eq!(signals.next_thread_with_work(None), Some(MAIN));
    assert_eq!(signals.next_thread_with_work(Some(MAIN)), None);
    assert_eq!(delivered(&mut signals, MAIN), Some(Signal::SIGUSR1));
    assert_eq!(delivered(&mut signals, MAIN), None);
}

#[test]
fn the_leaving_threads_work_is_another_ones() {
    let mut signals = signals();
    handle(&mut signals, Signal::SIGUSR1, 0, SignalSet::EMPTY);
    assert_eq!(send(&mut signals, Signal::SIGUSR1), WhatFollows::Wake(MAIN));
    signals.remove_thread(MAIN);
    assert_eq!(signals.next_thread_with_work(None), Some(OTHER));
    assert!(
        signals
            .send(
                SignalTarget::Thread(MAIN),
                PendingSignal { signal: Signal::SIGUSR1, cause: USER },
                PLAIN,
                NOW
            )
            .is_err()
    );
}

#[test]
fn stop_and_continue_cancel_each_other() {
    let mut signals = signals();
    let stop = SignalSet::of(&[Signal::SIGTSTP, Signal::SIGCONT]);
    signals.set_mask(MAIN, stop);
    signals.set_mask(OTHER, stop);
    send(&mut signals, Signal::SIGTSTP);
    assert!(signals.pending(MAIN).contains(Signal::SIGTSTP));
    let sent = send_as(&mut signals, SignalTarget::Process, Signal::SIGCONT, USER, PLAIN);
    assert!(sent.continues, "a blocked SIGCONT continues all the same");
    assert_eq!(signals.pending(MAIN), SignalSet::of(&[Signal::SIGCONT]));
    send(&mut signals, Signal::SIGSTOP);
    assert!(signals.pending(MAIN).is_empty());
}

#[test]
fn terminal_stops_do_not_reach_an_orphaned_group() {
    let mut signals = signals();
    let orphaned = SignalContext { is_orphaned: true, ..PLAIN };
    let target = SignalTarget::Process;
    let stop = |signals: &mut _, signal| send_as(signals, target, signal, USER, orphaned).follows;
    assert_eq!(stop(&mut signals, Signal::SIGTTIN), WhatFollows::Nothing);
    assert_eq!(stop(&mut signals, Signal::SIGSTOP), WhatFollows::Stop(Signal::SIGSTOP));
}

#[test]
fn init_is_protected_from_programs_only() {
    let mut signals = signals();
    let protected = SignalContext { is_protected: true, ..PLAIN };
    let target = SignalTarget::Process;
    let kill = |signals: &mut _, cause| {
        send_as(signals, target, Signal::SIGKILL, cause, protected).follows
    };
    assert_eq!(kill(&mut signals, USER), WhatFollows::Nothing);
    let ended = WhatFollows::Terminate(ExitStatus::by_signal(Signal::SIGKILL));
    assert_eq!(kill(&mut signals, SignalCause::Operator), ended);
    handle(&mut signals, Signal::SIGTERM, 0, SignalSet::EMPTY);
    let caught = send_as(&mut signals, target, Signal::SIGTERM, USER, protected).follows;
    assert_eq!(caught, WhatFollows::Wake(MAIN), "what it catches reaches it");
}

#[test]
fn a_handler_blocks_its_signal_and_returns_to_the_mask_before_the_wait() {
    let mut signals = signals();
    let usr2 = SignalSet::of(&[Signal::SIGUSR2]);
    handle(&mut signals, Signal::SIGUSR1, HandlerFlags::RESET_HANDLER, usr2);
    let before = SignalSet::of(&[Signal::SIGUSR1, Signal::SIGINT]);
    signals.set_mask(MAIN, before);
    signals.set_mask_for_wait(MAIN, SignalSet::EMPTY);
    assert_eq!(send(&mut signals, Signal::SIGUSR1), WhatFollows::Wake(MAIN));
    let Some(Delivery::Handler { return_mask, .. }) = signals.next_delivery(MAIN, PLAIN, NOW)
    else {
        panic!("no handler");
    };
    assert_eq!(return_mask, before);
    assert_eq!(signals.mask(MAIN), SignalSet::of(&[Signal::SIGUSR1, Signal::SIGUSR2]));
    assert_eq!(signals.disposition(Signal::SIGUSR1), Disposition::Default);
    signals.set_mask(MAIN, return_mask);
    signals.set_mask_for_wait(MAIN, usr2);
    signals.restore_mask_after_wait(MAIN);
    assert_eq!(signals.mask(MAIN), before);
}

#[test]
fn a_fault_cannot_be_put_off() {
    let cause = SignalCause::Fault { code: 1, address: 0xdead };
    let fault = PendingSignal { signal: Signal::SIGSEGV, cause };
    let ended = WhatFollows::Terminate(ExitStatus::by_signal(Signal::SIGSEGV));
    let mut signals = signals();
    assert_eq!(signals.raise_fault(MAIN, fault, NOW), ended);
    signals.set_disposition(Signal::SIGSEGV, Disposition::Ignore).unwrap();
    assert_eq!(signals.raise_fault(MAIN, fault, NOW), ended);
    handle(&mut signals, Signal::SIGSEGV, 0, SignalSet::EMPTY);
    handle(&mut signals, Signal::SIGHUP, 0, SignalSet::EMPTY);
    send(&mut signals, Signal::SIGHUP);
    assert_eq!(signals.raise_fault(OTHER, fault, NOW), WhatFollows::Wake(OTHER));
    assert_eq!(delivered(&mut signals, OTHER), Some(Signal::SIGSEGV));
    assert_eq!(signals.raise_fault(OTHER, fault, NOW), ended, "it is blocked in its handler");
}

#[test]
fn real_time_signals_queue_and_standard_ones_merge() {
    let mut signals = signals();
    let real_time = Signal::new(40).unwrap();
    let both = SignalSet::of(&[Signal::SIGUSR1, real_time]);
    signals.set_mask(MAIN, both);
    signals.set_mask(OTHER, both);
    for value in 0..3 {
        let cause = SignalCause::Queue { pid: Pid::INIT, uid: Uid(0), code: -1, value };
        for signal in [Signal::SIGUSR1, real_time] {
            send_as(&mut signals, SignalTarget::Process, signal, cause, PLAIN);
        }
    }
    let values: Vec<(Signal, u64)> = core::iter::from_fn(|| {
        let taken = signals.take_awaited(MAIN, both, NOW)?;
        match taken.cause {
            SignalCause::Queue { value, .. } => Some((taken.signal, value)),
            _ => None,
        }
    })
    .collect();
    assert_eq!(values, [(Signal::SIGUSR1, 0), (real_time, 0), (real_time, 1), (real_time, 2)]);
}

#[test]
fn a_waiting_call_is_woken_for_what_it_awaits() {
    let mut signals = signals();
    let awaited = SignalSet::of(&[Signal::SIGTERM]);
    signals.set_mask(MAIN, awaited);
    signals.set_mask(OTHER, awaited);
    signals.set_awaited(OTHER, awaited);
    assert_eq!(send(&mut signals, Signal::SIGTERM), WhatFollows::Wake(OTHER));
    assert_eq!(
        signals.take_awaited(OTHER, awaited, NOW).map(|taken| taken.signal),
        Some(Signal::SIGTERM)
    );
}

#[test]
fn fork_copies_dispositions_and_exec_drops_handlers() {
    let mut signals = signals();
    handle(&mut signals, Signal::SIGUSR1, 0, SignalSet::EMPTY);
    signals.set_disposition(Signal::SIGINT, Disposition::Ignore).unwrap();
    let mask = SignalSet::of(&[Signal::SIGUSR1]);
    signals.set_mask(OTHER, mask);
    send_as(&mut signals, SignalTarget::Thread(OTHER), Signal::SIGUSR1, USER, PLAIN);
    let child_thread = Tid::from_number(12);
    let mut child = signals.fork(OTHER, child_thread).unwrap();
    assert_eq!(child.mask(child_thread), mask);
    assert!(child.pending(child_thread).is_empty());
    assert_eq!(child.disposition(Signal::SIGUSR1), signals.disposition(Signal::SIGUSR1));
    child.reset_for_program();
    assert_eq!(child.disposition(Signal::SIGUSR1), Disposition::Default);
    assert_eq!(child.disposition(Signal::SIGINT), Disposition::Ignore);
}

#[test]
fn ignoring_drops_what_is_pending() {
    let mut signals = signals();
    let mask = SignalSet::of(&[Signal::SIGUSR1]);
    signals.set_mask(MAIN, mask);
    signals.set_mask(OTHER, mask);
    send(&mut signals, Signal::SIGUSR1);
    signals.set_disposition(Signal::SIGUSR1, Disposition::Ignore).unwrap();
    assert!(signals.pending(MAIN).is_empty());
    send(&mut signals, Signal::SIGUSR1);
    assert_eq!(signals.pending(MAIN), mask, "blocked, it stays: the program may change its mind");
}
