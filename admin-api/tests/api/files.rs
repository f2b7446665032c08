//! Files: streamed in both directions, and what is refused.

use admin_api::types::{FileEntry, FileKind, Page};

use crate::harness::{ADMINISTRATOR, OPERATOR, TestApp, app, request};

const HELLO: &str = "/api/v1/files/tmp/hello%20world";

fn put(app: &TestApp, path: &str, bytes: &[u8]) -> u16 {
    request("PUT", path, ADMINISTRATOR).body(bytes).send(app).status
}

fn list(app: &TestApp, path: &str) -> Page<FileEntry> {
    let response = request("GET", path, ADMINISTRATOR).send(app);
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn a_file_goes_up_and_comes_down() {
    let app = app();
    let large: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    assert_eq!(put(&app, HELLO, &large), 201);
    assert_eq!(request("GET", HELLO, ADMINISTRATOR).send(&app).body, large);
    assert_eq!(put(&app, HELLO, b"short"), 204);
    assert_eq!(request("GET", HELLO, ADMINISTRATOR).send(&app).body, b"short");
    let listed = list(&app, "/api/v1/files/tmp");
    assert_eq!((listed.total, &*listed.items[0].name), (1, "hello world"));
    assert_eq!((listed.items[0].kind, listed.items[0].size_bytes), (FileKind::Regular, 5));
    assert_eq!(request("DELETE", HELLO, ADMINISTRATOR).send(&app).status, 204);
    request("GET", HELLO, ADMINISTRATOR).send(&app).expect_problem(404, "file_not_found");
    request("DELETE", HELLO, ADMINISTRATOR).send(&app).expect_problem(404, "file_not_found");
}

#[test]
fn directories_are_made_listed_and_removed() {
    let app = app();
    assert_eq!(put(&app, "/api/v1/files/srv/", b""), 201);
    assert_eq!(put(&app, "/api/v1/files/srv/", b""), 204);
    assert_eq!(put(&app, "/api/v1/files/srv/a?permissions=0755", b"a"), 201);
    assert_eq!(put(&app, "/api/v1/files/srv/b", b"b"), 201);
    let first = list(&app, "/api/v1/files/srv?limit=1");
    assert_eq!((&*first.items[0].name, &*first.items[0].permissions), ("a", "0755"));
    let next = first.next_cursor.unwrap();
    let rest = list(&app, &format!("/api/v1/files/srv?limit=1&cursor={next}"));
    assert_eq!((&*rest.items[0].name, rest.next_cursor, rest.total), ("b", None, 2));
    request("DELETE", "/api/v1/files/srv", ADMINISTRATOR)
        .send(&app)
        .expect_problem(409, "conflict");
    assert!(list(&app, "/api/v1/files/").items.iter().any(|entry| &*entry.name == "srv"));
}

#[test]
fn what_cannot_be_is_refused_precisely() {
    let app = app();
    let refused = |method: &str, path: &str, body: &[u8], status: u16, code: &str| {
        request(method, path, ADMINISTRATOR).body(body).send(&app).expect_problem(status, code);
    };
    refused("PUT", "/api/v1/files/no/such", b"x", 404, "file_not_found");
    refused("PUT", "/api/v1/files/tmp", b"x", 409, "conflict");
    refused("PUT", "/api/v1/files/etc/hostname/", b"", 409, "conflict");
    refused("PUT", "/api/v1/files/etc/hostname/x", b"", 409, "conflict");
    refused("PUT", "/api/v1/files/tmp/x?permissions=888", b"x", 400, "invalid_parameter");
    refused("PUT", "/api/v1/files/tmp/%zz", b"x", 400, "invalid_parameter");
    refused("PUT", "/api/v1/files/tmp/%00", b"x", 400, "invalid_parameter");
    let huge = vec![0; 65 << 20];
    refused("PUT", "/api/v1/files/tmp/huge", &huge, 507, "insufficient_storage");
    for method in ["GET", "PUT", "DELETE"] {
        let refusal = request(method, "/api/v1/files/etc/hostname", OPERATOR).send(&app);
        refusal.expect_problem(403, "permission_denied");
    }
    request("POST", "/api/v1/files/tmp", ADMINISTRATOR)
        .send(&app)
        .expect_problem(405, "method_not_allowed");
}
