//! How the rows of a group get into the tables, in as few statements as the backend allows: while they
//! run, every other append waits.

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Iden, Statement, Value};

use super::database::DatabaseError;
use super::judge::{Head, View};
use super::row::{self, EVENT_COLUMNS, STREAM_COLUMNS};
use super::snapshot;
use crate::stream::{Stream, StreamStatus};

/// Writes the streams that a group made or changed, its events, and the head.
pub(super) async fn insert(
    transaction: &DatabaseTransaction,
    view: &View,
) -> Result<(), DatabaseError> {
    let streams = view
        .changed
        .iter()
        .filter_map(|name| view.streams.get(name));
    let streams: Vec<_> = streams.collect();
    match transaction.get_database_backend() {
        DbBackend::Sqlite => insert_into_sqlite(transaction, view, &streams).await?,
        _ => insert_into_postgres(transaction, view, &streams).await?,
    }
    let ended = streams.into_iter();
    for stream in ended.filter(|stream| stream.status == StreamStatus::Tombstoned) {
        // Nobody will ask for it again, and nothing of it is to be left.
        snapshot::remove_shown_before(transaction, stream.id, stream.hidden_through).await?;
    }
    Ok(())
}

/// New streams are inserted and known ones updated by one statement. What is hidden stays hidden: a scavenge
/// may have hidden more since the row was read.
const KNOWN_STREAMS: &str = " ON CONFLICT (id) DO UPDATE SET guild_id = excluded.guild_id,
    version = excluded.version, status = excluded.status,
    hidden_through = CASE WHEN streams.hidden_through > excluded.hidden_through
        THEN streams.hidden_through ELSE excluded.hidden_through END,
    max_events = excluded.max_events, updated_at = excluded.updated_at,
    deleted_through = excluded.deleted_through, max_age_ms = excluded.max_age_ms,
    max_count = excluded.max_count, truncate_before = excluded.truncate_before,
    metadata_version = excluded.metadata_version, metadata_position = excluded.metadata_position";

/// One statement for all three tables, whose text is the same for every group: each column is an array.
/// The references of events to their streams are checked at its end.
async fn insert_into_postgres(
    transaction: &DatabaseTransaction,
    view: &View,
    streams: &[&Stream],
) -> Result<(), DatabaseError> {
    let mut values = Vec::new();
    let streams = streams.iter().map(|stream| row::stream_values(stream));
    let streams = from_arrays("streams", &STREAM_COLUMNS, streams, &mut values);
    let events = view.accepted.iter().map(|event| row::event_values(event));
    let events = from_arrays("events", &EVENT_COLUMNS, events, &mut values);
    let first = values.len() + 1;
    let sql = format!(
        "WITH written_streams AS ({streams}{KNOWN_STREAMS}), written_events AS ({events})
         UPDATE log_head SET position = ${first}, hash = ${}, recorded_at = ${}, next_stream_id = ${}
         WHERE id = 1",
        first + 1,
        first + 2,
        first + 3,
    );
    values.extend(head_values(&view.head));
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    transaction.execute_raw(statement).await?;
    Ok(())
}

/// The columns that may be null in a new row, and what stands for null in their arrays, which hold none.
/// A value of theirs is never this one: an indexed text has a character at least, a limit is positive.
const NULLABLE: [(&str, &str); 8] = [
    ("guild_id", "''"),
    ("causation_id", "''"),
    ("actor_id", "''"),
    ("max_events", "0"),
    ("max_age_ms", "0"),
    ("max_count", "0"),
    ("truncate_before", "0"),
    ("metadata_position", "0"),
];

/// `INSERT INTO table (a, b) SELECT a, b FROM unnest($1::bigint[], $2::text[]) AS new (a, b)`; adds the
/// arrays to `values`.
fn from_arrays<C: Iden, const N: usize>(
    table: &str,
    columns: &[C; N],
    rows: impl Iterator<Item = [Value; N]>,
    values: &mut Vec<Value>,
) -> String {
    let mut arrays: [Vec<Value>; N] = std::array::from_fn(|_| Vec::new());
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            let is_null = value == value.as_null();
            array.push(if is_null { value.dummy_value() } else { value });
        }
    }
    let (mut names, mut selected, mut unnested) = (Vec::new(), Vec::new(), Vec::new());
    for (column, array) in columns.iter().zip(arrays) {
        let name = column.unquoted().to_owned();
        let null = NULLABLE.iter().find(|(nullable, _)| *nullable == name);
        selected.push(null.map_or_else(
            || name.clone(),
            |(_, null)| format!("nullif({name}, {null})"),
        ));
        names.push(name);
        let kind = array.first().map_or(ArrayType::String, Value::array_type);
        let parameter = values.len() + 1;
        unnested.push(format!("${parameter}::{}[]", sql_type(&kind)));
        values.push(Value::Array(kind, Some(Box::new(array))));
    }
    let names = names.join(", ");
    format!(
        "INSERT INTO {table} ({names}) SELECT {} FROM unnest({}) AS new ({names})",
        selected.join(", "),
        unnested.join(", ")
    )
}

/// PostgreSQL's name of the type of a column.
fn sql_type(kind: &ArrayType) -> &'static str {
    match kind {
        ArrayType::BigInt => "bigint",
        ArrayType::Int => "integer",
        ArrayType::Uuid => "uuid",
        ArrayType::Bytes => "bytea",
        _ => "text",
    }
}

async fn insert_into_sqlite(
    transaction: &DatabaseTransaction,
    view: &View,
    streams: &[&Stream],
) -> Result<(), DatabaseError> {
    let rows = streams.iter().map(|stream| row::stream_values(stream));
    let known = KNOWN_STREAMS;
    insert_rows(transaction, "streams", &STREAM_COLUMNS, rows, known).await?;
    let rows = view.accepted.iter().map(|event| row::event_values(event));
    insert_rows(transaction, "events", &EVENT_COLUMNS, rows, "").await?;
    let sql = "UPDATE log_head SET position = ?, hash = ?, recorded_at = ?, next_stream_id = ? WHERE id = 1";
    let head = head_values(&view.head);
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, head);
    transaction.execute_raw(statement).await?;
    Ok(())
}

/// The most rows in one statement. Up to here each number of rows has a statement of its own, so that most
/// groups take one, and all of them fit the connection's cache of prepared statements.
const MOST_ROWS: usize = 64;

async fn insert_rows<C: Iden, const N: usize>(
    transaction: &DatabaseTransaction,
    table: &str,
    columns: &[C; N],
    mut rows: impl ExactSizeIterator<Item = [Value; N]>,
    rest: &str,
) -> Result<(), DatabaseError> {
    let names: Vec<&str> = columns.iter().map(Iden::unquoted).collect();
    while rows.len() > 0 {
        let count = rows.len().min(MOST_ROWS);
        // Without numbers in the marks, which SQLite would look up one by one, each in a list of all.
        let row = format!("({})", vec!["?"; N].join(", "));
        let all = vec![row.as_str(); count].join(", ");
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {all}{rest}",
            names.join(", ")
        );
        let values = rows.by_ref().take(count).flatten();
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        transaction.execute_raw(statement).await?;
    }
    Ok(())
}

fn head_values(head: &Head) -> [Value; 4] {
    [
        head.position.get().into(),
        head.hash.to_vec().into(),
        head.recorded_at.into(),
        head.next_stream_id.into(),
    ]
}
