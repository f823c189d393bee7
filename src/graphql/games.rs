//! Games: looking at one, following one, and recovering one.

mod recovery;

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject, Union};
use futures_util::{Stream, StreamExt};
use gamebot::game::{Rule, Severity};

pub(super) use recovery::{RecoverGameInput, RecoverGamePayload};

use super::error_code::{ErrorCode, invalid_stream_name, read_error};
use super::input::parse_any_stream_name;
use super::list::check_version;
use super::loader::Operation;
use super::object::game::GameObject;
use super::object::snapshot::SnapshotObject;
use super::refusal::{InvalidInput, StreamNotFound};
use super::subscribers::{Carrier, Presence};
use crate::game::{CATEGORY, Folded, GameError, GameMessage, Games, SnapshotOutcome};
use crate::store::FeedMessage;
use crate::stream::StreamName;

/// A rule that the events of a game obey.
#[derive(SimpleObject)]
pub(super) struct GameRule {
    /// Its name, which never changes: R01 to R38.
    rule: String,
    /// What it demands, in one sentence.
    title: String,
    /// How bad a breach is. Single breaches may be milder: a cause that is merely unknown is a warning of R35.
    severity: Severity,
}

/// All rules, in the order of their names.
pub(super) fn rules() -> Vec<GameRule> {
    let rule = |rule: &Rule| GameRule {
        rule: rule.as_str().to_owned(),
        title: rule.title().to_owned(),
        severity: rule.severity(),
    };
    Rule::ALL.iter().map(rule).collect()
}

/// A game now, or at a version.
pub(super) async fn find(
    ctx: &Context<'_>,
    game_id: &str,
    at_version: Option<i32>,
) -> Result<Option<GameObject>> {
    let operation = Operation::of(ctx)?;
    let name = Games::stream_name(game_id).map_err(|error| invalid_stream_name(&error))?;
    check_version("atVersion", at_version)?;
    let game = operation
        .games
        .game(&operation.scope, &name, at_version)
        .await;
    Ok(game.map_err(|error| game_error(&error))?.map(shown))
}

fn shown(folded: Folded) -> GameObject {
    GameObject::at(folded.state, folded.position)
}

fn game_error(error: &GameError) -> async_graphql::Error {
    match error {
        GameError::Read(error) => read_error(error),
        GameError::NoSuchVersion {
            stream,
            wanted,
            version,
        } => ErrorCode::InvalidStartVersion.error(format!(
            "`atVersion` is {wanted}, but the stream {stream} is at version {version}. Ask for a version from 1 to \
             {version}, or leave it out for the state now."
        )),
    }
}

/// A game, live.
pub(super) fn follow(
    ctx: &Context<'_>,
    name: StreamName,
    presence: Presence,
) -> Result<impl Stream<Item = GameObject> + use<>> {
    let operation = Arc::clone(Operation::of(ctx)?);
    let progress = Arc::clone(Carrier::of(ctx)?.progress());
    let messages = operation.games.follow(operation.scope.clone(), name);
    Ok(messages.filter_map(move |message| {
        // On the list for as long as the feed is not dropped.
        let _ = &presence;
        operation.next_turn();
        let game = match message {
            GameMessage::Begin(folded, after) => {
                progress.begin(after);
                if folded.is_some() {
                    progress.make(&FeedMessage::Checkpoint(after));
                }
                folded
            }
            GameMessage::State(folded, message) => {
                progress.make(&message);
                Some(folded)
            }
            GameMessage::Feed(message) => {
                progress.pass(&message);
                None
            }
        };
        std::future::ready(game.map(shown))
    }))
}

/// What can be done about games.
#[derive(Default)]
pub(super) struct GameMutation;

#[Object]
impl GameMutation {
    /// Rebuilds the state of a game as after a crash: from its first event, never from a snapshot, with every
    /// check there is. Tells everything that is wrong, and never stops at the first.
    ///
    /// Changes nothing about the game. With `record: true` the outcome is written to the stream
    /// `gamelog-{gameId}`.
    async fn recover_game(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which game, and whether to write the outcome down.")]
        input: RecoverGameInput,
    ) -> Result<RecoverGamePayload> {
        recovery::recover(ctx, input).await
    }

    /// Keeps the state that a game has now, so that later answers need not read what went before. Snapshots are
    /// also taken by themselves, see `snapshots.every_events`; without any, every answer is the same and takes
    /// longer.
    async fn record_snapshot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which stream.")] input: RecordSnapshotInput,
    ) -> Result<RecordSnapshotPayload> {
        record(ctx, &input.stream).await
    }
}

/// Of which stream to take a snapshot.
#[derive(InputObject)]
pub(super) struct RecordSnapshotInput {
    /// The stream: `game-…`, the only category whose events are folded to a state.
    stream: String,
}

/// What came of taking a snapshot.
#[derive(Union)]
pub(super) enum RecordSnapshotPayload {
    /// It is kept.
    SnapshotRecorded(SnapshotRecorded),
    /// There is no such stream.
    StreamNotFound(StreamNotFound),
    /// The stream has nothing that could be kept.
    InvalidInput(InvalidInput),
}

/// The snapshot is kept.
#[derive(SimpleObject)]
pub(super) struct SnapshotRecorded {
    /// The snapshot.
    snapshot: SnapshotObject,
}

async fn record(ctx: &Context<'_>, stream: &str) -> Result<RecordSnapshotPayload> {
    let operation = Operation::of(ctx)?;
    let refused = |message: String| {
        let refusal = InvalidInput::argument("stream", message);
        Ok(RecordSnapshotPayload::InvalidInput(refusal))
    };
    let name = parse_any_stream_name(stream)?;
    if name.category() != CATEGORY {
        return refused(format!(
            "The stream {name} is of the category {}. Only streams of the category {CATEGORY} have a state.",
            name.category()
        ));
    }
    let found = operation.store.stream(&operation.scope, &name).await;
    let Some(found) = found.map_err(|error| read_error(&error))? else {
        return Ok(RecordSnapshotPayload::StreamNotFound(StreamNotFound::of(
            &name, "stream",
        )));
    };
    let outcome = operation.games.record_snapshot(&found).await;
    match outcome.map_err(|error| read_error(&error))? {
        SnapshotOutcome::Recorded(snapshot) => {
            Ok(RecordSnapshotPayload::SnapshotRecorded(SnapshotRecorded {
                snapshot: SnapshotObject(snapshot),
            }))
        }
        SnapshotOutcome::NothingShown => refused(format!(
            "The stream {name} shows no event, so that there is no state to keep."
        )),
    }
}
