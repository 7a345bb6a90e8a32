//! A page about a folder, where it is asked for.

use nix::sys::stat::Mode;

use crate::site::Site;

#[test]
fn folders_without_an_index_are_listed_if_asked_for() {
    let site = Site::with(&["b.txt", "a b.txt", ".hidden", "sub/x", "sub/deep/y", "with/index.html", "a:b"]);
    site.write("<i>&\"'.html", b"");
    site.link("link", "b.txt");
    nix::unistd::mkfifo(&site.path("pipe"), Mode::S_IRWXU).expect("a pipe");
    let heeler = site.serve_with(&[("static_listing", "true")]);
    let page = heeler.get("/");
    assert_eq!(page.assert_ok().header("content-type"), Some("text/html; charset=utf-8"));
    let expected = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>/</title>\n<h1>/</h1>\n<ul>\n\
        <li><a href=\"./%3Ci%3E%26%22%27.html\">&lt;i&gt;&amp;&quot;&#39;.html</a>\n\
        <li><a href=\"./a%20b.txt\">a b.txt</a>\n\
        <li><a href=\"./a%3Ab\">a:b</a>\n\
        <li><a href=\"./b.txt\">b.txt</a>\n\
        <li><a href=\"./link\">link</a>\n\
        <li><a href=\"./sub/\">sub/</a>\n\
        <li><a href=\"./with/\">with/</a>\n\
        </ul>\n";
    assert_eq!(page.text(), expected);
    let sub = heeler.get("/sub/");
    assert!(sub.assert_ok().text().contains("<h1>/sub/</h1>\n<ul>\n<li><a href=\"../\">../</a>\n"), "{}", sub.text());
    assert_eq!(heeler.get("/with/").assert_ok().text(), "with/index.html");
    for target in ["/", "/sub/"] {
        for name in links(&heeler.get(target).text()) {
            let seen = heeler.get(&format!("{target}{name}"));
            assert_eq!(seen.status, 200, "{name} is a link that leads somewhere");
        }
    }
    heeler.get("/none/").assert_made_by_heeler(404, "not_found");
    heeler.get("/b.txt/").assert_made_by_heeler(404, "not_found");
    assert_eq!(heeler.get("/sub").status, 301);
}

fn links(page: &str) -> Vec<String> {
    let hrefs = page.split("href=\"./").skip(1);
    hrefs.map(|rest| rest.split('"').next().expect("a quote").to_owned()).collect()
}

#[test]
fn no_list_unless_asked_for() {
    let site = Site::with(&["a", "sub/b"]);
    for env in [&[][..], &[("static_listing", "false")]] {
        let heeler = site.serve_with(env);
        for target in ["/", "/sub/"] {
            heeler.get(target).assert_made_by_heeler(404, "not_found");
        }
    }
}

#[test]
fn a_list_has_an_end() {
    let site = Site::with(&[]);
    for number in 0..10_050 {
        std::fs::File::create(site.path(&format!("file-{number}"))).expect("a file");
    }
    let page = site.serve_with(&[("static_listing", "true")]).get("/").text();
    assert_eq!(links(&page).len(), 10_000);
    assert!(page.ends_with("<p>These are 10000 of them; there are more.\n"), "{}", &page[page.len() - 100..]);
}
