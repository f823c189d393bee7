//! A scope lies over every read of games, guesses, rounds, results and replays: what is outside does not exist.

use gamebot::statistics::{LeaderboardKind, LeaderboardMetric, TimeWindow};
use gamebot_event_store::projection::{
    GameFilter, GameQuery, GuessFilter, GuessQuery, LeaderboardQuery, ProjectedGuess,
    ProjectionKind, ReplayKey, ReplayQuery, StatisticsQuery, View,
};
use gamebot_event_store::scope::Scope;
use serde_json::{Value, json};
use testkit::Expected;
use uuid::Uuid;

use super::play::{inputs, samples, start};
use crate::read::history::open;
use crate::support::{World, on_both_backends, scopes};

on_both_backends!(every_read_of_games_keeps_to_its_scope);

/// Two guilds, and direct messages. Each has played the same game to its end, and has begun it again.
const GUILDS: [Option<&str>; 3] = [Some("1"), Some("2"), None];

fn played(guild: Option<&str>) -> String {
    format!("played-{}", guild.unwrap_or("dm"))
}

async fn fill(world: &World) {
    let (mut server, client) = start(world).await;
    let game = &samples()[0];
    let mut head = 0;
    for guild in GUILDS {
        let begun = format!("begun-{}", guild.unwrap_or("dm"));
        for (game_id, through) in [(played(guild), game.events.len()), (begun, 4)] {
            let mut events = inputs(game, 0, through);
            for event in events.as_array_mut().unwrap() {
                event["eventId"] = json!(Uuid::now_v7());
                event["data"]["guild_id"] = json!(guild);
                event["data"]["game_id"] = json!(game_id);
                event["metadata"]["event_id"] = event["eventId"].clone();
                event["metadata"]["causation_id"] = Value::Null;
            }
            let stream = format!("game-{game_id}");
            let appended = client.appended(&stream, Expected::NoStream, events).await;
            head = appended["lastPosition"].as_i64().unwrap();
        }
    }
    let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    client.query(&text, json!({})).await;
    server.terminate().await;
}

async fn every_read_of_games_keeps_to_its_scope(world: World) {
    fill(&world).await;
    let store = open(&world).await;
    let projections = world.projections(store.clone());
    let view = projections.view(ProjectionKind::Games, None).await.unwrap();
    let started: Value = serde_json::from_str(&samples()[0].events[0].data).unwrap();
    let of = Subjects {
        user_id: started["player_ids"][0].as_str().unwrap(),
        team_id: started["team_ids"][0].as_str().unwrap(),
    };
    for scope in scopes("1", "2") {
        games_keep_to(&view, &scope, &of).await;
        guesses_keep_to(&view, &scope, &of).await;
        results_keep_to(&view, &scope, &of).await;
    }
    drop(view);
    projections.close().await;
    store.close().await;
}

/// A player of every game, and the player's team.
struct Subjects<'a> {
    user_id: &'a str,
    team_id: &'a str,
}

fn allowed(scope: &Scope) -> usize {
    let guilds = GUILDS.into_iter();
    guilds.filter(|guild| scope.allows(*guild)).count()
}

async fn games_keep_to(view: &View, scope: &Scope, of: &Subjects<'_>) {
    for player_id in [None, Some(of.user_id.to_owned())] {
        let query = GameQuery {
            scope: scope.clone(),
            filter: GameFilter {
                player_id,
                ..GameFilter::default()
            },
            after: None,
            before: None,
            descending: false,
            limit: 100,
        };
        let games = view.games(&query).await.unwrap();
        assert_eq!(games.len(), 2 * allowed(scope), "{scope:?}");
        let guilds = games.iter().map(|game| game.state.guild_id.as_deref());
        assert!(guilds.clone().all(|guild| scope.allows(guild)), "{scope:?}");
    }
    let active = view.active_game_of(scope, None, of.user_id).await.unwrap();
    assert_eq!(active.is_some(), allowed(scope) > 0, "{scope:?}");
    for guild in GUILDS {
        let is_allowed = scope.allows(guild);
        let game = view.game(scope, &played(guild)).await.unwrap();
        assert_eq!(game.is_some(), is_allowed, "{scope:?} {guild:?}");
        let of_guild = guild.map(str::to_owned);
        let active = view.active_game_of(scope, Some(&of_guild), of.user_id);
        assert_eq!(active.await.unwrap().is_some(), is_allowed, "{scope:?}");
        let has_played = view.has_played(scope, guild, of.user_id).await.unwrap();
        assert_eq!(has_played, is_allowed, "{scope:?} {guild:?}");
        let rounds = view.rounds(scope, &played(guild)).await.unwrap();
        assert_eq!(!rounds.is_empty(), is_allowed, "{scope:?} {guild:?}");
    }
}

