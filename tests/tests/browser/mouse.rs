//! The whole way with a pointer: a link is opened, its session seen and ended; a fault is added and met; all is reset.

use clerk_actor_tokens::testing::emulator::Emulator;

use crate::{
    application,
    driver::{Like, browse},
    emulated::{Emulated, secrets},
    tab::Tab,
};

/// The parts of the page that a person sees.
const ALL: [&str; 5] = ["Tokens", "Sessions", "Requests", "Faults", "Clock"];

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_link_is_opened_its_session_seen_and_ended_a_fault_is_met_and_all_is_reset() {
    let emulated = Emulated::new();
    browse(Like::default(), async |tab| {
        tab.open(&emulated.page).await;
        for part in ALL {
            tab.see("main", part).await;
        }
        tab.see("#tokens-caption", "No tokens yet.").await;
        // It comes without a reload.
        let token = emulated.create("user_1");
        let id = token.id().as_str();
        tab.see("#tokens", id).await;
        tab.see("#tokens", "user_agent").await;
        open_and_end(tab, &emulated, id).await;
        fault_and_reset(tab, &emulated).await;
        for secret in secrets(&token) {
            assert!(!tab.everything().await.contains(&secret));
        }
    });
    emulated.clerk.assert_creates(0);
}

async fn open_and_end(tab: &Tab, emulated: &Emulated, id: &str) {
    tab.click(&format!("#open-{id}")).await;
    tab.see("#banner", "Signed in as user_1. user_agent is acting.").await;
    let session = emulated.clerk.live_sessions()[0].id().to_owned();
    tab.see("#session", &session).await;
    // Neither the address nor the way back has the ticket.
    let address = tab.0.current_url().await.unwrap();
    assert_eq!(address.as_str(), format!("{}sessions/{session}", emulated.page));
    tab.picture("session").await;
    tab.click("#end").await;
    tab.see("#banner", "The session of user_1 is over: ended.").await;
    tab.see("#said", "The session is ended.").await;
    tab.see_count("#end", 0).await;
    emulated.clerk.assert_live_sessions(0);
    emulated.clerk.assert_ended_sessions(1);

    tab.click("header a").await;
    tab.see(&format!("#{session}"), "ended").await;
    tab.see(&format!("#{id}"), "accepted").await;
    assert_eq!(tab.shown(&format!("#open-{id}, #revoke-{id}, #end-{session}")).await, 0);
    // A second one is ended, and a third token revoked, from the page.
    let second = emulated.clerk.sign_in("user_2");
    tab.click(&format!("#end-{}", second.id())).await;
    tab.see(&format!("#{}", second.id()), "ended").await;
    let third = emulated.create("user_3");
    tab.click(&format!("#revoke-{}", third.id())).await;
    tab.see("#said", "is revoked").await;
    tab.see(&format!("#{}", third.id()), "revoked").await;
    emulated.clerk.assert_live(0);
}

async fn fault_and_reset(tab: &Tab, emulated: &Emulated) {
    tab.write("#fault", "create:before_commit:nonsense").await;
    tab.click("#add-fault button").await;
    tab.see("#said", "Not done:").await;
    tab.see("#faults-caption", "No fault is queued.").await;
    tab.eval("document.getElementById('fault').value = ''", serde_json::json!([])).await;
    // The picture has one with its buttons.
    let live = emulated.create("user_1");
    tab.see_count(&format!("#open-{}", live.id()), 1).await;
    tab.write("#fault", "create:before_commit:status(503)").await;
    tab.click("#add-fault button").await;
    tab.see("#faults", "create:before_commit:status(503)").await;
    tab.picture("page").await;
    assert!(emulated.create_fails().contains("503"));
    tab.see("#request-1, #requests tr", "create:before_commit:status(503)").await;
    tab.see("#faults-caption", "No fault is queued.").await;
    emulated.clerk.assert_faults_used();

    // The links of an hour are past it.
    let late = emulated.create("user_4");
    tab.see_count(&format!("#open-{}", late.id()), 1).await;
    tab.click("#hour").await;
    tab.see("#said", "The clock is advanced by 3600000 ms.").await;
    tab.see(&format!("#{}", late.id()), "pending, expired").await;
    tab.see_count(&format!("#open-{}", late.id()), 0).await;

    tab.click("#reset").await;
    tab.see("#reset-dialog", "Reset the emulator?").await;
    tab.click("#reset-cancel").await;
    tab.see_count("#reset-dialog", 0).await;
    assert!(!emulated.clerk.requests().is_empty());
    tab.click("#reset").await;
    tab.click("#reset-confirm").await;
    tab.see("#said", "The emulator is as it was at the start.").await;
    tab.see("#tokens-caption", "No tokens yet.").await;
    tab.see_count("tbody tr", 0).await;
}

/// The browser goes from the page to the link, and from there to another origin: all by one form.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_link_that_leads_to_an_application_of_another_origin_is_opened_too() {
    let application = Emulated::new();
    let emulated = Emulated::of(Emulator::builder().application_url(application.served.url()));
    let token = emulated.create("user_1");
    browse(Like::default(), async |tab| {
        // By the other name of this machine.
        tab.open(&emulated.page.replace("127.0.0.1", "localhost")).await;
        tab.click(&format!("#open-{}", token.id())).await;
        // It is another emulator, which has no such page.
        tab.see("body", "authorization_header_format_invalid").await;
    });
    let asked = application.clerk.requests();
    assert_eq!((asked[0].path(), asked[0].query()), ("/sign-in", Some("__clerk_ticket=(redacted)")));
}

/// As an application does that moves its sign-in to another host. Its URL is not written as a browser writes one.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn an_application_that_redirects_to_a_third_origin_is_opened_too() {
    let port = application::serve();
    let emulated = Emulated::of(Emulator::builder().application_url(format!("HTTP://LocalHost:{port}")));
    let token = emulated.create("user_1");
    browse(Like::default(), async |tab| {
        tab.open(&emulated.page).await;
        tab.click(&format!("#open-{}", token.id())).await;
        tab.see("body", "Welcome").await;
        assert_eq!(tab.0.current_url().await.unwrap().as_str(), format!("http://127.0.0.1:{port}/welcome"));
    });
}

/// A link that is used up, opened by a page that does not know it yet.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_link_that_opens_nothing_says_why() {
    let emulated = Emulated::new();
    let token = emulated.create("user_1");
    let link = token.url().unwrap().expose().to_owned();
    browse(Like::default(), async |tab| {
        tab.open(&link).await;
        tab.see("#banner", "Signed in as user_1.").await;
        tab.open(&link).await;
        tab.see("main", "This actor token has already been used.").await;
        for secret in secrets(&token) {
            // The address is what was typed in.
            assert!(!tab.everything().await.replace(&link, "").contains(&secret));
        }
        // The form is that of the page; the token is used meanwhile.
        let other = emulated.create("user_2");
        tab.open(&emulated.page).await;
        tab.see_count(&format!("#open-{}", other.id()), 1).await;
        let posted = "const form = document.querySelector('[action$=\"/open\"]');
            fetch(arguments[0], { method: 'POST' }).then(() => form.submit())";
        let accept = format!("/_emulator/tokens/{}/accept", other.id());
        tab.eval(posted, serde_json::json!([accept])).await;
        tab.see("main", "it was used before").await;
    });
}
