//! The documents of the image, in `/etc/services`, and those on the disk are registered, and what is
//! enabled is started.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use service_core::{Document, Event};

use super::{kept, now, with};
use crate::disk;
use crate::events::{Kind, publish};
use crate::fs;
use crate::options::ServicesAtBoot;

/// The longest document that is read at all.
const MOST_BYTES: usize = 64 * 1024;
/// Where they lie.
const FOLDER: &str = "/etc/services";

pub(super) fn start(at_boot: ServicesAtBoot) {
    let mut image = BTreeMap::new();
    for name in fs::names_in(FOLDER.as_bytes()) {
        if !name.ends_with(b".json") {
            continue;
        }
        let path = format!("{FOLDER}/{}", String::from_utf8_lossy(&name));
        match read(&path) {
            Ok(document) => drop(image.insert(document.name.clone(), document)),
            Err(why) => refuse(&path, &why),
        }
    }
    let digests: BTreeMap<_, _> =
        image.iter().map(|(name, document)| (name.clone(), kept::digest(document))).collect();
    let joined = kept::join(image, &digests, disk::take_contents());
    for (name, why) in &joined.refused {
        refuse(&format!("{name} on the disk"), why);
    }
    for name in &joined.overtaken {
        crate::warning!(
            "service: the image has another document of {name}; the one on the disk counts"
        );
    }
    let count = joined.documents.len();
    with(|state| {
        state.image = digests;
        let refused = state.manager.register_all(now(), joined.documents);
        for (name, error) in &refused {
            refuse(name, &format!("{error}"));
        }
        for (name, past) in joined.pasts {
            state.manager.restore(&name, past);
        }
        if count > 0 {
            crate::info!("service: {} of {count} documents registered", count - refused.len());
        }
        // What was registered has been reported, or will be with the first step.
        state.step(if at_boot == ServicesAtBoot::Start { Event::Boot } else { Event::Tick });
    });
    super::registered();
}

fn read(path: &str) -> Result<Document, String> {
    let bytes = fs::read_small(path.as_bytes(), MOST_BYTES).map_err(|error| format!("{error}"))?;
    let document = kept::read(&bytes)?;
    let expected = format!("{FOLDER}/{}.json", document.name);
    if path != expected {
        return Err(format!("name is {}: its file would be {expected}", document.name));
    }
    Ok(document)
}

fn refuse(what: &str, why: &str) {
    crate::error!("service: {what} is refused: {why}");
    publish(Kind::ServiceRegistered, None, None, format_args!("{what} is refused: {why}"));
}
