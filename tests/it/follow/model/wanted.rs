//! Random events, and random wishes about them with a plain reading of what they mean.

use chrono::{DateTime, TimeDelta, Utc};
use gamebot_event_store::event::{NewEvent, RecordedEvent};
use gamebot_event_store::filter::{Document, EventFilter, JsonEquals};
use gamebot_event_store::json_path::{JsonPath, JsonScalar};
use gamebot_event_store::scope::Scope;
use gamebot_event_store::stream::StreamName;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use uuid::Uuid;

/// Streams and their guilds. Names and categories share prefixes on purpose.
const STREAMS: [(&str, Option<&str>); 7] = [
    ("game-a", Some("10")),
    ("game-ab", Some("11")),
    ("game-b", None),
    ("gamex-a", Some("10")),
    ("ga-me", None),
    ("team-1", Some("11")),
    ("team-2", Some("12")),
];
const PREFIXES: [&str; 6] = ["g", "game", "game-", "game-a", "team-2", "zzz"];
const CATEGORIES: [&str; 5] = ["game", "gamex", "ga", "team", "nothing"];
const TYPES: [&str; 4] = ["opened", "played", "closed", "never"];
const PEOPLE: [&str; 3] = ["70", "71", "72"];
const TAGS: [&str; 3] = ["red", "gr\u{fc}n", "blue"];

/// Some of the streams, each once.
pub(super) fn some_streams(random: &mut StdRng, count: usize) -> Vec<&'static str> {
    STREAMS
        .choose_multiple(random, count)
        .map(|(name, _)| *name)
        .collect()
}

/// An event that fits the guild of its stream.
pub(super) fn some_event(random: &mut StdRng, stream: &str) -> NewEvent {
    let mut data = json!({"n": random.random_range(0..4), "tag": TAGS.choose(random)});
    if let Some(guild) = guild_of(stream) {
        data["guild_id"] = json!(guild);
    }
    let mut metadata = json!({"list": [{"deep": random.random_bool(0.5)}]});
    for key in ["actor_id", "correlation_id", "causation_id"] {
        if random.random_bool(0.7) {
            metadata[key] = json!(PEOPLE.choose(random));
        }
    }
    NewEvent {
        event_id: Some(Uuid::now_v7()),
        // The last type never happens.
        event_type: (*TYPES[..3].choose(random).unwrap()).to_owned(),
        schema_version: None,
        data: data.to_string(),
        metadata: Some(metadata.to_string()),
    }
}

fn guild_of(stream: &str) -> Option<&'static str> {
    STREAMS.iter().find(|(name, _)| *name == stream).unwrap().1
}

/// An event as the model remembers it: what was sent, and when it was recorded.
pub(super) struct Seen {
    pub(super) event_id: Uuid,
    stream: String,
    event_type: String,
    data: Value,
    metadata: Value,
    recorded_at: DateTime<Utc>,
}

impl Seen {
    pub(super) fn new(recorded: &RecordedEvent, sent: &NewEvent) -> Self {
        assert_eq!(Some(recorded.event_id), sent.event_id);
        Self {
            event_id: recorded.event_id,
            stream: recorded.stream.to_string(),
            event_type: sent.event_type.clone(),
            data: serde_json::from_str(&sent.data).unwrap(),
            metadata: serde_json::from_str(sent.metadata.as_deref().unwrap()).unwrap(),
            recorded_at: recorded.recorded_at,
        }
    }
}

/// What a reader or follower wants, and may see.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) filter: EventFilter,
    pub(super) scope: Scope,
}

impl Wanted {
    /// A wish of none to three conditions; times are near those of events.
    pub(super) fn some(random: &mut StdRng, model: &[Seen]) -> Self {
        let mut filter = EventFilter::default();
        for _ in 0..random.random_range(0..4) {
            restrict(&mut filter, random, model);
        }
        let scope = match random.random_range(0..3) {
            0 => Scope::Guilds {
                guild_ids: some_of(random, &["10", "11", "99"])
                    .into_iter()
                    .map(Into::into)
                    .collect(),
                include_without_guild: random.random(),
            },
            _ => Scope::All,
        };
        Self { filter, scope }
    }

