//! `schema`: the schema of the API.

use std::io::Write;

use super::CliError;

/// Prints the schema in GraphQL's schema language.
pub(super) fn run(out: &mut impl Write) -> Result<(), CliError> {
    out.write_all(sdl()?.as_bytes())?;
    Ok(())
}

fn sdl() -> Result<String, CliError> {
    Err(CliError::Failed("schema is not wired yet".to_owned()))
}
