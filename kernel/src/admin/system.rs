//! The system as a whole, its CPUs, memory and interrupts.

use alloc::vec::Vec;

use admin_api::types::{
    Cpu, CpuState, CpuSummary, CpuTimes, Disk, DiskState, HeapUsage, Hundredths, InterruptKind,
    InterruptLine, IpiCounts, Memory, MemoryByUse, MemoryNode, MemorySummary, Numa,
    NumaAllocations, NumaDistance, NumaMemory, NumaNode, ProcessCounts, System, Text, Victim,
};
use drivers::virtio::BlockCounters;
use hal::cpu::CpuStatistics;
use hal::trap;
use ksync::Counter;
use process_core::{Pid, StateName};

use super::facts::Facts;
use super::{convert, sampler};
use crate::disk::{self, Condition};
use crate::process::{self, Totals};
use crate::{interrupts, scheduler};

const PAGE_BYTES: u64 = 4096;

pub(super) fn system(facts: &Facts, command_line: Text) -> System {
    let uptime_ns = hal::time::now_ns();
    let online = hal::cpu::online();
    let busy: u64 = (0..online).map(|cpu| u64::from(sampler::busy_percent(cpu).0)).sum();
    let totals = process::totals();
    let (total_bytes, free_bytes) = memory_sizes(facts);
    System {
        name: "MultiOS".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        architecture: "x86_64".into(),
        hypervisor: facts.hypervisor.clone(),
        command_line,
        boot_id: facts.boot_id.clone(),
        booted_at: convert::timestamp(hal::time::wall_at_ns(0)),
        now: convert::timestamp(hal::time::wall_at_ns(uptime_ns)),
        uptime_ns,
        cpus: CpuSummary {
            present: facts.cpu_count(),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            model: facts.model.clone(),
            busy_percent: Hundredths(
                u32::try_from(busy / online.max(1) as u64).unwrap_or(u32::MAX),
            ),
        },
        memory: MemorySummary { total_bytes, used_bytes: total_bytes - free_bytes, free_bytes },
        load: sampler::load(),
        processes: process_counts(&totals),
        threads: totals.threads,
        services: super::services::counts(),
        disk: disk(),
    }
}

fn disk() -> Option<Disk> {
    let known = disk::state();
    let state = match known.condition {
        Condition::Absent => return None,
        Condition::Opening => DiskState::Opening,
        Condition::InUse => DiskState::InUse,
        Condition::Refused => DiskState::Refused,
        Condition::Failed => DiskState::Failed,
    };
    let count =
        |of: fn(&BlockCounters) -> &Counter| disk::counters().map_or(0, |all| of(all).get());
    Some(Disk {
        state,
        reason: known.reason.map(Into::into),
        size_bytes: known.size_bytes,
        capacity_bytes: known.figures.capacity_bytes,
        used_bytes: known.figures.used_bytes,
        records: known.figures.records,
        damaged: known.gaps,
        reads: count(|all| &all.reads),
        read_bytes: count(|all| &all.read_bytes),
        writes: count(|all| &all.writes),
        written_bytes: count(|all| &all.written_bytes),
        flushes: count(|all| &all.flushes),
        errors: count(|all| &all.errors),
    })
}

fn process_counts(totals: &Totals) -> ProcessCounts {
    let (_, defunct) = process::counts();
    let of = |state: StateName| totals.states[state as usize];
    ProcessCounts {
        total: totals.states.iter().sum(),
        new: of(StateName::New),
        ready: of(StateName::Ready),
        running: of(StateName::Running),
        blocked: of(StateName::Blocked),
        suspended: of(StateName::Suspended),
        terminated: of(StateName::Terminated),
        zombie: of(StateName::Zombie),
        defunct: u32::try_from(defunct).unwrap_or(u32::MAX),
    }
}

pub(super) fn cpu(facts: &Facts, id: u32) -> Option<Cpu> {
    let index = usize::try_from(id).ok()?;
    let Some(failed) = index.checked_sub(hal::cpu::online()) else {
        return online_cpu(facts, id, index);
    };
    let apic_id = *facts.failed_apic_ids.get(failed)?;
    Some(Cpu {
        id,
        state: CpuState::Failed,
        apic_id,
        node: 0,
        model: facts.model.clone(),
        times: CpuTimes::default(),
        busy_percent: Hundredths(0),
        run_queue_length: 0,
        current_pid: None,
        context_switches: 0,
        migrations_in: 0,
        interrupts: 0,
        timer_interrupts: 0,
        ipis: IpiCounts::default(),
        tlb_shootdowns: 0,
    })
}

fn online_cpu(facts: &Facts, id: u32, index: usize) -> Option<Cpu> {
    let statistics = hal::cpu::statistics(index)?;
    let figures = scheduler::figures(index)?;
    let vector = |number: u8| statistics.vectors[usize::from(number)].get();
    let waiting = figures.run_queue_length.saturating_sub(figures.running.is_some().into());
    Some(Cpu {
        id,
        state: CpuState::Online,
        apic_id: hal::cpu::apic_id(index)?,
        node: u32::try_from(figures.node).unwrap_or(0),
        model: facts.model.clone(),
        times: CpuTimes {
            user_ns: figures.user_ns,
            system_ns: figures.system_ns,
            interrupt_ns: figures.interrupt_ns,
            idle_ns: figures.idle_ns,
        },
        busy_percent: sampler::busy_percent(index),
        run_queue_length: u32::try_from(waiting).unwrap_or(u32::MAX),
        current_pid: figures.running.map(Pid::number),
        context_switches: figures.switches,
        migrations_in: figures.steals,
        interrupts: statistics.vectors.iter().map(ksync::Counter::get).sum(),
        timer_interrupts: vector(trap::TIMER_VECTOR),
        ipis: IpiCounts {
            sent: statistics.ipis_sent.get(),
            received: vector(trap::RESCHEDULE_VECTOR) + vector(hal::paging::SHOOTDOWN_VECTOR),
        },
        tlb_shootdowns: statistics.shootdowns_received.get(),
    })
}

