//! Values as columns hold them: times as microseconds since 1970, lists and objects as JSON text.

use chrono::{DateTime, Utc};
use sea_orm::{QueryResult, TryGetable};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::position::Position;
use crate::store::DatabaseError;

/// A time as a column holds it.
pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// A time of a column.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, DatabaseError> {
    serde_json::to_string(value).map_err(|error| DatabaseError::Refused(error.to_string()))
}

/// A value of JSON text that a projection has written.
pub(super) fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, DatabaseError> {
    serde_json::from_str(text).map_err(|error| DatabaseError::Refused(error.to_string()))
}

/// The columns of a row, one after the other in the order of the statement.
pub(super) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a QueryResult) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(super) fn take<T: TryGetable>(&mut self) -> Result<T, DatabaseError> {
        let column = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(column)
    }

    /// The next column, a time.
    pub(super) fn time(&mut self) -> Result<DateTime<Utc>, DatabaseError> {
        self.take().map(time)
    }

    /// The next column, a time or null.
    pub(super) fn time_or_null(&mut self) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        Ok(self.take::<Option<i64>>()?.map(time))
    }

    /// The next column, a position of the log.
    pub(super) fn position(&mut self) -> Result<Position, DatabaseError> {
        self.take().map(Position::from_stored)
    }

    /// The next column, 1 where something is so and 0 where it is not.
    pub(super) fn truth(&mut self) -> Result<bool, DatabaseError> {
        Ok(self.take::<i32>()? == 1)
    }

    /// The next column, of JSON text.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, DatabaseError> {
        of_json(&self.take::<String>()?)
    }

    /// The next column, of JSON text or null.
    pub(super) fn json_or_null<T: DeserializeOwned>(&mut self) -> Result<Option<T>, DatabaseError> {
        let text: Option<String> = self.take()?;
        text.as_deref().map(of_json).transpose()
    }
}
