//! Subscriptions: parse → follow → shape.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, MergedSubscription, Result, Subscription, Value};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};

use super::error_code::{ErrorCode, invalid_cursor, invalid_stream_name, read_error};
use super::games;
use super::input::{EventFilterInput, FeedStart, StartFrom, parse_any_stream_name};
use super::list::check_version;
use super::loader::Operation;
use super::object::feed::EventFeedMessage;
use super::object::game::GameObject;
use super::object::operation::OperationObject;
use super::operations::operation_id;
use super::projections::ProjectionSubscription;
use super::scalar::JsonScalar;
use super::schema_choice::{SchemaChoice, SchemaChoiceInput};
use super::subscribers::{Carrier, FeedKind, Presence, Subscribers};
use crate::cursor;
use crate::filter::EventFilter;
use crate::game::Games;
use crate::position::Position;
use crate::store::{self, Follow, ReadError};
use crate::stream::{StreamName, shown};

/// What can be followed.
#[derive(MergedSubscription, Default)]
pub(super) struct Subscription(LogSubscription, ProjectionSubscription);

/// What can be followed of the log.
#[derive(Default)]
pub(super) struct LogSubscription;

#[Subscription]
impl LogSubscription {
    /// The log, from a place on and then live. Every event that matches comes once, in order, however slow
    /// the client is; every message carries a cursor to resume after it.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to begin; at the end if absent.")] from: Option<StartFrom>,
        #[graphql(desc = "Which events.")] filter: Option<EventFilterInput>,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
    ) -> Result<impl Stream<Item = EventFeedMessage>> {
        let operation = Operation::of(ctx)?;
        let schema = SchemaChoice::parse(schema)?;
        let filter = filter.unwrap_or_default().parse(&operation.limits)?;
        let presence = enter(ctx, FeedKind::Events)?;
        let start = start(operation, from, None).await?;
        feed(ctx, filter, schema, &start, presence)
    }

    /// One stream, from a place on and then live. The stream need not exist yet.
    async fn stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name, category-id.")] name: String,
        #[graphql(desc = "Where to begin; at the end if absent.")] from: Option<StartFrom>,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
    ) -> Result<impl Stream<Item = EventFeedMessage>> {
        let operation = Operation::of(ctx)?;
        let schema = SchemaChoice::parse(schema)?;
        let name = parse_any_stream_name(&name)?;
        let presence = enter(ctx, FeedKind::Stream)?;
        let start = start(operation, from, Some(&name)).await?;
        let filter = EventFilter {
            stream: Some(name),
            ..EventFilter::default()
        };
        feed(ctx, filter, schema, &start, presence)
    }

    /// A game: its state at once, if it has one, and then after every event, each once and in order, however slow
    /// the client is. The game need not exist yet. A client that comes back gets the state as it is then.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every resolver to be async"
    )]
    async fn game(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The part of the stream's name after `game-`.")] game_id: String,
    ) -> Result<impl Stream<Item = GameObject>> {
        let name = Games::stream_name(&game_id).map_err(|error| invalid_stream_name(&error))?;
        let presence = enter(ctx, FeedKind::Game)?;
        games::follow(ctx, name, presence)
    }

    /// A long-running operation: as it is now, then whenever it has changed, until it has ended. Any server of
    /// the store tells of it.
    async fn operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id, or its `operationId`.")] id: ID,
    ) -> Result<impl Stream<Item = OperationObject>> {
        let operation = Operation::of(ctx)?;
        let found = match operation_id(&id) {
            Some(id) => patiently(|| operation.store.operation(&operation.scope, id)).await?,
            None => None,
        };
        match found {
            Some(found) => Ok(states(operation, found)),
            None => Err(ErrorCode::OperationNotFound.error(format!(
                "There is no operation {}. Take its id from the answer that started it, or from `operations`.",
                shown(&id)
            ))),
        }
    }
}

fn states(
    operation: &Arc<Operation>,
    found: store::Operation,
) -> impl Stream<Item = OperationObject> + use<> {
    let operation = Arc::clone(operation);
    let watched = operation
        .store
        .watch_operation(operation.scope.clone(), found);
    watched.map(move |found| {
        operation.next_turn();
        OperationObject(found)
    })
}

