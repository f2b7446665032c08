//! What processes may use: set through the API, enforced, counted, told; and figures that agree
//! wherever one asks.

use admin_api::types::{
    Cpu, CpuUsage, Event, Exit, Memory, Page, Process, ProcessOutput, ProcessState,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};
use std::time::Instant;

fn guest() -> &'static Guest {
    Guest::shared("limits")
}

fn create(body: &Value) -> u32 {
    let answer = guest().request("POST", "/api/v1/processes").json(body).send();
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json::<Process>().pid
}

fn process(pid: u32) -> Process {
    guest().read(&format!("/api/v1/processes/{pid}"))
}

fn change(pid: u32, patch: &Value) -> Process {
    let answer = guest().request("PATCH", &format!("/api/v1/processes/{pid}")).json(patch).send();
    assert_eq!(answer.status, 200, "{patch}: {}", answer.text());
    answer.json()
}

fn end(pid: u32) {
    let answer = guest().request("DELETE", &format!("/api/v1/processes/{pid}?mode=force")).send();
    assert_eq!(answer.status / 100, 2, "{}", answer.text());
}

fn await_exit(pid: u32) -> Exit {
    wait::until("a process's end", || process(pid).exit)
}

/// Runs a program and gives what it wrote.
fn run(program: &str, args: &[&str]) -> String {
    let pid = create(&json!({"program": program, "args": args}));
    assert_eq!(await_exit(pid), Exit::Code(0), "{program} {args:?}");
    let path = format!("/api/v1/processes/{pid}/output?max_bytes=65536");
    guest().read::<ProcessOutput>(&path).text
}

/// Waits until an event tells that a process has met a limit.
fn is_told(pid: u32, limit: &str) {
    wait::until("the event", || {
        // curl gives up after the limit, as a stream has no end; what came until then counts.
        let answer = guest()
            .request("GET", "/api/v1/events?after=0&kind=limit_exceeded")
            .header("Accept: text/event-stream")
            .limit(std::time::Duration::from_secs(1))
            .try_send()?;
        let text = answer.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let mut events = data.filter_map(|json| serde_json::from_str::<Event>(json).ok());
        let is_it = |event: Event| event.pid == Some(pid) && event.message.starts_with(limit);
        events.any(is_it).then_some(())
    });
}

/// How much CPU time two processes get while both of them get some.
fn shares(pids: [u32; 2]) -> [u64; 2] {
    let now = || pids.map(|pid| process(pid).usage.cpu.total_ns);
    let before = now();
    wait::until("both to run for a while", || {
        let now = now();
        let spent = [now[0] - before[0], now[1] - before[1]];
        (spent[0] + spent[1] > 1_000_000_000).then_some(spent)
    })
}

#[test]
fn a_share_of_a_cpu_is_hard_and_changes_while_it_runs() {
    // proves: P5
    let limits = json!({"cpu_percent": 20});
    let limited = create(
        &json!({"program": "/test/probe", "args": ["spin"], "affinity": [0], "limits": limits}),
    );
    let free = create(&json!({"program": "/test/probe", "args": ["spin"], "affinity": [1]}));
    wait::until("it to be shown as throttled", || {
        let process = process(limited);
        let is_throttled = process.state_detail.as_deref() == Some("throttle");
        (process.state == ProcessState::Blocked && is_throttled).then_some(())
    });
    // The limited one is read first at the start and last at the end, and may have saved up a period.
    let began = Instant::now();
    let before = process(limited).usage.cpu.total_ns;
    shares([free, limited]);
    let with = process(limited).usage.cpu.total_ns - before;
    let most = began.elapsed().as_nanos() / 5 + 100_000_000;
    assert!(u128::from(with) < most, "{with} of {most} ns");
    assert!(process(limited).limits_met.cpu_percent > 0);
    is_told(limited, "cpu_percent");
    let lifted = change(limited, &json!({"limits": {"cpu_percent": null}}));
    assert_eq!(lifted.limits.cpu_percent, None);
    wait::until("it to run like the other", || {
        let [with, without] = shares([limited, free]);
        (with * 100 / without > 60).then_some(())
    });
    end(limited);
    end(free);
}

