//! `health`: whether a server is ready, for a health check without any other program.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;

use super::CliError;
use super::serve::ServeArguments;
use super::settings::Environment;
use crate::client::{Readiness, readiness};

/// Less than what orchestrators usually give a health check (5 s and more), so that the reason is heard.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) const LONG_ABOUT: &str = "Ask a server whether it is ready, and print what it needs and how \
each of it is. The exit code is 0 if it is ready, and 1 if it is not or does not answer within 3 seconds.";

const EXAMPLES: &str = "Examples:
  gamebot-event-store health                              the server with the same settings as here
  gamebot-event-store health --url http://127.0.0.1:5000
  gamebot-event-store health >/dev/null && echo ready";

/// The flags of `health`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct HealthArguments {
    /// The server's address; without it, the one where `serve` listens with the settings of this
    /// environment, which is 127.0.0.1:4000 by default
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

impl HealthArguments {
    /// The address to ask.
    pub(super) fn address(&self, environment: &Environment) -> Result<String, CliError> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let listen = ServeArguments::default().load(environment)?.server.listen;
        if listen.port() == 0 {
            return Err(CliError::Usage(
                "the settings leave the port to chance: give the server's address with --url"
                    .to_owned(),
            ));
        }
        Ok(format!("http://{}", reachable(listen)))
    }
}

/// Where a server that listens on `listen` can be asked on its own machine: "every address" is a place to
/// listen on, and not one to connect to.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Asks the server at `address`, and fails unless it is ready.
pub(super) async fn run(address: &str, out: &mut impl Write) -> Result<(), CliError> {
    let answer = readiness(address, TIMEOUT).await?;
    print(&answer, out)?;
    if answer.is_ready() {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "the server at {address} is not ready: {}",
        answer.status
    )))
}

fn print(answer: &Readiness, out: &mut impl Write) -> Result<(), CliError> {
    writeln!(out, "{}", answer.status)?;
    for component in &answer.components {
        let state = if component.healthy {
            "healthy"
        } else {
            "unhealthy"
        };
        write!(out, "  {:<12} {state}", component.name)?;
        if let Some(detail) = &component.detail {
            write!(out, ": {detail}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: Option<&str>, variables: &[(&str, &str)]) -> Result<String, CliError> {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let url = url.map(str::to_owned);
        HealthArguments { url }.address(&environment)
    }

    #[test]
    fn the_server_of_the_same_settings_is_asked_unless_another_is_named() {
        for (variables, wanted) in [
            (&[][..], "http://127.0.0.1:4000"),
            (&[("LISTEN", "127.0.0.1:5000")], "http://127.0.0.1:5000"),
            (&[("LISTEN", "[::1]:5000")], "http://[::1]:5000"),
            (
                &[("GAMEBOT_SERVER_ALLOW_REMOTE", "true")],
                "http://127.0.0.1:4000",
            ),
            (
                &[
                    ("LISTEN", "[::]:5000"),
                    ("GAMEBOT_SERVER_ALLOW_REMOTE", "true"),
                ],
                "http://[::1]:5000",
            ),
        ] {
            assert_eq!(address(None, variables).unwrap(), wanted);
        }
        let elsewhere = address(Some("http://node2:4000"), &[("LISTEN", "127.0.0.1:0")]);
        assert_eq!(elsewhere.unwrap(), "http://node2:4000");
        let chance = address(None, &[("LISTEN", "127.0.0.1:0")]).unwrap_err();
        assert_eq!(chance.exit_code(), 2);
        assert!(chance.to_string().contains("--url"), "{chance}");
    }
}
