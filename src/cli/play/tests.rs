use std::collections::BTreeSet;

use clap::Parser as _;
use serde_json::Value;
use serde_json::value::RawValue;

use super::bot::{Cause, Total};
use super::games::{ScriptedEvent, ScriptedStream};
use super::*;
use crate::cli::{Command, CommandLine};
use crate::client::fake_server::{AppendFault, FakeServer, WatchedOutput};

/// Text that any parser on the way would change: `1.10`, 2^64, an exponent, the order of keys.
const FRAGILE: &str = r#"{"z":1.10,"a":18446744073709551616,"m":1E2,"n":{"b":1,"a":2}}"#;

fn game(id: &str, events: usize) -> ScriptedGame {
    ScriptedGame {
        name: "test".to_owned(),
        game_id: id.to_owned(),
        introductions: Vec::new(),
        events: (1..=events).map(|number| event(id, number)).collect(),
    }
}

fn event(prefix: &str, number: usize) -> ScriptedEvent {
    let raw = |text: String| RawValue::from_string(text).unwrap();
    ScriptedEvent {
        is_observation: false,
        event_id: format!("{prefix}-{number}"),
        event_type: "guess_processed".to_owned(),
        schema_version: 1,
        data: raw(FRAGILE.to_owned()),
        metadata: raw(format!(r#"{{"event_id": "{prefix}-{number}", "x": 2.50}}"#)),
    }
}

/// A game of two events with an observation between them, and a player who is met before it.
fn game_with_company() -> ScriptedGame {
    let mut game = game("g", 2);
    let observation = ScriptedEvent {
        is_observation: true,
        ..event("log", 1)
    };
    game.events.insert(1, observation);
    game.introductions.push(ScriptedStream {
        name: "player-p".to_owned(),
        events: vec![event("p", 1), event("p", 2)],
    });
    game
}

/// What is stored, as stream and id, in the order of the log.
fn stored(server: &FakeServer) -> Vec<String> {
    let events = server.events().into_iter();
    events
        .map(|event| format!("{}@{} {}", event.stream, event.version, event.event_id))
        .collect()
}

fn bot_for(server: &FakeServer) -> Bot {
    Bot::new(
        GraphqlClient::new(server.endpoint()).unwrap(),
        Pacer::new(0),
        1,
    )
}

fn total(appended: u64, duplicates: u64, retries: u64, conflicts: u64) -> Total {
    Total {
        appended,
        duplicates,
        retries,
        conflicts,
    }
}

fn arguments(line: &[&str]) -> PlayArguments {
    let line = ["gamebot-event-store", "play"].iter().chain(line);
    match CommandLine::try_parse_from(line).unwrap().command {
        Command::Play(arguments) => arguments,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn data_and_metadata_reach_the_server_as_the_text_that_they_are() {
    let server = FakeServer::start().await;
    assert_eq!(bot_for(&server).play(&game("g", 3)).await.unwrap(), 3);
    let events = server.events();
    assert_eq!(events.len(), 3);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(
            (event.stream.as_str(), event.version),
            ("game-g", index + 1)
        );
        assert_eq!(event.event_id, format!("g-{}", index + 1));
        assert_eq!(event.data, FRAGILE);
        assert!(
            event.metadata.ends_with("\"x\": 2.50}"),
            "{}",
            event.metadata
        );
    }
}

#[tokio::test]
async fn playing_the_same_game_twice_stores_it_once() {
    let server = FakeServer::start().await;
    let bot = bot_for(&server);
    for _ in 0..2 {
        assert_eq!(bot.play(&game("g", 4)).await.unwrap(), 4);
    }
    assert_eq!(server.events().len(), 4);
    assert_eq!(bot.counters().total(), total(4, 4, 0, 0));
}

#[tokio::test]
async fn a_lost_answer_is_repaired_by_the_same_request() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::LoseAnswer);
    server.fail_append(AppendFault::BadGateway);
    let bot = bot_for(&server);
    assert_eq!(bot.play(&game("g", 2)).await.unwrap(), 2);
    assert_eq!(server.events().len(), 2);
    assert_eq!(bot.counters().total(), total(1, 1, 2, 0));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::Refuse {
        code: "OVERLOADED",
        retryable: true,
    });
    server.fail_append(AppendFault::Error {
        code: "TIMEOUT",
        retryable: true,
    });
    let bot = bot_for(&server);
    assert_eq!(bot.play(&game("g", 1)).await.unwrap(), 1);
    assert_eq!(bot.counters().total(), total(1, 0, 2, 0));
}

