//! [`Reply`]: an answer before it is written, and the writing of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use picoserve::ResponseSent;
use picoserve::io::{Read, Write};
use picoserve::response::{
    Connection, Content, ForEachHeader, HeadersIter, Response, ResponseWriter, StatusCode,
};
use serde::Serialize;

use crate::backend::Download;
use crate::types::{Problem, Text};

use super::json::to_json;
use super::listing::ProcessPages;
use super::stream::Stream;

/// Headers beyond those that every answer has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Vec<(&'static str, Text)>);

impl Headers {
    /// Adds one.
    pub(crate) fn push(&mut self, name: &'static str, value: impl Into<Text>) {
        self.0.push((name, value.into()));
    }

    /// The value of a header, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

impl HeadersIter for &Headers {
    async fn for_each_header<F: ForEachHeader>(self, mut f: F) -> Result<F::Output, F::Error> {
        for (name, value) in &self.0 {
            f.call(name, value).await?;
        }
        f.finalize().await
    }
}

/// The body of an answer.
pub(crate) enum Body {
    /// None at all.
    Empty,
    /// Made for this answer.
    Owned { content_type: &'static str, bytes: Vec<u8> },
    /// Part of the image.
    Static { content_type: &'static str, bytes: &'static [u8] },
    /// A page of processes that is too long for one buffer.
    Processes(ProcessPages),
    /// A file, read while it is sent.
    File(Box<dyn Download>),
    /// Goes on until the client leaves.
    Stream(Stream),
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Body,
    /// The typed error, for the audit log.
    pub(crate) error: Option<Text>,
    /// Who signed in by it, for the audit log.
    pub(crate) actor: Option<Text>,
}

/// The type of JSON bodies.
pub(crate) const JSON: &str = "application/json";

impl Reply {
    /// An answer with this body.
    pub(crate) fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Headers::default(), body, error: None, actor: None }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, Body::Empty)
    }

    /// A JSON document.
    pub(crate) fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Self {
        Self::new(status, Body::Owned { content_type: JSON, bytes: to_json(value) })
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<Text>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// An error.
    pub(crate) fn problem(problem: &Problem, headers: Headers) -> Self {
        let body =
            Body::Owned { content_type: "application/problem+json", bytes: to_json(problem) };
        let error = Some(problem.code.clone());
        Self { status: problem.status, headers, body, error, actor: None }
    }
}

/// Headers of every answer whose body is data: never to be guessed at, kept or framed.
pub(crate) const DATA_HEADERS: &[(&str, &str)] = &[
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
];

/// Bytes with their type; for HEAD the length is told and the bytes are kept back.
struct Bytes<'b> {
    content_type: &'static str,
    bytes: &'b [u8],
    is_head: bool,
}

impl Content for Bytes<'_> {
    fn content_type(&self) -> &'static str {
        self.content_type
    }

    fn content_length(&self) -> usize {
        self.bytes.len()
    }

    async fn write_content<W: Write>(self, mut writer: W) -> Result<(), W::Error> {
        if self.is_head { Ok(()) } else { writer.write_all(self.bytes).await }
    }
}

/// Writes an answer whose body is at hand.
pub(crate) async fn write_bytes<R: Read, W: ResponseWriter<Error = R::Error>>(
    connection: Connection<'_, R>,
    writer: W,
    status: u16,
    headers: &Headers,
    (content_type, bytes): (&'static str, &[u8]),
    is_head: bool,
) -> Result<ResponseSent, W::Error> {
    let response = Response::new(StatusCode::new(status), Bytes { content_type, bytes, is_head })
        .with_headers(StandardHeaders { own: headers })
        .with_headers(headers);
    writer.write_response(connection, response).await
}

/// Writes an answer without a body.
pub(crate) async fn write_empty<R: Read, W: ResponseWriter<Error = R::Error>>(
    connection: Connection<'_, R>,
    writer: W,
    status: u16,
    headers: &Headers,
) -> Result<ResponseSent, W::Error> {
    let response = Response::empty(StatusCode::new(status))
        .with_headers(StandardHeaders { own: headers })
        .with_headers(headers);
    writer.write_response(connection, response).await
}

/// [`DATA_HEADERS`], without those that an answer has of its own.
pub(crate) struct StandardHeaders<'h> {
    pub(crate) own: &'h Headers,
}

impl HeadersIter for StandardHeaders<'_> {
    async fn for_each_header<F: ForEachHeader>(self, mut f: F) -> Result<F::Output, F::Error> {
        for (name, value) in DATA_HEADERS {
            if self.own.get(name).is_none() {
                f.call(name, value).await?;
            }
        }
        f.finalize().await
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}
