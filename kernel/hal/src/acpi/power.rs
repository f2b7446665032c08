//! Turning the machine off and starting it anew.

use alloc::vec::Vec;
use core::str::FromStr;

use acpi::aml::namespace::AmlName;
use acpi::aml::object::Object;
use acpi::aml::{AmlError, Interpreter};
use acpi::platform::AcpiPlatform;
use acpi::registers::Pm1ControlBit;
use acpi::sdt::fadt::Fadt;
use x86_64::instructions::port::Port;

use super::handler::KernelHandler;
use super::{PlatformError, tables};

/// Enters ACPI's soft-off state. Returns only if that did not work, with the reason.
///
/// # Errors
/// When the tables or the AML are of no use, or the machine stayed on.
pub fn power_off() -> Result<core::convert::Infallible, PlatformError> {
    let platform = AcpiPlatform::new(tables()?, KernelHandler).map_err(PlatformError::Tables)?;
    let interpreter = Interpreter::new_from_platform(&platform).map_err(PlatformError::Tables)?;
    let sleep_type = sleep_type(&interpreter)
        .map_err(|error| PlatformError::Tables(acpi::AcpiError::Aml(error)))?;
    let control = &platform.registers.pm1_control_registers;
    control.set_sleep_typ(sleep_type).map_err(PlatformError::Tables)?;
    control.set_bit(Pm1ControlBit::SleepEnable, true).map_err(PlatformError::Tables)?;
    crate::time::busy_wait_ns(100_000_000);
    Err(PlatformError::Tables(acpi::AcpiError::Timeout))
}

/// The value of PM1_CNT.SLP_TYP for soft-off: the first element of `\_S5`.
fn sleep_type(interpreter: &Interpreter<KernelHandler>) -> Result<u8, AmlError> {
    let package = interpreter.evaluate(AmlName::from_str("\\_S5")?, Vec::new())?;
    let Object::Package(elements) = &*package else {
        return Err(AmlError::InvalidNormalizedName(AmlName::from_str("\\_S5")?));
    };
    match elements.first().map(|element| &**element) {
        Some(Object::Integer(value)) => Ok((*value & 7) as u8),
        _ => Err(AmlError::InvalidNormalizedName(AmlName::from_str("\\_S5")?)),
    }
}

/// Starts the machine anew: by the FADT's reset register, else by the chip set's, else by a triple
/// fault.
pub fn reset() -> ! {
    if let Ok(tables) = tables()
        && let Some(fadt) = tables.find_table::<Fadt>()
        && { fadt.flags }.supports_system_reset_via_fadt()
        && let Ok(register) = fadt.reset_register()
        && register.address_space == acpi::address::AddressSpace::SystemIo
        && let Ok(port) = u16::try_from(register.address)
    {
        // SAFETY: the FADT says that this write resets the machine.
        unsafe { Port::<u8>::new(port).write(fadt.reset_value) };
        crate::time::busy_wait_ns(10_000_000);
    }
    // SAFETY: the PC's reset control register; a machine without it ignores the write.
    unsafe { Port::<u8>::new(0xcf9).write(0x0e) };
    crate::time::busy_wait_ns(10_000_000);
    triple_fault()
}

/// No interrupt table, then an exception: the CPU gives up and the machine resets.
fn triple_fault() -> ! {
    let nothing =
        x86_64::structures::DescriptorTablePointer { limit: 0, base: x86_64::VirtAddr::zero() };
    x86_64::instructions::interrupts::disable();
    // SAFETY: the machine is to reset, nothing of this CPU's state is needed any more.
    unsafe { x86_64::instructions::tables::lidt(&nothing) };
    x86_64::instructions::interrupts::int3();
    crate::cpu::halt_forever()
}
