//! The virtual machine: which QEMU options boot an image, and starting it so that it never outlives
//! the one who started it.

use crate::failure::{Failure, Result};
use crate::shell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The port of the guest that the admin server listens on.
pub const GUEST_PORT: u16 = 80;

/// What carries out the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// QEMU's translator.
    Tcg,
    /// The host's own CPU.
    Kvm,
}

impl Accelerator {
    fn argument(self) -> &'static str {
        match self {
            Self::Tcg => "tcg,thread=multi",
            Self::Kvm => "kvm",
        }
    }
}

/// What becomes of the guest when it resets itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnReset {
    /// It boots again.
    Reboot,
    /// QEMU ends.
    Exit,
}

/// A machine to boot.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The kernel's file.
    pub kernel: PathBuf,
    /// The initial file system's file.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub command_line: String,
    /// Number of CPUs.
    pub cpus: u32,
    /// The CPU's model and features.
    pub cpu_model: String,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// What carries out its instructions.
    pub accelerator: Accelerator,
    /// The port of 127.0.0.1 that leads to the admin server; `None` for a machine without a network.
    pub port: Option<u16>,
    /// More ports of 127.0.0.1 and the guest's ports that they lead to.
    pub forwards: Vec<(u16, u16)>,
    /// A disk's file.
    pub disk: Option<PathBuf>,
    /// What a reset does.
    pub on_reset: OnReset,
    /// More of QEMU's own arguments.
    pub extra: Vec<String>,
}

impl Machine {
    /// A machine with two CPUs and 256 MiB, without a network.
    #[must_use]
    pub fn new(kernel: PathBuf) -> Self {
        Self {
            kernel,
            initrd: None,
            command_line: String::new(),
            cpus: 2,
            cpu_model: "max".to_owned(),
            memory_mib: 256,
            accelerator: Accelerator::Tcg,
            port: None,
            forwards: Vec::new(),
            disk: None,
            on_reset: OnReset::Exit,
            extra: Vec::new(),
        }
    }

    /// QEMU's arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        let mut out: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| out.extend(words.iter().map(OsString::from));
        // Nothing that nobody asked for: each device costs the firmware time before the kernel runs.
        add(&["-nodefaults", "-no-user-config", "-display", "none"]);
        add(&["-M", "q35,sata=off,usb=off,smbus=off,vmport=off"]);
        add(&["-accel", self.accelerator.argument()]);
        add(&["-cpu", &self.cpu_model, "-smp", &self.cpus.to_string()]);
        add(&["-m", &self.memory_mib.to_string()]);
        add(&["-serial", "stdio"]);
        add(&["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]);
        add(&["-device", "virtio-rng-pci"]);
        if let Some(port) = self.port {
            let mut user = "user,id=net0".to_owned();
            for (host, guest) in [(port, GUEST_PORT)].iter().chain(&self.forwards) {
                user += &format!(",hostfwd=tcp:127.0.0.1:{host}-:{guest}");
            }
            // No option ROM: nobody boots from the network.
            add(&["-netdev", &user, "-device", "virtio-net-pci,netdev=net0,romfile="]);
        }
        if self.on_reset == OnReset::Exit {
            add(&["-no-reboot"]);
        }
        out.push("-kernel".into());
        out.push(self.kernel.clone().into());
        if let Some(initrd) = &self.initrd {
            out.push("-initrd".into());
            out.push(initrd.clone().into());
        }
        if !self.command_line.is_empty() {
            out.push("-append".into());
            out.push(self.command_line.clone().into());
        }
        if let Some(disk) = &self.disk {
            let mut drive = OsString::from("if=virtio,format=raw,file=");
            // A comma would end the file's name; QEMU takes two for one.
            drive.push(disk.to_string_lossy().replace(',', ",,"));
            out.push("-drive".into());
            out.push(drive);
        }
        out.extend(self.extra.iter().map(OsString::from));
        out
    }

    /// The command that boots it.
    ///
    /// `setpriv` has the kernel of the host end QEMU when the thread that starts it ends, so that no
    /// machine is left behind even when we are killed.
    ///
    /// # Errors
    /// When QEMU is not installed.
    pub fn command(&self) -> Result<Command> {
        let qemu = shell::find("qemu-system-x86_64").ok_or_else(|| {
            Failure::new("qemu-system-x86_64 is not installed").advise("cargo xtask setup")
        })?;
        let mut command = match shell::find("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.arg("--pdeathsig=TERM").arg("--").arg(qemu);
                command
            }
            None => Command::new(qemu),
        };
        command.args(self.arguments());
        Ok(command)
    }

    /// Boots it with its serial console going to `serial` and nothing coming in.
    ///
    /// # Errors
    /// When QEMU can't be started.
    pub fn spawn(&self, serial: Stdio) -> Result<Child> {
        let mut command = self.command()?;
        command.stdin(Stdio::null()).stdout(serial);
        command.spawn().map_err(|error| Failure::new(format!("can't start QEMU: {error}")))
    }
}

/// What the kernel writes to the debug-exit device when it ends because all is well (the kernel's
/// `hal::debug_exit::Outcome`).
pub const SUCCESS: u8 = 16;

/// How a guest ended, by QEMU's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestExit {
    /// It switched the power off, or QEMU was told to quit.
    PowerOff,
    /// It wrote this value to the debug-exit device.
    Value(u8),
    /// QEMU itself failed or was killed.
    Failed,
}

impl GuestExit {
    /// Reads QEMU's exit code: the debug-exit device makes `2 * value + 1` of a value.
    #[must_use]
    pub fn from_code(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::PowerOff,
            // 1 is QEMU's own failure; a guest that wants to be told apart writes more than 0.
            Some(code) if code > 1 && code % 2 == 1 => {
                u8::try_from(code / 2).map_or(Self::Failed, Self::Value)
            }
            _ => Self::Failed,
        }
    }
}

/// A port of 127.0.0.1 that is free at this moment.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address
        .map(|address| address.port())
        .map_err(|error| Failure::new(format!("no free port on 127.0.0.1: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(machine: &Machine) -> String {
        let words = machine.arguments();
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_admin_port_is_open_to_this_host_only() {
        let mut machine = Machine::new(PathBuf::from("k"));
        assert!(!line(&machine).contains("netdev"));
        machine.port = Some(8080);
        assert!(line(&machine).contains("hostfwd=tcp:127.0.0.1:8080-:80"), "{}", line(&machine));
    }

    #[test]
    fn a_disk_may_have_a_comma_in_its_name() {
        let mut machine = Machine::new(PathBuf::from("k"));
        machine.disk = Some(PathBuf::from("a,b.img"));
        assert!(line(&machine).contains("file=a,,b.img"));
    }

    #[test]
    fn exit_codes_tell_power_off_from_values_and_failures() {
        assert_eq!(GuestExit::from_code(Some(0)), GuestExit::PowerOff);
        assert_eq!(GuestExit::from_code(Some(33)), GuestExit::Value(16));
        assert_eq!(GuestExit::from_code(Some(255)), GuestExit::Value(127));
        for failed in [Some(1), Some(2), Some(-1), None] {
            assert_eq!(GuestExit::from_code(failed), GuestExit::Failed);
        }
    }
}
