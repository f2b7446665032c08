//! Comparisons of whole areas with naive models. proptest prints the seed of a failure.

mod signals;
mod table;
