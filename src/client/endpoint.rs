use std::fmt;

use reqwest::Url;

use super::ClientError;

/// The address of a server's GraphQL endpoint. HTTP and WebSocket share one path, so that either
/// spelling of the address serves for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    http: String,
    socket: String,
}

impl Endpoint {
    /// Reads an address such as `http://127.0.0.1:4000/graphql` or `ws://127.0.0.1:4000/graphql`.
    /// An address without a path means `/graphql`.
    pub fn parse(address: &str) -> Result<Self, ClientError> {
        let refuse = |reason: &str| ClientError::Address {
            address: address.to_owned(),
            reason: reason.to_owned(),
        };
        let mut url = Url::parse(address).map_err(|error| {
            refuse(&format!(
                "{error}; give one such as http://127.0.0.1:4000/graphql"
            ))
        })?;
        match url.scheme() {
            "http" | "ws" => {}
            "https" | "wss" => {
                return Err(refuse(
                    "this program speaks no TLS; put a proxy that ends TLS before the server, \
                     and give the address behind it with http:// or ws://",
                ));
            }
            other => return Err(refuse(&format!("{other}:// is neither http:// nor ws://"))),
        }
        if url.path() == "/" {
            url.set_path("/graphql");
        }
        let rest = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
        Ok(Self {
            http: format!("http://{rest}"),
            socket: format!("ws://{rest}"),
        })
    }

    /// The address for queries and mutations.
    #[must_use]
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The address for live feeds.
    #[must_use]
    pub fn socket(&self) -> &str {
        &self.socket
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.http)
    }
}
