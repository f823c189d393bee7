//! `play`: games, played through the public API as a bot plays them.

mod bot;
mod games;
mod pacer;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use super::CliError;
use super::serve::{self, ServeArguments};
use super::settings::Environment;
use super::signal;
use crate::client::{ClientError, Endpoint, GraphqlClient};
use crate::config::Config;
use bot::{Bot, Counters, PlayError};
use games::ScriptedGame;
use pacer::Pacer;

const DEFAULT_URL: &str = "http://127.0.0.1:4000/graphql";
/// 2025-01-01T00:00:00Z, in seconds since 1970.
const SEEDED_START: i64 = 1_735_689_600;
/// How often a line says how far the games are.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

pub(super) const LONG_ABOUT: &str = "Play games through the public API, as a bot would: one append for each \
event, at the version that the bot knows, with the event's own id. A lost answer is repaired by \
sending the same append again, and a conflict by deciding again. Before its first game, each player, \
each team and each Discord server gets a stream of its own, and what goes wrong in a game is in the \
log of that game. Playing the same games twice is harmless: the server answers that it has the \
events already.";

const EXAMPLES: &str = "Examples:
  gamebot-event-store play                                 the three sample games
  gamebot-event-store play --serve                         starts a server first
  gamebot-event-store play --rate 10                       slowly enough to watch
  gamebot-event-store play generate --games 100 --rate 500 --seed 7
  gamebot-event-store play --url http://127.0.0.1:5000/graphql generate --games 5";

/// The flags of `play`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PlayArguments {
    #[command(subcommand)]
    games: Option<GamesArguments>,

    /// The server's address
    #[arg(long, global = true, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,

    /// Start a server first, with the settings of `serve`, and leave it running until Ctrl-C
    #[arg(long, global = true)]
    serve: bool,

    /// Most appends in a second, over all games; 0 is as fast as it goes
    #[arg(
        long,
        global = true,
        value_name = "EVENTS_PER_SECOND",
        default_value_t = 0
    )]
    rate: u32,

    /// Games that are played at the same time
    #[arg(long, global = true, value_name = "GAMES", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    #[command(flatten, next_help_heading = "The server that --serve starts")]
    server: ServeArguments,
}

/// Which games are played.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
enum GamesArguments {
    /// The three sample games: two players, knockout, race. What is meant when nothing is said.
    Samples,
    /// Games that are made up, in all modes.
    Generate {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 10,
            value_parser = clap::value_parser!(u32).range(1..))]
        games: u32,
        /// The same seed gives the same games; without one, new ones are made up each time
        #[arg(long, value_name = "SEED")]
        seed: Option<u64>,
        /// When the first game starts, in RFC 3339; without one, now, and with a seed, the
        /// beginning of 2025, so that the seed alone gives the same games
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        start: Option<DateTime<Utc>>,
    },
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse()
        .map_err(|reason| format!("write RFC 3339, such as 2026-03-01T12:00:00Z ({reason})"))
}

impl PlayArguments {
    /// The settings of the server that is to be started first, if one is.
    pub(super) fn server_settings(
        &self,
        environment: &Environment,
    ) -> Result<Option<Config>, CliError> {
        if self.serve {
            return self.server.load(environment).map(Some);
        }
        if self.server.is_empty() {
            return Ok(None);
        }
        Err(CliError::Usage(
            "--listen, --allow-remote, --config, --profile and --database-url are for a server that play starts: \
             add --serve, or give --url alone"
                .to_owned(),
        ))
    }
}

/// Plays, after starting a server when `server` has the settings of one.
pub(super) async fn run(
    arguments: &PlayArguments,
    server: Option<Config>,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let Some(config) = server else {
        let endpoint = Endpoint::parse(&arguments.url)?;
        return tokio::select! {
            outcome = play(arguments, endpoint, out) => outcome,
            () = signal::stop() => Err(CliError::Failed("interrupted".to_owned())),
        };
    };
    let (address, mut serving) = start_server(config).await?;
    let endpoint = Endpoint::parse(&format!("http://{address}/graphql"))?;
    tokio::select! {
        outcome = play(arguments, endpoint, out) => outcome?,
        // Without its server the bot would try in vain until it gives up.
        ended = &mut serving => return server_outcome(ended),
    }
    writeln!(out, "the server goes on at http://{address}/ until Ctrl-C")?;
    server_outcome(serving.await)
}

