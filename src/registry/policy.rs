//! Which categories of streams a rule holds for.

use crate::stream::is_category;

/// A set of categories, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    all: bool,
    named: Vec<String>,
}

/// The name that stands for all categories.
const ALL: &str = "*";

impl Categories {
    /// The set of these names, each of which [`is_name`](Self::is_name); `*` stands for all.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self {
            all: names.iter().any(|name| name == ALL),
            named: names.to_vec(),
        }
    }

    /// Whether a text names a category, or all of them.
    #[must_use]
    pub fn is_name(text: &str) -> bool {
        text == ALL || is_category(text)
    }

    /// Whether a category is in the set.
    #[must_use]
    pub fn have(&self, category: &str) -> bool {
        self.all || self.named.iter().any(|named| named == category)
    }
}
