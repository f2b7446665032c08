//! One port, several members behind it, that come, go, drain, hang and die while clients connect.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use net::stack::{
    BindError, Candidate, Choose, ConnectError, ConnectionId, FrontConfig, FrontFigures, FrontId,
    IoError, IpEndpoint, ListenConfig, ListenError, ListenerId, LocalAddress, MemberState,
    PortSpace, Ready, Reservation, Sharing, SocketOptions,
};

use crate::machine::{LOCALHOST, Log, Machine, OWN, options};
use crate::world::Random;

pub(crate) const PORT: u16 = 8080;
const WAIT: Duration = Duration::from_secs(10);
pub(crate) const READY: MemberState = MemberState::Ready;
const WAITING: MemberState = MemberState::Waiting;

/// Members in the order of their numbers, again and again.
#[derive(Default)]
pub(crate) struct InTurn(u64);

impl Choose for InTurn {
    fn choose(&mut self, candidates: &[Candidate]) -> Option<u64> {
        let next = candidates.iter().find(|candidate| candidate.member > self.0);
        self.0 = next.or(candidates.first())?.member;
        Some(self.0)
    }
}

/// The member with the fewest connections for its weight.
struct Least;

impl Choose for Least {
    fn choose(&mut self, candidates: &[Candidate]) -> Option<u64> {
        let load = |it: &&Candidate| it.connections * 100 / it.weight;
        Some(candidates.iter().min_by_key(load)?.member)
    }
}

/// Names someone who is not there.
struct Nonsense;

impl Choose for Nonsense {
    fn choose(&mut self, candidates: &[Candidate]) -> Option<u64> {
        candidates.len().is_multiple_of(2).then_some(u64::MAX)
    }
}

/// A member's listener and its hold on the port.
type Listening = (ListenerId, Reservation);

impl Machine {
    fn front(&mut self) -> FrontId {
        let config = FrontConfig { backlog: 8, wait_limit: WAIT, ..FrontConfig::new(PORT) };
        self.stack.open_front(&config, Box::new(InTurn::default())).unwrap()
    }

    fn listen_as(&mut self, member: u64, address: LocalAddress, backlog: usize) -> Listening {
        let sharing = Sharing { member, ..Sharing::default() };
        let held = self.stack.reserve(PortSpace::Tcp, address, PORT, sharing).unwrap();
        let options = SocketOptions { owner: 1000 + u32::try_from(member).unwrap(), ..options() };
        let config = ListenConfig { options, backlog, ..ListenConfig::new(PORT) };
        let id = self.stack.listen_at(held, config, Arc::new(Log::default())).unwrap();
        self.flush();
        (id, held)
    }

    fn member(&mut self, front: FrontId, member: u64) -> Listening {
        assert!(self.stack.set_member(front, member, READY, 1));
        self.listen_as(member, LocalAddress::AnyV4, 4)
    }

    /// As a socket that is closed, by whoever or because its process is dead.
    fn end(&mut self, (listener, held): Listening) {
        self.stack.stop_listening(listener);
        self.stack.give_back(held);
        self.flush();
    }

    fn client(&mut self) -> ConnectionId {
        let (client, _) = self.connect(IpEndpoint::new(LOCALHOST, PORT));
        client
    }

    fn accept(&mut self, listener: Listening) -> Option<ConnectionId> {
        let accepted = self.stack.accept(listener.0, Arc::new(Log::default()));
        self.flush();
        accepted.ok().map(|(id, _)| id)
    }

    fn figures(&self, front: FrontId) -> FrontFigures {
        self.stack.front_figures(front).unwrap()
    }

    fn write(&mut self, id: ConnectionId, bytes: &[u8]) {
        assert_eq!(self.stack.write(id, self.now, bytes), Ok(bytes.len()));
        self.flush();
    }

    fn read(&mut self, id: ConnectionId) -> Result<Vec<u8>, IoError> {
        let mut buffer = [0; 100];
        let count = self.stack.read(id, self.now, &mut buffer, true)?;
        Ok(buffer[..count].to_vec())
    }

    fn close(&mut self, id: ConnectionId) {
        self.stack.release(id);
        self.flush();
    }
}

