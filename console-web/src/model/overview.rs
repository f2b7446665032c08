//! The system's figures and how they went of late: [`Overview`].

use admin_api::types::{Cpu, CpuTimes, Memory, Network, Numa, System};

use crate::series::{Rate, Series};

/// Samples kept for each chart: five minutes at one a second.
const KEPT: usize = 300;

/// One reading of everything that the overview shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// When it was taken, by the browser's clock.
    pub at_ms: f64,
    /// The system as a whole.
    pub system: System,
    /// Every CPU.
    pub cpus: Vec<Cpu>,
    /// Physical memory.
    pub memory: Memory,
    /// Its nodes.
    pub numa: Numa,
    /// Interfaces and counters.
    pub network: Network,
}

/// How a CPU spent the time between two readings, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shares {
    /// In programs.
    pub user: f64,
    /// In the kernel.
    pub system: f64,
    /// In interrupt handlers.
    pub interrupt: f64,
    /// Doing nothing.
    pub idle: f64,
}

/// The newest reading and the charts' samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The newest reading.
    pub reading: Option<Reading>,
    /// All CPUs together, in percent.
    pub cpu: Series,
    /// Each CPU, in percent.
    pub cores: Vec<Series>,
    /// How all CPUs together spent the time between the last two readings.
    pub shares: Option<Shares>,
    /// Memory in use, in bytes.
    pub memory: Series,
    /// Bytes received a second, over all interfaces.
    pub received: Series,
    /// Bytes sent a second.
    pub sent: Series,
    /// Switches between threads a second, over all CPUs.
    pub switches: Option<f64>,
    /// When connections were turned away last, as far as was seen here.
    pub refused_ms: Option<f64>,
    /// When the kernel's heap was exhausted last, as far as was seen here.
    pub heap_failed_ms: Option<f64>,
    received_rate: Rate,
    sent_rate: Rate,
    switches_rate: Rate,
}

impl Default for Overview {
    fn default() -> Self {
        let series = || Series::new(KEPT);
        Self {
            reading: None,
            cpu: series(),
            cores: Vec::new(),
            shares: None,
            memory: series(),
            received: series(),
            sent: series(),
            switches: None,
            refused_ms: None,
            heap_failed_ms: None,
            received_rate: Rate::default(),
            sent_rate: Rate::default(),
            switches_rate: Rate::default(),
        }
    }
}

impl Overview {
    /// Takes in a reading. One of another boot starts everything afresh.
    #[must_use]
    pub fn with(&self, reading: Reading) -> Self {
        let is_same_boot = self
            .reading
            .as_ref()
            .is_some_and(|known| known.system.boot_id == reading.system.boot_id);
        let mut next = if is_same_boot { self.clone() } else { Self::default() };
        let at_ms = reading.at_ms;

        next.cpu.push(at_ms, reading.system.cpus.busy_percent.as_f64());
        next.cores.resize_with(reading.cpus.len(), || Series::new(KEPT));
        for (series, cpu) in next.cores.iter_mut().zip(&reading.cpus) {
            series.push(at_ms, cpu.busy_percent.as_f64());
        }
        next.memory.push(at_ms, reading.memory.used_bytes as f64);

        let interfaces = &reading.network.interfaces;
        let received = interfaces.iter().map(|interface| interface.received.bytes).sum();
        if let Some(rate) = next.received_rate.update(at_ms, received) {
            next.received.push(at_ms, rate);
        }
        let sent = interfaces.iter().map(|interface| interface.sent.bytes).sum();
        if let Some(rate) = next.sent_rate.update(at_ms, sent) {
            next.sent.push(at_ms, rate);
        }
        let switches = reading.cpus.iter().map(|cpu| cpu.context_switches).sum();
        next.switches = next.switches_rate.update(at_ms, switches).or(next.switches);

        if let Some(known) = &next.reading {
            if reading.network.tcp.refused > known.network.tcp.refused {
                next.refused_ms = Some(at_ms);
            }
            if reading.memory.heap.failures > known.memory.heap.failures {
                next.heap_failed_ms = Some(at_ms);
            }
        }
        let before = next.reading.as_ref().map(|known| total_times(&known.cpus));
        let shares = before.and_then(|before| shares(&before, &total_times(&reading.cpus)));
        next.shares = shares.or(next.shares);
        next.reading = Some(reading);
        next
    }
}

fn total_times(cpus: &[Cpu]) -> CpuTimes {
    let mut total = CpuTimes::default();
    for cpu in cpus {
        total.user_ns = total.user_ns.saturating_add(cpu.times.user_ns);
        total.system_ns = total.system_ns.saturating_add(cpu.times.system_ns);
        total.interrupt_ns = total.interrupt_ns.saturating_add(cpu.times.interrupt_ns);
        total.idle_ns = total.idle_ns.saturating_add(cpu.times.idle_ns);
    }
    total
}