#[test]
fn programs_that_size_themselves_find_what_they_may_use() {
    // proves: P5
    const FILES: [&str; 5] =
        ["cpu.max", "memory.max", "memory.current", "pids.max", "cgroup.controllers"];
    let shown = |limits: Value, affinity: Value| {
        let paths = FILES.map(|name| format!("/sys/fs/cgroup/{name}"));
        let pid = create(&json!({
            "program": "/bin/cat", "args": paths, "limits": limits, "affinity": affinity,
        }));
        assert_eq!(await_exit(pid), Exit::Code(0));
        let output: ProcessOutput = guest().read(&format!("/api/v1/processes/{pid}/output"));
        output.text.lines().map(String::from).collect::<Vec<_>>()
    };
    let limits = json!({"cpu_percent": 150, "memory_bytes": 64 << 20, "processes": 9});
    let own = shown(limits, json!([0, 1]));
    assert_eq!(own[0], "150000 100000");
    assert_eq!(own[1], (64 << 20).to_string());
    let current: u64 = own[2].parse().expect("bytes");
    assert!((4096..64 << 20).contains(&current), "{own:?}");
    assert_eq!(own[3..], ["9", "cpuset cpu memory pids"]);
    assert_eq!(shown(json!({}), json!([0]))[0], "max 100000");

    let text = run("/bin/cat", &["/proc/self/cgroup", "/proc/self/mountinfo"]);
    assert!(text.starts_with("0::/\n"), "{text}");
    let mount = text.lines().find(|line| line.contains(" /sys/fs/cgroup "));
    assert!(mount.is_some_and(|line| line.contains(" - cgroup2 ")), "{text}");
    let online = run("/bin/cat", &["/sys/devices/system/cpu/online"]);
    assert!(["0-1\n", "0-3\n"].contains(&online.as_str()), "{online}");
    let listed = run("/bin/find", &["/sys", "-type", "f"]);
    assert!(listed.contains("/sys/kernel/mm/transparent_hugepage/enabled\n"), "{listed}");
    assert!(listed.contains("/sys/fs/cgroup/cpu.max\n"), "{listed}");
}

#[test]
fn memory_by_use_counts_what_is_shared_once() {
    // proves: K5
    let by_use = || guest().read::<Memory>("/api/v1/memory").by_use;
    let before = by_use();
    assert!(before.files_bytes > 1 << 20, "{before:?}");
    let args = ["sleepers", "400"];
    let pid = create(&json!({"program": "/test/population", "args": args}));
    wait::until("the sleepers", || {
        let path = format!("/api/v1/processes/{pid}/output");
        guest().read::<ProcessOutput>(&path).text.contains("made 400").then_some(())
    });
    // Each shows all of the program's pages, which are the archive's and the maker's.
    let with = by_use();
    assert!(with.files_bytes.abs_diff(before.files_bytes) < 1 << 20, "{before:?}, {with:?}");
    let each = with.user_bytes.saturating_sub(before.user_bytes) / 400;
    assert!(each < 16 << 10, "{each} bytes each: {before:?}, {with:?}");
    let all = "/api/v1/processes?name=population&limit=1000";
    for process in guest().read::<Page<Process>>(all).items {
        if process.exit.is_none() {
            end(process.pid);
        }
    }
}

#[test]
fn cpu_time_descriptors_and_stack_have_ends() {
    // proves: P5
    let pid = create(
        &json!({"program": "/test/probe", "args": ["spin"], "limits": {"cpu_time_ns": 200_000_000}}),
    );
    let Exit::Signal { signal, .. } = await_exit(pid) else { panic!("not by a signal") };
    assert_eq!(signal.name(), "SIGKILL");
    let ended = process(pid);
    assert!(ended.usage.cpu.total_ns >= 200_000_000, "{:?}", ended.usage.cpu);
    assert_eq!(ended.limits_met.cpu_time_ns, 1);
    is_told(pid, "cpu_time_ns");

    let pid = create(
        &json!({"program": "/test/probe", "args": ["deep"], "limits": {"stack_bytes": 262_144}}),
    );
    let Exit::Signal { signal, .. } = await_exit(pid) else { panic!("not by a signal") };
    assert_eq!(signal.name(), "SIGSEGV");
    assert_eq!(process(pid).limits_met.stack_bytes, 1);

    let script = "exec 3</dev/null 4</dev/null 5</dev/null; echo no";
    let pid =
        create(&json!({"program": "/bin/sh", "args": ["-c", script], "limits": {"open_files": 5}}));
    assert!(matches!(await_exit(pid), Exit::Code(code) if code != 0));
    assert!(process(pid).limits_met.open_files >= 1);
    is_told(pid, "open_files");
}

