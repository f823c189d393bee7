//! `scavenge`: asks a server to remove what is hidden, and shows how far it is.

mod progress;
#[cfg(test)]
mod tests;

use std::io::Write;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::CliError;
use crate::client::{
    Backoff, ClientError, Endpoint, GraphqlClient, OPERATION_STATUS, OperationStatus,
    OperationWatch, ScavengeFigures, WatchItem,
};
use progress::Progress;

const DEFAULT_URL: &str = "http://127.0.0.1:4000/graphql";
/// Tries to hand the request over before it is given up.
const MOST_TRIES: u32 = 8;

pub(super) const LONG_ABOUT: &str = "Remove the payloads of hidden events for good: of what deletions, \
tombstones and the metadata of streams have hidden. This cannot be undone. Positions, ids and hashes stay, and \
appends and reads go on meanwhile. The server does the work: Ctrl-C only ends the watching.";

const EXAMPLES: &str = "Examples:
  gamebot-event-store scavenge                              everything that is hidden
  gamebot-event-store scavenge --stream game-01959659-a3c0-7d46-8117-c876156393d8
  gamebot-event-store scavenge --actor 964224541917669458   who asks, for the record
  gamebot-event-store scavenge --detach                     ask for it, and do not wait
  gamebot-event-store scavenge --cancel 0195a1f2-7d46-7d46-8117-c876156393d8

Exit codes: 0 when it is done (or asked for, with --detach, or cancelled, with --cancel), 1 when it
failed, was cancelled by somebody else or was left running by Ctrl-C, 2 for a wrong command line.";

/// The flags of `scavenge`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ScavengeArguments {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,

    /// Only this stream
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,

    /// Who asks: an id, which the server keeps in the event that tells of it
    #[arg(long, value_name = "ID")]
    actor: Option<String>,

    /// The id of the operation; the same command with the same id never starts a second one, and watches the
    /// first
    #[arg(long, value_name = "UUID")]
    operation_id: Option<Uuid>,

    /// Ask for it, and do not wait for its end
    #[arg(long)]
    detach: bool,

    /// Cancel this operation instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["stream", "operation_id", "detach"])]
    cancel: Option<String>,
}

impl ScavengeArguments {
    fn metadata(&self) -> Option<serde_json::Value> {
        self.actor.as_ref().map(|actor| json!({"actor_id": actor}))
    }
}

/// What a mutation of operations answers, with the fields of all members of its union.
#[derive(Deserialize)]
struct Payload {
    operation: Option<OperationStatus>,
    #[serde(default)]
    duplicate: bool,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    payload: Payload,
}

/// Asks for a scavenge and watches it to its end, or until `stop` is ready. What came of it goes to `out`, how
/// far it is to `notices`, as a bar where that is a terminal.
pub(super) async fn run(
    arguments: &ScavengeArguments,
    out: &mut impl Write,
    notices: &mut impl Write,
    is_terminal: bool,
    stop: impl Future<Output = ()>,
) -> Result<(), CliError> {
    let endpoint = Endpoint::parse(&arguments.url)?;
    let client = GraphqlClient::new(endpoint.clone())?;
    if let Some(id) = &arguments.cancel {
        return cancel(&client, id, arguments, out).await;
    }
    tokio::pin!(stop);
    let started = tokio::select! {
        started = start(&client, arguments) => started?,
        () = &mut stop => return Err(CliError::Failed("interrupted".to_owned())),
    };
    let Some(operation) = started.operation else {
        return Err(refused(started));
    };
    let id = operation.operation_id.clone();
    let there = if started.duplicate {
        "there was already"
    } else {
        "started"
    };
    writeln!(out, "scavenge {id}: {there}")?;
    out.flush()?;
    if arguments.detach {
        writeln!(out, "{}", how_to_go_on(&id, arguments))?;
        return Ok(());
    }
    let mut progress = Progress::new(notices, is_terminal);
    let mut watch = OperationWatch::new(endpoint, id.clone(), Backoff::new(rand::random()));
    let last = tokio::select! {
        last = watch_to_its_end(&mut watch, operation, &mut progress) => last?,
        () = &mut stop => {
            progress.clear();
            watch.close().await;
            return Err(CliError::Failed(format!(
                "interrupted; the scavenge goes on. {}",
                how_to_go_on(&id, arguments)
            )));
        }
    };
    progress.clear();
    report(&last, out)
}

