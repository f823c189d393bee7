//! The states of the samples, against figures that were read off the samples by hand.

use gamebot::{
    event::{Decoded, EliminationReason, Event, GameMode, TeamStatus},
    game::{Envelope, GameState, Pause, PendingGuess, Phase, Team},
};
use serde_json::json;

use super::{
    by_hand,
    stream::Stream,
    table::{GAME_ID, Table},
};

/// The state after the first `count` events.
fn state_after(stream: &Stream, count: usize) -> GameState {
    let mut state = GameState::new(&stream.game_id);
    for (version, event) in (1..).zip(&stream.events[..count]) {
        let data = event.data.as_ref().unwrap();
        let Decoded::Known(decoded) = Event::decode(&event.event_type, 1, data) else {
            panic!("a {} cannot be read", event.event_type);
        };
        let envelope = Envelope {
            stream_version: version,
            event_id: &event.event_id,
            correlation_id: Some("c"),
            causation_id: None,
        };
        state.apply(&envelope, &decoded);
    }
    state
}

fn final_state(name: &str) -> GameState {
    let stream = Stream::sample(name);
    state_after(&stream, stream.events.len())
}

/// Score, matches, attempts, and abandoned attempts.
fn figures(team: &Team) -> [i32; 4] {
    [
        team.score,
        team.matches,
        team.total_guesses,
        team.abandoned_guesses,
    ]
}

/// Finished attempts, matches, and abandoned attempts of each player.
fn players(team: &Team) -> Vec<[i32; 3]> {
    let players = team.players.iter();
    players
        .map(|player| {
            [
                player.total_guesses,
                player.successful_matches,
                player.abandoned_guesses,
            ]
        })
        .collect()
}

#[test]
fn the_game_of_two_players_ends_as_expected() {
    let state = final_state("two_player");
    assert_eq!(state.game_id, "01958b87-26e2-7ec9-9dcd-35f0c7fde805");
    assert_eq!(state.mode, Some(GameMode::TwoPlayer));
    assert_eq!(state.phase, Some(Phase::Completed));
    assert_eq!((state.stream_version, state.event_count), (31, 31));
    assert_eq!(state.config_version, 1);
    assert_eq!(state.settings.rounds_required, 5);
    assert_eq!(state.settings.guess_timeout_seconds, Some(60));
    assert_eq!(
        (
            state.rounds_played,
            state.perfect_rounds,
            state.round_number
        ),
        (5, 1, 5)
    );
    assert!(!state.round_open);
    // From 18:07:51.695476 to 18:09:26.207476.
    assert_eq!(state.paused_total_ms, 94_512);
    assert_eq!(state.pause, None);
    assert_eq!(figures(&state.teams[0]), [5, 5, 15, 1]);
    assert_eq!(players(&state.teams[0]), [[14, 5, 0], [14, 5, 1]]);
    assert_eq!(state.teams[0].current_words, ["ghost", "attic"]);
    let matched: Vec<(i32, i32, &str)> = state
        .matches
        .iter()
        .map(|entry| {
            (
                entry.round_number,
                entry.guess_count,
                entry.words[1].as_str(),
            )
        })
        .collect();
    assert_eq!(
        matched,
        [
            (1, 3, "throne"),
            (2, 1, "rain"),
            (3, 5, "village"),
            (4, 2, "goal"),
            (5, 4, "cobweb"),
        ]
    );
    let evaluation = state.evaluation.unwrap();
    assert!(evaluation.succeeded && (evaluation.average_guesses - 3.0).abs() < 1e-9);
    let result = state.result.unwrap();
    assert_eq!(result.winners, [state.teams[0].team_id.clone()]);
    assert_eq!((result.game_duration, result.total_rounds), (388, 5));
    // The last 12 of the 14 words of the player, oldest first; the abandoned one is not among them.
    let words = &state.players[0].forbidden_words;
    assert_eq!(words.len(), 12);
    assert_eq!(
        (words[0].as_str(), words[11].as_str()),
        ("throne", "cobweb")
    );
    assert!(!words.contains(&"candle".to_owned()));
}

#[test]
fn the_middle_of_a_round_is_known() {
    let stream = Stream::sample("two_player");
    // After a guess_started: the first word is in.
    let state = state_after(&stream, 13);
    let team = &state.teams[0];
    assert_eq!(team.status, TeamStatus::Waiting);
    let pending = PendingGuess {
        player_id: "517400303631233767".to_owned(),
        at: "2025-03-12T18:06:11.588644Z".parse().unwrap(),
        played_ms: 38_903,
    };
    assert_eq!(team.pending_guess, Some(pending));
    assert_eq!(
        (team.guess_count, team.round_guess_count, team.total_guesses),
        (2, 2, 6)
    );
    assert_eq!(team.current_words, ["summit", "mountain"]);
    // The partner did not answer: the words stay, and the one word is not forbidden.
    let state = state_after(&stream, 14);
    let team = &state.teams[0];
    assert_eq!(
        (team.status.clone(), team.pending_guess.clone()),
        (TeamStatus::Guessing, None)
    );
    assert_eq!((team.guess_count, team.abandoned_guesses), (3, 1));
    assert_eq!(team.current_words, ["summit", "mountain"]);
    assert_eq!(state.players[0].forbidden_words.last().unwrap(), "summit");
    // During the pause.
    let state = state_after(&stream, 20);
    assert_eq!(state.phase, Some(Phase::Paused));
    let pause = Pause {
        since: "2025-03-12T18:07:51.695476Z".parse().unwrap(),
        phase_before: Phase::InRound,
        remaining_seconds: None,
    };
    assert_eq!(state.pause, Some(pause));
    assert_eq!(state_after(&stream, 21).phase, Some(Phase::InRound));
    assert_eq!(state_after(&stream, 23).phase, Some(Phase::Ready));
}

