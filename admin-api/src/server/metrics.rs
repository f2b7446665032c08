//! `/metrics`: OpenMetrics 1.0 text, as Prometheus scrapes it.

use alloc::string::String;
use core::fmt::{self, Display, Write as _};

use crate::backend::Backend;
use crate::types::{Cpu, CpuState, Hundredths};

use super::{disk_metrics, service_metrics};

/// The media type of OpenMetrics text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes all metrics.
pub(crate) fn render(backend: &impl Backend) -> String {
    let mut metrics = Metrics { text: String::with_capacity(8 * 1024) };
    // Writing into a string can't fail.
    let _ = write_all(&mut metrics, backend);
    metrics.text.push_str("# EOF\n");
    metrics.text
}

/// The text so far.
pub(crate) struct Metrics {
    text: String,
}

/// Nanoseconds as seconds, without floating point.
pub(crate) struct Seconds(pub(crate) u64);

impl Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// A percentage as a ratio: 12.50 % is 0.1250.
struct Ratio(Hundredths);

impl Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:04}", self.0.0 / 10_000, self.0.0 % 10_000)
    }
}

/// A label's value, escaped.
pub(crate) struct Label<'l>(pub(crate) &'l str);

impl Display for Label<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => formatter.write_str("\\\\")?,
                '"' => formatter.write_str("\\\"")?,
                '\n' => formatter.write_str("\\n")?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

impl Metrics {
    /// Begins a family of samples.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        writeln!(self.text, "# TYPE multios_{name} {kind}\n# HELP multios_{name} {help}")
    }

    /// Writes a sample.
    pub(crate) fn sample(
        &mut self,
        name: &str,
        labels: fmt::Arguments<'_>,
        value: impl Display,
    ) -> fmt::Result {
        writeln!(self.text, "multios_{name}{labels} {value}")
    }

    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) -> fmt::Result {
        self.family(name, "gauge", help)?;
        self.sample(name, format_args!(""), value)
    }

    pub(crate) fn counter(&mut self, name: &str, help: &str, value: impl Display) -> fmt::Result {
        self.family(name, "counter", help)?;
        writeln!(self.text, "multios_{name}_total {value}")
    }
}

fn write_all(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    write_system(metrics, backend)?;
    write_cpus(metrics, backend)?;
    write_memory(metrics, backend)?;
    write_interrupts(metrics, backend)?;
    write_network(metrics, backend)?;
    disk_metrics::write(metrics, backend)?;
    service_metrics::write(metrics, backend)
}

fn write_system(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    let system = backend.system();
    metrics.family("build", "info", "The kernel.")?;
    let labels = format_args!(
        "{{version=\"{}\",architecture=\"{}\"}}",
        Label(&system.version),
        Label(&system.architecture)
    );
    metrics.sample("build_info", labels, 1)?;
    metrics.gauge("uptime_seconds", "Time since the kernel started.", Seconds(system.uptime_ns))?;
    metrics.family("load", "gauge", "Average number of threads that run or want to.")?;
    for (minutes, load) in [
        (1, system.load.one_minute),
        (5, system.load.five_minutes),
        (15, system.load.fifteen_minutes),
    ] {
        metrics.sample("load", format_args!("{{minutes=\"{minutes}\"}}"), load)?;
    }
    metrics.family("processes", "gauge", "Processes by state.")?;
    let counts = system.processes;
    for (state, count) in [
        ("new", counts.new),
        ("ready", counts.ready),
        ("running", counts.running),
        ("blocked", counts.blocked),
        ("suspended", counts.suspended),
        ("terminated", counts.terminated),
        ("zombie", counts.zombie),
        ("defunct", counts.defunct),
    ] {
        metrics.sample("processes", format_args!("{{state=\"{state}\"}}"), count)?;
    }
    metrics.gauge("threads", "Threads of all processes.", system.threads)
}

