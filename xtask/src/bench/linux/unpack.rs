//! Takes the ELF file out of a Linux kernel's `bzImage`, so that QEMU enters it directly (PVH) and the
//! guest does not spend its start with decompressing itself (Linux, `Documentation/arch/x86/boot.rst`).

use super::lz4;
use crate::failure::{Failure, Result};

/// The ELF file of a kernel.
///
/// # Errors
/// When it is no such kernel, or is compressed in another way than by LZ4.
pub(super) fn vmlinux(image: &[u8]) -> Result<Vec<u8>> {
    let payload = payload(image).ok_or_else(|| Failure::new("the kernel is no bzImage"))?;
    if !payload.starts_with(&lz4::MAGIC) {
        return Err(Failure::new("the kernel is not compressed by LZ4"));
    }
    let elf = lz4::decompress(payload).filter(|elf| elf.starts_with(b"\x7FELF"));
    elf.ok_or_else(|| Failure::new("the kernel's compressed part is damaged"))
}

/// The compressed part: `payload_offset` counts from the end of the real-mode sectors.
fn payload(image: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| {
        let bytes = image.get(at..at.checked_add(4)?)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    (image.get(0x202..0x206)? == b"HdrS").then_some(())?;
    let sectors = match *image.get(0x1F1)? {
        0 => 4,
        count => usize::from(count),
    };
    let start = (sectors + 1) * 512 + word(0x248)?;
    image.get(start..start.checked_add(word(0x24C)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_lies_where_the_header_says() {
        let mut image = vec![0u8; 2048];
        image[0x1F1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24C].copy_from_slice(&10u32.to_le_bytes());
        image[0x24C..0x250].copy_from_slice(&3u32.to_le_bytes());
        image[1034..1037].copy_from_slice(b"abc");
        assert_eq!(payload(&image), Some(&b"abc"[..]));
        assert!(vmlinux(&image).unwrap_err().to_string().contains("LZ4"));
        assert!(vmlinux(&image[..600]).is_err());
    }
}
