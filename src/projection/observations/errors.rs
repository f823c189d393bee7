//! How errors are counted.

use std::collections::{BTreeMap, BTreeSet};

use gamebot::event::Event;
use sea_orm::{QueryResult, Value};

use crate::event::RecordedEvent;
use crate::projection::column::{Columns, json, micros};
use crate::projection::meaning::check_key;
use crate::projection::tables::Target;
use crate::store::DatabaseError;

/// What an observation says of an error.
struct Occurrence {
    code: String,
    /// Whether the same may succeed later, if the observation says so.
    retriable: Option<bool>,
}

/// The parts of sums that a batch of events concerns, by the stream and the key of the sum.
#[derive(Default)]
pub(super) struct Errors {
    parts: BTreeMap<String, Part>,
}

/// What one stream has said of one code on one day.
struct Part {
    stream: String,
    error_key: String,
    /// The stream version of the last event that was counted.
    version: i32,
    guild_id: Option<String>,
    day: String,
    code: String,
    count: i64,
    last_at: i64,
    last_position: i64,
    sample_type: String,
    sample: String,
    retriable: Option<i32>,
    /// What this batch has added to the count.
    added: i64,
}

/// What all streams together have said of one code on one day.
struct Sum {
    guild_id: Option<String>,
    day: String,
    code: String,
    count: i64,
    last_at: i64,
    last_position: i64,
    /// The part that holds the latest one.
    last_part: String,
}

const PART_COLUMNS: [&str; 13] = [
    "part_key",
    "stream",
    "error_key",
    "version",
    "guild_id",
    "day",
    "code",
    "count",
    "last_at",
    "last_position",
    "sample_type",
    "sample",
    "retriable",
];

const SUM_COLUMNS: [&str; 8] = [
    "error_key",
    "guild_id",
    "day",
    "code",
    "count",
    "last_at",
    "last_position",
    "last_part",
];

impl Errors {
    /// The parts that these observations belong to, as far as there are any.
    pub(super) async fn read(
        observed: &[(&RecordedEvent, &Event)],
        target: &Target<'_>,
    ) -> Result<Self, DatabaseError> {
        let mut keys = BTreeSet::new();
        for (event, said) in observed {
            if let Some(occurrence) = occurrence(said) {
                keys.insert(part_key(event, &error_key(event, said, &occurrence)?));
            }
        }
        let keys = keys.into_iter().map(Value::from).collect();
        let columns = PART_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{error_part}} WHERE part_key");
        let rows = target.rows_of(&select, keys).await?;
        Ok(Self {
            parts: rows.iter().map(Part::read).collect::<Result<_, _>>()?,
        })
    }

    /// Counts an event, unless it was counted before or is about something else.
    pub(super) fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        let Some(occurrence) = occurrence(said) else {
            return Ok(());
        };
        check_key("the code of the error", &occurrence.code)?;
        let key = error_key(event, said, &occurrence).map_err(|error| error.to_string())?;
        let part = self.parts.entry(part_key(event, &key));
        let part = part.or_insert_with(|| Part::new(event, said, key, occurrence.code));
        if event.stream_version <= part.version {
            return Ok(());
        }
        part.version = event.stream_version;
        part.count += 1;
        part.added += 1;
        let at = micros(said.timestamp());
        if (at, event.position.get()) >= (part.last_at, part.last_position) {
            part.last_at = at;
            part.last_position = event.position.get();
            event.event_type.as_str().clone_into(&mut part.sample_type);
            event
                .data
                .as_deref()
                .unwrap_or("{}")
                .clone_into(&mut part.sample);
            part.retriable = occurrence.retriable.map(i32::from);
        }
        Ok(())
    }

    /// Forgets what a stream has said.
    pub(super) fn end(&mut self, stream: &str) {
        self.parts.retain(|_, part| part.stream != stream);
    }

    /// Writes the parts and the sums. Sums to mend have lost parts, and are made anew from those left.
    pub(super) async fn write(
        self,
        to_mend: &BTreeSet<String>,
        target: &Target<'_>,
    ) -> Result<(), DatabaseError> {
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        let changed = self.parts.iter().filter(|(_, part)| part.added > 0);
        let changed: Vec<_> = changed.collect();
        for (_, part) in &changed {
            if !to_mend.contains(&part.error_key) {
                keys.insert(&part.error_key);
            }
        }
        let mut sums = read_sums(&keys, target).await?;
        for (part_key, part) in &changed {
            if keys.contains(part.error_key.as_str()) {
                add(&mut sums, part_key, part, part.added);
            }
        }
        let rows = changed.iter().map(|(key, part)| part.row(key)).collect();
        target.upsert("error_part", 1, PART_COLUMNS, rows).await?;
        mend(to_mend, &mut sums, target).await?;
        let rows = sums.into_iter().map(|(key, sum)| sum.row(key)).collect();
        target.upsert("error_log", 1, SUM_COLUMNS, rows).await
    }
}

/// The keys of the sums that streams have parts in.
pub(super) async fn sums_of(
    streams: &BTreeSet<String>,
    target: &Target<'_>,
) -> Result<BTreeSet<String>, DatabaseError> {
    let keys = streams.iter().map(|stream| stream.as_str().into());
    let select = "SELECT error_key FROM {error_part} WHERE stream";
    let rows = target.rows_of(select, keys.collect()).await?;
    rows.iter().map(|row| Columns::of(row).take()).collect()
}

