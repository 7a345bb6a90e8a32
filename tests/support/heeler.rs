//! The real binary, started with a clean environment and ended with all that it started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use serde_json::Value;

use super::client::Conn;
use super::message::{Request, Response};
use super::{Lines, PATIENCE, Page, dispositions, tree, within};

/// What is tested: what Cargo has built, or a program that is named when the tests are compiled, such as the binary for another
/// machine behind an emulator (scripts/test-arm64.sh).
pub const HEELER: &str = match option_env!("HEELER_TEST_BINARY") {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_heeler"),
};

/// Where cargo puts the fixture, beside the folder of the test binaries.
pub fn testfn_path() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let path = test.parent().and_then(Path::parent).expect("target/debug/deps").join("examples/testfn");
    assert!(path.exists(), "{} is missing: cargo build --example testfn", path.display());
    path
}

/// A copy of a program, made by another process: a write handle of ours could pass to a child of another test, and a file
/// that somebody may write is not executed.
#[track_caller]
pub fn place_program(from: &Path, to: &Path) {
    let paths = [from, to].map(|path| path.to_str().expect("a path of plain letters"));
    assert!(super::succeeds("cp", &paths), "cannot copy {} to {}", paths[0], paths[1]);
}

/// A command line that plays a role of the fixture.
pub fn testfn(words: &str) -> String {
    let path = testfn_path();
    format!("{} {words}", shell_words::quote(path.to_str().expect("a path of plain letters")))
}

/// What heeler is started with.
pub struct Builder {
    program: PathBuf,
    env: BTreeMap<String, String>,
    args: Vec<String>,
    namespace: bool,
    folder: Option<PathBuf>,
    limits: Vec<(i32, u64, u64)>,
    blocked: Vec<Signal>,
    ignored: Vec<Signal>,
    user: Option<u32>,
    refused: Option<(i64, i32)>,
    stdin: Stdio,
}

