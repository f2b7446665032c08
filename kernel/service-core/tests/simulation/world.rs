//! The world around the manager: programs, time, operators; and the invariants.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use service_core::{
    Action, Condition, ConditionKind, Dependency, Document, EdgeKind, End, Event, Instant, Kind,
    Manager, Outcome, Port, Probe, ProbeKind, ReadyWhen, Report, ReportKind, Request,
    RestartPolicy, RunId, StateName, Strategy, Supervision,
};

use crate::random::Random;

/// How a program behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Nature {
    Good,
    Crashes,
    EndsWell,
    NeverReady,
    IgnoresSignals,
    Flaps,
    CannotBeLaunched,
}

/// Something that will happen.
type Happening = (u64, u64, Planned);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Planned {
    Launched(RunId),
    Ends(RunId, u8),
    Killed(RunId),
    Ready(RunId),
    Answer(RunId, u64, bool),
    Drained(RunId),
    Condition(usize, bool),
}

pub(crate) struct World {
    seed: u64,
    random: Random,
    manager: Manager,
    now: Instant,
    count: usize,
    planned: BinaryHeap<Reverse<Happening>>,
    sequence: u64,
    natures: BTreeMap<u32, Nature>,
    /// Runs that have processes.
    living: BTreeMap<RunId, Arc<Document>>,
    /// Instances that can be used, as the actions say so far.
    ready: BTreeSet<(Arc<str>, u32)>,
    conditions: Vec<service_core::ServiceId>,
    /// When instances were started again, since somebody last took care of them.
    restarts: BTreeMap<(Arc<str>, u32), Vec<u64>>,
    is_reliable: bool,
    is_shutting_down: bool,
    all_stopped: bool,
    history: Vec<String>,
}

impl World {
    /// `count` services that need each other, some of which fail.
    pub(crate) fn new(seed: u64, count: usize) -> Self {
        let mut world = Self::empty(seed, count);
        let documents: Vec<_> = (0..count).map(|index| world.document(index)).collect();
        let refused = world.manager.register_all(world.now, documents);
        assert_eq!(refused, [], "seed {seed}");
        world
    }

    /// One service with many instances that never fail.
    pub(crate) fn reliable(seed: u64, instances: u32) -> Self {
        let mut world = Self::empty(seed, 1);
        world.is_reliable = true;
        let mut document = Document::new("s0", "/bin/true", "1.0".parse().unwrap());
        document.instances = instances;
        document.port = Some(Port { listen: 80, strategy: Strategy::RoundRobin, weights: vec![] });
        assert_eq!(world.manager.register_all(world.now, vec![document]), []);
        world
    }

    fn empty(seed: u64, count: usize) -> Self {
        Self {
            seed,
            random: Random::new(seed),
            manager: Manager::new(seed),
            now: Instant(1),
            count,
            planned: BinaryHeap::new(),
            sequence: 0,
            natures: BTreeMap::new(),
            living: BTreeMap::new(),
            ready: BTreeSet::new(),
            conditions: Vec::new(),
            restarts: BTreeMap::new(),
            is_reliable: false,
            is_shutting_down: false,
            all_stopped: false,
            history: Vec::new(),
        }
    }

