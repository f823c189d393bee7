//! What the tests and benchmarks stand on: a real PostgreSQL, a real server process, real clients,
//! and a proxy that breaks the connections between them on purpose.
//!
//! - [`PostgresCluster`] and [`shared_postgres`]: databases of our own, gone when the test ends,
//!   even when it is killed;
//! - [`PgBouncer`]: a pooler before one of them;
//! - [`ServerProcess`]: the built binary as a child process, to be killed and started again;
//! - [`GraphqlClient`], [`GraphqlSocket`] and [`Subscription`]: the clients' side of the API;
//! - [`ChaosProxy`]: lost replies, cut, stalled and refused connections;
//! - [`eventually`]: waits for a condition, never for an amount of time.
//!
//! Everything here fails a test by panicking with a message that says what was being done, what was
//! expected and what the other side said last. Every wait has a deadline, so that a hang is a
//! failure with a text.

mod chaos_proxy;
mod eventually;
mod graphql_client;
mod graphql_socket;
mod pgbouncer;
mod port;
mod postgres;
mod server_process;
mod subscription;
mod watchdog;

pub use chaos_proxy::{ChaosProxy, ProxyMode};
pub use eventually::{DEFAULT_DEADLINE, eventually, eventually_within};
pub use graphql_client::{Expected, GraphqlClient, RawEvent, RawResponse, append_body};
pub use graphql_socket::{ConnectError, GraphqlSocket, SocketClosed, SocketEvent, SocketOptions};
pub use pgbouncer::PgBouncer;
pub use postgres::{PostgresCluster, PostgresServer, shared_postgres};
pub use server_process::{ServerProcess, ServerProcessBuilder};
pub use subscription::{StalledSubscription, Subscription, SubscriptionMessage};