// proves: S5
#[test]
fn members_share_the_port_and_take_turns() {
    let mut machine = Machine::new();
    let front = machine.front();
    let members = [1, 2, 3].map(|member| {
        machine.stack.set_member(front, member, READY, 1);
        machine.listen_as(member, LocalAddress::AnyV4, 16)
    });
    for _ in 0..2 {
        for listener in members {
            machine.client();
            assert!(machine.accept(listener).is_some());
        }
    }
    machine.stack.set_front_chooser(front, Box::new(Least));
    machine.stack.set_member(front, 2, READY, 4);
    for _ in 0..6 {
        machine.client();
    }
    // 2 each before; then as many as the weights say.
    let shares: Vec<_> =
        machine.figures(front).members.iter().map(|it| it.open + it.queued).collect();
    assert_eq!(shares, [2, 8, 2]);
    let figures = machine.figures(front);
    assert_eq!(figures.members[1].accepted, 2);
    assert_eq!((figures.waiting, figures.half_open, figures.handed_over), (0, 0, 0));
}

#[test]
fn nobody_but_members_has_the_port() {
    let mut machine = Machine::new();
    let front = machine.front();
    machine.stack.set_member(front, 1, WAITING, 1);
    let shared = Sharing { address: true, port: true, member: 0 };
    for sharing in [shared, Sharing { member: 2, ..shared }, Sharing::default()] {
        let taken = machine.stack.reserve(PortSpace::Tcp, LocalAddress::Any, PORT, sharing);
        assert_eq!(taken.unwrap_err(), BindError::InUse);
    }
    // Members elsewhere are as others.
    let member = Sharing { member: 1, ..Sharing::default() };
    let other = machine.stack.reserve(PortSpace::Tcp, LocalAddress::Any, 80, member).unwrap();
    let again = machine.stack.reserve(PortSpace::Tcp, LocalAddress::Any, 80, member);
    assert_eq!(again.unwrap_err(), BindError::InUse);
    machine.stack.give_back(other);
    let config = FrontConfig::new(PORT);
    let twice = machine.stack.open_front(&config, Box::new(Least));
    assert_eq!(twice, Err(ListenError::InUse { port: PORT }));
    let (_, heard) = machine.listen(LocalAddress::AnyV4, 81);
    let taken = machine.stack.open_front(&FrontConfig::new(81), Box::new(Least));
    assert_eq!(taken, Err(ListenError::InUse { port: 81 }));
    assert!(!heard.heard(Ready::READ));
    let none = FrontConfig { backlog: 0, ..FrontConfig::new(82) };
    assert_eq!(machine.stack.open_front(&none, Box::new(Least)), Err(ListenError::Invalid));
    // A member that is not one any more is a stranger.
    machine.stack.remove_member(front, 1);
    let taken = machine.stack.reserve(PortSpace::Tcp, LocalAddress::Any, PORT, member);
    assert_eq!(taken.unwrap_err(), BindError::InUse);
    // Closed, the port is free.
    machine.stack.close_front(front);
    machine.stack.reserve(PortSpace::Tcp, LocalAddress::Any, PORT, Sharing::default()).unwrap();
}

// proves: S5
#[test]
fn connections_wait_for_a_member_and_lose_nothing() {
    let mut machine = Machine::new();
    let front = machine.front();
    let clients: Vec<_> = (0..3).map(|_| machine.client()).collect();
    for &client in &clients {
        assert_eq!(machine.stack.connected(client, machine.now), Ok(()));
        machine.write(client, b"question");
    }
    assert_eq!(machine.figures(front).waiting, 3);
    // Listening is not being ready, nor the other way round.
    machine.stack.set_member(front, 1, WAITING, 1);
    let listener = machine.listen_as(1, LocalAddress::AnyV4, 4);
    machine.stack.set_member(front, 2, READY, 1);
    assert_eq!(machine.accept(listener), None);
    machine.stack.set_member(front, 1, READY, 1);
    for client in clients {
        let server = machine.accept(listener).unwrap();
        assert_eq!(machine.read(server).unwrap(), b"question");
        machine.write(server, b"answer");
        assert_eq!(machine.read(client).unwrap(), b"answer");
    }
    let figures = machine.figures(front);
    assert_eq!((figures.waiting, figures.handed_over, figures.timed_out), (0, 0, 0));
}

