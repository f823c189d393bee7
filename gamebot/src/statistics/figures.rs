//! The fold over the events of one game.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    BaseFigures, Changes, GameResult, GuessOutcome, GuessRow, ModeFigures, RoundRow, TeamResult,
    pauses::Pauses, roster, round::Moment, team_figures::TeamFigures,
};
use crate::event::{
    Event, GameCompleted, GameMode, GameStarted, GolfRacePointsAwarded, GuessAbandoned,
    GuessProcessed, PointsReason, RoundCompleted, RoundStarted, TeamEliminated,
};

/// The running figures of one game: everything that the next row of it depends on.
///
/// They are small, about 1 kB a team, and can be written down and read again between any two
/// events. Feed them with the events of one stream in the order of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct GameFigures {
    stream_version: i32,
    start: Option<Start>,
    teams: Vec<TeamFigures>,
    guesses: i32,
    highest_round: i32,
    rounds_played: i32,
    pauses: Pauses,
    is_over: bool,
    schema_versions: BTreeMap<String, Vec<i32>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Start {
    mode: GameMode,
    started_at: DateTime<Utc>,
}

impl GameFigures {
    /// The figures of a game of which no event is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes in which schema version an event of the stream is stored. It is a matter of its own,
    /// because [`apply`](Self::apply) sees an event as it is read, and not at all one that cannot
    /// be read. Noting the same again changes nothing.
    pub fn note_stored(&mut self, event_type: &str, schema_version: i32) {
        if let Some(versions) = self.schema_versions.get_mut(event_type) {
            if let Err(place) = versions.binary_search(&schema_version) {
                versions.insert(place, schema_version);
            }
        } else {
            let event_type = event_type.to_owned();
            self.schema_versions
                .insert(event_type, vec![schema_version]);
        }
    }

    /// Takes the next event into account, and answers what it changes.
    ///
    /// `stream_version` is its place in the stream, from 1. An event at a place that was passed
    /// already changes nothing, so a projection may repeat itself. After `game_completed` or
    /// `game_aborted` nothing changes any more.
    pub fn apply(&mut self, stream_version: i32, event_id: &str, event: &Event) -> Changes {
        if stream_version <= self.stream_version {
            return Changes::default();
        }
        self.stream_version = stream_version;
        if self.is_over {
            return Changes::default();
        }
        match event {
            Event::GameStarted(started) => self.start(started),
            Event::RoundStarted(round) => self.start_round(round),
            Event::GuessProcessed(guess) => self.process(event_id, guess),
            Event::GuessAbandoned(guess) => self.abandon(event_id, guess),
            Event::TeamEliminated(team) => self.eliminate(team),
            Event::RoundCompleted(round) => self.win_round(round),
            Event::RoundEnded(round) => self.close_round(round.timestamp),
            Event::KnockoutRoundCompleted(round) => self.close_round(round.timestamp),
            Event::LongformDayEnded(day) => self.close_round(day.timestamp),
            Event::RaceModeTimeExpired(race) => self.finish_rounds(race.timestamp),
            Event::GolfRacePointsAwarded(points) => self.award(points),
            Event::GamePaused(pause) => self.pause(pause.timestamp),
            Event::GameResumed(resumption) => self.resume(resumption.timestamp),
            Event::GameAborted(aborted) => self.abort(aborted.timestamp),
            Event::GameCompleted(completed) => self.complete(completed),
            // Lobbies, presence, words on their way, warnings, verdicts and observations are in no
            // figure; neither is what belongs to other streams.
            _ => Changes::default(),
        }
    }

    /// The score of each team so far, in the order of `team_ids`: the points of its matches, and
    /// in a golf race less one for each time that it gave up. Empty before `game_started`.
    pub fn scores(&self) -> impl Iterator<Item = (&str, i32)> {
        let teams = self.teams.iter();
        teams.map(|team| (team.team_id.as_str(), team.score))
    }

    fn moment(&self, at: DateTime<Utc>) -> Moment {
        Moment {
            at,
            paused_us: self.pauses.until(at),
        }
    }

    fn team(&mut self, team_id: &str) -> Option<&mut TeamFigures> {
        self.teams.iter_mut().find(|team| team.team_id == team_id)
    }

    /// A second start changes nothing: the roster is frozen.
    fn start(&mut self, started: &GameStarted) -> Changes {
        if self.start.is_none() {
            self.start = Some(Start {
                mode: started.mode.clone(),
                started_at: started.started_at,
            });
            self.teams = roster::teams(started);
        }
        Changes::default()
    }

    fn start_round(&mut self, round: &RoundStarted) -> Changes {
        let moment = self.moment(round.timestamp);
        self.highest_round = self.highest_round.max(round.round_number);
        let mut changes = Changes::default();
        for state in &round.team_states {
            if let Some(team) = self.team(&state.team_id) {
                team.start_round(round.round_number, moment);
                changes.rounds.extend(team.round_row());
            }
        }
        changes
    }

    fn process(&mut self, event_id: &str, guess: &GuessProcessed) -> Changes {
        let moment = self.moment(guess.timestamp);
        let (attempt_ms, round) = self.attempt(&guess.team_id, |team| team.process(guess, moment));
        let row = GuessRow {
            sequence: self.guesses,
            round_number: guess.round_number,
            team_id: guess.team_id.clone(),
            player1_id: guess.player1_id.clone(),
            player2_id: guess.player2_id.clone(),
            player1_word: Some(guess.player1_word.clone()),
            player2_word: Some(guess.player2_word.clone()),
            outcome: if guess.guess_successful {
                GuessOutcome::Match
            } else {
                GuessOutcome::Miss
            },
            match_score: guess.match_score.filter(|_| guess.guess_successful),
            guess_count: guess.guess_count,
            attempt_ms,
            at: guess.timestamp,
            event_id: event_id.to_owned(),
            stream_version: self.stream_version,
        };
        Changes {
            guesses: vec![row],
            rounds: round.into_iter().collect(),
            finished: None,
        }
    }

