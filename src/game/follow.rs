//! A game, live: its state now, and after every event from now on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{BoxStream, unfold};
use futures_util::{Stream, StreamExt};

use super::Games;
use super::fold::{Folded, GameError};
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::scope::Scope;
use crate::store::{FeedMessage, Follow, ReadError};
use crate::stream::StreamName;

/// What a live game says.
#[derive(Clone, Debug)]
pub enum GameMessage {
    /// The state at the beginning; `None`: no event of the game is shown yet.
    Begin(Option<Folded>, Position),
    /// The state after one more event, with the feed's message about it.
    State(Folded, FeedMessage),
    /// Something about the feed itself.
    Feed(FeedMessage),
}

/// Waits between reads that fail: the first, and the longest.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Games {
    /// Follows a game until the caller drops the stream: the state at once, then after every event, exactly once
    /// for each and in order. A read that fails ends nothing.
    ///
    /// The events come from the store's own feed, which neither skips nor doubles. Each is folded into the state
    /// that the feed holds. Where something of the stream may have been hidden since, the state is made anew from
    /// what is shown: after a deletion, the next event begins another game.
    pub fn follow(
        &self,
        scope: Scope,
        name: StreamName,
    ) -> impl Stream<Item = GameMessage> + Send + use<> {
        let following = Following {
            games: self.clone(),
            scope,
            name,
            state: None,
            as_of: Position::ORIGIN,
            feed: None,
        };
        unfold(following, |mut following| async move {
            let message = following.next().await?;
            Some((message, following))
        })
    }
}

struct Following {
    games: Games,
    scope: Scope,
    name: StreamName,
    state: Option<Folded>,
    /// What was hidden after this position may be shown in the state.
    as_of: Position,
    /// `None` before the first message.
    feed: Option<BoxStream<'static, FeedMessage>>,
}

impl Following {
    async fn next(&mut self) -> Option<GameMessage> {
        let Some(feed) = &mut self.feed else {
            return Some(self.begin().await);
        };
        let message = feed.next().await?;
        let FeedMessage::Event(event) = &message else {
            return Some(GameMessage::Feed(message));
        };
        let event = Arc::clone(event);
        self.state = self.after(&event).await;
        Some(match &self.state {
            Some(folded) => GameMessage::State(folded.clone(), message),
            // The event was hidden before it could be shown: the feed has passed it.
            None => GameMessage::Feed(FeedMessage::Checkpoint(event.position)),
        })
    }

    async fn begin(&mut self) -> GameMessage {
        // The head is read before the game is: an event that comes in between is in the state, or is followed.
        let store = self.games.store();
        let head = patiently(|| store.head()).await;
        let folded = self.fold(None).await;
        let after = folded.as_ref().map_or(head, |folded| folded.position);
        let follow = Follow {
            scope: self.scope.clone(),
            filter: EventFilter {
                stream: Some(self.name.clone()),
                ..EventFilter::default()
            },
            after,
        };
        self.feed = Some(self.games.store().follow(follow).boxed());
        self.state.clone_from(&folded);
        GameMessage::Begin(folded, after)
    }

    /// The state after an event, which comes right after those that the state has; `None` if it is not shown.
    async fn after(&mut self, event: &RecordedEvent) -> Option<Folded> {
        let is_current = !self.games.store().may_be_hidden(&self.name, self.as_of);
        if let Some(mut state) = self.state.take()
            && is_current
            && state.version() + 1 == event.stream_version
        {
            state.take(event);
            return Some(state);
        }
        self.fold(Some(event.stream_version)).await
    }

    /// The state that the shown events come to, up to a version or now.
    async fn fold(&mut self, at_version: Option<i32>) -> Option<Folded> {
        self.as_of = self.games.store().hidden_at();
        let (games, scope, name) = (&self.games, &self.scope, &self.name);
        patiently(|| shown(games, scope, name, at_version)).await
    }
}

async fn shown(
    games: &Games,
    scope: &Scope,
    name: &StreamName,
    at_version: Option<i32>,
) -> Result<Option<Folded>, ReadError> {
    match games.game(scope, name, at_version).await {
        Ok(folded) => Ok(folded),
        Err(GameError::Read(error)) => Err(error),
        // The feed has just shown the event, so that the stream has the version.
        Err(GameError::NoSuchVersion { .. }) => Err(ReadError::Fault),
    }
}

/// Reads until it succeeds: a live game that ended with an error would be taken for finished.
async fn patiently<T, R>(read: impl Fn() -> R) -> T
where
    R: Future<Output = Result<T, ReadError>>,
{
    let mut pause = RETRY_PAUSES.0;
    loop {
        match read().await {
            Ok(found) => return found,
            Err(ReadError::Unavailable | ReadError::TooSlow | ReadError::Fault) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_PAUSES.1);
            }
        }
    }
}
