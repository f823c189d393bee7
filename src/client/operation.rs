//! A long-running operation of the server, watched to its end across lost connections.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::socket::SubscriptionSocket;
use super::{Backoff, ClientError, Endpoint};

const WATCH: &str = "subscription($id: ID!) { operation(id: $id) { ...Status } }";

/// What a document must hold to have an [`OperationStatus`] where it says `...Status`.
pub const OPERATION_STATUS: &str = "fragment Status on Operation { operationId state error \
     progress { done total } \
     result { ... on ScavengeResult { streams events bytes } } }";

const SILENCE: Duration = Duration::from_secs(20);

/// What the server says of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// Its id.
    pub operation_id: String,
    /// The API's `OperationState`.
    pub state: String,
    /// Why it failed, if it has.
    pub error: Option<String>,
    /// How far it is.
    pub progress: OperationProgress,
    /// What it came to so far.
    pub result: Option<ScavengeFigures>,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OperationProgress {
    /// Units of work that are done.
    pub done: u64,
    /// Units of work in all, once they are counted.
    pub total: Option<u64>,
}

/// What a scavenge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ScavengeFigures {
    /// Streams.
    pub streams: u64,
    /// Events.
    pub events: u64,
    /// Bytes of data and metadata.
    pub bytes: u64,
}

/// What a watch tells.
#[derive(Clone, Debug)]
pub enum WatchItem {
    /// The operation as it now is.
    Status(OperationStatus),
    /// The connection is lost; the watch connects again by itself.
    Disconnected {
        /// What happened.
        reason: String,
        /// When it tries again.
        retry_in: Duration,
    },
    /// The operation has ended, and was told as it is in the end.
    Complete,
}

/// A watch of one operation.
pub struct OperationWatch {
    endpoint: Endpoint,
    id: String,
    backoff: Backoff,
    socket: Option<SubscriptionSocket>,
    wait: Duration,
}

#[derive(Deserialize)]
struct Data {
    operation: OperationStatus,
}

impl OperationWatch {
    /// A watch of the operation with this id; it connects with the first call of [`Self::next`].
    #[must_use]
    pub fn new(endpoint: Endpoint, id: String, backoff: Backoff) -> Self {
        Self {
            endpoint,
            id,
            backoff,
            socket: None,
            wait: Duration::ZERO,
        }
    }

    /// What there is to tell next. Fails only with what trying again cannot repair.
    ///
    /// It may be dropped while it waits: the next call tells how the operation then is.
    pub async fn next(&mut self) -> Result<WatchItem, ClientError> {
        loop {
            let Some(socket) = &mut self.socket else {
                match self.connect().await {
                    Ok(()) => continue,
                    Err(error) => return self.disconnected(error),
                }
            };
            match socket.next().await {
                Ok(Some(data)) => {
                    self.backoff.after_success();
                    return self.read(&data).map(WatchItem::Status);
                }
                Ok(None) => return Ok(WatchItem::Complete),
                Err(error) => return self.disconnected(error),
            }
        }
    }

    /// Ends the watch in good order. The operation goes on.
    pub async fn close(self) {
        if let Some(socket) = self.socket {
            socket.close().await;
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        tokio::time::sleep(self.wait).await;
        let document = format!("{WATCH} {OPERATION_STATUS}");
        let variables = json!({"id": self.id});
        let socket = SubscriptionSocket::open(&self.endpoint, &document, &variables, SILENCE);
        self.socket = Some(socket.await?);
        self.wait = Duration::ZERO;
        Ok(())
    }

    fn disconnected(&mut self, error: ClientError) -> Result<WatchItem, ClientError> {
        self.socket = None;
        if !error.is_retryable() {
            return Err(error);
        }
        let retry_in = self.backoff.after_failure();
        self.wait = error
            .retry_after()
            .map_or(retry_in, |asked| asked.max(retry_in));
        Ok(WatchItem::Disconnected {
            reason: error.to_string(),
            retry_in: self.wait,
        })
    }

    fn read(&self, data: &RawValue) -> Result<OperationStatus, ClientError> {
        let data: Data =
            serde_json::from_str(data.get()).map_err(|error| ClientError::NotGraphql {
                address: self.endpoint.socket().to_owned(),
                reason: error.to_string(),
                retryable: false,
            })?;
        Ok(data.operation)
    }
}
