//! What is soaked: each mode, and what goes beyond it.

use std::time::Duration;

use super::caller::Ask;
use super::faults::Fault;
use super::forks;
use super::function::Function;
use super::instance::{Instance, Tally};
use super::support::{Builder, Gate, Heeler, Request, kept, pattern, working};

const SMALL: usize = 100;
const LARGE: usize = 100_000;
/// Shorter than what it is set for takes.
pub const SOON: &str = "100ms";

const PYTHON: &str = r#"
    import asyncio

    async def handle(request):
        if request.path == "/sleep":
            await asyncio.sleep(3)
        if request.path == "/raise":
            raise ValueError("as asked")
        return request.data
"#;

const NODE: &str = r#"
    exports.handle = async (req, res) => {
      if (req.path === '/sleep') await new Promise((done) => setTimeout(done, 3000));
      if (req.path === '/raise') throw new Error('as asked');
      res.end(req.rawBody);
    };
"#;

const STRUCTURED: &str =
    r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","datacontenttype":"text/plain","data":"told"}"#;

/// All of them, started. What is kept has a life of its own, which must be longer than the soak.
pub fn all(life: Duration) -> Vec<Instance> {
    let life = life.as_secs().to_string();
    let forks = ["streaming", "serializing", "classic", "cgi"].map(forks::mode);
    let kept = [http(&life), warm(&life), recycled(&life), events(&life), files(), forks::queued()];
    let crashing = [http_crashing(&life), warm_crashing(&life)];
    let functions = [python(), node()].into_iter().flatten();
    forks.into_iter().chain(kept).chain(functions).chain(crashing).collect()
}

pub fn instance(name: &'static str, builder: Builder, good: Vec<Ask>, faults: Vec<Fault>) -> Instance {
    let heeler = builder.metrics().start();
    let (tally, figures, gate) = (Tally::default(), Default::default(), Gate::new());
    Instance { name, heeler, width: 8, rounds: 100, good, tolerated: &[], faults, tally, figures, gate, function: None }
}

pub fn echo(target: &str, length: usize) -> Ask {
    let body = pattern(length);
    Ask::new(&upload(target, length), 200, Some(&body))
}

pub fn upload(target: &str, length: usize) -> Request {
    Request::post(target, pattern(length)).header("Content-Type", "application/octet-stream")
}

/// Clients that go away: within the head, within the body, before an answer that takes a while, within it, behind a
/// request.
pub fn aborts(upload: &Request, slow: &Request) -> Vec<Fault> {
    vec![
        Fault::Reset(upload.clone(), 1),
        Fault::Reset(upload.clone(), 40),
        Fault::Reset(upload.clone(), LARGE / 2),
        Fault::Reset(upload.clone(), usize::MAX),
        Fault::Reset(slow.clone(), usize::MAX),
        Fault::HalfRead(upload.clone(), 300),
        Fault::HalfRead(upload.clone(), LARGE / 2),
        Fault::HalfClose(slow.clone()),
    ]
}

fn http(life: &str) -> Instance {
    let gate = Gate::new();
    let builder = kept::keep("keep", &gate).env("TESTFN_LIFE", life);
    let hello = |request: Request| Ask::new(&request, 200, Some(b"hello\n"));
    let good = vec![hello(Request::get("/")), hello(upload("/", SMALL)), hello(upload("/", LARGE))];
    let slow = Request::get("/sleep/3000");
    let mut faults = aborts(&upload("/sleep/20", LARGE), &slow);
    // Its answers are short.
    faults.retain(|fault| !matches!(fault, Fault::HalfRead(_, most) if *most > 10));
    faults.extend([Fault::HalfRead(Request::get("/env"), 100), Fault::Answers(slow.header("X-Timeout", SOON), &[504])]);
    Instance { gate, ..instance("http", builder, good, faults) }
}

fn warm(life: &str) -> Instance {
    let gate = Gate::new();
    let builder = working::work("places=8", &gate).env("TESTFN_LIFE", life);
    let good = vec![echo("/echo", SMALL), Ask::new(&Request::get("/"), 200, Some(b"hello\n")), echo("/echo", LARGE)];
    let faults = aborts(&upload("/echo", LARGE), &Request::get("/env"));
    Instance { gate, ..instance("warm", builder, good, faults) }
}

/// Workers that are replaced all the time, under calls that must not notice.
fn recycled(life: &str) -> Instance {
    let gate = Gate::new();
    let builder = working::work("places=4", &gate).envs(&[("TESTFN_LIFE", life), ("worker_max_requests", "100")]);
    let faults = aborts(&upload("/echo", LARGE), &Request::get("/env"));
    Instance { gate, width: 4, ..instance("warm, recycled", builder, vec![echo("/echo", SMALL)], faults) }
}