async fn guesses_keep_to(view: &View, scope: &Scope, of: &Subjects<'_>) {
    let everywhere = guesses(view, &Scope::All, GuessFilter::default()).await;
    let [first, ..] = everywhere.as_slice() else {
        panic!("there are no guesses")
    };
    let filters = [
        GuessFilter::default(),
        GuessFilter {
            player_id: Some(of.user_id.to_owned()),
            ..GuessFilter::default()
        },
        GuessFilter {
            team_id: Some(of.team_id.to_owned()),
            ..GuessFilter::default()
        },
        GuessFilter {
            word: first.words[0].clone(),
            ..GuessFilter::default()
        },
        GuessFilter {
            pair: Some(first.player_ids.clone()),
            ..GuessFilter::default()
        },
    ];
    for filter in filters {
        let all = guesses(view, &Scope::All, filter.clone()).await;
        let mut wanted = all.clone();
        wanted.retain(|guess| scope.allows(guess.guild_id.as_deref()));
        assert!(!all.is_empty(), "{filter:?}");
        let found = guesses(view, scope, filter.clone()).await;
        assert_eq!(found, wanted, "{scope:?} {filter:?}");
    }
}

async fn guesses(view: &View, scope: &Scope, filter: GuessFilter) -> Vec<ProjectedGuess> {
    let query = GuessQuery {
        scope: scope.clone(),
        filter,
        after: None,
        before: None,
        descending: false,
        limit: 1000,
    };
    view.guesses(&query).await.unwrap()
}

async fn results_keep_to(view: &View, scope: &Scope, of: &Subjects<'_>) {
    let query = ReplayQuery {
        scope: scope.clone(),
        guild_id: None,
        after: None,
        before: None,
        descending: false,
        limit: 100,
    };
    let replays = view.replays(&query).await.unwrap();
    assert_eq!(replays.len(), allowed(scope), "{scope:?}");
    for guild in GUILDS {
        let is_allowed = scope.allows(guild);
        let by_game = ReplayKey::Game(played(guild));
        let replay = view.replay(&Scope::All, &by_game).await.unwrap().unwrap();
        for key in [by_game, ReplayKey::Name(replay.display_name)] {
            let found = view.replay(scope, &key).await.unwrap();
            assert_eq!(found.is_some(), is_allowed, "{scope:?} {key:?}");
        }
        let games = StatisticsQuery {
            scope: scope.clone(),
            guild_id: guild.map(str::to_owned),
            mode: None,
            range: TimeWindow::All.range(chrono::Utc::now()),
        };
        let wanted = i64::from(is_allowed);
        let player = view.player_statistics(&games, of.user_id).await.unwrap();
        assert_eq!(player.games_played, wanted, "{scope:?} {guild:?}");
        let team = view.team_statistics(&games, of.team_id).await.unwrap();
        assert_eq!(team.games_played, wanted, "{scope:?} {guild:?}");
        let board = LeaderboardQuery {
            games,
            kind: LeaderboardKind::Players,
            metric: LeaderboardMetric::Wins,
            limit: 10,
        };
        let places = view.leaderboard(&board).await.unwrap();
        assert_eq!(!places.is_empty(), is_allowed, "{scope:?} {guild:?}");
    }
}
