//! The services that the mock server begins with: like those that the image ships, so that there is
//! something to see.

use crate::backend::{Caller, ServiceChange};
use crate::server::read_service;

use super::state::FakeBackend;

const DOCUMENTS: &[&str] = &[
    r#"{"name":"data","description":"Keeps the data of the others","kind":"system",
        "version":"1.4.0","tags":["storage"],"program":"/bin/data","limits":{"memory_bytes":33554432},
        "health":{"kind":"alive","interval_ms":2000}}"#,
    r#"{"name":"config","description":"Hands out settings","kind":"discovery","version":"0.9.1",
        "program":"/bin/data","reload":{"signal":"SIGHUP"}}"#,
    r#"{"name":"web","description":"Static files, three instances behind one port","version":"1.2.0",
        "tags":["http","demo"],"program":"/bin/httpd","args":["-f","-p","8080","-h","/srv"],
        "env":{"LANG":"C.UTF-8"},"instances":3,"port":{"listen":8080,"strategy":"least_connections"},
        "dependencies":[{"service":"data","version":">=1.0"},{"service":"config","required":false}],
        "limits":{"memory_bytes":67108864,"processes":64,"cpu_percent":50},
        "health":{"kind":"http","path":"/","interval_ms":1000},"stop":{"grace_ms":3000}}"#,
    r#"{"name":"slow","description":"Takes four seconds to start","version":"1.0.0","tags":["demo"],
        "program":"/bin/slow","dependencies":[{"service":"data"}],"health":{"kind":"tcp","port":9000}}"#,
    r#"{"name":"crash","description":"Ends soon after it was started","version":"0.1.0","tags":["demo"],
        "program":"/bin/crash","restart":{"delay_ms":500,"max_restarts":4}}"#,
    r#"{"name":"report","description":"Can't be without crash","version":"0.1.0","tags":["demo"],
        "program":"/bin/sh","dependencies":[{"service":"crash"}]}"#,
    r#"{"name":"hang","description":"Stops answering after eight seconds","version":"0.1.0",
        "tags":["demo"],"program":"/bin/hang",
        "health":{"kind":"http","port":9001,"interval_ms":1000,"unhealthy_after":3},
        "restart":{"max_restarts":1000}}"#,
    r#"{"name":"leak","description":"Takes more and more memory","version":"0.1.0","tags":["demo"],
        "program":"/bin/leak","limits":{"memory_bytes":67108864},
        "restart":{"policy":"always","max_restarts":1000}}"#,
    r#"{"name":"batch","description":"Runs when it is asked to","version":"2.0.0","program":"/bin/sleep",
        "args":["60"],"enabled":false,"restart":{"policy":"never"}}"#,
    r#"{"name":"watch","description":"Watches the site","kind":"monitoring","version":"1.0.0",
        "program":"/bin/sh","args":["/srv/watch.sh"],"after":["web"],"dependencies":[{"service":"web"}]}"#,
    r#"{"name":"site","description":"All that the site needs","kind":"group","version":"1.0.0",
        "group":{"strategy":"rest_for_one","members":["data","web"]}}"#,
];

impl FakeBackend {
    /// Registers the services.
    pub(super) fn register_demo(&self, caller: &Caller) {
        for document in DOCUMENTS {
            if let Ok(document) = read_service(document.as_bytes()) {
                // One that is wrong would be missed by the test below.
                let _ = self.make_change(caller, &ServiceChange::Register(document), None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Services;
    use crate::fake::Clock;
    use crate::types::Role;

    #[test]
    fn all_of_them_are_registered() {
        let backend = FakeBackend::new(Clock::manual(), 1);
        let address = "127.0.0.1:1".parse().unwrap();
        backend.register_demo(&Caller { user: "boot".into(), role: Role::Administrator, address });
        let mut count = 0;
        backend.services_after(None, usize::MAX, &mut |_| count += 1);
        assert_eq!(count, DOCUMENTS.len());
    }
}
