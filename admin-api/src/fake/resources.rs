//! CPUs, memory, interrupts and network of the fake system.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use crate::types::{
    AddressSource, Class, Counters, Cpu, CpuState, CpuSummary, HeapUsage, HttpCounters, Hundredths,
    Interface, InterfaceAddress, InterruptKind, InterruptLine, IpiCounts, Isolation, Load, Memory,
    MemoryByUse, MemoryNode, MemorySummary, NameCounters, Network, Numa, NumaAllocations,
    NumaDistance, NumaMemory, NumaNode, ProcessCounts, ProcessState, System, TcpCounters, Victim,
};

use super::state::{CPUS, FakeBackend, MEMORY_BYTES, State};

const MODEL: &str = "Fake CPU for development";

impl FakeBackend {
    pub(super) fn describe_system(&self) -> System {
        let state = self.state.borrow();
        let memory = state.memory();
        let uptime_ns = self.clock.uptime_ns();
        let now = self.clock.now();
        let busy = state.cpu_busy.iter().sum::<u32>() / CPUS;
        let load = |index: usize| state.load_average(index);
        System {
            name: "MultiOS".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            architecture: "x86_64".into(),
            hypervisor: Some("fake".into()),
            command_line: "console=ttyS0".into(),
            boot_id: format!("{:016x}", 0x6d75_6c74_696f_735f_u64).into(),
            booted_at: crate::types::Timestamp::from_unix_ms(now.unix_ms() - uptime_ns / 1_000_000),
            now,
            uptime_ns,
            cpus: CpuSummary {
                present: CPUS,
                online: CPUS,
                model: MODEL.into(),
                busy_percent: Hundredths(busy),
            },
            memory: MemorySummary {
                total_bytes: memory.total_bytes,
                used_bytes: memory.used_bytes,
                free_bytes: memory.free_bytes,
            },
            load: Load { one_minute: load(0), five_minutes: load(1), fifteen_minutes: load(2) },
            processes: state.counts(),
            threads: u32::try_from(state.processes.len()).unwrap_or(u32::MAX),
            services: self.service_counts(),
            // Nothing outlives the process that fakes a system.
            disk: None,
        }
    }

    pub(super) fn describe_cpu(&self, id: u32) -> Option<Cpu> {
        let state = self.state.borrow();
        let index = id as usize;
        let times = *state.cpu_times.get(index)?;
        let on_cpu = |wanted| {
            state
                .processes
                .values()
                .filter(move |fake| fake.process.cpu == Some(id) && fake.process.state == wanted)
        };
        let switches = state.cpu_switches[index];
        Some(Cpu {
            id,
            state: CpuState::Online,
            apic_id: id,
            node: 0,
            model: MODEL.into(),
            times,
            busy_percent: Hundredths(state.cpu_busy[index]),
            run_queue_length: u32::try_from(on_cpu(ProcessState::Ready).count())
                .unwrap_or(u32::MAX),
            current_pid: on_cpu(ProcessState::Running).next().map(|fake| fake.process.pid),
            context_switches: switches,
            migrations_in: switches / 50,
            interrupts: switches * 3,
            timer_interrupts: switches * 2,
            ipis: IpiCounts { sent: switches / 4, received: switches / 5 },
            tlb_shootdowns: switches / 30,
        })
    }

    pub(super) fn describe_interrupts(&self) -> Vec<InterruptLine> {
        let state = self.state.borrow();
        let line = |vector, name: &'static str, kind, rate: u64| {
            let per_cpu: Vec<u64> =
                state.cpu_switches.iter().map(|switches| switches * rate / 10).collect();
            InterruptLine { vector, name: name.into(), kind, total: per_cpu.iter().sum(), per_cpu }
        };
        vec![
            line(14, "page fault", InterruptKind::Exception, 3),
            line(32, "timer", InterruptKind::Timer, 20),
            line(48, "virtio-net receive", InterruptKind::Device, 5),
            line(49, "virtio-net transmit", InterruptKind::Device, 4),
            line(240, "reschedule", InterruptKind::Ipi, 2),
            line(241, "TLB shoot-down", InterruptKind::Ipi, 1),
            line(255, "spurious", InterruptKind::Controller, 0),
        ]
    }

    pub(super) fn describe_network(&self) -> Network {
        let state = self.state.borrow();
        let packets = state.cpu_switches.iter().sum::<u64>() / 3;
        Network {
            interfaces: vec![Interface {
                name: "eth0".into(),
                driver: "virtio-net".into(),
                mac_address: "52:54:00:12:34:56".into(),
                mtu_bytes: 1500,
                link_up: true,
                addresses: vec![InterfaceAddress {
                    address: "10.0.2.15".into(),
                    prefix_length: 24,
                    source: AddressSource::Dhcp,
                }],
                gateway: Some("10.0.2.2".into()),
                dns_servers: vec!["10.0.2.3".into()],
                lease_expires_at: Some(crate::types::Timestamp::from_unix_ms(
                    self.clock.now().unix_ms() + 86_400_000,
                )),
                received: Counters { bytes: packets * 120, packets, dropped: 0 },
                sent: Counters { bytes: packets * 700, packets, dropped: 0 },
            }],
            tcp: TcpCounters {
                listening: 1,
                established: 2,
                accepted: packets / 40 + 1,
                refused: 0,
            },
            http: HttpCounters { connections: 2, requests: packets / 10, malformed: 0 },
            names: NameCounters { queries: 12, local: 4, forwarded: 8, ..NameCounters::default() },
        }
    }
}

