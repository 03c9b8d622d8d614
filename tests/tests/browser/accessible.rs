//! What axe-core finds: nothing that is serious, in both colour schemes, on each page.

use std::{env, fs};

use clerk_actor_tokens::testing::emulator::fault;
use serde_json::{Value, json};

use crate::{
    driver::{Like, browse},
    emulated::Emulated,
};

const RUN: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations, passes }) => done({
        passes: passes.length,
        violations: violations.filter(it => ['serious', 'critical'].includes(it.impact))
            .map(it => [it.id, it.nodes.map(node => node.html)]),
        lesser: violations.map(it => it.id),
    }), error => done(String(error)))";

/// Shows what a link answers instead of this page, with its style.
const SHOW: &str = "const [link, done] = arguments;
    fetch(link, { headers: { accept: 'text/html' } }).then(answer => answer.text()).then(html => {
        document.documentElement.innerHTML = html;
        const style = document.querySelector('link[rel=stylesheet]');
        style.addEventListener('load', () => done(true));
        style.addEventListener('error', () => done('no style'));
    }).catch(error => done(String(error)))";

#[test]
#[ignore = "needs chromium, chromedriver, and axe-core by AXE"]
fn axe_finds_nothing_serious() {
    let file = env::var_os("AXE").expect("AXE names axe.min.js, of the npm package axe-core");
    let axe = fs::read_to_string(file).expect("AXE is a file");
    let emulated = Emulated::new();
    emulated.clerk.next_session_get().after_commit(fault::stall());
    for dark in [false, true] {
        let (token, used) = (emulated.create("user_1"), emulated.create("user_2"));
        let ended = emulated.clerk.sign_in("user_3");
        emulated.clerk.end_session(ended.id(), "ended");
        let link = used.url().unwrap().expose().to_owned();
        browse(Like { dark, ..Like::default() }, async |tab| {
            let scheme = "return matchMedia('(prefers-color-scheme: dark)').matches";
            tab.open(&emulated.page).await;
            assert_eq!(tab.eval(scheme, json!([])).await, json!(dark));
            let check = async |page: &str| {
                tab.0.execute(&axe, vec![]).await.unwrap();
                let found = tab.0.execute_async(RUN, vec![]).await.unwrap();
                let passes = found["passes"].as_u64().unwrap_or_else(|| panic!("axe: {found}"));
                println!(
                    "figure: axe: {page}, dark: {dark}: {passes} rules passed, lesser findings: {}",
                    found["lesser"]
                );
                assert!(passes > 10);
                assert_eq!(found["violations"], Value::Array(Vec::new()), "{page}");
            };
            tab.see("#tokens", token.id().as_str()).await;
            check("the page").await;
            tab.click("#hour").await;
            tab.see("#said", "advanced").await;
            check("the page, when it says something").await;
            tab.click("#reset").await;
            tab.see_count("#reset-dialog", 1).await;
            check("the dialog").await;
            let again = emulated.create("user_4");
            tab.open(again.url().unwrap().expose()).await;
            tab.see("#banner", "Signed in as user_4.").await;
            check("the banner").await;
            tab.open(&format!("{}sessions/{}", emulated.page, ended.id())).await;
            tab.see("#banner", "is over").await;
            check("the banner of a session that is over").await;
            tab.open(&link).await;
            tab.see("main", "This ticket has expired.").await;
            check("a link that has expired").await;
            // The page of a link sends its form at once. Here it is shown by another page, where its script does not run.
            let fresh = emulated.create("user_5");
            tab.open(&format!("{}sessions/{}", emulated.page, ended.id())).await;
            let shown = tab.0.execute_async(SHOW, vec![json!(fresh.url().unwrap().expose())]).await.unwrap();
            assert_eq!(shown, json!(true), "{shown}");
            tab.see("main", "This link signs in as user_5.").await;
            check("the page of a link").await;
        });
    }
    let _ = emulated.clerk.take_unused_faults();
}
