//! A scope lies over every read: what is outside does not exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use gamebot_event_store::filter::EventFilter;
use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{
    EventQuery, EventStore, StreamFilter, StreamOrder, StreamQuery, VersionRange,
};
use gamebot_event_store::stream::StreamName;

use super::history::{GUILDS, Known, STREAMS, fill, guild_of, open};
use crate::support::{World, on_both_backends, scopes};

on_both_backends!(every_read_keeps_to_its_scope);

async fn every_read_keeps_to_its_scope(world: World) {
    let store = open(&world).await;
    let log = fill(&store, 11, 80).await;
    let used: BTreeSet<&str> = log.iter().map(|event| event.stream).collect();
    assert_eq!(used, BTreeSet::from(STREAMS), "every stream has an event");
    for scope in scopes(GUILDS[0], GUILDS[2]) {
        let visible: Vec<&Known> = log
            .iter()
            .filter(|event| scope.allows(event.guild))
            .collect();
        events_keep_to(&store, &scope, &log, &visible).await;
        streams_keep_to(&store, &scope, &log).await;
    }
    store.close().await;
}

async fn events_keep_to(store: &EventStore, scope: &Scope, log: &[Known], visible: &[&Known]) {
    let all: BTreeSet<i64> = visible.iter().map(|event| event.position).collect();
    let ids: Vec<_> = log.iter().map(|event| event.event_id).collect();
    let found = store.events_by_id(scope, &ids).await.unwrap();
    assert_eq!(
        found
            .values()
            .map(|event| event.position.get())
            .collect::<BTreeSet<_>>(),
        all
    );
    let places: Vec<_> = log.iter().map(|event| event.recorded.position).collect();
    let found = store.events_at(scope, &places).await.unwrap();
    assert_eq!(
        found
            .keys()
            .map(|position| position.get())
            .collect::<BTreeSet<_>>(),
        all
    );

    let mut queries = vec![query(scope, EventFilter::default())];
    for name in STREAMS {
        // The number of the stream comes from elsewhere: the scope must hold for it, too.
        let number = log
            .iter()
            .find(|event| event.stream == name)
            .unwrap()
            .recorded
            .stream_id;
        let stream = Some(StreamName::parse(name).unwrap());
        let by_name = EventFilter {
            stream,
            ..EventFilter::default()
        };
        queries.push(query(scope, by_name.clone()));
        queries.push(EventQuery {
            stream_id: Some(number),
            ..query(scope, by_name)
        });
        let by_prefix = EventFilter {
            stream_prefix: Some(name[..name.len() - 1].to_owned()),
            ..EventFilter::default()
        };
        queries.push(query(scope, by_prefix));
    }
    for event in log.iter().take(20) {
        queries.push(query(
            scope,
            EventFilter {
                causation_ids: vec![event.event_id.to_string()],
                ..EventFilter::default()
            },
        ));
        queries.push(query(
            scope,
            EventFilter {
                correlation_ids: vec![event.correlation()],
                ..EventFilter::default()
            },
        ));
        queries.push(query(
            scope,
            EventFilter {
                guild_ids: GUILDS.map(str::to_owned).into(),
                ..EventFilter::default()
            },
        ));
    }
    let batched = store.events_of(&queries).await.unwrap();
    let counts = store.count_events_of(&queries).await.unwrap();
    for ((query, batched), batched_count) in queries.iter().zip(batched).zip(counts) {
        let wanted = visible
            .iter()
            .filter(|event| query.filter.matches(&event.recorded));
        let wanted: Vec<i64> = wanted.map(|event| event.position).collect();
        let positions = |events: &[Arc<gamebot_event_store::event::RecordedEvent>]| {
            events
                .iter()
                .map(|event| event.position.get())
                .collect::<Vec<_>>()
        };
        let alone = store.events(query).await.unwrap();
        assert_eq!(positions(&alone), wanted, "{query:?}");
        assert_eq!(positions(&batched), wanted, "{query:?}");
        assert_eq!(
            store.count_events(query).await.unwrap(),
            wanted.len() as u64,
            "{query:?}"
        );
        assert_eq!(batched_count, wanted.len() as u64, "{query:?}");
    }
}

async fn streams_keep_to(store: &EventStore, scope: &Scope, log: &[Known]) {
    let visible: BTreeSet<&str> = STREAMS
        .into_iter()
        .filter(|name| scope.allows(guild_of(name)))
        .collect();
    let names: Vec<StreamName> = STREAMS
        .iter()
        .map(|name| StreamName::parse(name).unwrap())
        .collect();
    for name in &names {
        let found = store.stream(scope, name).await.unwrap();
        assert_eq!(found.is_some(), visible.contains(name.as_str()), "{name:?}");
    }
    let found = store
        .streams_by_name(scope, &names.iter().collect::<Vec<_>>())
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|stream| stream.name.as_str())
            .collect::<BTreeSet<_>>(),
        visible
    );
    let ids: Vec<i64> = log.iter().map(|event| event.recorded.stream_id).collect();
    let found = store.streams_by_id(scope, &ids).await.unwrap();
    assert_eq!(
        found
            .values()
            .map(|stream| stream.name.as_str())
            .collect::<BTreeSet<_>>(),
        visible
    );

    let every_guild = GUILDS.map(str::to_owned).to_vec();
    for (filter, matches) in [
        (StreamFilter::default(), (|_| true) as fn(&str) -> bool),
        (
            StreamFilter {
                categories: vec!["game".to_owned()],
                ..StreamFilter::default()
            },
            |name| name.starts_with("game-"),
        ),
        (
            StreamFilter {
                name_prefix: Some("t".to_owned()),
                ..StreamFilter::default()
            },
            |name| name.starts_with('t'),
        ),
        (
            StreamFilter {
                guild_ids: every_guild,
                ..StreamFilter::default()
            },
            |name| guild_of(name).is_some(),
        ),
    ] {
        for order in [
            StreamOrder::Name,
            StreamOrder::CreatedAt,
            StreamOrder::UpdatedAt,
        ] {
            let query = StreamQuery {
                scope: scope.clone(),
                filter: filter.clone(),
                order,
                after: None,
                before: None,
                descending: false,
                limit: 100,
            };
            let found = store.streams(&query).await.unwrap();
            let found: BTreeSet<&str> = found.iter().map(|stream| stream.name.as_str()).collect();
            let wanted: BTreeSet<&str> = visible
                .iter()
                .copied()
                .filter(|name| matches(name))
                .collect();
            assert_eq!(found, wanted, "{query:?}");
            assert_eq!(
                store.count_streams(&query).await.unwrap(),
                wanted.len() as u64,
                "{query:?}"
            );
        }
    }
}

fn query(scope: &Scope, filter: EventFilter) -> EventQuery {
    EventQuery {
        scope: scope.clone(),
        filter,
        stream_id: None,
        after: Position::ORIGIN,
        through: Position::MAX,
        versions: VersionRange::default(),
        descending: false,
        limit: 1000,
    }
}
