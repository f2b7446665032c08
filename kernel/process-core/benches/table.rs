//! What the process table costs: making, finding, listing, with few processes and with many.
//!
//! A plain program: `cargo bench -p process-core`. Each figure is the median of several rounds.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant as Clock;

use process_core::{
    Credentials, ExitStatus, Gid, Instant, Isolation, Limits, NewProcess, Pid, Process,
    ProcessError, ProcessName, ProcessTable, Profile, ProgramImage, Scheduling, TableConfig, Uid,
    Usage,
};

const ROUNDS: usize = 9;
const NOW: Instant = Instant::from_nanoseconds(0);

type Table = ProcessTable<Arc<()>>;

fn profile() -> Profile {
    Profile {
        name: ProcessName::new(b"bench"),
        image: Arc::new(ProgramImage::default()),
        working_directory: "/".into(),
        root_directory: "/".into(),
        isolation: Isolation::Process,
        sandbox: None,
        scheduling: Scheduling::default(),
        limits: Limits::default(),
        service: None,
    }
}

fn create(
    table: &mut Table,
    profile: &Profile,
    credentials: &Arc<Credentials>,
) -> Result<Pid, ProcessError> {
    let reservation = table.reserve(Uid(0), None)?;
    let (profile, credentials) = (profile.clone(), credentials.clone());
    let attachment = Arc::new(());
    let new = NewProcess::new(&reservation, Pid::SYSTEM, credentials, profile, attachment, NOW)?;
    let pid = table.insert(reservation, new)?;
    table.start(pid)?;
    Ok(pid)
}

fn end(table: &mut Table, pid: Pid) -> Result<(), ProcessError> {
    table.terminate(pid, ExitStatus::Code(0))?;
    table.become_zombie(pid, Usage::default(), NOW)?;
    table.reap(pid, NOW).map(drop)
}

/// Nanoseconds of one operation: the median over the rounds.
fn measure(operations: usize, mut round: impl FnMut()) -> f64 {
    let mut times: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let start = Clock::now();
            round();
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let median = u32::try_from(times[ROUNDS / 2]).unwrap_or(u32::MAX);
    f64::from(median) / f64::from(u32::try_from(operations).unwrap_or(u32::MAX))
}

fn main() -> Result<(), ProcessError> {
    println!("a record takes {} bytes", size_of::<Process<Arc<()>>>());
    println!("processes  look-up  page of 100  create+exit+reap  (ns)");
    let profile = profile();
    let credentials = Arc::new(Credentials::for_user(Uid(0), Gid(0), Arc::new([])));
    for count in [100, 10_000, 65_536] {
        let mut table = Table::new(TableConfig::default())?;
        let mut pids = Vec::new();
        for number in 0..2 * count {
            let pid = create(&mut table, &profile, &credentials)?;
            // Every other one goes, so that numbers are as scattered as in a system that lives.
            if number % 2 == 0 {
                pids.push(pid);
            } else {
                end(&mut table, pid)?;
            }
        }
        // An order without pattern: a stride that is prime to the count.
        let order: Vec<Pid> = (0..count).map(|index| pids[index * 7_919 % count]).collect();
        let look_up = measure(order.len(), || {
            for pid in &order {
                let _ = black_box(table.get(*pid).map(Process::state));
            }
        });
        // Places with (nearly) a whole page behind them.
        let cursors: Vec<Pid> = (0..100).map(|index| pids[index * 7_919 % (count - 99)]).collect();
        let page = measure(cursors.len(), || {
            for cursor in &cursors {
                let from = Some(*cursor);
                black_box(
                    table.page_after(from).take(100).map(|it| it.pid().number()).sum::<u32>(),
                );
            }
        });
        let mut result = Ok(());
        let life = measure(1_000, || {
            for _ in 0..1_000 {
                let ended =
                    create(&mut table, &profile, &credentials).and_then(|pid| end(&mut table, pid));
                if ended.is_err() {
                    result = ended;
                }
            }
        });
        result?;
        println!("{count:9}  {look_up:7.1}  {page:11.1}  {life:16.1}");
    }
    Ok(())
}
