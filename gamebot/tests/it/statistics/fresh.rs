//! The committed worksheet is what its script prints.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worksheet")
}

/// What the script prints with these arguments; none when there is no Python on this machine.
pub(super) fn run(arguments: &[&Path]) -> Option<String> {
    let output = Command::new("python3")
        // Or it would leave its compiled modules between the sources.
        .arg("-B")
        .arg(folder().join("worksheet.py"))
        .args(arguments)
        .output()
        .ok()?;
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problems}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_committed_worksheet_is_fresh() {
    let committed = std::fs::read_to_string(folder().join("figures.json")).unwrap();
    let Some(fresh) = run(&[]) else {
        eprintln!("there is no python3 here, so the worksheet is not worked out again");
        return;
    };
    assert!(
        committed == fresh,
        "figures.json is not what worksheet.py prints; run it again and look at the changes"
    );
}
