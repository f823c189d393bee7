//! The tables of one build, and statements on them that are written once for both backends.
//!
//! A build has tables of its own, whose names begin with its number; so two builds of a projection stand side
//! by side, and taking one away is taking its tables away. In a statement `{name}` is the table `name` of the
//! build, `{text}` the type of a text that sorts by bytes, and `?` the next value.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, Value};

use crate::event::RecordedEvent;
use crate::store::DatabaseError;

/// What a projection keeps: the statements that make its tables, and those that make the indexes which only
/// readers need.
pub(super) struct Layout {
    /// The names of the tables.
    pub(super) tables: &'static [&'static str],
    /// `CREATE TABLE …`, one for each.
    pub(super) creations: &'static [&'static str],
    /// `CREATE INDEX IF NOT EXISTS …`, each by itself: whoever makes them may be killed between two. A rebuild makes them when it has caught up: to sort once is many times cheaper than
    /// to keep an index in order while it grows at random.
    pub(super) indexes: &'static [&'static str],
}

/// How the tables of a build, or the tables about builds, are called.
#[derive(Clone, Debug)]
pub(super) struct Names {
    backend: DbBackend,
    prefix: String,
}

/// The schema that holds everything derived on PostgreSQL: nothing else is in it, and the log is not.
pub(super) const SCHEMA: &str = "projections";

impl Names {
    /// The tables about builds.
    pub(super) fn of_control(backend: DbBackend) -> Self {
        Self {
            backend,
            prefix: qualified(backend, ""),
        }
    }

    /// The tables of a build.
    pub(super) fn of_build(backend: DbBackend, build: i64) -> Self {
        Self {
            backend,
            prefix: qualified(backend, &format!("b{build}_")),
        }
    }

    /// A statement with its values.
    pub(super) fn statement(&self, template: &str, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.backend, self.sql(template), values)
    }

    /// The text of a statement for this backend.
    pub(super) fn sql(&self, template: &str) -> String {
        let mut sql = String::with_capacity(template.len() + 64);
        let mut parameters = 0;
        let mut rest = template;
        while let Some(at) = rest.find(['{', '?']) {
            sql.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix('?') {
                parameters += 1;
                match self.backend {
                    DbBackend::Sqlite => sql.push('?'),
                    _ => {
                        // Writing to a text cannot fail.
                        let _ = write!(sql, "${parameters}");
                    }
                }
                rest = after;
            } else {
                let end = rest.find('}').unwrap_or(rest.len() - 1);
                self.push_name(&mut sql, &rest[1..end]);
                rest = &rest[end + 1..];
            }
        }
        sql.push_str(rest);
        sql
    }

    fn push_name(&self, sql: &mut String, name: &str) {
        match (name, self.backend) {
            ("text", DbBackend::Sqlite) => sql.push_str("TEXT"),
            ("text", _) => sql.push_str("TEXT COLLATE \"C\""),
            // An index stands in the schema of its table, and is named without it.
            (index, _) if index.ends_with("_index") => {
                let unqualified = self.prefix.rsplit('.').next().unwrap_or_default();
                sql.push_str(unqualified);
                sql.push_str(index);
            }
            (table, _) => {
                sql.push_str(&self.prefix);
                sql.push_str(table);
            }
        }
    }
}

fn qualified(backend: DbBackend, prefix: &str) -> String {
    match backend {
        DbBackend::Sqlite => prefix.to_owned(),
        _ => format!("{SCHEMA}.{prefix}"),
    }
}

/// An event that a projection could not use.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Its place among the events of the batch.
    pub(super) index: usize,
    /// Why, in words.
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(index: usize, event: &RecordedEvent, reason: String) -> Self {
        tracing::debug!(position = %event.position, %reason, "a projection cannot use an event");
        Self { index, reason }
    }
}

/// Where a batch of events is applied: the tables of a build, inside one transaction.
pub(super) struct Target<'a> {
    transaction: &'a DatabaseTransaction,
    names: &'a Names,
    pub(super) faults: Vec<Fault>,
}

/// The most rows in one statement of SQLite: few enough that each number of rows has a prepared statement.
const SQLITE_ROWS: usize = 64;
/// The same for PostgreSQL, whose statements may have 65,535 values.
const POSTGRES_ROWS: usize = 500;
/// The sizes of lists in conditions: few, so that each statement is prepared once.
const LIST_SIZES: [usize; 4] = [1, 8, 64, 256];

