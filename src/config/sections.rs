//! The typed settings: one structure for each section, and the rules between settings.

use std::net::SocketAddr;
use std::time::Duration;

use super::reader::{Reader, Shown};
use super::{Config, ConfigError};
use crate::registry::Categories;
use crate::store::{MOST_BATCH_STREAMS, MOST_REQUEST_EVENTS};

const MIB: u64 = 1024 * 1024;
pub(super) const HOUR_MS: u64 = 60 * 60 * 1000;
const MINUTE_MS: u64 = 60 * 1000;

/// HTTP and WebSocket.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address and port to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Whether `listen` may be beyond loopback; also makes it so where nobody gave an address.
    pub allow_remote: bool,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Longest time that one query or mutation may take.
    pub request_timeout: Duration,
    /// Time after which a client that takes nothing is closed.
    pub stalled_client_timeout: Duration,
    /// Time that a WebSocket client has to send `connection_init`.
    pub init_timeout: Duration,
    /// Distance between two pings of the server on one WebSocket.
    pub ping_interval: Duration,
    /// Largest message that a client may send on a WebSocket, in bytes.
    pub socket_message_bytes: usize,
    /// Origins of web pages that may use the API, beside the server's own; without a path.
    pub allowed_origins: Vec<String>,
    /// Time that running requests have to finish at shutdown.
    pub shutdown_grace: Duration,
}

/// What one append may carry, and how appends share commits.
#[derive(Clone, Debug)]
pub struct AppendSettings {
    /// Most events in one request.
    pub max_events: usize,
    /// Most bytes of compact data and metadata in one request.
    pub max_request_bytes: usize,
    /// Most bytes of compact data and metadata in one event.
    pub max_event_bytes: usize,
    /// Most streams in one batch append.
    pub max_batch_streams: usize,
    /// Most visible events in one stream.
    pub max_stream_events: usize,
    /// Most requests that wait for the committer.
    pub queue_requests: usize,
    /// Most bytes of events that wait for the committer.
    pub queue_bytes: usize,
    /// Most events in one commit.
    pub group_events: usize,
    /// Most bytes of events in one commit.
    pub group_bytes: usize,
    /// Longest time from the arrival of an append to its answer.
    pub deadline: Duration,
}

/// Event types, and what is demanded of the events that are appended.
#[derive(Clone, Debug)]
pub struct SchemaSettings {
    /// Categories that take events of unknown types; `*` = all.
    pub open_categories: Vec<String>,
    /// Categories whose events are not looked at; `*` = all.
    pub unchecked_categories: Vec<String>,
    /// Most types that are registered at run time.
    pub max_types: usize,
    /// Most versions of one type that is registered at run time.
    pub max_versions: usize,
}

/// Live feeds.
#[derive(Clone, Debug)]
pub struct SubscriptionSettings {
    /// Newest events that are kept in memory for live feeds.
    pub hub_capacity_events: usize,
    /// Events that a feed reads at a time while it catches up.
    pub page_events: usize,
    /// Positions that a filtered feed scans in one statement.
    pub scan_window_positions: u64,
    /// Scanned positions without a match after which a filtered feed says how far it is.
    pub checkpoint_every_positions: u64,
    /// Time after which a filtered feed says how far it is, if that is news.
    pub checkpoint_every: Duration,
}

/// How the nodes of one PostgreSQL hear of each other's appends.
#[derive(Clone, Debug)]
pub struct TailSettings {
    /// Longest time until a node looks for what others have appended.
    pub poll_interval: Duration,
    /// Least time between two notifications of one node.
    pub notify_interval: Duration,
}

/// Long-running operations.
#[derive(Clone, Debug)]
pub struct OperationSettings {
    /// Most operations that wait or run at a time.
    pub max_unfinished: usize,
    /// How often a node without work looks for some.
    pub poll: Duration,
    /// A node that is silent for this long loses its operation.
    pub takeover_after: Duration,
    /// How often a watched operation is looked at.
    pub watch: Duration,
}

/// How a scavenge spares the database.
#[derive(Clone, Debug)]
pub struct ScavengeSettings {
    /// Most events in one batch.
    pub batch_events: u32,
    /// Pause after each batch.
    pub pause: Duration,
}