impl Builder {
    pub fn env(mut self, name: &str, value: &str) -> Builder {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn without(mut self, name: &str) -> Builder {
        self.env.remove(name);
        self
    }

    pub fn envs(self, pairs: &[(&str, &str)]) -> Builder {
        pairs.iter().fold(self, |builder, (name, value)| builder.env(name, value))
    }

    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Builder {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// A mode and a role of the fixture.
    pub fn role(self, mode: &str, words: &str) -> Builder {
        let command = testfn(words);
        self.env("mode", mode).env("fprocess", &command)
    }

    /// With a metrics listener on a free port.
    pub fn metrics(self) -> Builder {
        let port = free_port().to_string();
        self.env("metrics_port", &port)
    }

    /// As process 1 of a namespace of its own.
    pub fn in_namespace(mut self) -> Builder {
        self.namespace = true;
        self
    }

    pub fn folder(mut self, folder: &Path) -> Builder {
        self.folder = Some(folder.to_owned());
        self
    }

    /// A resource limit, soft and hard.
    pub fn limit(mut self, resource: u32, soft: u64, hard: u64) -> Builder {
        self.limits.push((resource as i32, soft, hard));
        self
    }

    pub fn blocked(mut self, signal: Signal) -> Builder {
        self.blocked.push(signal);
        self
    }

    pub fn ignored(mut self, signals: impl IntoIterator<Item = Signal>) -> Builder {
        self.ignored.extend(signals);
        self
    }

    /// As another user, from a copy of the binary that this user may run.
    pub fn user(mut self, user: u32, program: &Path) -> Builder {
        self.user = Some(user);
        program.clone_into(&mut self.program);
        self
    }

    /// As a kernel or a sandbox that answers one system call with an error.
    pub fn refused(mut self, call: i64, error: i32) -> Builder {
        self.refused = Some((call, error));
        self
    }

    pub fn stdin(mut self, stdin: Stdio) -> Builder {
        self.stdin = stdin;
        self
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Heeler {
        let mut heeler = self.spawn();
        heeler.wait_ready();
        heeler
    }

    /// Starts it.
    pub fn spawn(mut self) -> Heeler {
        let mut command = match self.namespace {
            false => Command::new(&self.program),
            true => Command::new("unshare"),
        };
        if self.namespace {
            command.args(["-pf", "--kill-child", "--mount-proc", "--"]);
            // Only root makes namespaces: the user changes within.
            if let Some(user) = self.user.take() {
                command.args(["setpriv", "--no-new-privs", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]);
                command.args([format!("--reuid={user}"), format!("--regid={user}"), "--".to_owned()]);
            }
            command.arg(&self.program);
        }
        command.args(&self.args).env_clear().envs(&self.env);
        command.stdin(self.stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let (limits, blocked) = (self.limits, self.blocked.into_iter().collect::<SigSet>());
        let (ignored, refused) = (self.ignored, self.refused);
        let prepare = move || {
            for (resource, soft, hard) in &limits {
                let limit = libc::rlimit { rlim_cur: *soft, rlim_max: *hard };
                // SAFETY: a syscall with a pointer to our own value. The type of the first argument differs by libc.
                if unsafe { libc::setrlimit(*resource as _, &raw const limit) } != 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            dispositions::restore()?;
            for signal in &ignored {
                // SAFETY: no handler is set, only ignoring, in the child.
                unsafe { libc::signal(*signal as i32, libc::SIG_IGN) };
            }
            blocked.thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
            refused.map_or(Ok(()), |(call, error)| refuse(call, error))
        };
        // SAFETY: nothing between fork and exec but syscalls.
        unsafe { command.pre_exec(prepare) };
        let mut child = command.spawn().expect("heeler can be started");
        let stdout = Lines::follow(child.stdout.take().expect("a pipe"));
        let stderr = Lines::follow(child.stderr.take().expect("a pipe"));
        let pid = i32::try_from(child.id()).expect("a pid");
        Heeler { child, pid, namespace: self.namespace, stdout, stderr, port: 0, metrics_port: None }
    }
}

/// Has the kernel answer a call of this process and all below it with an error. Only system calls: it is a child's step.
fn refuse(call: i64, error: i32) -> std::io::Result<()> {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut filter = [
        // The call's number, the first word of seccomp_data; if it is this one, the error; else the call.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | error as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: numbers, and a pointer to a filter of ours that the kernel copies.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// A port that nobody listens on, outside the kernel's own range so that no other test is given it meanwhile, and below
/// those that heeler gives to its handlers.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 60) as u16 * 100;
    loop {
        let port = 2_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 6_000;
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        if socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()).is_ok() {
            return port;
        }
    }
}

/// A running heeler; dropping it ends its whole tree.
pub struct Heeler {
    child: Child,
    /// heeler itself, as seen from here.
    pub pid: i32,
    namespace: bool,
    pub stdout: Lines,
    pub stderr: Lines,
    pub port: u16,
    pub metrics_port: Option<u16>,
}

impl Heeler {
    /// Nothing but what no test wants to say itself.
    pub fn builder() -> Builder {
        let env = [
            ("PATH", std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned())),
            ("port", "0".to_owned()),
            ("metrics_port", "0".to_owned()),
            ("suppress_lock", "true".to_owned()),
            ("log_format", "json".to_owned()),
        ];
        Builder {
            program: HEELER.into(),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            args: Vec::new(),
            namespace: false,
            folder: None,
            limits: Vec::new(),
            blocked: Vec::new(),
            ignored: Vec::new(),
            user: None,
            refused: None,
            stdin: Stdio::null(),
        }
    }

    /// Starts it with these settings and waits until it is ready.
    #[track_caller]
    pub fn start(env: &[(&str, &str)]) -> Heeler {
        Heeler::builder().envs(env).start()
    }

    /// Starts it with a mode and a role of the fixture, and waits until it is ready.
    #[track_caller]
    pub fn play(mode: &str, words: &str, env: &[(&str, &str)]) -> Heeler {
        Heeler::builder().role(mode, words).envs(env).start()
    }

    #[track_caller]
    pub fn wait_ready(&mut self) {
        let Some((address, metrics)) = self.stderr.find(PATIENCE, ready_addresses) else {
            panic!("heeler did not become ready:\n{}", self.stderr.text());
        };
        self.port = port_of(&address).unwrap_or(0);
        self.metrics_port = metrics.as_deref().and_then(port_of);
        if self.namespace {
            let found = within(PATIENCE, || match tree::descendants(self.pid).first() {
                Some(first) => {
                    self.pid = first.pid;
                    true
                }
                None => false,
            });
            assert!(found, "heeler is not below unshare");
        }
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub fn metrics_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.metrics_port.expect("a metrics listener")).into()
    }

    #[track_caller]
    pub fn conn(&self) -> Conn {
        Conn::open(self.address())
    }

    /// A call on a connection of its own.
    #[track_caller]
    pub fn call(&self, request: &Request) -> Response {
        self.conn().call(request)
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.call(&Request::get(target))
    }

    #[track_caller]
    pub fn post(&self, target: &str, body: impl Into<Vec<u8>>) -> Response {
        self.call(&Request::post(target, body))
    }

    /// A request to the metrics listener.
    #[track_caller]
    pub fn ask_metrics(&self, request: &Request) -> Response {
        Conn::open(self.metrics_address()).call(request)
    }

    #[track_caller]
    pub fn scrape(&self) -> Page {
        Page::parse(&self.ask_metrics(&Request::get("/metrics")).assert_ok().text())
    }

    pub fn signal(&self, signal: Signal) {
        tree::signal(self.pid, signal);
    }

    /// Waits for its end; 128+n after signal n.
    #[track_caller]
    pub fn exit_code(&mut self) -> i32 {
        match self.exit_code_within(PATIENCE) {
            Some(code) => code,
            None => panic!("heeler does not end:\n{}", self.stderr.text()),
        }
    }

    pub fn exit_code_within(&mut self, time: Duration) -> Option<i32> {
        let mut status = None;
        within(time, || {
            status = self.child.try_wait().expect("our own child");
            status.is_some()
        });
        status.map(|status| status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Waits until the listener is closed.
    #[track_caller]
    pub fn wait_closed(&self) {
        super::eventually("the listener is closed", || Conn::try_open(self.address()).is_err());
    }

    /// Processes below it.
    pub fn descendants(&self) -> Vec<tree::Process> {
        tree::descendants(self.pid)
    }

    /// Waits until no process of any call is left, not even as a zombie.
    #[track_caller]
    pub fn wait_childless(&self) {
        tree::wait_until_childless(self.pid);
    }
}

impl Drop for Heeler {
    fn drop(&mut self) {
        self.stdout.resume();
        self.stderr.resume();
        if std::thread::panicking() {
            eprintln!("--- heeler said:\n{}\n---", self.stderr.text());
        }
        // What hangs below goes first, while heeler is there to collect it: not every machine's init does.
        let root = self.child.id() as i32;
        let below = tree::descendants(root);
        below.iter().filter(|process| process.pid != self.pid).for_each(|process| tree::kill_if_there(process.pid));
        within(Duration::from_millis(500), || tree::descendants(root).iter().all(|process| process.pid == self.pid));
        let _ = self.child.kill();
        let _ = self.child.wait();
        below.iter().for_each(|process| tree::kill_if_there(process.pid));
    }
}

/// The addresses of a ready line, in JSON or in text.
fn ready_addresses(line: &str) -> Option<(String, Option<String>)> {
    if let Ok(line) = serde_json::from_str::<Value>(line) {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        return (line["msg"] == "ready")
            .then(|| text("address"))
            .flatten()
            .map(|address| (address, text("metrics_address")));
    }
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key)).map(str::to_owned);
    line.contains(" ready ").then(|| word("address=")).flatten().map(|address| (address, word("metrics_address=")))
}

fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}
