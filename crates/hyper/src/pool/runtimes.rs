//! One pool for each tokio runtime that a transport is used in, as long as the runtime lives.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use http::{Uri, uri::Authority, uri::Scheme};
use tokio::{
    runtime::{Handle, Id},
    sync::oneshot,
};

use super::origin::OriginPool;
use crate::{connection::open::Open, settings::Settings};

/// Scheme, host and port. Clones share their text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Origin {
    scheme: Scheme,
    authority: Authority,
}

/// The pools of one runtime. Finding one takes as long with a thousand origins as with two.
#[derive(Default)]
struct Origins {
    by_origin: HashMap<Origin, Arc<OriginPool>>,
    /// The one that was found last. An application has few origins, and to compare with it is cheaper than to hash.
    last: Option<(Origin, Arc<OriginPool>)>,
}

impl Origins {
    fn find(&mut self, scheme: &Scheme, authority: &Authority) -> Option<&Arc<OriginPool>> {
        let is_last = |last: &(Origin, _)| last.0.scheme == *scheme && last.0.authority == *authority;
        if !self.last.as_ref().is_some_and(is_last) {
            let origin = Origin { scheme: scheme.clone(), authority: authority.clone() };
            let pool = Arc::clone(self.by_origin.get(&origin)?);
            self.last = Some((origin, pool));
        }
        self.last.as_ref().map(|(_, pool)| pool)
    }
}

/// The pools of all runtimes. Dropped, it ends every connection.
pub(crate) struct Runtimes {
    shared: Arc<Shared>,
}

struct Shared {
    open: Open,
    settings: Arc<Settings>,
    /// An application has one or two.
    runtimes: Mutex<Vec<Runtime>>,
}

struct Runtime {
    id: Id,
    origins: Origins,
    /// Dropped, it ends the task that says when the runtime has ended.
    _alive: oneshot::Sender<()>,
}

impl Runtimes {
    pub(crate) fn new(open: Open, settings: Settings) -> Self {
        Self { shared: Arc::new(Shared { open, settings: Arc::new(settings), runtimes: Mutex::default() }) }
    }

    /// The pool of the runtime that is entered, for the origin of this URL, which has a scheme and an authority.
    pub(crate) fn pool(&self, runtime: &Handle, url: &Uri) -> Option<Arc<OriginPool>> {
        let parts = (url.scheme(), url.authority());
        let (Some(scheme), Some(authority)) = parts else { return None };
        let id = runtime.id();
        let mut watch = None;
        let mut runtimes = self.shared.runtimes();
        let at = runtimes.iter().position(|known| known.id == id);
        let known = match at.and_then(|at| runtimes.get_mut(at)) {
            Some(known) => known,
            None => {
                let (alive, ended) = oneshot::channel();
                watch = Some(Watch { id, shared: Arc::downgrade(&self.shared) }.until(ended));
                runtimes.push(Runtime { id, origins: Origins::default(), _alive: alive });
                runtimes.last_mut()?
            }
        };
        if let Some(pool) = known.origins.find(scheme, authority) {
            return Some(Arc::clone(pool));
        }
        let origin = Origin { scheme: scheme.clone(), authority: authority.clone() };
        let root =
            Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query("/").build().ok()?;
        let pool =
            OriginPool::new(root, Arc::clone(&self.shared.open), Arc::clone(&self.shared.settings), runtime.clone());
        known.origins.by_origin.insert(origin, Arc::clone(&pool));
        drop(runtimes);
        if let Some(watch) = watch {
            // Where the runtime ends, it drops this task. One that is ending drops it here: not under the lock.
            drop(runtime.spawn(watch));
        }
        Some(pool)
    }
}

impl Shared {
    fn runtimes(&self) -> MutexGuard<'_, Vec<Runtime>> {
        self.runtimes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a runtime where it ends: this is dropped with it.
struct Watch {
    id: Id,
    shared: Weak<Shared>,
}

impl Watch {
    async fn until(self, ended: oneshot::Receiver<()>) {
        // The transport is gone.
        let _ = ended.await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let ended: Vec<_> = {
            let mut runtimes = shared.runtimes();
            let (ended, lasting) = std::mem::take(&mut *runtimes).into_iter().partition(|known| known.id == self.id);
            *runtimes = lasting;
            ended
        };
        // Outside the lock: their connections are closed.
        for pool in ended.iter().flat_map(|runtime| runtime.origins.by_origin.values()) {
            pool.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::Versions;

    #[tokio::test]
    async fn each_origin_has_one_pool_whichever_was_found_last() {
        let settings = Settings {
            versions: Versions::Negotiated,
            idle_timeout: Duration::from_secs(1),
            max_idle_per_host: 1,
            max_http2_connections: 1,
            max_head_size: 8 * 1024,
            max_headers: 16,
        };
        let runtimes = Runtimes::new(Arc::new(|_, _| Box::pin(async { Err("never opened".into()) })), settings);
        let find = |url: &'static str| runtimes.pool(&Handle::current(), &Uri::from_static(url)).unwrap();
        let urls = ["http://a.test/", "https://a.test/", "http://a.test:81/", "http://b.test/"];
        let pools = urls.map(find);
        for (last, of_last) in urls.iter().zip(&pools) {
            for (url, pool) in urls.iter().zip(&pools) {
                assert!(Arc::ptr_eq(of_last, &find(last)), "{last}");
                assert!(Arc::ptr_eq(pool, &find(url)), "{url} after {last}");
            }
        }
        assert!(Arc::ptr_eq(&pools[0], &find("HTTP://A.TEST/other?path")), "a name has no case, and a path no pool");
        assert!(!pools.iter().skip(1).any(|pool| Arc::ptr_eq(pool, &pools[0])));
    }
}
