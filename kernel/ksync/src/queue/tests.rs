use super::*;

#[cfg(loom)]
mod model {
    use loom::sync::Arc;
    use loom::thread;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn two_producers_lose_and_double_nothing() {
        loom::model(|| {
            let queue = Arc::new(Queue::<u32, 2>::new());
            let producers: Vec<_> = [1, 2]
                .map(|value| {
                    let queue = Arc::clone(&queue);
                    thread::spawn(move || queue.push(value).unwrap())
                })
                .into();
            let early = queue.pop();
            for producer in producers {
                producer.join().unwrap();
            }
            let mut seen: Vec<u32> = early.into_iter().collect();
            while let Some(value) = queue.pop() {
                seen.push(value);
            }
            seen.sort_unstable();
            assert_eq!(seen, [1, 2]);
        });
    }

    #[test]
    fn two_consumers_share_out_what_there_is() {
        loom::model(|| {
            let queue = Arc::new(Queue::<std::boxed::Box<u32>, 2>::new());
            queue.push(std::boxed::Box::new(1)).unwrap();
            queue.push(std::boxed::Box::new(2)).unwrap();
            let other = Arc::clone(&queue);
            let consumer = thread::spawn(move || other.pop());
            let mine = queue.pop();
            let theirs = consumer.join().unwrap();
            assert_eq!(*mine.unwrap() + *theirs.unwrap(), 3);
            assert!(queue.pop().is_none());
        });
    }

    #[test]
    fn a_slot_is_reused_only_when_emptied() {
        loom::model(|| {
            let queue = Arc::new(Queue::<u32, 1>::new());
            queue.push(1).unwrap();
            let other = Arc::clone(&queue);
            let producer = thread::spawn(move || other.push(2).is_ok());
            assert_eq!(queue.pop(), Some(1));
            let was_pushed = producer.join().unwrap();
            assert_eq!(queue.pop(), was_pushed.then_some(2));
        });
    }
}

#[cfg(not(loom))]
mod threads {
    use std::sync::Arc;
    use std::thread;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn keeps_the_order_and_refuses_what_does_not_fit() {
        static QUEUE: Queue<u32, 4> = Queue::new();
        for lap in 0..10 {
            for value in 0..4 {
                QUEUE.push(lap * 4 + value).unwrap();
            }
            assert_eq!(QUEUE.push(99), Err(99));
            for value in 0..4 {
                assert_eq!(QUEUE.pop(), Some(lap * 4 + value));
            }
            assert_eq!(QUEUE.pop(), None);
        }
    }

    #[test]
    fn drops_what_is_left() {
        let element = Arc::new(());
        let queue = Queue::<Arc<()>, 4>::new();
        queue.push(Arc::clone(&element)).unwrap();
        queue.push(Arc::clone(&element)).unwrap();
        drop(queue.pop());
        drop(queue);
        assert_eq!(Arc::strong_count(&element), 1);
    }

    #[test]
    fn each_producer_s_elements_arrive_once_and_in_order() {
        const EACH: u32 = 20_000;
        let queue = Queue::<(u32, u32), 16>::new();
        let mut received: Vec<Vec<u32>> = std::vec![Vec::new(); 3];
        thread::scope(|scope| {
            for producer in 0..3 {
                let queue = &queue;
                scope.spawn(move || {
                    for number in 0..EACH {
                        while queue.push((producer, number)).is_err() {
                            thread::yield_now();
                        }
                    }
                });
            }
            let mut left = 3 * EACH;
            while left > 0 {
                match queue.pop() {
                    Some((producer, number)) => {
                        received[producer as usize].push(number);
                        left -= 1;
                    }
                    None => thread::yield_now(),
                }
            }
        });
        for numbers in received {
            assert!(numbers.into_iter().eq(0..EACH));
        }
    }
}
