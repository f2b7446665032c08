//! [`Refusal`]: an error on its way to becoming problem+json.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::backend::ApiError;
use crate::types::{FieldError, Problem, Text};

use super::reply::{Headers, Reply};

/// Why a request is not done: everything a [`Problem`] needs but the path.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    title: &'static str,
    detail: Text,
    errors: Vec<FieldError>,
    headers: Headers,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Text>,
    ) -> Self {
        let (detail, errors, headers) = (detail.into(), Vec::new(), Headers::default());
        Self { status, code, title, detail, errors, headers }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<Text>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The fields that are wrong.
    pub(crate) fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// What is wrong, as fields alone; for one that names none, an empty name.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        if self.errors.is_empty() {
            let message = self.detail.as_str().into();
            return vec![FieldError { field: String::new(), message }];
        }
        self.errors
    }

    /// There is nothing at this path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "not_found", "Not found", "There is nothing at this path.")
    }

    /// There is no CPU of this number.
    pub(crate) fn no_such_cpu(id: &str) -> Self {
        Self::new(404, "cpu_not_found", "CPU not found", format!("There is no CPU {id}."))
    }

    /// The path's parameter is no process number.
    pub(crate) fn invalid_pid(pid: &str) -> Self {
        let detail = format!("{pid} is not the number of a process.");
        Self::new(404, "invalid_pid", "Invalid process number", detail)
    }

    /// The path exists, with other methods.
    pub(crate) fn method_not_allowed(method: &str, allow: String) -> Self {
        let detail = format!("{method} does not exist here.");
        Self::new(405, "method_not_allowed", "Method not allowed", detail)
            .with_header("Allow", allow)
    }

    /// No credentials were given.
    pub(crate) fn credentials_missing() -> Self {
        Self::new(
            401,
            "authentication_required",
            "Authentication required",
            "Send a token as `Authorization: Bearer TOKEN`, or sign in.",
        )
        .with_header("WWW-Authenticate", "Bearer realm=\"multios\"")
    }

    /// The credentials that were given are wrong or have expired.
    pub(crate) fn credentials_wrong() -> Self {
        Self::new(
            401,
            "invalid_credentials",
            "Invalid credentials",
            "The token, secret or session is not valid, or no longer.",
        )
        .with_header("WWW-Authenticate", "Bearer realm=\"multios\", error=\"invalid_token\"")
    }

    /// The caller's role is too low.
    pub(crate) fn role_too_low(needed: &str) -> Self {
        let detail = format!("This takes the role {needed}.");
        Self::new(403, "permission_denied", "Permission denied", detail)
    }

    /// A session changes something without the CSRF header.
    pub(crate) fn csrf() -> Self {
        Self::new(
            403,
            "csrf_token_invalid",
            "CSRF token missing or wrong",
            "A change within a session needs the session's token in X-CSRF-Token.",
        )
    }

    /// Too many failed attempts to sign in.
    pub(crate) fn too_many_attempts(retry_after_s: u64) -> Self {
        Self::new(
            429,
            "too_many_attempts",
            "Too many attempts",
            "Too many credentials were wrong of late. Wait and try again.",
        )
        .with_header("Retry-After", format!("{retry_after_s}"))
    }

    /// A body where none is taken.
    pub(crate) fn unexpected_body() -> Self {
        Self::new(400, "unexpected_body", "Unexpected body", "This takes no body.")
    }

    /// A body that is too long.
    pub(crate) fn body_too_long(max_bytes: usize) -> Self {
        let detail = format!("The body may have at most {max_bytes} bytes.");
        // The same code as the gate in front gives it.
        Self::new(413, "content_too_large", "Content too large", detail)
    }

    /// A body that ended before its announced length.
    pub(crate) fn body_cut_short() -> Self {
        Self::new(400, "body_incomplete", "Body incomplete", "The body ended too early.")
    }

    /// Too little memory for the body.
    pub(crate) fn out_of_memory() -> Self {
        Self::exhausted("There is not enough memory for this request.".into())
    }

    fn exhausted(detail: Text) -> Self {
        Self::new(503, "resource_exhausted", "Resource exhausted", detail)
            .with_header("Retry-After", "1")
    }

    /// Too many streams are open.
    pub(crate) fn too_many_streams() -> Self {
        Self::exhausted("Too many event, log and output streams are open.".into())
    }

    /// Not ready yet.
    pub(crate) fn not_ready(missing: Text) -> Self {
        Self::new(503, "not_ready", "Not ready", missing).with_header("Retry-After", "1")
    }

    /// A body that is not JSON by its type.
    pub(crate) fn media_type() -> Self {
        Self::new(
            415,
            "unsupported_media_type",
            "Unsupported media type",
            "The body must be application/json in UTF-8.",
        )
        .with_header("Accept", "application/json")
    }

    /// A body that is not JSON by its content.
    pub(crate) fn malformed_json(detail: String) -> Self {
        Self::new(400, "malformed_json", "Malformed JSON", detail)
    }

    /// Query parameters that are unknown, repeated or malformed.
    pub(crate) fn bad_parameters(errors: Vec<FieldError>) -> Self {
        let detail = "The query has unknown or invalid parameters.";
        let refusal = Self::new(400, "invalid_parameter", "Invalid parameter", detail);
        Self { errors, ..refusal }
    }

    /// One bad query parameter.
    pub(crate) fn bad_parameter(field: &str, message: impl Into<String>) -> Self {
        Self::bad_parameters(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// A header that can't be used.
    pub(crate) fn bad_header(name: &str, message: &str) -> Self {
        let errors = vec![FieldError { field: name.into(), message: message.into() }];
        let refusal =
            Self::new(400, "invalid_header", "Invalid header", "A header has an invalid value.");
        Self { errors, ..refusal }
    }

    /// A document whose fields are wrong.
    pub(crate) fn bad_fields(errors: Vec<FieldError>) -> Self {
        let detail = "Fields of the document are unknown, missing or have wrong values.";
        let refusal = Self::new(422, "invalid_field", "Invalid field", detail);
        Self { errors, ..refusal }
    }

    fn bad_field(code: &'static str, title: &'static str, field: &str, message: Text) -> Self {
        let error = FieldError { field: field.into(), message: message.as_str().into() };
        Self { errors: vec![error], ..Self::new(422, code, title, message) }
    }

    /// The cursor's list is no longer kept.
    pub(crate) fn cursor_expired() -> Self {
        let errors =
            vec![FieldError { field: "cursor".into(), message: "start again without it".into() }];
        let detail = "The list that this cursor goes on with is no longer kept.";
        Self { errors, ..Self::new(400, "cursor_expired", "Cursor expired", detail) }
    }

    /// The idempotency key was used for something else.
    pub(crate) fn key_reused() -> Self {
        let message = "was used for another request".into();
        let title = "Idempotency key reused";
        Self::bad_field("idempotency_key_reused", title, "Idempotency-Key", message)
    }

    /// Turns it into the answer.
    pub(crate) fn into_reply(self, path: &str) -> Reply {
        let problem = Problem {
            kind: format!("urn:multios:problem:{}", self.code).into(),
            title: self.title.into(),
            status: self.status,
            detail: self.detail,
            instance: String::from(path).into(),
            code: self.code.into(),
            errors: self.errors,
        };
        Reply::problem(&problem, self.headers)
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::ProcessNotFound(pid) => {
                let detail = format!("There is no process {pid}.");
                Self::new(404, "process_not_found", "Process not found", detail)
            }
            ApiError::ProgramNotFound(path) => {
                let message = format!("there is no program {path}").into();
                Self::bad_field("program_not_found", "Program not found", "program", message)
            }
            ApiError::InvalidProgram(why) => {
                Self::bad_field("invalid_program", "Invalid program", "program", why)
            }
            ApiError::InvalidState { state, operation } => {
                let words = operation.words();
                let detail = match operation.wanted() {
                    Some(wanted) => format!(
                        "A process that is {state} can't {words}, which would make it {wanted}."
                    ),
                    None => format!("A process that is {state} can't {words}."),
                };
                Self::new(409, "invalid_state", "Invalid state", detail)
            }
            ApiError::Conflict(why) => Self::new(409, "conflict", "Conflict", why),
            ApiError::PermissionDenied(why) => {
                Self::new(403, "permission_denied", "Permission denied", why)
            }
            ApiError::Stale => Self::new(
                412,
                "stale",
                "Precondition failed",
                "The process was changed since; read it again.",
            ),
            ApiError::InvalidValue { field, message } => {
                Self::bad_field("invalid_field", "Invalid field", &field, message)
            }
            ApiError::Unsupported { field, message } => {
                Self::bad_field("unsupported", "Not supported", &field, message)
            }
            ApiError::FileNotFound(path) => {
                let detail = format!("There is no file or directory {path}.");
                Self::new(404, "file_not_found", "File not found", detail)
            }
            ApiError::NoSpace(why) => {
                Self::new(507, "insufficient_storage", "Insufficient storage", why)
            }
            ApiError::ResourceExhausted(what) => Self::exhausted(what),
            ApiError::SystemError(why) => Self::new(500, "system_error", "System error", why),
        }
    }
}
