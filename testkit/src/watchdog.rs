//! Ends what a test started when the test itself is killed.
//!
//! `Drop` does not run in a process that gets SIGKILL, and the kernel's "parent death signal" is
//! sent when the *thread* that started the child ends, which test threads do all the time. So a
//! tiny shell waits at the end of a pipe that only the test process holds: when the pipe closes,
//! for whatever reason, the shell cleans up.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A line on the pipe stands the watchdog down, the end of the pipe calls it. The signals that a
/// terminal sends to everybody must not take it away before its work is done.
const PREAMBLE: &str = "trap '' HUP INT TERM; if read -r _; then exit 0; fi\n";

/// A shell that runs a clean-up script as soon as this value, or the whole process, is gone.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pipe: Option<ChildStdin>,
    shell: Child,
}

impl Watchdog {
    /// Starts the shell. The script sees the arguments as `$1`, `$2`, …
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", &format!("{PREAMBLE}{script}"), "watchdog"])
            .args(arguments)
            .stdin(Stdio::piped())
            // With an inherited output a runner that reads to its end would wait for the watchdog.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("the watchdog's `sh` does not start: {error}"));
        Self {
            pipe: shell.stdin.take(),
            shell,
        }
    }

    /// Ends the watchdog without its clean-up: what it guarded is gone already, and its process id
    /// may soon belong to somebody else.
    pub(crate) fn stand_down(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            // A watchdog that is gone cannot do harm, so a failure to write needs no answer.
            let _gone = pipe.write_all(b"stand down\n");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _reaped = self.shell.wait();
    }
}

/// Sends a signal (`INT`, `QUIT`, `TERM`) to one process. The shell's own `kill` is used, because
/// the program of that name is missing on small systems. A process that is gone is no fault.
pub(crate) fn send_signal(signal: &str, process_id: u32) {
    let _gone = Command::new("sh")
        .args([
            "-c",
            r#"kill -s "$1" "$2""#,
            "kill",
            signal,
            &process_id.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