/// Puts the subscription on the list, from before it knows where to begin: while the database is away, that
/// takes as long as the outage.
fn enter(ctx: &Context<'_>, kind: FeedKind) -> Result<Presence> {
    let asked = ctx.field().arguments()?;
    let given = asked.into_iter().filter(|(_, value)| *value != Value::Null);
    let JsonScalar(arguments) = JsonScalar::of(Value::Object(given.collect()))?;
    Ok(Subscribers::of(ctx)?.enter(Carrier::of(ctx)?, kind, arguments))
}

fn feed(
    ctx: &Context<'_>,
    mut filter: EventFilter,
    schema: SchemaChoice,
    start: &Start,
    presence: Presence,
) -> Result<impl Stream<Item = EventFeedMessage> + use<>> {
    let operation = Arc::clone(Operation::of(ctx)?);
    let progress = Arc::clone(Carrier::of(ctx)?.progress());
    progress.begin(start.after);
    filter.recorded_from = filter.recorded_from.max(start.not_before);
    let follow = Follow {
        scope: operation.scope.clone(),
        filter,
        after: start.after,
    };
    Ok(operation.store.follow(follow).map(move |message| {
        // On the list for as long as the feed is not dropped.
        let _ = &presence;
        operation.next_turn();
        progress.make(&message);
        EventFeedMessage::new(operation.store.id(), message, schema)
    }))
}

/// Where a feed begins, resolved once.
#[derive(Clone, Copy)]
struct Start {
    /// The feed delivers what comes after this position …
    after: Position,
    /// … and was not recorded before this time: of a time that has not come yet.
    not_before: Option<DateTime<Utc>>,
}

impl From<Position> for Start {
    fn from(after: Position) -> Self {
        Self {
            after,
            not_before: None,
        }
    }
}

/// Looks up where a feed begins.
async fn start(
    operation: &Operation,
    from: Option<StartFrom>,
    stream: Option<&StreamName>,
) -> Result<Start> {
    let head = patiently(|| operation.store.head()).await?;
    match from.unwrap_or(StartFrom::At(FeedStart::End)) {
        StartFrom::At(FeedStart::End) => Ok(head.into()),
        StartFrom::At(FeedStart::Origin) => Ok(Position::ORIGIN.into()),
        StartFrom::Position(position) if position.0 > head => {
            Err(ErrorCode::InvalidStartVersion.error(format!(
                "The position {} is beyond the head of the log, {head}. Begin at the end to get what comes from \
                 now on.",
                position.0
            )))
        }
        StartFrom::Position(position) => Ok(position.0.into()),
        StartFrom::Cursor(token) => cursor::decode_event(operation.store.id(), head, &token)
            .map(Start::from)
            .map_err(|error| invalid_cursor(&error)),
        StartFrom::Time(time) => {
            let first = patiently(|| operation.store.position_at(time)).await?;
            Ok(Start {
                after: first.previous(),
                // What is recorded from now on may still be too early.
                not_before: (first > head).then_some(time),
            })
        }
        StartFrom::Version(version) => match stream {
            Some(stream) => Ok(after_version(operation, stream, version).await?.into()),
            None => Err(ErrorCode::InvalidArgument.error(
                "`version` counts the events of one stream. Use it with the subscription `stream`; here use \
                 `position`, `cursor`, `time` or `at`.",
            )),
        },
    }
}

async fn after_version(
    operation: &Operation,
    stream: &StreamName,
    version: i32,
) -> Result<Position> {
    check_version("version", Some(version))?;
    if version == 0 {
        return Ok(Position::ORIGIN);
    }
    let look_up = || {
        operation
            .store
            .position_of_version(&operation.scope, stream, version)
    };
    let found = patiently(look_up).await?;
    found.ok_or_else(|| {
        ErrorCode::InvalidStartVersion.error(format!(
            "The stream {stream} has no version {version}. Begin at a version that it has, at 0 for all of its \
             events, or at the end."
        ))
    })
}

/// Waits between look-ups while the database is away: the first, and the longest.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Looks something up, and while the database is away looks again: a subscription that ended with an error
/// would be taken for finished, and a panel that comes back during an outage would stay dark.
async fn patiently<T, R>(look_up: impl Fn() -> R) -> Result<T>
where
    R: Future<Output = Result<T, ReadError>>,
{
    let mut pause = RETRY_PAUSES.0;
    loop {
        match look_up().await {
            Err(ReadError::Unavailable) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_PAUSES.1);
            }
            other => return other.map_err(|error| read_error(&error)),
        }
    }
}
