//! `heeler check`: what the settings come out as, where each came from, and whether the handler
//! could start.

use std::fmt::Write;

use crate::config::{Host, Mistake, Origin, Rejected, Settings, Vars};
use crate::invoke::Mode;
use crate::invoke::upstream::{Address, Target};
use crate::invoke::warm::keep::Runtime;
use crate::program::find_program;

/// The report, with the warnings beside it; or every mistake, the handler's included.
pub fn check(args: &[String], vars: &Vars, host: &Host) -> Result<(String, Settings), Rejected> {
    let (settings, origins) = Settings::from_vars(args, vars, host)?;
    match found(&settings, vars) {
        Ok(found) => Ok((report(&settings, &origins, &found), settings)),
        Err(mistake) => Err(Rejected { mistakes: vec![mistake], warnings: settings.warnings }),
    }
}

/// What there is to be run.
struct Found {
    /// The file that the command starts; `-` without a command.
    program: String,
    /// In warm mode without a command: the function's file, and the runtime that runs it.
    function: Option<(String, String)>,
}

fn found(settings: &Settings, vars: &Vars) -> Result<Found, Mistake> {
    let invoke = &settings.invoke;
    let mistake = |name: &str, text: String| Mistake { name: name.to_owned(), text };
    let source = invoke.warm.source.as_ref().filter(|_| invoke.mode == Mode::Warm);
    let function = match source {
        None => None,
        Some(source) => {
            let runtime = Runtime::find(&invoke.warm, source.language);
            let runtime = runtime.map_err(|error| mistake("runtimes", error.to_string()))?;
            Some((format!("{} ({})", source.file.display(), source.language.name()), runtime.to_string()))
        }
    };
    let word = invoke.command.first().map(String::as_str).or(source.map(|source| source.language.program()));
    let program = match word.map(|word| find_program(word, vars.path())) {
        None => "-".to_owned(),
        Some(Ok(file)) => file.display().to_string(),
        Some(Err(error)) => {
            let name = if source.is_some() { "handler" } else { "fprocess" };
            let text = format!("{error}; serving would end with exit code {}", error.exit_code());
            return Err(mistake(name, text));
        }
    };
    Ok(Found { program, function })
}

fn report(settings: &Settings, origins: &[Origin], found: &Found) -> String {
    let mut text = String::new();
    let words: Vec<_> = settings.invoke.command.iter().map(|word| format!("{word:?}")).collect();
    let _ = writeln!(text, "mode: {} ({})", settings.invoke.mode.name(), settings.mode_reason);
    let _ = writeln!(text, "command: {}", if words.is_empty() { "-".to_owned() } else { words.join(" ") });
    let _ = writeln!(text, "program: {}", found.program);
    if let Some((file, runtime)) = &found.function {
        let _ = writeln!(text, "handler: {file}\nruntime: {runtime}");
    }
    if settings.invoke.mode == Mode::Http {
        let _ = writeln!(text, "upstream: {}", upstream(&settings.invoke.upstream.address));
    }
    if let Some(sink) = &settings.front.sink {
        let _ = writeln!(text, "sink: {} (K_SINK)", sink.url);
        let pairs: Vec<_> = sink.extensions.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        if !pairs.is_empty() {
            let _ = writeln!(text, "set on each event: {} (K_CE_OVERRIDES)", pairs.join(", "));
        }
    }
    let _ = writeln!(text, "function name: {}\n", settings.app.function_name);
    let width = |column: fn(&Origin) -> usize| origins.iter().map(column).max().unwrap_or(0);
    let (names, values) = (width(|origin| origin.name.len()), width(|origin| origin.value.len()).min(24));
    for Origin { name, value, from } in origins {
        let _ = writeln!(text, "{name:names$}  {value:values$}  {from}");
    }
    text
}

/// Where calls will go.
fn upstream(address: &Address) -> String {
    match address {
        Address::Free => "a free port of 127.0.0.1, given to the handler as PORT".to_owned(),
        Address::Tcp { host, port, base } => {
            format!("http://{}{base}", Target::Tcp { host: host.clone(), port: *port })
        }
        Address::Unix(path) => Target::Unix(path.clone()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_is_shown_as_it_would_be_set() {
        let tcp = |host: &str, base: &str| Address::Tcp { host: host.to_owned(), port: 5000, base: base.to_owned() };
        for (address, expected) in [
            (Address::Free, "a free port of 127.0.0.1, given to the handler as PORT"),
            (tcp("127.0.0.1", ""), "http://127.0.0.1:5000"),
            (tcp("::1", "/base"), "http://[::1]:5000/base"),
            (Address::Unix("/run/s".into()), "unix:/run/s"),
        ] {
            assert_eq!(upstream(&address), expected);
        }
    }
}
