//! Icons: strokes on a grid of 24 by 24, in the colour of the text around.

use yew::prelude::*;

/// An icon's strokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icon(&'static str);

/// A chart.
pub const OVERVIEW: Icon = Icon("M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6");
/// A list.
pub const LIST: Icon = Icon("M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01");
/// A tree of lines.
pub const TREE: Icon = Icon("M5 4v13a2 2 0 0 0 2 2h4M5 9h6M14 9h6M14 19h6");
/// Lines of text.
pub const LOG: Icon = Icon("M5 4h14v16H5zM8.5 8.5h7M8.5 12h7M8.5 15.5h4");
/// Boxes that depend on each other.
pub const SERVICES: Icon = Icon("M4 4h7v6H4zM13 14h7v6h-7zM7.5 10v4.5a2.5 2.5 0 0 0 2.5 2.5h3");
/// Again.
pub const AGAIN: Icon = Icon("M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4h-4");
/// Start.
pub const PLAY: Icon = Icon("M7 5l12 7-12 7z");
/// Pause.
pub const PAUSE: Icon = Icon("M8 5v14M16 5v14");
/// Stop.
pub const STOP: Icon = Icon("M6 6h12v12H6z");
/// Three dots.
pub const MORE: Icon = Icon("M12 5.5h.01M12 12h.01M12 18.5h.01");
/// The sun.
pub const SUN: Icon = Icon(
    "M12 8a4 4 0 1 0 0 8 4 4 0 1 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
);
/// The moon.
pub const MOON: Icon = Icon("M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z");
/// A magnifying glass.
pub const SEARCH: Icon = Icon("M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13M15.5 15.5L20 20");
/// Down.
pub const DOWN: Icon = Icon("M6 9l6 6 6-6");
/// Left.
pub const LEFT: Icon = Icon("M15 6l-6 6 6 6");
/// Right.
pub const RIGHT: Icon = Icon("M9 6l6 6-6 6");
/// An arrow up.
pub const ARROW_UP: Icon = Icon("M12 19V5M6 11l6-6 6 6");
/// An arrow down.
pub const ARROW_DOWN: Icon = Icon("M12 5v14M6 13l6 6 6-6");
/// A tick in a circle.
pub const GOOD: Icon = Icon("M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M8 12.3l2.7 2.7 5.3-5.6");
/// An exclamation mark in a triangle.
pub const WARNING: Icon = Icon("M12 3.5L22 20.5H2zM12 10v4.5M12 17.4h.01");
/// An exclamation mark in a circle.
pub const BAD: Icon = Icon("M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M12 7.5v5.5M12 16.4h.01");
/// An i in a circle.
pub const INFO: Icon = Icon("M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M12 11v5.5M12 7.6h.01");
/// A cross.
pub const CLOSE: Icon = Icon("M6 6l12 12M18 6L6 18");
/// A person.
pub const USER: Icon =
    Icon("M12 4a4 4 0 1 0 0 8 4 4 0 1 0 0-8M4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6");
/// A plus sign.
pub const PLUS: Icon = Icon("M12 5v14M5 12h14");
/// A broken connection.
pub const OFFLINE: Icon = Icon(
    "M3 3l18 18M8.5 16a5 5 0 0 1 5-1.2M5 12.2a10 10 0 0 1 4-2.4M14 9.4a10 10 0 0 1 5 2.8M2 8.6a15 15 0 0 1 4-2.6M11 4.8a15 15 0 0 1 11 3.8M12 19.5h.01",
);

/// Draws an icon. It says nothing to a screen reader; the text beside it does.
pub fn icon(icon: Icon) -> Html {
    html! {
        <svg class="mo-icon" viewBox="0 0 24 24" width="1em" height="1em" fill="none"
            stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"
            aria-hidden="true" focusable="false">
            <path d={icon.0} />
        </svg>
    }
}

/// The product's mark.
pub fn mark() -> Html {
    html! {
        <svg class="mo-mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect class="mo-mark__ground" width="32" height="32" rx="8" />
            <rect class="mo-mark__bar" x="7" y="16" width="4" height="9" rx="1.5" />
            <rect class="mo-mark__bar" x="14" y="7" width="4" height="18" rx="1.5" />
            <rect class="mo-mark__bar" x="21" y="12" width="4" height="13" rx="1.5" />
        </svg>
    }
}