async fn read_sums(
    keys: &BTreeSet<&str>,
    target: &Target<'_>,
) -> Result<BTreeMap<String, Sum>, DatabaseError> {
    let keys = keys.iter().map(|&key| key.into()).collect();
    let columns = SUM_COLUMNS.join(", ");
    let select = format!("SELECT {columns} FROM {{error_log}} WHERE error_key");
    let rows = target.rows_of(&select, keys).await?;
    rows.iter().map(Sum::read).collect()
}

/// Makes sums anew from the parts that are left; without any there is no sum.
async fn mend(
    keys: &BTreeSet<String>,
    sums: &mut BTreeMap<String, Sum>,
    target: &Target<'_>,
) -> Result<(), DatabaseError> {
    for key in keys {
        let delete = "DELETE FROM {error_log} WHERE error_key = ?";
        target.execute(delete, vec![key.as_str().into()]).await?;
    }
    let columns = PART_COLUMNS.join(", ");
    let select = format!("SELECT {columns} FROM {{error_part}} WHERE error_key");
    let keys = keys.iter().map(|key| key.as_str().into()).collect();
    for row in &target.rows_of(&select, keys).await? {
        let (part_key, part) = Part::read(row)?;
        add(sums, &part_key, &part, part.count);
    }
    Ok(())
}

fn add(sums: &mut BTreeMap<String, Sum>, part_key: &str, part: &Part, count: i64) {
    let sum = sums.entry(part.error_key.clone()).or_insert_with(|| Sum {
        guild_id: part.guild_id.clone(),
        day: part.day.clone(),
        code: part.code.clone(),
        count: 0,
        last_at: i64::MIN,
        last_position: 0,
        last_part: String::new(),
    });
    sum.count += count;
    if (part.last_at, part.last_position) > (sum.last_at, sum.last_position) {
        sum.last_at = part.last_at;
        sum.last_position = part.last_position;
        part_key.clone_into(&mut sum.last_part);
    }
}

/// What an event says of an error, if it does.
fn occurrence(said: &Event) -> Option<Occurrence> {
    let (code, retriable) = match said {
        Event::CommandError(error) => (error.error_code.as_str(), error.retriable),
        Event::SystemError(error) => (error.error_type.as_str(), None),
        Event::GuessError(error) => (error.reason.as_str(), None),
        Event::GuessPairError(error) => (error.reason.as_str(), None),
        Event::GameError(error) => (error.reason.as_str(), None),
        Event::RoundCheckError(error) => (error.reason.as_str(), None),
        _ => return None,
    };
    Some(Occurrence {
        code: code.to_owned(),
        retriable,
    })
}

/// Guild, day and code as one text.
fn error_key(
    event: &RecordedEvent,
    said: &Event,
    occurrence: &Occurrence,
) -> Result<String, DatabaseError> {
    json(&(event.guild_id.as_deref(), day(said), &occurrence.code))
}

fn part_key(event: &RecordedEvent, error_key: &str) -> String {
    format!("{} {error_key}", event.stream)
}

/// The day in UTC, by the event's own time.
fn day(said: &Event) -> String {
    said.timestamp().format("%Y-%m-%d").to_string()
}

impl Part {
    fn new(event: &RecordedEvent, said: &Event, error_key: String, code: String) -> Self {
        Self {
            stream: event.stream.as_str().to_owned(),
            error_key,
            version: 0,
            guild_id: event.guild_id.as_deref().map(str::to_owned),
            day: day(said),
            code,
            count: 0,
            last_at: i64::MIN,
            last_position: 0,
            sample_type: String::new(),
            sample: String::new(),
            retriable: None,
            added: 0,
        }
    }

    fn read(row: &QueryResult) -> Result<(String, Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let key = columns.take()?;
        let part = Self {
            stream: columns.take()?,
            error_key: columns.take()?,
            version: columns.take()?,
            guild_id: columns.take()?,
            day: columns.take()?,
            code: columns.take()?,
            count: columns.take()?,
            last_at: columns.take()?,
            last_position: columns.take()?,
            sample_type: columns.take()?,
            sample: columns.take()?,
            retriable: columns.take()?,
            added: 0,
        };
        Ok((key, part))
    }

    fn row(&self, part_key: &str) -> [Value; PART_COLUMNS.len()] {
        [
            part_key.into(),
            self.stream.clone().into(),
            self.error_key.clone().into(),
            self.version.into(),
            self.guild_id.clone().into(),
            self.day.clone().into(),
            self.code.clone().into(),
            self.count.into(),
            self.last_at.into(),
            self.last_position.into(),
            self.sample_type.clone().into(),
            self.sample.clone().into(),
            self.retriable.into(),
        ]
    }
}

impl Sum {
    fn read(row: &QueryResult) -> Result<(String, Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let key = columns.take()?;
        let sum = Self {
            guild_id: columns.take()?,
            day: columns.take()?,
            code: columns.take()?,
            count: columns.take()?,
            last_at: columns.take()?,
            last_position: columns.take()?,
            last_part: columns.take()?,
        };
        Ok((key, sum))
    }

    fn row(self, key: String) -> [Value; SUM_COLUMNS.len()] {
        [
            key.into(),
            self.guild_id.into(),
            self.day.into(),
            self.code.into(),
            self.count.into(),
            self.last_at.into(),
            self.last_position.into(),
            self.last_part.into(),
        ]
    }
}
