//! The browser's clock, page and storage, in one place.

use gloo_utils::{document, window};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, Storage};

/// The clock, in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Minutes that local time is ahead of UTC.
#[must_use]
pub fn utc_offset_minutes() -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "a time zone is less than a day away")]
    let minutes = -js_sys::Date::new_0().get_timezone_offset() as i32;
    minutes
}

/// The time of day in the user's zone.
#[must_use]
pub fn local_time(unix_ms: u64) -> String {
    crate::format::time_of_day(unix_ms, utc_offset_minutes())
}

/// The time of day in the user's zone, of the browser's own clock.
#[must_use]
pub fn local_time_f64(unix_ms: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a clock")]
    let unix_ms = unix_ms.max(0.0) as u64;
    local_time(unix_ms)
}

/// Date and time in the user's zone and manner.
#[must_use]
pub fn local_date_time(unix_ms: u64) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(unix_ms as f64));
    date.to_locale_string("en-GB", &wasm_bindgen::JsValue::UNDEFINED).into()
}

/// Whether nobody can see the page.
#[must_use]
pub fn is_hidden() -> bool {
    document().hidden()
}

/// Gives the keyboard to an element.
pub fn focus_id(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        // An element that is gone by now takes no focus, and that is all.
        let _ = element.focus();
    }
}

/// Sets the window's title.
pub fn set_title(page: &str) {
    document().set_title(&format!("{page} · MultiOS"));
}

/// Whether the keyboard is in a field, so that letters are text and not commands.
#[must_use]
pub fn is_typing() -> bool {
    document().active_element().is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    })
}

/// Takes the part behind `#` out of the address bar and the history.
pub fn replace_fragment(fragment: &str) {
    if let Ok(history) = window().history() {
        // A browser that refuses leaves the old address; the secret works once only.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(fragment));
    }
}

/// The part of the address behind `#`, with it.
#[must_use]
pub fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// The browser's storage, which it may deny.
#[must_use]
pub fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