#[tokio::test]
async fn after_a_conflict_the_bot_decides_again_at_the_version_that_holds() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::OtherWriter);
    let bot = bot_for(&server);
    assert_eq!(bot.play(&game("g", 2)).await.unwrap(), 3);
    let ids: Vec<_> = server
        .events()
        .into_iter()
        .map(|event| event.event_id)
        .collect();
    assert_eq!(ids, ["another", "g-1", "g-2"]);
    assert_eq!(bot.counters().total(), total(2, 0, 0, 1));
}

#[tokio::test]
async fn who_plays_is_told_first_and_observations_have_a_log_of_their_own() {
    let server = FakeServer::start().await;
    let bot = bot_for(&server);
    assert_eq!(bot.play(&game_with_company()).await.unwrap(), 2);
    let expected = [
        "player-p@1 p-1",
        "player-p@2 p-2",
        "game-g@1 g-1",
        "gamelog-g@1 log-1",
        "game-g@2 g-2",
    ];
    assert_eq!(stored(&server), expected);

    assert_eq!(bot.play(&game_with_company()).await.unwrap(), 2);
    assert_eq!(stored(&server), expected);
    assert_eq!(bot.counters().total(), total(5, 5, 0, 0));
}

#[tokio::test]
async fn what_was_begun_of_a_player_is_told_to_its_end_also_after_a_lost_answer() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::LoseAnswer);
    server.fail_append(AppendFault::Nothing);
    server.fail_append(AppendFault::OtherWriter);
    let bot = bot_for(&server);
    assert_eq!(bot.play(&game_with_company()).await.unwrap(), 2);
    let player = ["player-p@1 p-1", "player-p@2 another", "player-p@3 p-2"];
    assert_eq!(stored(&server)[..3], player);
    assert_eq!(bot.counters().total(), total(4, 1, 1, 1));
}

#[tokio::test]
async fn of_a_player_who_has_a_stream_already_nothing_is_told_again() {
    let server = FakeServer::start().await;
    server.record("player-p", "user_registered", "{}");
    let bot = bot_for(&server);
    assert_eq!(bot.play(&game_with_company()).await.unwrap(), 2);
    let expected = [
        "player-p@1 id-1",
        "game-g@1 g-1",
        "gamelog-g@1 log-1",
        "game-g@2 g-2",
    ];
    assert_eq!(stored(&server), expected);
    assert_eq!(bot.counters().total(), total(3, 0, 0, 0));
}

#[tokio::test]
async fn what_is_refused_of_a_player_is_named_by_the_stream() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::Nothing);
    server.fail_append(AppendFault::Refuse {
        code: "STREAM_ARCHIVED",
        retryable: false,
    });
    let error = bot_for(&server).play(&game_with_company()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "event 2 of player-p (guess_processed) was refused: not like this (STREAM_ARCHIVED)"
    );
}

#[tokio::test]
async fn what_cannot_pass_stops_the_game_with_the_reason() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::Refuse {
        code: "RULE_VIOLATED",
        retryable: false,
    });
    assert_eq!(
        bot_for(&server)
            .play(&game("g", 2))
            .await
            .unwrap_err()
            .to_string(),
        "event 1 of game-g (guess_processed) was refused: not like this (RULE_VIOLATED)"
    );
    server.fail_append(AppendFault::Error {
        code: "FORBIDDEN",
        retryable: false,
    });
    assert_eq!(
        bot_for(&server)
            .play(&game("g", 2))
            .await
            .unwrap_err()
            .to_string(),
        "event 1 of game-g (guess_processed) could not be sent: the server refused: not now (FORBIDDEN)"
    );
    assert!(server.events().is_empty());
}

