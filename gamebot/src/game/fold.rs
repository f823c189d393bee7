//! What each event changes.
//!
//! The fold is total: it takes every event, also one that breaks rules. What makes no sense at all
//! changes nothing (an attempt of an unknown team); of the rest it takes what the event says, where
//! that is plausible. In this way one lost event is noticed once, and not again by every later one.

mod attempt;
mod ending;
mod round;
mod start;

use chrono::{DateTime, TimeDelta, Utc};

use super::state::{Envelope, GameState, Phase, Team};
use crate::event::{Event, GameBase, TeamStatus};

/// By how much a counter that an event states may differ from the folded one, and still be taken
/// over.
const PLAUSIBLE_DIFFERENCE: u32 = 1_000;

impl GameState {
    /// Folds the next event of the stream into the state. It takes every event and never panics.
    pub fn apply(&mut self, envelope: &Envelope<'_>, event: &Event) {
        self.note_envelope(envelope);
        let at = event.timestamp();
        self.last_activity = self.last_activity.max(Some(at));
        self.note_start(event);
        if let Some(base) = event.game_base() {
            if self.mode.is_none() {
                self.mode = Some(base.mode.clone());
                self.guild_id = base.guild_id.map(str::to_owned);
            }
            self.last_timestamp = Some(at);
            self.apply_game_event(base, event);
        }
    }

    /// Passes over an event whose data cannot be read: it has its place in the stream, and nothing
    /// more is known of it.
    pub fn skip(&mut self, envelope: &Envelope<'_>, event_type: &str) {
        self.note_envelope(envelope);
        // Whatever it was, the game did not begin as it should.
        if self.phase.is_none() && !super::check::is_optional(event_type) {
            self.start_is_damaged = true;
        }
    }

    /// Takes note of an event whose data is of no use: it has its place in the stream, and nothing
    /// more is known of it.
    pub(super) fn note_envelope(&mut self, envelope: &Envelope<'_>) {
        self.stream_version = envelope.stream_version;
        self.event_count = self.event_count.saturating_add(1);
        // The strings are written over, because this runs for each event of every game.
        envelope
            .event_id
            .clone_into(self.last_event_id.get_or_insert_default());
        if let Some(correlation_id) = envelope.correlation_id {
            correlation_id.clone_into(self.correlation_id.get_or_insert_default());
        }
    }

    fn note_start(&mut self, event: &Event) {
        self.start_is_damaged |= match self.phase {
            None => !matches!(event, Event::GameCreated(_) | Event::GameStarted(_)),
            Some(Phase::Lobby) => {
                event.game_base().is_some() && !super::check::is_legal_in_lobby(event)
            }
            Some(_) => false,
        };
    }

    fn apply_game_event(&mut self, base: GameBase<'_>, event: &Event) {
        if self.is_over() {
            if let Event::GameArchived(_) = event {
                self.phase = Some(Phase::Archived);
                self.archived = true;
            }
            return;
        }
        match event {
            Event::GameCreated(created) => self.game_created(created),
            Event::GameModeChanged(changed) => {
                self.lobby_changed(
                    Some(&changed.new_mode),
                    changed.config_version,
                    &changed.config,
                );
            }
            Event::GameConfigChanged(changed) => {
                self.lobby_changed(None, changed.config_version, &changed.config);
            }
            Event::GameStarted(started) => self.game_started(started),
            Event::PlayerJoined(joined) => self.player_joined(joined),
            Event::PlayerLeft(left) => self.player_left(left),
            Event::GameAborted(aborted) => self.game_aborted(aborted),
            Event::GameArchived(_) => {}
            _ if self.started_at.is_none() => {}
            _ => self.apply_play(base, event),
        }
    }

