//! The console's files: [`Assets`], and how they are served.

use crate::server::reply::{Body, Reply};

/// One file of the console, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// The bytes as they travel.
    pub bytes: &'static [u8],
    /// Whether the bytes are compressed by gzip.
    pub is_gzip: bool,
    /// The type, such as `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// A strong entity tag in its quotes; another content has another tag.
    pub etag: &'static str,
    /// Whether the name contains a hash of the content, so that it may be kept for ever.
    pub is_immutable: bool,
}

/// The console's files.
pub trait Assets {
    /// The file at an absolute path such as `/index.html`.
    fn get(&self, path: &str) -> Option<Asset>;
}

/// No console, only the API.
impl Assets for () {
    fn get(&self, _path: &str) -> Option<Asset> {
        None
    }
}

impl<A: Assets + ?Sized> Assets for &A {
    fn get(&self, path: &str) -> Option<Asset> {
        (**self).get(path)
    }
}

/// What the console's page may do: only what comes from here, with no script or style in the page
/// itself (the console sets styles by the style object model, which needs no leave).
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The file for a path: itself, `index.html` for a directory, or the page for a path that only the
/// page knows, if the client wants a page.
pub(crate) fn find(assets: &impl Assets, path: &str, accepts_html: bool) -> Option<Asset> {
    if path == "/" {
        return assets.get("/index.html");
    }
    if let Some(asset) = assets.get(path) {
        return Some(asset);
    }
    let is_page = accepts_html && path != "/api" && !path.starts_with("/api/");
    if is_page { assets.get("/index.html") } else { None }
}

/// Answers with a file, or with 304 when the client has it.
pub(crate) fn reply(asset: &Asset, if_none_match: Option<&str>) -> Reply {
    let is_known = if_none_match.is_some_and(|known| names_tag(known, asset.etag));
    let reply = if is_known {
        Reply::empty(304)
    } else {
        let body = Body::Static { content_type: asset.content_type, bytes: asset.bytes };
        let reply = Reply::new(200, body);
        if asset.is_gzip { reply.with_header("Content-Encoding", "gzip") } else { reply }
    };
    let caching =
        if asset.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    reply
        .with_header("ETag", asset.etag)
        .with_header("Cache-Control", caching)
        .with_header("Vary", "Accept-Encoding")
        .with_header("Content-Security-Policy", PAGE_POLICY)
        .with_header("Referrer-Policy", "no-referrer")
        .with_header("Cross-Origin-Opener-Policy", "same-origin")
}

/// Whether a list of entity tags (RFC 9110, 13.1.2: compared weakly) contains this one.
pub(crate) fn names_tag(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
