//! The rules that concern every event: its place, its base fields, and whether the game is in a
//! phase that allows it.

use super::{super::rule::Rule, MAX_EVENTS};
use crate::{
    event::{Event, EventClass, EventType, GameBase},
    game::{
        state::{GameState, Phase},
        violation::Report,
    },
};

/// Checks what the store knows of the event: `R04`, `R36` and `R38`.
pub(in crate::game) fn check_envelope(state: &GameState, report: &mut Report<'_>) {
    let envelope = report.envelope();
    let (found, wanted) = (
        envelope.stream_version,
        state.stream_version.saturating_add(1),
    );
    if found != wanted {
        let code = if found > wanted {
            "version_gap"
        } else {
            "version_order_issue"
        };
        let last = state.stream_version;
        let message = format!("version {found} follows version {last} instead of {wanted}");
        report.add(Rule::R04, code, message);
    }
    match (envelope.correlation_id, state.correlation_id.as_deref()) {
        (None, _) => report.add(
            Rule::R36,
            "correlation_changed",
            "the metadata has no correlation_id".to_owned(),
        ),
        (Some(found), Some(wanted)) if found != wanted => report.add(
            Rule::R36,
            "correlation_changed",
            format!("the correlation_id is {found}, but that of the event before was {wanted}"),
        ),
        _ => {}
    }
    // Versions go on after a deletion, and the events before it are no part of the game.
    let count = state.event_count.saturating_add(1);
    if count > MAX_EVENTS {
        let message =
            format!("the event is number {count}, above the limit of {MAX_EVENTS} events");
        report.add(Rule::R38, "stream_too_large", message);
    }
}

/// Checks an event that is not one of the game: an observation, which may stand anywhere but first
/// and tells its game if it wants to, or a stray of another stream.
pub(super) fn check_guest(state: &GameState, event: &Event, report: &mut Report<'_>) {
    if !is_observation(event.event_type()) {
        let message = format!(
            "a {} does not belong in the stream of a game",
            event.event_type()
        );
        report.add(Rule::R09, "unsupported_event_type", message);
        return;
    }
    if state.phase.is_none() && !state.start_is_damaged {
        add_wrong_start(event, report);
    }
    if let Some(game_id) = event.game_id() {
        check_game_id(state, game_id, report);
    }
    // An observation need not name the guild, but it must not name another one.
    if event.guild_id().is_some() && state.mode.is_some() {
        check_guild_id(state, event.guild_id(), report);
    }
}

/// Checks the base fields of an event of the game: `R05` to `R08`.
pub(super) fn check_base(
    state: &GameState,
    base: GameBase<'_>,
    event: &Event,
    report: &mut Report<'_>,
) {
    if let Some(last) = state.last_timestamp
        && base.timestamp < last
    {
        let found = base.timestamp.to_rfc3339();
        let message = format!(
            "the timestamp {found} is before that of the event before, {}",
            last.to_rfc3339()
        );
        report.add(Rule::R05, "invalid_event_order", message);
    }
    check_game_id(state, base.game_id, report);
    let Some(mode) = &state.mode else {
        return;
    };
    check_guild_id(state, base.guild_id, report);
    if base.mode != mode && !matches!(event, Event::GameModeChanged(_)) {
        let (found, wanted) = (base.mode.as_str(), mode.as_str());
        let message = format!("the mode is {found}, but that of the game is {wanted}");
        report.add(Rule::R08, "mode_mismatch", message);
    }
}

fn check_game_id(state: &GameState, found: &str, report: &mut Report<'_>) {
    let wanted = &state.game_id;
    if found != wanted {
        let message = format!("the game_id is {found}, but the stream is that of {wanted}");
        report.add(Rule::R06, "game_id_mismatch", message);
    }
}

fn check_guild_id(state: &GameState, found: Option<&str>, report: &mut Report<'_>) {
    let wanted = state.guild_id.as_deref();
    if found != wanted {
        let (found, wanted) = (found.unwrap_or("null"), wanted.unwrap_or("null"));
        let message = format!("the guild_id is {found}, but that of the first event is {wanted}");
        report.add(Rule::R07, "guild_mismatch", message);
    }
}

