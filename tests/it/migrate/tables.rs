//! What is in a database besides what the program says: the tables themselves, as comparable text.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

use crate::support::World;

/// SQLite keeps the words with which each thing was made.
const SQLITE_SCHEMA: &[&str] = &[
    "SELECT type || ' ' || name || ' of ' || tbl_name || ': ' || coalesce(sql, '')
     FROM sqlite_schema WHERE tbl_name <> 'seaql_migrations'",
];

/// Numbers of columns are counted here, since a column that was dropped leaves its number unused for ever.
const POSTGRES_SCHEMA: &[&str] = &[
    "SELECT concat_ws(' ', 'column', table_name,
        row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position), column_name, udt_name,
        'null', is_nullable, 'default', column_default, 'collation', collation_name,
        'identity', is_identity, 'generated', generation_expression)
     FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'",
    "SELECT concat_ws(' ', 'relation', relkind, relpersistence, relname, reloptions)
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'seaql_migrations%'",
    "SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
     FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('seaql_migrations'), 0)",
    "SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes
     WHERE schemaname = 'public' AND tablename <> 'seaql_migrations'",
    "SELECT concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT concat_ws(' ', 'function', pg_get_functiondef(oid)) FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace",
    "SELECT concat_ws(' ', 'type', typname, typtype) FROM pg_type
     WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%seaql_migrations'",
];

/// Everything that the migrations made, one thing in each line, in an order of its own. The list of the
/// applied migrations is left out: it stays when all are taken back.
pub(super) async fn schema(world: &World) -> String {
    let statements = if world.is_sqlite() {
        SQLITE_SCHEMA
    } else {
        POSTGRES_SCHEMA
    };
    let mut lines = Vec::new();
    for statement in statements {
        lines.extend(texts(world, statement).await);
    }
    lines.sort();
    lines.join("\n")
}

/// The rows of a table in the order of the first column, each as one text.
pub(super) async fn rows_of(world: &World, table: &str, columns: &str) -> Vec<String> {
    let as_text = |column: &str| {
        if world.is_sqlite() {
            format!("quote({column})")
        } else {
            format!("quote_nullable({column})")
        }
    };
    let first = columns.split(", ").next().unwrap();
    let row = columns
        .split(", ")
        .map(as_text)
        .collect::<Vec<_>>()
        .join(" || ' ' || ");
    texts(
        world,
        &format!("SELECT {row} FROM {table} ORDER BY {first}"),
    )
    .await
}

/// Changes a database behind the program's back.
pub(super) async fn execute(world: &World, sql: &str) {
    let db = connect(world).await;
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

/// The only column of every row, with every run of white space as one space.
async fn texts(world: &World, sql: &str) -> Vec<String> {
    let db = connect(world).await;
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    db.close().await.unwrap();
    rows.iter()
        .map(|row| {
            let text: String = row.try_get_by_index(0).unwrap();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

async fn connect(world: &World) -> DatabaseConnection {
    let url = if world.is_sqlite() {
        // A world's file does not exist before its first use.
        format!("{}?mode=rwc", world.database_url())
    } else {
        world.database_url().to_owned()
    };
    Database::connect(url).await.unwrap()
}
