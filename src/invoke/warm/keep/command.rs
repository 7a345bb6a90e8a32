//! What is started as a worker: the user's command, or the runtime of the language that the function is written in.

use super::runtime::{Runtime, RuntimeError};
use crate::invoke::warm::config::Config;

/// The command line: `command` if there is one, else that of the runtime, whose files are there then. Empty if there is
/// neither.
pub fn command(config: &Config, command: &[String]) -> Result<Vec<String>, RuntimeError> {
    match &config.source {
        Some(source) if command.is_empty() => {
            let file = Runtime::find(config, source.language)?.main_file()?;
            Ok(vec![source.language.program().to_owned(), file.to_string_lossy().into_owned()])
        }
        _ => Ok(command.to_vec()),
    }
}
