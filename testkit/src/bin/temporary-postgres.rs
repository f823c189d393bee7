//! A PostgreSQL for an afternoon: starts a temporary cluster, prints where it is, and keeps it until
//! the standard input ends or the process does.
//!
//! ```text
//! $ cargo run -p testkit --bin temporary-postgres
//! process 4711
//! TESTKIT_POSTGRES=postgres://testkit:…@127.0.0.1:15432
//! ```

use std::io::{Read, Write};

use testkit::PostgresCluster;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let cluster = PostgresCluster::start().await;
    let mut output = std::io::stdout();
    let process_id = cluster.process_id().unwrap_or_default();
    writeln!(output, "process {process_id}")?;
    writeln!(
        output,
        "TESTKIT_POSTGRES={}",
        cluster.url("").trim_end_matches('/')
    )?;
    output.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
