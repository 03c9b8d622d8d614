//! One exchange on its thread: what the thread has read so far, and the sockets that it uses, so that the caller can take the one
//! and shut the other.
//!
//! ureq gives a connector no context of the request. But an exchange has a thread for itself, so the thread knows it.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use clerk_actor_tokens_core::{SendState, bytes::Bytes, http};
use ureq::unversioned::transport::ShutdownHandle;

/// What is known of an exchange beside its result.
pub(crate) struct Exchange {
    id: u64,
    send_state: SendState,
    is_aborted: AtomicBool,
    sockets: Mutex<Vec<Arc<Socket>>>,
    received: Mutex<Received>,
}

/// What has arrived.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) head: Option<http::response::Parts>,
    pub(crate) body: Vec<u8>,
}

/// The sockets below one connection, and the exchange that uses it. A connection lives longer than an exchange.
#[derive(Default)]
pub(crate) struct Socket {
    user: Mutex<u64>,
    handles: Mutex<Vec<Weak<dyn ShutdownHandle>>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Exchange>>> = const { RefCell::new(None) };
}

impl Exchange {
    pub(crate) fn new(send_state: SendState) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            send_state,
            is_aborted: AtomicBool::new(false),
            sockets: Mutex::default(),
            received: Mutex::default(),
        })
    }

    /// The exchange of this thread.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs this as the exchange of the thread.
    pub(crate) fn run<T>(self: &Arc<Self>, run: impl FnOnce() -> T) -> T {
        /// The thread is used again, also after a panic.
        struct Ends;
        impl Drop for Ends {
            fn drop(&mut self) {
                CURRENT.set(None);
            }
        }
        CURRENT.set(Some(Arc::clone(self)));
        let _ends = Ends;
        run()
    }

    /// Asks before the first byte of the request. `false` where the exchange has ended meanwhile.
    pub(crate) fn begin(&self) -> bool {
        self.send_state.begin()
    }

    /// Uses this connection from now on. `false` where the exchange has ended meanwhile.
    pub(crate) fn uses(&self, socket: &Arc<Socket>) -> bool {
        *locked(&socket.user) = self.id;
        let mut sockets = locked(&self.sockets);
        if !sockets.iter().any(|known| Arc::ptr_eq(known, socket)) {
            sockets.push(Arc::clone(socket));
        }
        drop(sockets);
        !self.is_aborted.load(Ordering::SeqCst)
    }

    /// Ends what the thread waits for: its reads and writes fail.
    pub(crate) fn abort(&self) {
        self.is_aborted.store(true, Ordering::SeqCst);
        for socket in locked(&self.sockets).iter() {
            let user = locked(&socket.user);
            // Another exchange may use the connection by now.
            if *user == self.id {
                for handle in locked(&socket.handles).iter().filter_map(Weak::upgrade) {
                    handle.shutdown();
                }
            }
        }
    }

    pub(crate) fn received(&self) -> MutexGuard<'_, Received> {
        locked(&self.received)
    }

    /// What has arrived so far, if the head has.
    pub(crate) fn take_partial(&self) -> Option<(http::response::Parts, Bytes)> {
        let mut received = self.received();
        let head = received.head.take()?;
        Some((head, std::mem::take(&mut received.body).into()))
    }
}

impl Socket {
    pub(crate) fn add(&self, handle: Weak<dyn ShutdownHandle>) {
        locked(&self.handles).push(handle);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Handle(AtomicBool);

    impl ShutdownHandle for Handle {
        fn shutdown(&self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_socket_is_shut_only_by_the_exchange_that_uses_it() {
        for taken_by_another in [false, true] {
            let (handle, socket) = (Arc::new(Handle::default()), Arc::new(Socket::default()));
            let weak = Arc::downgrade(&handle) as Weak<dyn ShutdownHandle>;
            socket.add(weak);
            let [first, other] = [(); 2].map(|()| Exchange::new(SendState::default()));
            assert!(first.uses(&socket));
            if taken_by_another {
                assert!(other.uses(&socket));
            }
            first.abort();
            assert_eq!(handle.0.load(Ordering::SeqCst), !taken_by_another);
            // The exchange that has ended gets no other connection.
            assert!(!first.uses(&Arc::new(Socket::default())));
        }
    }
}
