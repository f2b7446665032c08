//! The documents of the image, in `/etc/services`, are registered, and what is enabled is started.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use service_core::{Document, Event};

use super::{document_of, now, with};
use crate::events::{Kind, publish};
use crate::fs;
use crate::options::ServicesAtBoot;

/// The longest document that is read at all.
const MOST_BYTES: usize = 64 * 1024;
/// Where they lie.
const FOLDER: &str = "/etc/services";

pub(super) fn start(at_boot: ServicesAtBoot) {
    let mut documents = Vec::new();
    for name in fs::names_in(FOLDER.as_bytes()) {
        if !name.ends_with(b".json") {
            continue;
        }
        let path = format!("{FOLDER}/{}", String::from_utf8_lossy(&name));
        match read(&path) {
            Ok(document) => documents.push(document),
            Err(why) => refuse(&path, &why),
        }
    }
    let count = documents.len();
    with(|state| {
        let refused = state.manager.register_all(now(), documents);
        for (name, error) in &refused {
            refuse(&format!("{FOLDER}/{name}.json"), &format!("{error}"));
        }
        if count > 0 {
            crate::info!("service: {} of {count} documents registered", count - refused.len());
        }
        // What was registered has been reported, or will be with the first step.
        state.step(if at_boot == ServicesAtBoot::Start { Event::Boot } else { Event::Tick });
    });
}

fn read(path: &str) -> Result<Document, String> {
    let bytes = fs::read_small(path.as_bytes(), MOST_BYTES).map_err(|error| format!("{error}"))?;
    let service = admin_api::server::read_service(&bytes).map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or_else(String::new, |error| format!("{} {}", error.field, error.message))
    })?;
    let expected = format!("{FOLDER}/{}.json", service.name);
    if path != expected {
        return Err(format!("name is {}: its file would be {expected}", service.name));
    }
    document_of(&service).map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or_else(String::new, |error| format!("{} {}", error.field, error.message))
    })
}

fn refuse(path: &str, why: &str) {
    crate::error!("service: {path} is refused: {why}");
    publish(Kind::ServiceRegistered, None, None, format_args!("{path} is refused: {why}"));
}
