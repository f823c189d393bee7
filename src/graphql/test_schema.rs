//! A small schema for the tests of the transport, which must not depend on the real one.

use std::borrow::Cow;
use std::time::Duration;

use async_graphql::{
    Error, InputObject, InputValueError, InputValueResult, Object, Scalar, ScalarType, Schema,
    Subscription, Value,
};
use futures_util::stream::{self, Stream, StreamExt};

use super::{Api, Limits};

pub(crate) type TestSchema = Schema<Query, Mutation, Subscriptions>;

/// The text of a JSON value, as the transport hands it over.
pub(crate) struct RawJson(String);

#[Scalar(name = "JSON")]
impl ScalarType for RawJson {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Binary(text) => Ok(Self(String::from_utf8(text.to_vec())?)),
            Value::Null => Err(InputValueError::expected_type(value)),
            literal => Ok(Self(literal.into_json()?.to_string())),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.clone())
    }
}

pub(crate) struct Even(i64);

#[Scalar]
impl ScalarType for Even {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) if number.as_i64().is_some_and(|n| n % 2 != 0) => {
                Err(InputValueError::custom(format!("{number} is odd")))
            }
            Value::Number(number) => Ok(Self(number.as_i64().unwrap_or_default())),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

#[derive(InputObject)]
pub(crate) struct AppendInput {
    events: Vec<EventInput>,
}

#[derive(InputObject)]
pub(crate) struct EventInput {
    data: RawJson,
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> Cow<'static, str> {
        "world".into()
    }

    async fn echo(&self, n: i32) -> i32 {
        n
    }

    async fn even(&self, n: Even) -> Option<i64> {
        Some(n.0)
    }

    async fn fails(&self) -> Result<Option<i32>, Error> {
        let error = std::io::Error::other("a secret of the database");
        Err(std::future::ready(error).await.into())
    }

    async fn panics(&self) -> i32 {
        "x".parse().expect("a secret of the code")
    }

    async fn never(&self) -> i32 {
        std::future::pending().await
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn append(&self, input: AppendInput) -> Vec<String> {
        input.events.into_iter().map(|event| event.data.0).collect()
    }
}

pub(crate) struct Subscriptions;

#[Subscription(name = "Subscription")]
impl Subscriptions {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn ticks(&self) -> impl Stream<Item = i32> {
        stream::unfold(0, |tick| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((tick, tick + 1))
        })
    }

    async fn flood(&self, bytes: usize) -> impl Stream<Item = String> {
        stream::repeat("x".repeat(bytes))
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::iter([1, 2]).map(|_| panic!("a secret of the code"))
    }
}

pub(crate) fn schema() -> TestSchema {
    Schema::new(Query, Mutation, Subscriptions)
}

pub(crate) fn api() -> Api {
    Api::new(schema(), Limits::default(), |request| request).unwrap()
}
