//! What opens beside the function's own doors: the operators' port, and the lock file that names the address.

use super::start::Failure;
use crate::config::Settings;
use crate::front::Front;
use crate::health::LockFile;

/// The port is heeler's own idea unless somebody set it: then its loss is no reason not to serve.
pub(super) fn open_admin(front: &Front, settings: &Settings) -> Result<Option<String>, Failure> {
    let Some(metrics) = settings.front.metrics else { return Ok(None) };
    match front.open_admin(metrics.port) {
        Ok(address) => Ok(Some(address)),
        Err(error) if metrics.by_hand => Err(error.into()),
        Err(error) => {
            tracing::warn!("no metrics: {error}");
            Ok(None)
        }
    }
}

/// On a read-only disk there is none, and that harms nobody.
pub(super) fn write_lock(settings: &Settings, addresses: &[String]) -> Option<LockFile> {
    let path = settings.app.lock_file.as_ref()?;
    let address = addresses.first()?;
    LockFile::write(path, address)
        .inspect_err(|error| tracing::warn!("no lock file at {}: {error}", path.display()))
        .ok()
}
