//! The editor of a service's document: how JSON is shown, and where in it a wrong field stands.

use admin_api::types::FieldError;
use serde_json::Value;

use crate::model::failure::Failure;

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The line that it is about, from 1; nothing when it is about the whole.
    pub line: Option<usize>,
    /// The field.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// What a new document begins with.
pub const TEMPLATE: &str = r#"{
  "name": "",
  "description": "",
  "version": "1.0.0",
  "program": "/bin/sh",
  "args": ["-c", "while true; do date; sleep 5; done"],
  "instances": 1,
  "restart": {"policy": "on_failure"},
  "health": {"kind": "alive"}
}
"#;

/// A document with a line for each field, and without what is the system's.
#[must_use]
pub fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut rest = json.trim();
    // A member of the outermost object that is left out begins here.
    let mut left_out: Option<usize> = None;
    while let Some(first) = rest.chars().next() {
        let (token, after) = next_token(rest);
        rest = after;
        match first {
            '{' | '[' => {
                let close = if first == '{' { '}' } else { ']' };
                out.push(first);
                if rest.trim_start().starts_with(close) {
                    rest = &rest.trim_start()[1..];
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    drop_member(&mut out, &mut left_out);
                }
                while out.ends_with([' ', '\n', ',']) {
                    out.pop();
                }
                new_line(&mut out, depth);
                out.push(first);
            }
            ',' => {
                if depth == 1 && left_out.is_some() {
                    drop_member(&mut out, &mut left_out);
                } else {
                    out.push(',');
                    new_line(&mut out, depth);
                }
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            _ => {
                let is_name = depth == 1 && rest.trim_start().starts_with(':');
                if is_name && (token == "\"status\"" || token == "\"revision\"") {
                    left_out = Some(out.len());
                }
                out.push_str(token);
            }
        }
    }
    out.push('\n');
    out
}