#[test]
fn waiting_has_a_limit_and_so_has_the_backlog() {
    let mut machine = Machine::new();
    let front = machine.front();
    let early: Vec<_> = (0..8).map(|_| machine.client()).collect();
    let late = machine.client();
    assert_eq!(machine.stack.connected(late, machine.now), Err(IoError::WouldBlock));
    assert_eq!(machine.figures(front).refused_backlog, 1);
    machine.pass(WAIT + Duration::from_millis(1));
    for client in early {
        assert_eq!(machine.read(client), Err(IoError::Reset));
        machine.close(client);
    }
    assert_eq!(machine.figures(front).timed_out, 8);
    // Who was held off has tried again.
    machine.pass(WAIT / 2);
    assert_eq!(machine.stack.connected(late, machine.now), Ok(()));
    let listener = machine.member(front, 1);
    assert!(machine.accept(listener).is_some());
    // One that is accepted in time has no limit any more.
    machine.pass(WAIT * 3);
    machine.write(late, b"still here");
    assert_eq!(machine.figures(front).members[0].open, 1);
}

// proves: S5
#[test]
fn what_a_member_has_not_accepted_goes_to_another() {
    for way in 0..4 {
        let mut machine = Machine::new();
        let front = machine.front();
        let first = machine.member(front, 1);
        let clients: Vec<_> = (0..3).map(|_| machine.client()).collect();
        for &client in &clients {
            machine.write(client, b"question");
        }
        assert!(machine.accept(first).is_some());
        let second = machine.member(front, 2);
        match way {
            0 => machine.end(first),
            1 => assert!(machine.stack.set_member(front, 1, MemberState::Draining, 1)),
            2 => assert!(machine.stack.set_member(front, 1, WAITING, 1)),
            _ => machine.stack.remove_member(front, 1),
        }
        for _ in 0..2 {
            let server = machine.accept(second).unwrap();
            assert_eq!(machine.read(server).unwrap(), b"question", "way {way}");
        }
        assert_eq!(machine.accept(second), None);
        if way != 0 {
            assert_eq!(machine.accept(first), None);
        }
        assert_eq!(machine.figures(front).handed_over, 2);
        // What it had accepted it keeps, to the end.
        let figures = machine.figures(front);
        let open = figures.members.iter().find(|it| it.member == 1).map(|it| it.open);
        assert_eq!(open, (way != 3).then_some(1));
        machine.write(clients[0], b"more");
    }
}

#[test]
fn a_full_member_is_passed_over_and_filled_again() {
    let mut machine = Machine::new();
    let front = machine.front();
    machine.stack.set_member(front, 1, READY, 1);
    machine.stack.set_member(front, 2, READY, 1);
    let hung = machine.listen_as(1, LocalAddress::AnyV4, 1);
    let well = machine.listen_as(2, LocalAddress::AnyV4, 4);
    for _ in 0..7 {
        machine.client();
    }
    let figures = machine.figures(front);
    let queued: Vec<_> = figures.members.iter().map(|it| it.queued).collect();
    assert_eq!((queued, figures.waiting), (vec![1, 4], 2));
    for _ in 0..6 {
        assert!(machine.accept(well).is_some());
    }
    assert_eq!(machine.figures(front).waiting, 0);
    machine.end(hung);
    assert!(machine.accept(well).is_some());
    assert_eq!(machine.figures(front).members[1].accepted, 7);
}

#[test]
fn a_member_gets_what_comes_to_its_address_by_any_of_its_listeners() {
    let mut machine = Machine::new();
    let front = machine.front();
    machine.stack.set_member(front, 1, READY, 1);
    let narrow = machine.listen_as(1, LocalAddress::One(OWN.into()), 4);
    machine.client();
    assert_eq!(machine.accept(narrow), None);
    machine.connect(IpEndpoint::new(OWN.into(), PORT));
    assert!(machine.accept(narrow).is_some());
    // Several processes of one member.
    let two = [1, 1].map(|member| machine.listen_as(member, LocalAddress::AnyV4, 4));
    for _ in 0..3 {
        machine.client();
    }
    for listener in two {
        assert!(machine.accept(listener).is_some() && machine.accept(listener).is_some());
    }
    assert_eq!(machine.figures(front).members[0].listeners, 3);
}