fn write_cpus(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    /// A counter of each CPU: name, help, and where it comes from.
    type CpuCounter = (&'static str, &'static str, fn(&Cpu) -> u64);
    const COUNTERS: &[CpuCounter] = &[
        ("cpu_context_switches", "Switches between threads.", |cpu| cpu.context_switches),
        ("cpu_migrations", "Threads taken from other CPUs.", |cpu| cpu.migrations_in),
        ("cpu_interrupts", "Interrupts of all vectors.", |cpu| cpu.interrupts),
        ("cpu_timer_interrupts", "Interrupts of the CPU's timer.", |cpu| cpu.timer_interrupts),
        ("cpu_ipis_sent", "Interrupts sent to other CPUs.", |cpu| cpu.ipis.sent),
        ("cpu_ipis_received", "Interrupts from other CPUs.", |cpu| cpu.ipis.received),
        ("cpu_tlb_shootdowns", "TLB shoot-downs for other CPUs.", |cpu| cpu.tlb_shootdowns),
    ];
    let cpus: alloc::vec::Vec<Cpu> =
        (0..backend.cpu_count()).filter_map(|id| backend.cpu(id)).collect();
    metrics.family("cpu_online", "gauge", "Whether the CPU runs.")?;
    for cpu in &cpus {
        let is_online = u8::from(cpu.state == CpuState::Online);
        metrics.sample("cpu_online", format_args!("{{cpu=\"{}\"}}", cpu.id), is_online)?;
    }
    metrics.family("cpu_busy_ratio", "gauge", "Share of time not idle, of late.")?;
    for cpu in &cpus {
        let labels = format_args!("{{cpu=\"{}\"}}", cpu.id);
        metrics.sample("cpu_busy_ratio", labels, Ratio(cpu.busy_percent))?;
    }
    metrics.family("cpu_run_queue_length", "gauge", "Threads ready to run.")?;
    for cpu in &cpus {
        let labels = format_args!("{{cpu=\"{}\"}}", cpu.id);
        metrics.sample("cpu_run_queue_length", labels, cpu.run_queue_length)?;
    }
    metrics.family("cpu_seconds", "counter", "Time by kind.")?;
    for cpu in &cpus {
        for (kind, time_ns) in [
            ("user", cpu.times.user_ns),
            ("system", cpu.times.system_ns),
            ("interrupt", cpu.times.interrupt_ns),
            ("idle", cpu.times.idle_ns),
        ] {
            let labels = format_args!("{{cpu=\"{}\",kind=\"{kind}\"}}", cpu.id);
            metrics.sample("cpu_seconds_total", labels, Seconds(time_ns))?;
        }
    }
    for (name, help, value) in COUNTERS {
        metrics.family(name, "counter", help)?;
        for cpu in &cpus {
            writeln!(metrics.text, "multios_{name}_total{{cpu=\"{}\"}} {}", cpu.id, value(cpu))?;
        }
    }
    Ok(())
}

fn write_memory(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    let memory = backend.memory();
    metrics.gauge("memory_total_bytes", "Memory of the machine.", memory.total_bytes)?;
    metrics.gauge("memory_free_bytes", "Free memory.", memory.free_bytes)?;
    metrics.family("memory_used_bytes", "gauge", "Used memory by use.")?;
    let by_use = memory.by_use;
    for (kind, bytes) in [
        ("kernel_image", by_use.kernel_image_bytes),
        ("kernel_heap", by_use.kernel_heap_bytes),
        ("kernel_stacks", by_use.kernel_stacks_bytes),
        ("page_tables", by_use.page_tables_bytes),
        ("user", by_use.user_bytes),
        ("files", by_use.files_bytes),
        ("other", by_use.other_bytes),
    ] {
        metrics.sample("memory_used_bytes", format_args!("{{use=\"{kind}\"}}"), bytes)?;
    }
    metrics.gauge("heap_total_bytes", "The kernel's heap.", memory.heap.total_bytes)?;
    metrics.gauge("heap_used_bytes", "Handed out of the kernel's heap.", memory.heap.used_bytes)?;
    metrics.counter("heap_allocations", "Allocations.", memory.heap.allocations)?;
    metrics.counter("heap_failures", "Allocations that failed.", memory.heap.failures)
}

fn write_interrupts(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    metrics.family("interrupts", "counter", "Interrupts by vector.")?;
    for line in backend.interrupts() {
        let labels = format_args!("{{vector=\"{}\",name=\"{}\"}}", line.vector, Label(&line.name));
        metrics.sample("interrupts_total", labels, line.total)?;
    }
    Ok(())
}

fn write_network(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    let network = backend.network();
    for (name, help) in [
        ("network_bytes", "Bytes by interface and direction."),
        ("network_packets", "Packets by interface and direction."),
        ("network_dropped", "Packets given up, by interface and direction."),
    ] {
        metrics.family(name, "counter", help)?;
        for interface in &network.interfaces {
            for (direction, counters) in
                [("received", &interface.received), ("sent", &interface.sent)]
            {
                let value = match name {
                    "network_bytes" => counters.bytes,
                    "network_packets" => counters.packets,
                    _ => counters.dropped,
                };
                writeln!(
                    metrics.text,
                    "multios_{name}_total{{interface=\"{}\",direction=\"{direction}\"}} {value}",
                    Label(&interface.name)
                )?;
            }
        }
    }
    let (tcp, http, names) = (network.tcp, network.http, network.names);
    metrics.gauge("tcp_established", "Open TCP connections.", tcp.established)?;
    metrics.counter("tcp_accepted", "TCP connections accepted.", tcp.accepted)?;
    metrics.counter("tcp_refused", "TCP connections turned away.", tcp.refused)?;
    metrics.gauge("http_connections", "Open HTTP connections.", http.connections)?;
    metrics.counter("http_requests", "HTTP requests answered.", http.requests)?;
    metrics.counter("http_malformed", "HTTP requests refused as malformed.", http.malformed)?;
    metrics.counter("name_queries", "Messages to the name server.", names.queries)?;
    metrics.counter("name_malformed", "Of these, what was no question.", names.malformed)?;
    metrics.counter("name_local", "Names answered by the kernel.", names.local)?;
    metrics.counter("name_forwarded", "Names asked of other servers.", names.forwarded)?;
    metrics.counter("name_unanswered", "Of these, what no server answered.", names.unanswered)?;
    metrics.counter("name_refused", "Names turned away for lack of room.", names.refused)
}