#[tokio::test]
async fn a_store_that_has_lost_acknowledged_events_is_found_out() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::Nothing);
    server.fail_append(AppendFault::Nothing);
    server.fail_append(AppendFault::ForgetEverything);
    let error = bot_for(&server).play(&game("g", 3)).await.unwrap_err();
    assert!(
        matches!(
            error.cause,
            Cause::Lost {
                acknowledged: 2,
                actual: 0
            }
        ),
        "{error}"
    );
    assert_eq!(error.number, 3);
}

#[tokio::test]
async fn the_command_plays_the_samples_says_what_it_did_and_is_harmless_the_second_time() {
    let server = FakeServer::start().await;
    let url = server.url();
    let arguments = arguments(&["--url", &url, "--concurrency", "3"]);
    let mut out = WatchedOutput::new();
    run(&arguments, None, &mut out).await.unwrap();
    let events = server.events();
    let of_category = |category: &str| {
        let events = events.iter();
        events
            .filter(|event| event.stream.split('-').next() == Some(category))
            .count()
    };
    assert_eq!(of_category("game"), 31 + 81 + 150);
    let others = ["guild", "player", "team", "gamelog"].map(of_category);
    assert_eq!(others, [10, 28, 32, 10]);
    let text = out.text();
    assert!(text.contains("is complete at version 31"), "{text}");
    assert!(
        text.contains("3 games: 342 appended, 0 duplicates, 0 retries, 0 conflicts"),
        "{text}"
    );

    let mut out = WatchedOutput::new();
    run(&arguments, None, &mut out).await.unwrap();
    assert_eq!(server.events().len(), events.len());
    assert!(
        out.text().contains("0 appended, 342 duplicates"),
        "{}",
        out.text()
    );
}

#[tokio::test]
async fn a_game_that_fails_is_named_and_the_others_are_played() {
    let server = FakeServer::start().await;
    server.fail_append(AppendFault::Refuse {
        code: "STREAM_ARCHIVED",
        retryable: false,
    });
    let bot = bot_for(&server);
    let mut out = WatchedOutput::new();
    let games = [game("a", 2), game("b", 2)].into_iter().map(Ok);
    let error = play_all(&bot, games, 1, &mut out).await.unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 games could not be played");
    assert!(
        out.text().contains("game-a stopped: event 1 of game-a"),
        "{}",
        out.text()
    );
    assert!(
        out.text().contains("game-b is complete at version 2"),
        "{}",
        out.text()
    );
}

