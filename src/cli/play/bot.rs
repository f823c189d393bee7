//! A bot that plays scripted games: append, and on trouble do what every bot should do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::games::{ScriptedEvent, ScriptedGame, ScriptedStream};
use super::pacer::Pacer;
use crate::client::{Backoff, ClientError, GraphqlClient};

const APPEND: &str = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { \
     __typename \
     ... on Appended { version firstPosition lastPosition duplicate } \
     ... on WrongExpectedVersion { actual } \
     ... on Refusal { code message retryable path } } }";

/// Tries of one append before the bot gives up: about a minute, with the waits between them.
const MOST_TRIES: u32 = 12;

/// What the bot has seen so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    appended: AtomicU64,
    duplicates: AtomicU64,
    retries: AtomicU64,
    conflicts: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) appended: u64,
    pub(super) duplicates: u64,
    pub(super) retries: u64,
    pub(super) conflicts: u64,
}

impl Counters {
    pub(super) fn total(&self) -> Total {
        Total {
            appended: self.appended.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            conflicts: self.conflicts.load(Ordering::Relaxed),
        }
    }
}

/// Why a game could not be played to its end.
#[derive(Debug, thiserror::Error)]
#[error("event {number} of {stream} ({event_type}) {cause}")]
pub(super) struct PlayError {
    /// Which event of the stream, counted from 1.
    pub(super) number: usize,
    /// The stream of the game, of its log, or of somebody who plays it.
    pub(super) stream: String,
    pub(super) event_type: String,
    pub(super) cause: Cause,
}

/// Why an event could not be appended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("was refused: {message} ({code})")]
    Refused { code: String, message: String },

    #[error("was given up after {tries} tries: {reason}")]
    GivenUp { tries: u32, reason: String },

    #[error("could not be sent: {0}")]
    Client(ClientError),

    #[error(
        "found acknowledged events missing: the stream was at version {acknowledged}, \
         and now the server says {actual}"
    )]
    Lost { acknowledged: i32, actual: i32 },
}

pub(super) struct Bot {
    client: GraphqlClient,
    pacer: Pacer,
    counters: Counters,
    seed: u64,
}

#[derive(Serialize)]
struct AppendVariables<'a> {
    input: AppendInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AppendInput<'a> {
    stream: &'a str,
    expected_version: Exactly,
    events: [NewEvent<'a>; 1],
}

#[derive(Serialize)]
struct Exactly {
    exactly: i32,
}

/// `data` and `metadata` are spliced into the request as the text that they are.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewEvent<'a> {
    event_id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    schema_version: i32,
    data: &'a RawValue,
    metadata: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppendData {
    append_to_stream: AppendPayload,
}

/// The union as one structure: which fields are there depends on the member.
#[derive(Deserialize)]
struct AppendPayload {
    version: Option<i32>,
    duplicate: Option<bool>,
    actual: Option<i32>,
    code: Option<String>,
    message: Option<String>,
    retryable: Option<bool>,
}

enum Answer {
    Stored {
        version: i32,
        duplicate: bool,
    },
    Conflict {
        actual: i32,
        message: String,
    },
    Refused {
        code: String,
        message: String,
        retryable: bool,
    },
}

enum Decision {
    Done {
        version: i32,
    },
    Again {
        expected: i32,
        reason: String,
        not_before: Duration,
    },
    GiveWay,
}

/// What to do about the event of another writer.
#[derive(Clone, Copy)]
enum OnConflict {
    DecideAgain,
    /// The stream is the other writer's.
    GiveWay,
}

/// A stream while it is being told.
struct Telling {
    stream: String,
    /// How many events of the script are in it.
    told: usize,
    /// Its version, as far as the bot knows.
    version: i32,
}

impl Telling {
    fn new(stream: String) -> Self {
        Self {
            stream,
            told: 0,
            version: 0,
        }
    }
}

