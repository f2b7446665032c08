//! Shutting down and rebooting: services in their order, then the other programs, then the machine.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use admin_api::backend::{ApiError, Caller};
use admin_api::types::PowerAction;
use process_core::{BlockReason, Isolation, Pid, Priority};

use crate::events::{self, Kind};
use crate::{process, scheduler};

/// How long a program has between SIGTERM and SIGKILL.
const GRACE_MS: u32 = 5000;
/// After this time the machine goes down whatever still lives.
const LONGEST_NS: u64 = 7_000_000_000;
/// What the answer needs at the most to reach the client.
const ANSWER_NS: u64 = 200_000_000;
/// How often is looked who still lives.
const LOOK_NS: u64 = 20_000_000;
/// The interpreter of the firmware's byte code, which knows how to power off, goes deep.
const STACK_BYTES: u64 = 128 * 1024;

static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// Whether the system is going down.
pub(super) fn has_begun() -> bool {
    HAS_BEGUN.load(Ordering::Relaxed)
}

/// Begins to shut down or reboot, by a thread of its own.
///
/// # Errors
/// [`ApiError::Conflict`] when it has begun already, [`ApiError::SystemError`].
pub(super) fn begin(caller: &Caller, action: PowerAction) -> Result<(), ApiError> {
    begin_for(&caller.user, action)
}

fn begin_for(actor: &str, action: PowerAction) -> Result<(), ApiError> {
    // Only this flag is shared: whoever sets it first has begun.
    if HAS_BEGUN.swap(true, Ordering::Relaxed) {
        return Err(ApiError::Conflict("The system is going down already.".into()));
    }
    let main = Box::new(move || carry_out(action));
    match process::spawn_kernel_thread("power", Priority::High, STACK_BYTES, main) {
        Ok(_) => {
            let what = match action {
                PowerAction::Shutdown => "shuts down",
                PowerAction::Reboot => "reboots",
            };
            crate::info!("system: {what}, as {actor} wants");
            events::publish(
                Kind::SystemChanged,
                None,
                Some(actor),
                format_args!("The system {what}."),
            );
            Ok(())
        }
        Err(error) => {
            HAS_BEGUN.store(false, Ordering::Relaxed);
            Err(ApiError::SystemError(format!("{error}").into()))
        }
    }
}

/// What a program wants of the machine: reboot(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// To go off.
    Off,
    /// To start again.
    Reboot,
}

/// As an operator's wish, a program's.
///
/// # Errors
/// When the system is going down already, or nothing can be begun.
pub fn go_down(power: Power, actor: &str) -> Result<(), ApiError> {
    begin_for(
        actor,
        match power {
            Power::Off => PowerAction::Shutdown,
            Power::Reboot => PowerAction::Reboot,
        },
    )
}

fn carry_out(action: PowerAction) {
    let answered_ns = hal::time::now_ns() + ANSWER_NS;
    crate::service::stop_all();
    end_programs();
    while scheduler::park_until(BlockReason::Sleep, answered_ns) {}
    let reason: String = match action {
        PowerAction::Shutdown => match hal::acpi::power_off() {
            Ok(never) => match never {},
            Err(error) => format!("{error}"),
        },
        PowerAction::Reboot => hal::acpi::reset(),
    };
    crate::error!("system: the machine stays on: {reason}");
    let text = format_args!("The machine stays on: {reason}");
    events::publish(Kind::SystemChanged, None, None, text);
    HAS_BEGUN.store(false, Ordering::Relaxed);
}

/// Asks all programs to end, and waits until they have.
fn end_programs() {
    let deadline_ns = hal::time::now_ns() + LONGEST_NS;
    let mut asked = BTreeSet::new();
    loop {
        let living = programs();
        if living.is_empty() || hal::time::now_ns() >= deadline_ns {
            return;
        }
        for pid in living {
            // One that was started meanwhile is asked, too; one that has ended need not be.
            if asked.insert(pid) {
                let _ = process::terminate_gracefully(pid, GRACE_MS, None);
            }
        }
        scheduler::park_until(BlockReason::Sleep, hal::time::now_ns() + LOOK_NS);
    }
}

/// The programs that live.
fn programs() -> Vec<Pid> {
    const PAGE: usize = 256;
    let mut programs = Vec::new();
    let mut after = 0;
    loop {
        let mut seen = 0;
        process::rows_after(after, PAGE, |row| {
            seen += 1;
            after = row.pid.number();
            if row.profile.isolation != Isolation::Kernel && row.state.is_alive() {
                programs.push(row.pid);
            }
        });
        if seen < PAGE {
            return programs;
        }
    }
}