impl<'a> Target<'a> {
    pub(super) fn new(transaction: &'a DatabaseTransaction, names: &'a Names) -> Self {
        Self {
            transaction,
            names,
            faults: Vec::new(),
        }
    }

    /// Takes note of an event of the batch that cannot be used. What became of it, the error policy says.
    pub(super) fn fault(&mut self, index: usize, event: &RecordedEvent, reason: &str) {
        self.faults
            .push(Fault::new(index, event, reason.to_owned()));
    }

    pub(super) async fn rows(
        &self,
        template: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, DatabaseError> {
        let statement = self.names.statement(template, values);
        Ok(self.transaction.query_all_raw(statement).await?)
    }

    pub(super) async fn execute(
        &self,
        template: &str,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        let statement = self.names.statement(template, values);
        Ok(self
            .transaction
            .execute_raw(statement)
            .await?
            .rows_affected())
    }

    /// The rows whose key is one of many: `template` ends with the column that is compared.
    pub(super) async fn rows_of(
        &self,
        template: &str,
        mut keys: Vec<Value>,
    ) -> Result<Vec<QueryResult>, DatabaseError> {
        let mut rows = Vec::new();
        while let Some(last) = keys.last().cloned() {
            let greatest = LIST_SIZES[LIST_SIZES.len() - 1];
            let size = LIST_SIZES.into_iter().find(|&size| size >= keys.len());
            let size = size.unwrap_or(greatest);
            let mut chunk = keys.split_off(keys.len().saturating_sub(size));
            // A list of the next larger size, filled up with one key again.
            chunk.resize(size, last);
            let list = vec!["?"; size].join(", ");
            rows.extend(self.rows(&format!("{template} IN ({list})"), chunk).await?);
        }
        Ok(rows)
    }

    /// Inserts rows, in as few statements as the backend allows; `rest` says what happens to those whose key
    /// is there already.
    pub(super) async fn insert<const N: usize>(
        &self,
        table: &str,
        columns: [&str; N],
        rows: Vec<[Value; N]>,
        rest: &str,
    ) -> Result<(), DatabaseError> {
        let most = match self.transaction.get_database_backend() {
            DbBackend::Sqlite => SQLITE_ROWS,
            _ => POSTGRES_ROWS,
        };
        let columns = columns.join(", ");
        let row = format!("({})", vec!["?"; N].join(", "));
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let count = rows.len().min(most);
            let all = vec![row.as_str(); count].join(", ");
            let template = format!("INSERT INTO {{{table}}} ({columns}) VALUES {all} {rest}");
            let values = rows.by_ref().take(count).flatten().collect();
            self.execute(&template, values).await?;
        }
        Ok(())
    }

    /// Inserts rows, and replaces those whose key, the first columns, is there already.
    pub(super) async fn upsert<const N: usize>(
        &self,
        table: &str,
        key_columns: usize,
        columns: [&str; N],
        rows: Vec<[Value; N]>,
    ) -> Result<(), DatabaseError> {
        let (key, others) = columns.split_at(key_columns);
        let others = others
            .iter()
            .map(|column| format!("{column} = excluded.{column}"))
            .collect::<Vec<_>>();
        let rest = if others.is_empty() {
            "ON CONFLICT DO NOTHING".to_owned()
        } else {
            let (key, others) = (key.join(", "), others.join(", "));
            format!("ON CONFLICT ({key}) DO UPDATE SET {others}")
        };
        self.insert(table, columns, rows, &rest).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_written_once_for_both_backends() {
        let template = "SELECT a FROM {game} WHERE b = ? AND c = ?";
        let sqlite = Names::of_build(DbBackend::Sqlite, 7);
        assert_eq!(
            sqlite.sql(template),
            "SELECT a FROM b7_game WHERE b = ? AND c = ?"
        );
        let postgres = Names::of_build(DbBackend::Postgres, 7);
        assert_eq!(
            postgres.sql(template),
            "SELECT a FROM projections.b7_game WHERE b = $1 AND c = $2"
        );
        let index = "CREATE INDEX {game_guild_index} ON {game} (guild_id)";
        assert_eq!(
            postgres.sql(index),
            "CREATE INDEX b7_game_guild_index ON projections.b7_game (guild_id)"
        );
        let column = "CREATE TABLE {game} (id {text})";
        assert_eq!(
            postgres.sql(column),
            "CREATE TABLE projections.b7_game (id TEXT COLLATE \"C\")"
        );
        let control = Names::of_control(DbBackend::Sqlite);
        assert_eq!(
            control.sql("SELECT 1 FROM {builds}"),
            "SELECT 1 FROM builds"
        );
    }
}
