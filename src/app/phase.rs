//! From the states of a server that is kept to the phase that probes see.

use std::time::Duration;

use tokio::time::sleep_until;

use super::kept::States;
use crate::health::{Health, Phase};
use crate::invoke::{Over, State};

/// Waits for the first time that it is up; or it will not be.
pub(super) async fn first_up(states: &mut States) -> Result<(), Over> {
    loop {
        match states.now() {
            State::Starting => states.changed().await.map_err(|_| gone())?,
            State::Up(()) | State::Down(_) => return Ok(()),
            State::Over(over) => return Err(over),
        }
    }
}

/// Has the phase follow the states until the handler is over. One that stays down for longer than `patience`, or comes
/// up for moments only, is lost.
pub(super) async fn follow(mut states: States, health: &Health, patience: Duration) -> Over {
    loop {
        let mut lost_at = None;
        match states.now() {
            State::Starting => {}
            State::Up(()) => health.enter(Phase::Ready),
            State::Down(since) => {
                lost_at = Some(since + patience);
                if health.phase() != Phase::Lost {
                    health.enter(Phase::Down);
                }
            }
            State::Over(over) => return over,
        }
        let lost = async {
            match lost_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = states.changed() => if changed.is_err() { return gone() },
            () = lost, if health.phase() == Phase::Down => {
                tracing::error!("the handler stays down: no longer healthy");
                health.enter(Phase::Lost);
            }
        }
    }
}

/// The keeper's task ends with a last state; only a fault of ours leaves none.
fn gone() -> Over {
    Over { code: 1, message: "the handler's keeper is gone".to_owned() }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::*;
    use crate::invoke::upstream;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn over(code: u8) -> upstream::State {
        upstream::State::Over(Over { code, message: String::new() })
    }

    /// Lets the follower have a look at what was sent.
    async fn settle() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn down_is_lost_after_a_while() {
        let since = Instant::now();
        let (tell, states) = watch::channel(State::Down(since));
        let health = Health::default();
        let following = {
            let health = health.clone();
            tokio::spawn(async move { follow(States::Upstream(states), &health, PATIENCE).await })
        };
        settle().await;
        assert_eq!(health.phase(), Phase::Down);
        tokio::time::sleep(PATIENCE / 2).await;
        // Another failed start is no news, and nor is one after which it soon died again.
        tell.send_replace(State::Down(since));
        settle().await;
        assert_eq!(health.phase(), Phase::Down);
        tokio::time::sleep(PATIENCE / 2).await;
        assert_eq!(health.phase(), Phase::Lost);
        tell.send_replace(over(7));
        assert_eq!(following.await.unwrap().code, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_time_up_or_never() {
        for (state, expected) in [(State::Down(Instant::now()), Ok(())), (over(3), Err(3))] {
            let (tell, states) = watch::channel(State::Starting);
            let mut states = States::Upstream(states);
            let waiting = tokio::spawn(async move { first_up(&mut states).await.map_err(|over| over.code) });
            settle().await;
            assert!(!waiting.is_finished());
            tell.send_replace(state);
            assert_eq!(waiting.await.unwrap(), expected);
        }
    }
}
