//! The executor's door: what a transport may ask of GraphQL, in words that name neither HTTP nor
//! the executor.
//!
//! Every operation takes the same way, whatever brought it: parameters, guard and document cache,
//! typed variables, the hook that adds per-operation data, execution with panics contained, and
//! errors made fit to leave the server.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{
    Data, Executor, Name, ObjectType, Request, Response, SDLExportOptions, Schema,
    SubscriptionType, parser,
};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::document::{Documents, Limits};
use super::fault::{self, Fault, TraceId, code};
use super::nulls::OutputTypes;
use super::order::Shape;
use super::parameters::{Parameters, Read};
use super::subscribers::{Carried, Carrier, Connection, Peer, Subscribers};
use super::variables::InputTypes;

/// One operation, as a transport received it.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The parameters, unread.
    pub parameters: Parameters,
    /// Whether only queries may run, because the request may be repeated or prefetched (GET).
    pub read_only: bool,
    /// Names the request in logs and errors.
    pub trace_id: TraceId,
}

/// The answer to one operation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What happened, for the choice of a status.
    pub kind: AnswerKind,
    /// The JSON of the GraphQL response, in UTF-8.
    pub body: Bytes,
}

/// What happened to an operation. All kinds but [`AnswerKind::Executed`] have a body without
/// `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// It ran: there is `data`, perhaps `null`, and perhaps there are errors beside it.
    Executed,
    /// It could not be parsed, validated or coerced, or is over a limit, and did not run.
    RequestError,
    /// It is a mutation in a request that may only read, and did not run.
    MutationOverGet,
    /// The request is not JSON.
    BadJson,
    /// The request is JSON but no GraphQL request: `query` is missing, `variables` is a list.
    Malformed,
    /// A resolver panicked. Whether a mutation took effect is unknown.
    Failed,
}

type Hook = Box<dyn Fn(Request) -> Request + Send + Sync>;

/// Runs GraphQL operations. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    schema: Box<dyn AnySchema>,
    sdl: String,
    types: Arc<InputTypes>,
    output_types: OutputTypes,
    documents: Documents,
    hook: Hook,
    subscribers: Subscribers,
}

/// A schema whose root types are forgotten, so that whoever holds an [`Api`] need not know them.
trait AnySchema: Send + Sync {
    fn execute(&self, request: Request) -> BoxFuture<'_, Response>;
    fn subscribe(&self, request: Request, session: Arc<Data>) -> BoxStream<'static, Response>;
}

impl<Q, M, S> AnySchema for Schema<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        Executor::execute(self, request).boxed()
    }

    fn subscribe(&self, request: Request, session: Arc<Data>) -> BoxStream<'static, Response> {
        self.execute_stream_with_session_data(request, session)
    }
}

/// An operation that may run.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) selected: Selected,
}

/// The operation of a document that a request selects.
pub(super) struct Selected {
    document: Arc<ExecutableDocument>,
    name: Option<String>,
    pub(super) operation: OperationType,
    /// The order of the answer's keys.
    shape: Shape,
}

impl Selected {
    /// The name that the document gives the operation, whether or not the request has selected it by name.
    pub(super) fn operation_name(&self) -> Option<&str> {
        match (&self.name, &self.document.operations) {
            (Some(name), _) => Some(name),
            (None, DocumentOperations::Multiple(named)) => named.keys().next().map(Name::as_str),
            (None, DocumentOperations::Single(_)) => None,
        }
    }
}

