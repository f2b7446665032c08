//! The order of spin locks: who holds one takes only locks of higher levels. Debug builds check it.
//!
//! | level | lock | where |
//! |---|---|---|
//! | 10 | executor's and services' state | `net`, `admin` |
//! | 40 | process table | `process` |
//! | 45 | a process's place among those with timers | `process` |
//! | 50 | a process's parts | `process` |
//! | 56 | processes with timers | `process` |
//! | 60 | output captured from a process, event and audit rings | `process`, `events` |
//! | 70 | pages of memory that is shared | `memory` |
//! | 70 | contents of pipes, counters, sockets | `fs`, `socket` |
//! | 80 | device handlers | `interrupts` |
//! | 90 | lists of those who wait | `fs`, `sync`, `broadcast` |
//! | 62, 64 | terminals: all, one | `terminal` |
//! | 100 | run queue | `scheduler` |
//! | 105 | shares of CPU time | `process` |
//! | 110 | a thread's place | `scheduler` |
//! | 120 | timers | `scheduler` |
//! | 200 | log | `log` |
//! | 210 to 250 | page tables, windows, heap, frames, ports, serial | `hal` |

use ksync::Level;

/// State of the kernel's services.
pub const SERVICES: Level = Level::new(10);
/// The process table.
pub const PROCESS_TABLE: Level = Level::new(40);
/// A process's place in the queue of those with timers, while it changes.
pub const ALARM_PLACE: Level = Level::new(45);
/// The queue of processes with timers.
pub const ALARMS: Level = Level::new(56);
/// Parts of one process: its threads, signals, descriptors.
pub const PROCESS: Level = Level::new(50);
/// All pseudo-terminals.
pub const TERMINALS: Level = Level::new(62);
/// One pseudo-terminal.
pub const TERMINAL: Level = Level::new(64);
/// Rings that are written from everywhere above the scheduler.
pub const RINGS: Level = Level::new(60);
/// Pages of memory that several processes share.
pub const SHARED_MEMORY: Level = Level::new(70);
/// The state of a pipe, a counter, a socket.
pub const FILES: Level = Level::new(70);
/// An epoll's item, under the epoll.
pub const FILES_INNER: Level = Level::new(71);
/// A list of threads that wait.
pub const WAIT_QUEUE: Level = Level::new(90);
/// A CPU's run queue.
pub const RUN_QUEUE: Level = Level::new(100);
/// How much of a share of CPU time is left.
pub const CPU_SHARE: Level = Level::new(105);
/// A thread's place.
pub const THREAD: Level = Level::new(110);
/// A CPU's timers.
pub const TIMERS: Level = Level::new(120);
/// Device handlers by vector.
pub const DEVICES: Level = Level::new(80);
/// The log.
pub const LOG: Level = Level::new(200);
