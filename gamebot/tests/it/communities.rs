//! The streams of the people who play the generated games.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use gamebot::{
    event::{Decoded, Event},
    generate::{GameGenerator, GeneratedMode, community_streams},
    script::{ScriptEvent, StreamScript},
};
use serde_json::Value;

fn start() -> DateTime<Utc> {
    "2026-01-05T19:30:00.123456Z".parse().unwrap()
}

fn decode(event: &ScriptEvent) -> Event {
    match Event::decode(&event.event_type, event.schema_version, &event.data) {
        Decoded::Known(event) => event,
        other => panic!("{other:?} from {}", event.data),
    }
}

fn category(stream: &StreamScript) -> &str {
    stream.stream_name.split('-').next().unwrap()
}

/// The streams of one category, by what their names have after the hyphen.
fn of_category(name: &str) -> BTreeMap<String, Vec<Event>> {
    community_streams(1, start())
        .iter()
        .filter(|stream| category(stream) == name)
        .map(|stream| {
            let id = stream.stream_name[name.len() + 1..].to_owned();
            (id, stream.events.iter().map(decode).collect())
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_streams_and_another_seed_others() {
    assert_eq!(community_streams(3, start()), community_streams(3, start()));
    let names = |seed| -> HashSet<String> {
        let streams = community_streams(seed, start());
        streams
            .into_iter()
            .map(|stream| stream.stream_name)
            .collect()
    };
    assert!(names(3).is_disjoint(&names(4)));
}

#[test]
fn each_stream_occurs_once_with_ids_of_its_own_and_is_over_before_the_games_start() {
    let mut names = HashSet::new();
    let mut ids = HashSet::new();
    for mode in GeneratedMode::ALL {
        for game in GameGenerator::new(1, start(), mode).take(10) {
            ids.extend(game.events.iter().map(|event| event.event_id().unwrap()));
        }
    }
    for stream in community_streams(1, start()) {
        assert!(!stream.events.is_empty());
        assert!(stream.events.iter().map(ScriptEvent::timestamp).is_sorted());
        let times = stream.events.iter().map(|event| event.timestamp().unwrap());
        for at in times {
            assert!(at < start() && at > start() - TimeDelta::days(60), "{at}");
        }
        for event in &stream.events {
            assert!(ids.insert(event.event_id().unwrap()));
        }
        assert!(names.insert(stream.stream_name));
    }
}

#[test]
fn causes_and_correlations_are_those_of_the_own_stream() {
    for stream in community_streams(2, start()) {
        let mut ids = HashSet::new();
        for event in &stream.events {
            let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
            let cause = metadata["causation_id"].as_str().unwrap();
            assert!(
                ids.contains(cause) || metadata["source_id"] == cause,
                "{cause}"
            );
            assert_ne!(metadata["correlation_id"], cause);
            ids.insert(event.event_id().unwrap());
        }
    }
}

#[test]
fn every_team_and_player_of_the_games_has_a_stream_in_its_guild() {
    let (teams, players, guilds) = (
        of_category("team"),
        of_category("player"),
        of_category("guild"),
    );
    for mode in GeneratedMode::ALL {
        for game in GameGenerator::new(1, start(), mode).take(20) {
            let started = game
                .events
                .iter()
                .map(decode)
                .find_map(|event| match event {
                    Event::GameStarted(started) => Some(started),
                    _ => None,
                });
            let started = started.unwrap();
            let guild_id = started.guild_id.unwrap();
            assert!(guilds.contains_key(&guild_id));
            for team_id in &started.team_ids {
                assert!(teams.contains_key(&format!("{guild_id}_{team_id}")));
            }
            for player_id in &started.player_ids {
                assert!(players.contains_key(&format!("{guild_id}_{player_id}")));
            }
        }
    }
}

#[test]
fn a_team_is_created_by_the_invitation_that_was_accepted_in_time() {
    let mut endings = HashMap::new();
    for (id, events) in of_category("team") {
        let mut open = None;
        let mut accepted_at = None;
        let mut name = None;
        for event in events {
            *endings.entry(event.event_type()).or_insert(0) += 1;
            assert!(id.starts_with(event.guild_id().unwrap()));
            match event {
                Event::TeamInvitationCreated(invitation) => {
                    assert!(open.is_none() && name.is_none(), "one invitation at a time");
                    let [asking, asked] = [&invitation.inviter_id, &invitation.invitee_id];
                    assert!(
                        asking != asked
                            && id.contains(asking.as_str())
                            && id.contains(asked.as_str())
                    );
                    let open_for = invitation.expires_at - invitation.created_at;
                    assert_eq!(open_for, TimeDelta::seconds(300));
                    open = Some(invitation);
                }
                Event::TeamInvitationDeclined(declined) => {
                    let invitation = open.take().unwrap();
                    assert_eq!(declined.invitation_id, invitation.invitation_id);
                    assert!(declined.declined_at <= invitation.expires_at);
                }
                Event::TeamInvitationExpired(expired) => {
                    let invitation = open.take().unwrap();
                    assert_eq!(expired.invitation_id, invitation.invitation_id);
                    assert!(expired.expired_at >= invitation.expires_at);
                }
                Event::TeamInvitationAccepted(accepted) => {
                    let invitation = open.take().unwrap();
                    assert_eq!(accepted.invitation_id, invitation.invitation_id);
                    assert_eq!(accepted.accepted_by, Some(invitation.invitee_id));
                    assert!(accepted.accepted_at <= invitation.expires_at);
                    assert!(id.ends_with(&accepted.team_id));
                    accepted_at = Some(accepted.timestamp);
                }
                Event::TeamCreated(created) => {
                    assert_eq!(Some(created.timestamp), accepted_at, "in the same append");
                    assert_eq!(created.player_ids.join("_"), created.team_id);
                    assert!((3..=32).contains(&created.name.len()));
                    name = Some(created.name);
                }
                Event::TeamUpdated(updated) => {
                    assert_eq!(updated.previous_name, name);
                    assert_ne!(Some(&updated.name), name.as_ref());
                    assert!((3..=32).contains(&updated.name.len()));
                    name = Some(updated.name);
                }
                other => panic!("{other:?} in the stream of a team"),
            }
        }
        assert!(name.is_some() && open.is_none(), "{id}");
    }
    assert_eq!(endings.len(), 6, "all kinds of events occur: {endings:?}");
}

#[test]
fn a_player_is_registered_first() {
    let mut types = HashSet::new();
    for (id, events) in of_category("player") {
        for (index, event) in events.into_iter().enumerate() {
            types.insert(event.event_type());
            let user_id = match event {
                Event::UserRegistered(user) => {
                    assert_eq!(index, 0, "once, and first");
                    assert!((3..=32).contains(&user.username.len()));
                    user.user_id
                }
                Event::UserProfileUpdated(user) if index > 0 => user.user_id,
                Event::UserPreferencesChanged(user) if index > 0 => user.user_id,
                other => panic!("{other:?} as event {index} of a player"),
            };
            assert!(id.ends_with(&format!("_{user_id}")));
        }
    }
    assert_eq!(types.len(), 3);
}

#[test]
fn the_configuration_of_a_server_counts_its_versions_and_says_what_it_changes() {
    let mut types = HashSet::new();
    for (id, events) in of_category("guild") {
        let mut version = 0;
        let mut config = Value::Null;
        let mut variation = None;
        for event in events {
            types.insert(event.event_type());
            match event {
                Event::GuildConfigChanged(changed) => {
                    version += 1;
                    assert_eq!(
                        (changed.config_version, changed.guild_id.as_ref()),
                        (version, Some(&id))
                    );
                    let after = serde_json::to_value(&changed.config).unwrap();
                    for change in serde_json::to_value(&changed.changes)
                        .unwrap()
                        .as_array()
                        .unwrap()
                    {
                        let key = change["key"].as_str().unwrap();
                        assert_eq!(change["new"], after[key]);
                        assert_eq!(change["old"], config[key]);
                    }
                    config = after;
                }
                Event::GameVariationDefined(defined) => {
                    assert_eq!((defined.config_version, &variation), (1, &None));
                    variation = Some(defined.variation_id);
                }
                Event::GameVariationRetired(retired) => {
                    assert_eq!(Some(retired.variation_id), variation);
                }
                other => panic!("{other:?} in the stream of a guild"),
            }
        }
        assert!(version > 0);
    }
    assert_eq!(types.len(), 3, "{types:?}");
}
