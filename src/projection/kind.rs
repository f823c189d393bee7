//! The projections that there are.

use futures_util::future::BoxFuture;
use gamebot::game::STATE_VERSION;

use super::batch::Batches;
use super::tables::{Layout, Target};
use crate::event::{RecordedEvent, life};
use crate::filter::EventFilter;
use crate::store::DatabaseError;
use std::sync::Arc;

use super::{games, guilds, observations, players, teams};

/// A projection: a unit that follows the log on its own, with a checkpoint of its own. Each keeps several read
/// models, which the same events feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProjectionKind {
    /// Games, their guesses and rounds, the statistics of players and teams, leaderboards, replays.
    Games,
    /// Teams and who is in them.
    Teams,
    /// What players say of themselves.
    Players,
    /// What guilds have configured.
    Guilds,
    /// Errors, recoveries, and events that were set aside.
    Observations,
}

/// Folds events into the tables of a build. It may keep what it has read and written in memory: whoever finds that
/// a transaction was rolled back, or may have been, goes on with another projector.
pub(super) trait Projector: Send + Sync {
    /// Applies events, in the order of the log, to the tables behind `target`. An event that cannot be used
    /// is a fault, which harms no other event.
    fn apply<'a>(
        &'a mut self,
        events: &'a [Arc<RecordedEvent>],
        target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Works out what events come to, where nothing has to be read for it; `None` if something has. Then they are
    /// applied once those before them are written.
    fn digest(
        &mut self,
        _events: &[Arc<RecordedEvent>],
    ) -> Result<Option<Box<dyn Digest>>, DatabaseError> {
        Ok(None)
    }
}

/// What events come to, to be written.
pub(super) trait Digest: Send + Sync {
    /// Writes it to the tables behind `target`, with its faults.
    fn write<'a>(
        self: Box<Self>,
        target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>>;
}

impl ProjectionKind {
    /// Every projection.
    pub const ALL: [Self; 5] = [
        Self::Games,
        Self::Teams,
        Self::Players,
        Self::Guilds,
        Self::Observations,
    ];

    /// Its name, for people and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Games => "games",
            Self::Teams => "teams",
            Self::Players => "players",
            Self::Guilds => "guilds",
            Self::Observations => "observations",
        }
    }

    /// The projection of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The read models that it keeps.
    #[must_use]
    pub const fn read_models(self) -> &'static [&'static str] {
        match self {
            Self::Games => &[
                "game_state",
                "game_summary",
                "active_games_by_guild",
                "active_game_by_player",
                "guess_history",
                "round_stats",
                "player_stats",
                "team_stats",
                "leaderboard",
                "replay",
            ],
            Self::Teams => &["team", "team_by_player"],
            Self::Players => &["player_profile"],
            Self::Guilds => &["guild_config"],
            Self::Observations => &["error_log", "stream_health"],
        }
    }

    /// The version of its code and tables. Whoever changes what an event does to them, or the tables, raises
    /// it: then a new build is made beside the old one.
    #[must_use]
    pub const fn version(self) -> i32 {
        match self {
            // Rows of games hold their states.
            Self::Games => STATE_VERSION,
            Self::Teams | Self::Players | Self::Guilds | Self::Observations => 1,
        }
    }

    /// The categories of streams whose events it wants, the lives of streams among them: what is deleted
    /// disappears from projections too.
    #[must_use]
    pub const fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Games => &["game", "$stream"],
            Self::Teams => &["team", "$stream"],
            Self::Players => &["player", "$stream"],
            Self::Guilds => &["guild", "$stream"],
            Self::Observations => &["gamelog", "botlog", "game", "$stream"],
        }
    }

    /// What it reads of the log, in parts: its categories one by one, each of which is a walk along an index; or its
    /// types at once, where it wants few of what its categories hold.
    pub(super) fn filters(self) -> Vec<EventFilter> {
        if self == Self::Observations {
            let ends = [life::DELETED, life::TOMBSTONED];
            let types = observations::TYPES.iter().chain(&ends);
            return vec![EventFilter {
                event_types: types.map(|&text| text.to_owned()).collect(),
                include_reserved: true,
                ..EventFilter::default()
            }];
        }
        let of_category = |&category: &&str| EventFilter {
            categories: vec![category.to_owned()],
            ..EventFilter::default()
        };
        self.categories().iter().map(of_category).collect()
    }

    pub(super) fn layout(self) -> &'static Layout {
        match self {
            Self::Games => &games::LAYOUT,
            Self::Teams => &teams::LAYOUT,
            Self::Players => &players::LAYOUT,
            Self::Guilds => &guilds::LAYOUT,
            Self::Observations => &observations::LAYOUT,
        }
    }

    pub(super) fn projector(self) -> Box<dyn Projector> {
        match self {
            Self::Games => Box::new(games::Games::default()),
            Self::Teams => Box::new(Batches::<teams::Teams>::new()),
            Self::Players => Box::new(Batches::<players::Profiles>::new()),
            Self::Guilds => Box::new(Batches::<guilds::Guilds>::new()),
            Self::Observations => Box::new(Batches::<observations::Observations>::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever makes them may be killed between two, and then the next one makes all of them.
    #[test]
    fn indexes_can_be_made_again() {
        for kind in ProjectionKind::ALL {
            for index in kind.layout().indexes {
                assert!(index.starts_with("CREATE INDEX IF NOT EXISTS {"), "{index}");
            }
        }
    }
}