impl Api {
    /// An API over `schema`. `hook` is called once for each operation that runs (also for each
    /// subscription, not for each of its events) and adds the data of that operation, such as
    /// its data loaders.
    ///
    /// Fails only if the text that the schema writes of itself cannot be read again.
    pub fn new<Q, M, S>(
        schema: Schema<Q, M, S>,
        limits: Limits,
        hook: impl Fn(Request) -> Request + Send + Sync + 'static,
    ) -> Result<Self, parser::Error>
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let order = SDLExportOptions::new()
            .sorted_fields()
            .sorted_arguments()
            .sorted_enum_items();
        let sdl = schema.sdl_with_options(order.include_specified_by());
        let types = Arc::new(InputTypes::from_sdl(&sdl)?);
        let output_types = OutputTypes::from_sdl(&sdl)?;
        let documents = Documents::new(limits, Arc::clone(&types));
        let schema = Box::new(schema);
        Ok(Self {
            inner: Arc::new(Inner {
                schema,
                sdl,
                types,
                output_types,
                documents,
                hook: Box::new(hook),
                subscribers: Subscribers::new(),
            }),
        })
    }

    /// The schema in GraphQL's definition language, in an order that does not depend on the code.
    #[must_use]
    pub fn sdl(&self) -> &str {
        &self.inner.sdl
    }

    /// Runs one query or mutation. Never panics and never fails: whatever goes wrong is in the
    /// answer. If the future is dropped, the operation stops at its next suspension.
    pub async fn execute(&self, request: HttpRequest) -> Answer {
        let HttpRequest {
            parameters,
            read_only,
            trace_id,
        } = request;
        let refuse = |kind, fault| refusal(kind, fault, &trace_id);
        // The guard and the validator are ours and the library's; neither may end the connection.
        let work = async {
            let read = match parameters.read() {
                Ok(read) => read,
                Err((kind, fault)) => return refuse(kind, fault),
            };
            let prepared = match self.prepare(read) {
                Ok(prepared) => prepared,
                Err(fault) => return refuse(AnswerKind::RequestError, fault),
            };
            if let Some((kind, fault)) = refuse_operation(prepared.selected.operation, read_only) {
                return refuse(kind, fault);
            }
            let mut response = self
                .inner
                .schema
                .execute(self.hooked(prepared.request))
                .await;
            self.finish(&mut response, &prepared.selected, &trace_id);
            answer(&response)
        };
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(answer) => answer,
            Err(panic) => {
                let mut response = fault::panic_response(&*panic, &trace_id);
                fault::finish(&mut response, &trace_id);
                Answer {
                    kind: AnswerKind::Failed,
                    body: fault::body(&response, false),
                }
            }
        }
    }

    /// Makes what the executor answered fit to leave the server.
    pub(super) fn finish(&self, response: &mut Response, selected: &Selected, trace_id: &TraceId) {
        if response.errors.iter().any(|error| !error.path.is_empty())
            && let Ok(operation) = select(&selected.document, selected.name.as_deref())
        {
            self.inner
                .output_types
                .fill(response, &selected.document, operation);
        }
        selected.shape.arrange(&mut response.data);
        fault::finish(response, trace_id);
    }

    /// What a document and a socket may cost.
    pub(super) fn limits(&self) -> &Limits {
        self.inner.documents.limits()
    }

    /// Counts a connection, until it is dropped.
    pub(super) fn connect(&self, peer: Peer) -> Arc<Connection> {
        self.inner.subscribers.connect(peer)
    }

    /// Starts a subscription, or runs a query as a stream of one response.
    pub(super) fn subscribe(
        &self,
        request: Request,
        operation_name: Option<&str>,
        session: Arc<Data>,
        connection: &Arc<Connection>,
    ) -> Carried {
        Carrier::carry(connection, operation_name, |carrier| {
            let request = self.hooked(request).data(carrier);
            self.inner.schema.subscribe(request, session)
        })
    }

    /// The way of every operation up to the executor.
    pub(super) fn prepare(&self, read: Read<'_>) -> Result<Prepared, Fault> {
        let document = self.inner.documents.accept(&read.query)?;
        let definition = select(&document, read.operation_name.as_deref())?;
        let variables = self
            .inner
            .types
            .read(read.variables, &definition.variable_definitions)?;
        let operation = definition.ty;
        let shape = Shape::of(&document, definition);
        let mut request = Request::new(read.query).variables(variables);
        request.operation_name.clone_from(&read.operation_name);
        request.set_parsed_query(ExecutableDocument::clone(&document));
        let name = read.operation_name;
        Ok(Prepared {
            request,
            selected: Selected {
                document,
                name,
                operation,
                shape,
            },
        })
    }

    fn hooked(&self, request: Request) -> Request {
        (self.inner.hook)(request).data(self.inner.subscribers.clone())
    }
}