#[test]
fn open_connections_are_counted_until_they_end() {
    let mut machine = Machine::new();
    let front = machine.front();
    let listener = machine.member(front, 1);
    let open = |machine: &Machine| machine.figures(front).members[0].open;
    for way in 0..3 {
        let client = machine.client();
        let server = machine.accept(listener).unwrap();
        assert_eq!(open(&machine), 1);
        match way {
            // The server has closed and the client has not: it is not over.
            0 => {
                machine.write(server, b"answer");
                machine.close(server);
                assert_eq!(open(&machine), 1);
                assert_eq!(machine.read(client).unwrap(), b"answer");
                machine.close(client);
            }
            1 => {
                machine.close(client);
                machine.close(server);
            }
            _ => {
                machine.stack.abort(client);
                machine.close(client);
                machine.close(server);
            }
        }
        assert_eq!(open(&machine), 0, "way {way}");
    }
    assert_eq!(machine.figures(front).members[0].accepted, 3);
    // One that ends after its member was forgotten harms nobody.
    let client = machine.client();
    let server = machine.accept(listener).unwrap();
    machine.stack.remove_member(front, 1);
    machine.close(client);
    machine.close(server);
    assert!(machine.figures(front).members.is_empty());
}

// proves: S5
#[test]
fn the_end_of_draining_is_told_and_nothing_else() {
    const DRAINING: MemberState = MemberState::Draining;
    let mut machine = Machine::new();
    let front = machine.front();
    let log = Arc::new(Log::default());
    machine.stack.observe_front(front, log.clone());
    let (one, two) = (machine.member(front, 1), machine.member(front, 2));
    let clients = [machine.client(), machine.client()];
    let servers = [machine.accept(one).unwrap(), machine.accept(two).unwrap()];
    assert!(log.take().is_empty(), "nobody drains");
    machine.stack.set_member(front, 1, DRAINING, 1);
    machine.flush();
    assert!(log.take().is_empty(), "it has a connection");
    machine.close(clients[1]);
    machine.close(servers[1]);
    assert!(log.take().is_empty(), "the other one does not drain");
    machine.close(servers[0]);
    assert!(log.take().is_empty(), "the client has not closed");
    machine.close(clients[0]);
    assert_eq!(log.take(), [Ready::HANG_UP]);
    // Who has none when it begins has had no last one.
    machine.stack.set_member(front, 2, DRAINING, 1);
    machine.flush();
    assert!(log.take().is_empty());
    assert_eq!(machine.figures(front).members[1].open, 0);
    // A probe is a connection, until it is gone, whoever ends it.
    let probe = machine.stack.connect_to_member(front, 2, &SocketOptions::default(), machine.now);
    machine.flush();
    assert!(log.take().is_empty());
    machine.stack.abort(probe.unwrap());
    machine.close(probe.unwrap());
    assert!(log.heard(Ready::HANG_UP));
    let probe = machine.stack.connect_to_member(front, 2, &SocketOptions::default(), machine.now);
    machine.flush();
    machine.end(two);
    assert!(log.heard(Ready::HANG_UP));
    machine.close(probe.unwrap());
}

