//! Where things lie: the sources, cargo's target folder, and what `build` makes.

use std::path::{Path, PathBuf};

/// The folders and files that the commands share.
#[derive(Debug, Clone)]
pub struct Places {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR` or `target` in the root.
    pub target: PathBuf,
    /// What `build` makes.
    pub out: PathBuf,
}

impl Places {
    /// Finds the repository from where cargo runs this package.
    #[must_use]
    pub fn find() -> Self {
        let compiled_at = env!("CARGO_MANIFEST_DIR").to_owned();
        let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(compiled_at);
        let root = Path::new(&manifest).parent().unwrap_or(Path::new("/")).to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        let out = target.join("multios");
        Self { root, target, out }
    }

    /// The kernel as it is booted: no debug information.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.out.join("multios.elf")
    }

    /// The kernel with everything the linker left in it, for a debugger.
    #[must_use]
    pub fn debug_kernel(&self) -> PathBuf {
        self.out.join("multios.debug.elf")
    }

    /// The initial file system.
    #[must_use]
    pub fn initrd(&self) -> PathBuf {
        self.out.join("initrd.cpio")
    }

    /// The initial file system with the test programs in it.
    #[must_use]
    pub fn test_initrd(&self) -> PathBuf {
        self.out.join("initrd-test.cpio")
    }

    /// What tests leave behind: serial logs, screenshots.
    #[must_use]
    pub fn artefacts(&self) -> PathBuf {
        self.out.join("artefacts")
    }

    /// The target folder of everything that is not built for the host. Apart from the host's, so
    /// that the two toolchains don't invalidate each other's work.
    #[must_use]
    pub fn cross_target(&self) -> PathBuf {
        self.target.join("cross")
    }
}
