//! Appends per second: P1 (PostgreSQL), P2 (SQLite), P3 (one writer), and batches of 100.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::{Backend, Bench, Served};
use crate::event::{APPENDED, Writer};
use crate::floor::Floor;
use crate::http::Connection;
use crate::report::{Comparison, Report, Target};

/// What one line of the table compares.
struct Case {
    name: &'static str,
    writers: usize,
    events_per_append: usize,
    /// How many connections the floor uses; none where there is nothing to compare with.
    floor_connections: Option<usize>,
    target: Option<Target>,
}

/// Measures every case on one backend.
pub(crate) async fn run(bench: &Bench, arguments: &Arguments, report: &mut Report) -> Result<()> {
    for case in cases(bench.backend) {
        let served = bench.serve().await?;
        let mut floor = Floor::open(bench).await?;
        let mut comparison = Comparison::new(case.name, bench.backend, "events/s", case.target);
        // The first seconds of a process and of an empty table are not what is asked for.
        load(
            &served,
            case.writers,
            case.events_per_append,
            Duration::from_secs(1),
        )
        .await?;
        for _ in 0..arguments.repetitions {
            if let Some(connections) = case.floor_connections {
                comparison.floor(floor.append(connections, arguments.time).await?);
            }
            let (writers, events) = (case.writers, case.events_per_append);
            let before = served.processor_time();
            let rate = load(&served, writers, events, arguments.time).await?;
            comparison.measured(rate);
            if let (Some(before), Some(after)) = (before, served.processor_time()) {
                let count = rate * arguments.time.as_secs_f64();
                comparison.processor(after.saturating_sub(before).as_secs_f64() * 1e6 / count);
            }
            if let Some(connections) = case.floor_connections {
                let rate = floor.append_in_order(connections, arguments.time).await?;
                comparison.other_floor("one event per transaction, with the head locked", rate);
            }
        }
        report.add(comparison);
    }
    Ok(())
}

fn cases(backend: Backend) -> [Case; 4] {
    let (name, connections, target) = match backend {
        Backend::Postgres => ("P1 append, 64 writers", 64, Target::at_least(0.7, 1.0)),
        Backend::Sqlite => ("P2 append, 64 writers", 1, Target::at_least(1.5, 2.5)),
    };
    let many = Case {
        name,
        writers: 64,
        events_per_append: 1,
        floor_connections: Some(connections),
        target: Some(target),
    };
    let some = Case {
        name: "append, 16 writers",
        writers: 16,
        floor_connections: (backend == Backend::Postgres).then_some(16),
        target: None,
        ..many
    };
    let one = Case {
        name: "P3 append, 1 writer",
        writers: 1,
        events_per_append: 1,
        floor_connections: Some(1),
        target: Some(Target::at_least(0.4, 0.7)),
    };
    let batches = Case {
        name: "batches of 100, 16 writers",
        writers: 16,
        events_per_append: 100,
        floor_connections: None,
        target: None,
    };
    [many, some, one, batches]
}

/// Lets writers append for a while, each on a stream of its own with the version that it expects, each
/// after the answer to its last append; returns the events per second.
async fn load(
    served: &Served,
    writers: usize,
    events_per_append: usize,
    time: Duration,
) -> Result<f64> {
    let mut connections = Vec::new();
    for _ in 0..writers {
        connections.push(Connection::open(served.server.authority()).await?);
    }
    let start = Instant::now();
    let mut writing = JoinSet::new();
    for connection in connections {
        writing.spawn(write(
            connection,
            Writer::new(events_per_append),
            start,
            time,
        ));
    }
    let mut appends = 0;
    while let Some(written) = writing.join_next().await {
        appends += written??;
    }
    let events = appends * events_per_append;
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of events are far below 2^52"
    )]
    let events = events as f64;
    Ok(events / start.elapsed().as_secs_f64())
}

/// Appends until the time is over; returns the number of appends.
async fn write(
    mut connection: Connection,
    mut writer: Writer,
    start: Instant,
    time: Duration,
) -> Result<usize> {
    let mut appends = 0;
    while start.elapsed() < time {
        let answer = connection.post(writer.next_request()).await?;
        if !answer.starts_with(APPENDED) {
            return Err(String::from_utf8_lossy(answer).into_owned().into());
        }
        appends += 1;
    }
    Ok(appends)
}
