//! Path → whose it is.

use super::Config;

/// What heeler answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Health,
    Ready,
    Metrics,
    /// The operators' door shows no more.
    Nothing,
}

/// Which listener a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The function's.
    Main,
    /// The operators': metrics, health and ready.
    Admin,
}

/// What a path is for; `None`: the function.
pub(super) fn of(path: &str, door: Door, config: &Config) -> Option<Own> {
    Some(match (path, door) {
        ("/_/health", _) => Own::Health,
        ("/_/ready", _) => Own::Ready,
        ("/healthz" | "/health/liveness", door) if config.health_paths || door == Door::Admin => Own::Health,
        ("/health/readiness", door) if config.health_paths || door == Door::Admin => Own::Ready,
        ("/metrics", Door::Admin) => Own::Metrics,
        (_, Door::Admin) => Own::Nothing,
        (_, Door::Main) => return None,
    })
}
