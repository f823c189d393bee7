//! An event's place in the whole log.

use std::fmt;

/// A global position: dense from 1, in commit order. 0 stands before the first event.
///
/// At most 2^53 − 1, so that it survives as a JSON number in every language (rule O7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(i64);

impl Position {
    /// Before the first event; also the head of an empty log.
    pub const ORIGIN: Self = Self(0);
    /// 2^53 − 1, the greatest integer that every JSON reader keeps exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// A position from a number, if it lies in 0 … 2^53 − 1.
    #[must_use]
    pub const fn new(number: i64) -> Option<Self> {
        if number >= 0 && number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// A position that the database handed out, which its own checks keep in range.
    #[must_use]
    pub(crate) const fn from_stored(number: i64) -> Self {
        Self(number)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The position before this one; the origin stays where it is.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(if self.0 > 0 { self.0 - 1 } else { 0 })
    }

    /// This position moved on by `count`, never beyond [`Position::MAX`].
    #[must_use]
    pub fn advance(self, count: i64) -> Self {
        Self(self.0.saturating_add(count).min(Self::MAX.0))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_json_reader_keeps_is_a_position() {
        assert_eq!(Position::new(0), Some(Position::ORIGIN));
        assert_eq!(Position::new((1 << 53) - 1), Some(Position::MAX));
        assert_eq!(Position::new(1 << 53), None);
        assert_eq!(Position::new(-1), None);
    }
}