// proves: S4
#[test]
fn a_probe_reaches_the_very_member_or_fails() {
    let mut machine = Machine::new();
    let front = machine.front();
    let well = machine.member(front, 1);
    let kernels = SocketOptions::default();
    let probe = |machine: &mut Machine, member| {
        let now = machine.now;
        let made = machine.stack.connect_to_member(front, member, &kernels, now);
        machine.flush();
        made
    };
    assert_eq!(probe(&mut machine, 2), Err(ConnectError::Refused), "nobody");
    machine.stack.set_member(front, 2, WAITING, 1);
    assert_eq!(probe(&mut machine, 2), Err(ConnectError::Refused), "it does not listen");
    let starting = machine.listen_as(2, LocalAddress::AnyV4, 1);
    let to = probe(&mut machine, 2).unwrap();
    assert_eq!(machine.accept(well), None);
    let server = machine.accept(starting).unwrap();
    machine.write(to, b"probe");
    assert_eq!(machine.read(server).unwrap(), b"probe");
    machine.close(server);
    assert_eq!(machine.read(to).unwrap(), b"");
    machine.close(to);
    // One that hangs fills up, and cannot be reached.
    let queued = probe(&mut machine, 2).unwrap();
    assert_eq!(machine.stack.connected(queued, machine.now), Ok(()));
    let held_off = probe(&mut machine, 2).unwrap();
    assert_eq!(machine.stack.connected(held_off, machine.now), Err(IoError::WouldBlock));
    // Its end is the probe's, which is nobody else's business; clients go on.
    let client = machine.client();
    machine.end(starting);
    assert_eq!(machine.read(queued), Err(IoError::Reset));
    machine.pass(Duration::from_secs(5));
    assert_eq!(machine.stack.connected(held_off, machine.now), Err(IoError::Refused));
    machine.close(queued);
    machine.close(held_off);
    assert!(machine.accept(well).is_some());
    assert_eq!(machine.accept(well), None);
    machine.write(client, b"on");
}

#[test]
fn a_front_that_closes_leaves_its_members_to_themselves() {
    let mut machine = Machine::new();
    let front = machine.front();
    let listener = machine.member(front, 1);
    let served = machine.client();
    let server = machine.accept(listener).unwrap();
    machine.stack.set_member(front, 1, WAITING, 1);
    let waiting = machine.client();
    machine.stack.close_front(front);
    machine.flush();
    assert_eq!(machine.read(waiting), Err(IoError::Reset));
    machine.write(served, b"still");
    assert_eq!(machine.read(server).unwrap(), b"still");
    let direct = machine.client();
    machine.write(direct, b"as before");
    let server = machine.accept(listener).unwrap();
    assert_eq!(machine.read(server).unwrap(), b"as before");
    // Nothing of it can be used any more.
    assert!(!machine.stack.set_member(front, 1, READY, 1));
    machine.stack.remove_member(front, 1);
    machine.stack.close_front(front);
    assert!(machine.stack.front_figures(front).is_none());
    let now = machine.now;
    let probe = machine.stack.connect_to_member(front, 1, &SocketOptions::default(), now);
    assert_eq!(probe, Err(ConnectError::Refused));
    machine.end(listener);
    let refused = machine.client();
    assert_eq!(machine.stack.connected(refused, machine.now), Err(IoError::Refused));
}

#[test]
fn whoever_is_chosen_it_is_a_member_that_is_there() {
    let mut machine = Machine::new();
    let front = machine.front();
    machine.stack.set_front_chooser(front, Box::new(Nonsense));
    assert!(!machine.stack.set_member(front, 0, READY, 1), "nobody is a member");
    for number in 1..4 {
        let listener = machine.member(front, number);
        machine.client();
        let first = machine.figures(front).members[0];
        assert_eq!(first.queued as u64, number);
        assert_eq!(machine.accept(listener).is_some(), number == 1);
        if number == 1 {
            machine.client();
        }
    }
}

