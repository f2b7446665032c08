//! Comparisons of whole areas with naive models, and the values that processes carry. proptest
//! prints the seed of a failure.

mod permission;
mod signals;
mod table;
mod values;
