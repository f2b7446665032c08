//! The OpenAPI 3.1 document: schemas from the types, paths from the table of routes.
//!
//! Every route is described because `describe` matches over all endpoints; a test checks that the
//! server answers what is written here.

mod describe;
mod leaves;
mod parameters;
mod schemas;

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::{Map, Value, json};

use crate::server::{Access, BodyRule, ROUTES, Route};

use describe::{Answer, Description, describe};

/// The document as JSON, with a line break at its end.
#[must_use]
pub fn document() -> String {
    let mut paths = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(item) = item {
            item.insert(route.method.name().to_lowercase(), operation(route));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "MultiOS admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Processes, services, CPUs, memory and network of a MultiOS system.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "multios_session" },
            },
        },
    });
    document.to_string() + "\n"
}

fn operation(route: &Route) -> Value {
    let description = describe(route.endpoint);
    let mut operation = json!({
        "operationId": description.id,
        "summary": description.summary,
        "responses": responses(route, &description),
    });
    let mut parameters: Vec<Value> =
        route.parameters.iter().map(|name| parameters::query_parameter(route, name)).collect();
    if let Some((_, rest)) = route.path.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        let schema = match name {
            "path" => json!({ "type": "string" }),
            "name" => {
                json!({ "type": "string", "pattern": describe::SERVICE_NAME, "maxLength": 63 })
            }
            _ => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        };
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    for name in description.headers {
        let schema = describe::header_schema(name);
        parameters.push(json!({ "name": name, "in": "header", "schema": schema }));
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let (BodyRule::Json { max_bytes }, Some(schema)) = (route.body, description.request) {
        operation["requestBody"] = json!({
            "required": true,
            "description": format!("At most {max_bytes} bytes."),
            "content": { "application/json": { "schema": reference(schema) } },
        });
    }
    if route.body == BodyRule::Bytes {
        operation["requestBody"] = json!({
            "description": "Of any size that the file system has room for.",
            "content": { "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } },
        });
    }
    if let Access::Role(role) = route.access {
        operation["security"] = json!([{ "bearer": [] }, { "session": [] }]);
        operation["x-role"] = role.name().into();
    }
    operation
}

fn responses(route: &Route, description: &Description) -> Value {
    let mut responses = Map::new();
    for (status, answer) in description.answers {
        let content = match answer {
            Answer::Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
            Answer::Page(schema) => json!({ "application/json": { "schema": page(schema) } }),
            Answer::AnyJson => json!({ "application/json": { "schema": { "type": "object" } } }),
            Answer::Text(media_type) => json!({ *media_type: { "schema": { "type": "string" } } }),
            Answer::PageOrEvents(schema) => json!({
                "application/json": { "schema": page(schema) },
                "text/event-stream": { "schema": { "type": "string" } },
            }),
            Answer::JsonOrEvents(schema) => json!({
                "application/json": { "schema": reference(schema) },
                "text/event-stream": { "schema": { "type": "string" } },
            }),
            Answer::JsonOrPlan(schema) => json!({ "application/json": { "schema": {
                "anyOf": [reference(schema), reference("ServicePlan")],
            } } }),
            Answer::PageOrBytes(schema) => json!({
                "application/json": { "schema": page(schema) },
                "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
            }),
            Answer::Nothing => json!({}),
        };
        let mut response = json!({ "description": describe::status_name(*status) });
        if content.as_object().is_some_and(|content| !content.is_empty()) {
            response["content"] = content;
        }
        responses.insert(status.to_string(), response);
    }
    let mut errors: Vec<u16> = description.errors.to_vec();
    // Any route refuses query parameters and bodies that it does not know.
    errors.push(400);
    if route.access != Access::Open {
        errors.extend([401, 403, 429]);
    }
    if matches!(route.body, BodyRule::Json { .. }) {
        errors.extend([413, 415, 422, 503]);
    }
    for status in errors {
        let problem = json!({ "application/problem+json": { "schema": reference("Problem") } });
        let response = json!({ "description": describe::status_name(status), "content": problem });
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn page(schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor", "total"],
        "properties": {
            "items": { "type": "array", "items": reference(schema) },
            "next_cursor": { "type": ["string", "null"] },
            "total": { "type": "integer", "minimum": 0 },
        },
    })
}

#[cfg(test)]
mod tests;
