//! The schemas of all types, with the bounds that utoipa leaves out.

use std::string::String;
use std::vec::Vec;

use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::types;

/// A name and a schema.
type Named = (String, RefOr<Schema>);

fn add<T: ToSchema + PartialSchema>(schemas: &mut Vec<Named>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

/// All schemas that an answer or a request refers to.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Vec::new();
    add::<types::Health>(&mut schemas);
    add::<types::System>(&mut schemas);
    add::<types::PowerAnswer>(&mut schemas);
    add::<types::Cpu>(&mut schemas);
    add::<types::Memory>(&mut schemas);
    add::<types::Numa>(&mut schemas);
    add::<types::InterruptLine>(&mut schemas);
    add::<types::Network>(&mut schemas);
    add::<types::Process>(&mut schemas);
    add::<types::MemoryArea>(&mut schemas);
    add::<types::OpenFile>(&mut schemas);
    add::<types::Thread>(&mut schemas);
    add::<types::ProcessSignals>(&mut schemas);
    add::<types::Socket>(&mut schemas);
    add::<types::EmergencyRequest>(&mut schemas);
    add::<types::EmergencyResult>(&mut schemas);
    add::<types::CreateProcess>(&mut schemas);
    add::<types::ProcessPatch>(&mut schemas);
    add::<types::SignalRequest>(&mut schemas);
    add::<types::ProcessOutput>(&mut schemas);
    add::<types::Session>(&mut schemas);
    add::<types::SessionRequest>(&mut schemas);
    add::<types::Event>(&mut schemas);
    add::<types::EventGap>(&mut schemas);
    add::<types::LogLine>(&mut schemas);
    add::<types::FileEntry>(&mut schemas);
    add::<types::Service>(&mut schemas);
    add::<types::ServiceInstance>(&mut schemas);
    add::<types::ServiceHealth>(&mut schemas);
    add::<types::ServiceDependencies>(&mut schemas);
    add::<types::ServiceGraph>(&mut schemas);
    add::<types::ServiceExplanation>(&mut schemas);
    add::<types::ServiceLine>(&mut schemas);
    add::<types::ServicePlan>(&mut schemas);
    add::<types::ServiceRevision>(&mut schemas);
    add::<types::ServiceDifference>(&mut schemas);
    add::<types::ScaleRequest>(&mut schemas);
    add::<types::RollbackRequest>(&mut schemas);
    add::<types::Resolved>(&mut schemas);
    add::<types::Operation>(&mut schemas);
    add::<types::Problem>(&mut schemas);
    let mut all = Map::new();
    for (name, schema) in schemas {
        let mut schema = json!(schema);
        add_bounds(&mut schema);
        all.insert(name, schema);
    }
    if let Some(request) = all.get_mut("SessionRequest") {
        // One of the two, which no derive can say.
        request["oneOf"] = json!([
            { "required": ["token"], "properties": { "token": { "type": "string" } } },
            { "required": ["secret"], "properties": { "secret": { "type": "string" } } },
        ]);
    }
    all
}

/// Unsigned numbers come out with a minimum and a format, but without the maximum of their type.
fn add_bounds(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let is_unsigned =
                object.get("minimum").and_then(Value::as_u64) == Some(0) && is_integer(object);
            if is_unsigned && !object.contains_key("maximum") {
                let maximum = match object.get("format").and_then(Value::as_str) {
                    Some("int32") => u64::from(u32::MAX),
                    _ => u64::MAX,
                };
                object.insert("maximum".into(), maximum.into());
                // The formats are those of signed numbers.
                object.remove("format");
            }
            object.values_mut().for_each(add_bounds);
        }
        Value::Array(items) => items.iter_mut().for_each(add_bounds),
        _ => {}
    }
}

fn is_integer(object: &Map<String, Value>) -> bool {
    match object.get("type") {
        Some(Value::String(name)) => name == "integer",
        Some(Value::Array(names)) => names.iter().any(|name| name == "integer"),
        _ => false,
    }
}
