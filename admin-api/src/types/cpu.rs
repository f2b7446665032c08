//! One CPU: [`Cpu`].

use serde::{Deserialize, Serialize};

use super::{Hundredths, Text};

/// Whether a CPU works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CpuState {
    /// It runs a scheduler.
    Online,
    /// It was listed and did not start.
    Failed,
}

/// Nanoseconds that a CPU spent, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CpuTimes {
    /// In programs.
    pub user_ns: u64,
    /// In the kernel on behalf of threads.
    pub system_ns: u64,
    /// In interrupt handlers.
    pub interrupt_ns: u64,
    /// Halted, with nothing to do.
    pub idle_ns: u64,
}

/// Interrupts between CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IpiCounts {
    /// Sent by this CPU.
    pub sent: u64,
    /// Received by this CPU.
    pub received: u64,
}

/// One CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cpu {
    /// The kernel's number, from 0.
    pub id: u32,
    /// Whether it works.
    pub state: CpuState,
    /// The hardware's number.
    pub apic_id: u32,
    /// NUMA node.
    pub node: u32,
    /// Brand string of the processor.
    pub model: Text,
    /// Time by kind since it started.
    pub times: CpuTimes,
    /// How busy it was of late, in percent: everything but idle.
    pub busy_percent: Hundredths,
    /// Threads that are ready on its run queue, without the one running.
    pub run_queue_length: u32,
    /// The process that runs now; `null` when idle.
    pub current_pid: Option<u32>,
    /// Switches from one thread to another.
    pub context_switches: u64,
    /// Threads that this CPU took from others.
    pub migrations_in: u64,
    /// Interrupts of all vectors.
    pub interrupts: u64,
    /// Interrupts of its own timer.
    pub timer_interrupts: u64,
    /// Interrupts between CPUs.
    pub ipis: IpiCounts,
    /// TLB shoot-downs that it carried out for others.
    pub tlb_shootdowns: u64,
}
