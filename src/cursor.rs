//! Opaque tokens: where a page ended, where a feed stands.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::position::Position;
use crate::stream::shown;

/// The version of the encoding; a token of another version is refused, never guessed at.
const VERSION: u8 = 1;
const EVENT: u8 = b'e';
const STREAM: u8 = b's';
const OPERATION: u8 = b'o';
const LIVE_SUBSCRIPTION: u8 = b'l';
const PLACE: u8 = b'p';
const EVENT_TYPE: u8 = b't';

/// A token of an event: the store that it belongs to and a position in that store's log.
///
/// The same token is `after` of a query and the start of a subscription.
#[must_use]
pub fn encode_event(store_id: Uuid, position: Position) -> String {
    let mut bytes = [0_u8; 26];
    bytes[0] = VERSION;
    bytes[1] = EVENT;
    bytes[2..18].copy_from_slice(store_id.as_bytes());
    bytes[18..].copy_from_slice(&position.get().to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position behind a token, if it is one of this store's, not beyond its head.
pub fn decode_event(
    store_id: Uuid,
    head: Position,
    token: &str,
) -> Result<Position, InvalidCursor> {
    let rest = open(EVENT, token)?;
    let (id, number) = rest.split_at_checked(16).ok_or_else(|| not_ours(token))?;
    let number: [u8; 8] = number.try_into().map_err(|_| not_ours(token))?;
    let id = Uuid::from_slice(id).map_err(|_| not_ours(token))?;
    let position = Position::new(i64::from_be_bytes(number)).ok_or_else(|| not_ours(token))?;
    if id != store_id {
        return Err(InvalidCursor::OtherStore {
            cursor: id,
            store: store_id,
        });
    }
    if position > head {
        return Err(InvalidCursor::BeyondHead { position, head });
    }
    Ok(position)
}

/// A token of a stream in a list of streams: the order of the list, the value that it is ordered by, and the
/// stream's name, which settles ties.
#[must_use]
pub fn encode_stream(order: u8, value: i64, name: &str) -> String {
    let mut bytes = vec![VERSION, STREAM, order];
    bytes.extend_from_slice(&value.to_be_bytes());
    bytes.extend_from_slice(name.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The value and name behind a token of a list of streams in this order.
pub fn decode_stream(order: u8, token: &str) -> Result<(i64, String), InvalidCursor> {
    let rest = open(STREAM, token)?;
    let (&found, rest) = rest.split_first().ok_or_else(|| not_ours(token))?;
    let (value, name) = rest.split_at_checked(8).ok_or_else(|| not_ours(token))?;
    let value: [u8; 8] = value.try_into().map_err(|_| not_ours(token))?;
    let name = String::from_utf8(name.to_vec()).map_err(|_| not_ours(token))?;
    if name.contains('\0') {
        return Err(not_ours(token));
    }
    if found != order {
        return Err(InvalidCursor::OtherOrder);
    }
    Ok((i64::from_be_bytes(value), name))
}

/// A token of an operation in the list of operations: milliseconds since 1970 when it was asked for, and its
/// id, which settles ties.
#[must_use]
pub fn encode_operation(created_at: i64, id: Uuid) -> String {
    let mut bytes = [0_u8; 26];
    bytes[0] = VERSION;
    bytes[1] = OPERATION;
    bytes[2..10].copy_from_slice(&created_at.to_be_bytes());
    bytes[10..].copy_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The time and id behind a token of the list of operations.
pub fn decode_operation(token: &str) -> Result<(i64, Uuid), InvalidCursor> {
    let rest = open(OPERATION, token)?;
    let (time, id) = rest.split_at_checked(8).ok_or_else(|| not_ours(token))?;
    let time: [u8; 8] = time.try_into().map_err(|_| not_ours(token))?;
    let id = Uuid::from_slice(id).map_err(|_| not_ours(token))?;
    Ok((i64::from_be_bytes(time), id))
}

/// A token of a live subscription in the list of them, which is in the order of their ids.
#[must_use]
pub fn encode_live_subscription(id: Uuid) -> String {
    let mut bytes = vec![VERSION, LIVE_SUBSCRIPTION];
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The id behind a token of a live subscription, which may have ended since.
pub fn decode_live_subscription(token: &str) -> Result<Uuid, InvalidCursor> {
    let rest = open(LIVE_SUBSCRIPTION, token)?;
    Uuid::from_slice(&rest).map_err(|_| not_ours(token))
}

/// A token of a place on a leaderboard: how many places stand up to it. A leaderboard moves under the feet of
/// those who page through it, so a token says no more than that.
#[must_use]
pub fn encode_place(place: u32) -> String {
    let mut bytes = vec![VERSION, PLACE];
    bytes.extend_from_slice(&place.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place behind a token of a leaderboard.
pub fn decode_place(token: &str) -> Result<u32, InvalidCursor> {
    let rest: [u8; 4] = open(PLACE, token)?
        .try_into()
        .map_err(|_| not_ours(token))?;
    Ok(u32::from_be_bytes(rest))
}

/// A token of an event type in the list of them, which is in the order of their names.
#[must_use]
pub fn encode_event_type(name: &str) -> String {
    let mut bytes = vec![VERSION, EVENT_TYPE];
    bytes.extend_from_slice(name.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name behind a token of an event type.
pub fn decode_event_type(token: &str) -> Result<String, InvalidCursor> {
    let rest = open(EVENT_TYPE, token)?;
    String::from_utf8(rest).map_err(|_| not_ours(token))
}

fn open(kind: u8, token: &str) -> Result<Vec<u8>, InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| not_ours(token))?;
    match bytes.as_slice() {
        [VERSION, found, rest @ ..] if *found == kind => Ok(rest.to_vec()),
        _ => Err(not_ours(token)),
    }
}

fn not_ours(token: &str) -> InvalidCursor {
    InvalidCursor::NotACursor {
        token: shown(token),
    }
}

/// A token that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// Not a token of this kind at all.
    #[error(
        "`{token}` is not a cursor of this kind of list. Cursors are opaque: pass one back exactly as a page \
         or a feed gave it."
    )]
    NotACursor {
        /// What was given, cut to a readable length.
        token: String,
    },
    /// A token of another store.
    #[error(
        "the cursor belongs to the store {cursor}, and this is the store {store}. Start again from a position \
         or from the origin."
    )]
    OtherStore {
        /// The store in the cursor.
        cursor: Uuid,
        /// This store.
        store: Uuid,
    },
    /// A position that this store has not given out.
    #[error(
        "the cursor stands at position {position}, beyond the head of this log, {head}. Was the database \
         restored from an older copy? Start again from a position that exists."
    )]
    BeyondHead {
        /// The position in the cursor.
        position: Position,
        /// The head of the log.
        head: Position,
    },
    /// A token of the same list in another order.
    #[error(
        "the cursor comes from a list in another order. Keep `orderBy` the same from page to page."
    )]
    OtherOrder,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: Uuid = Uuid::from_u128(7);
    const HEAD: Position = Position::from_stored(10);

    #[test]
    fn a_cursor_brings_back_its_position() {
        for number in [0, 1, 10] {
            let position = Position::from_stored(number);
            assert_eq!(
                decode_event(STORE, HEAD, &encode_event(STORE, position)),
                Ok(position)
            );
        }
    }

    #[test]
    fn a_cursor_of_another_store_or_beyond_the_head_is_refused_naming_both() {
        let other = Uuid::from_u128(8);
        assert_eq!(
            decode_event(STORE, HEAD, &encode_event(other, Position::from_stored(3))),
            Err(InvalidCursor::OtherStore {
                cursor: other,
                store: STORE
            })
        );
        let error = decode_event(STORE, HEAD, &encode_event(STORE, Position::from_stored(11)))
            .expect_err("beyond the head");
        assert!(
            error.to_string().contains("11") && error.to_string().contains("10"),
            "{error}"
        );
    }

    #[test]
    fn anything_else_is_not_a_cursor() {
        let stream = encode_stream(0, 5, "game-1");
        for token in [
            "",
            "!",
            "AAAA",
            "ZZZZ",
            "null",
            &stream,
            &"A".repeat(10_000),
        ] {
            assert!(matches!(
                decode_event(STORE, HEAD, token),
                Err(InvalidCursor::NotACursor { .. })
            ));
        }
        let event = encode_event(STORE, HEAD);
        assert!(matches!(
            decode_stream(0, &event),
            Err(InvalidCursor::NotACursor { .. })
        ));
    }

    #[test]
    fn an_operation_cursor_brings_back_its_time_and_id() {
        let token = encode_operation(-5, STORE);
        assert_eq!(decode_operation(&token), Ok((-5, STORE)));
        for other in [encode_event(STORE, HEAD), encode_stream(0, 5, "game-1")] {
            assert!(matches!(
                decode_operation(&other),
                Err(InvalidCursor::NotACursor { .. })
            ));
        }
    }

    #[test]
    fn a_stream_cursor_is_bound_to_its_order() {
        let token = encode_stream(1, 5, "game-1");
        assert_eq!(decode_stream(1, &token), Ok((5, "game-1".to_owned())));
        assert_eq!(decode_stream(2, &token), Err(InvalidCursor::OtherOrder));
    }
}
