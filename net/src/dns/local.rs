//! The names that only this machine knows: services, `localhost`, and the addresses of the loopback.
//! Nobody else is asked about them.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::answer::Record;
use super::name::Name;
use super::query::{INTERNET, Query, kind};

/// The domain of services.
const SERVICES: &str = "service";
/// RFC 6761, section 6.3.
const LOCALHOST: &str = "localhost";
/// RFC 6303, section 4.
const LOOPBACK_V4: &str = "127.in-addr.arpa";
const LOCALHOST_V4: &str = "1.0.0.127.in-addr.arpa";
const LOCALHOST_V6: &str =
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";

/// Where a service is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAddress {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its port, if it has one.
    pub port: Option<u16>,
}

/// Who knows the services.
pub trait ServiceNames {
    /// Where the service of this name, in lower case and without the domain, is.
    fn find(&self, name: &str) -> Option<ServiceAddress>;
}

/// What is known about a name of this machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// These records. None: there are others, of another type.
    Records(Vec<Record>, Name),
    /// There is no such name.
    NoSuchName(Name),
}

/// Looks a question up. `None` for a name that others know.
pub fn look_up(query: &Query, services: &impl ServiceNames) -> Option<Known> {
    if query.class != INTERNET {
        return None;
    }
    let text = query.name.to_text();
    let zone_of = |text| Name::from_text(text);
    if text == LOCALHOST || text.ends_with(".localhost") {
        let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let records = of_kind(query.kind, addresses.into_iter().map(address_record));
        return Some(Known::Records(records, zone_of(LOCALHOST)?));
    }
    if text == LOCALHOST_V4 || text == LOCALHOST_V6 {
        let name = Record::Pointer(zone_of(LOCALHOST)?);
        return Some(Known::Records(of_kind(query.kind, [name]), zone_of(&text)?));
    }
    if text == LOOPBACK_V4 {
        return Some(Known::Records(Vec::new(), zone_of(LOOPBACK_V4)?));
    }
    if text.ends_with(".127.in-addr.arpa") {
        return Some(Known::NoSuchName(zone_of(LOOPBACK_V4)?));
    }
    let zone = zone_of(SERVICES)?;
    if text == SERVICES {
        return Some(Known::Records(Vec::new(), zone));
    }
    let service = text.strip_suffix(SERVICES)?.strip_suffix('.')?;
    let Some(found) = services.find(service) else { return Some(Known::NoSuchName(zone)) };
    let mut records: Vec<Record> = found.addresses.into_iter().map(address_record).collect();
    records.extend(found.port.map(|port| Record::Service { port, host: query.name.clone() }));
    Some(Known::Records(of_kind(query.kind, records), zone))
}

fn address_record(address: IpAddr) -> Record {
    match address {
        IpAddr::V4(address) => Record::A(address),
        IpAddr::V6(address) => Record::Aaaa(address),
    }
}

fn of_kind(wanted: u16, records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let is_wanted = |record: &Record| {
        let own = match record {
            Record::A(_) => kind::A,
            Record::Aaaa(_) => kind::AAAA,
            Record::Service { .. } => kind::SRV,
            Record::Pointer(_) => kind::PTR,
        };
        wanted == own || wanted == kind::ANY
    };
    records.into_iter().filter(is_wanted).collect()
}
