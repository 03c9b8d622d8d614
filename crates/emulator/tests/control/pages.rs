//! The pages as they are sent: what they contain, by which headers, and where there is none. A browser looks at them in
//! the workspace's `tests/tests/browser`.

use clerk_actor_tokens_emulator::{Emulator, Server};
use serde_json::{Value, json};

use crate::client::{Answer, Caller, Fixture};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

fn look(caller: &mut Caller, target: &str) -> Answer {
    let headers = format!("host: {}\r\naccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n", caller.host);
    caller.send("GET", target, &headers, b"")
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

fn link(token: &Value) -> String {
    format!("/v1/tickets/accept?ticket={}", token["token"].as_str().unwrap())
}

#[test]
fn the_pages_allow_their_own_files_and_nothing_else() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let token = caller.create();
    let session = fixture.clerk.sign_in("user_1");
    for target in ["/_emulator", "/_emulator/", &link(&token), &format!("/_emulator/sessions/{}", session.id())] {
        let page = look(&mut caller, target);
        assert_eq!((page.status, header(&page, "content-type")), (200, "text/html; charset=utf-8"), "{target}");
        assert_eq!(header(&page, "content-security-policy"), POLICY);
        // With no referrer at all a browser would not name the origin of a form either. An address with a ticket is never one.
        let referrer = if target.starts_with("/_emulator") && !target.contains("sessions") {
            "same-origin"
        } else {
            "no-referrer"
        };
        assert_eq!(header(&page, "referrer-policy"), referrer, "{target}");
        for (name, value) in [
            ("x-frame-options", "deny"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&page, name), value, "{target}");
        }
        // No script and no style within it, and nothing from elsewhere.
        for never in ["<style", " style=", "javascript:", " onclick=", "=\"http", "=\"//"] {
            assert!(!page.body.contains(never), "{target}: {never}");
        }
        for file in page.body.split("=\"/_emulator/").skip(1).filter_map(|rest| rest.split('"').next()) {
            if file.contains('.') {
                assert_eq!(caller.ask("GET", &format!("/_emulator/{file}"), "").status, 200, "{file}");
            }
        }
    }
    for (file, kind) in [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("link.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let answer = caller.ask("GET", &format!("/_emulator/{file}"), "");
        assert_eq!((header(&answer, "content-type"), header(&answer, "x-content-type-options")), (kind, "nosniff"));
    }
    assert_eq!(look(&mut caller, "/_emulator/sessions/sess_1").status, 404);
}

#[test]
fn a_form_may_lead_to_the_application_that_is_set() {
    // Also where no source of a policy can name it.
    for url in ["https://app.test/a", "http://[::1]:3000", "HTTP://App.Test"] {
        let clerk = Emulator::builder().real_time().application_url(url).build();
        let fixture = Fixture::of(clerk, |server| server);
        let mut caller = fixture.connect();
        let page = look(&mut caller, "/_emulator/");
        assert_eq!(header(&page, "content-security-policy"), format!("{POLICY} http: https:"), "{url}");
        let token = caller.create();
        let opened = look(&mut caller, &link(&token));
        let scheme = url.to_ascii_lowercase();
        assert!(header(&opened, "location").starts_with(&format!("{scheme}/sign-in?")), "{url}: {}", opened.status);
        // No other page has a form that leads there.
        let session = fixture.clerk.sign_in("user_1");
        let page = look(&mut caller, &format!("/_emulator/sessions/{}", session.id()));
        assert_eq!(header(&page, "content-security-policy"), POLICY);
    }
}

