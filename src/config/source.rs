//! Which file holds the user's function, and so in which language it is written.
//!
//! heeler needs no more of it than the language: the language's runtime looks for the function in the same places, in
//! the same order, and says what is wrong with it.

use std::fs;
use std::path::{Path, PathBuf};

use super::read::Reader;
use super::{Host, Mistake};
use crate::event::values;
use crate::invoke::warm::{Language, Source};

/// What functions' files are mostly called, in the order in which the language's runtime looks for them.
const fn usual(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => {
            &["function", "main", "index", "handler", "function/handler", "app", "func", "function/func"]
        }
        Language::Node => &["function", "handler", "function/handler", "index", "main"],
        Language::Java => &["function", "function/function"],
    }
}

/// Where Kubeless puts functions.
const KUBELESS: &str = "/kubeless";
/// The class path of a function in Java, as Google's functions-framework has it.
const CLASS_PATH: &str = "FUNCTION_CLASSPATH";
/// As many names of a folder as help somebody who looks for one.
const MOST_LISTED: usize = 12;

/// Why there is no file to take.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) mistake: Mistake,
    /// There are too many, not too few.
    pub(super) too_many: bool,
}

/// What the settings say of the file.
struct Wanted {
    /// The setting or variable that names it, and its value.
    named: Option<(&'static str, String)>,
    stems: Stems,
}

/// Paths below the places, without an ending unless they are whole.
enum Stems {
    These(Vec<String>),
    /// The usual names below a folder, which is empty or ends with a slash.
    Usual(String),
}

impl Stems {
    fn of(&self, language: Language) -> Vec<String> {
        match self {
            Stems::These(stems) => stems.clone(),
            Stems::Usual(folder) => usual(language).iter().map(|name| format!("{folder}{name}")).collect(),
        }
    }
}

/// Looks for it.
pub(super) fn find(reader: &mut Reader<'_>, host: &Host) -> Result<Source, Miss> {
    if let Some(path) = reader.platform(CLASS_PATH) {
        return on_class_path(&path, host);
    }
    let wanted = wanted(reader);
    let places = places(reader, host);
    let languages: &[Language] = match reader.word_if_set("handler_style") {
        Some("asgi" | "wsgi") => &[Language::Python],
        _ => &Language::ALL,
    };
    for place in &places {
        let found = found_in(place, &wanted, languages);
        let Some((source, others)) = found.split_first() else { continue };
        return match others.iter().find(|other| other.language != source.language) {
            None => Ok(source.clone()),
            Some(other) => Err(Miss { mistake: two_languages(source, other), too_many: true }),
        };
    }
    Err(Miss { mistake: wanted.missing(&places), too_many: false })
}

/// The places in which functions are looked for.
fn places(reader: &mut Reader<'_>, host: &Host) -> Vec<PathBuf> {
    let here = if host.folder.as_os_str().is_empty() { PathBuf::from(".") } else { host.folder.clone() };
    let mut places = vec![here];
    for name in ["FUNCTION_SOURCE", "LAMBDA_TASK_ROOT"] {
        places.extend(reader.platform(name).map(|folder| host.folder.join(folder)));
    }
    places.push(KUBELESS.into());
    let mut once: Vec<PathBuf> = Vec::new();
    for place in places {
        if !once.contains(&place) {
            once.push(place);
        }
    }
    once
}

fn wanted(reader: &mut Reader<'_>) -> Wanted {
    if let Some(text) = reader.text("handler") {
        return Wanted { stems: stems_of(&text), named: Some(("handler", text)) };
    }
    for name in ["MOD_NAME", "_HANDLER"] {
        if let Some(text) = reader.platform(name) {
            let stems = if name == "_HANDLER" { stems_of(&text) } else { Stems::These(vec![text.clone()]) };
            return Wanted { stems, named: Some((name, text)) };
        }
    }
    Wanted { named: None, stems: Stems::Usual(String::new()) }
}

/// `path/file.ext:function`, `path/file.ext`, `module.function`, or a function alone, which is in a file of a usual name.
fn stems_of(handler: &str) -> Stems {
    if let Some((file, _)) = handler.rsplit_once(':') {
        return Stems::These(vec![file.to_owned()]);
    }
    if language_of(Path::new(handler)).is_some() {
        return Stems::These(vec![handler.to_owned()]);
    }
    let (folder, last) = handler.split_at(handler.rfind('/').map_or(0, |slash| slash + 1));
    match (last.split_once('.'), last.rsplit_once('.')) {
        // Python has its packages between the dots, Node and Lambda take the first dot for the end of the file.
        (Some((first, _)), Some((package, _))) if first != package => {
            Stems::These(vec![format!("{folder}{}", package.replace('.', "/")), format!("{folder}{first}")])
        }
        (Some((file, _)), _) => Stems::These(vec![format!("{folder}{file}")]),
        _ => Stems::Usual(folder.to_owned()),
    }
}

/// Every file of these names in one place, in the order of each language's names.
fn found_in(place: &Path, wanted: &Wanted, languages: &[Language]) -> Vec<Source> {
    let mut found = Vec::new();
    if let Some(language) = language_of(place) {
        // FUNCTION_SOURCE may name the file itself.
        found.extend(Some(Source { file: place.to_owned(), language }).filter(|source| source.file.is_file()));
    }
    for language in languages {
        for stem in wanted.stems.of(*language) {
            let whole = place.join(&stem);
            match language_of(&whole) {
                Some(language) => found.push(Source { file: whole, language }),
                None => found.extend(language.endings().iter().map(|ending| {
                    let file = place.join(format!("{stem}.{ending}"));
                    Source { file, language: *language }
                })),
            }
        }
    }
    found.extend(package_main(place));
    found.retain(|source| languages.contains(&source.language) && source.file.is_file());
    if found.is_empty() && wanted.named.is_none() {
        found.extend(only_file(place, Language::Python));
    }
    // A handler's name says which class of it, not which jar.
    if found.is_empty() && languages.contains(&Language::Java) {
        found.extend(usual_jar(place).or_else(|| only_file(place, Language::Java)));
    }
    found
}

/// What a folder with a single file of a language is there for.
fn only_file(place: &Path, language: Language) -> Option<Source> {
    let files = fs::read_dir(place).ok()?.flatten().map(|entry| entry.path()).filter(|file| {
        language_of(file) == Some(language)
            && file.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"_"))
    });
    let mut files: Vec<_> = files.take(2).collect();
    let file = files.pop().filter(|file| files.is_empty() && file.is_file())?;
    Some(Source { file, language })
}

