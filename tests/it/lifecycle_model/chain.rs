//! The hash chain along the log, computed again from what a reader sees and what the model knows of payloads
//! that are hidden.

use gamebot_event_store::event::{Hash, Link, RecordedEvent, content_hash};
use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::EventStore;

use super::model::Model;
use super::question::Question;
use super::wish::Wish;

/// Computes the chain of all events of a case.
pub(super) async fn check(store: &EventStore, model: &Model) {
    let question = Question {
        wish: Wish::everything(),
        after: model.base,
        through: model.head(),
        versions: gamebot_event_store::store::VersionRange::default(),
        descending: false,
        limit: 10_000,
    };
    let log = store.events(&question.query(&model.names)).await.unwrap();
    let mut previous = hash_at(store, model.base).await;
    for event in &log {
        let link = Link {
            previous: &previous,
            position: event.position,
            stream: event.stream.as_str(),
            stream_version: event.stream_version,
            event_id: event.event_id,
            recorded_at: event.recorded_at.timestamp_millis(),
            content_hash: &event.content_hash,
        };
        assert_eq!(link.hash(), event.hash, "the chain breaks at {event:?}");
        check_content(model, event);
        previous = event.hash;
    }
    let times = log.windows(2);
    assert!(
        times
            .into_iter()
            .all(|two| two[0].recorded_at <= two[1].recorded_at)
    );
}

fn check_content(model: &Model, event: &RecordedEvent) {
    let Some(salt) = &event.salt else { return };
    let known = model.at(event.position.get());
    let data = event.data.as_deref().unwrap_or(&known.data);
    let metadata = event.metadata.as_deref().or(known.metadata.as_deref());
    let (event_type, version) = (event.event_type.as_str(), event.schema_version);
    assert_eq!(
        content_hash(salt, event_type, version, data, metadata.unwrap()),
        event.content_hash,
        "the content of {event:?}"
    );
}

async fn hash_at(store: &EventStore, position: i64) -> Hash {
    let position = Position::new(position).unwrap();
    let found = store.events_at(&Scope::All, &[position]).await.unwrap();
    found.get(&position).map_or([0; 32], |event| event.hash)
}
