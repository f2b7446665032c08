//! What is refused, and the answer to it: problem details (RFC 9457) and the end of the connection.

use alloc::format;
use alloc::vec::Vec;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])* $name:ident = $status:literal $code:literal $detail:literal),* $(,)?) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RefusalKind {
            $($(#[doc = $doc])* $name,)*
        }

        impl RefusalKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The machine-readable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The sentence for people.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)* }
            }
        }
    };
}

refusals! {
    /// RFC 9112, section 3.
    RequestLine = 400 "bad_request_line" "The request line is malformed.",
    /// RFC 9112, section 2.2: lines end with CR LF, and neither stands alone.
    LineEnd = 400 "bad_line_end" "A line does not end with CR LF.",
    /// RFC 9110, section 5.5.
    ControlCharacter = 400 "control_character" "The head contains a control character.",
    /// RFC 9112, section 5.1: no space before the colon; section 5.2: no line folding.
    HeaderName = 400 "bad_header_name" "A header field's name is malformed.",
    /// RFC 9110, section 5.5.
    HeaderValue = 400 "bad_header_value" "A header field's value is malformed.",
    /// A field that has one value is there twice.
    DuplicateHeader = 400 "duplicate_header" "A header field that may occur once occurs twice.",
    /// RFC 9112, section 3.2.
    Target = 400 "bad_request_target" "The request target is malformed.",
    /// RFC 3986, section 2.1.
    PercentEncoding = 400 "bad_percent_encoding" "The request target's percent-encoding is invalid.",
    /// RFC 9112, section 3.2: an HTTP/1.1 request has exactly one.
    HostMissing = 400 "host_missing" "The request has no Host header field.",
    /// See [`RefusalKind::HostMissing`].
    HostDuplicate = 400 "host_duplicate" "The request has more than one Host header field.",
    /// RFC 9110, section 7.2.
    HostInvalid = 400 "host_invalid" "The Host header field is invalid.",
    /// RFC 9112, section 6.3.
    ContentLength = 400 "bad_content_length" "The Content-Length header field is invalid.",
    /// See [`RefusalKind::ContentLength`].
    ContentLengthDuplicate = 400 "duplicate_content_length" "There is more than one Content-Length.",
    /// RFC 9112, section 6.1: a sign of request smuggling.
    LengthAndCoding = 400 "length_and_coding" "Content-Length and Transfer-Encoding exclude each other.",
    /// RFC 9112, section 6.1: HTTP/1.0 has none.
    CodingVersion = 400 "coding_in_http_1_0" "HTTP/1.0 has no Transfer-Encoding.",
    /// RFC 9112, section 6.1: chunked comes last, and once.
    CodingOrder = 400 "bad_transfer_coding" "The transfer codings are malformed or in the wrong order.",
    /// RFC 9112, section 7.1.
    Chunk = 400 "bad_chunk" "The chunked body is malformed.",
    /// The client closed its side too early.
    Incomplete = 400 "incomplete_request" "The request ends before it is complete.",
    /// The head or the body took too long.
    Timeout = 408 "request_timeout" "The request did not arrive in time.",
    /// More than the route allows.
    BodyTooLarge = 413 "content_too_large" "The body is larger than this resource accepts.",
    /// RFC 9112, section 3.
    TargetTooLong = 414 "uri_too_long" "The request line is too long.",
    /// RFC 9110, section 10.1.1.
    Expectation = 417 "expectation_failed" "Only the expectation 100-continue can be met.",
    /// RFC 6585, section 5.
    HeadTooLarge = 431 "header_fields_too_large" "The header fields are too long or too many.",
    /// RFC 9110, section 9.1.
    Method = 501 "method_not_implemented" "The request method is not implemented.",
    /// RFC 9112, section 6.1.
    Coding = 501 "transfer_coding_not_implemented" "Only the transfer coding chunked is implemented.",
    /// The server has no room for another connection.
    Busy = 503 "too_many_connections" "The server has too many connections.",
    /// A buffer could not be had.
    NoMemory = 503 "out_of_memory" "The server has no memory for this request.",
    /// RFC 9110, section 15.6.6.
    Version = 505 "http_version_not_supported" "Only HTTP/1.0 and HTTP/1.1 are supported.",
}

impl RefusalKind {
    /// The status' standard phrase.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self.status() {
            408 => "Request Timeout",
            413 => "Content Too Large",
            414 => "URI Too Long",
            417 => "Expectation Failed",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "Bad Request",
        }
    }

    /// The whole answer, head and body. `instance` is the path that was asked for, as far as it can be
    /// repeated: the empty reference (RFC 3986, section 4.4) where it is malformed or did not come.
    #[must_use]
    pub(super) fn response(self, instance: &str) -> Vec<u8> {
        let (status, title) = (self.status(), self.title());
        let body = format!(
            r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{}","instance":"{instance}","code":"{}"}}"#,
            self.detail(),
            self.code()
        );
        let retry = if status == 503 { "Retry-After: 1\r\n" } else { "" };
        format!(
            "HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\n\
             Content-Length: {}\r\nCache-Control: no-store\r\n{retry}Connection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}
