//! A JSON object with free keys, read as a list whose entries know their key.
//!
//! GraphQL has no objects with free keys, and the order of the keys says something (`team_ids`
//! order is play order), so a list in stored order is the form that loses nothing. Use it with
//! `#[serde(with = "keyed")]` on a `Vec`, and `#[serde(with = "keyed::optional")]` on an optional
//! one.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

/// An entry of such a list. Its own serialized form is the value alone, without the key.
pub(super) trait Keyed {
    /// The key under which the entry is stored.
    fn key(&self) -> &str;

    /// Takes the key under which the value was found, or says why the two do not fit.
    fn accept_key(&mut self, key: String) -> Result<(), String>;
}

/// Implements `Keyed` for a type whose field holds nothing but the key.
macro_rules! keyed_by {
    ($type:ty, $field:ident) => {
        impl $crate::event::keyed::Keyed for $type {
            fn key(&self) -> &str {
                &self.$field
            }

            fn accept_key(&mut self, key: String) -> Result<(), String> {
                self.$field = key;
                Ok(())
            }
        }
    };
}

pub(super) use keyed_by;

/// Writes the list as a JSON object, in the order of the list.
pub(super) fn serialize<T, S>(entries: &[T], serializer: S) -> Result<S::Ok, S::Error>
where
    T: Keyed + Serialize,
    S: Serializer,
{
    serializer.collect_map(entries.iter().map(|entry| (entry.key(), entry)))
}

/// Reads a JSON object as a list in the order of the text. A key that occurs twice is an error.
pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Keyed + Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(EntriesVisitor(PhantomData))
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Keyed + Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            let mut entry: T = map.next_value()?;
            entry.accept_key(key).map_err(A::Error::custom)?;
            entries.push(entry);
        }
        match repeated_key(&entries) {
            Some(key) => Err(A::Error::custom(format_args!(
                "the key `{key}` occurs more than once"
            ))),
            None => Ok(entries),
        }
    }
}

/// Sorting keeps a hostile object with very many keys cheap, which comparing all pairs would not.
fn repeated_key<T: Keyed>(entries: &[T]) -> Option<&str> {
    let mut keys: Vec<&str> = entries.iter().map(Keyed::key).collect();
    keys.sort_unstable();
    keys.windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}

/// The same for a field that may be absent or null.
pub(super) mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Keyed;

    /// Writes the list as a JSON object, or null.
    #[expect(
        clippy::ref_option,
        reason = "serde passes a reference to the field, whatever its type"
    )]
    pub(in crate::event) fn serialize<T, S>(
        entries: &Option<Vec<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        T: Keyed + Serialize,
        S: Serializer,
    {
        match entries {
            Some(entries) => super::serialize(entries, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a JSON object as a list, and null as none. The field needs `#[serde(default)]` for
    /// its absence to be none as well.
    pub(in crate::event) fn deserialize<'de, T, D>(
        deserializer: D,
    ) -> Result<Option<Vec<T>>, D::Error>
    where
        T: Keyed + Deserialize<'de>,
        D: Deserializer<'de>,
    {
        #[derive(Deserialize)]
        #[serde(transparent)]
        #[serde(bound = "T: Keyed + Deserialize<'de>")]
        struct Entries<T>(#[serde(with = "super")] Vec<T>);

        let entries: Option<Entries<T>> = Deserialize::deserialize(deserializer)?;
        Ok(entries.map(|Entries(list)| list))
    }
}
