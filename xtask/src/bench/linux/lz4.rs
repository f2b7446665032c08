//! Decompresses LZ4 in the frame format that Linux's build uses for its kernel, the "legacy" one
//! (lz4's `doc/lz4_Frame_format.md` and `doc/lz4_Block_format.md`).

/// What a file of this format begins with.
pub(super) const MAGIC: [u8; 4] = [0x02, 0x21, 0x4C, 0x18];
/// No block holds more.
const BLOCK_BYTES: usize = 8 << 20;

/// The content of a file; `None` when it is damaged. What follows the last block is not looked at.
pub(super) fn decompress(file: &[u8]) -> Option<Vec<u8>> {
    let mut rest = file.strip_prefix(&MAGIC)?;
    let mut out = Vec::new();
    while let Some((size, blocks)) = rest.split_first_chunk::<4>() {
        let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        // The kernel's build puts the length of the whole at the end.
        let Some((block, next)) = blocks.split_at_checked(size) else { break };
        let before = out.len();
        expand(block, &mut out)?;
        if out.len() - before > BLOCK_BYTES {
            return None;
        }
        rest = next;
    }
    Some(out)
}

/// Appends the content of one block.
fn expand(mut block: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    while let Some((&token, rest)) = block.split_first() {
        block = rest;
        let literals = length(token >> 4, &mut block)?;
        let (text, rest) = block.split_at_checked(literals)?;
        out.extend_from_slice(text);
        let Some((offset, rest)) = rest.split_first_chunk::<2>() else {
            return rest.is_empty().then_some(()); // the last sequence has literals only
        };
        block = rest;
        let offset = usize::from(u16::from_le_bytes(*offset));
        let match_length = length(token & 15, &mut block)?.checked_add(4)?;
        let from = out.len().checked_sub(offset)?;
        if offset == 0 || from < start {
            return None;
        }
        for at in from..from.checked_add(match_length)? {
            out.push(out[at]); // it may reach into what it makes itself
        }
    }
    Some(())
}

/// A length whose first four bits are given; 15 means that bytes follow, the last one below 255.
fn length(bits: u8, block: &mut &[u8]) -> Option<usize> {
    let mut length = usize::from(bits);
    if bits == 15 {
        loop {
            let (&more, rest) = block.split_first()?;
            *block = rest;
            length = length.checked_add(usize::from(more))?;
            if more < 255 {
                break;
            }
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(block: &[u8]) -> Vec<u8> {
        let size = u32::try_from(block.len()).unwrap().to_le_bytes();
        [&MAGIC[..], &size, block].concat()
    }

    #[test]
    fn literals_and_matches_are_expanded() {
        // "abc", then 6 bytes from 3 back, then "x".
        let block = [0x32, b'a', b'b', b'c', 3, 0, 0x10, b'x'];
        assert_eq!(decompress(&file(&block)).unwrap(), b"abcabcabcx");
        // 15 + 4 literals, no match.
        let long = [&[0xF0, 4][..], &[b'z'; 19]].concat();
        assert_eq!(decompress(&file(&long)).unwrap(), [b'z'; 19]);
    }

    #[test]
    fn damaged_files_are_refused() {
        for block in [&[0x10][..], &[0x00, 0, 0], &[0x00, 1, 0], &[0xF0, 255]] {
            assert_eq!(decompress(&file(block)), None, "{block:?}");
        }
        assert_eq!(decompress(b"no"), None);
    }
}
