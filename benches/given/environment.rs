//! The environment of a function's container in a cluster: settings, what the image sets, and what Kubernetes sets for
//! each service of the namespace.

use heeler::config::Vars;

/// A setting in each group that is read in warm mode, as an image and a deployment would set them.
const SETTINGS: [(&str, &str); 30] = [
    ("mode", "warm"),
    ("fprocess", "python3 -u /home/app/index.py --name 'a function'"),
    ("port", "8080"),
    ("metrics_port", "9091"),
    ("read_timeout", "5m"),
    ("write_timeout", "5m"),
    ("idle_timeout", "2m30s"),
    ("exec_timeout", "4m55s"),
    ("kill_grace", "5s"),
    ("max_inflight", "100"),
    ("queue_depth", "200"),
    ("queue_timeout", "10s"),
    ("max_connections", "2000"),
    ("max_body", "64Mi"),
    ("max_output", "64Mi"),
    ("ready_path", "/ready"),
    ("start_timeout", "90s"),
    ("shutdown_delay", "5s"),
    ("drain_timeout", "5m"),
    ("workers", "2"),
    ("worker_concurrency", "10"),
    ("worker_max_requests", "100000"),
    ("worker_max_age", "12h"),
    ("events", "auto"),
    ("batch_size", "10"),
    ("batch_max_wait", "50ms"),
    ("log_format", "json"),
    ("log_level", "info"),
    ("access_log", "true"),
    ("suppress_lock", "true"),
];

/// What heeler looks at and leaves alone.
const OTHERS: [(&str, &str); 8] = [
    ("PATH", "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/home/app"),
    ("HOSTNAME", "function-6d5f8c7b9-x2x4q"),
    ("LANG", "C.UTF-8"),
    ("PYTHON_VERSION", "3.13.1"),
    ("KUBERNETES_SERVICE_HOST", "10.43.0.1"),
    ("KUBERNETES_SERVICE_PORT", "443"),
    ("KUBERNETES_PORT", "tcp://10.43.0.1:443"),
];

/// Services of the namespace.
const SERVICES: usize = 10;

/// All of it.
pub(crate) fn environment() -> Vars {
    let fixed = SETTINGS.into_iter().chain(OTHERS).map(|(name, value)| (name.to_owned(), value.to_owned()));
    fixed.chain((0..SERVICES).flat_map(service)).collect()
}

fn service(number: usize) -> [(String, String); 7] {
    let address = format!("10.43.0.{number}");
    [
        ("SERVICE_HOST", address.clone()),
        ("SERVICE_PORT", "80".to_owned()),
        ("PORT", format!("tcp://{address}:80")),
        ("PORT_80_TCP", format!("tcp://{address}:80")),
        ("PORT_80_TCP_PROTO", "tcp".to_owned()),
        ("PORT_80_TCP_PORT", "80".to_owned()),
        ("PORT_80_TCP_ADDR", address.clone()),
    ]
    .map(|(name, value)| (format!("SERVICE_{number}_{name}"), value))
}
