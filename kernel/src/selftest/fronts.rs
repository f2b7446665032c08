//! A service's port with real programs behind it, and its name. The network is started here, by the
//! first test that needs it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use net::dns::ServiceAddress;
use net::stack::{
    Candidate, Choose, ConnectionId, FrontConfig, FrontFigures, FrontId, IoError, IpAddress,
    IpEndpoint, MemberState, Observer, Ready, SocketOptions,
};
use process_core::{ExitStatus, Pid};

use super::Test;
use super::support::{
    Outcome, PATIENCE_MS, Stop, check, eventually, failed, program, run, start, wait_for,
};
use crate::network::{self, Secrets, act, publish_name, withdraw_name};
use crate::options::Options;
use crate::process::{self, NewProgram};

pub(super) const TESTS: &[Test] = &[
    ("front_serves_while_members_come_and_go", serves_while_members_come_and_go),
    ("front_resolves_by_name", resolves_by_name),
];

const PORT: u16 = 8080;
const REQUEST: &[u8] = b"GET /hostname HTTP/1.0\r\n\r\n";
/// Clients at once.
const CLIENTS: usize = 9;

fn need_network() -> Outcome {
    const BOOT_MS: u64 = 5_000;
    if network::is_up() {
        return Ok(());
    }
    let options = Options::parse("net=static ip=10.0.2.15/24");
    let secrets = Secrets { token: String::from("unused"), link_secret: None };
    network::start(&options, secrets).map_err(failed("the network"))?;
    if eventually(BOOT_MS, network::is_up) { Ok(()) } else { Err(Stop::Skipped("no card")) }
}

/// Members in turns.
struct InTurn(u64);

impl Choose for InTurn {
    fn choose(&mut self, candidates: &[Candidate]) -> Option<u64> {
        let next = candidates.iter().find(|candidate| candidate.member > self.0);
        self.0 = next.or(candidates.first())?.member;
        Some(self.0)
    }
}

/// The clients ask again and again instead.
#[derive(Debug)]
struct Deaf;

impl Observer for Deaf {
    fn changed(&self, _: Ready) {}
}

/// busybox's server as a member of this number; it forks for each connection.
fn server(instance: u64) -> Result<NewProgram, Stop> {
    let words = ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/etc"];
    Ok(NewProgram { instance, ..program(&words)? })
}

fn with<R>(f: impl FnOnce(&mut Stack, net::time::Instant) -> R) -> Result<R, String> {
    act(f).ok_or_else(|| String::from("the network is gone"))
}

type Stack = net::stack::Stack<drivers::machine::NetworkCard>;

/// A service that has this front.
struct Service {
    front: FrontId,
    members: BTreeMap<u64, Pid>,
}

impl Service {
    fn open() -> Result<Self, Stop> {
        let config = FrontConfig { backlog: 64, ..FrontConfig::new(PORT) };
        let opened = with(|stack, _| stack.open_front(&config, alloc::boxed::Box::new(InTurn(0))))?;
        let front = opened.map_err(failed("the front"))?;
        Ok(Self { front, members: BTreeMap::new() })
    }

    fn set(&self, member: u64, state: MemberState) -> Result<(), String> {
        let is_set = with(|stack, _| stack.set_member(self.front, member, state, 1))?;
        if is_set { Ok(()) } else { Err(String::from("the front is gone")) }
    }

    fn start(&mut self, member: u64) -> Outcome {
        self.set(member, MemberState::Waiting)?;
        self.members.insert(member, start(&server(member)?)?);
        let listens = || {
            let figures = self.figures();
            figures.is_ok_and(|figures| {
                figures.members.iter().any(|it| it.member == member && it.listeners == 1)
            })
        };
        check!(eventually(PATIENCE_MS, listens), "member {member} does not listen");
        Ok(())
    }

    fn figures(&self) -> Result<FrontFigures, String> {
        with(|stack, _| stack.front_figures(self.front))?
            .ok_or_else(|| String::from("the front has no figures"))
    }

    /// Ends a member by a signal, and forgets it.
    fn kill(&mut self, member: u64) -> Outcome {
        if let Some(pid) = self.members.remove(&member) {
            process::terminate(pid, None).map_err(failed("a signal"))?;
            wait_for(pid, PATIENCE_MS)?;
        }
        with(|stack, _| stack.remove_member(self.front, member))?;
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for pid in self.members.values() {
            // It may have ended by itself.
            let _ = process::terminate(*pid, None);
            let _ = wait_for(*pid, PATIENCE_MS);
        }
        let _ = with(|stack, _| stack.close_front(self.front));
    }
}

/// A client: what it was sent so far.
struct Client {
    id: ConnectionId,
    has_asked: bool,
    answer: Vec<u8>,
}

impl Client {
    fn connect() -> Result<Self, String> {
        let to = IpEndpoint::new(IpAddress::v4(127, 0, 0, 1), PORT);
        let options = SocketOptions::default();
        let made = with(|stack, now| stack.connect_from(to, None, &options, Arc::new(Deaf), now))?;
        let id = made.map_err(failed("a client"))?;
        Ok(Self { id, has_asked: false, answer: Vec::new() })
    }

