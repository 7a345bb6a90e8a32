//! One start: where the handler is to listen, what stands in its way there, and its process.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::life::Task;
use super::{env, port};
use crate::invoke::upstream::config::Address;
use crate::invoke::upstream::connect::connect;
use crate::invoke::upstream::endpoint::{Endpoint, Target};
use crate::process::{Inherits, NulByte, Service, SpawnError};

/// Nobody listens before the start, mostly; a host that does not even refuse is not waited for.
const LOOK: Duration = Duration::from_millis(100);

/// Why there is no process.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// No port for it.
    #[error("no free port to be had: {0}")]
    Port(io::Error),
    /// A setting that no process can be told.
    #[error(transparent)]
    Nul(#[from] NulByte),
    /// No process.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

impl StartError {
    /// The code that shells use for it.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            StartError::Spawn(error) => error.exit_code(),
            StartError::Port(_) | StartError::Nul(_) => 1,
        }
    }
}

impl Task {
    /// Starts a process that does not listen yet.
    pub(super) async fn start(&mut self) -> Result<(Service, Arc<Endpoint>), StartError> {
        let target = self.target().map_err(StartError::Port)?;
        if self.config.address != Address::Free {
            self.look_who_listens(&target).await;
        }
        let env = env::added(&target, self.config.outer_port)?;
        let service = Service::start(&self.processes, &self.program, &env, Inherits::Nothing, &self.log)?;
        self.leaders.add(service.tree());
        let pid = service.tree().leader();
        tracing::info!(pid, address = %target, "handler started");
        Ok((service, Arc::new(Endpoint::new(target, pid))))
    }

    fn target(&self) -> io::Result<Target> {
        Ok(match &self.config.address {
            Address::Free => {
                let port = port::free(&self.config.taken_ports)?;
                Target::Tcp { host: "127.0.0.1".to_owned(), port }
            }
            Address::Tcp { host, port, .. } => Target::Tcp { host: host.clone(), port: *port },
            Address::Unix(path) => Target::Unix(path.clone()),
        })
    }

    /// Whoever answers there already will be taken for the handler. A socket file that nobody answers on would keep
    /// the handler from binding.
    async fn look_who_listens(&mut self, target: &Target) {
        let looked = timeout(LOOK, connect(target)).await;
        self.stranger = matches!(looked, Ok(Ok(_)));
        match looked {
            Ok(Ok(_)) if !self.warned => {
                self.warned = true;
                tracing::warn!(
                    address = %target,
                    "somebody accepts at the handler's address before it is started: heeler cannot tell it from the \
                     handler"
                );
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                if let Target::Unix(path) = target {
                    remove_socket(path);
                }
            }
            _ => {}
        }
    }
}

fn remove_socket(path: &Path) {
    if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
        && let Err(error) = std::fs::remove_file(path)
    {
        tracing::warn!("the stale socket {} cannot be removed: {error}", path.display());
    }
}
