//! Relay's arguments as the ends of a range, and a range's rows as a page.

use async_graphql::connection::PageInfo;
use async_graphql::{Error, Result, SimpleObject};

use super::error_code::ErrorCode;
use super::loader::PageLimits;

/// How many items there are in a list.
#[derive(SimpleObject, Clone, Copy, Debug)]
pub(super) struct Count {
    /// The number, counted up to a bound of the server.
    pub value: i32,
    /// Whether the list ends there. Where false, there are more.
    pub is_exact: bool,
}

/// `first`, `after`, `last` and `before` as they came.
pub(super) struct PageArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
}

/// Which end of a list a page is taken from, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageSize {
    pub(super) limit: usize,
    pub(super) from_the_end: bool,
}

impl PageArguments {
    /// The size of the page; refused above the limit, never clamped in silence.
    pub(super) fn size(&self, limits: &PageLimits) -> Result<PageSize> {
        let (name, asked, from_the_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(ErrorCode::InvalidArgument.error(
                    "Both `first` and `last` are given. Give `first` for the beginning of the list or `last` \
                     for its end.",
                ));
            }
            (None, Some(last)) => ("last", Some(last), true),
            (first, None) => ("first", first, false),
        };
        let Some(asked) = asked else {
            return Ok(PageSize {
                limit: limits.page_default,
                from_the_end,
            });
        };
        let limit = usize::try_from(asked).map_err(|_| negative(name, asked))?;
        if limit > limits.page_max {
            let most = limits.page_max;
            return Err(ErrorCode::LimitExceeded.error(format!(
                "`{name}` is {asked}; the limit is {most}. Ask for no more, and for the next page with a \
                 cursor of `pageInfo`."
            )));
        }
        Ok(PageSize {
            limit,
            from_the_end,
        })
    }
}

/// The error that a number of items is below 0.
pub(super) fn negative(name: &str, value: i32) -> Error {
    ErrorCode::InvalidArgument.error(format!("`{name}` is {value}. It must be 0 or more."))
}

/// A page's rows in the order of the list, and whether there are more on either side.
pub(super) struct Rows<T> {
    pub(super) items: Vec<T>,
    pub(super) has_previous: bool,
    pub(super) has_next: bool,
}

impl<T> Rows<T> {
    /// From rows that were read from one end of a range, one more than the page holds.
    ///
    /// `bounded_before`: whether the caller's other bound cut something off on the side where the page was
    /// taken from. Relay lets a server say so where it is cheap, and a cursor proves it.
    pub(super) fn new(mut items: Vec<T>, size: PageSize, bounded_before: bool) -> Self {
        let has_more = items.len() > size.limit;
        items.truncate(size.limit);
        if size.from_the_end {
            items.reverse();
            Self {
                items,
                has_previous: has_more,
                has_next: bounded_before,
            }
        } else {
            Self {
                items,
                has_previous: bounded_before,
                has_next: has_more,
            }
        }
    }

    pub(super) fn page_info(&self, cursor: impl Fn(&T) -> String) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.items.first().map(&cursor),
            end_cursor: self.items.last().map(&cursor),
        }
    }
}

impl Count {
    /// A count that stopped after `limit`.
    pub(super) fn up_to(found: u64, limit: u64) -> Self {
        let value = i32::try_from(found.min(limit)).unwrap_or(i32::MAX);
        Self {
            value,
            is_exact: found <= limit,
        }
    }
}