impl Bot {
    pub(super) fn new(client: GraphqlClient, pacer: Pacer, seed: u64) -> Self {
        Self {
            client,
            pacer,
            counters: Counters::default(),
            seed,
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Plays a game from its first event to its last, after telling who plays it; answers the
    /// version of the game's stream at the end.
    pub(super) async fn play(&self, game: &ScriptedGame) -> Result<i32, PlayError> {
        for stream in &game.introductions {
            self.introduce(stream).await?;
        }
        let mut book = Telling::new(game.stream_name());
        let mut log = Telling::new(game.log_name());
        for event in &game.events {
            let telling = if event.is_observation {
                &mut log
            } else {
                &mut book
            };
            self.tell(telling, event, OnConflict::DecideAgain).await?;
        }
        Ok(book.version)
    }

    /// Tells of somebody who plays, unless that was done already: two tellings in one stream, made
    /// up for different times, would contradict each other.
    async fn introduce(&self, stream: &ScriptedStream) -> Result<(), PlayError> {
        let mut telling = Telling::new(stream.name.clone());
        for event in &stream.events {
            let on_conflict = match telling.told {
                0 => OnConflict::GiveWay,
                _ => OnConflict::DecideAgain,
            };
            if !self.tell(&mut telling, event, on_conflict).await? {
                break;
            }
        }
        Ok(())
    }

    /// Appends the next event of a stream; false if the bot gave way.
    async fn tell(
        &self,
        telling: &mut Telling,
        event: &ScriptedEvent,
        on_conflict: OnConflict,
    ) -> Result<bool, PlayError> {
        let appended = self.append(telling, event, on_conflict).await;
        let version = appended.map_err(|cause| PlayError {
            number: telling.told + 1,
            stream: telling.stream.clone(),
            event_type: event.event_type.clone(),
            cause,
        })?;
        telling.told += usize::from(version.is_some());
        telling.version = version.unwrap_or(telling.version);
        Ok(version.is_some())
    }

    /// Appends one event, however often that has to be tried; answers the stream's version after
    /// it, or nothing if the bot gave way.
    async fn append(
        &self,
        telling: &Telling,
        event: &ScriptedEvent,
        on_conflict: OnConflict,
    ) -> Result<Option<i32>, Cause> {
        let mut backoff = Backoff::new(self.seed.wrapping_add(telling.told as u64));
        let mut expected = telling.version;
        loop {
            self.pacer.wait().await;
            let answer = self.send(&telling.stream, expected, event).await;
            match self.decide(answer, telling.version, expected, on_conflict)? {
                Decision::Done { version } => return Ok(Some(version)),
                Decision::GiveWay => return Ok(None),
                Decision::Again {
                    expected: decided,
                    reason,
                    not_before,
                } => {
                    let wait = backoff.after_failure().max(not_before);
                    let tries = backoff.failures();
                    if tries >= MOST_TRIES {
                        return Err(Cause::GivenUp { tries, reason });
                    }
                    expected = decided;
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// What a bot does after an answer, or after none.
    fn decide(
        &self,
        answer: Result<Answer, ClientError>,
        known: i32,
        expected: i32,
        on_conflict: OnConflict,
    ) -> Result<Decision, Cause> {
        match answer {
            Ok(Answer::Stored { version, duplicate }) => {
                let counters = &self.counters;
                count(if duplicate {
                    &counters.duplicates
                } else {
                    &counters.appended
                });
                Ok(Decision::Done { version })
            }
            Ok(Answer::Conflict { actual, message }) => {
                self.decide_again(known, actual, message, on_conflict)
            }
            Ok(Answer::Refused {
                code,
                message,
                retryable: false,
            }) => Err(Cause::Refused { code, message }),
            Ok(Answer::Refused {
                code,
                message,
                retryable: true,
            }) => {
                count(&self.counters.retries);
                let reason = format!("{message} ({code})");
                Ok(Decision::Again {
                    expected,
                    reason,
                    not_before: Duration::ZERO,
                })
            }
            // The answer is lost, and with it whether the event is stored. The same request
            // again finds out: the event id makes it the same append.
            Err(error) if error.is_retryable() => {
                count(&self.counters.retries);
                let not_before = error.retry_after().unwrap_or_default();
                Ok(Decision::Again {
                    expected,
                    reason: error.to_string(),
                    not_before,
                })
            }
            Err(error) => Err(Cause::Client(error)),
        }
    }

    /// What a bot does when the stream is not where it was left.
    fn decide_again(
        &self,
        known: i32,
        actual: i32,
        reason: String,
        on_conflict: OnConflict,
    ) -> Result<Decision, Cause> {
        if actual < known {
            return Err(Cause::Lost {
                acknowledged: known,
                actual,
            });
        }
        match on_conflict {
            OnConflict::GiveWay => Ok(Decision::GiveWay),
            // Somebody else wrote first. A bot decides again with what it was told; the script
            // knows no other move than the next one, at the version that holds now.
            OnConflict::DecideAgain => {
                count(&self.counters.conflicts);
                Ok(Decision::Again {
                    expected: actual,
                    reason,
                    not_before: Duration::ZERO,
                })
            }
        }
    }

    async fn send(
        &self,
        stream: &str,
        expected: i32,
        event: &ScriptedEvent,
    ) -> Result<Answer, ClientError> {
        let variables = AppendVariables {
            input: AppendInput {
                stream,
                expected_version: Exactly { exactly: expected },
                events: [NewEvent {
                    event_id: &event.event_id,
                    event_type: &event.event_type,
                    schema_version: event.schema_version,
                    data: &event.data,
                    metadata: &event.metadata,
                }],
            },
        };
        let data: AppendData = self.client.execute(APPEND, &variables).await?;
        Ok(data.append_to_stream.into())
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl From<AppendPayload> for Answer {
    fn from(payload: AppendPayload) -> Self {
        let message = payload.message.unwrap_or_default();
        if let Some(version) = payload.version {
            return Self::Stored {
                version,
                duplicate: payload.duplicate.unwrap_or(false),
            };
        }
        if let Some(actual) = payload.actual {
            return Self::Conflict { actual, message };
        }
        Self::Refused {
            code: payload.code.unwrap_or_else(|| "UNKNOWN".to_owned()),
            message,
            retryable: payload.retryable.unwrap_or(false),
        }
    }
}