impl State {
    pub(super) fn memory(&self) -> Memory {
        let user_bytes =
            self.processes.values().map(|fake| fake.process.usage.memory.current_bytes).sum();
        let by_use = MemoryByUse {
            kernel_image_bytes: 6 << 20,
            kernel_heap_bytes: 8 << 20,
            kernel_stacks_bytes: self.processes.len() as u64 * (16 << 10),
            page_tables_bytes: self.processes.len() as u64 * (20 << 10) + (1 << 20),
            user_bytes,
            files_bytes: 3 << 20,
            other_bytes: 2 << 20,
        };
        let used_bytes = by_use.kernel_image_bytes
            + by_use.kernel_heap_bytes
            + by_use.kernel_stacks_bytes
            + by_use.page_tables_bytes
            + by_use.user_bytes
            + by_use.files_bytes
            + by_use.other_bytes;
        let free_bytes = MEMORY_BYTES.saturating_sub(used_bytes);
        Memory {
            total_bytes: MEMORY_BYTES,
            used_bytes,
            free_bytes,
            page_size_bytes: 4096,
            by_use,
            heap: HeapUsage {
                total_bytes: 8 << 20,
                used_bytes: 3 << 20,
                allocations: self.cpu_switches.iter().sum::<u64>() * 7,
                failures: 0,
            },
            nodes: vec![MemoryNode { id: 0, total_bytes: MEMORY_BYTES, free_bytes }],
            next_victim: self.next_victim(),
        }
    }

    fn next_victim(&self) -> Option<Victim> {
        let programs = self
            .processes
            .values()
            .map(|fake| &fake.process)
            .filter(|process| process.exit.is_none() && process.isolation != Isolation::Kernel);
        let most = programs.max_by_key(|process| {
            let is_usual = (process.pid != 1, process.class != Class::System);
            (is_usual, process.usage.memory.current_bytes, process.pid)
        });
        most.map(|process| Victim {
            pid: process.pid,
            name: process.name.clone(),
            memory_bytes: process.usage.memory.current_bytes,
        })
    }

    pub(super) fn numa(&self) -> Numa {
        let memory = self.memory();
        Numa {
            nodes: vec![NumaNode {
                id: 0,
                cpus: (0..CPUS).collect(),
                distances: vec![NumaDistance { node: 0, distance: 10 }],
                memory: NumaMemory {
                    total_bytes: memory.total_bytes,
                    used_bytes: memory.used_bytes,
                    free_bytes: memory.free_bytes,
                },
                allocations: NumaAllocations {
                    local_pages: memory.heap.allocations,
                    foreign_pages: 0,
                },
            }],
        }
    }

    fn load_average(&self, index: usize) -> Hundredths {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a load is never negative, and there are at most 65,536 processes"
        )]
        let hundredths = (self.load[index] * 100.0) as u32;
        Hundredths(hundredths)
    }

    fn counts(&self) -> ProcessCounts {
        let mut counts = ProcessCounts {
            total: u32::try_from(self.processes.len()).unwrap_or(u32::MAX),
            defunct: u32::try_from(self.history.len()).unwrap_or(u32::MAX),
            ..ProcessCounts::default()
        };
        for fake in self.processes.values() {
            match fake.process.state {
                ProcessState::New => counts.new += 1,
                ProcessState::Ready => counts.ready += 1,
                ProcessState::Running => counts.running += 1,
                ProcessState::Blocked => counts.blocked += 1,
                ProcessState::Suspended => counts.suspended += 1,
                ProcessState::Terminated => counts.terminated += 1,
                ProcessState::Zombie => counts.zombie += 1,
                ProcessState::Defunct => {}
            }
        }
        counts
    }
}

/// The command line of a process.
pub(super) fn command_line(program: &str, args: &[String]) -> Vec<crate::types::Text> {
    let mut command = vec![String::from(program).into()];
    command.extend(args.iter().map(|arg| arg.clone().into()));
    command
}
