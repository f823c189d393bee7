//! What the process says about itself: log lines on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the log cannot be set up: {0}")]
pub struct TelemetryError(String);

/// Sends everything that is logged from now on to stderr. `main` calls it, once for the process;
/// a second call fails, because the receiver of log lines belongs to the process.
pub fn start(settings: &LogSettings) -> Result<(), TelemetryError> {
    let filter = filter(&settings.level).map_err(|error| TelemetryError(error.to_string()))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // Colours are for a terminal; a file or a collector would keep their escapes in every line.
    let lines = if io::stderr().is_terminal() {
        lines
    } else {
        lines.with_ansi(false)
    };
    match settings.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|error| TelemetryError(error.to_string()))
}

/// Whether `text` is made of level directives, such as `info,gamebot_event_store=debug`.
#[must_use]
pub fn is_level(text: &str) -> bool {
    // The parser takes a misspelt level for the name of a module, and then nothing is logged at all.
    let bare_words_are_levels = text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.contains(['=', '[']))
        .all(|word| word.eq_ignore_ascii_case("off") || word.parse::<tracing::Level>().is_ok());
    bare_words_are_levels && filter(text).is_ok()
}

fn filter(level: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::builder().parse(level)
}

#[cfg(test)]
mod tests {
    use super::is_level;

    #[test]
    fn levels_are_checked_before_they_are_used() {
        assert!(is_level("info"));
        assert!(is_level("warn,gamebot_event_store=debug,sqlx=error"));
        assert!(is_level("off"));
        assert!(!is_level(""));
        assert!(!is_level("inf"));
        assert!(!is_level("info,debugg"));
        assert!(!is_level("gamebot_event_store=loud"));
    }
}
