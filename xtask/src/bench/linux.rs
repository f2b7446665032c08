//! The Linux guest that MultiOS is measured against: Debian's kernel for virtual machines, booted as
//! directly as an expert would, with nginx, the measured programs, and nothing else.
//!
//! Its packages come from the machine's own apt and are kept beside what is built. Everything that a
//! Debian would start first (udev, systemd, an initial RAM disk that looks for a disk) is left out; the
//! drivers that the machine needs are loaded by a static program that is the guest's first.

mod lz4;
mod modules;
mod unpack;

use crate::cpio::{Archive, Entry};
use crate::failure::{Failure, Result};
use crate::places::Places;
use crate::programs::{self, Kind};
use crate::qemu::Machine;
use crate::{build, shell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that depends on the newest kernel for virtual machines.
const KERNEL_PACKAGE: &str = "linux-image-cloud-amd64";
/// The drivers of the machine's devices; what they need is found in them.
const DRIVERS: [&str; 3] = ["virtio_pci", "virtio_net", "virtio_rng"];
/// What makes it start sooner and run faster: no mitigations, which MultiOS has none of either; no
/// self-tests, no looking for devices that are not there, no messages, a clock that is believed.
const OPTIONS: &str = "console=ttyS0 quiet loglevel=0 mitigations=off nokaslr audit=0 selinux=0 \
    apparmor=0 cryptomgr.notests tsc=reliable clocksource=tsc no_timer_check nowatchdog \
    rcupdate.rcu_expedited=1 random.trust_cpu=on 8250.nr_uarts=1 pci=lastbus=0 \
    i8042.noaux i8042.nokbd i8042.dumbkbd transparent_hugepage=never panic=-1";

/// The guest's files.
#[derive(Debug, Clone)]
pub(super) struct Linux {
    kernel: PathBuf,
    initrd: PathBuf,
    /// The kernel's version.
    pub(super) version: String,
    /// nginx's version.
    pub(super) nginx: String,
}

impl Linux {
    /// Makes the guest; `served` are files that nginx serves, by their paths.
    ///
    /// # Errors
    /// When a package can't be had, or has not what is looked for in it.
    pub(super) fn make(places: &Places, served: &[(String, Vec<u8>)]) -> Result<Self> {
        let folder = places.out.join("linux");
        fetch(&folder)?;
        let (image, version) = kernel_image(&folder)?;
        let kernel = folder.join("vmlinux");
        build::write(&kernel, &unpack::vmlinux(&image)?)?;
        let initrd = folder.join("initrd.cpio");
        let archive = archive(places, &folder, &version, served)?;
        let bytes = archive.write().map_err(|long| Failure::new(format!("{long:?}")))?;
        build::write(&initrd, &bytes)?;
        let nginx = nginx_version(&folder);
        Ok(Self { kernel, initrd, version, nginx })
    }

    /// A machine with it.
    pub(super) fn machine(&self, options: &str) -> Machine {
        let mut machine = Machine::new(self.kernel.clone());
        machine.initrd = Some(self.initrd.clone());
        machine.command_line = format!("{OPTIONS} {options}");
        machine
    }
}

/// Downloads and unpacks the packages, unless that was done before.
fn fetch(folder: &Path) -> Result<()> {
    if folder.join("complete").exists() {
        return Ok(());
    }
    let fail = |error| Failure::file("can't make", folder, &error);
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("packages")).map_err(fail)?;
    let kernel = newest_kernel()?;
    let mut apt = Command::new("apt-get");
    apt.args(["download", "-qq", &kernel, "nginx"]).current_dir(folder.join("packages"));
    shell::output(&mut apt)?;
    for package in crate::initrd::sorted(&folder.join("packages"))? {
        shell::output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(folder.join("root")))?;
    }
    fs::write(folder.join("complete"), "").map_err(fail)
}

fn newest_kernel() -> Result<String> {
    let text = shell::output(Command::new("apt-cache").args(["depends", KERNEL_PACKAGE]))?;
    let depends = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    depends
        .map(str::trim)
        .find(|name| name.starts_with("linux-image-"))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("{KERNEL_PACKAGE} names no kernel:\n{text}")))
}

/// The kernel's file as Debian ships it, and its version.
fn kernel_image(folder: &Path) -> Result<(Vec<u8>, String)> {
    for path in crate::initrd::sorted(&folder.join("root/boot"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(version) = name.strip_prefix("vmlinuz-") {
            return Ok((read(&path)?, version.to_owned()));
        }
    }
    Err(Failure::new("the kernel's package has no kernel"))
}

fn archive(
    places: &Places,
    folder: &Path,
    version: &str,
    served: &[(String, Vec<u8>)],
) -> Result<Archive> {
    let root = folder.join("root");
    let mut archive = Archive::default();
    for name in ["dev", "proc", "sys", "tmp", "run", "var/log/nginx", "var/lib/nginx"] {
        archive.put(name, Entry::Folder);
    }
    let mut program = |path: &str, content: Vec<u8>| {
        archive.put(path, Entry::File { mode: 0o755, content });
    };
    let init = places.root.join("tests/programs/bench/linux_init.c");
    program("init", read(&programs::compile(places, &init, "bench/linux_init", Kind::Musl)?)?);
    program("test/bench", read(&super::program(places)?)?);
    let nginx = root.join("usr/sbin/nginx");
    program("usr/sbin/nginx", read(&nginx)?);
    for library in libraries(&nginx)? {
        program(&library.to_string_lossy(), read(&library)?);
    }
    let modules = modules::in_order(&root.join("lib/modules").join(version), &DRIVERS)?;
    let mut order = String::new();
    for (name, content) in modules {
        order += &format!("/modules/{name}\n");
        program(&format!("modules/{name}"), content);
    }
    program("modules/order", order.into_bytes());
    program("etc/nginx.conf", NGINX.as_bytes().to_vec());
    program("etc/passwd", b"root:x:0:0::/:/\n".to_vec());
    program("etc/group", b"root:x:0:\n".to_vec());
    program("srv/healthz", b"ok\n".to_vec());
    for (path, content) in served {
        program(&format!("srv/{}", path.trim_start_matches('/')), content.clone());
    }
    Ok(archive)
}

/// nginx as its manual tunes it for static files: no log, one worker a CPU, files kept open.
const NGINX: &str = "\
daemon off;
user root;
worker_processes auto;
pid /run/nginx.pid;
error_log /dev/null crit;
events { worker_connections 2048; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 300;
  keepalive_requests 100000000;
  open_file_cache max=100 inactive=600s;
  open_file_cache_valid 600s;
  default_type application/json;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server { listen 80 reuseport backlog=1024; root /srv; }
}
";

/// The shared libraries of a program, the loader included, from this host.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let text = shell::output(Command::new("ldd").arg(program))?;
    if let Some(missing) = text.lines().find(|line| line.contains("not found")) {
        return Err(Failure::new(format!("nginx needs what this host lacks: {}", missing.trim())));
    }
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}

fn nginx_version(folder: &Path) -> String {
    let packages = crate::initrd::sorted(&folder.join("packages")).unwrap_or_default();
    let names = packages.iter().filter_map(|path| path.file_name()?.to_str());
    let mut versions = names.filter_map(|name| name.strip_prefix("nginx_")?.split('_').next());
    versions.next().unwrap_or("?").to_owned()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::file("can't read", path, &error))
}
