//! One heeler for many cases, and what has to be true of it after each of them: the next call on a new connection is
//! fine, and nothing is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::support::{
    Builder, Conn, Failure, Gate, Heeler, PATIENCE, Page, Request, Response, eventually, tree, within,
};

/// What a good call answers.
const FINE: &str = "head put:4 end";

/// What a caller gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// 200 and so many bytes.
    Fine(usize),
    /// An answer of heeler's own: status and word.
    Made(u16, &'static str),
    /// The head of a 200 and at least so many bytes, and then an end that shows.
    Cut(usize),
    /// 502, or the same: whichever comes first, the head on its way or the news that there will be no more.
    Broken,
}

pub struct Stage {
    pub heeler: Heeler,
    pub mode: &'static str,
    /// Where all of its handlers and the test meet.
    pub gate: Gate,
    /// Its TMPDIR.
    temp: PathBuf,
    /// The same, if it goes with the value.
    own: Option<tempfile::TempDir>,
    /// When nothing has happened yet but one good call.
    descriptors: usize,
    files: BTreeSet<String>,
}

/// Says which case it was that went wrong.
struct Named<'a>(&'a str, &'a str);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the case {:?}, mode {}", self.0, self.1);
        }
    }
}

/// A builder for the fixture in a mode. What a case leaves behind need not be waited for.
fn builder(mode: &str, gate: &Gate, temp: &Path) -> Builder {
    let words = match mode {
        "http" => "serve",
        "warm" => "worker",
        _ => "do",
    };
    let temp = temp.to_str().expect("a path of plain letters");
    let env = [("TMPDIR", temp), ("TESTFN_GATE", gate.path()), ("kill_grace", "200ms"), ("suppress_lock", "false")];
    Heeler::builder().role(mode, words).envs(&env).metrics()
}

impl Stage {
    #[track_caller]
    pub fn new(mode: &'static str, env: &[(&str, &str)]) -> Stage {
        Stage::with(mode, |builder| builder.envs(env))
    }

    #[track_caller]
    pub fn with(mode: &'static str, change: impl FnOnce(Builder) -> Builder) -> Stage {
        let own = tempfile::tempdir().expect("a temporary folder");
        let mut stage = Stage::in_folder(mode, own.path(), change);
        stage.own = Some(own);
        stage
    }

    /// With this TMPDIR.
    #[track_caller]
    pub fn in_folder(mode: &'static str, temp: &Path, change: impl FnOnce(Builder) -> Builder) -> Stage {
        let gate = Gate::new();
        let heeler = change(builder(mode, &gate, temp)).start();
        let (temp, files) = (temp.to_owned(), BTreeSet::new());
        let mut stage = Stage { heeler, mode, gate, temp, own: None, descriptors: usize::MAX, files };
        stage.files = stage.files_now();
        stage.fill();
        stage.check("the start");
        // The listener of the metrics has answered by now, too: what it keeps is there.
        stage.descriptors = tree::descriptors(stage.heeler.pid);
        stage
    }

    /// As many processes at once as no case has: heeler keeps their pipes for the next ones.
    #[track_caller]
    fn fill(&self) {
        if self.keeps() {
            return;
        }
        let names: Vec<String> = (0..6).map(|number| format!("held.{number}")).collect();
        let mut calls: Vec<Conn> = names.iter().map(|_| self.heeler.conn()).collect();
        for (conn, name) in calls.iter_mut().zip(&names) {
            conn.send(&self.request(&format!("mark:{name} wait:fill {FINE}")).bytes());
        }
        names.iter().for_each(|name| self.gate.wait_for(name));
        self.gate.let_go("fill");
        for conn in &mut calls {
            conn.read_response("GET").expect("an answer").assert_ok();
        }
        for name in names.iter().map(String::as_str).chain(["fill"]) {
            fs::remove_file(self.gate.file(name)).expect("the file of this filling");
        }
    }

    /// A handler of its own is there between calls.
    pub fn keeps(&self) -> bool {
        matches!(self.mode, "http" | "warm")
    }

    /// Whole bodies are held in memory, and the answer waits for the handler's end.
    pub fn holds(&self) -> bool {
        matches!(self.mode, "serializing" | "classic" | "cgi")
    }

    /// The steps of the fixture, as a request.
    pub fn request(&self, steps: &str) -> Request {
        match self.keeps() {
            true => Request::get(&format!("/act/{}", steps.replace(' ', "/"))),
            false => Request::role(&format!("act {steps}")).gate(&self.gate),
        }
    }

    /// With a body of this length.
    pub fn upload(&self, steps: &str, length: usize) -> Request {
        let request = self.request(steps);
        if length == 0 { request } else { request.method("POST").body(vec![b'u'; length]) }
    }