    fn document(&mut self, index: usize) -> Document {
        let random = &mut self.random;
        let mut document = Document::new(&format!("s{index}"), "/bin/true", "1.0".parse().unwrap());
        let below = index as u64;
        for _ in 0..random.below(4) {
            let other = format!("s{}", random.below(below));
            let is_new = !document.dependencies.iter().any(|known| known.service == other);
            if index > 0 && is_new {
                let required = random.percent(60);
                let timeout_ms = 1_000 + random.below(20_000);
                document.dependencies.push(Dependency {
                    required,
                    timeout_ms,
                    ..Dependency::on(&other)
                });
            }
        }
        if index > 0 && random.percent(20) {
            document.after.push(format!("s{}", random.below(below)));
        }
        if random.percent(5) {
            document
                .conditions
                .push(Condition { kind: ConditionKind::PathExists, path: "/x".into() });
        }
        document.instances = 1 + u32::try_from(random.below(4)).unwrap();
        document.enabled = random.percent(80);
        document.restart.policy = random.choice(RestartPolicy::ALL);
        document.restart.max_restarts = u32::try_from(random.below(6)).unwrap();
        document.restart.reset_after_ms = 2_000;
        document.start.timeout_ms = 2_000;
        document.stop.grace_ms = random.below(2_000);
        document.stop.drain_ms = random.below(1_000);
        if random.percent(40) {
            let weights = vec![1, 3];
            let listen = u16::try_from(1_000 + index).unwrap();
            document.port = Some(Port { listen, strategy: Strategy::Weighted, weights });
        }
        if random.percent(50) {
            let kinds = [ProbeKind::Alive, ProbeKind::Command, ProbeKind::Heartbeat];
            let mut probe = Probe::new(random.choice(&kinds));
            probe.interval_ms = 500;
            if probe.kind == ProbeKind::Command {
                probe.command = vec!["/bin/true".into()];
            }
            if probe.kind != ProbeKind::Heartbeat || random.percent(50) {
                document.start.ready_when = ReadyWhen::Healthy;
            }
            document.health = Some(probe);
        } else if random.percent(30) {
            document.start.ready_when = ReadyWhen::Notified;
        }
        if index > 5 && random.percent(8) {
            document.kind = Kind::Group;
            document.program = String::new();
            document.port = None;
            document.health = None;
            document.start.ready_when = ReadyWhen::Running;
            document.supervision = Supervision::OneForOne;
            document.dependencies.clear();
            let first = index - 3;
            document.members = (first..index).map(|member| format!("s{member}")).collect();
            document.after.clear();
            document.supervision = random.choice(Supervision::ALL);
            // An order among members may contradict what they need: nothing here points upwards.
        }
        document
    }

    fn plan(&mut self, after_ms: u64, what: Planned) {
        self.sequence += 1;
        self.planned.push(Reverse((self.now.after_ms(after_ms).0, self.sequence, what)));
    }

    fn nature(&mut self, service: u32) -> Nature {
        if self.is_reliable {
            return Nature::Good;
        }
        let random = &mut self.random;
        *self.natures.entry(service).or_insert_with(|| match random.below(20) {
            0..=9 => Nature::Good,
            10..=12 => Nature::Crashes,
            13 => Nature::EndsWell,
            14 => Nature::NeverReady,
            15 | 16 => Nature::IgnoresSignals,
            17 | 18 => Nature::Flaps,
            _ => Nature::CannotBeLaunched,
        })
    }

    pub(crate) fn boot(&mut self) {
        self.step(Event::Boot);
    }

    /// Lets `events` things happen, among them whims of operators.
    pub(crate) fn live(&mut self, events: usize) {
        for _ in 0..events {
            if self.random.percent(15) {
                self.operator();
            } else if self.random.percent(5) && !self.living.is_empty() {
                let nth = self.random.below(self.living.len() as u64);
                let run = *self.living.keys().nth(usize::try_from(nth).unwrap()).unwrap();
                self.plan(0, Planned::Ends(run, 99));
            } else if !self.pass() {
                self.operator();
            }
        }
    }

    /// Whatever is next happens. False if nothing is.
    fn pass(&mut self) -> bool {
        let tick = self.manager.next_tick();
        let planned = self.planned.peek().map(|Reverse((at, ..))| *at);
        match (tick, planned) {
            (None, None) => false,
            (Some(tick), planned) if planned.is_none_or(|at| tick.0 <= at) => {
                self.now = self.now.max(tick);
                self.step(Event::Tick);
                true
            }
            _ => {
                let Some(Reverse((at, _, what))) = self.planned.pop() else { return false };
                self.now = self.now.max(Instant(at));
                self.happen(&what);
                true
            }
        }
    }

