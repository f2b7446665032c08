//! The sandbox of a process that is to be started, or of a service.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::types::{Isolation, SandboxRequest};

use super::super::fields::Fields;
use super::check_path;

/// Most system calls that are named: more than there are.
const MAX_CALLS: usize = 1024;

/// Reads isolation level and sandbox, which have to go together.
pub(crate) fn read(fields: &mut Fields) -> (Option<Isolation>, Option<SandboxRequest>) {
    let isolation: Option<Isolation> = fields.optional("isolation");
    let inner = fields.object("sandbox");
    let has_sandbox = inner.is_some();
    let sandbox = inner.and_then(|inner| rules(fields, inner));
    match isolation {
        Some(Isolation::Kernel) => {
            fields.error("isolation", "kernel is for the kernel's own threads");
        }
        Some(Isolation::Sandbox) if !has_sandbox && !fields.has_error("sandbox") => {
            fields.error("sandbox", "is missing");
        }
        Some(Isolation::Process) if has_sandbox => {
            fields.error("sandbox", "is for the isolation level sandbox");
        }
        _ => {}
    }
    (isolation, sandbox)
}

fn rules(fields: &mut Fields, mut inner: Fields) -> Option<SandboxRequest> {
    let root: Option<String> = inner.required("root");
    let network = inner.optional("network");
    let system_calls: Option<Vec<String>> = inner.optional("system_calls");
    let on_violation = inner.optional("on_violation");
    if let Some(root) = &root {
        check_path(&mut inner, "root", root);
        inner.check(
            !root.trim_matches('/').is_empty(),
            "root",
            "must be a directory of its own, not /",
        );
    }
    if let Some(calls) = &system_calls {
        inner.check(calls.len() <= MAX_CALLS, "system_calls", "has too many items, at most 1024");
        let is_name = |name: &String| {
            (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if let Some(index) = calls.iter().position(|name| !is_name(name)) {
            inner.error(&format!("system_calls.{index}"), "is no system call's name");
        }
    }
    fields.take_errors("sandbox", inner);
    Some(SandboxRequest { root: root?, network, system_calls, on_violation })
}
