//! Reads of every form while nothing is written: there is exactly one right answer.

use std::collections::BTreeMap;

use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{
    EventStore, StreamFilter, StreamOrder, StreamQuery, VersionRange,
};
use gamebot_event_store::stream::{Stream, StreamName};
use uuid::Uuid;

use super::model::{Model, StreamState};
use super::plan::ReadPlan;
use super::question::{Question, places_of};
use super::wish::Wish;

/// Reads in every form, and compares.
pub(super) async fn check(store: &EventStore, model: &Model, plan: &ReadPlan) {
    let question = question(model, plan);
    check_page(store, model, &question).await;
    check_together(store, model, &question).await;
    check_look_ups(store, model, &question.wish).await;
    check_streams(store, model, &question.wish).await;
}

fn question(model: &Model, plan: &ReadPlan) -> Question {
    let at = |hundredths: i64| model.base + (model.head() - model.base) * hundredths / 100;
    let versions = match plan.wish.stream {
        Some(_) => VersionRange {
            from: plan.versions.0,
            through: plan.versions.1,
        },
        None => VersionRange::default(),
    };
    Question {
        wish: plan.wish.clone(),
        after: at(plan.range.0),
        through: at(plan.range.1),
        versions,
        descending: plan.descending,
        limit: plan.limit,
    }
}

async fn check_page(store: &EventStore, model: &Model, question: &Question) {
    let expected = model.answer(question, model.write);
    let mut query = question.query(&model.names);
    let events = store.events(&query).await.unwrap();
    assert_eq!(places_of(&events), expected, "{question:?}");
    for event in &events {
        model.check_shown(
            event,
            &[model.at(event.position.get()).state_at(model.write)],
        );
    }
    let count = store.count_events(&query).await.unwrap();
    assert_eq!(count, expected.len() as u64, "the count of {question:?}");
    // A caller that knows the number of the stream saves a look-up.
    if let Some(name) = &query.filter.stream
        && let Some(stream) = store.stream(&query.scope, name).await.unwrap()
    {
        query.stream_id = Some(stream.id);
        let events = store.events(&query).await.unwrap();
        assert_eq!(places_of(&events), expected, "by number: {question:?}");
    }
}

/// Several pages by one statement: this one, the whole of it, and the whole of it backward.
async fn check_together(store: &EventStore, model: &Model, question: &Question) {
    let whole = Question {
        after: model.base,
        through: model.head(),
        limit: 1000,
        ..question.clone()
    };
    let backward = Question {
        descending: !question.descending,
        ..whole.clone()
    };
    let questions = [question.clone(), whole, backward];
    let queries = questions
        .clone()
        .map(|question| question.query(&model.names));
    let pages = store.events_of(&queries).await.unwrap();
    let counts = store.count_events_of(&queries).await.unwrap();
    for ((question, page), count) in questions.iter().zip(&pages).zip(counts) {
        let expected = model.answer(question, model.write);
        assert_eq!(places_of(page), expected, "together: {question:?}");
        assert_eq!(
            count,
            expected.len() as u64,
            "the count together: {question:?}"
        );
    }
}

/// Every event by its position and by its id, hidden or not, to whoever may see it.
async fn check_look_ups(store: &EventStore, model: &Model, wish: &Wish) {
    let unfiltered = Wish {
        scope: wish.scope.clone(),
        ..Wish::everything()
    };
    let range = (model.base, model.head());
    let visible = model.shown(&unfiltered, range, model.write);
    let positions: Vec<Position> = (range.0 + 1..=range.1)
        .map(|position| Position::new(position).unwrap())
        .collect();
    let found = store.events_at(&wish.scope(), &positions).await.unwrap();
    let found: BTreeMap<_, _> = found.into_iter().collect();
    let events: Vec<_> = found.values().cloned().collect();
    assert_eq!(places_of(&events), visible, "at their positions");
    let ids: Vec<Uuid> = model.events.iter().filter_map(|event| event.id).collect();
    let by_id = store.events_by_id(&wish.scope(), &ids).await.unwrap();
    for (position, state) in visible {
        let event = model.at(position);
        let shown = &found[&Position::new(position).unwrap()];
        model.check_shown(shown, &[state]);
        if let Some(id) = &event.id {
            assert_eq!(by_id[id], *shown, "by its id");
        }
        let name = StreamName::parse_any(&event.stream).unwrap();
        let at = store.position_of_version(&Scope::All, &name, event.version);
        assert_eq!(at.await.unwrap().map(Position::get), Some(position));
    }
}

/// The streams, one by one and as a list.
pub(super) async fn check_streams(store: &EventStore, model: &Model, wish: &Wish) {
    let may_see = |guild: Option<&str>| wish.scope().allows(guild);
    let mut listed = Vec::new();
    for name in model.names.all() {
        let name = StreamName::parse(name).unwrap();
        for name in [name.life(), name] {
            let expected = model.streams.get(name.as_str());
            let expected = expected.filter(|stream| may_see(stream.guild.as_deref()));
            let found = store.stream(&wish.scope(), &name).await.unwrap();
            let state = found.as_ref().map(state_of);
            assert_eq!(state, expected.map(StreamState::without_custom), "{name}");
            if expected.is_some() && !name.is_reserved() {
                listed.push(name.to_string());
            }
        }
    }
    let list = StreamQuery {
        scope: wish.scope(),
        filter: StreamFilter::default(),
        order: StreamOrder::CreatedAt,
        after: Some((model.began_at - 1000, String::new())),
        before: None,
        descending: false,
        limit: 10_000,
    };
    let found = store.streams(&list).await.unwrap();
    let found = found.iter().map(|stream| stream.name.to_string());
    let mut found: Vec<String> = found
        .filter(|name| model.names.all().contains(name))
        .collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed, "the list of streams");
}

/// A stream as the model would have it. The custom part of its metadata stands in its event only.
pub(super) fn state_of(stream: &Stream) -> StreamState {
    let mut state = StreamState {
        version: stream.version,
        status: stream.status,
        guild: stream.guild_id.as_deref().map(str::to_owned),
        hidden_through: stream.hidden_through,
        deleted_through: stream.deleted_through,
        metadata_version: stream.metadata_version,
        metadata_position: stream.metadata_position.map(Position::get),
        ..StreamState::default()
    };
    state.settings.retention = stream.retention;
    state.settings.max_events = stream.max_events;
    state
}