#[test]
fn bytes_and_new_processes_keep_their_rates() {
    // proves: P5
    let args = ["if=/dev/zero", "of=/dev/null", "bs=4k", "count=1000000"];
    let limits = json!({"read_bytes_per_second": 1_048_576});
    let pid = create(&json!({"program": "/bin/dd", "args": args, "limits": limits}));
    let read = || process(pid).usage.io.read_bytes;
    let (start, from) = (std::time::Instant::now(), read());
    let bytes = wait::until("it to read for a while", || {
        let bytes = read() - from;
        (bytes > 2 << 20).then_some(bytes)
    });
    // What was in hand at the first look, and the guest's clock against this one's.
    let most = (start.elapsed().as_secs_f64() * 1.1 + 0.4) * 1_048_576.0;
    assert!((bytes as f64) < most, "{bytes} in {:?}", start.elapsed());
    assert!(process(pid).limits_met.read_bytes_per_second > 0);
    is_told(pid, "read_bytes_per_second");
    end(pid);

    let script = "i=0; while [ $i -lt 30 ]; do /bin/true; i=$((i+1)); done";
    let limits = json!({"processes_per_second": 2});
    let pid = create(&json!({"program": "/bin/sh", "args": ["-c", script], "limits": limits}));
    assert!(matches!(await_exit(pid), Exit::Code(code) if code != 0));
    assert!(process(pid).limits_met.processes_per_second >= 1);
    is_told(pid, "processes_per_second");
}

#[test]
fn the_next_victim_is_shown() {
    // proves: P10
    let pid = create(&json!({"program": "/test/probe", "args": ["hold", "48"]}));
    wait::until("it to be the largest", || {
        let memory: Memory = guest().read("/api/v1/memory");
        let victim = memory.next_victim?;
        (victim.pid == pid && victim.memory_bytes > 48 << 20 && victim.name == "probe")
            .then_some(())
    });
    end(pid);
}

#[test]
fn priorities_and_cpus_change_with_an_effect() {
    // proves: P3
    let body = json!({"program": "/test/probe", "args": ["spin"], "affinity": [1]});
    let pids = [create(&body), create(&body)];
    let first = pids[0].to_string();
    let is_good = |what: &str, is_so: &dyn Fn(f64) -> bool| {
        wait::until(what, || {
            let [one, other] = shares(pids);
            is_so(one as f64 / other.max(1) as f64).then_some(())
        });
    };
    // By setpriority: a tenth and less, as the weights have it.
    run("/bin/renice", &["-n", "10", "-p", &first]);
    assert_eq!(process(pids[0]).nice, 10);
    is_good("the nicer one to get less", &|ratio| ratio < 0.2);
    change(pids[0], &json!({"nice": 0}));
    is_good("both to get the same", &|ratio| ratio > 0.7 && ratio < 1.4);
    change(pids[0], &json!({"priority": "high"}));
    is_good("the higher one to get more", &|ratio| ratio > 1.7);
    change(pids[0], &json!({"priority": "normal"}));
    // By sched_setscheduler: nothing but what is left over.
    run("/test/probe", &["idle", &first]);
    is_good("an idle one to get nothing", &|ratio| ratio < 0.05);
    // By sched_setaffinity: a CPU of its own.
    run("/bin/taskset", &["-p", "1", &first]);
    assert_eq!(process(pids[0]).affinity, [0]);
    wait::until("it to run elsewhere", || (process(pids[0]).cpu == Some(0)).then_some(()));
    is_good("both to have a CPU", &|ratio| ratio > 0.5 && ratio < 2.0);
    pids.into_iter().for_each(end);
}

