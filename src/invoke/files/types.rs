//! Content types, by what a file's name ends with.
//!
//! A table of our own: the registered types are some thousand, a folder that is served has few of them, and each of
//! them would be in every image.

use std::path::Path;

/// What nothing is known of.
const UNKNOWN: &str = "application/octet-stream";

/// An ending and its type in each line: a table of texts would be twice as large for their addresses. Text says its
/// encoding, since a browser would guess it; JSON is always UTF-8 (RFC 8259) and XML says it itself.
const TYPES: &str = "\
7z application/x-7z-compressed
aac audio/aac
apng image/apng
atom application/atom+xml
avif image/avif
bmp image/bmp
bz2 application/x-bzip2
cjs text/javascript; charset=utf-8
css text/css; charset=utf-8
csv text/csv; charset=utf-8
doc application/msword
docx application/vnd.openxmlformats-officedocument.wordprocessingml.document
eot application/vnd.ms-fontobject
epub application/epub+zip
flac audio/flac
geojson application/geo+json
gif image/gif
glb model/gltf-binary
gltf model/gltf+json
gz application/gzip
heic image/heic
htm text/html; charset=utf-8
html text/html; charset=utf-8
ico image/x-icon
ics text/calendar; charset=utf-8
jpeg image/jpeg
jpg image/jpeg
js text/javascript; charset=utf-8
json application/json
jsonld application/ld+json
jxl image/jxl
log text/plain; charset=utf-8
m3u8 application/vnd.apple.mpegurl
m4a audio/mp4
m4v video/mp4
map application/json
md text/markdown; charset=utf-8
mjs text/javascript; charset=utf-8
mkv video/matroska
mov video/quicktime
mp3 audio/mpeg
mp4 video/mp4
mpd application/dash+xml
ndjson application/x-ndjson
odp application/vnd.oasis.opendocument.presentation
ods application/vnd.oasis.opendocument.spreadsheet
odt application/vnd.oasis.opendocument.text
oga audio/ogg
ogg audio/ogg
ogv video/ogg
opus audio/ogg
otf font/otf
pdf application/pdf
png image/png
pptx application/vnd.openxmlformats-officedocument.presentationml.presentation
rss application/rss+xml
rtf application/rtf
svg image/svg+xml
tar application/x-tar
tif image/tiff
tiff image/tiff
ttf font/ttf
txt text/plain; charset=utf-8
vtt text/vtt; charset=utf-8
wasm application/wasm
wav audio/wav
weba audio/webm
webm video/webm
webmanifest application/manifest+json
webp image/webp
woff font/woff
woff2 font/woff2
xhtml application/xhtml+xml
xls application/vnd.ms-excel
xlsx application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
xml application/xml
yaml application/yaml
yml application/yaml
zip application/zip
";

/// The type of a file.
pub(super) fn of(path: &Path) -> &'static str {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let of_line = |line: &'static str| line.split_once(' ').filter(|(name, _)| *name == ending);
    TYPES.lines().find_map(of_line).map_or(UNKNOWN, |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_ending_and_a_type() {
        for line in TYPES.lines() {
            let (ending, kind) = line.split_once(' ').unwrap();
            assert!(ending.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{line}");
            assert!(kind.contains('/') && hyper::header::HeaderValue::from_str(kind).is_ok(), "{line}");
            assert_eq!(of(Path::new(&format!("a.{ending}"))), kind, "{ending} comes twice");
        }
    }

    #[test]
    fn endings_decide() {
        for (path, expected) in [
            ("a/index.html", "text/html; charset=utf-8"),
            ("A.JS", "text/javascript; charset=utf-8"),
            ("x.tar.gz", "application/gzip"),
            ("7z.7z", "application/x-7z-compressed"),
            ("a.zip", "application/zip"),
            ("html", UNKNOWN),
            ("a.html text", UNKNOWN),
            (".html", UNKNOWN),
            ("a.", UNKNOWN),
            ("a.nobody-knows", UNKNOWN),
        ] {
            assert_eq!(of(Path::new(path)), expected, "{path}");
        }
    }
}
