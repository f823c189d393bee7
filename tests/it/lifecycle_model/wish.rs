//! What a reader or follower wants and may see, with a plain reading of what that means.

use gamebot_event_store::filter::{Document, EventFilter, JsonEquals};
use gamebot_event_store::json_path::{JsonPath, JsonScalar};
use gamebot_event_store::scope::Scope;
use gamebot_event_store::stream::StreamName;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

use super::model::{Event, Names};
use super::plan::{STREAMS, TYPES};

/// What is wanted; nothing set = every event that is not of the store's own streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// An index into the streams of a case, and whether its reserved stream is meant.
    pub(super) stream: Option<(usize, bool)>,
    pub(super) prefix: Option<&'static str>,
    pub(super) categories: Vec<&'static str>,
    pub(super) event_types: Vec<&'static str>,
    pub(super) guild_ids: Vec<&'static str>,
    pub(super) has_actor: bool,
    /// `data.n` is this.
    pub(super) number: Option<i64>,
    pub(super) include_reserved: bool,
    /// The guilds that may be seen, and whether what has none may be; `None` = everything may be seen.
    pub(super) scope: Option<(Vec<&'static str>, bool)>,
}

/// The actor of every event that has one.
pub(super) const ACTOR: &str = "7";

impl Wish {
    /// The whole log.
    pub(super) fn everything() -> Self {
        Self {
            include_reserved: true,
            ..Self::default()
        }
    }

    /// The wish in the store's words.
    pub(super) fn filter(&self, names: &Names) -> EventFilter {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        EventFilter {
            stream: self.stream_name(names),
            categories: owned(&self.categories),
            stream_prefix: self.prefix.map(str::to_owned),
            event_types: owned(&self.event_types),
            guild_ids: owned(&self.guild_ids),
            actor_ids: owned(if self.has_actor { &[ACTOR] } else { &[] }),
            json_equals: self.number.map(number_is).into_iter().collect(),
            include_reserved: self.include_reserved,
            ..EventFilter::default()
        }
    }

    /// The name of the stream that is wanted.
    pub(super) fn stream_name(&self, names: &Names) -> Option<StreamName> {
        let (stream, of_its_life) = self.stream?;
        let name = StreamName::parse(names.of(stream)).unwrap();
        Some(if of_its_life { name.life() } else { name })
    }

    /// The scope in the store's words.
    pub(super) fn scope(&self) -> Scope {
        match &self.scope {
            None => Scope::All,
            Some((guild_ids, include_without_guild)) => Scope::Guilds {
                guild_ids: guild_ids.iter().map(|&id| id.into()).collect(),
                include_without_guild: *include_without_guild,
            },
        }
    }

    /// Whether nothing is asked of an event, so that hidden ones keep their places.
    pub(super) fn shows_removed(&self) -> bool {
        let lists = [&self.categories, &self.event_types, &self.guild_ids];
        self.stream.is_none()
            && self.prefix.is_none()
            && self.number.is_none()
            && !self.has_actor
            && lists.iter().all(|list| list.is_empty())
    }

    /// Whether an event is wanted and may be seen, hidden or not.
    pub(super) fn includes(&self, event: &Event, names: &Names) -> bool {
        let category = event.stream.split('-').next().unwrap();
        let guild = event.guild.as_deref();
        let may_see = self
            .scope
            .as_ref()
            .is_none_or(|(guilds, none)| guild.map_or(*none, |guild| guilds.contains(&guild)));
        let stream = self.stream_name(names);
        may_see
            && (!event.is_reserved() || self.asks_for_reserved())
            && stream.is_none_or(|stream| stream.as_str() == event.stream)
            && self
                .prefix
                .is_none_or(|prefix| event.stream.starts_with(prefix))
            && (self.categories.is_empty() || self.categories.contains(&category))
            && (self.event_types.is_empty()
                || self.event_types.contains(&event.event_type.as_str()))
            && (self.guild_ids.is_empty()
                || guild.is_some_and(|guild| self.guild_ids.contains(&guild)))
            && (!self.has_actor || event.actor.as_deref() == Some(ACTOR))
            && self
                .number
                .is_none_or(|number| event.number == Some(number))
    }

    /// The wish of somebody who may not see everything. The stream of a stream's life can come into a guild
    /// later than its first events, which are then found along the log, but not by its name.
    fn within(self, scope: Option<(Vec<&'static str>, bool)>) -> Self {
        let names_life = self.stream.is_some_and(|(_, of_its_life)| of_its_life)
            || self.prefix.is_some_and(|prefix| prefix.starts_with('$'));
        Self {
            scope: scope.filter(|_| !names_life),
            ..self
        }
    }

    fn asks_for_reserved(&self) -> bool {
        let names = self.categories.iter().chain(&self.event_types);
        self.include_reserved
            || self.stream.is_some_and(|(_, of_its_life)| of_its_life)
            || names.chain(&self.prefix).any(|name| name.starts_with('$'))
    }
}

fn number_is(number: i64) -> JsonEquals {
    JsonEquals {
        document: Document::Data,
        path: JsonPath::parse("n").unwrap(),
        value: JsonScalar::Int(number),
    }
}

/// The whole log, the ordinary log, one condition, or several.
pub(super) fn wishes() -> impl Strategy<Value = Wish> {
    let one = (conditions(), scopes()).prop_map(|(wish, scope)| wish.within(scope));
    let several = (conditions(), conditions(), scopes()).prop_map(|(one, other, scope)| {
        let both = Wish {
            stream: one.stream,
            prefix: other.prefix,
            categories: other.categories,
            event_types: one.event_types,
            guild_ids: if one.guild_ids.is_empty() {
                other.guild_ids
            } else {
                one.guild_ids
            },
            has_actor: one.has_actor || other.has_actor,
            number: one.number.or(other.number),
            include_reserved: one.include_reserved || other.include_reserved,
            scope: None,
        };
        both.within(scope)
    });
    prop_oneof![
        1 => Just(Wish::everything()),
        1 => Just(Wish::default()),
        4 => one,
        1 => several,
    ]
}

/// A wish of one condition, or none.
fn conditions() -> impl Strategy<Value = Wish> {
    let default = Wish::default;
    prop_oneof![
        1 => any::<bool>().prop_map(move |include_reserved| Wish { include_reserved, ..default() }),
        3 => (0..STREAMS.len(), select(vec![false, false, true]))
            .prop_map(move |stream| Wish { stream: Some(stream), ..default() }),
        2 => select(vec!["g", "game", "game-", "team-1", "$", "$stream-game-a", "$operation-", "zzz"])
            .prop_map(move |prefix| Wish { prefix: Some(prefix), ..default() }),
        2 => some_of(&["game", "gamex", "ga", "team", "$stream", "$operation"])
            .prop_map(move |categories| Wish { categories, ..default() }),
        2 => some_of(&[TYPES[0], TYPES[1], TYPES[2], "$stream_deleted", "$stream_reopened"])
            .prop_map(move |event_types| Wish { event_types, ..default() }),
        2 => (some_of(&["g1", "g2"]), any::<bool>()).prop_map(move |(guild_ids, include_reserved)| Wish {
            guild_ids,
            include_reserved,
            ..default()
        }),
        1 => Just(Wish { has_actor: true, ..default() }),
        1 => (0..4_i64).prop_map(move |number| Wish { number: Some(number), ..default() }),
    ]
}

fn some_of(values: &[&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(values.to_vec(), 1..=2)
}

fn scopes() -> impl Strategy<Value = Option<(Vec<&'static str>, bool)>> {
    option::weighted(0.3, (some_of(&["g1", "g2", "g9"]), any::<bool>()))
}
