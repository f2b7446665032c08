//! Processes as text.

use multios::{
    Class, Error, Exit, Isolation, Pid, Priority, ProcessInfo, Processes, State, println,
};

fn name(info: &ProcessInfo) -> &str {
    let length = info.name.iter().position(|byte| *byte == 0).unwrap_or(info.name.len());
    core::str::from_utf8(info.name.get(..length).unwrap_or_default()).unwrap_or("?")
}

fn state(info: &ProcessInfo) -> &'static str {
    State::from_number(info.state).map_or("?", State::name)
}

fn priority(info: &ProcessInfo) -> &'static str {
    Priority::from_number(info.priority).map_or("?", Priority::name)
}

fn class(info: &ProcessInfo) -> &'static str {
    Class::from_number(info.class).map_or("?", Class::name)
}

fn isolation(info: &ProcessInfo) -> &'static str {
    Isolation::from_number(info.isolation).map_or("?", Isolation::name)
}

/// Prints a line for each.
pub(crate) fn list(processes: Processes) -> Result<(), Error> {
    println!(
        "{:>7} {:>7} {:>6} {:<10} {:<9} {:<11} {:<8} {:>7} {:>9} {}",
        "PID", "PARENT", "UID", "STATE", "PRIORITY", "CLASS", "ISOLATED", "CPU %", "KIB", "NAME"
    );
    for process in processes {
        let it = process?;
        println!(
            "{:>7} {:>7} {:>6} {:<10} {:<9} {:<11} {:<8} {:>4}.{:02} {:>9} {}",
            it.pid,
            it.parent,
            it.uid,
            state(&it),
            priority(&it),
            class(&it),
            isolation(&it),
            it.cpu_hundredths / 100,
            it.cpu_hundredths % 100,
            it.memory_bytes / 1024,
            name(&it),
        );
    }
    Ok(())
}

/// Prints all that is known about one.
pub(crate) fn one(pid: Pid) -> Result<(), Error> {
    let it = multios::info(pid)?;
    println!("name          {}", name(&it));
    println!("process       {}, parent {}", it.pid, it.parent);
    println!("group         {}, session {}", it.group, it.session);
    println!("state         {}", state(&it));
    match Exit::of(&it) {
        Some(Exit::Code(code)) => println!("ended         with code {code}"),
        Some(Exit::Signal(signal)) => println!("ended         by signal {signal}"),
        None => {}
    }
    println!("scheduling    priority {}, class {}, nice {}", priority(&it), class(&it), it.nice);
    println!("isolation     {}, {} violations", isolation(&it), it.violations);
    println!("user          {}:{}, capabilities {:x}", it.uid, it.gid, it.capabilities);
    println!("threads       {}", it.threads);
    println!(
        "CPU time      {} ms program, {} ms kernel",
        it.user_ns / 1_000_000,
        it.system_ns / 1_000_000
    );
    println!(
        "memory        {} KiB, at most {} KiB",
        it.memory_bytes / 1024,
        it.peak_memory_bytes / 1024
    );
    println!("read          {} bytes in {} calls", it.read_bytes, it.read_operations);
    println!("written       {} bytes in {} calls", it.written_bytes, it.write_operations);
    println!(
        "switches      {} voluntary, {} involuntary, {} moves",
        it.voluntary_switches, it.involuntary_switches, it.migrations
    );
    println!("page faults   {}", it.page_faults);
    println!("signals       {}", it.signals_received);
    println!("open files    {} of {}", it.open_files, it.limits.open_files);
    println!("memory limit  {} KiB", it.limits.memory_bytes / 1024);
    println!("stack limit   {} KiB", it.limits.stack_bytes / 1024);
    println!("process limit {}", it.limits.processes);
    let others = [
        ("CPU time limit", it.limits.cpu_time_ns, "ns"),
        ("CPU share limit", it.limits.cpu_percent, "percent"),
        ("read limit", it.limits.read_bytes_per_second, "bytes a second"),
        ("write limit", it.limits.write_bytes_per_second, "bytes a second"),
        ("creation limit", it.limits.processes_per_second, "processes a second"),
    ];
    for (name, value, unit) in others.into_iter().filter(|(_, value, _)| *value != u64::MAX) {
        println!("{name} {value} {unit}");
    }
    Ok(())
}
