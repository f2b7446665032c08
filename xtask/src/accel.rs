//! Chooses between KVM and QEMU's translator by booting a guest of a few bytes under KVM.
//!
//! Looking at `/dev/kvm` is not enough: there are hosts where it opens and no guest starts. The
//! answer is kept until the host boots again.

use crate::failure::{Failure, Result};
use crate::places::Places;
use crate::qemu::{Accelerator, GuestExit, Machine, SUCCESS};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// KVM if a guest runs under it.
    #[default]
    Auto,
    /// The translator.
    Tcg,
    /// KVM or nothing.
    Kvm,
}

impl Choice {
    /// Reads the option's value.
    ///
    /// # Errors
    /// When it is none of the three.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "tcg" => Ok(Self::Tcg),
            "kvm" => Ok(Self::Kvm),
            _ => Err(Failure::usage(format!("--accel takes auto, tcg or kvm, not `{text}`"))),
        }
    }

    /// Decides.
    ///
    /// # Errors
    /// When KVM is demanded and no guest runs under it.
    pub fn decide(self, places: &Places) -> Result<Accelerator> {
        match self {
            Self::Tcg => Ok(Accelerator::Tcg),
            Self::Auto if kvm_works(places) => Ok(Accelerator::Kvm),
            Self::Auto => Ok(Accelerator::Tcg),
            Self::Kvm if kvm_works(places) => Ok(Accelerator::Kvm),
            Self::Kvm => Err(Failure::new("no guest runs under KVM on this host")
                .advise("use --accel tcg, or find out who may open /dev/kvm")),
        }
    }
}

/// How long the probe's guest may take.
const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// What the probe's guest writes to the debug-exit device.
const PROBE_VALUE: u8 = 0x2A;

fn kvm_works(places: &Places) -> bool {
    if fs::File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return false;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let kept = places.out.join("kvm-probe");
    if let Ok(text) = fs::read_to_string(&kept)
        && let Some(answer) = text.strip_prefix(boot.trim())
        && !boot.is_empty()
    {
        return answer.trim() == "yes";
    }
    // The few bytes first: they are quick to fail where nothing runs at all.
    let works = probe(places, Accelerator::Kvm, PROBE_LIMIT).is_some() && kernel_runs(places);
    let answer = if works { "yes" } else { "no" };
    // Not being able to keep the answer costs the next run a probe, nothing else.
    let _ = crate::build::write(&kept, format!("{} {answer}\n", boot.trim()).as_bytes());
    works
}

/// How long the kernel's own trial may take.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);
/// The in-kernel tests of the trial: all CPUs start, take interrupts and switch threads.
const TRIAL: &str = "test=smp_ panic=exit";

/// Whether the real kernel, with its CPUs, clocks and protections, gets through a short trial under
/// KVM: there are hosts that run a few bytes and give up at an instruction of the kernel's.
fn kernel_runs(places: &Places) -> bool {
    let mut machine = Machine::new(places.kernel());
    machine.initrd = Some(places.initrd());
    machine.accelerator = Accelerator::Kvm;
    machine.cpus = 2;
    machine.command_line = TRIAL.into();
    end_of(&machine, TRIAL_LIMIT).is_some_and(|(exit, _)| exit == GuestExit::Value(SUCCESS))
}

/// Boots a guest that does nothing but end. Returns how long it took from QEMU's start; `None` when
/// it does not end within `limit`.
#[must_use]
pub fn probe(places: &Places, accelerator: Accelerator, limit: Duration) -> Option<Duration> {
    let kernel = places.out.join("probe.elf");
    crate::build::write(&kernel, &probe_kernel()).ok()?;
    let mut machine = Machine::new(kernel);
    machine.accelerator = accelerator;
    let (exit, took) = end_of(&machine, limit)?;
    (exit == GuestExit::Value(PROBE_VALUE)).then_some(took)
}

/// Runs a machine without a terminal until its guest ends, and says how and after what time; `None`
/// when it does not end within `limit`.
fn end_of(machine: &Machine, limit: Duration) -> Option<(GuestExit, Duration)> {
    let started = Instant::now();
    let mut command = machine.command().ok()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Some((GuestExit::from_code(status.code()), started.elapsed()));
            }
            Ok(None) if started.elapsed() < limit => {
                std::thread::sleep(Duration::from_millis(2));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// An ELF file with a PVH entry (Xen, `docs/misc/pvh.pandoc`; 32-bit protected mode) that writes one
/// value to the debug-exit device and halts.
pub(crate) fn probe_kernel() -> Vec<u8> {
    const LOAD: u32 = 0x0010_0000;
    const FILE_OFFSET: u64 = 0x1000;
    const NOTE_OFFSET: u64 = 16;
    // mov al, VALUE; mov edx, 0xf4; out dx, al; hlt; jmp to the hlt
    let code = [
        0xB0,
        PROBE_VALUE,
        0xBA,
        0xF4,
        0,
        0,
        0,
        0xEE,
        0xF4,
        0xEB,
        0xFD,
        0x90,
        0x90,
        0x90,
        0x90,
        0x90,
    ];
    let mut note = Vec::new();
    for word in [4u32, 4, 18] {
        note.extend_from_slice(&word.to_le_bytes()); // name size, value size, XEN_ELFNOTE_PHYS32_ENTRY
    }
    note.extend_from_slice(b"Xen\0");
    note.extend_from_slice(&LOAD.to_le_bytes());
    let load = u64::from(LOAD);
    let size = (code.len() + note.len()) as u64;

    let mut out = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    out.extend_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]); // executable, x86-64, version 1
    for field in [load, 64, 0] {
        out.extend_from_slice(&field.to_le_bytes()); // entry, program headers, section headers
    }
    out.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    let mut segment = |kind: u32, flags: u32, offset: u64, address: u64, size: u64, align: u64| {
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&flags.to_le_bytes());
        for field in [offset, address, address, size, size, align] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    };
    segment(1, 7, FILE_OFFSET, load, size, 0x1000);
    segment(4, 4, FILE_OFFSET + NOTE_OFFSET, load + NOTE_OFFSET, note.len() as u64, 4);
    out.resize(0x1000, 0);
    out.extend_from_slice(&code);
    out.extend_from_slice(&note);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_is_an_elf_file_with_a_pvh_note() {
        let bytes = probe_kernel();
        let file = elf::ElfBytes::<elf::endian::LittleEndian>::minimal_parse(&bytes).unwrap();
        let segments: Vec<_> = file.segments().unwrap().iter().collect();
        assert_eq!(segments.len(), 2);
        assert_eq!(file.ehdr.e_entry, segments[0].p_vaddr);
        let note = file.segment_data(&segments[1]).unwrap();
        assert_eq!(&note[12..16], b"Xen\0");
        assert_eq!(note[16..20], 0x0010_0000u32.to_le_bytes());
    }

    #[test]
    fn the_probe_runs_under_the_translator() {
        if crate::shell::find("qemu-system-x86_64").is_none() {
            eprintln!("no QEMU on this machine");
            return;
        }
        let out = std::env::temp_dir().join(format!("xtask-probe-{}", std::process::id()));
        let places = Places { root: out.clone(), target: out.clone(), out: out.clone() };
        let took = probe(&places, Accelerator::Tcg, Duration::from_secs(60));
        let _ = fs::remove_dir_all(&out);
        assert!(took.is_some());
    }
}
