// Proves that each start of a program puts its image (it is position-independent), its stack, its
// heap and what it maps elsewhere, as `/proc/self/maps` says, too.
// proves: K6
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const STARTS: usize = 8;

/// Where the pieces of the program are: image, stack, a small allocation, a mapping.
fn places() -> [usize; 4] {
    let on_stack = 0_u8;
    let on_heap = Box::new(1_u8);
    // Too large for the heap: a mapping of its own.
    let mapped = Vec::<u8>::with_capacity(4 << 20);
    let image = main as fn() as usize;
    [image, &raw const on_stack as usize, &raw const *on_heap as usize, mapped.as_ptr() as usize]
}

/// The line of the maps that an address lies in.
fn line_of(address: usize) -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().map(str::to_owned).find(|line| {
        let range = line.split(' ').next().unwrap_or_default();
        let (start, end) = range.split_once('-').unwrap_or_default();
        let number = |text| usize::from_str_radix(text, 16).unwrap_or(0);
        (number(start)..number(end)).contains(&address)
    })
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("places") {
        let all = places();
        for place in all {
            println!("{place:x}");
        }
        let [image, stack, ..] = all.map(|place| line_of(place).unwrap_or_default());
        println!("{}", image.contains(" r-xp ") && stack.contains("[stack]"));
        return;
    }
    let mut seen: [BTreeSet<String>; 4] = Default::default();
    for _ in 0..STARTS {
        let own = std::env::args().next().unwrap();
        let output = Command::new(own).arg("places").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        for (places, line) in seen.iter_mut().zip(&mut lines) {
            places.insert(line.to_owned());
        }
        assert_eq!(lines.next(), Some("true"), "{text}");
    }
    for (name, places) in ["image", "stack", "heap", "mapping"].iter().zip(&seen) {
        // Two may meet by chance, of 2^28 pages and more.
        println!("{name} is elsewhere each time: {}", places.len() >= STARTS - 1);
    }
}