    fn happen(&mut self, what: &Planned) {
        match *what {
            Planned::Launched(run) if self.living.contains_key(&run) => {
                self.step(Event::Launched(run));
            }
            Planned::Ready(run) => {
                self.step(Event::Beat(run));
                self.step(Event::SaidReady(run));
            }
            Planned::Ends(run, code) => {
                if self.living.remove(&run).is_some() {
                    let end = if code == 99 { End::Signal("SIGSEGV") } else { End::Code(code) };
                    self.step(Event::Ended { run, end });
                }
            }
            Planned::Killed(run) => {
                if self.living.remove(&run).is_some() {
                    self.step(Event::Ended { run, end: End::Signal("SIGKILL") });
                }
            }
            Planned::Answer(run, ticket, is_success) => {
                let purpose = service_core::Purpose::Liveness;
                let detail = "simulated".into();
                self.step(Event::Checked { run, ticket, purpose, is_success, detail });
            }
            Planned::Drained(run) => self.step(Event::Drained(run)),
            Planned::Condition(index, holds) => {
                let service = self.conditions[index];
                let unmet = (!holds).then(|| "/x is missing".into());
                self.step(Event::Conditions { service, unmet });
            }
            Planned::Launched(_) => {}
        }
    }

    fn operator(&mut self) {
        let name: Arc<str> = format!("s{}", self.random.below(self.count as u64)).into();
        let request = match self.random.below(14) {
            0..=2 => Request::Start(name),
            3 | 4 => Request::Stop(name),
            5 | 6 => Request::Restart(name),
            7 => Request::Pause(name),
            8 => Request::Resume(name),
            9 => Request::Scale(name, 1 + u32::try_from(self.random.below(5)).unwrap()),
            10 => Request::Terminate(name),
            11 => Request::Disable(name),
            12 => Request::Enable(name),
            _ => Request::Unregister(name),
        };
        self.request(&request);
    }

    fn request(&mut self, request: &Request) {
        let planned = self.manager.plan(request);
        let foreseen = self.manager.foresee(request);
        let (_, name) = request.target();
        let before = self.manager.view(&name).ok().map(|view| view.document);
        let forgives = matches!(request, Request::Start(_) | Request::Restart(_));
        match self.manager.request(self.now, request, Some("simulated")) {
            Ok((_, actions)) => {
                assert!(
                    planned.is_ok(),
                    "seed {}: {request:?} was planned: {planned:?}",
                    self.seed
                );
                if forgives {
                    self.restarts.clear();
                }
                // What was foreseen has come: what is kept over a boot is written before it does.
                let after = self.manager.view(&name).ok().map(|view| view.document);
                match foreseen {
                    Ok(Outcome::Changed(document)) => {
                        assert_eq!(after.as_deref(), Some(&*document));
                    }
                    Ok(Outcome::Removed) => assert!(before.is_some() && after.is_none()),
                    Ok(Outcome::Same) => assert_eq!(after, before),
                    Err(error) => panic!("seed {}: {request:?}: {error}", self.seed),
                }
                assert!(request.changes_document() || after == before);
                self.carry_out(actions);
            }
            Err(error) => self.history.push(format!("{error}")),
        }
        self.check();
    }

