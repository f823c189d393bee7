//! P9: pages of 100 events, along the log and along a stream, against the same pages of the bare database.

use std::time::{Duration, Instant};

use entity::event;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::{Bench, connect};
use crate::event::{APPENDED, STREAM_LENGTH, Writer};
use crate::http::Connection;
use crate::report::{Comparison, Report, Target};

/// Events per page.
const PAGE: usize = 100;

/// Streams in the log, each of [`STREAM_LENGTH`] events.
const STREAMS: usize = 20;

/// What is read.
#[derive(Clone, Copy, Debug)]
enum List {
    Log,
    Stream,
}

/// Fills a log, and reads it in both ways.
pub(crate) async fn run(bench: &Bench, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let served = bench.serve().await?;
    let mut connection = Connection::open(served.server.authority()).await?;
    let stream = fill(&mut connection).await?;
    let database = connect(&served.database_url).await?;
    for (list, name) in [
        (List::Log, "P9 read log"),
        (List::Stream, "P9 read stream of 1,000"),
    ] {
        let target = Some(Target::at_least(0.15, 0.4));
        let mut comparison = Comparison::new(name, bench.backend, "events/s", target);
        for _ in 0..arguments.repetitions {
            comparison.floor(raw(&database, list, arguments.time).await?);
            comparison
                .measured(over_graphql(&mut connection, list, &stream, arguments.time).await?);
        }
        report.add(comparison);
    }
    database.close().await?;
    Ok(())
}

/// Appends the events, and returns the name of the first stream.
async fn fill(connection: &mut Connection) -> Result<String> {
    let mut first = None;
    let mut writer = Writer::new(PAGE);
    for _ in 0..STREAMS * STREAM_LENGTH / PAGE {
        let answer = connection.post(writer.next_request()).await?;
        if !answer.starts_with(APPENDED) {
            return Err(String::from_utf8_lossy(answer).into_owned().into());
        }
        first.get_or_insert_with(|| writer.stream().to_owned());
    }
    first.ok_or_else(|| "nothing was appended".into())
}

fn rate(pages: usize, start: Instant) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of events are far below 2^52"
    )]
    let events = (pages * PAGE) as f64;
    events / start.elapsed().as_secs_f64()
}

/// Events per second over GraphQL: position, type, data and metadata, page after page by cursor, from the
/// beginning again at the end.
async fn over_graphql(
    connection: &mut Connection,
    list: List,
    stream: &str,
    time: Duration,
) -> Result<f64> {
    let start = Instant::now();
    let mut pages = 0;
    let mut after = "null".to_owned();
    while start.elapsed() < time {
        let answer = connection
            .post(page_request(list, stream, &after).as_bytes())
            .await?;
        pages += 1;
        let (has_next, cursor) = page_info(answer)?;
        after = if has_next {
            format!("\"{cursor}\"")
        } else {
            "null".to_owned()
        };
    }
    Ok(rate(pages, start))
}

fn page_request(list: List, stream: &str, after: &str) -> String {
    const PAGE_FIELDS: &str =
        "{ pageInfo { hasNextPage endCursor } nodes { position type data metadata { raw } } }";
    match list {
        List::Log => format!(
            r#"{{"query":"query Log($after: String) {{ events(first: {PAGE}, after: $after) {PAGE_FIELDS} }}","variables":{{"after":{after}}}}}"#
        ),
        List::Stream => format!(
            r#"{{"query":"query Stream($name: String!, $after: String) {{ stream(name: $name) {{ events(first: {PAGE}, after: $after) {PAGE_FIELDS} }} }}","variables":{{"name":"{stream}","after":{after}}}}}"#
        ),
    }
}

/// Whether there is another page, and the cursor that it comes after. The page info stands first in the
/// answer, so that the client need not look through the events.
fn page_info(answer: &[u8]) -> Result<(bool, String)> {
    let text = std::str::from_utf8(&answer[..answer.len().min(400)]).unwrap_or_default();
    let unclear = || {
        format!(
            "an answer without a page: {}",
            String::from_utf8_lossy(answer)
        )
    };
    let (_, rest) = text.split_once("\"hasNextPage\":").ok_or_else(unclear)?;
    let (_, cursor) = rest.split_once("\"endCursor\":\"").ok_or_else(unclear)?;
    let (cursor, _) = cursor.split_once('"').ok_or_else(unclear)?;
    Ok((rest.starts_with("true"), cursor.to_owned()))
}

/// Events per second from the bare database: the same pages, all columns, as SeaORM's models.
async fn raw(database: &DatabaseConnection, list: List, time: Duration) -> Result<f64> {
    let start = Instant::now();
    let mut pages = 0;
    let (mut position, mut version) = (0, 0);
    while start.elapsed() < time {
        let select = event::Entity::find().limit(PAGE as u64);
        let select = match list {
            List::Log => select
                .filter(event::Column::Position.gt(position))
                .order_by_asc(event::Column::Position),
            List::Stream => select
                .filter(event::Column::StreamId.eq(1))
                .filter(event::Column::StreamVersion.gt(version))
                .order_by_asc(event::Column::StreamVersion),
        };
        let rows = select.all(database).await?;
        let bottom = rows.last().ok_or("an empty page")?;
        pages += 1;
        let ends = match list {
            List::Log => bottom.position == as_i64(STREAMS * STREAM_LENGTH)?,
            List::Stream => i64::from(bottom.stream_version) == as_i64(STREAM_LENGTH)?,
        };
        // No empty page is read at the end: the server needs none either.
        (position, version) = if ends {
            (0, 0)
        } else {
            (bottom.position, bottom.stream_version)
        };
    }
    Ok(rate(pages, start))
}

fn as_i64(number: usize) -> Result<i64> {
    Ok(i64::try_from(number)?)
}
