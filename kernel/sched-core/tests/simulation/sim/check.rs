//! What must hold of a machine at any moment.

use sched_core::{CpuId, CpuSet};

use super::{Machine, task::Whereabouts};

impl Machine {
    /// Every task is in exactly one place, and every processor runs what its queue says.
    pub(crate) fn assert_nothing_lost(&self) {
        let mut on_cpus = 0;
        for (id, task) in self.tasks.iter().enumerate() {
            match &task.whereabouts {
                Whereabouts::Sleeping(_) => {}
                Whereabouts::OnCpu(cpu, key) => {
                    on_cpus += 1;
                    let entity = self.cpus[cpu.index()].queue.get(*key);
                    assert_eq!(entity.map(|entity| *entity.task()), Some(id), "{id} on {cpu:?}");
                    assert!(task.affinity.contains(*cpu), "{id} waits where it may not run");
                }
                Whereabouts::Moving => panic!("{id} got lost on its way"),
            }
        }
        let queued: usize = self.cpus.iter().map(|cpu| cpu.queue.queue_length()).sum();
        assert_eq!(queued, on_cpus, "a queue holds a task that is not there");
        for cpu in &self.cpus {
            let current = cpu.queue.current().map(|entity| *entity.task());
            assert_eq!(current, cpu.running);
            assert_eq!(cpu.queue.view().running.is_some(), cpu.running.is_some());
        }
    }

    /// No processor idles while a task that may run there has waited for longer than `bound`.
    pub(crate) fn assert_no_idle_waste(&self, bound: u64) {
        let idle: CpuSet = self.idle_cpus().collect();
        if idle.is_empty() {
            return;
        }
        for (id, task) in self.tasks.iter().enumerate() {
            let Some(since) = task.waiting_since else { continue };
            let waited = self.now.since(since.max(task.affinity_since)).as_nanos();
            assert!(
                waited <= bound || (task.affinity & idle).is_empty(),
                "{id} waits for {waited} ns while {idle:?} idle"
            );
        }
    }

    /// The time that processors spent on tasks of the whole machine.
    pub(crate) fn total_served(&self) -> u64 {
        self.tasks.iter().map(|task| task.served).sum()
    }

    pub(crate) fn idle_cpus(&self) -> impl Iterator<Item = CpuId> + '_ {
        self.online().iter().filter(|cpu| self.cpus[cpu.index()].running.is_none())
    }
}