    /// Goes on; the end of its connection.
    fn go_on(&mut self) -> Option<Result<(), IoError>> {
        let step = |stack: &mut Stack, now| {
            if !self.has_asked {
                stack.connected(self.id, now)?;
                stack.write(self.id, now, REQUEST)?;
                self.has_asked = true;
            }
            let mut buffer = [0; 512];
            loop {
                let count = stack.read(self.id, now, &mut buffer, true)?;
                self.answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
                if count == 0 {
                    return Ok(());
                }
            }
        };
        match act(step) {
            Some(Err(IoError::WouldBlock)) => None,
            Some(other) => Some(other),
            None => Some(Err(IoError::Closed)),
        }
    }

    /// Waits for the answer.
    fn finish(mut self) -> Result<(), String> {
        let mut end = None;
        let has_ended = eventually(PATIENCE_MS, || {
            end = self.go_on();
            end.is_some()
        });
        let text = String::from_utf8_lossy(&self.answer);
        if !has_ended || end != Some(Ok(())) || !text.starts_with("HTTP/1.1 200") {
            return Err(format!("a client got {end:?} and {text:?}"));
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = act(|stack, _| stack.release(self.id));
    }
}

fn crowd() -> Result<Vec<Client>, String> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect()?);
    }
    Ok(clients)
}

fn finish(clients: Vec<Client>) -> Result<(), String> {
    clients.into_iter().try_for_each(Client::finish)
}

/// Three instances that know nothing of each other share a port; all clients are served while one is
/// killed, one drains, and others take their places.
// proves: S5
fn serves_while_members_come_and_go() -> Outcome {
    need_network()?;
    let mut service = Service::open()?;
    // Nobody is there: clients wait.
    let early = crowd()?;
    let has_waited = eventually(PATIENCE_MS, || {
        service.figures().is_ok_and(|figures| figures.waiting == CLIENTS)
    });
    check!(has_waited, "clients do not wait: {:?}", service.figures());
    for member in 1..=3 {
        service.start(member)?;
    }
    for member in 1..=3 {
        service.set(member, MemberState::Ready)?;
    }
    finish(early)?;
    finish(crowd()?)?;
    let figures = service.figures()?;
    let turns: Vec<_> = figures.members.iter().map(|member| member.accepted).collect();
    // The first to be ready takes as many of those that wait as may wait for it.
    check!(turns.iter().sum::<u64>() == 2 * CLIENTS as u64, "{figures:?}");
    check!(turns.iter().all(|taken| *taken >= CLIENTS as u64 / 3), "no turns: {figures:?}");

    // A stranger does not get the port.
    let stranger = run(&server(0)?)?;
    check!(stranger.exit != ExitStatus::Code(0), "a stranger has got the port");

    // One that does not accept, as if it hung, is killed with what waits for it.
    let Some(hung) = service.members.get(&2).copied() else { return Ok(()) };
    process::suspend(hung, None).map_err(failed("to suspend"))?;
    let clients = crowd()?;
    let queued = service.figures()?.members.iter().map(|member| member.queued).sum::<usize>();
    check!(queued > 0, "nothing waits for the one that hangs");
    service.kill(2)?;
    // It may have been about to accept one when it was suspended, and that one alone is lost.
    let lost = clients.into_iter().filter_map(|client| client.finish().err()).collect::<Vec<_>>();
    check!(lost.len() <= 1, "{lost:?}");
    check!(service.figures()?.handed_over > 0, "nothing was handed over");

    // One after the other is replaced, as in a rolling restart.
    for (old, new) in [(1, 4), (3, 5)] {
        let clients = crowd()?;
        service.start(new)?;
        service.set(new, MemberState::Ready)?;
        service.set(old, MemberState::Draining)?;
        let more = crowd()?;
        let is_idle = || {
            service.figures().is_ok_and(|figures| {
                let is_idle = |it: &net::stack::MemberFigures| it.open + it.queued == 0;
                figures.members.iter().all(|it| it.member != old || is_idle(it))
            })
        };
        finish(clients)?;
        check!(eventually(PATIENCE_MS, is_idle), "member {old} does not drain");
        service.kill(old)?;
        finish(more)?;
    }
    let figures = service.figures()?;
    check!(figures.timed_out == 0 && figures.refused_backlog == 0, "{figures:?}");
    Ok(())
}

/// A program finds a service by its name, and reaches it.
// proves: S6
fn resolves_by_name() -> Outcome {
    need_network()?;
    let mut service = Service::open()?;
    service.start(11)?;
    service.set(11, MemberState::Ready)?;
    let addresses = vec![Ipv4Addr::LOCALHOST.into()];
    publish_name("web", ServiceAddress { addresses, port: Some(PORT) });
    let resolved = run(&program(&["/test/resolve", "web.service", "8080"])?)?;
    check!(resolved.output == b"127.0.0.1 8080\n", "{:?}", resolved.output);
    let get = ["/bin/busybox", "wget", "-q", "-O", "-", "http://web.service:8080/hostname"];
    let got = run(&program(&get)?)?;
    check!(got.exit == ExitStatus::Code(0), "{}", String::from_utf8_lossy(&got.output));
    withdraw_name("web");
    let gone = run(&program(&["/test/resolve", "web.service"])?)?;
    check!(gone.output == b"no such name\n", "{:?}", gone.output);
    Ok(())
}