#[test]
fn open_leads_to_the_link_and_revoke_ends_it() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let (first, second) = (caller.create(), caller.create());
    let path = |token: &Value, what: &str| format!("/_emulator/tokens/{}/{what}", token["id"].as_str().unwrap());
    // As a browser sends a form.
    let form = format!(
        "host: {0}\r\norigin: http://{0}\r\nsec-fetch-site: same-origin\r\naccept: text/html\r\ncontent-type: application/x-www-form-urlencoded\r\n",
        caller.host
    );
    let opened = caller.send("POST", &path(&first, "open"), &form, b"");
    assert_eq!((opened.status, opened.body.as_str()), (303, ""));
    assert_eq!(header(&opened, "location"), link(&first).to_ascii_lowercase());
    assert_eq!(header(&opened, "referrer-policy"), "no-referrer");
    // It leads there, and uses nothing up.
    assert_eq!(fixture.clerk.live().len(), 2);

    let revoked = caller.ask("POST", &path(&first, "revoke"), "");
    assert_eq!((revoked.status, &revoked.json()["status"]), (200, &json!("revoked")));
    // No call of a client: the ledger has none of it.
    assert_eq!((fixture.clerk.live().len(), fixture.clerk.revokes().len()), (1, 0));
    let again = caller.ask("POST", &path(&first, "revoke"), "");
    assert_eq!(
        (again.status, again.json()["error"].as_str().unwrap()),
        (409, "the token is revoked: only a pending one can be revoked")
    );
    let refused = caller.ask("POST", &path(&first, "open"), "");
    assert_eq!((refused.status, header(&refused, "content-type")), (409, "application/json"));
    let shown = caller.send("POST", &path(&first, "open"), &form, b"");
    assert_eq!((shown.status, header(&shown, "content-type")), (409, "text/html; charset=utf-8"));
    assert!(shown.body.contains("its token was revoked"));
    caller.ask("POST", "/_emulator/clock/advance", r#"{"milliseconds":7200000}"#);
    assert_eq!(caller.ask("POST", &path(&second, "open"), "").status, 409);
    assert_eq!(caller.ask("POST", "/_emulator/tokens/act_1/open", "").status, 404);
    assert_eq!(caller.ask("POST", "/_emulator/tokens/act_1/revoke", "").status, 404);
}

/// A program gets the text or the JSON; so does a browser where the pages are not.
#[test]
fn a_link_shows_a_page_to_a_browser_where_there_are_pages() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let token = caller.create();
    let page = look(&mut caller, &link(&token));
    assert!(
        page.body.contains("This link signs in as <strong>user_1</strong>. <strong>user_agent</strong> is acting.")
    );
    assert_eq!(header(&page, "vary"), "accept");
    assert_ne!(header(&page, "x-clerk-trace-id"), "");
    for (accept, kind) in [
        ("*/*", "text/plain; charset=utf-8"),
        ("application/json", "application/json"),
        ("text/htmlx", "text/plain; charset=utf-8"),
    ] {
        let headers = format!("host: {}\r\naccept: {accept}\r\n", caller.host);
        let answer = caller.send("GET", &link(&token), &headers, b"");
        assert_eq!((answer.status, header(&answer, "content-type"), header(&answer, "vary")), (200, kind, "accept"));
    }
    // A name that was bound to this machine: the files of a page would be refused.
    let bound = caller.send("GET", &link(&token), "host: attacker.test\r\naccept: text/html\r\n", b"");
    assert_eq!(header(&bound, "content-type"), "text/plain; charset=utf-8");
    let wrong = look(&mut caller, "/v1/tickets/accept?ticket=x");
    assert_eq!((wrong.status, header(&wrong, "content-type")), (400, "text/html; charset=utf-8"));
    assert!(wrong.body.contains("This ticket is invalid."));

    let without = Fixture::with(Server::without_control);
    let mut caller = without.connect();
    let token = caller.create();
    let answer = look(&mut caller, &link(&token));
    assert_eq!((answer.status, header(&answer, "content-type")), (200, "text/plain; charset=utf-8"));
}

#[test]
fn texts_of_others_are_escaped() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let evil = r#"<img src=x onerror=alert(1)>"&'"#;
    let body = json!({ "user_id": evil, "actor": { "sub": evil } }).to_string();
    let token = caller.clerk("POST", "/v1/actor_tokens", &body).json();
    let session = fixture.clerk.sign_in(evil);
    caller.clerk("GET", "/v1/'%3Cimg", "");
    for target in ["/_emulator/", &link(&token), &format!("/_emulator/sessions/{}", session.id())] {
        let page = look(&mut caller, target).body;
        assert!(page.contains("&#60;img src=x onerror=alert(1)&#62;&#34;&#38;&#39;"), "{target}: {page}");
        assert!(!page.contains("<img"), "{target}");
    }
}

/// Whatever is stored.
#[test]
fn the_page_has_200_rows_of_each_kind() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let last = (0..205).map(|_| caller.create()).last().unwrap();
    let faults = json!({ "faults": vec!["revoke:after_commit:stall"; 205] }).to_string();
    caller.ask("POST", "/_emulator/faults", &faults);
    (0..205).for_each(|_| drop(fixture.clerk.sign_in("user_1")));
    let page = look(&mut caller, "/_emulator/").body;
    for table in ["tokens", "sessions", "requests", "faults"] {
        let (_, body) = page.split_once(&format!("<tbody id=\"{table}\"")).unwrap();
        let (body, _) = body.split_once("</tbody>").unwrap();
        assert_eq!(body.matches("<tr").count(), 200, "{table}");
    }
    assert!(page.contains(last["id"].as_str().unwrap()) && page.contains("The latest 200 of 205 tokens"));
    assert_eq!(fixture.clerk.take_unused_faults().len(), 205);
}