/// The operation that a name selects, or the only one.
fn select<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition, Fault> {
    let unknown = |message: String| Fault::new(code::GRAPHQL_VALIDATION_FAILED, message);
    match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Ok(&only.node),
        (DocumentOperations::Multiple(named), Some(name)) if named.contains_key(name) => {
            Ok(&named[name].node)
        }
        (DocumentOperations::Multiple(named), None) => {
            let mut all = named.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => Err(unknown(
                    "The document has several operations: operationName must select one."
                        .to_owned(),
                )),
            }
        }
        (_, Some(name)) => Err(unknown(format!(
            "The document has no operation named \"{name}\"."
        ))),
    }
}

fn refuse_operation(operation: OperationType, read_only: bool) -> Option<(AnswerKind, Fault)> {
    match operation {
        OperationType::Mutation if read_only => Some((
            AnswerKind::MutationOverGet,
            Fault::new(
                code::INVALID_ARGUMENT,
                "A GET may only query: send mutations by POST.",
            ),
        )),
        OperationType::Subscription => Some((
            AnswerKind::RequestError,
            Fault::new(
                code::INVALID_ARGUMENT,
                "Subscriptions need a stream: connect to this path by WebSocket, with the \
                 sub-protocol graphql-transport-ws.",
            ),
        )),
        OperationType::Query | OperationType::Mutation => None,
    }
}

fn refusal(kind: AnswerKind, fault: Fault, trace_id: &TraceId) -> Answer {
    let mut response = fault.into_response();
    fault::finish(&mut response, trace_id);
    Answer {
        kind,
        body: fault::body(&response, false),
    }
}

