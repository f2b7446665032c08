//! Requests as users send them: with curl.

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A request to be sent.
#[derive(Debug)]
pub struct Request {
    arguments: Vec<String>,
    body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header's fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request that may take 30 s.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        let mut arguments = vec!["-sS", "--include", "--globoff", "--http1.1", "--path-as-is"];
        if method == "HEAD" {
            arguments.push("--head");
        } else {
            arguments.extend(["--request", method]);
        }
        arguments.extend(["--url", url]);
        let arguments = arguments.into_iter().map(ToOwned::to_owned).collect();
        Self { arguments, body: None }.limit(Duration::from_secs(30))
    }

    /// Adds curl's own arguments.
    #[must_use]
    pub fn option(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Adds a header field, `Name: value`.
    #[must_use]
    pub fn header(self, field: &str) -> Self {
        self.option(&["--header", field])
    }

    /// Sets how long it may take; the last one counts.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        self.option(&["--max-time", &limit.as_secs_f64().to_string()])
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type: application/json").body(body.to_string().as_bytes())
    }

    /// Adds a body.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        self.option(&["--data-binary", "@-"])
    }

    /// Sends it; `None` when no answer came.
    ///
    /// # Panics
    /// When curl is not installed.
    #[must_use]
    pub fn try_send(self) -> Option<Answer> {
        let mut child = Command::new("curl")
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("curl is installed");
        let mut input = child.stdin.take().expect("the input is piped");
        // A server that refuses a body early closes the pipe early; the answer says so.
        let _ = input.write_all(self.body.as_deref().unwrap_or_default());
        drop(input);
        let out = child.wait_with_output().expect("curl can be waited for");
        Answer::parse(&out.stdout)
    }

    /// Sends it.
    ///
    /// # Panics
    /// When no answer came.
    #[must_use]
    pub fn send(self) -> Answer {
        let shown = self.arguments.join(" ");
        self.try_send().unwrap_or_else(|| panic!("no answer: curl {shown}"))
    }
}

impl Answer {
    /// Reads what curl printed: interim answers, the header, an empty line, the body.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let body = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        if status < 200 {
            return Self::parse(body);
        }
        let fields = lines.filter_map(|line| line.split_once(':'));
        let headers =
            fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Some(Self { status, headers: headers.collect(), body: body.to_vec() })
    }

    /// The value of a header field; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON of the type that the contract says.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        let is_json = self.header("content-type").is_some_and(|kind| kind.contains("json"));
        assert!(is_json, "not JSON: {self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in {}", self.text());
        })
    }

    /// Asserts that it is a problem of RFC 9457 with this status and typed error.
    ///
    /// # Panics
    /// When it is not.
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: admin_api::types::Problem = self.json();
        assert_eq!(problem.status, status);
        assert_eq!(problem.code.as_str(), code, "{}", self.text());
        assert!(!problem.title.as_str().is_empty() && !problem.detail.as_str().is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_interim_answers() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nLocation: /a\r\n\r\nbody";
        let answer = Answer::parse(text).unwrap();
        assert_eq!((answer.status, answer.header("location")), (201, Some("/a")));
        assert_eq!(answer.text(), "body");
        assert!(Answer::parse(b"").is_none());
    }
}