    /// Folds an event that only a started game can have.
    fn apply_play(&mut self, base: GameBase<'_>, event: &Event) {
        if !super::check::is_legal_in_pause(event) {
            self.end_lost_pause();
        }
        match event {
            Event::PlayerStatusChanged(changed) => self.player_status_changed(changed),
            Event::RoundStarted(started) => self.round_started(base, started),
            Event::RoundRestarted(restarted) => self.round_restarted(restarted),
            Event::RoundCompleted(completed) => self.round_completed(base, completed),
            Event::RoundEnded(_) => self.round_ended(base),
            Event::KnockoutRoundCompleted(completed) => {
                self.knockout_round_completed(base, completed);
            }
            Event::LongformDayEnded(ended) => self.longform_day_ended(base, ended),
            Event::GuessStarted(guess) => self.guess_started(base, guess),
            Event::GuessProcessed(guess) => self.guess_processed(base, guess),
            Event::GuessAbandoned(guess) => self.guess_abandoned(base, guess),
            Event::GolfRacePointsAwarded(awarded) => self.points_awarded(awarded),
            Event::TeamEliminated(eliminated) => self.team_eliminated(base, eliminated),
            Event::RaceTimeWarning(warning) => {
                self.warned_seconds = Some(warning.remaining_seconds);
            }
            Event::RaceModeTimeExpired(expired) => self.race_expired(expired),
            Event::TwoPlayerResultEvaluated(evaluated) => self.result_evaluated(evaluated),
            Event::GamePaused(paused) => self.game_paused(paused),
            Event::GameResumed(_) => self.end_pause(base.timestamp),
            Event::GameCompleted(completed) => self.game_completed(completed),
            _ => {}
        }
    }

    /// Lets play go on; without a pause nothing happens.
    fn end_pause(&mut self, at: DateTime<Utc>) {
        let Some(pause) = self.pause.take() else {
            return;
        };
        let paused = (at - pause.since).max(TimeDelta::zero());
        self.paused_total_ms = self
            .paused_total_ms
            .saturating_add(paused.num_milliseconds());
        self.expires_at = self
            .expires_at
            .map(|expires_at| expires_at.checked_add_signed(paused).unwrap_or(expires_at));
        self.phase = Some(pause.phase_before);
    }

    /// Lets play go on after a pause whose end was lost. How long it took is not known, so it counts
    /// as none: then nothing that happens seems to take too long.
    fn end_lost_pause(&mut self) {
        if let Some(pause) = self.pause.take() {
            self.phase = Some(pause.phase_before);
        }
    }

    fn team_mut(&mut self, team_id: &str) -> Option<&mut Team> {
        self.teams.iter_mut().find(|team| team.team_id == team_id)
    }

    /// Whether both players of the team have left.
    fn is_deserted(&self, team: &Team) -> bool {
        !team.players.is_empty()
            && team.players.iter().all(|member| {
                self.player(&member.player_id)
                    .is_some_and(|player| !player.connected)
            })
    }

    /// Brings the status of a live team in line with who has left it.
    fn update_presence(&mut self, team_id: &str) {
        let Some(index) = self.teams.iter().position(|team| team.team_id == team_id) else {
            return;
        };
        let is_deserted = self.is_deserted(&self.teams[index]);
        let team = &mut self.teams[index];
        if !team.is_live() {
            return;
        }
        if is_deserted {
            team.status = TeamStatus::Withdrawn;
        } else if team.status == TeamStatus::Withdrawn {
            team.status = team.status_of_play();
        }
    }
}

impl Team {
    /// What a live team with players does.
    fn status_of_play(&self) -> TeamStatus {
        if self.round_matched && self.round_open {
            TeamStatus::Matched
        } else if self.round_open && self.pending_guess.is_some() {
            TeamStatus::Waiting
        } else if self.round_open {
            TeamStatus::Guessing
        } else {
            TeamStatus::Ready
        }
    }
}

/// The number to go on with: the stated one unless it is out of all proportion. In a stream that
/// obeys the rules the two are equal.
fn adopt(folded: i32, stated: i32) -> i32 {
    if stated.abs_diff(folded) <= PLAUSIBLE_DIFFERENCE {
        stated
    } else {
        folded
    }
}

/// The same for a number that is never negative.
fn adopt_count(folded: i32, stated: i32) -> i32 {
    if stated < 0 {
        folded
    } else {
        adopt(folded, stated)
    }
}
