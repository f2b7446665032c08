//! The admin API: types, routes, authorisation, OpenAPI.
#![no_std]
#![forbid(unsafe_code)]
