//! A page of another origin, and one whose name was bound to this machine: nothing changes, and nothing is seen.

use clerk_actor_tokens::testing::emulator::fault;
use serde_json::json;

use crate::{
    attacker,
    driver::{Like, browse},
    emulated::Emulated,
};

/// Everything that an attack could change.
fn everything(emulated: &Emulated) -> String {
    let clerk = &emulated.clerk;
    let tokens: Vec<_> = clerk.creates().iter().map(|entry| clerk.token(entry.id())).collect();
    let requests = clerk.requests().len();
    format!("{tokens:?} {:?} {:?} {requests}", clerk.sessions(), clerk.ledger())
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_page_from_elsewhere_changes_nothing_and_sees_nothing() {
    let emulated = Emulated::new();
    let token = emulated.create("user_1");
    let session = emulated.clerk.sign_in("user_2");
    emulated.clerk.next_session_get().after_commit(fault::stall());
    let before = everything(&emulated);
    let port = attacker::serve(emulated.served.url(), token.id().as_str(), session.id());
    browse(Like::default(), async |tab| {
        // Another site, and another origin of the same site.
        for host in ["localhost", "127.0.0.1", "attacker.test"] {
            tab.open(&format!("http://{host}:{port}/")).await;
            tab.see("title", "done").await;
            let leaks = tab.text("#leaks").await;
            assert!(leaks.ends_with(" tried: []"), "{leaks}");
            let tried: u32 = leaks.split(' ').next().unwrap().parse().unwrap();
            assert!(tried > 200, "{tried}");
            println!("figure: attacked: {tried} ways from {host}, nothing changed");
            // The whole window, sent there by a form.
            tab.eval("document.getElementById('top').submit()", json!([])).await;
            tab.see("body", "it comes from a page of another").await;
            assert!(!tab.0.current_url().await.unwrap().as_str().contains("ticket"));
        }
        // A name of the attacker's that is bound to this machine.
        let bound = emulated.page.replace("127.0.0.1", "attacker.test");
        for path in ["", "state?reveal=true", "page.js"] {
            tab.open(&format!("{bound}{path}")).await;
            tab.see("body", "not for this host").await;
        }
        // A link that is opened there is no page: its scripts would not be given.
        let link = token.url().unwrap().expose().replace("127.0.0.1", "attacker.test");
        let asked = emulated.clerk.requests().len();
        tab.open(&link).await;
        tab.see("pre", "This link signs in as the user \"user_1\"").await;
        // What an attacker's script would do that came from this name and port.
        let posted = "const done = arguments[arguments.length - 1];
            fetch('/_emulator/reset', { method: 'POST' }).then(it => done(it.status), () => done(0))";
        assert_eq!(tab.0.execute_async(posted, vec![]).await.unwrap(), json!(403));
        assert_eq!(emulated.clerk.requests()[asked].path(), "/v1/tickets/accept");
    });
    let after = everything(&emulated);
    let (_, of_before) = before.rsplit_once(' ').unwrap();
    let (after, requests) = after.rsplit_once(' ').unwrap();
    assert!(before.starts_with(after), "{before}\n{after}");
    // The last link, and what the browser asks for beside it.
    let more = requests.parse::<usize>().unwrap() - of_before.parse::<usize>().unwrap();
    assert!((1..=2).contains(&more), "{:?}", emulated.clerk.requests());
    assert_eq!(emulated.clerk.take_unused_faults().len(), 1);
}

/// A browser names the page's origin when the page sends its own form: the page has to let it.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_pages_own_form_is_let_in_by_each_name_of_this_machine() {
    let emulated = Emulated::new();
    for host in ["127.0.0.1", "localhost"] {
        let token = emulated.create("user_1");
        browse(Like::default(), async |tab| {
            tab.open(&emulated.page.replace("127.0.0.1", host)).await;
            tab.click(&format!("#open-{}", token.id())).await;
            tab.see("#banner", "Signed in as user_1.").await;
            assert_eq!(tab.0.current_url().await.unwrap().host_str(), Some(host));
        });
    }
    emulated.clerk.assert_live_sessions(2);
}