/// Hands the request over. An answer that got lost is repaired by sending the same request, under the same id,
/// again.
async fn start(
    client: &GraphqlClient,
    arguments: &ScavengeArguments,
) -> Result<Payload, ClientError> {
    let query = format!(
        "mutation($input: ScavengeInput!) {{ payload: scavenge(input: $input) {{ \
         ... on ScavengeStarted {{ duplicate operation {{ ...Status }} }} \
         ... on Refusal {{ message }} }} }} {OPERATION_STATUS}"
    );
    let mut input = json!({
        "operationId": arguments.operation_id.unwrap_or_else(Uuid::now_v7),
        "stream": arguments.stream,
    });
    if let Some(metadata) = arguments.metadata() {
        input["metadata"] = metadata;
    }
    send(client, &query, json!({"input": input})).await
}

async fn cancel(
    client: &GraphqlClient,
    id: &str,
    arguments: &ScavengeArguments,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let query = format!(
        "mutation($input: CancelOperationInput!) {{ payload: cancelOperation(input: $input) {{ \
         ... on OperationCancelled {{ operation {{ ...Status }} }} \
         ... on Refusal {{ message }} }} }} {OPERATION_STATUS}"
    );
    let mut input = json!({"operation": id});
    if let Some(metadata) = arguments.metadata() {
        input["metadata"] = metadata;
    }
    let answer = send(client, &query, json!({"input": input})).await?;
    let Some(operation) = &answer.operation else {
        return Err(refused(answer));
    };
    let done = figures(operation.result);
    Ok(writeln!(out, "cancelled; it had removed {done}")?)
}

async fn send(
    client: &GraphqlClient,
    query: &str,
    variables: serde_json::Value,
) -> Result<Payload, ClientError> {
    let mut backoff = Backoff::new(rand::random());
    loop {
        match client.execute::<_, Answer>(query, &variables).await {
            Ok(answer) => return Ok(answer.payload),
            Err(error) if error.is_retryable() && backoff.failures() < MOST_TRIES => {
                let wait = backoff.after_failure();
                tokio::time::sleep(error.retry_after().map_or(wait, |asked| asked.max(wait))).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn watch_to_its_end(
    watch: &mut OperationWatch,
    mut last: OperationStatus,
    progress: &mut Progress<'_, impl Write>,
) -> Result<OperationStatus, CliError> {
    progress.show(&last)?;
    loop {
        match watch.next().await? {
            WatchItem::Status(status) => {
                progress.show(&status)?;
                last = status;
            }
            WatchItem::Disconnected { reason, retry_in } => {
                let seconds = retry_in.as_secs_f64();
                progress.say(&format!("{reason}; trying again in {seconds:.1} s"))?;
            }
            WatchItem::Complete => return Ok(last),
        }
    }
}

fn report(last: &OperationStatus, out: &mut impl Write) -> Result<(), CliError> {
    let done = figures(last.result);
    match last.state.as_str() {
        "SUCCEEDED" => Ok(writeln!(out, "done: removed {done}")?),
        "FAILED" => Err(CliError::Failed(format!(
            "the scavenge failed after it had removed {done}: {}",
            last.error
                .as_deref()
                .unwrap_or("the server does not say why")
        ))),
        "CANCELLED" => Err(CliError::Failed(format!(
            "the scavenge was cancelled after it had removed {done}"
        ))),
        other => Err(CliError::Failed(format!(
            "the server ended the watch while the scavenge was {other}; it goes on by itself"
        ))),
    }
}

fn refused(answer: Payload) -> CliError {
    let message = answer.message;
    CliError::Failed(message.unwrap_or_else(|| "the server does not say why it refused".to_owned()))
}

fn figures(result: Option<ScavengeFigures>) -> String {
    let ScavengeFigures {
        streams,
        events,
        bytes,
    } = result.unwrap_or_default();
    format!("the payloads of {events} events ({bytes} bytes), {streams} streams complete")
}

fn how_to_go_on(id: &str, arguments: &ScavengeArguments) -> String {
    let mut again = vec!["--operation-id", id];
    if let Some(stream) = &arguments.stream {
        again.extend(["--stream", stream]);
    }
    if arguments.url != DEFAULT_URL {
        again.extend(["--url", &arguments.url]);
    }
    let again = again.join(" ");
    format!(
        "Watch it with `gamebot-event-store scavenge {again}`, or cancel it with `gamebot-event-store scavenge \
         --cancel {id}`."
    )
}
