//! Services get their past back at boot.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::sync::Arc;

use service_core::{Document, Instant, Manager, REVISIONS, Request, Revision, Version};

const NOW: Instant = Instant(5_000_000_000);

fn document(description: &str) -> Document {
    let mut document = Document::new("web", "/bin/web", Version::ZERO);
    document.description = description.into();
    document
}

fn revision(number: u64, description: &str) -> Revision {
    Revision {
        number,
        at: Instant(0),
        earlier_wall_ns: Some(1_000 * i64::try_from(number).expect("a small number")),
        actor: Some("admin".into()),
        document: Arc::new(document(description)),
    }
}

fn registered(past: Vec<Revision>) -> Manager {
    let mut manager = Manager::new(1);
    let last = past.last().expect("there is one").document.as_ref().clone();
    assert!(manager.register_all(NOW, vec![last]).is_empty());
    manager.restore("web", past);
    manager
}

#[test]
fn versions_and_their_numbers_go_on() {
    let past = vec![revision(3, "three"), revision(4, "four"), revision(9, "nine")];
    let mut manager = registered(past.clone());
    assert_eq!(manager.revisions("web").as_ref(), Ok(&past));
    assert_eq!(manager.view("web").expect("it is registered").revision, 9);
    let back = Request::RollBack("web".into(), 4);
    manager.request(NOW, &back, Some("somebody")).expect("it can be rolled back");
    let now = manager.revisions("web").expect("it is registered");
    let last = now.last().expect("there is one");
    assert_eq!((last.number, last.at, last.earlier_wall_ns), (10, NOW, None));
    assert_eq!((&*last.document.description, now.len()), ("four", 4));
}

#[test]
fn as_many_versions_are_kept_as_without_a_boot() {
    let past: Vec<_> = (1..=40).map(|number| revision(number, &number.to_string())).collect();
    let kept = registered(past).revisions("web").expect("it is registered");
    assert_eq!(kept.len(), REVISIONS);
    assert_eq!(kept.last().map(|last| last.number), Some(40));
}

#[test]
fn a_past_of_another_document_is_not_taken() {
    let mut manager = registered(vec![revision(1, "one")]);
    manager.restore("web", vec![revision(7, "another")]);
    manager.restore("unknown", vec![revision(7, "another")]);
    manager.restore("web", Vec::new());
    let kept = manager.revisions("web").expect("it is registered");
    assert_eq!((kept.len(), kept[0].number), (1, 1));
}