/// What one GraphQL document may ask for.
#[derive(Clone, Debug)]
pub struct GraphqlSettings {
    /// Length of a page when none is asked for.
    pub page_default: usize,
    /// Longest page that may be asked for.
    pub page_max: usize,
    /// Most rows that `totalCount` counts.
    pub count_limit: usize,
    /// Most nodes that one operation may ask for, nested lists multiplied out.
    pub operation_nodes: usize,
    /// Most bytes of payloads and metadata that one operation may show.
    pub operation_bytes: usize,
    /// Most operations that run on one socket at a time.
    pub socket_operations: usize,
    /// Most values in one list of a filter.
    pub filter_values: usize,
    /// Largest document, in bytes.
    pub document_bytes: usize,
    /// Most tokens in a document.
    pub tokens: usize,
    /// Deepest nesting of selections.
    pub depth: usize,
    /// Most fields after fragments are spread.
    pub fields: usize,
    /// Most aliases.
    pub aliases: usize,
    /// Most directives.
    pub directives: usize,
    /// Parsed documents that are kept; 0 keeps none.
    pub cached_documents: usize,
    /// Whether introspection is answered.
    pub introspection: bool,
}

/// What the server says on stderr.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Level directives, already known to be valid.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors: one JSON object in each line.
    Json,
}

impl ServerSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: reader.address("server.listen")?,
            allow_remote: reader.flag("server.allow_remote")?,
            body_limit_bytes: reader.number("server.body_limit_bytes", 1024..=64 * MIB, "bytes")?,
            request_timeout: reader.milliseconds("server.request_timeout_ms", 100..=HOUR_MS)?,
            stalled_client_timeout: reader
                .milliseconds("server.stalled_client_timeout_ms", 100..=HOUR_MS)?,
            init_timeout: reader.milliseconds("server.init_timeout_ms", 100..=HOUR_MS)?,
            ping_interval: reader.milliseconds("server.ping_interval_ms", 100..=HOUR_MS)?,
            socket_message_bytes: reader.number(
                "server.socket_message_bytes",
                1024..=64 * MIB,
                "bytes",
            )?,
            allowed_origins: reader.list(
                "server.allowed_origins",
                "origins such as https://panel.example.org, without a path",
                is_origin,
            )?,
            shutdown_grace: reader.milliseconds("server.shutdown_grace_ms", 0..=HOUR_MS)?,
        })
    }
}

impl AppendSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            max_events: reader.number(
                "append.max_events",
                1..=MOST_REQUEST_EVENTS as u64,
                "events",
            )?,
            max_request_bytes: reader.number(
                "append.max_request_bytes",
                1024..=64 * MIB,
                "bytes",
            )?,
            max_event_bytes: reader.number("append.max_event_bytes", 256..=16 * MIB, "bytes")?,
            max_batch_streams: reader.number(
                "append.max_batch_streams",
                1..=MOST_BATCH_STREAMS as u64,
                "streams",
            )?,
            max_stream_events: reader.number(
                "append.max_stream_events",
                1..=1_000_000_000,
                "events",
            )?,
            queue_requests: reader.number("append.queue_requests", 1..=1_000_000, "requests")?,
            queue_bytes: reader.number("append.queue_bytes", MIB..=16 * 1024 * MIB, "bytes")?,
            group_events: reader.number("append.group_events", 1..=100_000, "events")?,
            group_bytes: reader.number("append.group_bytes", 1024..=1024 * MIB, "bytes")?,
            deadline: reader.milliseconds("append.deadline_ms", 100..=HOUR_MS)?,
        })
    }
}

impl SchemaSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let allowed = "categories such as game, or * for all";
        Ok(Self {
            open_categories: reader.list("schema.open_categories", allowed, Categories::is_name)?,
            unchecked_categories: reader.list(
                "schema.unchecked_categories",
                allowed,
                Categories::is_name,
            )?,
            max_types: reader.number("schema.max_types", 0..=100_000, "types")?,
            max_versions: reader.number("schema.max_versions", 1..=1_000, "versions")?,
        })
    }
}

impl SubscriptionSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            hub_capacity_events: reader.number(
                "subscription.hub_capacity_events",
                1..=1_000_000,
                "events",
            )?,
            page_events: reader.number("subscription.page_events", 1..=10_000, "events")?,
            scan_window_positions: reader.number(
                "subscription.scan_window_positions",
                1..=1_000_000,
                "positions",
            )?,
            checkpoint_every_positions: reader.number(
                "subscription.checkpoint_every_positions",
                1..=1_000_000,
                "positions",
            )?,
            checkpoint_every: reader
                .milliseconds("subscription.checkpoint_every_ms", 100..=HOUR_MS)?,
        })
    }
}

impl TailSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            poll_interval: reader.milliseconds("tail.poll_interval_ms", 10..=1000)?,
            notify_interval: reader.milliseconds("tail.notify_interval_ms", 0..=1000)?,
        })
    }
}

