//! Whether a state makes sense in itself, after a recovery or as a snapshot.

use super::{
    rule::Rule,
    state::{GameState, Phase, Team},
    violation::Violation,
};

/// Says what in a state contradicts itself. The answer is empty for a state that was folded from
/// events that obey the rules; otherwise each breach has the code `state_validation_failed`, and
/// the rule is `R28`, because a number or a fact does not follow from the others.
#[must_use]
pub fn verify(state: &GameState) -> Vec<Violation> {
    let mut faults = Vec::new();
    missing_fields(state, &mut faults);
    contradicting_phase(state, &mut faults);
    for team in &state.teams {
        team_numbers(state, team, &mut faults);
    }
    faults
        .into_iter()
        .map(|message| Violation::of_stream(Rule::R28, "state_validation_failed", message))
        .collect()
}

fn missing_fields(state: &GameState, faults: &mut Vec<String>) {
    let Some(phase) = state.phase else {
        return;
    };
    if state.game_id.is_empty() {
        faults.push("the game_id is missing".to_owned());
    }
    if state.mode.is_none() {
        faults.push("the mode is missing".to_owned());
    }
    let is_in_play = matches!(phase, Phase::Ready | Phase::InRound | Phase::Paused);
    if is_in_play && state.started_at.is_none() {
        faults.push(format!("the phase is {phase:?}, but started_at is missing"));
    }
    if state.started_at.is_some() && state.teams.is_empty() {
        faults.push("the game has been started without a team".to_owned());
    }
    let is_over = matches!(phase, Phase::Completed | Phase::Aborted);
    if is_over && state.finished_at.is_none() {
        faults.push(format!(
            "the phase is {phase:?}, but finished_at is missing"
        ));
    }
    if phase == Phase::Completed && state.result.is_none() {
        faults.push("the game is completed, but the result is missing".to_owned());
    }
}

fn contradicting_phase(state: &GameState, faults: &mut Vec<String>) {
    let Some(phase) = state.phase else {
        return;
    };
    if (phase == Phase::Paused) != state.pause.is_some() {
        faults.push(format!(
            "the phase is {phase:?}, but the pause says otherwise"
        ));
    }
    let play = state
        .pause
        .as_ref()
        .map_or(phase, |pause| pause.phase_before);
    if (play == Phase::InRound) != state.round_open {
        let round = if state.round_open { "open" } else { "not open" };
        faults.push(format!("the phase is {play:?}, but a round is {round}"));
    }
    if state.expired && !state.is_race() {
        faults.push("the time was up in a mode without a time".to_owned());
    }
}

fn team_numbers(state: &GameState, team: &Team, faults: &mut Vec<String>) {
    let id = &team.team_id;
    let mut matches = 0_i64;
    let mut score = -i64::from(team.give_up_penalties);
    for entry in state.matches.iter().filter(|entry| entry.team_id == *id) {
        matches += 1;
        score += i64::from(entry.score);
    }
    if i64::from(team.matches) != matches {
        let stated = team.matches;
        faults.push(format!(
            "{id} has {stated} matches, but {matches} were seen"
        ));
    }
    if i64::from(team.score) != score {
        let stated = team.score;
        faults.push(format!(
            "{id} has the score {stated}, but its matches give {score}"
        ));
    }
    let is_listed = state
        .eliminated
        .iter()
        .any(|elimination| elimination.team_id == *id);
    if is_listed == team.is_live() {
        let status = team.status.as_str();
        let listed = if is_listed { "" } else { "not " };
        faults.push(format!(
            "{id} is {status}, but {listed}among the eliminated teams"
        ));
    }
}