fn usual_jar(place: &Path) -> Option<Source> {
    let mut jars = usual(Language::Java).iter().map(|name| place.join(name).with_extension("jar"));
    jars.find(|jar| jar.is_file()).map(|file| Source { file, language: Language::Java })
}

/// The first entry that is there: a jar, a folder of classes, or a folder of jars, which ends with a star.
fn on_class_path(path: &str, host: &Host) -> Result<Source, Miss> {
    let entries = path.split(':').filter(|entry| !entry.is_empty());
    let mut files = entries.map(|entry| host.folder.join(entry.strip_suffix("/*").unwrap_or(entry)));
    if let Some(file) = files.find(|file| file.exists()) {
        return Ok(Source { file, language: Language::Java });
    }
    let text = format!("{path:?} has no entry that is there (it takes jars, folders of classes, and folder/*)");
    Err(Miss { mistake: Mistake { name: CLASS_PATH.to_owned(), text }, too_many: false })
}

/// The file that a package.json names, as Node finds it.
fn package_main(place: &Path) -> Option<Source> {
    let text = fs::read_to_string(place.join("package.json")).ok()?;
    let (_, main) = values::members(&text).ok()?.into_iter().rfind(|(name, _)| name == "main")?;
    let file = place.join(values::string(main)?);
    Some(Source { file, language: Language::Node })
}

fn language_of(file: &Path) -> Option<Language> {
    let ending = file.extension()?.to_str()?;
    Language::ALL.into_iter().find(|language| language.endings().contains(&ending))
}

fn two_languages(one: &Source, other: &Source) -> Mistake {
    let text = format!(
        "both {} and {} are there (set it to the one that is meant, with its ending)",
        one.file.display(),
        other.file.display()
    );
    Mistake { name: "handler".to_owned(), text }
}

impl Wanted {
    fn missing(&self, places: &[PathBuf]) -> Mistake {
        let shown: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        let looked = format!(
            "looked for {} in {}; {}",
            self.stems.of(Language::Python).join(", "),
            shown.join(", "),
            listing(&places[0])
        );
        let (name, text) = match &self.named {
            Some((name, value)) => (*name, format!("{value:?} names no file that is there ({looked})")),
            None => ("handler", format!("is not set, and no file of a usual name is there ({looked})")),
        };
        Mistake { name: name.to_owned(), text }
    }
}

