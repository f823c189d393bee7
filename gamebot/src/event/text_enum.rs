//! Enums that are stored as text and keep a text that they do not know.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{Error, Visitor},
};

/// Defines an enum whose values are stored as the given texts.
///
/// A stored text that is none of them becomes `Unknown` with that text: a reader must not die on
/// the data of a newer writer, and writing the value again must not change it. In GraphQL the enum
/// has the same name and values, and `UNKNOWN` for the rest.
macro_rules! text_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $($(#[$value_attribute:meta])* $value:ident = $text:literal,)+ }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_attribute])* $value,)+
            /// A text that this version of the catalogue does not know, as it is stored.
            Unknown(Box<str>),
        }

        impl $name {
            /// The text that is stored for this value.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$value => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$value,)+
                    _ => Self::Unknown(text.into()),
                }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::event::text_enum::deserialize(deserializer)
            }
        }

        #[cfg(feature = "graphql")]
        const _: () = {
            use ::async_graphql::{
                ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType,
                Positioned, ServerResult, Value, parser::types::Field, registry::Registry,
                resolver_utils::enum_value,
            };

            /// The same enum as GraphQL sees it. An enum of GraphQL carries no text, so it cannot
            /// be derived from the one outside.
            mod listed {
                $(#[$attribute])*
                #[derive(Clone, Copy, PartialEq, Eq, ::async_graphql::Enum)]
                pub(super) enum $name {
                    $($(#[$value_attribute])* $value,)+
                    /// A value that this version of the server does not know; the event's `data`
                    /// has it as it is stored. It is only ever answered, and refused as an
                    /// argument.
                    Unknown,
                }
            }

            impl OutputType for $name {
                fn type_name() -> ::std::borrow::Cow<'static, str> {
                    <listed::$name as OutputType>::type_name()
                }

                fn create_type_info(registry: &mut Registry) -> String {
                    <listed::$name as OutputType>::create_type_info(registry)
                }

                async fn resolve(
                    &self,
                    _ctx: &ContextSelectionSet<'_>,
                    _field: &Positioned<Field>,
                ) -> ServerResult<Value> {
                    Ok(InputType::to_value(self))
                }
            }

            impl InputType for $name {
                type RawValueType = Self;

                fn type_name() -> ::std::borrow::Cow<'static, str> {
                    <listed::$name as InputType>::type_name()
                }

                fn create_type_info(registry: &mut Registry) -> String {
                    <listed::$name as InputType>::create_type_info(registry)
                }

                fn parse(value: Option<Value>) -> InputValueResult<Self> {
                    match <listed::$name as InputType>::parse(value)
                        .map_err(InputValueError::propagate)?
                    {
                        $(listed::$name::$value => Ok(Self::$value),)+
                        listed::$name::Unknown => Err(InputValueError::custom(
                            "UNKNOWN stands for values that the server cannot name, so it cannot be asked for.",
                        )),
                    }
                }

                fn to_value(&self) -> Value {
                    enum_value(match self {
                        $(Self::$value => listed::$name::$value,)+
                        Self::Unknown(_) => listed::$name::Unknown,
                    })
                }

                fn as_raw_value(&self) -> Option<&Self::RawValueType> {
                    Some(self)
                }
            }
        };
    };
}

pub(super) use text_enum;

/// Reads a text without keeping a copy of it unless the enum needs one.
pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: for<'text> From<&'text str>,
{
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: for<'text> From<&'text str>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from(text))
    }
}
