//! From an append at one node to the subscribers of another, with notifications and without, beside those of
//! the same node in the same run.

use testkit::{ChaosProxy, ProxyMode};

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::{Backend, Bench};
use crate::latency;
use crate::report::{Comparison, Report, percentile};

/// Measures on PostgreSQL; a SQLite file has one server.
pub(crate) async fn run(bench: &Bench, arguments: &Arguments, report: &mut Report) -> Result<()> {
    if bench.backend == Backend::Sqlite {
        return Ok(());
    }
    let upstream = bench.postgres_authority().ok_or("there is no PostgreSQL")?;
    let silence = ChaosProxy::start(&upstream).await;
    silence.set_mode(ProxyMode::Refuse).await;
    for (how, hears) in [("notified", true), ("polling only", false)] {
        let nodes = bench
            .serve_two(|url| (!hears).then(|| silence.url(url)))
            .await;
        let line = |name: &str, node: &str| {
            let name = format!("{name}, {node} node, {how}, 500/s");
            Comparison::new(name, bench.backend, "ms", None)
        };
        let mut lines = ["same", "other"]
            .map(|node| (line("delivered p50", node), line("delivered p99", node)));
        let [here, there] = nodes.each_ref().map(testkit::ServerProcess::authority);
        for _ in 0..arguments.repetitions {
            let times = latency::once(here, &[here, there], 1, arguments.time).await?;
            for ((half, most), delivered) in lines.iter_mut().zip(&times.delivered) {
                half.measured(percentile(delivered, 0.5).ok_or("nothing was delivered")?);
                most.measured(percentile(delivered, 0.99).ok_or("nothing was delivered")?);
            }
        }
        for (half, most) in lines {
            report.add(half);
            report.add(most);
        }
    }
    Ok(())
}