    fn step(&mut self, event: Event) {
        let actions = self.manager.step(self.now, event);
        self.carry_out(actions);
        self.check();
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Launch { run, document } => self.launch(run, &document),
                Action::Signal { run, .. } => {
                    self.leaves(run);
                    self.signal(run);
                }
                Action::Kill(run) => {
                    self.leaves(run);
                    self.plan(1, Planned::Killed(run));
                }
                Action::Drain(run) => {
                    self.leaves(run);
                    if self.random.percent(70) {
                        let after = self.random.below(700);
                        self.plan(after, Planned::Drained(run));
                    }
                }
                Action::CheckConditions { service, .. } => {
                    self.conditions.push(service);
                    let holds = self.random.percent(70);
                    self.plan(5, Planned::Condition(self.conditions.len() - 1, holds));
                }
                Action::Check { run, ticket, .. } => {
                    let nature = self.nature(run.service.number());
                    let is_good = match nature {
                        Nature::NeverReady => false,
                        Nature::Flaps => self.random.percent(50),
                        _ => true,
                    };
                    // Some answers never come.
                    if !self.random.percent(2) {
                        let after = self.random.below(200);
                        self.plan(after, Planned::Answer(run, ticket, is_good));
                    }
                }
                Action::Report(report) => self.note(&report),
                Action::AllStopped => self.all_stopped = true,
                Action::Suspend(_) | Action::Resume(_) => {}
                Action::Serve { .. } | Action::Withhold(_) => {}
                Action::OpenPort { .. } | Action::ClosePort(_) => {}
            }
        }
    }

    fn launch(&mut self, run: RunId, document: &Arc<Document>) {
        let seed = self.seed;
        assert!(!self.is_shutting_down, "seed {seed}: {} started while going down", document.name);
        let is_same = |other: &RunId| other.service == run.service && other.index == run.index;
        assert!(!self.living.keys().any(is_same), "seed {seed}: {run:?} runs twice");
        for (dependency, kind) in self.needed(&document.name) {
            let view = self.manager.view(&dependency).unwrap();
            let is_completed =
                view.instances.iter().all(|instance| instance.state.name() == "completed");
            let is_ready = self.ready.iter().any(|(name, _)| *name == dependency);
            let is_group = view.document.kind == Kind::Group && view.state == StateName::Running;
            let is_there = is_ready || is_completed || is_group;
            assert!(
                is_there,
                "seed {seed}: {} started before {dependency} ({kind}): {view:?}",
                document.name
            );
        }
        self.living.insert(run, Arc::clone(document));
        match self.nature(run.service.number()) {
            Nature::CannotBeLaunched => {
                self.living.remove(&run);
                let end = End::NotLaunched("no such file".into());
                // The answer comes at once, but not within the same step.
                self.plan(0, Planned::Launched(run));
                let actions = self.manager.step(self.now, Event::Ended { run, end });
                self.carry_out(actions);
                return;
            }
            Nature::Crashes => {
                let after = self.random.below(3_000);
                self.plan(after, Planned::Ends(run, 1));
            }
            Nature::EndsWell => {
                let after = self.random.below(500);
                self.plan(after, Planned::Ends(run, 0));
            }
            Nature::NeverReady => {}
            Nature::Good | Nature::IgnoresSignals | Nature::Flaps => {
                let after = self.random.below(400);
                self.plan(after, Planned::Ready(run));
            }
        }
        self.plan(0, Planned::Launched(run));
    }

    fn signal(&mut self, run: RunId) {
        if self.is_shutting_down
            && let Some(document) = self.living.get(&run)
        {
            let name: Arc<str> = document.name.as_str().into();
            for other in self.living.values() {
                let is_early = self.needed_with_members(&other.name).contains(&name);
                assert!(!is_early, "seed {}: {name} stops before {}", self.seed, other.name);
            }
        }
        if self.nature(run.service.number()) != Nature::IgnoresSignals {
            let after = self.random.below(300);
            self.plan(after, Planned::Ends(run, 0));
        }
    }

    fn leaves(&mut self, run: RunId) {
        if let Some(document) = self.living.get(&run) {
            self.ready.remove(&(document.name.as_str().into(), run.index));
        }
    }

    fn needed(&self, name: &str) -> Vec<(Arc<str>, EdgeKind)> {
        let edges = self.manager.edges_of(name);
        edges.into_iter().filter(|(_, kind)| kind.is_needed()).collect()
    }

    /// What a service needs, and the members of groups among that.
    fn needed_with_members(&self, name: &str) -> BTreeSet<Arc<str>> {
        let mut open: Vec<_> = self.needed(name).into_iter().map(|(needed, _)| needed).collect();
        let mut all = BTreeSet::new();
        while let Some(name) = open.pop() {
            let view = self.manager.view(&name).unwrap();
            open.extend(view.document.members.iter().map(|member| Arc::from(member.as_str())));
            all.insert(name);
        }
        all
    }

    fn note(&mut self, report: &Report) {
        self.history.push(format!("{} {report:?}", self.now.0));
        let key = |index| (Arc::clone(&report.service), index);
        match report.kind {
            ReportKind::InstanceReady { index } => {
                self.ready.insert(key(index));
            }
            ReportKind::InstanceUnready { index, .. } | ReportKind::InstanceEnded { index, .. } => {
                self.ready.remove(&key(index));
            }
            _ => {}
        }
        if let ReportKind::RestartPlanned { index, delay_ms } = report.kind {
            let key = (Arc::clone(&report.service), index);
            let at = self.now.after_ms(delay_ms).0;
            let times = self.restarts.entry(key).or_default();
            times.push(at);
            let Ok(view) = self.manager.view(&report.service) else { return };
            let restart = &view.document.restart;
            let within = times.iter().filter(|time| at - **time < restart.window_ms * 1_000_000);
            assert!(
                within.count() <= restart.max_restarts as usize,
                "seed {}: {} was started again more often than allowed",
                self.seed,
                report.service
            );
        }
    }

    /// What holds after each step.
    fn check(&self) {
        let seed = self.seed;
        if let Some(tick) = self.manager.next_tick() {
            assert!(tick > self.now, "seed {seed}: a timer of the past was left");
        }
        if self.count > 100 {
            return;
        }
        for name in self.manager.names() {
            let view = self.manager.view(&name).unwrap();
            let living = view.instances.iter().filter(|instance| instance.run.is_some()).count();
            match view.state {
                StateName::Stopped | StateName::Disabled | StateName::Failed => {
                    assert_eq!(
                        living, 0,
                        "seed {seed}: {name} is {} and has processes",
                        view.state
                    );
                }
                StateName::Running if view.document.kind != Kind::Group => {
                    assert!(view.ready > 0, "seed {seed}: {name} runs without an instance");
                }
                _ => {}
            }
            for run in view.instances.iter().filter_map(|instance| instance.run) {
                assert!(
                    self.living.contains_key(&run),
                    "seed {seed}: {run:?} of {name} is a ghost"
                );
            }
        }
    }

    /// Nothing goes wrong any more, and everything comes to rest: nothing may hang in between.
    pub(crate) fn calm_down(&mut self) {
        let names: Vec<_> = self.manager.names();
        for name in names {
            self.request(&Request::Resume(name));
        }
        let until = self.now.after_ms(100_000);
        while self.now < until && self.pass() {}
        for name in self.manager.names() {
            let view = self.manager.view(&name).unwrap();
            let is_between = matches!(view.state, StateName::Stopping);
            assert!(!is_between, "seed {}: {name} hangs: {view:?}", self.seed);
            if view.state == StateName::Starting {
                // Only who waits for one that starts again and again may still be starting.
                let chain = self.manager.explain(self.now, &name).unwrap();
                let last = chain.last().unwrap();
                let moves = self.manager.view(&last.service).unwrap();
                let is_moving = moves
                    .instances
                    .iter()
                    .any(|instance| instance.run.is_some() || instance.state.name() == "back_off");
                assert!(is_moving, "seed {}: {name} hangs: {chain:?} {moves:?}", self.seed);
            }
        }
        for operation in self.manager.operations() {
            let is_open = operation.ended.is_none();
            let view = self.manager.view(&operation.service);
            let settles = view.is_ok_and(|view| {
                view.instances.iter().all(|instance| {
                    matches!(instance.state.name(), "ready" | "failed" | "completed")
                }) && view.state != StateName::Starting
            });
            assert!(!(is_open && settles), "seed {}: {operation:?} never ends", self.seed);
        }
    }

    pub(crate) fn shut_down(&mut self) {
        self.is_shutting_down = true;
        self.step(Event::Shutdown);
        while !self.all_stopped && self.pass() {}
        assert!(self.all_stopped, "seed {}: the shutdown hangs", self.seed);
        assert!(self.living.is_empty(), "seed {}: {:?} live on", self.seed, self.living.keys());
        assert!(self.manager.request(self.now, &Request::Start("s0".into()), None).is_err());
    }

    pub(crate) fn ready(&self, name: &str) -> u32 {
        self.manager.view(name).unwrap().ready
    }

    /// Restarts a service instance by instance; the fewest that were ready at any moment.
    pub(crate) fn restart_rolling(&mut self, name: &str) -> u32 {
        let runs: Vec<_> = self.living.keys().copied().collect();
        let last = runs.iter().map(|run| run.run).max().unwrap();
        self.request(&Request::Restart(name.into()));
        let mut lowest = self.ready(name);
        while self.living.keys().any(|run| run.run <= last)
            || self.ready(name) as usize != runs.len()
        {
            assert!(self.pass(), "the restart hangs");
            lowest = lowest.min(self.ready(name));
        }
        lowest
    }

    pub(crate) fn into_history(self) -> Vec<String> {
        self.history
    }
}
