//! The event that everything here appends, and the requests that carry it.

use std::fmt::Write as _;

use uuid::Uuid;

/// Its type.
pub(crate) const EVENT_TYPE: &str = "player_joined";

/// Its payload, 325 bytes: about the median of a game.
pub(crate) const DATA: &str = concat!(
    r#"{"game_id":"01959659-a3c0-7d46-8117-c876156393d8","guild_id":"843586152819373557","#,
    r#""mode":"knockout","round_number":2,"player_id":"1241125641379038991","#,
    r#""username":"quiet_otter","team_id":"602598222195176643_1241125641379038991","#,
    r#""joined_at":"2025-03-14T20:34:11.389119Z","rejoin":true,"#,
    r#""timestamp":"2025-03-14T20:34:11.397119Z"}"#
);

/// `data.guild_id`.
pub(crate) const GUILD_ID: &str = "843586152819373557";

/// `metadata.correlation_id`: a game is one conversation.
pub(crate) const CORRELATION_ID: &str = "9d5c5f3e-8a17-4c9b-b7f4-2f6d1a0c3e58";

/// `metadata.actor_id`.
pub(crate) const ACTOR_ID: &str = "1241125641379038991";

/// The category of the streams.
pub(crate) const CATEGORY: &str = "bench";

/// After so many events a writer goes on with a new stream, as a game ends.
pub(crate) const STREAM_LENGTH: usize = 1_000;

const DOCUMENT: &str = "mutation Append($input: AppendToStreamInput!) { appendToStream(input: $input) \
                        { __typename ... on Appended { version lastPosition } } }";

/// What an answer to [`Writer::next_request`] begins with when the events are stored.
pub(crate) const APPENDED: &[u8] = br#"{"data":{"appendToStream":{"__typename":"Appended","#;

/// The metadata, 155 bytes, with a cause of its own for each event.
pub(crate) fn metadata(causation_id: u64) -> String {
    format!(
        r#"{{"correlation_id":"{CORRELATION_ID}","causation_id":"{causation_id:018}","actor_id":"{ACTOR_ID}","source":"message","shard":0}}"#
    )
}

/// One writer: it owns a stream, knows its version, and expects exactly that.
#[derive(Debug)]
pub(crate) struct Writer {
    stream: String,
    version: usize,
    events_per_append: usize,
    body: String,
    appended: u64,
}

impl Writer {
    /// A writer on a stream of its own.
    pub(crate) fn new(events_per_append: usize) -> Self {
        Self {
            stream: new_stream(),
            version: 0,
            events_per_append,
            body: String::new(),
            appended: 0,
        }
    }

    /// The name of the stream that the last events went to.
    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// The body of the next append. The writer takes it for granted that it will succeed.
    pub(crate) fn next_request(&mut self) -> &[u8] {
        if self.version + self.events_per_append > STREAM_LENGTH {
            self.stream = new_stream();
            self.version = 0;
        }
        self.body.clear();
        // Writing to a string cannot fail.
        let _ = write!(
            self.body,
            r#"{{"query":"{DOCUMENT}","variables":{{"input":{{"stream":"{}","expectedVersion":{{"exactly":{}}},"events":["#,
            self.stream, self.version
        );
        for index in 0..self.events_per_append {
            self.appended += 1;
            let separator = if index == 0 { "" } else { "," };
            let id = Uuid::from_u128(rand::random());
            let metadata = metadata(self.appended);
            let _ = write!(
                self.body,
                r#"{separator}{{"eventId":"{id}","type":"{EVENT_TYPE}","data":{DATA},"metadata":{metadata}}}"#
            );
        }
        self.body.push_str("]}}}");
        self.version += self.events_per_append;
        self.body.as_bytes()
    }
}

fn new_stream() -> String {
    format!("{CATEGORY}-{}", Uuid::new_v4())
}
