//! Watching a game again.

use std::collections::HashSet;

use gamebot::{
    event::{Decoded, Event},
    replay::{Replay, ReplayStep, display_name},
    sample,
    script::{GameScript, ScriptEvent},
};

fn decode(event: &ScriptEvent) -> Event {
    match Event::decode(&event.event_type, event.schema_version, &event.data) {
        Decoded::Known(event) => event,
        other => panic!("{other:?}"),
    }
}

fn replay_of(game: &GameScript) -> Replay {
    let started_at = game
        .events
        .iter()
        .map(decode)
        .find_map(|event| match event {
            Event::GameStarted(started) => Some(started.started_at),
            _ => None,
        });
    Replay::new(started_at.unwrap())
}

fn steps(replay: &mut Replay, game: &GameScript, from: usize) -> Vec<ReplayStep> {
    let events = (1..).zip(&game.events).skip(from);
    events
        .map(|(version, event)| {
            let at = event.timestamp().unwrap();
            replay.step(version, &event.event_type, at, Some(&decode(event)))
        })
        .collect()
}

#[test]
fn a_replay_has_a_step_for_each_event_in_its_order_and_time() {
    for game in sample::games().unwrap() {
        let steps = steps(&mut replay_of(&game), &game, 0);
        assert_eq!(steps.len(), game.events.len());
        for (number, (step, event)) in (1..).zip(steps.iter().zip(&game.events)) {
            assert_eq!(step.number, number);
            assert_eq!(step.event_type, event.event_type);
        }
        assert!(steps.iter().map(|step| step.offset_ms).is_sorted());
        assert_eq!(steps[0].offset_ms, 4, "{}", game.name);
    }
}

#[test]
fn the_running_score_ends_at_the_final_score() {
    for game in sample::games().unwrap() {
        let steps = steps(&mut replay_of(&game), &game, 0);
        let Event::GameCompleted(completed) = decode(game.events.last().unwrap()) else {
            panic!("the last event is the result");
        };
        let last = steps.last().unwrap();
        assert_eq!(last.scores.len(), completed.final_scores.len());
        for score in &last.scores {
            let mut stated = completed.final_scores.iter();
            let stated = stated
                .find(|stated| stated.team_id == score.team_id)
                .unwrap();
            assert_eq!(score.score, stated.score, "{}", game.name);
        }
        assert!(steps[0].scores.iter().all(|score| score.score == 0));
    }
}

#[test]
fn a_step_names_the_teams_that_its_event_is_about() {
    let games = sample::games().unwrap();
    let knockout = &games[1];
    for (step, event) in steps(&mut replay_of(knockout), knockout, 0)
        .iter()
        .zip(&knockout.events)
    {
        let expected: Vec<String> = match decode(event) {
            Event::GameStarted(started) => started.team_ids,
            Event::GuessProcessed(guess) => vec![guess.team_id],
            Event::GuessAbandoned(guess) => vec![guess.team_id],
            Event::TeamEliminated(team) => vec![team.team_id],
            Event::PlayerLeft(left) => vec![left.team_id.unwrap()],
            Event::PlayerJoined(joined) => vec![joined.team_id.unwrap()],
            Event::RoundStarted(round) => round
                .team_states
                .into_iter()
                .map(|state| state.team_id)
                .collect(),
            Event::KnockoutRoundCompleted(round) => {
                assert_eq!(step.teams.len(), round.advancing_teams.len() + 1);
                assert_eq!(step.teams[0], round.eliminated_teams[0].team_id);
                continue;
            }
            Event::GameCompleted(_) => step.scores.iter().map(|s| s.team_id.clone()).collect(),
            other => panic!("not in this game: {other:?}"),
        };
        assert_eq!(step.teams, expected, "{}", step.event_type);
    }
}

#[test]
fn a_page_of_steps_starts_where_the_page_before_it_ended() {
    for game in sample::games().unwrap() {
        let whole = steps(&mut replay_of(&game), &game, 0);
        for cut in (0..game.events.len()).step_by(7) {
            let mut replay = replay_of(&game);
            let first_page = GameScript {
                events: game.events[..cut].to_vec(),
                ..game.clone()
            };
            steps(&mut replay, &first_page, 0);
            let written = serde_json::to_string(&replay).unwrap();
            let mut again: Replay = serde_json::from_str(&written).unwrap();
            assert_eq!(steps(&mut again, &game, cut), whole[cut..]);
        }
    }
}

#[test]
fn what_cannot_be_read_is_a_step_and_a_lobby_is_before_the_start() {
    let at = "2025-03-12T18:00:00Z".parse().unwrap();
    let mut replay = Replay::new(at);
    let earlier = at - chrono::TimeDelta::microseconds(1_500);
    let step = replay.step(1, "card_flipped", earlier, None);
    assert_eq!(
        (step.number, step.offset_ms, step.event_type.as_str()),
        (1, -2, "card_flipped")
    );
    assert!(step.teams.is_empty() && step.scores.is_empty());
}

#[test]
fn a_name_is_a_word_and_a_number_and_never_changes() {
    // Names are stored, so the way they are chosen is frozen.
    assert_eq!(
        display_name("01958b87-26e2-7ec9-9dcd-35f0c7fde805", 1),
        "yarrow-670"
    );
    assert_eq!(
        display_name("01958b87-26e2-7ec9-9dcd-35f0c7fde805", 2),
        "lotus-661"
    );
    assert_eq!(display_name("", 1), "ember-156");
    for attempt in 0..60 {
        let name = display_name("g", attempt);
        let (word, number) = name.split_once('-').unwrap();
        assert!(word.bytes().all(|letter| letter.is_ascii_lowercase()) && word.len() >= 4);
        assert!(!number.starts_with('0') && number.bytes().all(|digit| digit.is_ascii_digit()));
        let digits = (3 + attempt.saturating_sub(1) / 4).min(12);
        assert_eq!(number.len(), usize::try_from(digits).unwrap());
    }
}

#[test]
fn every_one_of_many_games_finds_a_free_name_soon() {
    let mut taken = HashSet::new();
    let mut last_attempt = 0;
    for number in 0..60_000 {
        let game_id = format!("01958b87-26e2-7ec9-9dcd-{number:012x}");
        let mut attempts = 1..;
        let attempt = attempts.find(|attempt| taken.insert(display_name(&game_id, *attempt)));
        last_attempt = last_attempt.max(attempt.unwrap());
    }
    // More games than there are names with 3 digits.
    assert!(last_attempt <= 12, "{last_attempt}");
}
