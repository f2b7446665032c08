//! Connections through every weather: transfer, close, limits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use net::socket::{SharedStack, TcpListener, TcpStream};
use net::stack::{ListenConfig, SocketOptions};
use net::stream::ByteStream;

use crate::world::{Host, Random, Weather, World, endpoint};

const PORT: u16 = 8080;

/// Answers every connection with what it sends, until its end.
fn spawn_echo(world: &World, host: &Host, config: ListenConfig) {
    let listener = TcpListener::bind(host, config).unwrap();
    let spawner = world.spawner();
    world.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            spawner.spawn(echo(stream)).unwrap();
        }
    });
}

async fn echo(mut stream: TcpStream<Host>) {
    let mut buffer = [0; 3000];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    stream.close_write();
}

/// Sends `data` and returns what came back until the end of the stream.
async fn exchange(host: Host, data: Rc<Vec<u8>>) -> Vec<u8> {
    let mut stream =
        TcpStream::connect(&host, endpoint(0, PORT), &SocketOptions::default()).unwrap();
    stream.connected().await.unwrap();
    let mut sent = 0;
    let mut back = Vec::new();
    let mut buffer = [0; 2000];
    while back.len() < data.len() {
        // Small enough for the buffers on the way, so that neither side waits for the other.
        if sent - back.len() < 4096 && sent < data.len() {
            let end = data.len().min(sent + 1500);
            sent += stream.write(&data[sent..end]).await.unwrap();
            continue;
        }
        let count = stream.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0);
        back.extend_from_slice(&buffer[..count]);
    }
    stream.close_write();
    while let count @ 1.. = stream.read(&mut buffer).await.unwrap() {
        back.extend_from_slice(&buffer[..count]);
    }
    back
}

fn transfer(seed: u64, weather: Weather, len: usize) {
    transfer_in(World::new(seed, 2, weather), seed, len);
}

fn transfer_in(mut world: World, seed: u64, len: usize) {
    spawn_echo(&world, &world.hosts[0], ListenConfig::new(PORT));
    let mut random = Random::new(seed);
    let data: Rc<Vec<u8>> = Rc::new((0..len).map(|_| random.next().to_le_bytes()[0]).collect());
    let back: Rc<RefCell<Option<Vec<u8>>>> = Rc::default();
    let (client, sent, result) = (world.hosts[1].clone(), data.clone(), back.clone());
    world.spawn(async move {
        let received = exchange(client, sent).await;
        *result.borrow_mut() = Some(received);
    });
    world.run_until(Duration::from_secs(600), |_| back.borrow().is_some());
    assert!(back.borrow().as_ref() == Some(&*data), "what came back differs");
    // All connections end, by TIME-WAIT's time at the latest.
    world.run_until(Duration::from_secs(120), |world| {
        world.hosts.iter().all(|host| host.with(|stack| stack.connections().is_empty()))
    });
}

#[test]
fn bytes_arrive_in_fine_weather() {
    transfer(1, Weather::FINE, 300_000);
}

#[test]
fn bytes_arrive_through_loss_duplication_and_reordering() {
    for seed in 1..=12 {
        transfer(seed, Weather::STORM, 30_000);
    }
}

#[test]
fn a_full_device_only_delays() {
    let world = World::new(3, 2, Weather::FINE);
    world.wire.borrow_mut().room = 2;
    let server = world.hosts[0].clone();
    transfer_in(world, 3, 100_000);
    assert!(server.with(|stack| stack.statistics()).interface.sent_full > 0);
}

#[test]
fn hundreds_of_connections_at_once() {
    let mut world = World::new(7, 2, Weather::FINE);
    let mut config = ListenConfig::new(PORT);
    config.backlog = 512;
    spawn_echo(&world, &world.hosts[0], config);
    let done = Rc::new(Cell::new(0));
    let arrived = Rc::new(Cell::new(0));
    for number in 0..400u32 {
        let (client, done, arrived) = (world.hosts[1].clone(), done.clone(), arrived.clone());
        world.spawn(async move {
            let mut stream =
                TcpStream::connect(&client, endpoint(0, PORT), &SocketOptions::default()).unwrap();
            stream.connected().await.unwrap();
            arrived.set(arrived.get() + 1);
            let text = number.to_le_bytes();
            stream.write_all(&text).await.unwrap();
            let mut buffer = [0; 4];
            assert_eq!(stream.read(&mut buffer).await, Ok(4));
            assert_eq!(buffer, text);
            done.set(done.get() + 1);
            // Stays open until all are done.
            while done.get() < 400 {
                if stream.write_all(&text).await.is_err() {
                    return;
                }
                let _ = stream.read(&mut buffer).await;
            }
        });
    }
    world.run_until(Duration::from_secs(60), |_| arrived.get() == 400);
    world.run_until(Duration::from_secs(60), |_| done.get() == 400);
}

/// With large buffers at both ends hundreds of packets are under way at once, without a pause.
#[test]
fn large_windows_are_filled_at_once() {
    let mut world = World::new(9, 2, Weather::FINE);
    let options = SocketOptions {
        receive_buffer_bytes: 512 * 1024,
        send_buffer_bytes: 512 * 1024,
        ..SocketOptions::default()
    };
    let mut config = ListenConfig::new(PORT);
    config.options = options;
    let listener = TcpListener::bind(&world.hosts[0], config).unwrap();
    let received = Rc::new(Cell::new(0));
    let (client, counter) = (world.hosts[1].clone(), received.clone());
    world.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&vec![1; 400_000]).await.unwrap();
    });
    world.spawn(async move {
        let mut stream = TcpStream::connect(&client, endpoint(0, PORT), &options).unwrap();
        let mut buffer = vec![0; 100_000];
        while let count @ 1.. = stream.read(&mut buffer).await.unwrap() {
            counter.set(counter.get() + count);
        }
    });
    let start = world.now;
    world.run_until(Duration::from_secs(10), |_| received.get() == 400_000);
    let took = world.now.since(start);
    assert!(took < Duration::from_micros(900), "{took:?}");
}