fn answer(response: &Response) -> Answer {
    let refused = fault::is_request_error(response);
    let kind = if refused {
        AnswerKind::RequestError
    } else {
        AnswerKind::Executed
    };
    Answer {
        kind,
        body: fault::body(response, !refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::graphql::test_schema;

    async fn run(request: Json, read_only: bool) -> (AnswerKind, Json) {
        run_text(request.to_string(), read_only).await
    }

    async fn run_text(body: String, read_only: bool) -> (AnswerKind, Json) {
        let parameters = Parameters::Json(body.into());
        let request = HttpRequest {
            parameters,
            read_only,
            trace_id: TraceId::fresh(),
        };
        let answer = test_schema::api().execute(request).await;
        (answer.kind, serde_json::from_slice(&answer.body).unwrap())
    }

    fn code(body: &Json) -> &str {
        body["errors"][0]["extensions"]["code"].as_str().unwrap()
    }

    #[tokio::test]
    async fn a_query_is_answered_with_data_alone() {
        let (kind, body) = run(json!({"query": "{ hello }"}), true).await;
        assert_eq!(
            (kind, body),
            (AnswerKind::Executed, json!({"data": {"hello": "world"}}))
        );
    }

    #[tokio::test]
    async fn json_comes_out_of_an_append_as_it_went_in() {
        let data = r#"{"b":1.10,"a":[1E2,18446744073709551616,1e300],"b":-0.0}"#;
        let query = "mutation($input: AppendInput!) { append(input: $input) }";
        let body = format!(
            r#"{{"query":"{query}","variables":{{"input":{{"events":[{{"data": {data} }}]}}}}}}"#
        );
        let (kind, body) = run_text(body, false).await;
        assert_eq!(kind, AnswerKind::Executed);
        assert_eq!(body["data"]["append"][0], Json::from(data));
    }

    #[tokio::test]
    async fn a_variable_keeps_its_text_inside_a_literal() {
        let query = "mutation($data: JSON!) { append(input: {events: [{data: $data}]}) }";
        let body = format!(r#"{{"query":"{query}","variables":{{"data":1.10}}}}"#);
        assert_eq!(
            run_text(body, false).await.1["data"]["append"],
            json!(["1.10"])
        );
        let list = "mutation($events: [EventInput!]!) { append(input: {events: $events}) }";
        let body = format!(r#"{{"query":"{list}","variables":{{"events":{{"data":1E2}}}}}}"#);
        assert_eq!(
            run_text(body, false).await.1["data"]["append"],
            json!(["1E2"])
        );
    }

    #[tokio::test]
    async fn a_null_where_json_is_required_is_refused_by_validation() {
        let query = "mutation($data: JSON) { append(input: {events: [{data: $data}]}) }";
        let (kind, body) = run(json!({"query": query, "variables": {"data": null}}), false).await;
        assert_eq!(
            (kind, code(&body)),
            (AnswerKind::RequestError, "GRAPHQL_VALIDATION_FAILED")
        );
    }

    #[tokio::test]
    async fn what_cannot_run_has_no_data_and_says_its_code() {
        let cases = [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ hello } query Q { hello }", "GRAPHQL_PARSE_FAILED"),
            (
                "query A { hello } query B { hello }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("query($x: Int!) { echo(n: $x) }", "INVALID_ARGUMENT"),
            (
                "query($x: [Nope] = [1]) { echo(n: $x) }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("subscription { count(to: 1) }", "INVALID_ARGUMENT"),
        ];
        for (query, expected) in cases {
            let (kind, body) = run(json!({"query": query}), false).await;
            assert_eq!(
                (kind, code(&body)),
                (AnswerKind::RequestError, expected),
                "{query}"
            );
            assert!(body.get("data").is_none(), "{query}");
            assert_eq!(body["errors"][0]["extensions"]["retryable"], json!(false));
            assert!(body["errors"][0]["extensions"]["traceId"].is_string());
        }
    }

    #[tokio::test]
    async fn a_mutation_in_a_read_only_request_does_not_run() {
        let query = "mutation { append(input: {events: []}) }";
        let (kind, body) = run(json!({"query": query}), true).await;
        assert_eq!(kind, AnswerKind::MutationOverGet);
        assert!(body.get("data").is_none());
    }

    #[tokio::test]
    async fn a_resolver_that_fails_is_masked_and_its_siblings_stand() {
        let (kind, body) = run(json!({"query": "{ hello fails }"}), true).await;
        assert_eq!(kind, AnswerKind::Executed);
        assert_eq!(body["data"], json!({"hello": "world", "fails": null}));
        assert_eq!(code(&body), "INTERNAL");
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn an_argument_that_its_type_refuses_is_told_to_the_client() {
        let (_, body) = run(json!({"query": "{ even(n: 3) }"}), true).await;
        assert_eq!(code(&body), "INVALID_ARGUMENT");
        assert!(
            body["errors"][0]["message"]
                .as_str()
                .unwrap()
                .contains("3 is odd")
        );
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_next_request_runs() {
        let (kind, body) = run(json!({"query": "{ panics }"}), true).await;
        assert_eq!((kind, code(&body)), (AnswerKind::Failed, "INTERNAL"));
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_default_decides_include() {
        let query = "query($on: Boolean! = true) { hello @include(if: $on) }";
        let (_, body) = run(json!({"query": query}), true).await;
        assert_eq!(body["data"], json!({"hello": "world"}));
    }

    #[tokio::test]
    async fn an_operation_is_selected_by_name() {
        let query = "query A { hello } query B($n: Int!) { echo(n: $n) }";
        let request = json!({"query": query, "operationName": "B", "variables": {"n": 4}});
        assert_eq!(run(request, true).await.1["data"], json!({"echo": 4}));
        let request = json!({"query": query, "operationName": "C"});
        assert!(
            run(request, true)
                .await
                .1
                .to_string()
                .contains("named \\\"C\\\"")
        );
    }

    #[tokio::test]
    async fn the_hook_runs_once_for_each_operation() {
        let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let api = Api::new(test_schema::schema(), Limits::default(), move |request| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            request
        });
        let parameters = Parameters::Json(r#"{"query":"{ a: hello b: hello }"}"#.into());
        let request = HttpRequest {
            parameters,
            read_only: true,
            trace_id: TraceId::fresh(),
        };
        api.unwrap().execute(request).await;
        assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
