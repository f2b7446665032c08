//! `/files/{path}`: programs and data, streamed in both directions.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use picoserve::ResponseSent;
use picoserve::io::{Read, Write};
use picoserve::request::RequestBodyConnection;
use picoserve::response::{Connection, Content, Response, ResponseWriter, StatusCode};

use crate::backend::{Backend, Caller, Download, FoundFile};
use crate::types::Page;

use super::authentication::Identity;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::{Body, Headers, Reply, StandardHeaders};
use super::yielding::yield_now;
use super::{App, Assets};

/// Bytes that are moved at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// The longest path, as programs may use it.
const MAX_PATH_BYTES: usize = 4095;
/// Permissions of a file that is made, unless the request says.
const USUAL_PERMISSIONS: u16 = 0o644;
const USUAL_DIRECTORY_PERMISSIONS: u16 = 0o755;

/// The path that a request's path names: absolute, percent-decoded.
fn path_of(parameter: &str) -> Result<Vec<u8>, Refusal> {
    let refuse = |message: &str| Refusal::bad_parameter("path", message);
    let mut path = vec![b'/'];
    let mut rest = parameter.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(rest.next()), digit(rest.next()));
            let value = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            value.ok_or_else(|| refuse("is not percent-encoded"))?
        } else {
            byte
        };
        if byte == 0 {
            return Err(refuse("has a zero byte in it"));
        }
        if path.len() >= MAX_PATH_BYTES {
            return Err(refuse("is too long"));
        }
        path.push(byte);
    }
    Ok(path)
}

impl<B: Backend, A: Assets> App<B, A> {
    /// `GET /files/{path}`: a file's bytes, or a directory's entries.
    pub(crate) fn get_file(&self, parameter: &str, query: &Query<'_>) -> Result<Reply, Refusal> {
        let path = path_of(parameter)?;
        match self.backend.find_file(&path)? {
            FoundFile::File(download) => Ok(Reply::new(200, Body::File(download))),
            FoundFile::Directory => {
                let after = query.number("cursor", 0, u64::MAX)?.unwrap_or(0);
                let limit = usize::try_from(query.limit()?).unwrap_or(1);
                let part = self.backend.list_directory(&path, after, limit)?;
                let next_cursor = part.next.map(|next| format!("{next}"));
                let page = Page { items: part.entries, next_cursor, total: part.total };
                Ok(Reply::json(200, &page))
            }
        }
    }

    /// `DELETE /files/{path}`: a file, or an empty directory.
    pub(crate) fn delete_file(
        &self,
        parameter: &str,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        self.backend.remove_file(&identity.caller, &path_of(parameter)?)?;
        Ok(Reply::empty(204))
    }

    /// `PUT /files/{path}`: a file, from the body as it arrives; with a slash at the end, a
    /// directory.
    ///
    /// # Errors
    /// When the connection fails.
    pub(crate) async fn put_file<R: Read>(
        &self,
        parameter: &str,
        query: Result<Query<'_>, Refusal>,
        identity: &Identity,
        connection: &mut RequestBodyConnection<'_, R>,
    ) -> Result<Result<Reply, Refusal>, R::Error> {
        let length = connection.content_length();
        let started = self.begin_upload(parameter, query, &identity.caller, length);
        let mut upload = match started {
            Ok(Started::Upload(upload)) => upload,
            Ok(Started::Done(reply)) => return Ok(Ok(reply)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut buffer = Vec::new();
        if buffer.try_reserve_exact(PIECE_BYTES).is_err() {
            return Ok(Err(Refusal::out_of_memory()));
        }
        buffer.resize(PIECE_BYTES, 0);
        let mut reader = connection.body().reader();
        let mut left = length;
        while left > 0 {
            let wanted = left.min(PIECE_BYTES);
            let count = reader.read(&mut buffer[..wanted]).await?;
            if count == 0 {
                return Ok(Err(Refusal::body_cut_short()));
            }
            if let Err(error) = upload.write(&buffer[..count]) {
                return Ok(Err(error.into()));
            }
            left -= count;
            yield_now().await;
        }
        Ok(match upload.finish() {
            Ok(true) => Ok(Reply::empty(201).with_header("Location", location(parameter))),
            Ok(false) => Ok(Reply::empty(204)),
            Err(error) => Err(error.into()),
        })
    }

    fn begin_upload(
        &self,
        parameter: &str,
        query: Result<Query<'_>, Refusal>,
        caller: &Caller,
        length: usize,
    ) -> Result<Started, Refusal> {
        let query = query?;
        let permissions = match query.get("permissions") {
            None => None,
            Some(text) => {
                let bits = u16::from_str_radix(text, 8).ok();
                let bits = bits.filter(|bits| *bits <= 0o7777 && !text.starts_with('+'));
                let message = "must be an octal number up to 7777";
                Some(bits.ok_or_else(|| Refusal::bad_parameter("permissions", message))?)
            }
        };
        let path = path_of(parameter)?;
        if path.ends_with(b"/") {
            if length != 0 {
                return Err(Refusal::unexpected_body());
            }
            let permissions = permissions.unwrap_or(USUAL_DIRECTORY_PERMISSIONS);
            let is_new = self.backend.make_directory(caller, &path, permissions)?;
            let reply = if is_new {
                Reply::empty(201).with_header("Location", location(parameter))
            } else {
                Reply::empty(204)
            };
            return Ok(Started::Done(reply));
        }
        let permissions = permissions.unwrap_or(USUAL_PERMISSIONS);
        let size_bytes = u64::try_from(length).unwrap_or(u64::MAX);
        let upload = self.backend.begin_upload(caller, &path, permissions, size_bytes)?;
        Ok(Started::Upload(upload))
    }
}

enum Started {
    Upload(Box<dyn crate::backend::Upload>),
    Done(Reply),
}

fn location(parameter: &str) -> String {
    format!("/api/v1/files/{parameter}")
}

/// A file on its way to the client.
struct FileContent {
    download: Box<dyn Download>,
    length: usize,
    is_head: bool,
}

impl Content for FileContent {
    fn content_type(&self) -> &'static str {
        "application/octet-stream"
    }

    fn content_length(&self) -> usize {
        self.length
    }

    async fn write_content<W: Write>(mut self, mut writer: W) -> Result<(), W::Error> {
        if self.is_head {
            return Ok(());
        }
        let mut buffer = vec![0; PIECE_BYTES];
        let mut done = 0;
        while done < self.length {
            let wanted = (self.length - done).min(PIECE_BYTES);
            let offset = u64::try_from(done).unwrap_or(u64::MAX);
            let count = match self.download.read(offset, &mut buffer[..wanted]) {
                Ok(count) if count > 0 => count,
                // It was cut meanwhile. The length has been told: zeroes stand for what is gone.
                _ => {
                    buffer[..wanted].fill(0);
                    wanted
                }
            };
            writer.write_all(&buffer[..count]).await?;
            done += count;
        }
        Ok(())
    }
}

/// Writes an answer whose body is a file.
pub(crate) async fn write_file<R: Read, W: ResponseWriter<Error = R::Error>>(
    connection: Connection<'_, R>,
    writer: W,
    status: u16,
    headers: &Headers,
    download: Box<dyn Download>,
    is_head: bool,
) -> Result<ResponseSent, W::Error> {
    let length = usize::try_from(download.size_bytes()).unwrap_or(usize::MAX);
    let content = FileContent { download, length, is_head };
    let response = Response::new(StatusCode::new(status), content)
        .with_headers(StandardHeaders { own: headers })
        .with_headers(headers);
    writer.write_response(connection, response).await
}