/// The numbers of a line that begins with a word.
fn numbers(text: &str, word: &str) -> Vec<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    let line = line.unwrap_or_else(|| panic!("no {word} in {text}"));
    line.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn a_program_that_never_calls_the_kernel_uses_its_own_time() {
    // proves: P4, K5
    let pid = create(&json!({"program": "/test/probe", "args": ["spin"]}));
    let all_cpus = || {
        let cpus = guest().read::<Page<Cpu>>("/api/v1/cpus").items;
        cpus.iter().map(|cpu| cpu.times.user_ns).sum::<u64>()
    };
    let mut readings: Vec<CpuUsage> = Vec::new();
    let until = |readings: &mut Vec<CpuUsage>, least_ns: u64| {
        wait::until("it to compute", || {
            let cpu = process(pid).usage.cpu;
            if let Some(last) = readings.last() {
                let goes_on = cpu.user_ns >= last.user_ns && cpu.system_ns >= last.system_ns;
                assert!(goes_on, "{cpu:?} after {last:?}");
            }
            readings.push(cpu);
            (readings.last()?.total_ns >= least_ns).then_some(())
        });
        *readings.last().expect("a reading")
    };
    // Without its start, which is the kernel's.
    let first = until(&mut readings, 1);
    let cpus_first = all_cpus();
    let last = until(&mut readings, first.total_ns + 500_000_000);
    let cpus_last = all_cpus();
    let (user, total) = (last.user_ns - first.user_ns, last.total_ns - first.total_ns);
    assert!(user * 10 >= total * 8, "{user} of {total} ns: {readings:?}");
    let between =
        readings.iter().filter(|cpu| cpu.user_ns > first.user_ns && cpu.user_ns < last.user_ns);
    assert!(between.count() > 0, "it is counted only when it is over: {readings:?}");
    let of_cpus = cpus_last - cpus_first;
    assert!(of_cpus * 10 >= user * 8, "{of_cpus} of {user} ns are the CPUs'");
    let stat = run("/bin/cat", &[&format!("/proc/{pid}/stat")]);
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let user_ticks: u64 = fields[14 - 3].parse().expect("a number");
    assert!(user_ticks >= last.user_ns / 10_000_000, "{stat}, {last:?}");
    end(pid);
}

#[test]
fn the_peak_of_memory_outlives_exec() {
    // proves: P4
    let script = "x=$(head -c 8000000 /dev/zero | tr '\\0' a); : $x; exec sleep 600";
    let pid = create(&json!({"program": "/bin/sh", "args": ["-c", script]}));
    let process = wait::until("the second program", || {
        let process = process(pid);
        (process.name.as_str() == "sleep").then_some(process)
    });
    let memory = process.usage.memory;
    assert!(memory.peak_bytes >= 8_000_000, "{memory:?}");
    assert!(memory.current_bytes < 8_000_000, "{memory:?}");
    end(pid);
}

