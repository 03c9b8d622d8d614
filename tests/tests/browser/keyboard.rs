//! The whole way without a pointer: the tabulator, the enter key, and nothing else.

use fantoccini::key::Key;

use crate::{
    driver::{Like, browse},
    emulated::Emulated,
};

#[test]
#[ignore = "needs chromium and chromedriver"]
fn everything_is_done_by_the_keyboard() {
    let emulated = Emulated::new();
    let (first, second) = (emulated.create("user_1"), emulated.create("user_2"));
    browse(Like::default(), async |tab| {
        tab.open(&emulated.page).await;
        tab.tab_to(&format!("#revoke-{}", second.id())).await;
        // The focus stays while the page is kept fresh, also where a row comes above it.
        let third = emulated.create("user_3");
        tab.see("#tokens", third.id().as_str()).await;
        assert!(tab.has_focus(&format!("#revoke-{}", second.id())).await);
        tab.press(Key::Enter).await;
        tab.see("#said", "is revoked").await;
        // What had it is gone: it is at the heading of the tokens, and not lost.
        tab.see_focus("#tokens-title").await;

        tab.open(&emulated.page).await;
        tab.tab_to(&format!("#open-{}", first.id())).await;
        tab.press(Key::Enter).await;
        tab.see("#banner", "Signed in as user_1. user_agent is acting.").await;
        tab.tab_to("#end").await;
        tab.press(Key::Enter).await;
        tab.see("#banner", "is over: ended").await;
        tab.see_focus("#title").await;
        tab.tab_to("header a").await;
        tab.press(Key::Enter).await;

        tab.tab_to("#fault").await;
        tab.type_text("create:before_commit:status(503)").await;
        tab.press(Key::Enter).await;
        tab.see("#faults", "create:before_commit:status(503)").await;
        tab.see_focus("#fault").await;
        assert!(emulated.create_fails().contains("503"));
        tab.see("#requests", "create:before_commit:status(503)").await;

        tab.tab_to("#minute").await;
        tab.press(' ').await;
        tab.see("#said", "The clock is advanced by 60000 ms.").await;
        tab.tab_to("#milliseconds").await;
        tab.type_text("5000").await;
        tab.press(Key::Enter).await;
        tab.see("#said", "The clock is advanced by 5000 ms.").await;

        // The dialog: Escape leaves it, and the focus is where it was.
        tab.tab_to("#reset").await;
        tab.press(Key::Enter).await;
        tab.see_focus("#reset-cancel").await;
        tab.press(Key::Escape).await;
        tab.see_focus("#reset").await;
        tab.press(Key::Enter).await;
        tab.see_focus("#reset-cancel").await;
        tab.tab_to("#reset-confirm").await;
        tab.press(Key::Enter).await;
        tab.see("#said", "The emulator is as it was at the start.").await;
        tab.see_focus("#reset").await;
    });
    emulated.clerk.assert_creates(0);
}
