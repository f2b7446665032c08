//! Running a program on this host's Linux.

use super::{Did, End, LIMIT};
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use xtask::places::Places;
use xtask::programs::{Compared, Kind};
use xtask::{setup, shell};

/// A folder to run programs in, removed when it is dropped.
#[derive(Debug)]
pub struct OnHost {
    folder: PathBuf,
    busybox: PathBuf,
    is_root: bool,
}

impl OnHost {
    /// Makes the folder, with a link for each of busybox's applets as the guest has it.
    ///
    /// # Panics
    /// When there is no busybox, or no room.
    #[must_use]
    pub fn prepare() -> Self {
        let folder = std::env::temp_dir().join(format!("multios-compare-{}", std::process::id()));
        let busybox = setup::busybox().expect("a static busybox is installed");
        fs::create_dir_all(folder.join("bin")).expect("a temporary folder can be made");
        let applets = shell::output(Command::new(&busybox).arg("--list")).expect("busybox runs");
        for applet in applets.lines().chain(["busybox"]) {
            // "busybox" is one of its own applets in some versions.
            let _ = symlink(&busybox, folder.join("bin").join(applet));
        }
        let user = shell::output(Command::new("id").arg("-u")).expect("id runs");
        Self { folder, busybox, is_root: user.trim() == "0" }
    }

    /// Why this host can't judge a program, if so.
    #[must_use]
    pub fn why_not(&self, program: &Compared) -> Option<String> {
        let is_refused = program.needs_root && !self.is_root;
        let refused = is_refused.then(|| "it needs to be root on Linux".to_owned());
        program.skips_linux.clone().or(refused)
    }

    /// Runs a program in an empty folder of its own.
    ///
    /// # Errors
    /// When it does not end in time.
    ///
    /// # Panics
    /// When it can't be started at all.
    pub fn run(&self, places: &Places, program: &Compared) -> Result<Did, String> {
        let work = self.folder.join(program.name.replace('/', "-"));
        fs::create_dir_all(&work).expect("a folder can be made");
        let file = program.file(places).expect("it was compiled before");
        // A session of its own, as in the guest.
        let mut command = Command::new("setsid");
        if program.kind == Kind::Script {
            fs::copy(&file, work.join("script.sh")).expect("a script can be copied");
            command.arg(&self.busybox).args(["sh", "script.sh"]);
        } else {
            command.arg(&file);
        }
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        command.args(&program.arguments).current_dir(&work).env_clear();
        command.env("PATH", self.folder.join("bin")).stdin(Stdio::null());
        command.stdout(writer.try_clone().expect("a descriptor")).stderr(writer);
        let mut child = command.spawn().expect("setsid is installed");
        drop(command); // the pipe ends with the last of the program's processes
        let listener = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = reader.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let status = await_end(&mut child, LIMIT);
        // Whatever it left behind holds the pipe, too.
        let session = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &session]).stderr(Stdio::null()).status();
        if status.is_none() {
            let _ = child.wait();
        }
        let output = listener.join().unwrap_or_default();
        let _ = fs::remove_dir_all(&work);
        match status.and_then(end) {
            Some(end) => Ok(Did { output, end }),
            None => Err(format!("did not end within {LIMIT:?} on Linux; it wrote:\n{output}")),
        }
    }
}

impl Drop for OnHost {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn await_end(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

fn end(status: ExitStatus) -> Option<End> {
    let by_signal = || status.signal().and_then(|signal| u8::try_from(signal).ok());
    status.code().map(End::Status).or_else(|| by_signal().map(End::Signal))
}
