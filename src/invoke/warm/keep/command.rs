//! What is started as a worker: the user's command, or the runtime of the language that the function is written in.

use std::path::Path;

use super::runtime::{Runtime, RuntimeError};
use crate::invoke::warm::config::{Config, Language};

/// Beside Java's runtime: its classes as the JVM maps them, which it starts sooner with.
const ARCHIVE: &str = "heeler.jsa";

/// The command line: `command` if there is one, else that of the runtime, whose files are there then. Empty if there is
/// neither.
pub fn command(config: &Config, command: &[String]) -> Result<Vec<String>, RuntimeError> {
    match &config.source {
        Some(source) if command.is_empty() => {
            let main = Runtime::find(config, source.language)?.main_file()?;
            let program = source.language.program().to_owned();
            Ok(match source.language {
                Language::Java => [vec![program], java(&main, &source.file)].concat(),
                Language::Python | Language::Node => vec![program, word(&main)],
            })
        }
        _ => Ok(command.to_vec()),
    }
}

/// The archive of loaded classes is made where the image is built; elsewhere the JVM does without.
fn java(main: &Path, function: &Path) -> Vec<String> {
    let archive = main.with_file_name(ARCHIVE);
    let shared = archive.is_file().then(|| format!("-XX:SharedArchiveFile={}", archive.display()));
    shared.into_iter().chain(["-jar".to_owned(), word(main), word(function)]).collect()
}

fn word(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Whether a command takes its socket as its standard input: `System.inheritedChannel`, by which Java takes over a
/// descriptor, looks at that one alone.
pub(super) fn takes_stdin(command: &[String]) -> bool {
    command
        .first()
        .and_then(|program| Path::new(program).file_name())
        .is_some_and(|name| name == Language::Java.program())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_is_told_its_jars_and_the_archive_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("heeler.jar");
        let jars = ["-jar".to_owned(), word(&main), "app.jar".to_owned()];
        assert_eq!(java(&main, Path::new("app.jar")), jars);
        std::fs::write(folder.path().join(ARCHIVE), "").unwrap();
        let shared = format!("-XX:SharedArchiveFile={}", folder.path().join(ARCHIVE).display());
        assert_eq!(java(&main, Path::new("app.jar")), [&[shared][..], &jars].concat());
    }

    #[test]
    fn only_java_takes_its_socket_as_standard_input() {
        for (program, expect) in [("java", true), ("/opt/jdk/bin/java", true), ("javaw", false), ("python3", false)] {
            assert_eq!(takes_stdin(&[program.to_owned(), "java".to_owned()]), expect, "{program}");
        }
        assert!(!takes_stdin(&[]));
    }
}
