//! GraphQL over HTTP, judged by the audits of its working group.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{World, on_both_backends};

on_both_backends!(all_audits_pass_without_a_warning);

async fn all_audits_pass_without_a_warning(world: World) {
    let audits = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audits");
    assert!(
        audits.join("node_modules/graphql-http").is_dir(),
        "the audits are not installed: run scripts/test once, or `npm ci` in tests/audits"
    );
    let server = world.server().await;
    let output = Command::new("node")
        .arg(audits.join("audits.mjs"))
        .arg(format!("{}/graphql", server.base_url()))
        .kill_on_drop(true)
        .output()
        .await
        .expect("node is missing: scripts/test installs it");
    let out = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let summary: Value = serde_json::from_str(out.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {out}{errors}"));
    let faults: Vec<&str> = out
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert!(
        output.status.success() && summary["ok"] == 61 && summary["total"] == 61,
        "{faults:#?}\n{errors}"
    );
}
