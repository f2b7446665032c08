//! `/etc/resolv.conf`: the name servers that DHCP gave, where programs look for them.

use alloc::string::String;
use core::fmt::Write;

use net::stack::Ipv4Address;

use crate::fs;

/// The file that is kept up to date, unless the image has one of its own.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    is_own: bool,
    is_foreign: bool,
}

impl Resolver {
    /// Writes the servers down.
    pub(super) fn update(&mut self, servers: &[Ipv4Address]) {
        if !self.is_own && !self.is_foreign {
            self.is_foreign = fs::read_whole(b"/etc/resolv.conf").is_ok();
        }
        if self.is_foreign || servers.is_empty() && !self.is_own {
            return;
        }
        let mut text = String::from("# Written by the kernel, from what DHCP gave.\n");
        for server in servers {
            // Cannot fail: it is a string.
            let _ = writeln!(text, "nameserver {server}");
        }
        match fs::write_whole(b"/etc", b"resolv.conf", text.as_bytes()) {
            Ok(()) => self.is_own = true,
            Err(error) => crate::warning!("network: no /etc/resolv.conf: {error}"),
        }
    }
}
