//! What is kept of services: made, and read at boot.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use service_core::{Document, Instant, Kept, KeptRevision, REVISIONS, Revision};
use sha2::{Digest, Sha256};

use super::{State, document_of, from_document};

/// The digest of a document.
pub(super) type DocumentDigest = [u8; 32];

/// The digest of a document of the image.
pub(super) fn digest(document: &Document) -> DocumentDigest {
    Sha256::digest(write(document)).into()
}

fn write(document: &Document) -> Vec<u8> {
    admin_api::server::write_service(&from_document(document))
}

/// A document, and what is wrong with it otherwise.
pub(super) fn read(bytes: &[u8]) -> Result<Document, String> {
    let first = |errors: Vec<admin_api::types::FieldError>| {
        let first = errors.into_iter().next();
        first.map_or_else(String::new, |error| alloc::format!("{} {}", error.field, error.message))
    };
    let service = admin_api::server::read_service(bytes).map_err(first)?;
    document_of(&service).map_err(first)
}

/// What is kept of a service that gets another document, at this moment, from this actor.
pub(super) fn changed(
    state: &State,
    (at, actor): (Instant, Option<Arc<str>>),
    document: Document,
) -> Option<Vec<u8>> {
    let mut revisions = state.manager.revisions(&document.name).unwrap_or_default();
    let number = revisions.last().map_or(1, |last| last.number + 1);
    let image = state.image.get(document.name.as_str()).copied();
    revisions.push(Revision {
        number,
        at,
        earlier_wall_ns: None,
        actor,
        document: Arc::new(document),
    });
    let surplus = revisions.len().saturating_sub(REVISIONS);
    let revision = |revision: &Revision| KeptRevision {
        number: revision.number,
        wall_ns: wall_ns(revision),
        actor: revision.actor.as_deref().map(ToString::to_string),
        document: write(&revision.document),
    };
    let revisions = revisions[surplus..].iter().map(revision).collect();
    Some(Kept { image, revisions }.encode())
}

/// What is kept of a service that is forgotten: nothing, unless the image would bring it back.
pub(super) fn removed(state: &State, name: &str) -> Option<Vec<u8>> {
    let image = state.image.get(name).copied()?;
    Some(Kept { image: Some(image), revisions: Vec::new() }.encode())
}

/// When a document was written, by the wall clock.
pub fn wall_ns(revision: &Revision) -> i64 {
    revision.earlier_wall_ns.unwrap_or_else(|| hal::time::wall_at_ns(revision.at.0))
}

/// What becomes of the documents of the image with what was kept.
pub(super) struct Joined {
    /// Those to be registered.
    pub(super) documents: Vec<Document>,
    /// Their past.
    pub(super) pasts: Vec<(String, Vec<Revision>)>,
    /// What cannot be read: the name, and why.
    pub(super) refused: Vec<(String, String)>,
    /// What an operator should know: the image has another document than the one that was changed.
    pub(super) overtaken: Vec<String>,
}

/// The rule: what was changed here counts, whatever the image brings. What cannot be read is told, and
/// the image's document is used.
pub(super) fn join(
    mut image: BTreeMap<String, Document>,
    digests: &BTreeMap<String, DocumentDigest>,
    kept: Vec<(String, Vec<u8>)>,
) -> Joined {
    let mut joined = Joined {
        documents: Vec::new(),
        pasts: Vec::new(),
        refused: Vec::new(),
        overtaken: Vec::new(),
    };
    for (name, bytes) in kept {
        let revisions = match revisions(&name, &bytes) {
            Ok((kept, revisions)) => {
                let present = digests.get(&name);
                if present.is_some() && present != kept.image.as_ref() {
                    joined.overtaken.push(name.clone());
                }
                revisions
            }
            Err(why) => {
                joined.refused.push((name, why));
                continue;
            }
        };
        image.remove(&name);
        if let Some(last) = revisions.last() {
            joined.documents.push((*last.document).clone());
            joined.pasts.push((name, revisions));
        }
    }
    joined.documents.extend(image.into_values());
    joined
}

fn revisions(name: &str, bytes: &[u8]) -> Result<(Kept, Vec<Revision>), String> {
    let mut kept = Kept::decode(bytes).map_err(|error| error.to_string())?;
    let all = core::mem::take(&mut kept.revisions);
    let last = all.last().map(|last| last.number);
    let mut revisions = Vec::new();
    for revision in all {
        let document = match read(&revision.document) {
            Ok(document) if document.name == name => document,
            Ok(document) => return Err(alloc::format!("it is about {}", document.name)),
            // An earlier one that this system does not read any more is no loss.
            Err(_) if last != Some(revision.number) => continue,
            Err(why) => return Err(why),
        };
        revisions.push(Revision {
            number: revision.number,
            at: Instant(0),
            earlier_wall_ns: Some(revision.wall_ns),
            actor: revision.actor.as_deref().map(Arc::from),
            document: Arc::new(document),
        });
    }
    Ok((kept, revisions))
}
