//! Writing a [`Reply`].

use alloc::vec::Vec;

use picoserve::io::{Read, Write};
use picoserve::response::chunked::{ChunkWriter, ChunkedResponse, Chunks, ChunksWritten};
use picoserve::response::custom::CustomResponse;
use picoserve::response::{Connection, IntoResponse, ResponseWriter, StatusCode};
use picoserve::{ResponseSent, Timer};

use crate::backend::Backend;

use super::files::write_file;
use super::listing::ProcessPages;
use super::reply::{Body, JSON, Reply, StandardHeaders, write_bytes, write_empty};
use super::stream::StreamBody;
use super::yielding::yield_now;
use super::{App, Assets};

impl<B: Backend, A: Assets> App<B, A> {
    /// Makes an answer that would be sent in chunks into one that is sent at once.
    pub(crate) fn in_one_piece(&self, reply: Reply) -> Reply {
        let Body::Processes(mut pages) = reply.body else { return reply };
        let mut bytes = Vec::new();
        while !pages.append_chunk(&self.backend, &mut bytes) {}
        Reply { body: Body::Owned { content_type: JSON, bytes }, ..reply }
    }

    /// Writes an answer.
    ///
    /// # Errors
    /// When the connection fails.
    pub(crate) async fn send<R: Read, W: ResponseWriter<Error = R::Error>, Runtime>(
        &self,
        reply: Reply,
        is_head: bool,
        connection: Connection<'_, R>,
        writer: W,
        timer: &impl Timer<Runtime>,
    ) -> Result<ResponseSent, W::Error> {
        let Reply { status, mut headers, body, .. } = reply;
        match body {
            Body::Owned { content_type, bytes } => {
                let content = (content_type, &bytes[..]);
                write_bytes(connection, writer, status, &headers, content, is_head).await
            }
            Body::Static { content_type, bytes } => {
                let content = (content_type, bytes);
                write_bytes(connection, writer, status, &headers, content, is_head).await
            }
            Body::File(download) => {
                write_file(connection, writer, status, &headers, download, is_head).await
            }
            Body::Empty => write_empty(connection, writer, status, &headers).await,
            Body::Processes(_) if is_head => {
                headers.push("Content-Type", JSON);
                write_empty(connection, writer, status, &headers).await
            }
            Body::Stream(_) if is_head => {
                headers.push("Content-Type", "text/event-stream");
                write_empty(connection, writer, status, &headers).await
            }
            Body::Processes(pages) => {
                let chunks = ProcessChunks { backend: &self.backend, pages };
                let response = ChunkedResponse::new(chunks)
                    .into_response()
                    .with_headers(StandardHeaders { own: &headers })
                    .with_headers(&headers);
                writer.write_response(connection, response).await
            }
            Body::Stream(stream) => {
                headers.push("Content-Type", "text/event-stream");
                let body = StreamBody::new(self, timer, stream);
                CustomResponse::build(StatusCode::OK)
                    .with_headers(StandardHeaders { own: &headers })
                    .with_headers(&headers)
                    .with_body(body)
                    .write_to(connection, writer)
                    .await
            }
        }
    }
}

/// A long page of processes, chunk by chunk.
struct ProcessChunks<'b, B> {
    backend: &'b B,
    pages: ProcessPages,
}

impl<B: Backend> Chunks for ProcessChunks<'_, B> {
    fn content_type(&self) -> &'static str {
        JSON
    }

    async fn write_chunks<W: Write>(
        mut self,
        mut writer: ChunkWriter<W>,
    ) -> Result<ChunksWritten, W::Error> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let is_last = self.pages.append_chunk(self.backend, &mut bytes);
            writer.write_chunk(&bytes).await?;
            if is_last {
                return writer.finalize().await;
            }
            yield_now().await;
        }
    }
}
