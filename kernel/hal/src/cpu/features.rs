//! What the CPU can do, asked once on the boot CPU. All CPUs of a machine are taken to be alike.

use core::arch::x86_64::__cpuid_count;

use spin::Once;

/// The features that the kernel makes use of where they are there.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Local APIC addressed by MSRs, ids of 32 bits.
    pub x2apic: bool,
    /// The APIC timer takes an absolute TSC value.
    pub tsc_deadline: bool,
    /// The TSC runs at one rate in all power states.
    pub invariant_tsc: bool,
    /// The kernel can be kept from executing user pages.
    pub smep: bool,
    /// The kernel can be kept from touching user pages by accident.
    pub smap: bool,
    /// User code can be kept from reading descriptor table addresses.
    pub umip: bool,
    /// Pages of 1 GiB.
    pub gigabyte_pages: bool,
    /// The RDRAND instruction.
    pub rdrand: bool,
    /// Global pages survive a change of address space.
    pub global_pages: bool,
}

static FEATURES: Once<Features> = Once::new();

/// The boot CPU's features.
pub fn get() -> &'static Features {
    FEATURES.call_once(detect)
}

fn detect() -> Features {
    let leaf = |number: u32, sub: u32| __cpuid_count(number, sub);
    let highest = leaf(0, 0).eax;
    let highest_extended = leaf(0x8000_0000, 0).eax;
    let basic = leaf(1, 0);
    let (seven_ebx, seven_ecx) = if highest >= 7 {
        let seven = leaf(7, 0);
        (seven.ebx, seven.ecx)
    } else {
        (0, 0)
    };
    let extended = |number: u32| highest_extended >= number;
    let bit = |word: u32, index: u32| word & (1 << index) != 0;
    Features {
        x2apic: bit(basic.ecx, 21),
        tsc_deadline: bit(basic.ecx, 24),
        invariant_tsc: extended(0x8000_0007) && bit(leaf(0x8000_0007, 0).edx, 8),
        smep: bit(seven_ebx, 7),
        smap: bit(seven_ebx, 20),
        umip: bit(seven_ecx, 2),
        gigabyte_pages: extended(0x8000_0001) && bit(leaf(0x8000_0001, 0).edx, 26),
        rdrand: bit(basic.ecx, 30),
        global_pages: bit(basic.edx, 13),
    }
}

/// The processor's name, as it gives it itself.
#[must_use]
pub fn model_name() -> alloc::string::String {
    if __cpuid_count(0x8000_0000, 0).eax < 0x8000_0004 {
        return alloc::string::String::from("x86_64");
    }
    let mut bytes = alloc::vec::Vec::with_capacity(48);
    for leaf in 0x8000_0002..=0x8000_0004_u32 {
        let part = __cpuid_count(leaf, 0);
        for word in [part.eax, part.ebx, part.ecx, part.edx] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    let text = alloc::string::String::from_utf8_lossy(&bytes);
    alloc::string::String::from(text.trim_matches(['\0', ' ']))
}

/// What a hypervisor calls itself, such as `KVMKVMKVM`; none on bare hardware. Source: the range of
/// CPUID's leaves that processors leave to hypervisors (leaf 1, ECX bit 31; leaf 0x4000_0000).
#[must_use]
pub fn hypervisor_signature() -> Option<alloc::string::String> {
    if __cpuid_count(1, 0).ecx & 1 << 31 == 0 {
        return None;
    }
    let leaf = __cpuid_count(0x4000_0000, 0);
    let words = [leaf.ebx, leaf.ecx, leaf.edx];
    let bytes: alloc::vec::Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let text = alloc::string::String::from_utf8_lossy(&bytes);
    Some(alloc::string::String::from(text.trim_matches(['\0', ' '])))
}

/// The calling CPU's APIC id, as CPUID has it: before its APIC is enabled.
pub(crate) fn own_apic_id() -> u32 {
    let highest = __cpuid_count(0, 0).eax;
    if highest >= 0x0b && get().x2apic {
        let topology = __cpuid_count(0x0b, 0);
        if topology.ebx != 0 {
            return topology.edx;
        }
    }
    __cpuid_count(1, 0).ebx >> 24
}

/// What Linux puts into `AT_HWCAP` (CPUID leaf 1, EDX) and `AT_HWCAP2` (no FSGSBASE here).
#[must_use]
pub fn linux_hwcap() -> (u64, u64) {
    (u64::from(__cpuid_count(1, 0).edx), 0)
}

/// A random number made by the CPU, where it has the instruction and it delivers.
#[must_use]
pub fn hardware_random() -> Option<u64> {
    if !get().rdrand {
        return None;
    }
    let (mut value, mut is_valid): (u64, u8) = (0, 0);
    // SDM volume 1, 7.3.17.1: ten attempts are enough unless the CPU is broken.
    for _ in 0..10 {
        // SAFETY: the feature bit says that the instruction is there.
        unsafe {
            core::arch::asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) is_valid,
                options(nomem, nostack));
        }
        if is_valid != 0 {
            return Some(value);
        }
    }
    None
}
