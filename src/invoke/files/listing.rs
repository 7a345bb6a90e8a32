//! A folder as a page, where `static_listing` asks for it.

use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::{Dir, Entry, Type};

/// A page of more is of no use to anybody, and is held in memory.
const MOST: usize = 10_000;

/// The page of a folder. `path`: below the root, empty for the root itself.
pub(super) fn page(folder: Dir, path: &Path) -> io::Result<String> {
    let mut names = names(folder)?;
    let is_long = names.len() > MOST;
    names.truncate(MOST);
    let title = text(path.as_os_str().as_bytes());
    let slash = if title.is_empty() { "" } else { "/" };
    let mut page = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>/{title}{slash}</title>\n<h1>/{title}{slash}</h1>\n<ul>\n"
    );
    if !title.is_empty() {
        page.push_str("<li><a href=\"../\">../</a>\n");
    }
    for name in &names {
        // The dot: a name with a colon would pass for a scheme.
        let _ = writeln!(page, "<li><a href=\"./{}\">{}</a>", link(name), text(name));
    }
    page.push_str("</ul>\n");
    if is_long {
        let _ = writeln!(page, "<p>These are {MOST} of them; there are more.");
    }
    Ok(page)
}

/// Names in order, without those with a dot and without what is not served; one more than fit, if there are so many.
///
/// Each is put in its place as it comes. For the few names of a folder that is as fast as sorting them, whose code would
/// be larger than all of this file's.
fn names(folder: Dir) -> io::Result<Vec<Vec<u8>>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for entry in folder {
        let Some(name) = name(&entry?) else { continue };
        let place = names.binary_search(&name).unwrap_or_else(|place| place);
        names.insert(place, name);
        if names.len() > MOST {
            break;
        }
    }
    Ok(names)
}

/// How an entry is shown, if it is. Folders end with a slash.
fn name(entry: &Entry) -> Option<Vec<u8>> {
    let name = entry.file_name().to_bytes();
    if name.starts_with(b".") {
        return None;
    }
    match entry.file_type() {
        Some(Type::Directory) => Some([name, b"/"].concat()),
        // Some file systems do not tell, and where a link leads is seen when somebody follows it.
        Some(Type::File | Type::Symlink) | None => Some(name.to_vec()),
        Some(_) => None,
    }
}

/// As text of a page, quotes included.
fn text(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in String::from_utf8_lossy(name).chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            letter => text.push(letter),
        }
    }
    text
}

/// As a path of a link: only what RFC 3986 §2.3 reserves nowhere stays as it is, and the slash of a folder.
fn link(name: &[u8]) -> String {
    let mut link = String::with_capacity(name.len());
    for byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) {
            link.push(char::from(*byte));
        } else {
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(text(b"<script>\"'&\xff"), "&lt;script&gt;&quot;&#39;&amp;\u{fffd}");
        assert_eq!(link("a b:%\"é/".as_bytes()), "a%20b%3A%25%22%C3%A9/");
        assert_eq!(link(b"\xff"), "%FF");
    }
}