fn events(life: &str) -> Instance {
    let gate = Gate::new();
    let builder =
        kept::keep("echo keep", &gate).envs(&[("TESTFN_LIFE", life), ("events", "required"), ("event_mode", "binary")]);
    let structured = |text: &str| Request::post("/", text).header("Content-Type", "application/cloudevents+json");
    let batch = |text: &str| Request::post("/", text).header("Content-Type", "application/cloudevents-batch+json");
    let binary = Request::post("/", "told").header("Ce-Specversion", "1.0").header("Ce-Id", "7");
    let binary = binary.header("Ce-Source", "/s").header("Content-Type", "text/plain");
    let whole = binary.clone().header("Ce-Type", "t");
    let good = vec![
        Ask::new(&structured(STRUCTURED), 200, Some(b"told")),
        Ask::new(&whole, 200, Some(b"told")),
        Ask::new(&batch(&format!("[{STRUCTURED},{STRUCTURED}]")), 202, None),
    ];
    let mut faults = vec![
        Fault::Answers(binary, &[400]),
        Fault::Answers(structured("{"), &[400]),
        Fault::Answers(batch("[{}]"), &[400]),
        Fault::Reset(batch(&format!("[{STRUCTURED}]")), 150),
    ];
    faults.push(Fault::Reset(whole, usize::MAX));
    Instance { gate, ..instance("events", builder, good, faults) }
}

fn files() -> Instance {
    let gate = Gate::new();
    let whole = pattern(LARGE * 10);
    std::fs::write(gate.file("small"), &whole[..SMALL]).unwrap();
    std::fs::write(gate.file("large"), &whole).unwrap();
    let builder = Heeler::builder().env("mode", "static").env("static_path", gate.path());
    let good = vec![
        Ask::new(&Request::get("/small"), 200, Some(&whole[..SMALL])),
        Ask::new(&Request::get("/small").header("Range", "bytes=10-19"), 206, Some(&whole[10..20])),
        Ask::new(&Request::get("/large"), 200, Some(&whole)),
    ];
    let faults = vec![
        Fault::Answers(Request::get("/none"), &[404]),
        Fault::Answers(Request::get("/small").header("Range", "bytes=1000-"), &[416]),
        Fault::HalfRead(Request::get("/large"), LARGE),
        Fault::Reset(Request::get("/large"), usize::MAX),
    ];
    Instance { gate, rounds: 40, ..instance("static", builder, good, faults) }
}

fn function(name: &'static str, style: &str, function: Option<Function>) -> Option<Instance> {
    let function = function?;
    let builder = function.builder().envs(&[("handler_style", style), ("worker_max_requests", "5000")]);
    let slow = Request::get("/sleep");
    let mut faults = aborts(&upload("/", LARGE), &slow);
    faults.extend([
        // 503 where its time is over before it has a place.
        Fault::Answers(slow.header("X-Timeout", SOON), &[503, 504]),
        Fault::Answers(Request::get("/raise"), &[500]),
    ]);
    let started = instance(name, builder, vec![echo("/", SMALL), echo("/", LARGE)], faults);
    Some(Instance { width: 4, rounds: 50, function: Some(function), ..started })
}

fn python() -> Option<Instance> {
    function("warm Python", "hks", Function::python(PYTHON))
}

fn node() -> Option<Instance> {
    function("warm Node", "http", Function::node(NODE))
}

/// The server dies again and again: calls wait for the next one, or are told.
fn http_crashing(life: &str) -> Instance {
    let gate = Gate::new();
    let builder = kept::keep("keep", &gate).env("TESTFN_LIFE", life);
    let good = vec![Ask::new(&Request::get("/"), 200, Some(b"hello\n"))];
    let crash = |path: &str| Fault::Crash(Request::get(path), &[502, 503, 504]);
    let faults = vec![crash("/exit/3"), crash("/kill/9"), crash("/exit/0"), crash("/kill/11")];
    Instance { gate, width: 2, tolerated: &[502, 503], ..instance("http, crashing", builder, good, faults) }
}

/// As do workers, by themselves and for breaking the protocol.
fn warm_crashing(life: &str) -> Instance {
    let gate = Gate::new();
    let builder = working::work("places=2", &gate).envs(&[("TESTFN_LIFE", life), ("workers", "2")]);
    let crash = |path: &str| Fault::Crash(Request::get(path), &[502, 503, 504]);
    let faults = ["/exit/3", "/kill/9", "/rubbish", "/shut", "/kill/11"].map(crash).into();
    let good = vec![echo("/echo", SMALL)];
    Instance { gate, width: 2, tolerated: &[502, 503], ..instance("warm, crashing", builder, good, faults) }
}
