//! The floor below the server: the bare database, with the same tables and indexes, that does as little
//! as can be done for a durable event.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait, Value};
use tokio::process::Command;
use uuid::Uuid;

use crate::Result;
use crate::backend::{Backend, Bench};
use crate::event::{ACTOR_ID, CATEGORY, CORRELATION_ID, DATA, EVENT_TYPE, GUILD_ID, metadata};

/// The columns of `events`.
const COLUMNS: &str = "position, event_id, stream_id, stream_version, category, guild_id, event_type, \
                       schema_version, data, metadata, salt, correlation_id, causation_id, actor_id, \
                       recorded_at, content_hash, hash";

/// A database with the server's tables and one stream for each connection that it may get.
pub(crate) struct Floor {
    backend: Backend,
    database: DatabaseConnection,
    url: String,
    folder: PathBuf,
    pgbench: Option<PathBuf>,
    /// Grows with every use, so that versions and positions are never taken twice.
    used: i64,
}

impl Floor {
    /// An empty one.
    pub(crate) async fn open(bench: &Bench) -> Result<Self> {
        let (database, url) = bench.migrated("floor").await?;
        if bench.backend == Backend::Postgres {
            database
                .execute_unprepared("CREATE SEQUENCE bench_position")
                .await?;
        }
        for id in 1..=64 {
            let sql = format!(
                "INSERT INTO streams (id, name, category, guild_id, version, status, hidden_through, created_at,
                    updated_at) VALUES ({id}, '{CATEGORY}-{id}', '{CATEGORY}', '{GUILD_ID}', 0, 0, 0, 0, 0)"
            );
            database.execute_unprepared(&sql).await?;
        }
        Ok(Self {
            backend: bench.backend,
            database,
            url,
            folder: bench.folder().to_owned(),
            pgbench: bench.postgres_program("pgbench"),
            used: 0,
        })
    }

    /// Events per second, one INSERT and one commit for each, nothing else.
    pub(crate) async fn append(&mut self, connections: usize, time: Duration) -> Result<f64> {
        match self.backend {
            Backend::Sqlite => self.insert_alone(time).await,
            Backend::Postgres => self.pgbench(INSERT, connections, time).await,
        }
    }

    /// Events per second, where each transaction also does what makes a log of a table: it locks the head,
    /// looks the stream up, gives the next position, and writes stream and head.
    pub(crate) async fn append_in_order(
        &mut self,
        connections: usize,
        time: Duration,
    ) -> Result<f64> {
        match self.backend {
            Backend::Sqlite => self.insert_in_order(time).await,
            Backend::Postgres => self.pgbench(IN_ORDER, connections, time).await,
        }
    }

    /// How long one INSERT and its commit take, in milliseconds, at a steady rate.
    pub(crate) async fn commit_times(
        &mut self,
        distance: Duration,
        time: Duration,
    ) -> Result<Vec<f64>> {
        let mut clock = tokio::time::interval(distance);
        let mut times = Vec::new();
        let start = Instant::now();
        while start.elapsed() < time {
            clock.tick().await;
            self.used += 1;
            let insert = insert(self.database.get_database_backend(), self.used)?;
            let sent = Instant::now();
            self.database.execute_raw(insert).await?;
            times.push(sent.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(times)
    }

    async fn pgbench(&mut self, script: &str, connections: usize, time: Duration) -> Result<f64> {
        self.used += 10_000_000;
        let file = self.folder.join("pgbench.sql");
        std::fs::write(&file, script.replace("{COLUMNS}", COLUMNS))?;
        let program = self.pgbench.as_ref().ok_or("pgbench is PostgreSQL's")?;
        let mut command = Command::new(program);
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]);
        command.arg(format!("--client={connections}"));
        command.arg(format!("--time={}", time.as_secs()));
        command.arg("--file").arg(file);
        for (name, value) in self.variables() {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let output = command.arg(&self.url).output().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        let unclear = || format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        Ok(rate.ok_or_else(unclear)?.parse()?)
    }

    fn variables(&self) -> [(&'static str, String); 10] {
        [
            ("version", self.used.to_string()),
            ("category", CATEGORY.to_owned()),
            ("guild", GUILD_ID.to_owned()),
            ("type", EVENT_TYPE.to_owned()),
            ("data", DATA.to_owned()),
            ("metadata", metadata(1)),
            ("salt", hex_bytes(16)),
            ("hash", hex_bytes(32)),
            ("correlation", CORRELATION_ID.to_owned()),
            ("actor", ACTOR_ID.to_owned()),
        ]
    }

    async fn insert_alone(&mut self, time: Duration) -> Result<f64> {
        let start = Instant::now();
        let mut count = 0_u32;
        while start.elapsed() < time {
            self.used += 1;
            let insert = insert(DbBackend::Sqlite, self.used)?;
            self.database.execute_raw(insert).await?;
            count += 1;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }

    async fn insert_in_order(&mut self, time: Duration) -> Result<f64> {
        let start = Instant::now();
        let mut count = 0_u32;
        let sqlite = |sql: &str, values: Vec<Value>| {
            Statement::from_sql_and_values(self.database.get_database_backend(), sql, values)
        };
        while start.elapsed() < time {
            self.used += 1;
            let transaction = self.database.begin().await?;
            let head = sqlite(
                "SELECT position, next_stream_id FROM log_head WHERE id = 1",
                vec![],
            );
            transaction.query_one_raw(head).await?;
            let stream = sqlite(
                "SELECT id, version FROM streams WHERE name = ?",
                vec![format!("{CATEGORY}-1").into()],
            );
            transaction.query_one_raw(stream).await?;
            transaction
                .execute_raw(insert(DbBackend::Sqlite, self.used)?)
                .await?;
            let stream = "UPDATE streams SET version = version + 1, updated_at = ? WHERE id = 1";
            transaction
                .execute_raw(sqlite(stream, vec![self.used.into()]))
                .await?;
            let head = "UPDATE log_head SET position = ?, hash = ?, recorded_at = ? WHERE id = 1";
            let values = vec![self.used.into(), vec![1_u8; 32].into(), self.used.into()];
            transaction.execute_raw(sqlite(head, values)).await?;
            transaction.commit().await?;
            count += 1;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}

fn insert(backend: DbBackend, number: i64) -> Result<Statement> {
    let marks = 1..=COLUMNS.split(',').count();
    let marks: Vec<String> = match backend {
        DbBackend::Sqlite => marks.map(|_| "?".to_owned()).collect(),
        _ => marks.map(|mark| format!("${mark}")).collect(),
    };
    let sql = format!(
        "INSERT INTO events ({COLUMNS}) VALUES ({})",
        marks.join(", ")
    );
    let cause = u64::try_from(number)?;
    let values: Vec<Value> = vec![
        number.into(),
        Uuid::from_u128(rand::random()).into(),
        1_i64.into(),
        i32::try_from(number)?.into(),
        CATEGORY.into(),
        GUILD_ID.into(),
        EVENT_TYPE.into(),
        1_i32.into(),
        DATA.into(),
        metadata(cause).into(),
        vec![7_u8; 16].into(),
        CORRELATION_ID.into(),
        format!("{cause:018}").into(),
        ACTOR_ID.into(),
        number.into(),
        vec![1_u8; 32].into(),
        vec![1_u8; 32].into(),
    ];
    Ok(Statement::from_sql_and_values(backend, sql, values))
}

fn hex_bytes(count: usize) -> String {
    let mut text = String::from("\\x");
    for number in 0..count {
        // Writing to a string cannot fail.
        let _ = write!(text, "{number:02x}");
    }
    text
}

const INSERT: &str = r"
\set version :version + 1
\set stream :client_id + 1
\set cause random(100000000000000000, 199999999999999999)
INSERT INTO events ({COLUMNS}) VALUES (nextval('bench_position'), gen_random_uuid(), :stream, :version, :category, :guild, :type, 1, :data, :metadata, :salt, :correlation, :cause, :actor, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, :hash, :hash);
";

const IN_ORDER: &str = r"
\set stream :client_id + 1
\set cause random(100000000000000000, 199999999999999999)
BEGIN;
SELECT nextval('bench_position') AS next FROM log_head WHERE id = 1 FOR UPDATE \gset
SELECT version + 1 AS version FROM streams WHERE id = :stream \gset
INSERT INTO events ({COLUMNS}) VALUES (:next, gen_random_uuid(), :stream, :version, :category, :guild, :type, 1, :data, :metadata, :salt, :correlation, :cause, :actor, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, :hash, :hash);
UPDATE streams SET version = :version, updated_at = :next WHERE id = :stream;
UPDATE log_head SET position = :next, hash = :hash, recorded_at = :next WHERE id = 1;
COMMIT;
";