#[test]
fn the_knockout_ends_as_expected() {
    let state = final_state("knockout");
    assert_eq!(state.phase, Some(Phase::Completed));
    assert_eq!((state.rounds_played, state.round_number), (3, 3));
    let teams: Vec<([i32; 4], TeamStatus)> = state
        .teams
        .iter()
        .map(|team| (figures(team), team.status.clone()))
        .collect();
    assert_eq!(
        teams,
        [
            ([3, 3, 17, 0], TeamStatus::Ready),
            ([2, 2, 27, 1], TeamStatus::Eliminated),
            ([2, 2, 15, 1], TeamStatus::Eliminated),
            ([1, 1, 9, 0], TeamStatus::Eliminated),
        ]
    );
    assert_eq!(players(&state.teams[1]), [[26, 2, 0], [26, 2, 1]]);
    let out: Vec<(i32, i32, EliminationReason)> = state
        .eliminated
        .iter()
        .map(|out| (out.round_number, out.guess_count, out.reason.clone()))
        .collect();
    assert_eq!(
        out,
        [
            (1, 9, EliminationReason::RoundLoss),
            (2, 8, EliminationReason::RoundLoss),
            (3, 12, EliminationReason::MaxGuesses),
        ]
    );
    assert_eq!(state.live_teams().count(), 1);
    assert_eq!(
        state.result.unwrap().winners,
        ["746466204835141346_992889953443716297"]
    );
}

#[test]
fn a_player_of_the_knockout_leaves_and_comes_back() {
    let stream = Stream::sample("knockout");
    let player = |count| {
        let state = state_after(&stream, count);
        let player = state.player("1241125641379038991").unwrap().clone();
        (player.connected, player.username)
    };
    assert_eq!(player(45), (true, None));
    assert_eq!(player(46), (false, None));
    assert_eq!(player(48), (true, Some("quiet_otter".to_owned())));
    // In the open round, two teams have matched.
    let state = state_after(&stream, 54);
    let matched = state
        .teams
        .iter()
        .filter(|team| team.status == TeamStatus::Matched);
    assert_eq!(matched.count(), 2);
    assert_eq!((state.round_number, state.round_open), (2, true));
}

#[test]
fn the_race_ends_as_expected() {
    let state = final_state("race");
    let teams: Vec<[i32; 4]> = state.teams.iter().map(figures).collect();
    assert_eq!(
        teams,
        [[7, 7, 24, 0], [7, 7, 23, 1], [6, 6, 22, 1], [7, 7, 20, 0]]
    );
    let rounds: Vec<(i32, bool)> = state
        .teams
        .iter()
        .map(|team| (team.round_number, team.round_open))
        .collect();
    assert_eq!(rounds, [(8, false), (8, false), (7, false), (8, false)]);
    assert_eq!((state.round_number, state.rounds_played), (8, 27));
    assert_eq!(state.total_rounds(), 8);
    assert!(state.expired);
    assert_eq!(state.warned_seconds, Some(30));
    let expires_at = "2025-03-15T21:13:42.077015Z".parse().unwrap();
    assert_eq!(state.expires_at, Some(expires_at));
    let last_match = "2025-03-15T21:13:33.071924Z".parse().unwrap();
    assert_eq!(state.teams[2].last_match_at, Some(last_match));
    assert_eq!(
        state.result.unwrap().winners,
        ["796485923172071943_1174456466995569645"]
    );
}

#[test]
fn giving_up_begins_a_new_chain_within_the_round() {
    let stream = Stream::sample("race");
    let gave_up = state_after(&stream, 34);
    let team = gave_up
        .team("955211808305817300_1022615951309020432")
        .unwrap();
    assert!(team.awaits_restart);
    assert_eq!((team.guess_count, team.round_guess_count), (6, 6));
    let restarted = state_after(&stream, 35);
    let team = restarted
        .team("955211808305817300_1022615951309020432")
        .unwrap();
    assert!(!team.awaits_restart);
    assert_eq!((team.guess_count, team.round_guess_count), (0, 6));
    assert_eq!(team.current_words, ["tractor", "rooster"]);
}

