//! Which crate may depend on which: dependencies point one way.

use super::Violation;
use crate::failure::{Failure, Result};
use serde_json::Value;

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    name: String,
    manifest: String,
    /// Names of what it needs to be built or to run; not what only its tests need.
    dependencies: Vec<String>,
}

/// Decide without hardware. They may know Linux's layouts, and nothing of the kernel's mechanism.
const CORES: [&str; 7] = [
    "linux-abi",
    "process-core",
    "sched-core",
    "vm-core",
    "vfs-core",
    "service-core",
    "store-core",
];

/// What would give a core a lock, a logger or a wire format.
const NOT_FOR_CORES: [&str; 11] = [
    "ksync",
    "spin",
    "lock_api",
    "parking_lot",
    "once_cell",
    "lazy_static",
    "log",
    "tracing",
    "serde",
    "serde_json",
    "serde-json-core",
];

/// Every crate of the workspace that is no core, with those of the workspace it may depend on.
/// `CORES` stands for all cores.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("ksync", &[]),
    ("kheap", &["ksync"]),
    ("hal", &["ksync", "kheap", "CORES"]),
    ("virtio-queues", &[]),
    ("drivers", &["hal", "ksync", "virtio-queues", "CORES"]),
    ("net", &[]),
    ("admin-api", &[]),
    ("kernel", &["hal", "drivers", "kheap", "ksync", "net", "admin-api", "CORES"]),
    ("console-web", &["admin-api"]),
    ("console-pack", &[]),
    ("multios", &["linux-abi"]),
    ("procs", &["multios"]),
    ("confine", &["multios"]),
    ("service", &["multios"]),
    ("xtask", &["admin-api", "console-pack"]),
    ("end-to-end", &["xtask", "admin-api"]),
];

/// Reads what `cargo metadata --no-deps` says.
pub(super) fn read(metadata: &str) -> Result<Vec<Package>> {
    let bad = || Failure::new("cargo metadata says something unexpected");
    let metadata: Value = serde_json::from_str(metadata).map_err(|_| bad())?;
    let packages = metadata["packages"].as_array().ok_or_else(bad)?;
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned).ok_or_else(bad);
    let mut out = Vec::new();
    for package in packages {
        let all = package["dependencies"].as_array().ok_or_else(bad)?;
        let shipped = all.iter().filter(|dependency| dependency["kind"] != "dev");
        out.push(Package {
            name: text(&package["name"])?,
            manifest: text(&package["manifest_path"])?,
            dependencies: shipped.map(|d| text(&d["name"])).collect::<Result<_>>()?,
        });
    }
    Ok(out)
}

/// Finds the dependencies that point the wrong way.
pub(super) fn check(packages: &[Package]) -> Vec<Violation> {
    let is_ours = |name: &String| packages.iter().any(|package| package.name == *name);
    let mut violations = Vec::new();
    for package in packages {
        let mut complain = |what: String| {
            violations.push(Violation { place: package.manifest.clone(), what });
        };
        if CORES.contains(&package.name.as_str()) {
            for dependency in &package.dependencies {
                if NOT_FOR_CORES.contains(&dependency.as_str()) {
                    complain(format!("a core may not depend on `{dependency}`"));
                } else if is_ours(dependency) && dependency != "linux-abi" {
                    complain(format!("a core depends on no crate of ours: `{dependency}`"));
                }
            }
            continue;
        }
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(name, _)| *name == package.name)
        else {
            complain("the crate is not in the table of xtask/src/tidy/layers.rs".to_owned());
            continue;
        };
        for dependency in package.dependencies.iter().filter(|name| is_ours(name)) {
            let as_core = CORES.contains(&dependency.as_str()) && allowed.contains(&"CORES");
            if !as_core && !allowed.contains(&dependency.as_str()) {
                complain(format!("`{}` may not depend on `{dependency}`", package.name));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
        Package { name: name.to_owned(), manifest: format!("{name}/Cargo.toml"), dependencies }
    }

    fn complaints(packages: &[Package]) -> Vec<String> {
        check(packages).into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn dependencies_that_point_down_are_fine() {
        let packages = [
            package("kernel", &["hal", "sched-core", "net", "elsewhere"]),
            package("hal", &["ksync", "vm-core", "x86_64"]),
            package("sched-core", &["linux-abi"]),
            package("vm-core", &["elf"]),
            package("linux-abi", &[]),
            package("ksync", &["spin"]),
            package("net", &["smoltcp"]),
        ];
        assert_eq!(complaints(&packages), Vec::<String>::new());
    }

    #[test]
    fn dependencies_that_point_up_are_found() {
        let packages = [
            package("kernel", &[]),
            package("hal", &["kernel"]),
            package("net", &["hal"]),
            package("vm-core", &["sched-core"]),
            package("sched-core", &["serde"]),
            package("newcomer", &[]),
        ];
        let found = complaints(&packages);
        assert_eq!(found.len(), 5, "{found:?}");
        for part in ["`hal` may not depend on `kernel`", "on `serde`", "not in the table"] {
            assert!(found.iter().any(|what| what.contains(part)), "{part}: {found:?}");
        }
    }

    #[test]
    fn what_only_tests_need_does_not_count() {
        let metadata = r#"{"packages": [{"name": "net", "manifest_path": "net/Cargo.toml",
            "dependencies": [{"name": "hal", "kind": "dev"}, {"name": "smoltcp", "kind": null}]}]}"#;
        assert_eq!(read(metadata).unwrap(), [package("net", &["smoltcp"])]);
        assert!(read("{}").is_err());
    }
}
