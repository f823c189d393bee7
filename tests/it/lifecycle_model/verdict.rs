//! Compares what requests came to with what the model says.

use std::sync::Arc;

use gamebot_event_store::event::RecordedEvent;
use gamebot_event_store::store::{
    AppendError, Changed, ClosedStream, Committed, DuplicateReason, Refusal,
};

use super::model::{AppendedPart, Model, Outcome, Refused, SentAppend, SentChange, StreamState};
use super::reads::state_of;

/// Compares what an append came to. `writes` are the last write before it was sent, and its own.
pub(super) fn check_append(
    model: &mut Model,
    sent: &SentAppend,
    expected: Outcome,
    answer: Result<Committed, AppendError>,
    writes: (usize, usize),
) {
    let (duplicate, parts) = match expected {
        Outcome::Refused(refused) => {
            let answer = answer.map(|answer| format!("{answer:?}"));
            return assert_eq!(answer.map_err(refused_of), Err(refused), "{sent:?}");
        }
        Outcome::Appended { duplicate, parts } => (duplicate, parts),
        Outcome::Changed { .. } => unreachable!("an append changes nothing"),
    };
    let committed = answer.unwrap_or_else(|error| panic!("{error:?} of {sent:?}"));
    assert_eq!(committed.duplicate, duplicate, "{sent:?}: {committed:?}");
    assert_eq!(committed.streams.len(), parts.len(), "{committed:?}");
    for (found, part) in committed.streams.iter().zip(parts) {
        assert_eq!(found.name.as_str(), part.stream, "{committed:?}");
        let versions = (found.previous_version, found.version);
        assert_eq!(versions, (part.previous_version, part.version), "{sent:?}");
        let state = found.stream.as_ref().map(state_of);
        let expected = part.state.as_ref().map(StreamState::without_custom);
        assert_eq!(state, expected, "{sent:?}");
        check_recorded(model, &part, &found.events, writes);
    }
}

fn check_recorded(
    model: &mut Model,
    part: &AppendedPart,
    found: &[Arc<RecordedEvent>],
    writes: (usize, usize),
) {
    assert_eq!(found.len(), part.events.len(), "{found:?}");
    for (shown, index) in found.iter().zip(&part.events) {
        assert_eq!(shown.position.get(), model.events[*index].position);
        if model.events[*index].id.is_none() {
            model.learn_id(*index, shown.event_id);
        }
        // A retry too is shown no more than what can be seen by now; for a reason that was true when its
        // group began, or later.
        let event = &model.events[*index];
        let mut allowed = event.states_between(writes.0, writes.1);
        let is_hidden = event.state_at(writes.1).is_some();
        allowed.retain(|state| state.is_some() == is_hidden);
        model.check_shown(shown, &allowed);
    }
}

/// Compares what a change came to.
pub(super) fn check_change(
    model: &mut Model,
    sent: &SentChange,
    expected: Outcome,
    answer: Result<Changed, AppendError>,
) {
    let (duplicate, event, stream) = match expected {
        Outcome::Refused(refused) => {
            let answer = answer.map(|answer| format!("{answer:?}"));
            return assert_eq!(answer.map_err(refused_of), Err(refused), "{sent:?}");
        }
        Outcome::Changed {
            duplicate,
            event,
            stream,
        } => (duplicate, event, stream),
        Outcome::Appended { .. } => unreachable!("a change appends nothing"),
    };
    let changed = answer.unwrap_or_else(|error| panic!("{error:?} of {sent:?}"));
    assert_eq!(changed.duplicate, duplicate, "{sent:?}: {changed:?}");
    assert_eq!(changed.stream.name.as_str(), sent.stream, "{changed:?}");
    assert_eq!(
        state_of(&changed.stream),
        stream.without_custom(),
        "{sent:?}"
    );
    let index = event.map(|index| model.events[index].position);
    let found = changed.event.as_ref().map(|event| event.position.get());
    assert_eq!(found, index, "{sent:?}: {changed:?}");
    if let (Some(index), Some(shown)) = (event, &changed.event) {
        if model.events[index].id.is_none() {
            model.learn_id(index, shown.event_id);
        }
        model.check_shown(shown, &[None]);
    }
}

/// A refusal in the model's words.
fn refused_of(error: AppendError) -> Refused {
    let AppendError::Refused(refusal) = error else {
        panic!("the store failed: {error:?}");
    };
    let name = |closed: ClosedStream| closed.stream.to_string();
    match *refusal {
        Refusal::WrongExpectedVersion(checks) => {
            let checks = checks.into_iter();
            let checks = checks.map(|one| (one.stream.to_string(), one.actual, one.of_metadata));
            Refused::WrongExpectedVersion(checks.collect())
        }
        Refusal::DuplicateEvent(ids) => {
            let ids = ids.into_iter();
            Refused::DuplicateEvent(ids.map(|one| (one.event_id, word_of(one.reason))).collect())
        }
        Refusal::StreamNotFound(closed) => Refused::StreamNotFound(name(closed)),
        Refusal::StreamDeleted(closed) => Refused::StreamDeleted(name(closed)),
        Refusal::StreamTombstoned(closed) => Refused::StreamTombstoned(name(closed)),
        Refusal::StreamArchived(closed) => Refused::StreamArchived(name(closed)),
        Refusal::StreamTooLarge(large) => {
            let name = large.stream.to_string();
            Refused::StreamTooLarge(name, large.length, large.adding, large.limit)
        }
        Refusal::InvalidEvents(violations) => Refused::InvalidEvents(violations.len()),
        Refusal::InvalidInput(_) => Refused::InvalidInput,
        other @ (Refusal::LimitExceeded(_)
        | Refusal::RuleViolated(_)
        | Refusal::OperationNotFound(_)
        | Refusal::OperationFinished(_)
        | Refusal::TypeNotFound(_)
        | Refusal::TypeConflict(_)) => panic!("nothing asks for that: {other:?}"),
    }
}

fn word_of(reason: DuplicateReason) -> &'static str {
    match reason {
        DuplicateReason::TwiceInRequest => "twice in the request",
        DuplicateReason::OtherStream => "of another stream",
        DuplicateReason::OtherContent => "of other content",
        DuplicateReason::OtherOrder => "in another order",
        DuplicateReason::PartOfRequest => "a part of the request",
        DuplicateReason::NewBesideStored => "new beside stored",
    }
}
