//! How the fake system lives: [`FakeBackend::tick`] moves it on to the clock's time.

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::types::{
    EventKind, Exit, Hundredths, LogLevel, ProcessState, Signal, SignalEffect, SignalRecord,
};

use super::program::Program;
use super::state::{CPUS, FakeBackend, FakeProcess, State};

/// A tick is never longer than this; a clock that jumped is followed in steps.
const LONGEST_TICK_NS: u64 = 100_000_000;
/// How many signals of a process are remembered, as in the kernel.
const REMEMBERED_SIGNALS: usize = 16;

impl FakeBackend {
    /// Moves the system on to the clock's time.
    pub fn tick(&self) {
        let now_ns = self.clock.uptime_ns();
        loop {
            let last_ns = self.state.borrow().last_tick_ns;
            if last_ns >= now_ns {
                return;
            }
            let until_ns = now_ns.min(last_ns + LONGEST_TICK_NS);
            self.step(last_ns, until_ns);
            self.tick_services(until_ns);
            self.state.borrow_mut().last_tick_ns = until_ns;
        }
    }

    /// Moves a manual clock and the system on.
    pub fn advance_ms(&self, time_ms: u64) {
        self.clock.advance_ms(time_ms);
        self.tick();
    }

    fn step(&self, from_ns: u64, until_ns: u64) {
        let mut state = self.state.borrow_mut();
        let mut ends: Vec<(u32, Exit)> = Vec::new();
        let mut has_news = false;
        let mut runnable = [const { Vec::new() }; CPUS as usize];
        for fake in state.processes.values_mut() {
            if fake.kill_at_ns.is_some_and(|at_ns| at_ns <= until_ns) {
                ends.push((fake.process.pid, Exit::Signal { signal: Signal::KILL, core: false }));
                continue;
            }
            if fake.process.state == ProcessState::Suspended {
                continue;
            }
            match &mut fake.program {
                Program::Exit { code } => ends.push((fake.process.pid, Exit::Code(*code))),
                Program::Sleep { until_ns: end_ns } if *end_ns <= until_ns => {
                    ends.push((fake.process.pid, Exit::Code(0)));
                }
                Program::Chatter { next_ns, line } if *next_ns <= until_ns => {
                    *next_ns += 1_000_000_000;
                    *line += 1;
                    let text = format!("line {line}: all is well, größer als zuvor\n");
                    fake.write(&text);
                    fake.process.usage.context_switches.voluntary += 1;
                    has_news = true;
                }
                Program::Busy => {
                    let cpus = &fake.process.affinity;
                    let at = fake.process.pid as usize % cpus.len().max(1);
                    let cpu = cpus.get(at).copied().unwrap_or(0);
                    fake.process.cpu = Some(cpu);
                    runnable[cpu as usize % CPUS as usize].push(fake.process.pid);
                }
                _ => {}
            }
        }
        state.run(&runnable, until_ns - from_ns);
        state.measure(until_ns);
        if has_news {
            state.wake_all();
        }
        drop(state);
        for (pid, exit) in ends {
            self.end(pid, exit);
        }
    }

    /// What a signal does.
    pub(super) fn deliver(&self, pid: u32, signal: Signal) {
        let now = self.clock.now();
        let mut state = self.state.borrow_mut();
        let Some(fake) = state.processes.get_mut(&pid) else { return };
        fake.process.usage.signals.received += 1;
        let is_dropped =
            matches!(fake.program, Program::Stubborn) || [17, 23, 28].contains(&signal.number());
        let effect = match signal {
            Signal::STOP => SignalEffect::Stopped,
            Signal::CONT => SignalEffect::Continued,
            Signal::KILL => SignalEffect::Terminated,
            _ if is_dropped => SignalEffect::Ignored,
            _ => SignalEffect::Terminated,
        };
        if fake.signals.len() == REMEMBERED_SIGNALS {
            fake.signals.pop_front();
        }
        fake.signals.push_back(SignalRecord { signal, sender_pid: None, effect, at: now });
        match signal {
            Signal::STOP => fake.process.state = ProcessState::Suspended,
            Signal::CONT => fake.process.state = ProcessState::Ready,
            Signal::KILL => {
                drop(state);
                self.end(pid, Exit::Signal { signal, core: false });
            }
            _ if matches!(fake.program, Program::Stubborn) => {
                fake.process.usage.signals.ignored += 1;
            }
            // SIGCHLD, SIGURG and SIGWINCH are ignored unless caught (signal(7)).
            _ if [17, 23, 28].contains(&signal.number()) => {
                fake.process.usage.signals.ignored += 1;
            }
            _ => {
                drop(state);
                self.end(pid, Exit::Signal { signal, core: false });
            }
        }
    }

