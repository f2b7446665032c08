//! Connections that come, misbehave and go, at random: in the end nothing is left behind.

use std::time::Duration;

use net::socket::{SharedStack, TcpListener, TcpStream};
use net::stack::{ConnectionCounts, ListenConfig, SocketOptions, WakeList};
use net::stream::{ByteStream, Clock};

use crate::world::{Host, Random, Weather, World, endpoint};

const PORT: u16 = 80;

/// Does `steps` random things with a stream, then drops it.
async fn misbehave(
    mut stream: TcpStream<Host>,
    timers: net::executor::Timers,
    mut random: Random,
    steps: u64,
) {
    let mut buffer = [0; 700];
    for _ in 0..steps {
        let pause = Duration::from_micros(random.below(200_000));
        let mut sleep = timers.sleep_until(timers.now().after(pause));
        match random.below(12) {
            0..4 => {
                let len = usize::try_from(1 + random.below(9000)).unwrap();
                // Gives up when the peer takes too long: a write is cancelled at any point.
                let data = vec![7; len];
                let mut write = std::pin::pin!(stream.write_all(&data));
                std::future::poll_fn(|context| {
                    use std::pin::Pin;
                    use std::task::Poll;
                    match (write.as_mut().poll(context), Pin::new(&mut sleep).poll(context)) {
                        (Poll::Pending, Poll::Pending) => Poll::Pending,
                        _ => Poll::Ready(()),
                    }
                })
                .await;
            }
            4..9 => {
                std::future::poll_fn(|context| {
                    use std::pin::Pin;
                    use std::task::Poll;
                    match (
                        stream.poll_read(context, &mut buffer),
                        Pin::new(&mut sleep).poll(context),
                    ) {
                        (Poll::Pending, Poll::Pending) => Poll::Pending,
                        _ => Poll::Ready(()),
                    }
                })
                .await;
            }
            9 => stream.close_write(),
            10 => sleep.await,
            _ if random.below(4) == 0 => stream.abort(),
            _ => return,
        }
    }
}

#[test]
fn nothing_is_left_behind() {
    for seed in 1..=25 {
        let mut world = World::new(seed, 2, Weather::STORM);
        let mut random = Random::new(seed);
        let mut config = ListenConfig::new(PORT);
        config.backlog = 8;
        let listener = TcpListener::bind(&world.hosts[0], config).unwrap();
        let (spawner, timers, mut server_random) =
            (world.spawner(), world.timers(), random.clone());
        world.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let random = Random::new(server_random.next());
                let steps = server_random.below(20);
                spawner.spawn(misbehave(stream, timers.clone(), random, steps)).unwrap();
            }
        });
        for _ in 0..40 {
            let (host, timers) = (world.hosts[1].clone(), world.timers());
            let (random, start, steps) =
                (Random::new(random.next()), random.below(3_000_000), random.below(20));
            world.spawn(async move {
                timers.sleep_until(timers.now().after(Duration::from_micros(start))).await;
                let options = SocketOptions::default();
                let stream = TcpStream::connect(&host, endpoint(0, PORT), &options).unwrap();
                misbehave(stream, timers, random, steps).await;
            });
        }
        world.run_for(Duration::from_secs(20));
        world.set_weather(Weather::FINE);
        world.run_for(Duration::from_secs(300));
        for host in &world.hosts {
            let statistics = host.with(|stack| stack.statistics());
            assert_eq!(statistics.tcp.connections, ConnectionCounts::default(), "seed {seed}");
            assert_eq!(statistics.tcp.buffer_bytes, 0);
            for listener in statistics.listeners {
                assert_eq!((listener.half_open, listener.queued), (0, 0), "seed {seed}");
            }
            assert_eq!(host.poll(&mut WakeList::default()), None, "seed {seed}: still waits");
        }
        assert_eq!(world.timers().running(), 0, "seed {seed}");
        assert_eq!(world.spawner().task_count(), 1, "the acceptor alone");
    }
}
