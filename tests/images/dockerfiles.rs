//! What every Dockerfile keeps to, so that any builder can read it and its image runs without rights. No engine is needed.

use super::engine::root;

/// All but the image that is only built in.
const RUN: [&str; 6] = ["heeler", "custom", "python", "node", "go", "java"];

fn text(name: &str) -> String {
    let path = root().join("Dockerfiles").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Instructions with their continued lines, comments left out.
fn instructions(name: &str) -> Vec<String> {
    let text = text(name).lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    text.replace("\\\n", "").lines().map(str::to_owned).collect()
}

fn all() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("Dockerfiles")).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.path().is_file());
    files.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn any_builder_can_read_them() {
    for name in all() {
        for line in instructions(&name) {
            let word = line.split(' ').next().unwrap_or("");
            let plain = [
                "ARG",
                "FROM",
                "LABEL",
                "COPY",
                "RUN",
                "ENV",
                "WORKDIR",
                "USER",
                "EXPOSE",
                "HEALTHCHECK",
                "ENTRYPOINT",
                "CMD",
                "",
            ];
            assert!(plain.contains(&word), "{name}: {line}");
            let mut options = line.split(' ').skip(1).take_while(|option| option.starts_with("--"));
            let known =
                |option: &str| ["--from=", "--interval=", "--timeout="].iter().any(|known| option.starts_with(known));
            assert!(options.all(known), "{name}: an option that not all builders know: {line}");
            assert!(!line.contains("<<"), "{name}: {line}");
        }
    }
}

/// A distribution's releases, whose tags move with its fixes.
const SYSTEMS: [&str; 2] = ["bookworm", "noble"];

/// `22`, or `3.12`: the tag of a release that has a third number would never move again.
fn is_line(version: &str) -> bool {
    let numbers: Vec<&str> = version.split('.').collect();
    numbers.len() <= 2 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
}

#[test]
fn their_bases_are_pinned() {
    for name in all() {
        for line in instructions(&name) {
            let Some(base) = line.strip_prefix("ARG BASE=").filter(|base| *base != "scratch") else { continue };
            let (_, tag) = base.split_once(':').unwrap_or_else(|| panic!("{name}: no tag: {line}"));
            assert!(tag.split('-').any(|word| SYSTEMS.contains(&word)), "{name}: no distribution: {line}");
            let version = tag.split('-').next().unwrap_or_default();
            assert!(SYSTEMS.contains(&version) || is_line(version), "{name}: no line of releases: {line}");
        }
    }
}

#[test]
fn their_images_run_without_rights() {
    for name in RUN {
        let lines = instructions(name);
        let last = |word: &str| lines.iter().rfind(|line| line.starts_with(word)).map_or("", String::as_str);
        assert_eq!(last("USER "), "USER 65532:65532", "{name}");
        assert_eq!(last("ENTRYPOINT "), "ENTRYPOINT [\"/usr/bin/heeler\"]", "{name}");
        assert!(last("HEALTHCHECK ").ends_with("CMD [\"/usr/bin/heeler\", \"health\"]"), "{name}");
        assert_eq!(last("EXPOSE "), "EXPOSE 8080 8081", "{name}");
        assert_eq!(last("ARG VERSION"), format!("ARG VERSION={}", env!("CARGO_PKG_VERSION")), "{name}");
        for label in ["title", "description", "licenses", "version"] {
            assert!(last("LABEL ").contains(&format!("org.opencontainers.image.{label}=")), "{name}: no {label}");
        }
    }
}

#[test]
fn languages_are_warm() {
    for name in ["python", "node", "go", "java"] {
        assert!(
            instructions(name).iter().any(|line| line.starts_with("ENV ") && line.contains(" mode=warm")),
            "{name}"
        );
    }
    assert!(!text("custom").contains("mode="));
}

/// Everything that a Dockerfile copies from the build's folder passes .dockerignore.
#[test]
fn what_they_copy_is_not_ignored() {
    let ignore = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    let allowed: Vec<_> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for name in all() {
        for line in instructions(&name) {
            let words: Vec<_> = line.split(' ').collect();
            if words[0] == "COPY" && !words[1].starts_with("--from") {
                assert!(allowed.iter().any(|path| words[1].starts_with(path)), "{name}: {line}");
            }
        }
    }
}
