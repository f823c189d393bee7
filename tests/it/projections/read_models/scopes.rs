//! A scope lies over every read of a read model: what is outside does not exist.

use std::time::Duration;

use gamebot_event_store::projection::{
    ErrorFilter, FaultPolicy, ProjectionKind, ProjectionOptions, Projections, TeamFilter, View,
};
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{Database, DatabaseOptions, EventStore};
use serde_json::json;

use super::door::{append, start};
use super::story::{answers, events_of};
use crate::read::history::open;
use crate::support::{World, on_both_backends, scopes};

on_both_backends!(every_read_of_a_read_model_keeps_to_its_scope);

/// Two guilds, and direct messages.
const GUILDS: [Option<&str>; 3] = [Some("81384788765712384"), Some("9"), None];

/// Tells the same of each guild, and waits until all of it is projected.
async fn fill(world: &World) {
    let (mut server, client) = start(world).await;
    let mut last = 0;
    for guild_id in GUILDS {
        let guild = guild_id.unwrap_or("dm");
        for (model, stream) in [
            (
                "team-81384788765712384_11_22",
                format!("team-{guild}_11_22"),
            ),
            ("player-81384788765712384_11", format!("player-{guild}_11")),
            ("guild-81384788765712384", format!("guild-{guild}")),
            ("gamelog-g1", format!("gamelog-{guild}")),
        ] {
            let mut events = events_of(model, 0);
            for event in events.as_array_mut().unwrap() {
                event["data"]["guild_id"] = guild_id.into();
                if event["type"] == "event_quarantined" {
                    event["data"]["stream_id"] = json!("game-g1");
                }
                if event["type"] == "session_recovered" {
                    event["data"]["game_id"] = json!("g1");
                }
            }
            last = append(&client, &stream, events).await;
        }
    }
    answers(&client, last).await;
    server.terminate().await;
}

/// The projections of a world, read in this process.
fn read_only(world: &World, store: &EventStore) -> Projections {
    let config = world.config();
    let database = Database::open_derived(DatabaseOptions {
        url: config.projections.url(&config.database.url),
        read_connections: 4,
        connect_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
        listen_url: None,
        transaction_pooler: false,
    });
    let options = ProjectionOptions {
        run: false,
        batch_events: 1,
        poll: Duration::from_secs(1),
        takeover_after: Duration::from_secs(10),
        on_fault: FaultPolicy::SetAside,
        wait_timeout: Duration::ZERO,
        keep_retired: Duration::ZERO,
    };
    Projections::start(store.clone(), database.unwrap(), options)
}

async fn every_read_of_a_read_model_keeps_to_its_scope(world: World) {
    fill(&world).await;
    let store = open(&world).await;
    let projections = read_only(&world, &store);
    let view = async |kind| projections.view(kind, None).await.unwrap();
    for scope in scopes("9", "81384788765712384") {
        teams_keep_to(&view(ProjectionKind::Teams).await, &scope).await;
        players_keep_to(&view(ProjectionKind::Players).await, &scope).await;
        guilds_keep_to(&view(ProjectionKind::Guilds).await, &scope).await;
        observations_keep_to(&view(ProjectionKind::Observations).await, &scope).await;
    }
    projections.close().await;
    store.close().await;
}

/// The guilds that a scope allows, in the order of their names, none last.
fn allowed(scope: &Scope) -> Vec<Option<String>> {
    let guilds = GUILDS.into_iter().filter(|guild| scope.allows(*guild));
    guilds.map(|guild| guild.map(str::to_owned)).collect()
}

async fn teams_keep_to(view: &View, scope: &Scope) {
    let listed = view
        .teams(scope, &TeamFilter::default(), None, 10)
        .await
        .unwrap();
    let listed: Vec<_> = listed.into_iter().map(|team| team.guild_id).collect();
    assert_eq!(listed, allowed(scope), "{scope:?}");
    let of_player = TeamFilter {
        player_id: Some("22".to_owned()),
        ..TeamFilter::default()
    };
    let listed = view.teams(scope, &of_player, None, 10).await.unwrap();
    assert_eq!(listed.len(), allowed(scope).len());
    for guild in GUILDS {
        let is_allowed = scope.allows(guild);
        let team = view.team(scope, guild, "11_22").await.unwrap();
        assert_eq!(team.is_some(), is_allowed, "{scope:?} {guild:?}");
        let of_player = view.team_of_player(scope, guild, "22").await.unwrap();
        assert_eq!(of_player, team);
        let seen = view
            .team(&Scope::All, guild, "11_22")
            .await
            .unwrap()
            .unwrap();
        let names = view.team_names(scope, &seen, 0, 10).await.unwrap();
        assert_eq!(!names.is_empty(), is_allowed, "{scope:?} {guild:?}");
    }
}

async fn players_keep_to(view: &View, scope: &Scope) {
    for guild in GUILDS {
        let profile = view.player_profile(scope, guild, "11").await.unwrap();
        assert_eq!(
            profile.is_some(),
            scope.allows(guild),
            "{scope:?} {guild:?}"
        );
    }
}

async fn guilds_keep_to(view: &View, scope: &Scope) {
    for guild in GUILDS.into_iter().flatten() {
        let is_allowed = scope.allows(Some(guild));
        let found = view.guild_configuration(scope, guild, None).await.unwrap();
        assert_eq!(found.is_some(), is_allowed, "{scope:?} {guild}");
        let found = view.game_variations(scope, guild, None, true, None, 10);
        assert_eq!(found.await.unwrap().len(), usize::from(is_allowed));
    }
}

async fn observations_keep_to(view: &View, scope: &Scope) {
    let sums = view
        .error_log(scope, &ErrorFilter::default(), None, 10)
        .await
        .unwrap();
    let sums: Vec<_> = sums.into_iter().map(|sum| sum.guild_id).collect();
    assert_eq!(sums, allowed(scope), "{scope:?}");
    let health = view.stream_health(scope, "game-g1").await.unwrap();
    let is_any = !allowed(scope).is_empty();
    assert_eq!(health.is_some(), is_any, "{scope:?}");
    let quarantined = view
        .quarantined_events(scope, "game-g1", -1, 10)
        .await
        .unwrap();
    // Every guild reports the same event.
    assert_eq!(quarantined.len(), usize::from(is_any));
}