/// All that there is and what is free of it, in bytes. What the allocator does not manage, the image
/// and the initial file system, counts as there and used.
fn memory_sizes(facts: &Facts) -> (u64, u64) {
    let frames = hal::frame::figures();
    let outside = hal::boot::image_bytes() + pages(facts.initrd_bytes);
    (frames.total_bytes + outside, frames.free_bytes.min(frames.total_bytes))
}

/// Bytes in whole pages.
fn pages(bytes: u64) -> u64 {
    bytes.next_multiple_of(PAGE_BYTES)
}

pub(super) fn memory(facts: &Facts) -> Memory {
    let heap = hal::heap::statistics();
    let paging = hal::paging::figures();
    let shared_bytes = hal::frame::figures().shared_bytes;
    let files_bytes = crate::fs::frame_bytes_of_files();
    let (total_bytes, free_bytes) = memory_sizes(facts);
    let used_bytes = total_bytes - free_bytes;
    // The figures are not taken at one moment: no part may exceed what is left, so that all of them
    // add up to what is used.
    let mut left = used_bytes;
    let mut part = |bytes: u64| {
        let part = bytes.min(left);
        left -= part;
        part
    };
    let by_use = MemoryByUse {
        kernel_image_bytes: part(hal::boot::image_bytes()),
        kernel_heap_bytes: part(heap.backing_bytes),
        kernel_stacks_bytes: part(paging.stack_bytes),
        page_tables_bytes: part(paging.table_bytes),
        files_bytes: part(pages(facts.initrd_bytes) + files_bytes),
        user_bytes: part(shared_bytes.saturating_sub(files_bytes)),
        other_bytes: left,
    };
    Memory {
        total_bytes,
        used_bytes,
        free_bytes,
        page_size_bytes: PAGE_BYTES,
        by_use,
        heap: HeapUsage {
            total_bytes: heap.backing_bytes,
            used_bytes: heap.in_use_bytes,
            allocations: heap.allocations,
            failures: heap.failures,
        },
        nodes: nodes(),
        next_victim: process::next_victim().map(victim),
    }
}

pub(super) fn interrupts() -> Vec<InterruptLine> {
    let all: Vec<&'static CpuStatistics> =
        (0..hal::cpu::online()).filter_map(hal::cpu::statistics).collect();
    (0..=u8::MAX)
        .filter_map(|vector| {
            let count = |cpu: &&CpuStatistics| cpu.vectors[usize::from(vector)].get();
            let total: u64 = all.iter().map(count).sum();
            (total > 0).then(|| InterruptLine {
                vector,
                name: Text::Static(interrupts::vector_name(vector)),
                kind: kind(vector),
                total,
                per_cpu: all.iter().map(count).collect(),
            })
        })
        .collect()
}

fn kind(vector: u8) -> InterruptKind {
    match vector {
        0..32 => InterruptKind::Exception,
        trap::TIMER_VECTOR => InterruptKind::Timer,
        trap::RESCHEDULE_VECTOR | hal::paging::SHOOTDOWN_VECTOR => InterruptKind::Ipi,
        trap::APIC_ERROR_VECTOR | trap::SPURIOUS_VECTOR => InterruptKind::Controller,
        _ => InterruptKind::Device,
    }
}

fn nodes() -> Vec<MemoryNode> {
    let node = |index| {
        let figures = hal::frame::node_figures(index);
        let (total_bytes, free_bytes) = (figures.total_bytes, figures.free_bytes);
        MemoryNode { id: figures.number, total_bytes, free_bytes }
    };
    (0..hal::frame::node_count()).map(node).collect()
}

fn victim(candidate: process_core::Candidate) -> Victim {
    // It may have ended at this moment.
    let name = process::name_of(candidate.pid).map(|name| convert::text(name.as_bytes()));
    Victim {
        pid: candidate.pid.number(),
        name: name.unwrap_or_default(),
        memory_bytes: candidate.resident_bytes,
    }
}

pub(super) fn numa() -> Numa {
    let count = hal::frame::node_count();
    let number = |index| hal::frame::node_figures(index).number;
    let node = |index| {
        let figures = hal::frame::node_figures(index);
        let belongs = |cpu: &usize| hal::frame::node_of_cpu(*cpu) == index;
        let cpus = (0..hal::cpu::online()).filter(belongs);
        let distance = |other| NumaDistance {
            node: number(other),
            distance: hal::frame::node_distance(index, other).into(),
        };
        NumaNode {
            id: figures.number,
            cpus: cpus.filter_map(|cpu| u32::try_from(cpu).ok()).collect(),
            distances: (0..count).map(distance).collect(),
            memory: NumaMemory {
                total_bytes: figures.total_bytes,
                used_bytes: figures.total_bytes.saturating_sub(figures.free_bytes),
                free_bytes: figures.free_bytes,
            },
            allocations: NumaAllocations {
                local_pages: figures.local_frames,
                foreign_pages: figures.foreign_frames,
            },
        }
    };
    Numa { nodes: (0..count).map(node).collect() }
}
