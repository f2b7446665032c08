//! What the system calls itself.

use alloc::string::String;

use hal::interrupts::SpinLock;

use crate::levels;

/// The release that programs are told: what they find here is Linux's interface of about that age.
/// The C libraries refuse to start on a kernel that calls itself older than 3.2.
pub const RELEASE: &str = "6.1.0-multios";
/// The version that programs are told.
pub const VERSION: &str = concat!("MultiOS ", env!("CARGO_PKG_VERSION"));

static HOST_NAME: SpinLock<Option<String>> = SpinLock::new(levels::RINGS, "host name", None);

/// Gives the host another name, until the system stops.
pub fn set_host_name(name: String) {
    let old = HOST_NAME.lock().replace(name);
    // Dropped without the lock.
    drop(old);
}

/// The host's name; `/etc/hostname`'s at first.
#[must_use]
pub fn host_name() -> String {
    if let Some(name) = &*HOST_NAME.lock() {
        return name.clone();
    }
    let name = match crate::fs::read_whole(b"/etc/hostname") {
        Ok(file) => {
            let mut bytes = [0; 64];
            let count = file.read(0, &mut bytes);
            String::from(String::from_utf8_lossy(&bytes[..count]).trim())
        }
        Err(_) => String::new(),
    };
    if name.is_empty() { String::from("multios") } else { name }
}

static DOMAIN_NAME: SpinLock<Option<String>> = SpinLock::new(levels::RINGS, "domain name", None);

/// The name of the host's domain, as NIS has it; Linux's word for none.
#[must_use]
pub fn domain_name() -> String {
    DOMAIN_NAME.lock().clone().unwrap_or_else(|| String::from("(none)"))
}

/// Gives the host another domain, until the next start.
pub fn set_domain_name(name: String) {
    let old = DOMAIN_NAME.lock().replace(name);
    drop(old);
}
