//! The kit over tower: hyper-util's client as a service, and layers around a transport.

use super::*;

use clerk_actor_tokens_tower::{RequestBody, TowerTransport};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// What no service can do. The book's page on transports says the same.
const SKIPPED: [(&str, &str); 2] = [
    ("pool.discarded_connection", "a service closes no connection on request"),
    ("pool.cut_answer", "hyper-util reads the rest of a small response, and uses its connection again"),
];

type HyperUtil = Client<HttpConnector, RequestBody>;

fn hyper_util(configure: fn(&mut hyper_util::client::legacy::Builder)) -> TowerTransport<HyperUtil> {
    let mut builder = Client::builder(TokioExecutor::new());
    configure(&mut builder);
    let mut without_pool = builder.clone();
    without_pool.pool_max_idle_per_host(0);
    TowerTransport::on_tokio(builder.build_http()).fresh_service(without_pool.build_http())
}

#[test]
fn hyper_utils_client_as_a_service_conforms() {
    let test = "tower::hyper_utils_client_as_a_service_conforms";
    let cells = conforms(test, 2, &SKIPPED, || hyper_util(|_| {}));
    let passed = assert_passed_but(&cells, &SKIPPED);
    println!("figure: tower over hyper-util: {passed} cells passed, {} skipped", SKIPPED.len());
}

#[test]
fn hyper_utils_client_keeps_the_law_over_http2() {
    keeps_the_law_over_http2(|| {
        hyper_util(|builder| {
            builder.http2_only(true);
        })
    });
}

/// Nothing of a transport is lost below layers, not even the discarding of a connection.
#[test]
fn layers_around_a_transport_conform() {
    let test = "tower::layers_around_a_transport_conform";
    let cells = conforms(test, 1, &[], || {
        let hyper = HyperTransport::builder().http_only().build().unwrap();
        TowerTransport::around(hyper, |service| {
            ::tower::ServiceExt::map_request(service, |request: clerk_actor_tokens::http::Request<RequestBody>| request)
        })
    });
    println!("figure: layers around a transport: {} cells passed", assert_passed_but(&cells, &[]));
}
