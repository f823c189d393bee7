//! A path into an event's JSON, and the question whether a simple value stands there.
//!
//! The question is asked in three languages: of the text itself (live feeds), of SQLite and of
//! PostgreSQL (reads). The three must agree on every document, so they stand side by side here,
//! and a property test compares them. What they agree on:
//!
//! * A key finds a member of an object only, an index an element of an array only.
//! * A string equals the wanted one when both have the same characters, however they are escaped.
//! * An integer equals a number that is *written* as an integer of the same value: `7` finds `7`,
//!   but neither `7.0` nor `7e0`. JSON has one spelling for each integer, but for 0 and -0; so
//!   comparing texts is exact, and no reading of numbers by a database (which may round beyond 64
//!   bits) comes into it.
//! * What is absent equals nothing, not even null. A payload that was removed equals nothing.

mod parse;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::json_text::{Walk, same_characters};

pub use parse::JsonPathError;

/// A path such as `a.b[0]`: 1 to 16 steps, at most 200 bytes; the first step is a key.
///
/// A key is one or more of `A-Z a-z 0-9 _ $ -`; an index counts from 0 up to 2^31 − 1, without
/// leading zeros. Each path has exactly one spelling, the one that [`fmt::Display`] shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// The member of an object with this key.
    Key(String),
    /// The element of an array with this index, counted from 0, at most `i32::MAX`.
    Index(u32),
}

/// A value that can be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonScalar {
    /// A string with exactly these characters.
    Str(String),
    /// `true` or `false`.
    Bool(bool),
    /// The literal `null`.
    Null,
    /// A number written as an integer, of this value.
    Int(i64),
}

/// The database that an SQL condition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlDialect {
    /// SQLite 3.45 or newer; placeholders are `?`.
    Sqlite,
    /// PostgreSQL 15 or newer; placeholders are `$n`.
    Postgres,
}

/// A value to bind to a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SqlBind {
    /// Text.
    Text(String),
    /// A 64-bit integer.
    Int(i64),
}

/// What an SQL condition compares a value with.
#[derive(Debug, PartialEq, Eq)]
enum Comparand {
    /// Nothing: the wanted string has a NUL, which no accepted document contains.
    Nothing,
    /// The characters of a string, whatever its escapes.
    Characters(String),
    /// The text of a value that has one spelling in every document.
    Written(String),
    /// `0` or `-0`.
    Zero,
}

