//! What a game is made of, as the projections keep it: guesses, rounds, replays.

use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::event::GameMode;
use uuid::Uuid;

use super::event::EventObject;
use super::game::GameObject;
use super::replay_steps::{self, ReplayStep};
use crate::graphql::loader::Operation;
use crate::graphql::scalar::{JsonScalar, PositionScalar};
use crate::projection::{PlayedRound, ProjectedGuess, ProjectedReplay};

/// A list in the order of the log.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $what:literal) => {
        #[doc = concat!("A page of ", $what, ".")]
        #[derive(SimpleObject)]
        pub(in crate::graphql) struct $connection {
            #[doc = concat!("The ", $what, " with their cursors.")]
            pub(in crate::graphql) edges: Vec<$edge>,
            #[doc = concat!("The ", $what, ".")]
            pub(in crate::graphql) nodes: Vec<$node>,
            /// Whether there are more, and the cursors of the page's ends.
            pub(in crate::graphql) page_info: PageInfo,
            /// The page holds everything up to this position of the log, and nothing after it.
            pub(in crate::graphql) projected_through: PositionScalar,
        }

        #[doc = concat!("One of the ", $what, ", and where it stands in the list.")]
        #[derive(SimpleObject)]
        pub(in crate::graphql) struct $edge {
            /// `after` or `before` of another page.
            pub(in crate::graphql) cursor: String,
            #[doc = concat!("One of the ", $what, ".")]
            pub(in crate::graphql) node: $node,
        }

        impl $crate::graphql::played::Connection for $connection {
            type Node = $node;

            fn new(
                nodes: Vec<(String, $node)>,
                page_info: PageInfo,
                projected_through: PositionScalar,
            ) -> Self {
                let edge = |(cursor, node): &(String, $node)| $edge {
                    cursor: cursor.clone(),
                    node: node.clone(),
                };
                Self {
                    edges: nodes.iter().map(edge).collect(),
                    nodes: nodes.into_iter().map(|(_, node)| node).collect(),
                    page_info,
                    projected_through,
                }
            }
        }
    };
}
pub(super) use connection;

connection!(GameConnection, GameEdge, GameObject, "games");
connection!(GuessConnection, GuessEdge, Guess, "guesses");
connection!(ReplayConnection, ReplayEdge, Replay, "replays");

/// How an attempt ended.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum GuessOutcome {
    /// The two words match.
    Match,
    /// The two words do not match.
    Miss,
    /// One word or both are missing.
    Abandoned,
}

/// One attempt of a team: both words, or an attempt that was abandoned.
#[expect(
    clippy::struct_field_names,
    reason = "the events call the number of an attempt so"
)]
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(in crate::graphql) struct Guess {
    /// The game.
    game_id: String,
    /// The attempt's number in the game, over all teams, from 1.
    sequence: i32,
    /// The game's guild; null for a game of a direct message.
    guild_id: Option<String>,
    /// The rules of the game.
    mode: GameMode,
    /// The round, from 1; in the race modes the team's own.
    round_number: i32,
    /// The team.
    team_id: String,
    /// The Discord user ids of the two players; first the one who answered first, if both did.
    player_ids: Vec<String>,
    /// The words of the two players, in the same order; null for one that did not arrive.
    words: Vec<Option<String>>,
    /// How the attempt ended.
    outcome: GuessOutcome,
    /// The points of a match; null for anything else.
    match_score: Option<i32>,
    /// The attempt's number in the team's chain of words, from 1.
    guess_count: i32,
    /// How long the attempt took, in milliseconds, without pauses; null where it was not measured.
    attempt_ms: Option<i32>,
    /// When the attempt ended.
    at: DateTime<Utc>,
    /// The id of its event.
    event_id: Uuid,
    /// The place of its event in the stream.
    stream_version: i32,
    /// The place of its event in the log.
    position: PositionScalar,
}

#[ComplexObject]
impl Guess {
    /// The event that tells of it.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        let event = Operation::of(ctx)?.event_by_id(self.event_id).await?;
        Ok(event.map(EventObject::new))
    }
}