fn shares(before: &CpuTimes, after: &CpuTimes) -> Option<Shares> {
    let user = after.user_ns.saturating_sub(before.user_ns) as f64;
    let system = after.system_ns.saturating_sub(before.system_ns) as f64;
    let interrupt = after.interrupt_ns.saturating_sub(before.interrupt_ns) as f64;
    let idle = after.idle_ns.saturating_sub(before.idle_ns) as f64;
    let all = user + system + interrupt + idle;
    if all <= 0.0 {
        return None;
    }
    let percent = |part: f64| part / all * 100.0;
    Some(Shares {
        user: percent(user),
        system: percent(system),
        interrupt: percent(interrupt),
        idle: percent(idle),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A healthy system with two CPUs, as the API writes it.
    pub(crate) fn reading(at_ms: f64) -> Reading {
        let cpu = |id: u32| {
            format!(
                r#"{{"id":{id},"state":"online","apic_id":{id},"node":0,"model":"T",
                "times":{{"user_ns":0,"system_ns":0,"interrupt_ns":0,"idle_ns":0}},
                "busy_percent":12.5,"run_queue_length":0,"current_pid":null,"context_switches":0,
                "migrations_in":0,"interrupts":0,"timer_interrupts":0,
                "ipis":{{"sent":0,"received":0}},"tlb_shootdowns":0}}"#
            )
        };
        Reading {
            at_ms,
            system: serde_json::from_str(
                r#"{"name":"MultiOS","version":"0.1.0","architecture":"x86_64","hypervisor":"TCG",
                "command_line":"","boot_id":"b1","booted_at":"2026-01-01T00:00:00Z",
                "now":"2026-01-01T00:01:00Z","uptime_ns":60000000000,
                "cpus":{"present":2,"online":2,"model":"T","busy_percent":12.5},
                "memory":{"total_bytes":1000,"used_bytes":400,"free_bytes":600},
                "load":{"one_minute":0,"five_minutes":0,"fifteen_minutes":0},
                "processes":{"total":3,"new":0,"ready":0,"running":1,"blocked":2,"suspended":0,
                "terminated":0,"zombie":0,"defunct":0},"threads":3}"#,
            )
            .unwrap(),
            cpus: serde_json::from_str(&format!("[{},{}]", cpu(0), cpu(1))).unwrap(),
            memory: Memory { total_bytes: 1000, used_bytes: 400, free_bytes: 600, ..Memory::default() },
            numa: Numa::default(),
            network: serde_json::from_str(
                r#"{"interfaces":[{"name":"eth0","driver":"virtio-net","mac_address":"52:54:00:12:34:56",
                "mtu_bytes":1500,"link_up":true,"addresses":[],"gateway":null,"dns_servers":[],
                "lease_expires_at":null,"received":{"bytes":1000,"packets":1,"dropped":0},
                "sent":{"bytes":500,"packets":1,"dropped":0}}],
                "tcp":{"listening":1,"established":1,"accepted":1,"refused":0},
                "http":{"connections":1,"requests":1,"malformed":0},
                "names":{"queries":0,"malformed":0,"local":0,"forwarded":0,"unanswered":0,"refused":0}}"#,
            )
            .unwrap(),
        }
    }

    #[test]
    fn counters_become_rates_and_times_become_shares() {
        let first = Overview::default().with(reading(1000.0));
        assert_eq!((first.cores.len(), first.received.last()), (2, None));
        let mut second = reading(3000.0);
        second.network.interfaces[0].received.bytes = 5000;
        second.cpus[0].times =
            CpuTimes { user_ns: 30, system_ns: 10, interrupt_ns: 10, idle_ns: 50 };
        second.cpus[1].times.idle_ns = 100;
        second.cpus[1].context_switches = 40;
        let overview = first.with(second);
        assert_eq!(overview.received.last().map(|sample| sample.value), Some(2000.0));
        assert_eq!(overview.switches, Some(20.0));
        let shares = overview.shares.unwrap();
        assert_eq!((shares.user, shares.system, shares.idle), (15.0, 5.0, 75.0));
        assert_eq!(overview.cpu.iter().count(), 2);
    }

    #[test]
    fn another_boot_starts_the_charts_afresh() {
        let first = Overview::default().with(reading(1000.0)).with(reading(2000.0));
        let mut rebooted = reading(3000.0);
        rebooted.system.boot_id = "b2".into();
        let overview = first.with(rebooted);
        assert_eq!(overview.cpu.iter().count(), 1);
        assert_eq!(overview.received.last(), None);
    }
}
