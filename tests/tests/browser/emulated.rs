//! An emulator behind a socket, and a client of it.

use clerk_actor_tokens::{
    Actor, ActorToken, Client, RetryPolicy,
    hyper::HyperTransport,
    testing::emulator::{Emulator, EmulatorBuilder, Served},
};

pub(crate) struct Emulated {
    pub(crate) clerk: Emulator,
    pub(crate) served: Served,
    pub(crate) client: Client<HyperTransport>,
    /// The page.
    pub(crate) page: String,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Emulated {
    pub(crate) fn new() -> Self {
        Self::of(Emulator::builder())
    }

    /// On a runtime of its own: the test's waits for the browser.
    pub(crate) fn of(builder: EmulatorBuilder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clerk = builder.real_time().seed(7).build();
        let served = runtime.block_on(clerk.serve()).unwrap();
        let transport = HyperTransport::builder().http_only().build().unwrap();
        let client = Client::builder(transport, clerk.secret_key()).base_url(served.base_url());
        let client = client.retry(RetryPolicy::none()).build().unwrap();
        let page = format!("{}/_emulator/", served.url());
        Self { clerk, served, client, page, runtime }
    }

    pub(crate) fn create(&self, user: &str) -> ActorToken {
        let call = self.client.actor_tokens().create(user, Actor::new("user_agent")).send();
        std::thread::scope(|scope| scope.spawn(|| self.runtime.block_on(call)).join().unwrap()).unwrap()
    }

    /// A call whose answer is 503.
    pub(crate) fn create_fails(&self) -> String {
        let call = self.client.actor_tokens().create("user_1", Actor::new("user_agent")).send();
        let failed = std::thread::scope(|scope| scope.spawn(|| self.runtime.block_on(call)).join().unwrap());
        failed.unwrap_err().to_string()
    }
}

/// The secrets of a token: no page has one of them.
pub(crate) fn secrets(token: &ActorToken) -> Vec<String> {
    let ticket = token.token().unwrap().expose().to_owned();
    // Its head is the same in every ticket.
    let parts: Vec<String> = ticket.split('.').skip(1).map(str::to_owned).collect();
    [vec![ticket, "sk_test_emulator".to_owned()], parts].concat()
}