impl From<ProjectedGuess> for Guess {
    fn from(guess: ProjectedGuess) -> Self {
        let outcome = match guess.outcome.as_str() {
            "match" => GuessOutcome::Match,
            "miss" => GuessOutcome::Miss,
            _ => GuessOutcome::Abandoned,
        };
        Self {
            game_id: guess.game_id,
            sequence: guess.sequence,
            guild_id: guess.guild_id,
            mode: guess.mode,
            round_number: guess.round_number,
            team_id: guess.team_id,
            player_ids: guess.player_ids.into(),
            words: guess.words.into(),
            outcome,
            match_score: guess.match_score,
            guess_count: guess.guess_count,
            attempt_ms: guess.attempt_ms,
            at: guess.at,
            event_id: guess.event_id.parse().unwrap_or_default(),
            stream_version: guess.stream_version,
            position: PositionScalar(guess.position),
        }
    }
}

/// What one team did in one round.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TeamRound {
    /// The round, from 1; in the race modes the team's own.
    round_number: i32,
    /// The team.
    team_id: String,
    /// The attempts of the team in the round, with both words or abandoned.
    attempts: i32,
    /// 1 when the team solved the round, else 0.
    matches: i32,
    /// The attempts that were abandoned.
    abandoned: i32,
    /// Whether the team matched at the first attempt at its words.
    perfect: bool,
    /// How long the round took, in milliseconds, without pauses; null while it goes on for the team.
    duration_ms: Option<crate::graphql::scalar::SafeInt>,
    /// When the round began for the team.
    started_at: DateTime<Utc>,
    /// When the round ended for the team; null while it goes on.
    finished_at: Option<DateTime<Utc>>,
}

impl From<PlayedRound> for TeamRound {
    fn from(round: PlayedRound) -> Self {
        let duration = round
            .duration_ms
            .and_then(|duration| u64::try_from(duration).ok());
        Self {
            round_number: round.round_number,
            team_id: round.team_id,
            attempts: round.attempts,
            matches: round.matches,
            abandoned: round.abandoned,
            perfect: round.is_perfect,
            duration_ms: duration.map(crate::graphql::scalar::SafeInt),
            started_at: round.started_at,
            finished_at: round.finished_at,
        }
    }
}

/// A finished game to be watched again.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(in crate::graphql) struct Replay {
    /// The game.
    game_id: String,
    /// A name that people can say, of this replay alone: a word and a number.
    display_name: String,
    /// The game's guild; null for a game of a direct message.
    guild_id: Option<String>,
    /// The rules of the game.
    mode: GameMode,
    /// When play began.
    started_at: DateTime<Utc>,
    /// When play ended.
    finished_at: DateTime<Utc>,
    /// The events up to the result.
    event_count: i32,
    /// The figures that games of all modes have: `duration_seconds`, `total_guesses`, `player_count`,
    /// `team_count`, `rounds`.
    base_statistics: JsonScalar,
    /// The figures of the mode, under its name; its keys depend on it.
    mode_statistics: JsonScalar,
    /// The schema versions in which the events are stored, by event type: all of them.
    schema_versions: JsonScalar,
}

impl From<ProjectedReplay> for Replay {
    fn from(replay: ProjectedReplay) -> Self {
        Self {
            game_id: replay.game_id,
            display_name: replay.display_name,
            guild_id: replay.guild_id,
            mode: replay.mode,
            started_at: replay.started_at,
            finished_at: replay.finished_at,
            event_count: replay.event_count,
            base_statistics: JsonScalar(replay.base),
            mode_statistics: JsonScalar(replay.mode_figures),
            schema_versions: JsonScalar(replay.schema_versions),
        }
    }
}

#[ComplexObject]
impl Replay {
    /// The steps of the game, one for each event, in their order.
    async fn steps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After the step of this number; from the first if absent.")] after: Option<
            i32,
        >,
    ) -> Result<Vec<ReplayStep>> {
        replay_steps::read(
            Operation::of(ctx)?,
            &self.game_id,
            self.started_at,
            first,
            after,
        )
        .await
    }
}

/// A game of the projection.
pub(in crate::graphql) fn game(game: crate::projection::ProjectedGame) -> GameObject {
    GameObject::at(Arc::new(game.state), game.position)
}