#[tokio::test]
async fn without_a_server_the_command_says_how_to_start_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = run(&arguments(&["--url", &url]), None, &mut Vec::new())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("gamebot-event-store serve"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn a_rate_spreads_appends_evenly_and_a_pause_is_not_made_up_for() {
    let start = Instant::now();
    let pacer = Pacer::new(10);
    let turns = |now: Instant, count: usize| -> Vec<u128> {
        (0..count)
            .map(|_| (pacer.turn(now) - now).as_millis())
            .collect()
    };
    assert_eq!(turns(start, 4), [0, 100, 200, 300]);
    assert_eq!(turns(start + Duration::from_secs(5), 3), [0, 100, 200]);
}

#[test]
fn the_command_line_says_which_games_and_how_fast() {
    let plain = arguments(&[]);
    assert_eq!((plain.games, plain.url.as_str()), (None, DEFAULT_URL));
    assert_eq!((plain.rate, plain.serve), (0, false));
    let generate = arguments(&["generate", "--games", "3", "--seed", "9", "--rate", "50"]);
    let expected = GamesArguments::Generate {
        games: 3,
        seed: Some(9),
        start: None,
    };
    assert_eq!((generate.games, generate.rate), (Some(expected), 50));
    for wrong in [
        ["generate", "--games", "0"],
        ["--concurrency", "0", "samples"],
    ] {
        let line = ["gamebot-event-store", "play"].iter().chain(&wrong);
        assert!(CommandLine::try_parse_from(line).is_err(), "{wrong:?}");
    }
}

#[test]
fn settings_of_a_server_need_a_server() {
    let error = arguments(&["--listen", "127.0.0.1:0"]).server_settings(&Environment::new());
    assert_eq!(error.unwrap_err().exit_code(), 2);
    let both = arguments(&["samples", "--serve", "--listen", "127.0.0.1:0"]);
    let config = both.server_settings(&Environment::new()).unwrap().unwrap();
    assert_eq!(config.server.listen.port(), 0);
}

#[test]
fn the_same_seed_and_start_generate_the_same_games_and_no_id_twice() {
    let play = |seed| -> Vec<ScriptedGame> {
        games::generated(6, seed, default_start(true))
            .map(Result::unwrap)
            .collect()
    };
    let text = |games: &[ScriptedGame]| format!("{games:?}");
    let games = play(3);
    assert_eq!(text(&games), text(&play(3)));
    assert_ne!(text(&games), text(&play(4)));
    let introductions = || games.iter().flat_map(|game| &game.introductions);
    let told = introductions().flat_map(|stream| &stream.events);
    let ids: Vec<&String> = games
        .iter()
        .flat_map(|game| &game.events)
        .chain(told)
        .map(|event| &event.event_id)
        .collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len());
    let streams: BTreeSet<_> = games.iter().map(ScriptedGame::stream_name).collect();
    assert_eq!(streams.len(), 6);
    let names: Vec<&String> = introductions().map(|stream| &stream.name).collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "each is introduced once");
}

#[test]
fn whoever_plays_has_been_introduced_whatever_the_mode() {
    let mut known = BTreeSet::new();
    for game in games::generated(20, 5, default_start(true)).map(Result::unwrap) {
        known.extend(game.introductions.into_iter().map(|stream| stream.name));
        let start = game
            .events
            .iter()
            .find(|event| event.event_type == "game_started");
        let start: Value = serde_json::from_str(start.unwrap().data.get()).unwrap();
        let guild = start["guild_id"].as_str().unwrap();
        assert!(known.contains(&format!("guild-{guild}")));
        for (kind, ids) in [("player", "player_ids"), ("team", "team_ids")] {
            for id in start[ids].as_array().unwrap() {
                let name = format!("{kind}-{guild}_{}", id.as_str().unwrap());
                assert!(known.contains(&name), "{name}");
            }
        }
    }
}

#[test]
fn what_is_observed_of_a_game_stands_where_it_happened() {
    let mut observed = 0;
    let samples = games::samples().unwrap().into_iter().map(Ok);
    for game in samples.chain(games::generated(20, 5, default_start(true))) {
        let times: Vec<Value> = game
            .unwrap()
            .events
            .iter()
            .map(|event| {
                observed += usize::from(event.is_observation);
                let data: Value = serde_json::from_str(event.data.get()).unwrap();
                data["timestamp"].clone()
            })
            .collect();
        assert!(times.iter().map(Value::as_str).is_sorted());
    }
    assert!(observed > 10, "{observed}");
}

#[tokio::test]
async fn generated_games_are_played_and_can_be_played_again_by_what_the_command_prints() {
    let server = FakeServer::start().await;
    let url = server.url();
    let mut out = WatchedOutput::new();
    let line = ["generate", "--games", "2", "--url", &url];
    run(&arguments(&line), None, &mut out).await.unwrap();
    let stored = server.events().len();
    let text = out.text();
    let (_, flags) = text.lines().next().unwrap().split_once(": ").unwrap();

    let repeated: Vec<&str> = line.iter().copied().chain(flags.split(' ')).collect();
    run(&arguments(&repeated), None, &mut out).await.unwrap();
    assert_eq!(server.events().len(), stored);
    assert!(stored > 0);
}
