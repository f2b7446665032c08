//! What is wrong with the system, and what to do about it: [`findings`].

use admin_api::types::CpuState;

use super::overview::Overview;
use super::words::Tone;
use crate::format;

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A short name that stays the same while the finding does.
    pub id: &'static str,
    /// How bad it is.
    pub tone: Tone,
    /// What is wrong, in a few words.
    pub title: String,
    /// What that means and what to do.
    pub advice: String,
    /// Where to do it.
    pub link: Option<Link>,
}

/// A place in the console that helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The process list, those that use most CPU time first.
    ByCpu,
    /// The process list, those that use most memory first.
    ByMemory,
    /// The process list, zombies only.
    Zombies,
    /// The services.
    Services,
    /// The log.
    Log,
}

/// CPUs count as saturated when they were this busy for [`SATURATED_MS`] without a pause.
const SATURATED_PERCENT: f64 = 95.0;
const SATURATED_MS: f64 = 30_000.0;
/// What happened once is worth a word for so long; after that the figures still tell it.
const RECENT_MS: f64 = 300_000.0;
/// Fewer zombies than this are normal: a parent is about to ask for them.
const ZOMBIES: u32 = 10;

/// Looks through the figures; the worst first, nothing when all is well.
#[must_use]
pub fn findings(overview: &Overview) -> Vec<Finding> {
    let mut out = Vec::new();
    memory(overview, &mut out);
    cpus(overview, &mut out);
    network(overview, &mut out);
    processes(overview, &mut out);
    services(overview, &mut out);
    let disk = overview.reading.as_ref().and_then(|reading| reading.system.disk.as_ref());
    out.extend(disk.and_then(super::disk::finding));
    out.sort_by_key(|finding| finding.tone != Tone::Bad);
    out
}

fn services(overview: &Overview, out: &mut Vec<Finding>) {
    let Some(reading) = &overview.reading else { return };
    let (title, advice) = match reading.system.services.failed {
        0 => return,
        1 => ("A service has failed".to_owned(), "Its page says why, and what to do."),
        failed => {
            (format!("{failed} services have failed"), "Their pages say why, and what to do.")
        }
    };
    let (tone, link) = (Tone::Bad, Some(Link::Services));
    out.push(Finding { id: "services-failed", tone, title, advice: advice.to_owned(), link });
}

fn memory(overview: &Overview, out: &mut Vec<Finding>) {
    let Some(reading) = &overview.reading else { return };
    let memory = &reading.memory;
    let free_percent = memory.free_bytes as f64 / (memory.total_bytes.max(1)) as f64 * 100.0;
    if free_percent < 10.0 {
        let tone = if free_percent < 3.0 { Tone::Bad } else { Tone::Warning };
        out.push(Finding {
            id: "memory-low",
            tone,
            title: format!("Only {} of memory left", format::bytes(memory.free_bytes)),
            advice: "New processes may be refused. End what is not needed, or give the machine \
                     more memory."
                .to_owned(),
            link: Some(Link::ByMemory),
        });
    }
    if is_recent(overview.heap_failed_ms, reading.at_ms) {
        out.push(Finding {
            id: "heap-failures",
            tone: Tone::Bad,
            title: format!(
                "The kernel's heap was exhausted, {} times since boot",
                format::count(memory.heap.failures)
            ),
            advice: "Requests failed because of it. The log says which.".to_owned(),
            link: Some(Link::Log),
        });
    }
}

fn cpus(overview: &Overview, out: &mut Vec<Finding>) {
    let Some(reading) = &overview.reading else { return };
    let failed = reading.cpus.iter().filter(|cpu| cpu.state == CpuState::Failed);
    let failed: Vec<String> = failed.map(|cpu| cpu.id.to_string()).collect();
    if !failed.is_empty() {
        out.push(Finding {
            id: "cpu-failed",
            tone: Tone::Bad,
            title: format!("CPU {} did not start", failed.join(", ")),
            advice: "The system works on the others. The log says what happened at boot."
                .to_owned(),
            link: Some(Link::Log),
        });
    }
    let busy_since = overview
        .cpu
        .iter()
        .rev()
        .take_while(|sample| sample.value >= SATURATED_PERCENT)
        .last()
        .map(|sample| sample.at_ms);
    if busy_since.is_some_and(|since| reading.at_ms - since >= SATURATED_MS) {
        out.push(Finding {
            id: "cpu-saturated",
            tone: Tone::Warning,
            title: "All CPUs are busy".to_owned(),
            advice: "Processes wait for each other. Lower the priority of what is not urgent, or \
                     suspend it."
                .to_owned(),
            link: Some(Link::ByCpu),
        });
    }
}

