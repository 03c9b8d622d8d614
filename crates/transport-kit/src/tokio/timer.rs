//! Tokio's clock as core's [`Timer`].

use std::time::{Duration, SystemTime};

use clerk_actor_tokens_core::{BoxFuture, Moment, SystemTimer, Timer};

/// Tokio's clock. It does not move while a test pauses tokio's time.
///
/// Outside a tokio runtime it is the system's clock.
///
/// ```
/// use clerk_actor_tokens_core::Timer;
/// use clerk_actor_tokens_transport_kit::TokioTimer;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let before = TokioTimer.now();
/// TokioTimer.sleep(Duration::from_millis(1)).await;
/// assert!(TokioTimer.now() > before);
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    fn now(&self) -> Moment {
        Moment::from_instant(tokio::time::Instant::now().into_std())
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // `tokio::time::sleep` panics where no runtime is entered.
        match tokio::runtime::Handle::try_current() {
            Ok(_) => Box::pin(tokio::time::sleep(duration)),
            Err(_) => SystemTimer.sleep(duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_follows_a_paused_clock() {
        let before = TokioTimer.now();
        TokioTimer.sleep(Duration::from_secs(5)).await;
        let passed = TokioTimer.now().saturating_duration_since(before);
        assert!(passed >= Duration::from_secs(5) && passed < Duration::from_secs(6), "{passed:?}");
    }

    #[test]
    fn without_a_runtime_it_sleeps_as_well() {
        let before = TokioTimer.now();
        pollster::block_on(TokioTimer.sleep(Duration::from_millis(5)));
        assert!(TokioTimer.now().saturating_duration_since(before) >= Duration::from_millis(5));
    }
}