    /// Reports a change that an operator made.
    pub(super) fn report(&self, kind: EventKind, pid: u32, user: &str, what: &str) {
        let message = format!("{user} {what} process {pid}");
        self.log(LogLevel::Info, "process", &message);
        self.event(kind, Some(pid), Some(String::from(user).into()), &message);
    }
}

impl State {
    /// Shares the CPUs' time among those who want it.
    fn run(&mut self, runnable: &[Vec<u32>], time_ns: u64) {
        let noise = self.next_random() % 3;
        for (cpu, pids) in runnable.iter().enumerate() {
            let threads_ns = time_ns * (1 + noise) / 100;
            let busy_ns = if pids.is_empty() { 0 } else { time_ns - threads_ns };
            for pid in pids {
                let share_ns = busy_ns / pids.len() as u64;
                if let Some(fake) = self.processes.get_mut(pid) {
                    fake.process.state =
                        if pids[0] == *pid { ProcessState::Running } else { ProcessState::Ready };
                    use_cpu(fake, share_ns * 9 / 10, share_ns / 10);
                    fake.process.usage.context_switches.involuntary += pids.len() as u64 - 1;
                }
            }
            let times = &mut self.cpu_times[cpu];
            times.user_ns += busy_ns * 9 / 10;
            times.system_ns += busy_ns / 10 + threads_ns / 2;
            times.interrupt_ns += threads_ns / 2;
            times.idle_ns += time_ns - busy_ns - threads_ns;
            let busy = Hundredths::percent(busy_ns + threads_ns, time_ns).0;
            self.cpu_busy[cpu] = (self.cpu_busy[cpu] * 7 + busy) / 8;
            self.cpu_switches[cpu] += 5 + noise + 2 * pids.len() as u64;
        }
        let wanted = runnable.iter().map(Vec::len).sum::<usize>() as f64;
        let seconds = time_ns as f64 / 1e9;
        for (load, minutes) in self.load.iter_mut().zip([1.0, 5.0, 15.0]) {
            let decay = (-seconds / (60.0 * minutes)).exp();
            *load = *load * decay + wanted * (1.0 - decay);
        }
        for fake in self.processes.values_mut() {
            match fake.program {
                Program::KernelThread { busy_percent } => {
                    fake.process.cpu = Some(fake.process.pid % CPUS);
                    fake.process.state = ProcessState::Blocked;
                    fake.process.state_detail = Some("wait".into());
                    use_cpu(fake, 0, time_ns * busy_percent / 100);
                    fake.process.usage.context_switches.voluntary += busy_percent;
                }
                Program::Sleep { .. } => block(fake, "nanosleep"),
                Program::Chatter { .. } => block(fake, "nanosleep"),
                Program::Wait | Program::Stubborn => block(fake, "read"),
                Program::Busy | Program::Exit { .. } => {}
            }
        }
    }

    /// Works out how busy the processes were in the last second.
    fn measure(&mut self, now_ns: u64) {
        for fake in self.processes.values_mut() {
            let (since_ns, cpu_ns) = fake.measured;
            if now_ns.saturating_sub(since_ns) < 500_000_000 {
                continue;
            }
            let used_ns = fake.process.usage.cpu.total_ns - cpu_ns;
            fake.process.usage.cpu.percent = Hundredths::percent(used_ns, now_ns - since_ns);
            fake.measured = (now_ns, fake.process.usage.cpu.total_ns);
        }
    }
}

fn use_cpu(fake: &mut FakeProcess, user_ns: u64, system_ns: u64) {
    let cpu = &mut fake.process.usage.cpu;
    cpu.user_ns += user_ns;
    cpu.system_ns += system_ns;
    cpu.total_ns = cpu.user_ns + cpu.system_ns;
}

fn block(fake: &mut FakeProcess, what: &'static str) {
    if fake.process.state != ProcessState::Suspended {
        fake.process.state = ProcessState::Blocked;
        fake.process.state_detail = Some(what.into());
    }
}
