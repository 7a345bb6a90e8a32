//! Path → whose it is.

use super::Config;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Health,
    Ready,
    Metrics,
    Function,
    Nobody,
}

/// Which listener a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The function's.
    Main,
    /// The operators': metrics, health and ready.
    Admin,
}

/// The route of a path.
pub(super) fn of(path: &str, door: Door, config: &Config) -> Route {
    match (path, door) {
        ("/_/health", _) => Route::Health,
        ("/_/ready", _) => Route::Ready,
        ("/healthz" | "/health/liveness", door) if config.health_paths || door == Door::Admin => Route::Health,
        ("/health/readiness", door) if config.health_paths || door == Door::Admin => Route::Ready,
        ("/metrics", Door::Admin) => Route::Metrics,
        (_, Door::Admin) => Route::Nobody,
        (_, Door::Main) => Route::Function,
    }
}
