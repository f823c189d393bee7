//! How fast the server appends, delivers and reads, next to what the bare database does on the same
//! machine in the same minutes.
//!
//! ```text
//! cargo bench --bench first -- [append] [latency] [nodes] [read] [schema] [projections] [games] [sqlite] [postgres]
//!                              [--seconds N] [--repetitions N] [--events N] [--json FILE]
//! ```
//!
//! Without names everything but `projections` and `games` runs, on both backends. Each figure of the server and the floor beside it
//! are measured in turn, several times, and the medians are compared: on a machine that does other
//! things as well, the ratios are worth more than the figures. What is measured, and how, is in
//! `docs/benchmarks.md`.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints")]

mod append;
mod arguments;
mod backend;
mod event;
mod floor;
mod games;
mod http;
mod latency;
mod nodes;
mod projections;
mod read;
mod report;
mod schema;

use arguments::{Arguments, Part};
use backend::Bench;
use report::Report;

/// Whatever goes wrong ends the benchmark with its message.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One thread makes the load: it leaves the server as much of the machine as possible.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let mut report = Report::new(&arguments);
    let first = arguments.backends[0];
    for &backend in &arguments.backends {
        let bench = Bench::open(backend).await?;
        report.database(bench.version().await?);
        for part in &arguments.parts {
            match part {
                Part::Append => append::run(&bench, &arguments, &mut report).await?,
                Part::Latency => latency::run(&bench, &arguments, &mut report).await?,
                Part::Nodes => nodes::run(&bench, &arguments, &mut report).await?,
                Part::Read => read::run(&bench, &arguments, &mut report).await?,
                Part::Games => games::run(&bench, &arguments, &mut report).await?,
                Part::Projections => projections::run(&bench, &arguments, &mut report).await?,
                // Once: no database is involved.
                Part::Schema if backend == first => {
                    schema::run(backend, &arguments, &mut report)?;
                }
                Part::Schema => {}
            }
        }
    }
    println!("{}", report.table());
    let json = serde_json::to_string_pretty(&report.json())?;
    match &arguments.json {
        Some(path) => std::fs::write(path, json)?,
        None => println!("{json}"),
    }
    Ok(())
}