    /// Whether an event is wanted and may be seen, by the plainest reading of the words.
    pub(super) fn includes(&self, seen: &Seen) -> bool {
        let filter = &self.filter;
        let guild = guild_of(&seen.stream);
        let category = seen.stream.split('-').next().unwrap();
        let text = |key: &str| seen.metadata[key].as_str().map(str::to_owned);
        let correlation = text("correlation_id").unwrap_or_else(|| seen.event_id.to_string());
        let is_visible = match &self.scope {
            Scope::All => true,
            Scope::Guilds {
                guild_ids,
                include_without_guild,
            } => guild.map_or(*include_without_guild, |guild| guild_ids.contains(guild)),
        };
        is_visible
            && filter
                .stream
                .as_ref()
                .is_none_or(|name| name.as_str() == seen.stream)
            && filter
                .stream_prefix
                .as_ref()
                .is_none_or(|prefix| seen.stream.starts_with(prefix))
            && one_of(&filter.categories, Some(category))
            && one_of(&filter.event_types, Some(&seen.event_type))
            && one_of(&filter.guild_ids, guild)
            && one_of(&filter.actor_ids, text("actor_id").as_deref())
            && one_of(&filter.correlation_ids, Some(&correlation))
            && one_of(&filter.causation_ids, text("causation_id").as_deref())
            && filter
                .recorded_from
                .is_none_or(|from| seen.recorded_at >= from)
            && filter
                .recorded_before
                .is_none_or(|before| seen.recorded_at < before)
            && filter.json_equals.iter().all(|wanted| holds(wanted, seen))
    }
}

fn one_of(wanted: &[String], value: Option<&str>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|one| one == value))
}

/// The paths that [`some_json`] makes, as pointers.
fn holds(wanted: &JsonEquals, seen: &Seen) -> bool {
    let pointer = match wanted.path.to_string().as_str() {
        "n" => "/n",
        "tag" => "/tag",
        "list[0].deep" => "/list/0/deep",
        other => panic!("{other} is not a path of this test"),
    };
    let document = match wanted.document {
        Document::Data => &seen.data,
        Document::Metadata => &seen.metadata,
    };
    let value = match &wanted.value {
        JsonScalar::Str(text) => json!(text),
        JsonScalar::Bool(value) => json!(value),
        JsonScalar::Int(number) => json!(number),
        JsonScalar::Null => Value::Null,
    };
    document.pointer(pointer) == Some(&value)
}

/// Adds one condition, of any kind.
fn restrict(filter: &mut EventFilter, random: &mut StdRng, model: &[Seen]) {
    match random.random_range(0..11) {
        0 if filter.stream_prefix.is_none() => {
            let (name, _) = STREAMS.choose(random).unwrap();
            filter.stream = Some(StreamName::parse(name).unwrap());
        }
        1 if filter.stream.is_none() => {
            filter.stream_prefix = PREFIXES.choose(random).map(|prefix| (*prefix).to_owned());
        }
        0..=2 => filter.categories = some_of(random, &CATEGORIES),
        3 => filter.event_types = some_of(random, &TYPES),
        4 => filter.guild_ids = some_of(random, &["10", "11", "12", "99"]),
        5 => filter.actor_ids = some_of(random, &PEOPLE),
        6 => filter.correlation_ids = some_correlations(random, model),
        7 => filter.causation_ids = some_of(random, &PEOPLE),
        8 => filter.recorded_from = some_time(random, model),
        9 => filter.recorded_before = some_time(random, model),
        _ => filter.json_equals.push(some_json(random)),
    }
}

/// One to three values, each once.
fn some_of(random: &mut StdRng, values: &[&str]) -> Vec<String> {
    let count = random.random_range(1..4);
    let chosen = values.choose_multiple(random, count);
    chosen.map(|value| (*value).to_owned()).collect()
}

/// An event without a correlation is found by its own id.
fn some_correlations(random: &mut StdRng, model: &[Seen]) -> Vec<String> {
    let mut ids = some_of(random, &PEOPLE);
    ids.extend(model.choose(random).map(|seen| seen.event_id.to_string()));
    ids
}

/// A time at, just before or just after an event was recorded; recorded times are whole milliseconds.
fn some_time(random: &mut StdRng, model: &[Seen]) -> Option<DateTime<Utc>> {
    let recorded_at = model.choose(random)?.recorded_at;
    let away = *[-1_000, -1, 0, 1, 500, 1_000].choose(random).unwrap();
    Some(recorded_at + TimeDelta::microseconds(away))
}

fn some_json(random: &mut StdRng) -> JsonEquals {
    let (document, path, value) = match random.random_range(0..4) {
        0 => (
            Document::Data,
            "n",
            JsonScalar::Int(random.random_range(0..5)),
        ),
        1 => {
            let tag = TAGS.choose(random).unwrap();
            (Document::Data, "tag", JsonScalar::Str((*tag).to_owned()))
        }
        2 => (
            Document::Metadata,
            "list[0].deep",
            JsonScalar::Bool(random.random()),
        ),
        _ => (Document::Data, "n", JsonScalar::Null),
    };
    JsonEquals {
        document,
        path: JsonPath::parse(path).unwrap(),
        value,
    }
}