impl OperationSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            max_unfinished: reader.number("operations.max_unfinished", 1..=10_000, "operations")?,
            poll: reader.milliseconds("operations.poll_ms", 10..=MINUTE_MS)?,
            // Longer than twice the longest pause of a scavenge, so that a node that works is never silent
            // for so long.
            takeover_after: reader.milliseconds("operations.takeover_after_ms", 2_500..=HOUR_MS)?,
            watch: reader.milliseconds("operations.watch_ms", 10..=MINUTE_MS)?,
        })
    }
}

impl ScavengeSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            batch_events: reader.number("scavenge.batch_events", 1..=100_000, "events")?,
            pause: reader.milliseconds("scavenge.pause_ms", 0..=1_000)?,
        })
    }
}

impl GraphqlSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            page_default: reader.number("graphql.page_default", 1..=10_000, "rows")?,
            page_max: reader.number("graphql.page_max", 1..=10_000, "rows")?,
            count_limit: reader.number("graphql.count_limit", 1..=1_000_000, "rows")?,
            operation_nodes: reader.number("graphql.operation_nodes", 1..=10_000_000, "nodes")?,
            operation_bytes: reader.number("graphql.operation_bytes", MIB..=1024 * MIB, "bytes")?,
            socket_operations: reader.number(
                "graphql.socket_operations",
                1..=10_000,
                "operations",
            )?,
            filter_values: reader.number("graphql.filter_values", 1..=200, "values")?,
            document_bytes: reader.number("graphql.document_bytes", 1024..=MIB, "bytes")?,
            tokens: reader.number("graphql.tokens", 100..=100_000, "tokens")?,
            depth: reader.number("graphql.depth", 1..=100, "levels")?,
            fields: reader.number("graphql.fields", 1..=100_000, "fields")?,
            aliases: reader.number("graphql.aliases", 0..=10_000, "aliases")?,
            directives: reader.number("graphql.directives", 0..=10_000, "directives")?,
            cached_documents: reader.number(
                "graphql.cached_documents",
                0..=100_000,
                "documents",
            )?,
            introspection: reader.flag("graphql.introspection")?,
        })
    }
}

impl LogSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let level_allowed = "levels (error, warn, info, debug, trace), also by module, \
                             such as info,gamebot_event_store=debug";
        Ok(Self {
            level: reader.parsed("log.level", Shown::Plainly, level_allowed, |text| {
                crate::telemetry::is_level(text).then(|| text.to_owned())
            })?,
            format: reader.parsed(
                "log.format",
                Shown::Plainly,
                "text or json",
                |text| match text {
                    "text" => Some(LogFormat::Text),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                },
            )?,
        })
    }
}

/// Checks the rules that join two settings; each setting alone is already within its bounds.
pub(super) fn check_together(config: &Config, reader: &Reader<'_>) -> Result<(), ConfigError> {
    if !config.server.listen.ip().is_loopback() && !config.server.allow_remote {
        return Err(ConfigError::Contradiction {
            problem: format!(
                "{} can be reached from other machines, and the server has no authentication",
                reader.quote("server.listen")
            ),
            remedy: "listen on 127.0.0.1, or set server.allow_remote = true \
                     (GAMEBOT_SERVER_ALLOW_REMOTE=true) if everybody who can reach it is trusted"
                .to_owned(),
        });
    }
    let append = &config.append;
    let orders = [
        (
            "graphql.page_default",
            config.graphql.page_default,
            "graphql.page_max",
            config.graphql.page_max,
        ),
        (
            "append.max_event_bytes",
            append.max_event_bytes,
            "append.max_request_bytes",
            append.max_request_bytes,
        ),
        (
            "append.max_request_bytes",
            append.max_request_bytes,
            "server.body_limit_bytes",
            config.server.body_limit_bytes,
        ),
        (
            "append.max_request_bytes",
            append.max_request_bytes,
            "append.queue_bytes",
            append.queue_bytes,
        ),
        (
            "append.max_request_bytes",
            append.max_request_bytes,
            "append.group_bytes",
            append.group_bytes,
        ),
        (
            "append.max_events",
            append.max_events,
            "append.group_events",
            append.group_events,
        ),
    ];
    for (lower_name, lower, upper_name, upper) in orders {
        if lower > upper {
            return Err(ConfigError::Contradiction {
                problem: format!(
                    "{} is greater than {}",
                    reader.quote(lower_name),
                    reader.quote(upper_name)
                ),
                remedy: format!("lower {lower_name} or raise {upper_name}"),
            });
        }
    }
    Ok(())
}

/// An origin as browsers send it: scheme and host, perhaps a port, never a path.
fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty()
            && host
                .chars()
                .all(|letter| letter.is_ascii_graphic() && !"/?#@*".contains(letter))
    })
}
