use std::collections::BTreeSet;
use std::string::String;

use serde_json::Value;

use super::document;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.clone());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

// proves: A1
#[test]
fn every_reference_leads_somewhere_and_every_id_is_unique() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(String::from(id)), "{id}");
        }
    }
    assert_eq!(ids.len(), crate::server::ROUTES.len());
}

#[test]
fn unsigned_numbers_have_a_maximum_and_requests_refuse_unknown_fields() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Process"]["properties"]["pid"]["maximum"], u32::MAX);
    assert_eq!(schemas["LogLine"]["properties"]["sequence"]["maximum"], u64::MAX);
    assert_eq!(schemas["CreateProcess"]["additionalProperties"], false);
    assert_eq!(schemas["CreateProcess"]["properties"]["nice"]["maximum"], 19);
}
