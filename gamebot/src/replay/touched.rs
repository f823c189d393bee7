//! Which teams an event is about.

use crate::event::Event;

/// The teams that the event names, in its own order.
pub(super) fn touched_teams(event: &Event) -> Vec<String> {
    match event {
        Event::GameCreated(created) => created.team_ids.clone(),
        Event::GameStarted(started) => started.team_ids.clone(),
        Event::RoundStarted(round) => ids(&round.team_states, |state| &state.team_id),
        Event::RoundEnded(round) => round.winners.clone(),
        Event::KnockoutRoundCompleted(round) => {
            let eliminated = ids(&round.eliminated_teams, |team| &team.team_id);
            let advancing = ids(&round.advancing_teams, |team| &team.team_id);
            [eliminated, advancing].concat()
        }
        Event::LongformDayEnded(day) => ids(&day.team_standings, |team| &team.team_id),
        Event::RaceTimeWarning(warning) => ids(&warning.standings, |team| &team.team_id),
        Event::RaceModeTimeExpired(race) => ids(&race.final_matches, |team| &team.team_id),
        Event::GameCompleted(completed) => ids(&completed.final_scores, |team| &team.team_id),
        _ => touched_team(event).cloned().into_iter().collect(),
    }
}

/// The team of an event that names one team at most.
fn touched_team(event: &Event) -> Option<&String> {
    match event {
        Event::PlayerJoined(joined) => joined.team_id.as_ref(),
        Event::PlayerLeft(left) => left.team_id.as_ref(),
        Event::PlayerStatusChanged(changed) => Some(&changed.team_id),
        Event::RoundRestarted(round) => Some(&round.team_id),
        Event::RoundCompleted(round) => Some(&round.winner_team_id),
        Event::GuessStarted(guess) => Some(&guess.team_id),
        Event::GuessProcessed(guess) => Some(&guess.team_id),
        Event::GuessAbandoned(guess) => Some(&guess.team_id),
        Event::TeamEliminated(team) => Some(&team.team_id),
        Event::GolfRacePointsAwarded(points) => Some(&points.team_id),
        Event::TwoPlayerResultEvaluated(result) => Some(&result.team_id),
        Event::GuessError(error) => Some(&error.team_id),
        Event::GuessPairError(error) => Some(&error.team_id),
        _ => None,
    }
}

fn ids<T>(entries: &[T], id: fn(&T) -> &String) -> Vec<String> {
    entries.iter().map(|entry| id(entry).clone()).collect()
}
