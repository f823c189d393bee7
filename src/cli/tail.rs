//! `tail`: a live feed in the terminal.

mod line;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::str::FromStr;

use chrono::DateTime;
use clap::Args;

use super::CliError;
use crate::client::{
    Backoff, Endpoint, Feed, FeedFilter, FeedItem, FeedPoint, FeedSource, FeedStart,
};

const DEFAULT_URL: &str = "ws://127.0.0.1:4000/graphql";

pub(super) const LONG_ABOUT: &str = "Follow events in the terminal, live: one line for each event, with \
position, time, stream@version, type and a part of its data. A lost connection is taken up again \
by itself; no event is missed, and none comes twice. Ctrl-C ends it.";

const EXAMPLES: &str = "Examples:
  gamebot-event-store tail                                   from now on
  gamebot-event-store tail --from origin                     everything, from the first event on
  gamebot-event-store tail --from position:1200 --category game --type guess_processed
  gamebot-event-store tail --stream game-01959659-a3c0-7d46-8117-c876156393d8 --from origin
  gamebot-event-store tail --from origin --json | jq .data   events as JSON, one in each line";

/// The flags of `tail`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct TailArguments {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,

    /// Where to start: origin, end, position:N (after it), version:N (after it, with --stream),
    /// time:RFC3339 (at or after it), or a cursor
    #[arg(long, value_name = "START", default_value = "end", value_parser = parse_start)]
    from: FeedStart,

    /// Only streams of this category; may be given several times
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,

    /// Only events of this type; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Vec<String>,

    /// Only events of this guild, by its Discord id; may be given several times
    #[arg(long, value_name = "ID")]
    guild: Vec<String>,

    /// Only this stream
    #[arg(long, value_name = "NAME", conflicts_with_all = ["category", "event_type", "guild"])]
    stream: Option<String>,

    /// Print each event as the server wrote it, one JSON object in each line, and nothing else
    #[arg(long)]
    json: bool,

    /// Also tell how far a filtered feed has come, and the cursor to go on with
    #[arg(long)]
    verbose: bool,
}

fn parse_start(text: &str) -> Result<FeedStart, String> {
    match text.split_once(':') {
        Some(("position", digits)) => whole_number(digits).map(FeedStart::Position),
        Some(("version", digits)) => whole_number(digits).map(FeedStart::Version),
        Some(("time", time)) => match DateTime::parse_from_rfc3339(time) {
            Ok(_) => Ok(FeedStart::Time(time.to_owned())),
            Err(reason) => Err(format!(
                "{time:?} is not a time of RFC 3339, such as 2026-11-21T18:00:00Z: {reason}"
            )),
        },
        _ => match text {
            "origin" => Ok(FeedStart::At("ORIGIN")),
            "end" => Ok(FeedStart::At("END")),
            "" => Err("give origin, end, position:N, version:N, time:… or a cursor".to_owned()),
            cursor => Ok(FeedStart::Cursor(cursor.to_owned())),
        },
    }
}

fn whole_number<T: FromStr>(digits: &str) -> Result<T, String> {
    digits
        .parse()
        .map_err(|_| format!("{digits:?} is not a whole number"))
}

impl TailArguments {
    fn source(&self) -> FeedSource {
        match &self.stream {
            Some(name) => FeedSource::Stream(name.clone()),
            None => FeedSource::Log(FeedFilter {
                categories: self.category.clone(),
                types: self.event_type.clone(),
                guild_ids: self.guild.clone(),
            }),
        }
    }
}

/// Prints what the feed tells to `out` until `stop` is ready or the feed ends. What is not an event
/// goes to `notices` under `--json`, so that `out` stays JSON throughout.
pub(super) async fn run(
    arguments: &TailArguments,
    out: &mut impl Write,
    notices: &mut impl Write,
    stop: impl Future<Output = ()>,
) -> Result<(), CliError> {
    let endpoint = Endpoint::parse(&arguments.url)?;
    let backoff = Backoff::new(rand::random());
    let mut feed = Feed::new(
        endpoint,
        arguments.source(),
        arguments.from.clone(),
        backoff,
    );
    tokio::pin!(stop);
    loop {
        let item = tokio::select! {
            item = feed.next() => item?,
            () = &mut stop => break,
        };
        let complete = matches!(item, FeedItem::Complete);
        match (&item, arguments.json) {
            (FeedItem::Event(event), true) => writeln!(out, "{}", event.event.get())?,
            (FeedItem::Event(event), false) => writeln!(out, "{}", line::of_event(&event.event)?)?,
            (notice, json) => {
                if let Some(text) = notice_text(notice, arguments.verbose) {
                    if json {
                        writeln!(notices, "{text}")
                    } else {
                        writeln!(out, "{text}")
                    }?;
                }
            }
        }
        // A line that waits in a buffer is not live.
        out.flush()?;
        if complete {
            return Ok(());
        }
    }
    feed.close().await;
    Ok(())
}

/// What a person is told about the feed itself.
fn notice_text(item: &FeedItem, verbose: bool) -> Option<String> {
    match item {
        FeedItem::Event(_) => None,
        FeedItem::Point(point) => point_text(point, verbose),
        FeedItem::Disconnected { reason, retry_in } => Some(format!(
            "-- {reason}; trying again in {:.1} s",
            retry_in.as_secs_f64()
        )),
        FeedItem::Reconnected => Some("-- connected again, going on where the feed was".to_owned()),
        FeedItem::Complete => Some("-- the server ended the feed".to_owned()),
    }
}

fn point_text(point: &FeedPoint, verbose: bool) -> Option<String> {
    let FeedPoint {
        kind,
        position,
        cursor,
    } = point;
    let what = match kind.as_str() {
        "CaughtUp" => "caught up",
        "FellBehind" => "fell behind, reading from the log",
        _ if !verbose => return None,
        "Checkpoint" => "checkpoint",
        other => other,
    };
    if verbose {
        return Some(format!(
            "-- {what}, at position {position}, cursor {cursor}"
        ));
    }
    Some(format!("-- {what}, at position {position}"))
}
