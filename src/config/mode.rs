//! Which mode: by its name, or by what else is set.

use super::read::Reader;
use super::source::Miss;
use super::value::Wrong;
use crate::invoke::Mode;
use crate::invoke::warm::Source;

/// The modes that work.
const BUILT: [Mode; 7] =
    [Mode::Streaming, Mode::Serializing, Mode::Classic, Mode::Cgi, Mode::Http, Mode::Warm, Mode::Static];

/// What only classic-watchdog knows: an image that sets one of them was made for it.
const CLASSIC_ONLY: [&str; 5] = ["cgi_headers", "marshal_request", "combine_output", "write_debug", "debug_headers"];

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The mode.
    pub(super) mode: Mode,
    /// Why this one.
    pub(super) reason: String,
}

/// The mode of a name.
pub(super) fn named(text: &str) -> Result<Mode, Wrong> {
    let found = Mode::ALL.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| match text.to_ascii_lowercase().as_str() {
        "inproc" => "is a Go library that a program links, not something to run (try http for a program that listens \
                     by itself)"
            .into(),
        "afterburn" => "was given up by of-watchdog in favour of http (try http, or streaming)".into(),
        _ => Wrong(format!("is not a mode (try {})", names())),
    })
}

/// The names of all modes.
pub(super) fn names() -> String {
    list(&Mode::ALL)
}

pub(super) fn list(modes: &[Mode]) -> String {
    modes.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(", ")
}

/// The names of the modes that are still to come.
pub(super) fn unbuilt() -> String {
    list(&Mode::ALL.into_iter().filter(|mode| !is_built(*mode)).collect::<Vec<_>>())
}

/// Whether a mode works yet.
fn is_built(mode: Mode) -> bool {
    BUILT.contains(&mode)
}

/// Decides the mode, or notes the mistake; `None` then.
///
/// `source` is what came of the look for a handler's file, where there is no command.
pub(super) fn choose(
    reader: &mut Reader<'_>,
    has_command: bool,
    source: Option<&Result<Source, Miss>>,
) -> Option<Chosen> {
    let chosen = match reader.word_if_set("mode") {
        Some(name) => Chosen { mode: named(name).ok()?, reason: "mode is set".to_owned() },
        None if reader.is_set("mode") => return None,
        None => inferred(reader, has_command, source),
    };
    if !is_built(chosen.mode) {
        let because = if reader.is_set("mode") { String::new() } else { format!(" ({})", chosen.reason) };
        reader.mistake(
            "mode",
            format!("{:?}{because} is not built yet (what works: {})", chosen.mode.name(), list(&BUILT)),
        );
    }
    reader.resolve_default("mode", chosen.mode.name().to_owned(), chosen.reason.clone());
    Some(chosen)
}

fn inferred(reader: &mut Reader<'_>, has_command: bool, source: Option<&Result<Source, Miss>>) -> Chosen {
    if !has_command && let Some(name) = names_a_handler(reader) {
        return Chosen { mode: Mode::Warm, reason: format!("{name} is set and there is no command") };
    }
    if let Some(name) = CLASSIC_ONLY.into_iter().find(|name| reader.is_set(name)) {
        return Chosen { mode: Mode::Classic, reason: format!("{name} is set, which is classic-watchdog's") };
    }
    match source {
        Some(Ok(source)) => {
            let reason = format!("there is no command, and {} is there", source.file.display());
            Chosen { mode: Mode::Warm, reason }
        }
        Some(Err(Miss { too_many: true, .. })) => {
            Chosen { mode: Mode::Warm, reason: "there is no command, and there are handlers".to_owned() }
        }
        _ => Chosen { mode: Mode::Streaming, reason: "default".to_owned() },
    }
}

/// The name by which a handler is named, if it is.
fn names_a_handler(reader: &mut Reader<'_>) -> Option<&'static str> {
    if reader.is_set("handler") {
        return Some("handler");
    }
    if reader.platform("MOD_NAME").is_some() && reader.platform("FUNC_HANDLER").is_some() {
        return Some("FUNC_HANDLER");
    }
    ["FUNCTION_TARGET", "_HANDLER"].into_iter().find(|name| reader.platform(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vars;

    fn check(vars: &[(&str, &str)], has_command: bool, expect: (Mode, &str)) {
        let vars: Vars = vars.iter().copied().collect();
        let chosen = choose(&mut Reader::new(&vars), has_command, None).unwrap();
        assert_eq!((chosen.mode, chosen.reason.as_str()), expect);
    }

    #[test]
    fn the_mode_follows_what_is_set() {
        check(&[], true, (Mode::Streaming, "default"));
        check(&[("mode", "cgi"), ("combine_output", "1")], true, (Mode::Cgi, "mode is set"));
        check(
            &[("combine_output", "true")],
            true,
            (Mode::Classic, "combine_output is set, which is classic-watchdog's"),
        );
        check(&[("handler", "a.b")], false, (Mode::Warm, "handler is set and there is no command"));
        check(&[("handler", "a.b")], true, (Mode::Streaming, "default"));
        check(&[("FUNCTION_TARGET", "f")], false, (Mode::Warm, "FUNCTION_TARGET is set and there is no command"));
        check(&[("MOD_NAME", "m")], false, (Mode::Streaming, "default"));
        check(&[("mode", "")], false, (Mode::Streaming, "default"));
    }

    #[test]
    fn unknown_modes_get_the_list_and_old_ones_an_explanation() {
        let text = |name| named(name).unwrap_err().0;
        assert_eq!(
            text("fast"),
            "is not a mode (try streaming, serializing, classic, cgi, http, warm, lambda, static)"
        );
        assert!(text("inproc").contains("Go library"));
        assert!(text("afterburn").contains("given up"));
    }
}
