//! The order of ids.

use std::cmp::Ordering;

/// Compares two ids by their length and then by their bytes, which is the numeric order of Discord
/// ids. It orders the ids of teams and pairs as well, so that "the lower id" is one rule.
#[must_use]
pub fn compare_ids(left: &str, right: &str) -> Ordering {
    let by_length = left.len().cmp(&right.len());
    by_length.then_with(|| left.as_bytes().cmp(right.as_bytes()))
}
