//! The web console: reducers, formatting, pages.
