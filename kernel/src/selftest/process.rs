//! Programs: their ends, their output, signals, suspension, files that are no programs.

use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::{ExitStatus, Pid, Signal};
use vfs_core::FileError;

use super::Test;
use super::support::{
    Account, Outcome, PATIENCE_MS, check, eventually, fill_histories, probe, program, run,
    run_well, sleep_ms, start, wait_for,
};
use crate::memory::{self, FileBytes, Start};
use crate::process::{self, CreateError};
use crate::{fs, random};

pub(super) const TESTS: &[Test] = &[
    ("process_ends_with_status_and_output", ends_with_status_and_output),
    ("process_faults_end_in_signals", faults_end_in_signals),
    ("process_kill_ends_sleepers_and_spinners", kill_ends),
    ("process_suspension_stops_its_time", suspension_stops_its_time),
    ("process_malformed_programs_are_refused", malformed_are_refused),
    ("process_many_leave_nothing_behind", many_leave_nothing_behind),
];

const KILLED: ExitStatus = ExitStatus::by_signal(Signal::SIGKILL);

fn ends_with_status_and_output() -> Outcome {
    let ended = run_well(&program(&["/bin/echo", "hello", "world"])?)?;
    check!(ended.output == b"hello world\n", "echo wrote {:?}", ended.output);
    run_well(&program(&["/bin/true"])?)?;
    let exit = run(&program(&["/bin/false"])?)?.exit;
    check!(exit == ExitStatus::Code(1), "false ended with {exit:?}");
    let before = hal::time::now_ns();
    run_well(&program(&["/bin/sleep", "0.2"])?)?;
    let slept = hal::time::now_ns() - before;
    check!(slept >= 200_000_000, "sleep 0.2 took {slept} ns");
    let ended = run(&program(&["/bin/cat", "/no/such/file"])?)?;
    check!(ended.exit == ExitStatus::Code(1) && !ended.output.is_empty(), "{:?}", ended.exit);
    Ok(())
}

// proves: K6
fn faults_end_in_signals() -> Outcome {
    for (mode, signal) in [
        ("execute", Signal::SIGSEGV),
        ("code", Signal::SIGSEGV),
        ("kernel", Signal::SIGSEGV),
        ("privileged", Signal::SIGSEGV),
        ("divide", Signal::SIGFPE),
    ] {
        let exit = run(&probe(&[mode])?)?.exit;
        check!(exit == ExitStatus::by_signal(signal), "{mode} ended with {exit:?}");
    }
    Ok(())
}

/// Waits until a program has run for so long.
fn has_run(pid: Pid, ns: u64) -> bool {
    eventually(PATIENCE_MS, || cpu_ns(pid) >= ns)
}

fn cpu_ns(pid: Pid) -> u64 {
    process::snapshot(pid).map_or(0, |snapshot| snapshot.usage.cpu.total_ns())
}

fn kill(pid: Pid) -> Result<(), alloc::string::String> {
    process::terminate(pid, None).map_err(super::support::failed("kill"))
}

fn kill_ends() -> Outcome {
    let sleeper = program(&["/bin/sleep", "1000"])?;
    let spinner = probe(&["spin"])?;
    for round in 0..10 {
        let pids = [start(&sleeper)?, start(&spinner)?];
        // Sometimes right at the start, sometimes in the middle.
        if round % 2 == 1 {
            check!(has_run(pids[1], 1_000_000), "the spinner does not run");
        }
        for pid in pids {
            kill(pid)?;
            let exit = wait_for(pid, PATIENCE_MS)?.exit;
            check!(exit == KILLED, "round {round}: process {pid} ended with {exit:?}");
            check!(process::terminate(pid, None).is_err(), "process {pid} was killed twice");
        }
    }
    Ok(())
}

fn suspension_stops_its_time() -> Outcome {
    let pid = start(&probe(&["spin"])?)?;
    let outcome = suspend_and_resume(pid);
    kill(pid)?;
    let exit = wait_for(pid, PATIENCE_MS)?.exit;
    outcome?;
    check!(exit == KILLED, "it ended with {exit:?}");
    Ok(())
}