/// Starts the server of `serve` in this process; the address is the one that it really listens on.
async fn start_server(
    config: Config,
) -> Result<(SocketAddr, JoinHandle<Result<(), CliError>>), CliError> {
    let (ready, address) = oneshot::channel();
    let serving = tokio::spawn(serve::serve(config, ready, signal::stop()));
    match address.await {
        Ok(address) => Ok((address, serving)),
        // The server ended before it was ready: its own error says why.
        Err(_) => match server_outcome(serving.await) {
            Ok(()) => Err(CliError::Failed(
                "the server ended before it was ready".to_owned(),
            )),
            Err(error) => Err(error),
        },
    }
}

fn server_outcome(ended: Result<Result<(), CliError>, JoinError>) -> Result<(), CliError> {
    ended.map_err(|error| CliError::Failed(format!("the server broke down: {error}")))?
}

async fn play(
    arguments: &PlayArguments,
    endpoint: Endpoint,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let client = GraphqlClient::new(endpoint)?;
    greet(&client).await?;
    let seed = rand::random();
    let bot = Bot::new(client, Pacer::new(arguments.rate), seed);
    let concurrency = usize::from(arguments.concurrency);
    match arguments.games.as_ref().unwrap_or(&GamesArguments::Samples) {
        GamesArguments::Samples => {
            play_all(
                &bot,
                games::samples()?.into_iter().map(Ok),
                concurrency,
                out,
            )
            .await
        }
        GamesArguments::Generate {
            games,
            seed: given,
            start,
        } => {
            let start = start.unwrap_or_else(|| default_start(given.is_some()));
            let (seed, time) = (given.unwrap_or(seed), rfc3339(start));
            writeln!(
                out,
                "{games} games; the same ones again: --seed {seed} --start {time}"
            )?;
            play_all(
                &bot,
                games::generated(*games, seed, start),
                concurrency,
                out,
            )
            .await
        }
    }
}

/// With a seed a fixed time, so that the seed alone makes the games the same; else now, to the second.
fn default_start(seeded: bool) -> DateTime<Utc> {
    let seconds = if seeded {
        SEEDED_START
    } else {
        Utc::now().timestamp()
    };
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Finds out whether there is a server, before games are played against nothing.
async fn greet(client: &GraphqlClient) -> Result<(), CliError> {
    #[derive(Deserialize)]
    struct Greeting {
        #[serde(rename = "__typename")]
        _query: String,
    }
    match client
        .execute::<_, Greeting>("{ __typename }", &json!({}))
        .await
    {
        Ok(_) => Ok(()),
        Err(error @ ClientError::NoAnswer { .. }) => Err(CliError::Failed(format!(
            "{error}; start a server with `gamebot-event-store serve`, or play with --serve"
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Plays every game, `concurrency` at a time, and says how far it is.
async fn play_all(
    bot: &Bot,
    games: impl Iterator<Item = Result<ScriptedGame, CliError>>,
    concurrency: usize,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let started = Instant::now();
    let mut finished = futures_util::stream::iter(games)
        .map(|game| async {
            let game = game?;
            let outcome = bot.play(&game).await;
            Ok::<_, CliError>((game, outcome))
        })
        .buffer_unordered(concurrency);
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    ticks.tick().await;
    let (mut played, mut failed) = (0_usize, 0_usize);
    loop {
        tokio::select! {
            next = finished.next() => {
                let Some(done) = next else { break };
                let (game, outcome) = done?;
                played += 1;
                failed += usize::from(outcome.is_err());
                report_game(&game, &outcome, out)?;
            }
            _ = ticks.tick() => {
                writeln!(out, "  … {}", summary(bot.counters(), started.elapsed()))?;
            }
        }
    }
    writeln!(
        out,
        "{played} games: {}",
        summary(bot.counters(), started.elapsed())
    )?;
    if failed > 0 {
        return Err(CliError::Failed(format!(
            "{failed} of {played} games could not be played"
        )));
    }
    Ok(())
}

fn report_game(
    game: &ScriptedGame,
    outcome: &Result<i32, PlayError>,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let (name, stream) = (&game.name, game.stream_name());
    match outcome {
        Ok(version) => writeln!(out, "{name}: {stream} is complete at version {version}")?,
        Err(error) => writeln!(out, "{name}: {stream} stopped: {error}")?,
    }
    Ok(())
}

fn summary(counters: &Counters, elapsed: Duration) -> String {
    let total = counters.total();
    // A count of events is far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (total.appended + total.duplicates) as f64 / elapsed.as_secs_f64().max(0.001);
    format!(
        "{} appended, {} duplicates, {} retries, {} conflicts, {rate:.0} events/s",
        total.appended, total.duplicates, total.retries, total.conflicts
    )
}
