//! [`Page`]: a part of a collection.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A page of a collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// What to give as `cursor` to get the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// How many items match in all.
    pub total: u64,
}
