//! Which teams an event is about.

use crate::event::CoreEvent as Event;

/// The teams that the event names, in its own order, each once.
pub(super) fn touched_teams(event: &Event) -> Vec<String> {
    match event {
        Event::GameStarted(started) => started.team_ids.clone(),
        Event::RoundStarted(round) => ids(&round.team_states, |state| &state.team_id),
        Event::GuessProcessed(guess) => vec![guess.team_id.clone()],
        Event::GuessAbandoned(guess) => vec![guess.team_id.clone()],
        Event::TeamEliminated(team) => vec![team.team_id.clone()],
        Event::KnockoutRoundCompleted(round) => {
            let eliminated = ids(&round.eliminated_teams, |team| &team.team_id);
            let advancing = ids(&round.advancing_teams, |team| &team.team_id);
            [eliminated, advancing].concat()
        }
        Event::RaceModeTimeExpired(race) => ids(&race.final_matches, |team| &team.team_id),
        Event::GameCompleted(completed) => ids(&completed.final_scores, |team| &team.team_id),
    }
}

fn ids<T>(entries: &[T], id: fn(&T) -> &String) -> Vec<String> {
    entries.iter().map(|entry| id(entry).clone()).collect()
}
