//! Rust's standard library starts as a static position-independent program: its collections, its
//! files and its arguments work, and a panic that is caught.
// args: a b

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek, SeekFrom, Write};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("{words:?}");
    let squares: HashMap<u32, u32> = (0..100).map(|n| (n, n * n)).collect();
    let sorted: BTreeMap<_, _> = squares.iter().filter(|(n, _)| *n % 25 == 0).collect();
    println!("{sorted:?}");
    let mut how = std::fs::File::options();
    let mut file = how.create(true).read(true).write(true).open("file").expect("a file");
    file.write_all(b"0123456789").expect("written");
    file.seek(SeekFrom::Start(4)).expect("a position");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("read");
    println!("{text} {:?}", std::fs::read("no such file").map_err(|error| error.kind()));
    std::panic::set_hook(Box::new(|_| println!("a panic")));
    println!("{}", std::panic::catch_unwind(|| panic!("caught")).is_err());
    std::process::exit(3);
}