    /// What a call gets that ran out of time before its answer began.
    pub fn late(&self) -> Outcome {
        Outcome::Made(if self.mode == "classic" { 408 } else { 504 }, "timeout")
    }

    /// Plays a case, then looks.
    #[track_caller]
    pub fn case(&self, name: &str, play: impl FnOnce()) {
        let named = Named(name, self.mode);
        play();
        self.check(name);
        drop(named);
    }

    /// A case that is one call.
    #[track_caller]
    pub fn call_case(&self, name: &str, request: &Request, outcome: Outcome) {
        self.case(name, || self.meets(request, outcome));
    }

    /// A call that must come out so, in the metrics too.
    #[track_caller]
    pub fn meets(&self, request: &Request, outcome: Outcome) {
        let before = self.heeler.scrape();
        let answer = self.heeler.conn().try_call(request);
        assert_eq!(seen(&answer, outcome), Some(outcome), "{}", told(&answer));
        if let Outcome::Made(_, reason) = outcome {
            let refusals = |page: &Page| page.value("heeler_refusals_total", &[("reason", reason)]);
            assert_eq!(refusals(&self.heeler.scrape()), refusals(&before) + 1.0, "refusals for {reason}");
        }
    }

    /// The next call on a new connection is fine: at once, not sooner or later.
    #[track_caller]
    pub fn is_fine(&self) {
        let request = self.request(FINE);
        let answer = Conn::open(self.heeler.address()).try_call(&request);
        assert_eq!(seen(&answer, Outcome::Fine(4)), Some(Outcome::Fine(4)), "the next call: {}", told(&answer));
    }

    #[track_caller]
    fn check(&self, name: &str) {
        self.is_fine();
        let pid = self.heeler.pid;
        let kept = usize::from(self.keeps());
        eventually(&format!("no process is left of {name:?}, {}: {:?}", self.mode, tree::descendants(pid)), || {
            let all = tree::descendants(pid);
            all.len() == kept && all.iter().all(|process| process.state != 'Z')
        });
        let descriptors = within(PATIENCE, || tree::descriptors(pid) <= self.descriptors);
        assert!(descriptors, "more descriptors than {} after {name:?}: {:?}", self.descriptors, tree::open_files(pid));
        eventually(&format!("no call and no connection is left of {name:?}, {}", self.mode), || {
            let page = self.heeler.scrape();
            ["http_requests_in_flight", "heeler_queue_depth", "heeler_connections"]
                .iter()
                .all(|gauge| page.value(gauge, &[]) == 0.0)
        });
        assert_eq!(self.files_now(), self.files, "files in TMPDIR");
        assert_eq!(self.heeler.scrape().value("heeler_survivors_total", &[]), 0.0);
        assert_eq!(self.heeler.stderr.count(|line| line.contains("panicked")), 0, "{}", self.heeler.stderr.text());
    }

    fn files_now(&self) -> BTreeSet<String> {
        let names = fs::read_dir(&self.temp).expect("the TMPDIR");
        names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Cases may have cost a pipe that was kept; now none is missing, so none is too many either.
            self.fill();
            self.check("all cases");
        }
    }
}

/// What came, in the terms of what is expected.
fn seen(answer: &Result<Response, Failure>, expected: Outcome) -> Option<Outcome> {
    match (answer, expected) {
        (Ok(answer), Outcome::Fine(_)) if answer.status == 200 => Some(Outcome::Fine(answer.body.len())),
        (Ok(answer), Outcome::Made(_, word)) if answer.reason() == word => Some(Outcome::Made(answer.status, word)),
        (Err(Failure::Cut(part)), Outcome::Cut(least)) if part.status == 200 && part.body.len() >= least => {
            Some(Outcome::Cut(least))
        }
        (Ok(answer), Outcome::Broken) if answer.status == 502 && !answer.reason().is_empty() => Some(Outcome::Broken),
        (Err(Failure::Cut(part)), Outcome::Broken) if part.status == 200 => Some(Outcome::Broken),
        _ => None,
    }
}

/// For whoever reads why a case failed.
fn told(answer: &Result<Response, Failure>) -> String {
    let of = |part: &Response| {
        let text: String = part.text().chars().take(200).collect();
        format!("{} {:?} {} bytes {text:?}", part.status, part.headers, part.body.len())
    };
    match answer {
        Ok(whole) => format!("whole: {}", of(whole)),
        Err(Failure::Cut(part)) => format!("cut: {}", of(part)),
        Err(other) => format!("{other:?}"),
    }
}
