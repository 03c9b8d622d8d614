//! What the page looks like: on a narrow screen, without scripts, with much in it, and without a secret.

use std::time::Duration;

use clerk_actor_tokens::testing::emulator::{Emulator, fault};
use serde_json::json;

use crate::{
    driver::{Like, browse},
    emulated::{Emulated, secrets},
};

/// Longer than a narrow screen.
const LONG: &str = "user_with_an_id_that_is_much_longer_than_a_line_of_the_smallest_screen_can_be";

#[test]
#[ignore = "needs chromium and chromedriver"]
fn at_320_pixels_nothing_is_wider_than_the_screen() {
    let emulated = Emulated::new();
    emulated.clerk.next_session_list().after_commit(fault::redirect(307, &format!("https://{LONG}.test/{LONG}")));
    let token = emulated.create(LONG);
    let session = emulated.clerk.sign_in(LONG);
    let page = emulated.page.clone();
    for (without_scripts, last) in [(false, page.clone()), (true, token.url().unwrap().expose().to_owned())] {
        browse(Like { width: Some(320), without_scripts, ..Like::default() }, async |tab| {
            for address in [page.clone(), format!("{page}sessions/{}", session.id()), format!("{page}sessions/x"), last]
            {
                tab.open(&address).await;
                assert_eq!(tab.widths().await, (320, 320), "{}", tab.text("h1").await);
            }
        });
    }
    browse(Like { width: Some(320), ..Like::default() }, async |tab| {
        tab.open(&page).await;
        tab.see_count("#tokens tr", 1).await;
        assert_eq!(tab.widths().await.0, 320);
        // The rows are read as a list of names and values, and what can be pressed is large enough to be met.
        let label = "return getComputedStyle(document.querySelector('td[data-label]'), '::before').content";
        assert_eq!(tab.eval(label, json!([])).await, json!("\"User\""));
        let small = "return [...document.querySelectorAll('button, input, nav a')].filter(it => it.checkVisibility())
            .filter(it => { const box = it.getBoundingClientRect(); return box.height < 24 || box.width < 24 }).length";
        assert_eq!(tab.eval(small, json!([])).await, json!(0));
        tab.click("#reset").await;
        assert_eq!(tab.widths().await.0, 320);
    });
    let _ = emulated.clerk.take_unused_faults();
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn without_scripts_all_is_shown_and_nothing_is_offered() {
    let emulated = Emulated::new();
    emulated.clerk.next_create().before_commit(fault::status(503));
    emulated.create_fails();
    emulated.clerk.next_session_get().after_commit(fault::stall());
    let token = emulated.create("user_1");
    let session = emulated.clerk.sign_in("user_2");
    let link = token.url().unwrap().expose().to_owned();
    browse(Like { without_scripts: true, ..Like::default() }, async |tab| {
        tab.open(&emulated.page).await;
        for (part, text) in [
            ("main", "Scripts are off."),
            ("#now", "Seed"),
            ("#tokens", token.id().as_str()),
            ("#sessions", session.id()),
            ("#requests", "create:before_commit:status(503)"),
            ("#faults", "session_get:after_commit:stall()"),
        ] {
            tab.see(part, text).await;
        }
        assert_eq!(tab.shown("button, input, form, dialog").await, 0);
        tab.open(&format!("{}sessions/{}", emulated.page, session.id())).await;
        tab.see("#banner", "Signed in as user_2.").await;
        assert_eq!(tab.shown("button, input, form").await, 0);
        tab.open(&link).await;
        tab.see("main", "This link signs in as user_1. user_agent is acting.").await;
        tab.see("main", "Signing in needs one.").await;
        assert_eq!(tab.shown("button, input, form").await, 0);
        let everything = tab.everything().await.replace(&link, "");
        assert!(!secrets(&token).iter().any(|secret| everything.contains(secret)));
    });
    assert_eq!(emulated.clerk.take_unused_faults().len(), 1);
    emulated.clerk.assert_live(1);
}

/// Whatever is stored.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_page_has_200_rows_of_each_kind_and_no_secret() {
    let emulated = Emulated::of(Emulator::builder());
    let tokens: Vec<_> = (0..205).map(|_| emulated.create("user_1")).collect();
    for _ in 0..205 {
        emulated.clerk.sign_in("sk_live_CANARY");
        emulated.clerk.next_session_revoke().after_commit(fault::stall());
    }
    browse(Like::default(), async |tab| {
        tab.open(&emulated.page).await;
        for rows in ["tokens", "sessions", "requests", "faults"] {
            tab.see_count(&format!("#{rows} tr"), 200).await;
            tab.see(&format!("#{rows}-caption"), "200 of 205").await;
        }
        tab.see("#tokens tr", tokens[204].id().as_str()).await;
        // Also when it is kept fresh.
        let newest = emulated.create("user_1");
        tab.see("#tokens tr", newest.id().as_str()).await;
        tab.see_count("#tokens tr", 200).await;
        let everything = tab.everything().await;
        assert!(!everything.contains("CANARY") && everything.contains("sk_live_(redacted)"));
        for token in tokens.iter().chain([&newest]) {
            assert!(!secrets(token).iter().any(|secret| everything.contains(secret)));
        }
    });
    assert_eq!(emulated.clerk.take_unused_faults().len(), 205);
}

/// A session that a reset has taken along is not shown as one that continues.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_session_that_is_gone_is_shown_no_longer() {
    let emulated = Emulated::new();
    let session = emulated.clerk.sign_in("user_2");
    browse(Like::default(), async |tab| {
        tab.open(&format!("{}sessions/{}", emulated.page, session.id())).await;
        tab.see("#banner", "Signed in as user_2.").await;
        let _ = emulated.clerk.reset();
        tab.see("main", "There is no such session.").await;
        assert_eq!(tab.shown("#banner, button").await, 0);
    });
}

/// The page says that it is out of date, and is up to date again when the server is back.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_page_whose_server_has_gone_says_so() {
    let Emulated { clerk, served, client, page, runtime } = Emulated::new();
    let port = served.url().rsplit(':').next().unwrap().parse().unwrap();
    drop(client);
    browse(Like::default(), async |tab| {
        tab.open(&page).await;
        tab.see("#tokens-caption", "No tokens yet.").await;
        drop(served);
        tab.see("#said", "This page is out of date. The emulator does not answer.").await;
        let again = loop {
            let server = clerk.server().port(port).start_detached();
            match server {
                Ok(again) => break again,
                // The first has not stopped yet.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        tab.see("#said", "The page is up to date again.").await;
        drop(again);
    });
    drop(runtime);
}
