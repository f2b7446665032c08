//! The kernel's command line: words separated by blanks, `name=value` or a bare name.
//!
//! | option | meaning |
//! |---|---|
//! | `token=T` | the first API token; without it one is made at random and printed |
//! | `link_secret=S` | a secret that signs in to the console once |
//! | `net=dhcp\|static\|off` | where the IPv4 address comes from (`dhcp`) |
//! | `ip=A.B.C.D/N` | the static address; with `net=dhcp` the one used until DHCP answers |
//! | `gateway=A.B.C.D` | its default route |
//! | `dns=A.B.C.D[:PORT]` | a name server, instead of those that DHCP names; several with commas |
//! | `port=N` | the admin server's port (80) |
//! | `log=error\|warning\|info\|debug` | what appears on the serial console (`info`) |
//! | `panic=reset\|halt\|exit` | what follows a kernel panic (`reset`; `exit` ends QEMU) |
//! | `services=on\|off` | whether the services that are enabled are started (`on`) |
//! | `test=NAME` | runs the in-kernel tests whose names contain NAME (`all`: every one) and ends QEMU |

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use hal::panic::Action;
use net::stack::{IpEndpoint, Ipv4Address, Ipv4Cidr, Ipv4Config, StaticIpv4};

use crate::disk::Foreign;
use crate::log::Severity;

/// How long DHCP may take before the static address is used instead.
const DHCP_PATIENCE: Duration = Duration::from_secs(5);

/// What the command line says.
#[derive(Debug)]
pub struct Options {
    /// The first API token.
    pub token: Option<String>,
    /// The secret of the console's link.
    pub link_secret: Option<String>,
    /// Where the IPv4 address comes from.
    pub ipv4: Ipv4Config,
    /// The name servers; none: those that DHCP names.
    pub dns_servers: Vec<IpEndpoint>,
    /// The admin server's port.
    pub port: u16,
    /// What appears on the serial console.
    pub console_level: Severity,
    /// What follows a panic.
    pub panic: Action,
    /// Whether the services that are enabled are started.
    pub services: ServicesAtBoot,
    /// What becomes of a disk that holds something else.
    pub foreign_disk: Foreign,
    /// Which tests to run instead of the system.
    pub test: Option<String>,
    /// What was not understood, for a warning each.
    pub complaints: Vec<String>,
    /// The line without its secrets, for observers.
    pub shown: String,
}

/// What becomes of the services that are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServicesAtBoot {
    /// They are started.
    Start,
    /// They are known, and wait for an operator.
    Leave,
}

/// How the network is wanted.
enum Net {
    Dhcp,
    Static,
    Off,
}

impl Options {
    /// Reads the command line. Whatever is wrong in it is complained about and left out: a typing
    /// error must not keep a machine from booting.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let mut options = Self {
            token: None,
            link_secret: None,
            ipv4: Ipv4Config::Dhcp { fallback: None },
            dns_servers: Vec::new(),
            port: 80,
            console_level: Severity::Info,
            panic: Action::Reset,
            services: ServicesAtBoot::Start,
            foreign_disk: Foreign::Leave,
            test: None,
            complaints: Vec::new(),
            shown: String::new(),
        };
        let mut net = Net::Dhcp;
        let mut address = None;
        let mut gateway = None;
        for word in line.split_ascii_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let is_secret = matches!(name, "token" | "link_secret");
            if !options.shown.is_empty() {
                options.shown.push(' ');
            }
            options.shown.push_str(if is_secret { name } else { word });
            if is_secret {
                options.shown.push_str("=...");
            }
            let is_understood = match name {
                "token" => {
                    options.token = Some(String::from(value)).filter(|token| !token.is_empty());
                    options.token.is_some()
                }
                "link_secret" => {
                    options.link_secret =
                        Some(String::from(value)).filter(|secret| !secret.is_empty());
                    options.link_secret.is_some()
                }
                "net" => set(
                    &mut net,
                    match value {
                        "dhcp" => Some(Net::Dhcp),
                        "static" => Some(Net::Static),
                        "off" => Some(Net::Off),
                        _ => None,
                    },
                ),
                "ip" => set(&mut address, value.parse::<Ipv4Cidr>().ok().map(Some)),
                "gateway" => set(&mut gateway, value.parse::<Ipv4Address>().ok().map(Some)),
                "dns" => set(&mut options.dns_servers, name_servers(value)),
                "port" => set(&mut options.port, value.parse().ok().filter(|port| *port != 0)),
                "log" => set(&mut options.console_level, Severity::from_name(value)),
                "panic" => set(
                    &mut options.panic,
                    match value {
                        "reset" => Some(Action::Reset),
                        "halt" => Some(Action::Halt),
                        "exit" => Some(Action::DebugExit),
                        _ => None,
                    },
                ),
                "services" => set(
                    &mut options.services,
                    match value {
                        "on" => Some(ServicesAtBoot::Start),
                        "off" => Some(ServicesAtBoot::Leave),
                        _ => None,
                    },
                ),
                "disk" => {
                    set(&mut options.foreign_disk, (value == "format").then_some(Foreign::TakeOver))
                }
                "test" => {
                    options.test = Some(String::from(value)).filter(|name| !name.is_empty());
                    options.test.is_some()
                }
                _ => false,
            };
            if !is_understood {
                let text = if is_secret { name } else { word };
                options.complaints.push(alloc::format!(
                    "the kernel option {text:?} is unknown or has a wrong value; it is left out"
                ));
            }
        }
        let fixed = address.map(|address| StaticIpv4 { address, gateway });
        options.ipv4 = match (net, fixed) {
            (Net::Off, _) => Ipv4Config::Disabled,
            (Net::Static, Some(fixed)) => Ipv4Config::Static(fixed),
            (Net::Static, None) => {
                options
                    .complaints
                    .push(String::from("net=static needs ip=A.B.C.D/N: DHCP is used"));
                Ipv4Config::Dhcp { fallback: None }
            }
            (Net::Dhcp, fixed) => {
                Ipv4Config::Dhcp { fallback: fixed.map(|fixed| (fixed, DHCP_PATIENCE)) }
            }
        };
        options
    }
}

/// Name servers with commas between them, each with a port or on port 53.
fn name_servers(value: &str) -> Option<Vec<IpEndpoint>> {
    const PORT: u16 = 53;
    let one = |word: &str| {
        let (address, port) = match word.split_once(':') {
            Some((address, port)) => (address, port.parse().ok().filter(|port| *port != 0)?),
            None => (word, PORT),
        };
        let address = address.parse::<Ipv4Address>().ok()?;
        let is_one =
            !(address.is_unspecified() || address.is_broadcast() || address.is_multicast());
        is_one.then(|| IpEndpoint::new(address.into(), port))
    };
    value.split(',').map(one).collect()
}

/// Sets an option if there is a value for it; says whether there was.
fn set<T>(option: &mut T, value: Option<T>) -> bool {
    let has_value = value.is_some();
    if let Some(value) = value {
        *option = value;
    }
    has_value
}