#[test]
fn all_ways_to_ask_give_the_same_figures() {
    // proves: P4, P5
    let limits =
        json!({"cpu_time_ns": 90_000_000_000_u64, "stack_bytes": 1_048_576, "processes": 77});
    let pid = create(&json!({"program": "/test/probe", "args": ["account"], "limits": limits}));
    let output = wait::until("it to wait", || {
        let path = format!("/api/v1/processes/{pid}/output?max_bytes=65536");
        let text = guest().read::<ProcessOutput>(&path).text;
        let waits = process(pid).state_detail.as_deref() == Some("signal");
        (waits && text.matches("limit").count() == 16).then_some(text)
    });
    // It waits: its figures stand still.
    let process = process(pid);
    let usage = &process.usage;
    let read = |what: &str| run("/bin/cat", &[&format!("/proc/{pid}/{what}")]);

    let [user_us, system_us, peak_kib, faults, switches] = numbers(&output, "usage ")[..] else {
        panic!("{output}")
    };
    let cpu_us = usage.cpu.total_ns / 1000;
    assert_eq!(usage.cpu.user_ns + usage.cpu.system_ns, usage.cpu.total_ns);
    let own_us = user_us + system_us;
    assert!(own_us >= 100_000, "{output}");
    // It went on to say the rest; a host that stops the CPU meanwhile is charged to who runs.
    assert!((own_us..own_us + 3_000_000).contains(&cpu_us), "{cpu_us}, {output}");
    assert!((faults..faults + 64).contains(&usage.page_faults.minor), "{faults}, {usage:?}");
    assert!(
        (switches..switches + 8).contains(&usage.context_switches.voluntary),
        "{output}, {usage:?}"
    );
    let peak = usage.memory.peak_bytes / 1024;
    assert!((peak_kib..peak_kib + 512).contains(&peak), "{peak_kib}, {usage:?}");

    let io = read("io");
    for (name, figure, least) in [
        ("rchar:", usage.io.read_bytes, 50_000),
        ("wchar:", usage.io.written_bytes, 100_000),
        ("syscr:", usage.io.read_operations, 50),
        ("syscw:", usage.io.write_operations, 100),
    ] {
        assert_eq!(numbers(&io, name), [figure], "{name} {io}");
        assert!(figure >= least, "{name} {figure}");
    }

    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    // proc(5) counts from 1; the first one here is the third.
    let field = |number: usize| fields[number - 3].trim().parse::<u64>().expect("a number");
    assert_eq!(field(4), u64::from(process.parent_pid));
    assert_eq!(field(10), usage.page_faults.minor);
    let ticks = |ns: u64| ns / 10_000_000;
    assert!(field(14).abs_diff(ticks(usage.cpu.user_ns)) <= 1, "{stat}");
    assert!(field(15).abs_diff(ticks(usage.cpu.system_ns)) <= 1, "{stat}");
    assert_eq!(field(20), u64::from(process.threads));
    assert_eq!(field(24) * 4096, usage.memory.current_bytes);

    let status = read("status");
    assert_eq!(numbers(&status, "VmRSS:"), [usage.memory.current_bytes / 1024]);
    assert_eq!(numbers(&status, "VmHWM:"), [usage.memory.peak_bytes / 1024]);
    let voluntary = numbers(&status, "voluntary_ctxt_switches:");
    assert_eq!(voluntary, [usage.context_switches.voluntary]);

    // Its own limits are what it is told itself, and within what the API says.
    let limits = read("limits");
    let own = output.lines().filter_map(|line| line.strip_prefix("limit "));
    for (line, own) in limits.lines().skip(1).zip(own) {
        let of = |text: &str| text.parse().unwrap_or(u64::MAX);
        let shown: Vec<u64> = line[26..].split_ascii_whitespace().take(2).map(of).collect();
        let own: Vec<u64> = own.split(' ').map(of).collect();
        assert_eq!(shown, own, "{line}");
    }
    assert_eq!(numbers(&limits, "Max cpu time"), [90, 90]);
    assert_eq!(numbers(&limits, "Max stack size"), [1_048_576; 2]);
    assert_eq!(numbers(&limits, "Max processes"), [77, 77]);
    assert_eq!(numbers(&limits, "Max open files"), [100, 1024]);
    assert_eq!(process.limits.cpu_time_ns, Some(90_000_000_000));
    // It has lowered that itself.
    assert_eq!((process.limits.processes, process.limits.open_files), (Some(77), Some(100)));
    // An operator has the last word, and what nobody names stays as the program has set it.
    let changed = change(pid, &json!({"limits": {"processes": 78}})).limits;
    assert_eq!((changed.processes, changed.open_files), (Some(78), Some(100)));
    let changed = change(pid, &json!({"limits": {"open_files": 1024}})).limits;
    assert_eq!((changed.processes, changed.open_files), (Some(78), Some(1024)));
    assert_eq!(numbers(&read("limits"), "Max open files"), [1024, 1024]);
    let answer = guest().get(&format!("/api/v1/processes/{pid}"));
    let guard = format!("If-Match: {}", answer.header("etag").expect("an ETag"));
    let guarded = guest().request("PATCH", &format!("/api/v1/processes/{pid}")).header(&guard);
    assert_eq!(guarded.json(&json!({"nice": 1})).send().status, 200);

    // Nothing is held after the end, and what was set and used most is remembered.
    let before = self::process(pid);
    end(pid);
    await_exit(pid);
    let after = self::process(pid);
    let memory = after.usage.memory;
    assert_eq!((memory.current_bytes, memory.stack_bytes, memory.heap_bytes), (0, 0, 0));
    assert_eq!(after.usage.open_files, 0);
    assert!(memory.peak_bytes >= before.usage.memory.peak_bytes, "{before:?} {after:?}");
    assert_eq!(after.limits, before.limits);
}
