//! What stays the same from boot on.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use admin_api::types::Text;
use hal::acpi::Platform;
use ksync::Once;

/// Facts of the machine and of this boot.
#[derive(Debug)]
pub(super) struct Facts {
    /// Name of the processor.
    pub(super) model: Text,
    /// What the machine runs under.
    pub(super) hypervisor: Option<Text>,
    /// Made at random at this boot.
    pub(super) boot_id: Text,
    /// Size of the initial file system, which stays in memory.
    pub(super) initrd_bytes: u64,
    /// APIC ids of the CPUs that are listed and did not start.
    pub(super) failed_apic_ids: Vec<u32>,
}

static FACTS: Once<Facts> = Once::new();

/// Gathers them. Once, when all CPUs have been started and the random generator is seeded.
pub fn gather(platform: &Platform, initrd: &[u8]) {
    FACTS.call_once(|| Facts::of(platform, initrd));
}

/// The facts.
///
/// # Panics
/// Before `gather`; an error of the boot order.
pub(super) fn get() -> &'static Facts {
    match FACTS.get() {
        Some(facts) => facts,
        None => panic!("the administration is asked for before it has been started"),
    }
}

impl Facts {
    fn of(platform: &Platform, initrd: &[u8]) -> Self {
        let online: Vec<u32> = (0..hal::cpu::online()).filter_map(hal::cpu::apic_id).collect();
        let listed = platform.processors.iter().map(|processor| processor.apic_id);
        Self {
            model: hal::cpu::features::model_name().into(),
            hypervisor: hal::cpu::features::hypervisor_signature().map(hypervisor_name),
            boot_id: boot_id().into(),
            initrd_bytes: initrd.len() as u64,
            failed_apic_ids: listed.filter(|apic_id| !online.contains(apic_id)).collect(),
        }
    }

    /// CPUs that are listed by the firmware; those that run come first.
    pub(super) fn cpu_count(&self) -> u32 {
        let count = hal::cpu::online() + self.failed_apic_ids.len();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// The usual name of what CPUID's leaf 0x4000_0000 calls itself; what is not known stays as it is.
fn hypervisor_name(signature: String) -> Text {
    match signature.as_str() {
        "KVMKVMKVM" => "KVM".into(),
        "TCGTCGTCGTCG" => "TCG".into(),
        "Microsoft Hv" => "Hyper-V".into(),
        "VMwareVMware" => "VMware".into(),
        "XenVMMXenVMM" => "Xen".into(),
        "bhyve bhyve" => "bhyve".into(),
        _ => signature.into(),
    }
}

/// 128 random bits in hexadecimal.
fn boot_id() -> String {
    let mut bytes = [0; 16];
    crate::random::fill(&mut bytes);
    let mut text = String::with_capacity(32);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