fn network(overview: &Overview, out: &mut Vec<Finding>) {
    let Some(reading) = &overview.reading else { return };
    for interface in reading.network.interfaces.iter().filter(|interface| !interface.link_up) {
        out.push(Finding {
            id: "link-down",
            tone: Tone::Warning,
            title: format!("{} has no link", interface.name),
            advice: "Nothing reaches the system there. Check the machine's network.".to_owned(),
            link: None,
        });
    }
    if is_recent(overview.refused_ms, reading.at_ms) {
        out.push(Finding {
            id: "connections-refused",
            tone: Tone::Warning,
            title: format!(
                "Connections were turned away, {} since boot",
                format::count(reading.network.tcp.refused)
            ),
            advice: "More came at once than there is room for.".to_owned(),
            link: None,
        });
    }
}

fn is_recent(happened_ms: Option<f64>, now_ms: f64) -> bool {
    happened_ms.is_some_and(|at_ms| now_ms - at_ms < RECENT_MS)
}

fn processes(overview: &Overview, out: &mut Vec<Finding>) {
    let Some(reading) = &overview.reading else { return };
    let zombies = reading.system.processes.zombie;
    if zombies >= ZOMBIES {
        out.push(Finding {
            id: "zombies",
            tone: Tone::Warning,
            title: format!("{zombies} processes are zombies"),
            advice: "Their parents do not ask for their exit status. End the parents to be rid of \
                     them."
                .to_owned(),
            link: Some(Link::Zombies),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::overview::Reading;
    use crate::model::overview::tests::reading;

    fn ids(readings: impl IntoIterator<Item = Reading>) -> Vec<&'static str> {
        let overview = readings.into_iter().fold(Overview::default(), |state, r| state.with(r));
        findings(&overview).iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn a_healthy_system_has_none() {
        assert!(ids([reading(0.0), reading(1000.0)]).is_empty());
        assert!(findings(&Overview::default()).is_empty());
    }

    #[test]
    fn each_trouble_is_found_and_the_worst_comes_first() {
        let mut bad = reading(0.0);
        bad.memory.free_bytes = 50;
        bad.cpus[1].state = CpuState::Failed;
        bad.network.interfaces[0].link_up = false;
        bad.network.tcp.refused = 3;
        bad.system.processes.zombie = 12;
        bad.memory.heap.failures = 1;
        assert_eq!(
            ids([reading(-1000.0), bad]),
            [
                "heap-failures",
                "cpu-failed",
                "memory-low",
                "link-down",
                "connections-refused",
                "zombies"
            ]
        );
    }

    #[test]
    fn what_happened_long_ago_or_before_we_looked_is_no_finding() {
        let refused = |at_ms: f64, count: u64| {
            let mut reading = reading(at_ms);
            reading.network.tcp.refused = count;
            reading
        };
        assert!(ids([refused(0.0, 7), refused(1000.0, 7)]).is_empty());
        assert_eq!(ids([refused(0.0, 7), refused(1000.0, 8)]), ["connections-refused"]);
        assert!(ids([refused(0.0, 7), refused(1000.0, 8), refused(400_000.0, 8)]).is_empty());
    }

    #[test]
    fn a_short_burst_is_not_saturation() {
        let busy = |at_ms: f64| {
            let mut reading = reading(at_ms);
            reading.system.cpus.busy_percent = admin_api::types::Hundredths(9900);
            reading
        };
        assert!(ids((0..29).map(|s| busy(f64::from(s) * 1000.0))).is_empty());
        assert_eq!(ids((0..32).map(|s| busy(f64::from(s) * 1000.0))), ["cpu-saturated"]);
        let paused =
            (0..32).map(|s| if s == 20 { reading(20_000.0) } else { busy(f64::from(s) * 1000.0) });
        assert!(ids(paused).is_empty());
    }
}
