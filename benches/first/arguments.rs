//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::Result;
use crate::backend::Backend;

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Appends per second.
    Append,
    /// From an append to its subscribers.
    Latency,
    /// From an append at one node to the subscribers of another.
    Nodes,
    /// Pages of events.
    Read,
    /// Events against their schemas.
    Schema,
    /// A rebuild of all projections; only when it is named.
    Projections,
    /// A long game at several versions, and rules on append; only when it is named.
    Games,
}

/// What to measure, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) parts: Vec<Part>,
    pub(crate) backends: Vec<Backend>,
    /// The length of one measurement.
    pub(crate) time: Duration,
    /// How often each measurement is repeated.
    pub(crate) repetitions: usize,
    /// How many events the log has whose projections are rebuilt.
    pub(crate) events: u64,
    /// Where the JSON goes; to the standard output if nowhere.
    pub(crate) json: Option<PathBuf>,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            parts: Vec::new(),
            backends: Vec::new(),
            time: Duration::from_secs(5),
            repetitions: 3,
            events: 1_000_000,
            json: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "append" => arguments.parts.push(Part::Append),
                "latency" => arguments.parts.push(Part::Latency),
                "nodes" => arguments.parts.push(Part::Nodes),
                "read" => arguments.parts.push(Part::Read),
                "projections" => arguments.parts.push(Part::Projections),
                "games" => arguments.parts.push(Part::Games),
                "schema" => arguments.parts.push(Part::Schema),
                "sqlite" => arguments.backends.push(Backend::Sqlite),
                "postgres" => arguments.backends.push(Backend::Postgres),
                "--seconds" => {
                    arguments.time = Duration::from_secs(value()?.parse::<u64>()?.max(1));
                }
                "--repetitions" => arguments.repetitions = value()?.parse::<usize>()?.max(1),
                "--events" => arguments.events = value()?.parse::<u64>()?.max(1),
                "--json" => arguments.json = Some(value()?.into()),
                // Cargo adds it.
                "--bench" => {}
                other => {
                    return Err(format!("`{other}` is not an argument of this benchmark").into());
                }
            }
        }
        if arguments.parts.is_empty() {
            arguments.parts = vec![
                Part::Append,
                Part::Latency,
                Part::Nodes,
                Part::Read,
                Part::Schema,
            ];
        }
        if arguments.backends.is_empty() {
            arguments.backends = vec![Backend::Sqlite, Backend::Postgres];
        }
        Ok(arguments)
    }
}