fn suspend_and_resume(pid: Pid) -> Outcome {
    for round in 0..5 {
        let wanted = cpu_ns(pid) + 2_000_000;
        check!(has_run(pid, wanted), "round {round}: it does not run");
        process::suspend(pid, None).map_err(super::support::failed("suspend"))?;
        check!(process::suspend(pid, None).is_err(), "round {round}: suspended twice");
        // It stops at its next border, which the call for it brings about.
        let is_still = eventually(2_000, || {
            let before = cpu_ns(pid);
            sleep_ms(30);
            cpu_ns(pid) == before
        });
        check!(is_still, "round {round}: a suspended process goes on");
        process::resume(pid, None).map_err(super::support::failed("resume"))?;
        check!(process::resume(pid, None).is_err(), "round {round}: resumed twice");
    }
    let wanted = cpu_ns(pid) + 2_000_000;
    check!(has_run(pid, wanted), "a resumed process does not go on");
    Ok(())
}

/// Loads these bytes as a program would be; whether that worked.
fn loads(bytes: &[u8]) -> bool {
    let arguments: [&[u8]; 1] = [b"x"];
    let start = Start {
        path: b"/x",
        arguments: &arguments,
        environment: &[],
        uid: 0,
        gid: 0,
        memory_bytes: 64 << 20,
        stack_bytes: 1 << 20,
        group: None,
    };
    memory::load(&FileBytes::Copy(Arc::from(bytes.to_vec())), &start).is_ok()
}

fn malformed_are_refused() -> Outcome {
    let good = program(&["/bin/busybox"])?;
    let missing = process::create(&process::NewProgram { path: b"/no".to_vec(), ..good.clone() });
    check!(
        matches!(missing, Err(CreateError::File(FileError::NotFound))),
        "a missing file: {missing:?}"
    );
    let folder = process::create(&process::NewProgram { path: b"/bin".to_vec(), ..good.clone() });
    check!(matches!(folder, Err(CreateError::File(_))), "a folder: {folder:?}");
    let file = fs::program(&good.path).map_err(super::support::failed("busybox"))?;
    let mut bytes = alloc::vec![0; usize::try_from(file.len()).unwrap_or(0)];
    check!(file.read(0, &mut bytes) == bytes.len(), "busybox cannot be read");
    let bytes = bytes.as_slice();
    check!(loads(bytes), "busybox does not load");
    let head: Vec<u8> = bytes[..bytes.len().min(64 << 10)].to_vec();
    let before = Account::now();
    for len in [0, 1, 4, 63, 64, 100, 400] {
        check!(!loads(&bytes[..len.min(bytes.len())]), "{len} bytes of a program load");
    }
    check!(!loads(b"#!/bin/sh\necho\n"), "a script loads");
    // Headers with a few bytes changed: loaded or refused, but without harm.
    let seed = random::number();
    let mut state = seed | 1;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap_or(0) % below.max(1)
    };
    let mut refused = 0;
    for _ in 0..200 {
        let mut changed = head.clone();
        for _ in 0..=next(3) {
            let at = next(0x200);
            if let (Some(byte), Ok(value)) = (changed.get_mut(at), u8::try_from(next(256))) {
                *byte = value;
            }
        }
        refused += u32::from(!loads(&changed));
    }
    check!(refused > 0, "no changed header is refused, seed {seed:#x}");
    before.is_settled(0).map_err(|why| alloc::format!("{why}, seed {seed:#x}"))?;
    Ok(())
}

/// Five hundred programs, some at a time.
fn many_leave_nothing_behind() -> Outcome {
    const AT_A_TIME: usize = 10;
    let quick = probe(&["nothing"])?;
    let batch = || -> Result<(), alloc::string::String> {
        let pids: Vec<Pid> = (0..AT_A_TIME).map(|_| start(&quick)).collect::<Result<_, _>>()?;
        for pid in pids {
            let exit = wait_for(pid, PATIENCE_MS)?.exit;
            check!(exit == ExitStatus::Code(0), "process {pid} ended with {exit:?}");
        }
        Ok(())
    };
    fill_histories()?;
    batch()?;
    let before = Account::now();
    for _ in 0..50 {
        batch()?;
    }
    // The history remembers programs instead of threads now, which have longer arguments.
    Ok(before.is_settled(256 << 10)?)
}
