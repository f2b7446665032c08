//! The process table against plain maps, under churn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use crate::{
    Credentials, ExitStatus, Gid, Instant, Isolation, Limits, NewProcess, Pid, ProcessError,
    ProcessName, ProcessState, ProcessTable, Profile, ProgramImage, Reaper, Scheduling, Signal,
    StateName, TableConfig, Uid, Usage, WaitEvents, WaitOutcome, WaitSelector,
};
use proptest::prelude::*;

const HISTORY: usize = 16;
const NUMBER_LIMIT: u32 = 1_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Stopped,
    Continued,
}

#[derive(Clone, Debug)]
struct Model {
    parent: u32,
    group: u32,
    session: u32,
    state: StateName,
    is_held: bool,
    is_stopped: bool,
    event: Option<Event>,
    threads: BTreeSet<u32>,
}

#[derive(Default)]
struct World {
    processes: BTreeMap<u32, Model>,
    defunct: Vec<u32>,
}

impl World {
    fn adopter(&self) -> u32 {
        u32::from(self.processes.get(&1).is_some_and(|init| is_alive(init.state)))
    }
}

fn is_alive(state: StateName) -> bool {
    !matches!(state, StateName::Terminated | StateName::Zombie | StateName::Defunct)
}

#[derive(Clone, Debug)]
enum Step {
    Create { parent: usize, joins: bool },
    Suspend(usize),
    Resume(usize),
    Stop(usize),
    Continue(usize),
    Terminate(usize),
    BecomeZombie(usize),
    Reap(usize),
    End(usize),
    Wait { parent: usize, stops: bool },
    AddThread(usize),
    RemoveThread(usize),
    SetGroup { caller: usize, target: usize, group: usize },
    StartSession(usize),
    Page(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<usize>;
    prop_oneof![
        10 => (which(), prop::bool::weighted(0.8)).prop_map(|(parent, joins)| Step::Create { parent, joins }),
        1 => which().prop_map(Step::Suspend),
        1 => which().prop_map(Step::Resume),
        2 => which().prop_map(Step::Stop),
        2 => which().prop_map(Step::Continue),
        4 => which().prop_map(Step::Terminate),
        4 => which().prop_map(Step::BecomeZombie),
        2 => which().prop_map(Step::Reap),
        5 => which().prop_map(Step::End),
        3 => (which(), any::<bool>()).prop_map(|(parent, stops)| Step::Wait { parent, stops }),
        2 => which().prop_map(Step::AddThread),
        2 => which().prop_map(Step::RemoveThread),
        2 => (which(), which(), which())
            .prop_map(|(caller, target, group)| Step::SetGroup { caller, target, group }),
        1 => which().prop_map(Step::StartSession),
        3 => (1..7_usize).prop_map(Step::Page),
    ]
}

fn profile() -> Profile {
    Profile {
        name: ProcessName::of_program(b"/bin/test"),
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

/// A listing in pages, with what was there throughout and at any time.
struct Listing {
    cursor: Option<Pid>,
    seen: Vec<u32>,
    throughout: BTreeSet<u32>,
    ever: BTreeSet<u32>,
}

struct Run {
    table: ProcessTable<u32>,
    world: World,
    listing: Listing,
    clock: u64,
}

fn pid(number: u32) -> Pid {
    if number == 0 { Pid::SYSTEM } else { Pid::new(number.into()).unwrap() }
}

fn invalid(number: u32, from: StateName, to: StateName) -> ProcessError {
    ProcessError::InvalidState { pid: pid(number), from, to }
}

impl Run {
    fn new() -> Self {
        let config =
            TableConfig { max_processes: 200, number_limit: NUMBER_LIMIT, history: HISTORY };
        let listing = Listing {
            cursor: None,
            seen: Vec::new(),
            throughout: BTreeSet::new(),
            ever: BTreeSet::new(),
        };
        Self {
            table: ProcessTable::new(config).unwrap(),
            world: World::default(),
            listing,
            clock: 0,
        }
    }

    fn now(&mut self) -> Instant {
        self.clock += 1;
        Instant::from_nanoseconds(self.clock)
    }

    fn pick(&self, index: usize) -> Option<u32> {
        let count = self.world.processes.len();
        self.world.processes.keys().nth(index.checked_rem(count)?).copied()
    }

    fn model(&mut self, number: u32) -> &mut Model {
        self.world.processes.get_mut(&number).unwrap()
    }

    fn create(&mut self, parent: usize, joins: bool) {
        let parent = if parent.is_multiple_of(8) { 0 } else { self.pick(parent).unwrap_or(0) };
        let reservation = match self.table.reserve(Uid(5), None) {
            Ok(reservation) => reservation,
            Err(error) => {
                assert!(matches!(error, ProcessError::ResourceExhausted { .. }));
                assert_eq!(self.world.processes.len(), 200);
                return;
            }
        };
        let number = reservation.pid().number();
        let credentials = Arc::new(Credentials::for_user(Uid(5), Gid(5), Arc::new([])));
        let now = self.now();
        let new = NewProcess::new(&reservation, pid(parent), credentials, profile(), number, now);
        let new = new.unwrap();
        let is_joining = joins && parent != 0;
        let new = if is_joining { new.forked_by(pid(parent)) } else { new };
        let inserted = self.table.insert(reservation, new);
        if is_joining && !self.world.processes.get(&parent).is_some_and(|it| is_alive(it.state)) {
            assert_eq!(inserted, Err(ProcessError::ProcessNotFound { pid: pid(parent) }));
            return;
        }
        inserted.unwrap();
        self.table.start(pid(number)).unwrap();
        let living = self.world.processes.get(&parent).filter(|it| is_alive(it.state));
        let (group, session) = match living {
            Some(parent) if joins => (parent.group, parent.session),
            _ => (number, number),
        };
        let parent = match living {
            Some(_) => parent,
            None if parent == 0 => 0,
            None => self.world.adopter(),
        };
        let model = Model {
            parent,
            group,
            session,
            state: StateName::Ready,
            is_held: false,
            is_stopped: false,
            event: None,
            threads: BTreeSet::new(),
        };
        assert!(self.world.processes.insert(number, model).is_none(), "{number} was in use");
        self.listing.ever.insert(number);
    }

    fn suspend_or_resume(&mut self, number: u32, suspends: bool) {
        let model = self.model(number);
        let from = model.state;
        let is_legal =
            if suspends { is_alive(from) && !model.is_held } else { from == StateName::Suspended };
        if is_legal {
            model.is_held = suspends;
            model.is_stopped &= suspends;
            model.state = if suspends { StateName::Suspended } else { StateName::Ready };
        }
        let (result, to) = if suspends {
            (self.table.suspend(pid(number)), StateName::Suspended)
        } else {
            (self.table.resume(pid(number)), StateName::Ready)
        };
        let expected = if is_legal { Ok(()) } else { Err(invalid(number, from, to)) };
        assert_eq!(result, expected);
    }

    fn stop_or_continue(&mut self, number: u32, stops: bool) {
        let model = self.model(number);
        let from = model.state;
        let is_legal = is_alive(from) && model.is_stopped != stops;
        if is_legal {
            model.is_stopped = stops;
            let is_suspended = stops || model.is_held;
            model.state = if is_suspended { StateName::Suspended } else { StateName::Ready };
            let event = if stops { Event::Stopped } else { Event::Continued };
            model.event = Some(event).filter(|_| model.parent != 0);
        }
        let to = self.model(number).state;
        if stops {
            let result = self.table.stop(pid(number), Signal::SIGTSTP);
            let refused = Err(invalid(number, from, StateName::Suspended));
            assert_eq!(result, if is_legal { Ok(()) } else { refused });
        } else {
            let result = self.table.continue_stopped(pid(number));
            let refused = Err(invalid(number, from, StateName::Ready));
            assert_eq!(result, if is_legal { Ok(to == StateName::Ready) } else { refused });
        }
    }

    fn terminate(&mut self, number: u32) {
        let from = self.model(number).state;
        let result = self.table.terminate(pid(number), ExitStatus::Code(3));
        if is_alive(from) {
            assert_eq!(result, Ok(()));
            self.model(number).state = StateName::Terminated;
        } else {
            assert_eq!(result, Err(invalid(number, from, StateName::Terminated)));
        }
    }

    /// All that happens from the end to the history.
    fn end(&mut self, number: u32) {
        self.terminate(number);
        self.become_zombie(number);
        self.reap(number);
    }

    fn become_zombie(&mut self, number: u32) {
        while !self.world.processes[&number].threads.is_empty() {
            self.remove_thread(number);
        }
        let from = self.model(number).state;
        let now = self.now();
        if number.is_multiple_of(2) {
            let given_up = self.table.give_up_children(pid(number), 1);
            assert_eq!(given_up.is_err(), is_alive(from));
            match given_up {
                Ok(given_up) => assert!(given_up.moved <= 1),
                Err(error) => assert_eq!(error, invalid(number, from, StateName::Zombie)),
            }
        }
        let result = self.table.become_zombie(pid(number), Usage::default(), now);
        if from != StateName::Terminated {
            assert_eq!(result.unwrap_err(), invalid(number, from, StateName::Zombie));
            return;
        }
        let adopter = self.world.adopter();
        for child in self.world.processes.values_mut().filter(|it| it.parent == number) {
            child.parent = adopter;
            child.event = child.event.filter(|_| adopter != 0);
        }
        let model = self.model(number);
        model.state = StateName::Zombie;
        model.event = None;
        let reaper =
            if model.parent == 0 { Reaper::Manager } else { Reaper::Parent(pid(model.parent)) };
        assert_eq!(result.unwrap().reaper, reaper);
    }

    fn reap(&mut self, number: u32) {
        let from = self.model(number).state;
        let now = self.now();
        let result = self.table.reap(pid(number), now);
        if from != StateName::Zombie {
            let error = result.err().expect("only a zombie is reaped");
            assert_eq!(error, invalid(number, from, StateName::Defunct));
            return;
        }
        assert_eq!(result.unwrap().attachment, number);
        self.world.processes.remove(&number);
        self.world.defunct.push(number);
        self.listing.throughout.remove(&number);
    }

    fn wait(&mut self, parent: u32, stops: bool) {
        let events = WaitEvents { exited: true, stopped: stops, continued: stops };
        let children: Vec<(u32, Model)> = self
            .world
            .processes
            .iter()
            .filter(|(_, it)| it.parent == parent)
            .map(|(number, it)| (*number, it.clone()))
            .collect();
        let expected = |child: &Model| match (child.state, child.event) {
            (StateName::Zombie, _) => Some("exited"),
            (_, Some(Event::Stopped)) if stops => Some("stopped"),
            (_, Some(Event::Continued)) if stops => Some("continued"),
            _ => None,
        };
        let word = |outcome: &WaitOutcome| match outcome {
            WaitOutcome::Exited { pid, .. } => Some((*pid, "exited")),
            WaitOutcome::Stopped { pid, .. } => Some((*pid, "stopped")),
            WaitOutcome::Continued { pid } => Some((*pid, "continued")),
            WaitOutcome::NothingYet | WaitOutcome::NoChild => None,
        };
        let ask = |table: &ProcessTable<u32>, selector| {
            table.find_waitable(pid(parent), selector, events)
        };
        for group in children.iter().map(|(_, it)| it.group).chain([parent]) {
            let outcome = ask(&self.table, WaitSelector::Group(pid(group)));
            let members = children.iter().filter(|(_, it)| it.group == group);
            check_wait(outcome, members.map(|(number, it)| (*number, expected(it))));
        }
        for (number, child) in &children {
            let outcome = ask(&self.table, WaitSelector::Child(pid(*number)));
            check_wait(outcome, [(*number, expected(child))]);
        }
        let outcome = ask(&self.table, WaitSelector::Any);
        check_wait(outcome, children.iter().map(|(number, it)| (*number, expected(it))));
        match word(&outcome) {
            Some((child, "exited")) => self.reap(child.number()),
            Some((child, _)) => {
                self.table.take_wait_event(child).unwrap();
                self.model(child.number()).event = None;
            }
            None => {}
        }
    }

    fn add_thread(&mut self, number: u32) {
        let result = self.table.add_thread(pid(number), None);
        let model = self.model(number);
        if is_alive(model.state) {
            let tid = result.unwrap();
            assert!(model.threads.insert(tid.number()));
            assert!(!self.world.processes.contains_key(&tid.number()));
            assert_eq!(self.table.process_of(tid), Ok(pid(number)));
        } else {
            assert!(matches!(result, Err(ProcessError::InvalidState { .. })));
        }
    }

    fn remove_thread(&mut self, number: u32) {
        let model = self.model(number);
        let Some(thread) = model.threads.pop_first() else { return };
        let left = u32::try_from(model.threads.len()).unwrap() + 1;
        let tid = crate::Tid::new(thread.into()).unwrap();
        assert_eq!(self.table.remove_thread(tid), Ok(left));
        assert!(self.table.process_of(tid).is_err());
    }

    fn set_group(&mut self, caller: u32, target: u32, group: u32) {
        let processes = &self.world.processes;
        let (session, it) = (processes[&caller].session, &processes[&target]);
        let group_session =
            processes.values().find(|it| it.group == group).map(|member| member.session);
        let expected = if target != caller && it.parent != caller {
            Err(ProcessError::ProcessNotFound { pid: pid(target) })
        } else if it.session != session || it.session == target {
            Err(ProcessError::PermissionDenied { pid: pid(target) })
        } else if group != target && group_session != Some(session) {
            Err(ProcessError::PermissionDenied { pid: pid(group) })
        } else {
            Ok(())
        };
        let result = self.table.set_group(pid(caller), pid(target), pid(group));
        assert_eq!(result, expected);
        if result.is_ok() {
            self.model(target).group = group;
        }
    }

    fn start_session(&mut self, number: u32) {
        let is_refused = self.world.processes.values().any(|it| it.group == number);
        let result = self.table.start_session(pid(number));
        assert_eq!(result.is_err(), is_refused);
        if !is_refused {
            let model = self.model(number);
            (model.group, model.session) = (number, number);
        }
    }

    fn page(&mut self, limit: usize) {
        let listing = &mut self.listing;
        if listing.cursor.is_none() {
            listing.throughout = self.world.processes.keys().copied().collect();
            listing.ever = listing.throughout.clone();
        }
        let page: Vec<Pid> =
            self.table.page_after(listing.cursor).take(limit).map(|it| it.pid()).collect();
        if let Some(last) = page.last() {
            listing.cursor = Some(*last);
            listing.seen.extend(page.iter().map(|it| it.number()));
            return;
        }
        let seen: BTreeSet<u32> = listing.seen.iter().copied().collect();
        assert_eq!(seen.len(), listing.seen.len(), "something was listed twice");
        assert!(listing.throughout.is_subset(&seen), "something was missed");
        assert!(seen.is_subset(&listing.ever), "something was listed that never was");
        listing.cursor = None;
        listing.seen.clear();
    }

    fn run(&mut self, step: &Step) {
        let pick = |index: &usize| self.pick(*index);
        match step {
            Step::Create { parent, joins } => self.create(*parent, *joins),
            Step::Page(limit) => self.page(*limit),
            Step::SetGroup { caller, target, group } => {
                if let (Some(caller), Some(target), Some(group)) =
                    (pick(caller), pick(target), pick(group))
                {
                    self.set_group(caller, target, group);
                }
            }
            Step::Wait { parent, stops } => {
                if let Some(parent) = pick(parent) {
                    self.wait(parent, *stops);
                }
            }
            Step::Suspend(index)
            | Step::Resume(index)
            | Step::Stop(index)
            | Step::Continue(index)
            | Step::Terminate(index)
            | Step::BecomeZombie(index)
            | Step::Reap(index)
            | Step::End(index)
            | Step::AddThread(index)
            | Step::RemoveThread(index)
            | Step::StartSession(index) => {
                let Some(number) = pick(index) else { return };
                match step {
                    Step::Suspend(_) => self.suspend_or_resume(number, true),
                    Step::Resume(_) => self.suspend_or_resume(number, false),
                    Step::Stop(_) => self.stop_or_continue(number, true),
                    Step::Continue(_) => self.stop_or_continue(number, false),
                    Step::Terminate(_) => self.terminate(number),
                    Step::BecomeZombie(_) => self.become_zombie(number),
                    Step::Reap(_) => self.reap(number),
                    Step::End(_) => self.end(number),
                    Step::AddThread(_) => self.add_thread(number),
                    Step::RemoveThread(_) => self.remove_thread(number),
                    _ => self.start_session(number),
                }
            }
        }
    }

    /// Everything that can be asked, against the model.
    fn check(&self) {
        let listed: Vec<u32> = self.table.page_after(None).map(|it| it.pid().number()).collect();
        assert!(listed.iter().eq(self.world.processes.keys()));
        assert_eq!(self.table.len(), listed.len());
        let mut children: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let mut groups: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let mut tasks = 0;
        for (number, model) in &self.world.processes {
            let process = self.table.get(pid(*number)).unwrap();
            assert_eq!(process.attachment, *number);
            assert_eq!(process.state().name(), model.state);
            assert_eq!(process.parent().number(), model.parent);
            assert_eq!(process.group().number(), model.group);
            assert_eq!(process.session().number(), model.session);
            if let ProcessState::Suspended { suspension } = process.state() {
                let found = (suspension.signal.is_some(), suspension.by_operator);
                assert_eq!(found, (model.is_stopped, model.is_held));
            }
            children.entry(model.parent).or_default().insert(*number);
            groups.entry(model.group).or_default().insert(*number);
            tasks += 1 + u32::try_from(model.threads.len()).unwrap();
        }
        assert_eq!(self.table.tasks_of(Uid(5)), tasks);
        for parent in self.world.processes.keys().chain([&0]) {
            let found: Vec<u32> =
                self.table.children(pid(*parent)).map(|it| it.pid().number()).collect();
            let set: BTreeSet<u32> = found.iter().copied().collect();
            assert_eq!(set.len(), found.len());
            assert_eq!(set, children.remove(parent).unwrap_or_default());
        }
        assert!(children.is_empty(), "nobody has a parent that is gone");
        for (group, members) in groups {
            let found: BTreeSet<u32> =
                self.table.group_members(pid(group)).map(|it| it.pid().number()).collect();
            assert_eq!(found, members);
        }
        for &state in StateName::ALL {
            let count = self.world.processes.values().filter(|it| it.state == state).count();
            assert_eq!(self.table.counts().of(state) as usize, count, "{state}");
        }
        let is_unclaimed = |it: &Model| it.parent == 0 && it.state == StateName::Zombie;
        let unclaimed = self.table.next_unclaimed_zombie().map(|pid| pid.number());
        match unclaimed {
            Some(number) => assert!(is_unclaimed(&self.world.processes[&number])),
            None => assert!(!self.world.processes.values().any(is_unclaimed)),
        }
        let remembered = self.table.history().iter().map(|it| it.pid.number());
        assert!(remembered.eq(self.world.defunct.iter().rev().take(HISTORY).copied()));
    }
}

fn check_wait(
    outcome: WaitOutcome,
    children: impl IntoIterator<Item = (u32, Option<&'static str>)>,
) {
    let children: Vec<_> = children.into_iter().collect();
    let found = match outcome {
        WaitOutcome::Exited { pid, exit } => {
            assert_eq!(exit, ExitStatus::Code(3));
            (pid, "exited")
        }
        WaitOutcome::Stopped { pid, signal } => {
            assert_eq!(signal, Signal::SIGTSTP);
            (pid, "stopped")
        }
        WaitOutcome::Continued { pid } => (pid, "continued"),
        WaitOutcome::NoChild => return assert!(children.is_empty()),
        WaitOutcome::NothingYet => {
            assert!(!children.is_empty());
            return assert!(children.iter().all(|(_, news)| news.is_none()));
        }
    };
    assert!(children.contains(&(found.0.number(), Some(found.1))), "{found:?} of {children:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    // proves: P1, P2, P9
    #[test]
    fn the_table_is_maps_under_churn(steps in proptest::collection::vec(step(), 0..250)) {
        let mut run = Run::new();
        for step in &steps {
            run.run(step);
            run.check();
        }
    }
}

// proves: P9
#[test]
fn numbers_are_used_again_as_late_as_possible() {
    let mut run = Run::new();
    for _ in 0..NUMBER_LIMIT - 1 {
        run.create(0, false);
        let (&number, _) = run.world.processes.last_key_value().unwrap();
        run.end(number);
    }
    let order: Vec<u32> = run.world.defunct.clone();
    assert!(order.iter().copied().eq(1..NUMBER_LIMIT), "every number came once before any twice");
    run.create(0, false);
    let (&again, _) = run.world.processes.last_key_value().unwrap();
    assert_eq!(again, 300, "later rounds leave the first numbers alone");
}