/// Members that come, listen, accept, drain, hang and die at random, while clients connect, ask, and
/// sometimes go away. Whoever asked and was not accepted by a member that died is answered.
// proves: S5
#[test]
fn no_connection_is_lost_while_members_come_and_go() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut machine = Machine::new();
        let config = FrontConfig { backlog: 64, wait_limit: WAIT, ..FrontConfig::new(PORT) };
        let front = machine.stack.open_front(&config, Box::new(InTurn::default())).unwrap();
        let mut members: BTreeMap<u64, Option<Listening>> = BTreeMap::new();
        // Clients that wait for an answer, and what members have accepted of whom.
        let mut asking: BTreeMap<u64, ConnectionId> = BTreeMap::new();
        let mut serving: Vec<(u64, ConnectionId)> = Vec::new();
        let (mut next_client, mut outcome) = (0_u64, Outcome::default());
        for _ in 0..600 {
            let number = 1 + random.below(4);
            match random.below(12) {
                0 => {
                    if let std::collections::btree_map::Entry::Vacant(place) = members.entry(number)
                    {
                        machine.stack.set_member(front, number, WAITING, 1);
                        place.insert(None);
                    }
                }
                1 | 2 => {
                    if let Some(place @ None) = members.get_mut(&number) {
                        let backlog = usize::try_from(1 + random.below(4)).unwrap();
                        *place = Some(machine.listen_as(number, LocalAddress::AnyV4, backlog));
                    }
                }
                3 | 4 if members.contains_key(&number) => {
                    let state = [READY, READY, WAITING, MemberState::Draining]
                        [usize::try_from(random.below(4)).unwrap()];
                    machine.stack.set_member(front, number, state, 1);
                }
                // It is killed: what it has accepted is lost, and nothing else.
                5 if random.below(3) == 0 => {
                    if let Some(listening) = members.remove(&number) {
                        serving.retain(|&(member, connection)| {
                            if member == number {
                                machine.stack.abort(connection);
                                machine.close(connection);
                                outcome.to_be_lost += 1;
                            }
                            member != number
                        });
                        if let Some(listening) = listening {
                            machine.end(listening);
                        }
                        machine.stack.remove_member(front, number);
                    }
                }
                6..=8 if asking.len() < 40 => {
                    let client = machine.client();
                    machine.write(client, &next_client.to_le_bytes());
                    asking.insert(next_client, client);
                    next_client += 1;
                }
                9 | 10 => {
                    if let Some(Some(listening)) = members.get(&number)
                        && let Some(server) = machine.accept(*listening)
                    {
                        serving.push((number, server));
                    }
                }
                _ if !serving.is_empty() => {
                    let at = usize::try_from(random.below(serving.len() as u64)).unwrap();
                    let (_, server) = serving.swap_remove(at);
                    let question = machine.read(server).unwrap();
                    machine.write(server, &question);
                    machine.close(server);
                }
                _ => {}
            }
            settle(&mut machine, &mut asking, &mut outcome);
            let figures = machine.figures(front);
            let held: usize = figures.members.iter().map(|it| it.queued).sum();
            let own = figures.waiting + held + serving.len();
            assert!(own >= asking.len(), "{own} of {}: {figures:?}", asking.len());
        }
        // A good member comes, and everybody is served.
        let good = machine.member(front, 9);
        for number in 1..5 {
            if let Some(Some(listening)) = members.remove(&number) {
                machine.end(listening);
            }
            machine.stack.remove_member(front, number);
        }
        serving.extend(std::iter::from_fn(|| Some((9, machine.accept(good)?))));
        for (_, server) in serving {
            let question = machine.read(server).unwrap();
            machine.write(server, &question);
            machine.close(server);
        }
        settle(&mut machine, &mut asking, &mut outcome);
        assert!(asking.is_empty(), "{asking:?}");
        assert_eq!(machine.figures(front).timed_out, 0);
        println!("{outcome:?}, {} handed over", machine.figures(front).handed_over);
        assert!(outcome.answered > 0 && outcome.answered + outcome.lost == next_client);
    }
}

/// What became of clients.
#[derive(Debug, Default)]
struct Outcome {
    answered: u64,
    /// Reset, as a member that had accepted them was killed.
    lost: u64,
    /// As yet to be seen by their clients.
    to_be_lost: u64,
}

/// Takes the answers that have come.
fn settle(machine: &mut Machine, asking: &mut BTreeMap<u64, ConnectionId>, outcome: &mut Outcome) {
    asking.retain(|number, &mut client| {
        match machine.read(client) {
            Ok(answer) => {
                assert_eq!(answer, number.to_le_bytes());
                outcome.answered += 1;
            }
            Err(IoError::WouldBlock) => return true,
            Err(IoError::Reset) => {
                assert!(outcome.to_be_lost > 0, "only what a dead member had accepted is lost");
                outcome.to_be_lost -= 1;
                outcome.lost += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
        machine.close(client);
        false
    });
}