#[test]
fn a_lobby_gathers_players_and_changes_its_rules() {
    let mut table = Table::new("knockout", 2, json!({}));
    table.created();
    let at = table.events[0].data()["timestamp"].clone();
    for player in ["1", "2"] {
        let own = json!({ "player_id": player, "username": "owl", "joined_at": at });
        table.write("player_joined", 1, own);
    }
    table.write(
        "player_left",
        1,
        json!({ "player_id": "1", "left_at": at, "reason": "quit" }),
    );
    table.mode = "race";
    let own = json!({
        "previous_mode": "knockout", "new_mode": "race", "config_version": 2,
        "config": { "time_limit_seconds": 60, "own_key": true }, "changed_by": "77",
    });
    table.write("game_mode_changed", 1, own);
    let state = table.stream().recover().state;
    assert_eq!(state.phase, Some(Phase::Lobby));
    assert_eq!(state.created_by.as_deref(), Some("77"));
    assert_eq!(
        (state.mode.clone(), state.config_version),
        (Some(GameMode::Race), 2)
    );
    assert_eq!(state.settings.time_limit_seconds, 60);
    assert_eq!(state.config.get("own_key"), Some(&json!(true)));
    let players: Vec<&str> = state
        .players
        .iter()
        .map(|player| player.player_id.as_str())
        .collect();
    assert_eq!(players, ["2"]);
}

#[test]
fn a_setting_is_a_number_however_it_is_written() {
    let config = json!({
        "max_guesses": 3.0, "rounds_required": 2.5, "time_limit_seconds": 6e1, "success_threshold": 3,
        "teams_to_eliminate": 1e300,
    });
    let mut table = Table::new("two_player", 1, config);
    let state = table.start().stream().recover().state;
    assert_eq!(state.settings.max_guesses, 3);
    assert_eq!(state.settings.time_limit_seconds, 60);
    assert!((state.settings.success_threshold - 3.0).abs() < f64::EPSILON);
    // What makes no sense has its default.
    assert_eq!(state.settings.rounds_required, 5);
    assert_eq!(state.settings.teams_to_eliminate, 3);
}

#[test]
fn a_player_has_no_more_forbidden_words_than_the_limit() {
    let mut table = Table::new("two_player", 1, json!({ "forbidden_words_limit": 2 }));
    let player = table.player(0, 0);
    let mut stream = table.start().stream();
    stream.events[0].edit(|data| {
        data["forbidden_words"] = json!({ player.as_str(): ["one", "two", "three"] });
    });
    let state = stream.recover().state;
    assert_eq!(state.players[0].forbidden_words, ["two", "three"]);
}

#[test]
fn a_golf_race_counts_points() {
    let table = by_hand::golf_race();
    let state = table.stream().recover().state;
    let teams: Vec<[i32; 4]> = state.teams.iter().map(figures).collect();
    assert_eq!(teams, [[4, 1, 1, 0], [2, 1, 3, 1]]);
    assert_eq!(state.teams[1].give_up_penalties, 1);
}

#[test]
fn the_clock_of_a_race_stands_still_in_a_pause() {
    let mut table = Table::new("race", 2, json!({ "time_limit_seconds": 90 }));
    table.start().round().until(10).pause().until(35).resume(25);
    let state = table.stream().recover().state;
    assert_eq!(state.paused_total_ms, 25_000);
    assert_eq!(
        state.expires_at,
        Some("2026-02-01T10:01:55Z".parse().unwrap())
    );
}

#[test]
fn a_team_without_players_is_withdrawn_until_one_comes_back() {
    let mut table = Table::new("race", 2, json!({}));
    table.start().round().leave(0, 0);
    let status = |table: &Table| table.stream().recover().state.teams[0].status.clone();
    assert_eq!(status(&table), TeamStatus::Guessing);
    table.leave(0, 1);
    assert_eq!(status(&table), TeamStatus::Withdrawn);
    table.rejoin(0, 1);
    assert_eq!(status(&table), TeamStatus::Guessing);
}

#[test]
fn an_aborted_game_says_why() {
    let mut table = Table::new("race", 2, json!({}));
    table
        .start()
        .round()
        .miss(0)
        .pause()
        .wait(3)
        .abort()
        .archive();
    let state = table.stream().recover().state;
    assert_eq!(state.abort_reason.as_deref(), Some("inactivity"));
    assert_eq!(state.finished_at, Some(table.now));
    assert_eq!((state.phase, state.archived), (Some(Phase::Archived), true));
    assert!(!state.round_open && state.pause.is_none());
}

#[test]
fn a_new_state_knows_its_game_and_nothing_else() {
    let state = GameState::new(GAME_ID);
    assert_eq!(state.game_id, GAME_ID);
    assert_eq!(
        (state.phase, state.mode, state.stream_version),
        (None, None, 0)
    );
}

/// A snapshot of a race with 4 teams is small enough to be taken often.
#[test]
fn a_state_is_small() {
    let state = final_state("race");
    assert!(serde_json::to_string(&state).unwrap().len() < 20_000);
}
