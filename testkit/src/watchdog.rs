//! Ends what a test started when the test itself is killed.
//!
//! `Drop` does not run in a process that gets SIGKILL, and the kernel's "parent death signal" is
//! sent when the *thread* that started the child ends, which test threads do all the time. So a
//! tiny shell waits at the end of a pipe that only the test process holds: when the pipe closes,
//! for whatever reason, the shell cleans up.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A line on the pipe stands the watchdog down, the end of the pipe calls it. The signals that a
/// terminal sends to everybody must not take it away before its work is done, so it is ready only
/// when it ignores them.
const PREAMBLE: &str =
    "trap '' HUP INT TERM; echo ready; exec >/dev/null; if read -r _; then exit 0; fi\n";

/// A shell that runs a clean-up script as soon as this value, or the whole process, is gone.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pipe: Option<ChildStdin>,
    shell: Child,
}

impl Watchdog {
    /// Starts the shell, and returns when it is on guard. The script sees the arguments as `$1`, `$2`, …
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", &format!("{PREAMBLE}{script}"), "watchdog"])
            .args(arguments)
            .stdin(Stdio::piped())
            // With an inherited output a runner that reads to its end would wait for the watchdog.
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("the watchdog's `sh` does not start: {error}"));
        let pipe = shell.stdin.take();
        let mut greeting = String::new();
        let listening = shell
            .stdout
            .take()
            .map(|mut output| output.read_to_string(&mut greeting));
        assert_eq!(
            greeting, "ready\n",
            "the watchdog is not on guard: {listening:?}"
        );
        Self { pipe, shell }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the trace after the watchdog of `act` is gone; its script writes the trace.
    fn trace_after(act: impl FnOnce(&mut Watchdog)) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace of it");
        let mut watchdog = Watchdog::start(r#"echo "$2" >"$1""#, &[trace.to_str().unwrap(), "ran"]);
        act(&mut watchdog);
        drop(watchdog); // waits for the shell to end
        std::fs::read_to_string(trace).ok()
    }

    #[test]
    fn cleans_up_when_its_owner_is_gone() {
        assert_eq!(trace_after(|_| ()).as_deref(), Some("ran\n"));
    }

    #[test]
    fn does_nothing_after_it_was_stood_down() {
        assert_eq!(trace_after(Watchdog::stand_down), None);
    }

    #[test]
    fn a_ctrl_c_at_the_terminal_does_not_take_it_away() {
        let interrupted = trace_after(|watchdog| {
            for signal in ["INT", "TERM", "HUP"] {
                send_signal(signal, watchdog.shell.id());
            }
        });
        assert_eq!(interrupted.as_deref(), Some("ran\n"));
    }
}
