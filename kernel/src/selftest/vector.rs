//! Programs' vector registers across switches.

use alloc::vec::Vec;

use process_core::ExitStatus;

use super::Test;
use super::support::{Outcome, PATIENCE_MS, check, only, probe, start, wait_for};

pub(super) const TESTS: &[Test] = &[
    ("vector_registers_survive_preemption", survive_preemption),
    ("vector_registers_survive_migration", survive_migration),
];

/// Programs on one CPU that take it from each other, each with values of its own.
// proves: K2
fn survive_preemption() -> Outcome {
    keep_registers(3, |_| 0)?;
    Ok(())
}

/// More programs than CPUs, free to move.
// proves: K2
fn survive_migration() -> Outcome {
    super::support::need_several_cpus()?;
    keep_registers(hal::cpu::online() + 1, |_| usize::MAX)
}

fn keep_registers(count: usize, cpu_of: impl Fn(usize) -> usize) -> Outcome {
    let mut pids = Vec::new();
    for index in 0..count {
        let seed = alloc::format!("{}", index + 1);
        let mut program = probe(&["vector", &seed, "12"])?;
        let cpu = cpu_of(index);
        if cpu < hal::cpu::online() {
            program.affinity = only(cpu);
        }
        pids.push(start(&program)?);
    }
    let mut switches = 0;
    for pid in pids {
        let ended = wait_for(pid, 3 * PATIENCE_MS)?;
        let output = alloc::string::String::from_utf8_lossy(&ended.output).into_owned();
        check!(ended.exit == ExitStatus::Code(0), "{:?}, {output:?}", ended.exit);
        switches += ended.last.usage.involuntary_switches;
    }
    check!(switches >= count as u64, "{count} programs were preempted {switches} times only");
    Ok(())
}
