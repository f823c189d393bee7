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
        $(#[doc = $doc:literal])*
        pub enum $name:ident { $($(#[doc = $value_doc:literal])* $value:ident = $text:literal,)+ }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $value_doc])* $value,)+
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

        /// Unlike a reader, the schema knows no other values.
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({
                    "description": $crate::event::text_enum::description(
                        &[$($doc),*],
                        &[$(($text, &[$($value_doc),*])),+],
                    ),
                    "type": "string",
                    "enum": [$($text),+],
                })
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
                $(#[doc = $doc])*
                #[derive(Clone, Copy, PartialEq, Eq, ::async_graphql::Enum)]
                pub(super) enum $name {
                    $($(#[doc = $value_doc])* $value,)+
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

/// The description of an enum and of each of its values, in Markdown, from the lines of their doc
/// comments.
pub(super) fn description(lines: &[&str], values: &[(&str, &[&str])]) -> String {
    let values = values
        .iter()
        .map(|(text, lines)| format!("- `{text}`: {}", one_line(lines)));
    let values: Vec<String> = values.collect();
    format!("{}\n\n{}", one_line(lines), values.join("\n"))
}

fn one_line(lines: &[&str]) -> String {
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    trimmed.join(" ")
}

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