fn drop_member(out: &mut String, left_out: &mut Option<usize>) {
    if let Some(at) = left_out.take() {
        out.truncate(at);
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// The first token of a text that is not empty, and the rest.
fn next_token(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let length = match bytes[0] {
        b'"' => {
            let mut at = 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(bytes.len())
        }
        b'{' | b'}' | b'[' | b']' | b':' | b',' => 1,
        byte if byte.is_ascii_whitespace() => 1,
        _ => text
            .find(|c: char| {
                matches!(c, '{' | '}' | '[' | ']' | ':' | ',' | '"') || c.is_ascii_whitespace()
            })
            .unwrap_or(text.len()),
    };
    // An escape may end in the middle of a character of a text that is no JSON.
    let length = (length..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.split_at(length)
}

/// The line of a field such as `dependencies.0.version`, or of the nearest one around it that is there.
#[must_use]
pub fn line_of(text: &str, field: &str) -> Option<usize> {
    if field.is_empty() {
        return None;
    }
    let mut best: Option<(usize, usize)> = None;
    // Names or numbers of what is open, and whether it is a list.
    let mut path: Vec<(String, bool)> = Vec::new();
    let (mut line, mut rest) = (1, text);
    let mut name: Option<&str> = None;
    let check =
        |path: &[(String, bool)], last: &str, line: usize, best: &mut Option<(usize, usize)>| {
            let mut own: Vec<&str> = path.iter().skip(1).map(|(name, _)| name.as_str()).collect();
            own.push(last);
            own.retain(|name| !name.is_empty());
            let own = own.join(".");
            let fits =
                field == own || field.strip_prefix(&own).is_some_and(|rest| rest.starts_with('.'));
            if fits && best.is_none_or(|(length, _)| own.len() > length) {
                *best = Some((own.len(), line));
            }
        };
    while !rest.is_empty() {
        let (token, after) = next_token(rest);
        rest = after;
        let is_value = !matches!(token, "}" | "]" | ":" | ",") && !token.trim().is_empty();
        let in_list = path.last().is_some_and(|(_, is_list)| *is_list);
        if is_value && !in_list && name.is_none() && rest.trim_start().starts_with(':') {
            name = Some(token.trim_matches('"'));
        } else if is_value {
            // An item of a list has its number in the path already.
            let last = name.take().unwrap_or_default().to_owned();
            if !path.is_empty() {
                check(&path, &last, line, &mut best);
            }
            if token == "{" || token == "[" {
                path.push((last, token == "["));
                // Items of a list are counted in the place behind it.
                if token == "[" {
                    path.push(("0".to_owned(), true));
                }
            }
        } else if token == "}" {
            path.pop();
        } else if token == "]" {
            path.pop();
            path.pop();
        } else if token == ","
            && in_list
            && let Some((index, _)) = path.last_mut()
        {
            *index = (index.parse::<u32>().unwrap_or(0) + 1).to_string();
        }
        line += token.matches('\n').count();
    }
    best.map(|(_, line)| line)
}

/// What the system says is wrong with a document.
#[must_use]
pub fn complaints(text: &str, failure: &Failure) -> Vec<Complaint> {
    let Failure::Refused(problem) = failure else { return whole(failure.message()) };
    if problem.errors.is_empty() {
        return whole(problem.detail.to_string());
    }
    let complaint = |FieldError { field, message }: &FieldError| Complaint {
        line: line_of(text, field),
        field: field.clone(),
        message: message.clone(),
    };
    let mut all: Vec<Complaint> = problem.errors.iter().map(complaint).collect();
    all.sort_by_key(|one| one.line.unwrap_or(0));
    all
}

fn whole(message: String) -> Vec<Complaint> {
    vec![Complaint { line: None, field: String::new(), message }]
}

/// What can be said without the system: that it is no JSON, and where.
#[must_use]
pub fn syntax(text: &str) -> Option<Complaint> {
    let error = serde_json::from_str::<Value>(text).err()?;
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    Some(Complaint { line: Some(error.line().max(1)), field: String::new(), message })
}

/// The name that a document gives its service.
#[must_use]
pub fn name_of(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    document.get("name")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = r#"{"name":"web","tags":[],"env":{"A":"x \" } y"},"dependencies":[{"service":"data","version":">=1"},{"service":"b"}],"limits":{"memory_bytes":5},"stop":{"signal":"SIGTERM","grace_ms":1},"revision":3,"status":{"state":"running","instances":[{"number":0}]}}"#;

    #[test]
    fn a_document_is_shown_without_what_is_the_systems() {
        let shown = pretty(SENT);
        assert!(shown.starts_with("{\n  \"name\": \"web\",\n  \"tags\": [],\n"), "{shown}");
        assert!(shown.ends_with("    \"grace_ms\": 1\n  }\n}\n"), "{shown}");
        let mut sent: Value = serde_json::from_str(SENT).unwrap();
        sent.as_object_mut().unwrap().remove("status");
        sent.as_object_mut().unwrap().remove("revision");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), sent);
        assert_eq!(pretty(&shown), shown);
        let only = r#"{"status":{},"name":"x"}"#;
        assert_eq!(pretty(only), "{\n  \"name\": \"x\"\n}\n");
    }

    #[test]
    fn a_wrong_field_is_found_in_the_text() {
        let text = pretty(SENT);
        let line = |field: &str| {
            let found = line_of(&text, field).map(|line| text.lines().nth(line - 1).unwrap());
            found.map(|line| line.trim().to_owned())
        };
        assert_eq!(line("name").as_deref(), Some("\"name\": \"web\","));
        assert_eq!(line("dependencies.0.version").as_deref(), Some("\"version\": \">=1\""));
        assert_eq!(line("dependencies.1.service").as_deref(), Some("\"service\": \"b\""));
        assert_eq!(line("stop.grace_ms").as_deref(), Some("\"grace_ms\": 1"));
        // What is missing belongs to what is around it.
        assert_eq!(line("limits.cpu").as_deref(), Some("\"limits\": {"));
        assert_eq!(line("tags.0").as_deref(), Some("\"tags\": [],"));
        assert_eq!((line("program"), line("")), (None, None));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let odd = [
            "",
            "{",
            "\"",
            "\"\\",
            "\"\\ü",
            "[[[",
            "]]]",
            "}{",
            "{\"a\":",
            "ü",
            ",,,",
            "{\"status\"",
        ];
        for text in odd {
            let _ = (pretty(text), line_of(text, "a.b"), syntax(text), name_of(text));
        }
        for end in 0..SENT.len() {
            let _ = (pretty(&SENT[..end]), line_of(&SENT[..end], "stop.grace_ms"));
        }
    }

    #[test]
    fn what_is_no_json_has_its_line() {
        let complaint = syntax("{\n  \"name\": \"x\",\n}").unwrap();
        assert_eq!(complaint.line, Some(3));
        assert_eq!(syntax(TEMPLATE), None);
        assert_eq!(name_of(SENT).as_deref(), Some("web"));
    }
}
