//! The browser's clock, page and storage, in one place.

use gloo_utils::{document, window};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{HtmlElement, Storage};

use crate::route::Route;

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
    let date = js_sys::Date::new(&JsValue::from_f64(unix_ms as f64));
    date.to_locale_string("en-GB", &JsValue::UNDEFINED).into()
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

/// The elements of the page that a selector names.
#[must_use]
pub fn elements(selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into::<HtmlElement>().ok())
        .collect()
}

/// Gives the keyboard to an element.
pub fn focus(element: &HtmlElement) {
    // An element that is gone by now takes no focus, and that is all.
    let _ = element.focus();
}

/// Whether the keyboard is in the table's row that an element is in.
#[must_use]
pub fn has_focus_within_row(element: &HtmlElement) -> bool {
    let row = element.closest("tr").ok().flatten();
    let focused = document().active_element();
    row.zip(focused).is_some_and(|(row, focused)| row.contains(Some(&focused)))
}

/// The page that the address bar names.
#[must_use]
pub fn route() -> Route {
    // A page without a location has no fragment either.
    Route::of_fragment(&window().location().hash().unwrap_or_default())
}

/// Goes to a page; the browser remembers where from.
pub fn go_to(route: &Route) {
    // Only a document that is gone refuses a fragment.
    let _ = window().location().set_hash(&route.href());
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

/// The fragment of the printed link, which `web/early.js` took out of the address bar; once only.
#[must_use]
pub fn take_sign_in_fragment() -> Option<String> {
    let (window, name) = (window(), JsValue::from_str("multiosSignIn"));
    let fragment = js_sys::Reflect::get(&window, &name).ok()?.as_string();
    // A property that the page's own script made can be deleted.
    let _ = js_sys::Reflect::delete_property(&window, &name);
    fragment
}

const SESSION_HINT: &str = "multios-session";

/// Whether there may be a session: nobody signed in from here since the last signing out. The
/// cookie itself is out of reach of scripts. Where storage is denied, there may always be one.
#[must_use]
pub fn may_have_session() -> bool {
    storage().is_none_or(|storage| storage.get_item(SESSION_HINT).ok().flatten().is_some())
}

/// Remembers whether there may be a session.
pub fn remember_session(is_there: bool) {
    if let Some(storage) = storage() {
        // A full storage costs one request that is refused.
        let _ = match is_there {
            true => storage.set_item(SESSION_HINT, "1"),
            false => storage.remove_item(SESSION_HINT),
        };
    }
}

/// The browser's storage, which it may deny.
#[must_use]
pub fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
