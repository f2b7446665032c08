use super::*;

/// Looks an address up the way the panic handler does.
fn look_up(table: &[u8], address: u64) -> Option<(String, u64)> {
    let word = |at: usize| u32::from_le_bytes(table[at..at + 4].try_into().unwrap());
    assert_eq!(&table[..8], MAGIC);
    let base = u64::from_le_bytes(table[8..16].try_into().unwrap());
    let (count, names_len) = (word(16) as usize, word(20) as usize);
    let names = &table[HEADER_BYTES + count * ENTRY_BYTES..];
    assert_eq!(names.len(), names_len);
    let offset = u32::try_from(address.checked_sub(base)?).ok()?;
    let entry = |index: usize| HEADER_BYTES + index * ENTRY_BYTES;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if word(entry(middle)) <= offset { low = middle + 1 } else { high = middle }
    }
    let found = low.checked_sub(1)?;
    let into = offset - word(entry(found));
    let end = if found + 1 < count { word(entry(found + 1) + 8) as usize } else { names_len };
    let name = &names[word(entry(found) + 8) as usize..end];
    (into < word(entry(found) + 4).max(1))
        .then(|| (String::from_utf8(name.to_vec()).unwrap(), u64::from(into)))
}

fn symbol(address: u64, size: u64, name: &str) -> Symbol {
    Symbol { address, size, name: name.to_owned() }
}

#[test]
fn every_address_finds_its_function_and_gaps_find_none() {
    let base = 0xFFFF_FFFF_8010_0000;
    let symbols =
        [symbol(base, 16, "start"), symbol(base + 16, 8, "äöü"), symbol(base + 64, 1, "last")];
    let table = encode([7; BUILD_ID_BYTES], &symbols).unwrap();
    assert_eq!(&table[24..44], &[7; 20]);
    assert_eq!(look_up(&table, base), Some(("start".to_owned(), 0)));
    assert_eq!(look_up(&table, base + 15), Some(("start".to_owned(), 15)));
    assert_eq!(look_up(&table, base + 20), Some(("äöü".to_owned(), 4)));
    assert_eq!(look_up(&table, base + 24), None, "between two functions");
    assert_eq!(look_up(&table, base + 64), Some(("last".to_owned(), 0)));
    assert_eq!(look_up(&table, base + 65), None);
    assert_eq!(look_up(&table, base - 1), None);
}

#[test]
fn functions_too_far_apart_are_refused() {
    assert!(encode([0; 20], &[symbol(0, 1, "a"), symbol(1 << 32, 1, "b")]).is_none());
    assert!(encode([0; 20], &[]).is_none());
}

#[test]
fn the_table_of_this_very_program_names_this_test() {
    let elf = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // Linkers add a build id by default on most systems; where not, that is what is reported.
    match table(&elf) {
        Ok(table) => {
            let file = ElfBytes::<LittleEndian>::minimal_parse(&elf).unwrap();
            let known = functions(&file).unwrap();
            let wanted =
                known.iter().find(|s| s.name.ends_with("functions_too_far_apart_are_refused"));
            let wanted = wanted.unwrap();
            let (name, into) = look_up(&table, wanted.address + 1).unwrap();
            assert_eq!((name, into), (wanted.name.clone(), 1));
        }
        Err(failure) => assert!(failure.to_string().contains("build id"), "{failure}"),
    }
}

#[test]
fn what_is_no_kernel_is_refused() {
    assert!(table(b"not an elf file").is_err());
    assert!(table(&[]).is_err());
}