impl JsonPath {
    /// Parses a path; see [`JsonPath`] for the grammar.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        parse::steps(text).map(|steps| Self { steps })
    }

    /// Whether the wanted value stands at this path in a compact, valid document.
    ///
    /// One pass that stops at the value; nothing is allocated. On damaged text the answer means
    /// nothing, but the call does not panic.
    #[must_use]
    pub fn matches(&self, text: &str, wanted: &JsonScalar) -> bool {
        self.find(text).is_some_and(|value| wanted.equals(value))
    }

    /// The condition that means the same in SQL, with the values to bind to its placeholders in
    /// their order.
    ///
    /// `column` is an SQL expression, put in as it is: a TEXT column with compact JSON or NULL.
    /// `next_bind` is the number of the first placeholder on PostgreSQL, from 1; on SQLite the
    /// placeholders are not numbered. The condition is true or false, never NULL.
    ///
    /// Text that is not JSON (a row changed behind the server's back) is false on SQLite and an
    /// error on PostgreSQL, whose version 15 cannot ask first.
    #[must_use]
    pub fn sql(
        &self,
        dialect: SqlDialect,
        column: &str,
        wanted: &JsonScalar,
        next_bind: usize,
    ) -> (String, Vec<SqlBind>) {
        match dialect {
            SqlDialect::Sqlite => self.sqlite(column, wanted.comparand()),
            SqlDialect::Postgres => self.postgres(column, wanted.comparand(), next_bind),
        }
    }

    /// The text of the value at this path.
    fn find<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut walk = Walk::new(text);
        for step in &self.steps {
            match step {
                Step::Key(key) => walk.enter_member(key)?,
                Step::Index(index) => walk.enter_element(*index)?,
            }
        }
        walk.skip_value()
    }

    /// SQLite: `->` answers the text of a value as written, `->>` the characters of a string. IS
    /// never answers NULL; CASE keeps the functions from failing on text that is not JSON.
    fn sqlite(&self, column: &str, wanted: Comparand) -> (String, Vec<SqlBind>) {
        let path = SqlBind::Text(self.sqlite_path());
        let (comparison, binds) = match wanted {
            Comparand::Nothing => return nothing(),
            Comparand::Characters(characters) => (
                format!("json_type({column}, ?) IS 'text' AND ({column} ->> ?) IS ?"),
                vec![path.clone(), path, SqlBind::Text(characters)],
            ),
            Comparand::Zero => (
                format!("COALESCE(({column} -> ?) IN ('0', '-0'), FALSE)"),
                vec![path],
            ),
            Comparand::Written(text) => (
                format!("({column} -> ?) IS ?"),
                vec![path, SqlBind::Text(text)],
            ),
        };
        (
            format!("(CASE WHEN json_valid({column}) THEN {comparison} ELSE FALSE END)"),
            binds,
        )
    }

    /// The path in SQLite's spelling: `$."a"."b"[0]`. The characters of a key need no escape.
    fn sqlite_path(&self) -> String {
        self.steps
            .iter()
            .fold("$".to_owned(), |path, step| match step {
                Step::Key(key) => format!("{path}.\"{key}\""),
                Step::Index(index) => format!("{path}[{index}]"),
            })
    }

    /// PostgreSQL: a chain of `->`, whose right side is text for a key and int for an index. (The
    /// operators that take a whole path would let the text '0' find an array's element.) The type
    /// is json and not jsonb, which would write numbers anew.
    fn postgres(
        &self,
        column: &str,
        wanted: Comparand,
        next_bind: usize,
    ) -> (String, Vec<SqlBind>) {
        let mut binds = self.steps.iter().map(SqlBind::from).collect::<Vec<_>>();
        let value = self.postgres_value(column, next_bind, "->");
        let comparand = format!("${}::text", next_bind + binds.len());
        let comparison = match wanted {
            Comparand::Nothing => return nothing(),
            Comparand::Characters(characters) => {
                binds.push(SqlBind::Text(characters));
                let characters = self.postgres_value(column, next_bind, "->>");
                format!("json_typeof({value}) = 'string' AND ({characters}) = {comparand}")
            }
            Comparand::Zero => format!("({value})::text IN ('0', '-0')"),
            Comparand::Written(text) => {
                binds.push(SqlBind::Text(text));
                format!("({value})::text = {comparand}")
            }
        };
        (format!("COALESCE({comparison}, FALSE)"), binds)
    }

    /// The value at this path, with `->` or `->>` as the last operator.
    fn postgres_value(&self, column: &str, next_bind: usize, last: &str) -> String {
        let last_index = self.steps.len() - 1;
        let chain = self.steps.iter().enumerate().map(|(index, step)| {
            let operator = if index == last_index { last } else { "->" };
            let placeholder = next_bind + index;
            match step {
                Step::Key(_) => format!(" {operator} ${placeholder}::text"),
                Step::Index(_) => format!(" {operator} (${placeholder}::bigint)::int"),
            }
        });
        std::iter::once(format!("({column})::json"))
            .chain(chain)
            .collect()
    }
}

impl JsonScalar {
    /// Whether a value, as it stands in a document, is this one.
    fn equals(&self, value: &str) -> bool {
        match self {
            Self::Str(characters) => value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .is_some_and(|written| same_characters(written, characters)),
            Self::Bool(true) => value == "true",
            Self::Bool(false) => value == "false",
            Self::Null => value == "null",
            // A fraction, an exponent or a value beyond 64 bits does not parse; -0 parses to 0.
            Self::Int(integer) => value.parse::<i64>().is_ok_and(|found| found == *integer),
        }
    }

    /// What SQL compares with.
    fn comparand(&self) -> Comparand {
        match self {
            Self::Str(characters) if characters.contains('\0') => Comparand::Nothing,
            Self::Str(characters) => Comparand::Characters(characters.clone()),
            Self::Bool(value) => Comparand::Written(value.to_string()),
            Self::Null => Comparand::Written("null".to_owned()),
            Self::Int(0) => Comparand::Zero,
            Self::Int(value) => Comparand::Written(value.to_string()),
        }
    }
}

/// The condition that no row meets. No accepted document contains NUL, and PostgreSQL would refuse
/// the whole statement for binding it.
fn nothing() -> (String, Vec<SqlBind>) {
    ("FALSE".to_owned(), Vec::new())
}

impl From<&Step> for SqlBind {
    fn from(step: &Step) -> Self {
        match step {
            Step::Key(key) => Self::Text(key.clone()),
            Step::Index(index) => Self::Int(i64::from(*index)),
        }
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => out.write_str(key)?,
                Step::Key(key) => write!(out, ".{key}")?,
                Step::Index(index) => write!(out, "[{index}]")?,
            }
        }
        Ok(())
    }
}