    fn abandon(&mut self, event_id: &str, guess: &GuessAbandoned) -> Changes {
        let moment = self.moment(guess.timestamp);
        let (attempt_ms, round) = self.attempt(&guess.team_id, |team| team.abandon(guess, moment));
        let word_of = |player_id: &str| {
            let last_guess = guess.last_guess.as_ref();
            let sent = last_guess.filter(|last_guess| last_guess.player_id == player_id);
            sent.map(|last_guess| last_guess.word.clone())
        };
        let row = GuessRow {
            sequence: self.guesses,
            round_number: guess.round_number,
            team_id: guess.team_id.clone(),
            player1_id: guess.player1_id.clone(),
            player2_id: guess.player2_id.clone(),
            player1_word: word_of(&guess.player1_id),
            player2_word: word_of(&guess.player2_id),
            outcome: GuessOutcome::Abandoned,
            match_score: None,
            guess_count: guess.guess_count,
            attempt_ms,
            at: guess.timestamp,
            event_id: event_id.to_owned(),
            stream_version: self.stream_version,
        };
        Changes {
            guesses: vec![row],
            rounds: round.into_iter().collect(),
            finished: None,
        }
    }

    /// Counts an attempt. The answer is how long it took, and the round in which it was; neither
    /// for a team that does not play.
    fn attempt(
        &mut self,
        team_id: &str,
        count: impl FnOnce(&mut TeamFigures) -> Option<i32>,
    ) -> (Option<i32>, Option<RoundRow>) {
        self.guesses = self.guesses.saturating_add(1);
        match self.team(team_id) {
            Some(team) => (count(team), team.round_row()),
            None => (None, None),
        }
    }

    fn eliminate(&mut self, eliminated: &TeamEliminated) -> Changes {
        let moment = self.moment(eliminated.timestamp);
        let mut changes = Changes::default();
        if let Some(team) = self.team(&eliminated.team_id) {
            team.eliminate(eliminated.round_number, &eliminated.reason);
            changes.rounds.extend(team.finish_round(moment));
        }
        changes
    }

    /// The round of a team was played to its end. The match has ended it for the team already.
    fn win_round(&mut self, round: &RoundCompleted) -> Changes {
        let moment = self.moment(round.timestamp);
        let winner = self.team(&round.winner_team_id);
        Changes {
            rounds: winner
                .and_then(|team| team.finish_round(moment))
                .into_iter()
                .collect(),
            ..Changes::default()
        }
    }

    /// The points of a match came with the match; those for giving up come by themselves.
    fn award(&mut self, award: &GolfRacePointsAwarded) -> Changes {
        if award.reason == PointsReason::GiveUp
            && let Some(team) = self.team(&award.team_id)
        {
            team.give_up(award.points);
        }
        Changes::default()
    }

    fn pause(&mut self, at: DateTime<Utc>) -> Changes {
        self.pauses.pause(at);
        Changes::default()
    }

    fn resume(&mut self, at: DateTime<Utc>) -> Changes {
        self.pauses.resume(at);
        Changes::default()
    }

    /// A game without a result ends its rounds, and counts for nobody.
    fn abort(&mut self, at: DateTime<Utc>) -> Changes {
        let changes = self.finish_rounds(at);
        self.is_over = true;
        changes
    }

    /// A round of the whole game was played to its end.
    fn close_round(&mut self, at: DateTime<Utc>) -> Changes {
        self.rounds_played = self.rounds_played.saturating_add(1);
        self.finish_rounds(at)
    }

    /// Ends the rounds that are still going on.
    fn finish_rounds(&mut self, at: DateTime<Utc>) -> Changes {
        let moment = self.moment(at);
        let rounds = self.teams.iter_mut();
        Changes {
            rounds: rounds
                .filter_map(|team| team.finish_round(moment))
                .collect(),
            ..Changes::default()
        }
    }

    fn complete(&mut self, completed: &GameCompleted) -> Changes {
        let mut changes = self.finish_rounds(completed.timestamp);
        self.is_over = true;
        changes.finished = self
            .start
            .as_ref()
            .map(|start| Box::new(self.result(start, completed)));
        changes
    }

    fn result(&self, start: &Start, completed: &GameCompleted) -> GameResult {
        let teams: Vec<TeamResult> = self
            .teams
            .iter()
            .map(|team| team.result(completed))
            .collect();
        let players = self.teams.iter().zip(&teams);
        let players: Vec<_> = players
            .flat_map(|(team, result)| team.player_results(result))
            .collect();
        GameResult {
            game_id: completed.game_id.clone(),
            guild_id: completed.guild_id.clone(),
            mode: start.mode.clone(),
            started_at: start.started_at,
            finished_at: completed.finished_at,
            completed_at: completed.timestamp,
            duration_s: completed.game_duration,
            event_count: self.stream_version,
            base: BaseFigures {
                duration_seconds: completed.game_duration,
                total_guesses: teams.iter().map(|team| i64::from(team.guesses)).sum(),
                player_count: i32::try_from(players.len()).unwrap_or(i32::MAX),
                team_count: i32::try_from(teams.len()).unwrap_or(i32::MAX),
                rounds: self.highest_round,
            },
            mode_figures: ModeFigures::of(
                &start.mode,
                &teams,
                &self.teams,
                self.rounds_played,
                completed.game_duration,
            ),
            players,
            teams,
            schema_versions: self.schema_versions.clone(),
        }
    }
}
