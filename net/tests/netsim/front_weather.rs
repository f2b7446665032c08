//! A front whose clients are on a wire that loses and disturbs.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use net::socket::{SharedStack, TcpStream};
use net::stack::{
    FrontConfig, ListenConfig, ListenerId, LocalAddress, MemberState, PortSpace, Sharing,
    SocketOptions,
};
use net::stream::Clock;

use crate::front::{InTurn, PORT, READY};
use crate::machine::{Log, options};
use crate::world::{Host, Weather, World, endpoint};

/// Nobody is refused or cut while members come and drain, whatever is lost on the way.
// proves: S5
#[test]
fn clients_on_the_wire_are_served_in_any_weather() {
    for seed in 0..4 {
        let mut world = World::new(seed, 2, Weather::STORM);
        let host = world.hosts[0].clone();
        let config = FrontConfig { backlog: 64, ..FrontConfig::new(PORT) };
        let front =
            host.with(|stack| stack.open_front(&config, Box::new(InTurn::default()))).unwrap();
        let answered = Rc::new(Cell::new(0));
        let spawner = world.spawner();
        for number in 0..40_u64 {
            let (client, answered) = (world.hosts[1].clone(), answered.clone());
            let (clock, mut asked) = (world.timers(), false);
            world.spawn(async move {
                pause(&clock, number * 50).await;
                let options = SocketOptions::default();
                let mut stream = TcpStream::connect(&client, endpoint(0, PORT), &options).unwrap();
                stream.connected().await.unwrap();
                stream.write_all(&number.to_le_bytes()).await.unwrap();
                let mut answer = [0; 8];
                while !asked {
                    asked = stream.read(&mut answer).await.unwrap() == 8;
                }
                assert_eq!(answer, number.to_le_bytes());
                answered.set(answered.get() + 1);
            });
        }
        // One member after the other, each for a while: it comes when the last one is about to go.
        let clock = world.timers();
        world.spawn(async move {
            for number in 1..8 {
                let listener = host.with(|stack| {
                    stack.set_member(front, number, READY, 1);
                    let sharing = Sharing { member: number, ..Sharing::default() };
                    let held = stack.reserve(PortSpace::Tcp, LocalAddress::AnyV4, PORT, sharing);
                    let config = ListenConfig { options: options(), ..ListenConfig::new(PORT) };
                    let held = held.unwrap();
                    stack.listen_at(held, config, Arc::new(Log::default())).unwrap()
                });
                let task = serve_for_a_while(host.clone(), clock.clone(), listener);
                spawner.spawn(task).unwrap();
                pause(&clock, 400).await;
                host.with(|stack| stack.set_member(front, number, MemberState::Draining, 1));
            }
            host.with(|stack| stack.set_member(front, 7, READY, 1));
        });
        let done = answered.clone();
        world.run_until(Duration::from_secs(120), |_| done.get() == 40);
        let figures = world.hosts[0].with(|stack| stack.front_figures(front)).unwrap();
        assert_eq!((figures.timed_out, figures.refused_backlog), (0, 0));
        let accepted: Vec<_> = figures.members.iter().map(|it| it.accepted).collect();
        assert_eq!(accepted.iter().sum::<u64>(), 40, "{accepted:?}");
        assert!(accepted.iter().filter(|count| **count > 0).count() > 1, "{accepted:?}");
    }
}

async fn pause(clock: &impl Clock, ms: u64) {
    clock.sleep_until(clock.now().after(Duration::from_millis(ms))).await;
}

/// Accepts now and then, and answers each connection when it has asked.
async fn serve_for_a_while(host: Host, clock: impl Clock, listener: ListenerId) {
    let mut open = Vec::new();
    for _ in 0..4000 {
        pause(&clock, 10).await;
        let now = clock.now();
        host.with(|stack| {
            open.extend(stack.accept(listener, Arc::new(Log::default())).map(|(id, _)| id));
            open.retain(|&id| {
                let mut question = [0; 8];
                let Ok(count) = stack.read(id, now, &mut question, true) else { return true };
                assert_eq!(stack.write(id, now, &question[..count]), Ok(8));
                stack.release(id);
                false
            });
        });
    }
}