/// What there would be to choose from.
fn listing(place: &Path) -> String {
    let entries = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<_> = entries.filter(|path| language_of(path).is_some()).collect();
    names.sort();
    let shown: Vec<_> = names.iter().take(MOST_LISTED).filter_map(|path| path.file_name()?.to_str()).collect();
    match shown.is_empty() {
        true => format!("{} has no Python or JavaScript file and no jar", place.display()),
        false => format!("{} has {}", place.display(), shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vars;

    /// What is found in a folder of these files: the file, or the mistake.
    fn look(files: &[&str], vars: &[(&str, &str)]) -> Result<(String, Language), String> {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let (name, text) = name.split_once('=').unwrap_or((name, ""));
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        }
        let vars: Vars = vars.iter().copied().collect();
        let host = Host { folder: folder.path().to_owned(), ..Host::default() };
        let relative = |path: &Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
        match find(&mut Reader::new(&vars), &host) {
            Ok(source) => Ok((relative(&source.file), source.language)),
            Err(miss) => Err(miss.mistake.to_string().replace(folder.path().to_str().unwrap(), "HERE")),
        }
    }

    #[track_caller]
    fn check(files: &[&str], vars: &[(&str, &str)], file: &str, language: Language) {
        assert_eq!(look(files, vars), Ok((file.to_owned(), language)), "{files:?} {vars:?}");
    }

    #[test]
    fn usual_names_need_no_setting() {
        use Language::{Node, Python};
        check(&["function.py"], &[], "function.py", Python);
        check(&["handler.js", "index.js"], &[], "handler.js", Node);
        check(&["function/handler.py", "app.py"], &[], "function/handler.py", Python);
        check(&["index.mjs"], &[], "index.mjs", Node);
        check(&["package.json={\"main\": \"lib/f.js\"}", "lib/f.js"], &[], "lib/f.js", Node);
        check(&["main.py"], &[("FUNCTION_TARGET", "hello")], "main.py", Python);
        check(&["main.py"], &[("handler", "hello")], "main.py", Python);
        check(&["s/main.py"], &[("handler", "s/hello")], "s/main.py", Python);
        check(&["function/func.py"], &[], "function/func.py", Python);
        check(&["any.py", "_any.py", "any.txt"], &[], "any.py", Python);
    }

    #[test]
    fn a_jar_is_taken_where_there_is_nothing_else() {
        use Language::{Java, Python};
        check(&["function.jar", "lib.jar"], &[], "function.jar", Java);
        check(&["function/function.jar"], &[("FUNCTION_TARGET", "com.example.Hello")], "function/function.jar", Java);
        check(&["any.jar"], &[("handler", "com.example.Hello::apply")], "any.jar", Java);
        check(&["any.jar", "any.py"], &[], "any.py", Python);
        check(&["a.jar", "b.jar"], &[("handler", "b.jar:com.example.Hello")], "b.jar", Java);
        check(&["main.py", "lib/a.jar"], &[("FUNCTION_CLASSPATH", "none:lib/*")], "lib", Java);
        assert!(look(&["a.jar", "b.jar"], &[]).unwrap_err().ends_with("; HERE has a.jar, b.jar)"));
        let none = look(&["a.jar"], &[("FUNCTION_CLASSPATH", "none:lib/*")]).unwrap_err();
        assert!(none.starts_with("FUNCTION_CLASSPATH: \"none:lib/*\" has no entry that is there"), "{none}");
    }

    /// As the runtimes have it: what is shown is what they load.
    #[test]
    fn of_several_usual_names_the_first_of_the_language_is_taken() {
        use Language::{Node, Python};
        check(&["handler.py", "main.py", "app.py"], &[], "main.py", Python);
        check(&["handler.js", "main.js", "index.js"], &[], "handler.js", Node);
    }

    #[test]
    fn a_name_leads_to_its_file() {
        use Language::{Node, Python};
        let all = ["a.py", "a.js", "b.py", "p/q.py", "src/index.js", "x.y.js", "function.py"];
        check(&all, &[("handler", "a.py:f")], "a.py", Python);
        check(&all, &[("handler", "a.js")], "a.js", Node);
        check(&all, &[("handler", "b.f")], "b.py", Python);
        check(&all, &[("handler", "b:app")], "b.py", Python);
        check(&all, &[("handler", "p.q.f")], "p/q.py", Python);
        check(&all, &[("_HANDLER", "src/index.handler")], "src/index.js", Node);
        check(&all, &[("MOD_NAME", "b"), ("FUNC_HANDLER", "f")], "b.py", Python);
        check(&all, &[("handler", "a.app"), ("handler_style", "asgi")], "a.py", Python);
        check(&["s/main.py"], &[("FUNCTION_SOURCE", "s")], "s/main.py", Python);
        check(&["s/other.py"], &[("FUNCTION_SOURCE", "s/other.py")], "s/other.py", Python);
    }

    #[test]
    fn what_cannot_be_told_is_said() {
        let mistake = |files: &[&str], vars: &[(&str, &str)]| look(files, vars).unwrap_err();
        assert_eq!(
            mistake(&["main.py", "index.js"], &[]),
            "handler: both HERE/main.py and HERE/index.js are there (set it to the one that is meant, with its ending)"
        );
        assert_eq!(
            mistake(&["b.py", "b.js"], &[("handler", "a.f")]),
            "handler: \"a.f\" names no file that is there (looked for a in HERE, /kubeless; HERE has b.js, b.py)"
        );
        let none = mistake(&["b.txt"], &[]);
        assert!(none.starts_with("handler: is not set, and no file of a usual name is there (looked for function, "));
        assert!(none.ends_with("; HERE has no Python or JavaScript file and no jar)"), "{none}");
    }
}