/// Checks that the game is in a phase that allows the event: `R02`, `R03`, `R29`, `R30`, `R32` and
/// `R34`. Says whether a closer look makes sense.
pub(super) fn check_phase(state: &GameState, event: &Event, report: &mut Report<'_>) -> bool {
    match state.phase {
        None => may_begin(state, event, report),
        Some(Phase::Lobby) => may_be_in_lobby(state, event, report),
        Some(Phase::Completed | Phase::Aborted) if matches!(event, Event::GameArchived(_)) => true,
        Some(Phase::Completed | Phase::Aborted | Phase::Archived) => {
            let message = format!("a {} follows the end of the game", event.event_type());
            report.add(Rule::R34, "event_after_completion", message);
            false
        }
        Some(Phase::Ready | Phase::InRound | Phase::Paused) => may_be_in_play(state, event, report),
    }
}

fn may_begin(state: &GameState, event: &Event, report: &mut Report<'_>) -> bool {
    match event {
        Event::GameCreated(_) | Event::GameStarted(_) => true,
        _ if state.start_is_damaged => false,
        _ => {
            add_wrong_start(event, report);
            false
        }
    }
}

fn add_wrong_start(event: &Event, report: &mut Report<'_>) {
    let message = format!(
        "the stream begins with a {} instead of a game_started or a game_created",
        event.event_type()
    );
    report.add(Rule::R02, "invalid_stream_start", message);
}

fn may_be_in_lobby(state: &GameState, event: &Event, report: &mut Report<'_>) -> bool {
    if is_legal_in_lobby(event) {
        return true;
    }
    // The first such event tells the fault; the ones after it are its consequences.
    if !state.start_is_damaged {
        let message = format!("a {} comes before the game_started", event.event_type());
        report.add(Rule::R02, "invalid_stream_start", message);
    }
    false
}

fn may_be_in_play(state: &GameState, event: &Event, report: &mut Report<'_>) -> bool {
    let event_type = event.event_type();
    let is_paused = state.phase == Some(Phase::Paused);
    match event {
        Event::GameStarted(_) => {
            let message = "the game has been started already".to_owned();
            report.add(Rule::R03, "duplicate_game_start", message);
            false
        }
        Event::GameCreated(_) | Event::GameModeChanged(_) | Event::GameConfigChanged(_) => {
            let message = format!("a {event_type} comes after the game_started");
            report.add(Rule::R02, "invalid_stream_start", message);
            false
        }
        Event::GameArchived(_) => {
            let message = "the game has neither been completed nor aborted before".to_owned();
            report.add(Rule::R32, "missing_events", message);
            false
        }
        Event::GamePaused(_) if is_paused => {
            let message = "the game is paused already".to_owned();
            report.add(Rule::R29, "invalid_game_state", message);
            false
        }
        Event::GameResumed(_) if !is_paused => {
            let message = "the game is not paused".to_owned();
            report.add(Rule::R29, "invalid_game_state", message);
            false
        }
        _ if is_paused && !is_legal_in_pause(event) => {
            let message = format!("a {event_type} comes while the game is paused");
            report.add(Rule::R30, "game_paused", message);
            true
        }
        _ => true,
    }
}

/// Whether the event may stand between `game_created` and `game_started`, the latter included.
pub(in crate::game) fn is_legal_in_lobby(event: &Event) -> bool {
    matches!(
        event,
        Event::GameModeChanged(_)
            | Event::GameConfigChanged(_)
            | Event::PlayerJoined(_)
            | Event::PlayerLeft(_)
            | Event::GameStarted(_)
            | Event::GameAborted(_)
    )
}

/// Whether the event leaves a pause alone or ends it in order.
pub(in crate::game) fn is_legal_in_pause(event: &Event) -> bool {
    matches!(
        event,
        Event::GamePaused(_)
            | Event::GameResumed(_)
            | Event::GameAborted(_)
            | Event::PlayerJoined(_)
            | Event::PlayerLeft(_)
            | Event::PlayerStatusChanged(_)
    )
}

fn is_observation(event_type: &str) -> bool {
    EventType::named(event_type)
        .is_some_and(|event_type| event_type.classes.contains(&EventClass::Observation))
}

/// Whether the state stays right when an event of this type is lost.
pub(in crate::game) fn is_optional(event_type: &str) -> bool {
    is_observation(event_type)
        || matches!(
            event_type,
            "guess_started" | "race_time_warning" | "player_status_changed"
        )
}
