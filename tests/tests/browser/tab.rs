//! What a test sees and does in the browser. All waiting is for something to be so, with a generous bound.

use std::{env, fs, path::Path, time::Duration};

use fantoccini::{
    Client, Locator,
    actions::{InputSource as _, KeyAction, KeyActions},
    key::Key,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// A bound, so that a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Tab(pub(crate) Client);

impl Tab {
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    pub(crate) async fn open(&self, url: &str) {
        self.0.goto(url).await.unwrap();
    }

    /// What a script returns. The browser's automation runs it, so also where the page may not run any.
    pub(crate) async fn eval(&self, script: &str, arguments: Value) -> Value {
        let Value::Array(arguments) = arguments else { panic!("arguments are an array") };
        self.0.execute(script, arguments).await.unwrap_or(Value::Null)
    }

    /// The text that is shown of the first such element; empty if there is none.
    pub(crate) async fn text(&self, css: &str) -> String {
        let text = self.eval("return document.querySelector(arguments[0])?.innerText", json!([css])).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// How many such elements are shown.
    pub(crate) async fn shown(&self, css: &str) -> u64 {
        let script = "return [...document.querySelectorAll(arguments[0])].filter(it => it.checkVisibility()).length";
        self.eval(script, json!([css])).await.as_u64().unwrap_or(0)
    }

    /// Waits until the text of an element contains this.
    pub(crate) async fn see(&self, css: &str, wanted: &str) {
        let began = Instant::now();
        loop {
            let text = self.text(css).await;
            if text.contains(wanted) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{css} is {text:?}, and not {wanted:?}; {}", self.whole().await);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until so many such elements are shown.
    pub(crate) async fn see_count(&self, css: &str, wanted: u64) {
        let began = Instant::now();
        loop {
            let count = self.shown(css).await;
            if count == wanted {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{count} of {css}, and not {wanted}; {}", self.whole().await);
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn whole(&self) -> String {
        format!("the page: {:?}", self.text("body").await)
    }

    pub(crate) async fn click(&self, css: &str) {
        self.see_count(css, 1).await;
        self.0.find(Locator::Css(css)).await.unwrap().click().await.unwrap();
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        self.see_count(css, 1).await;
        self.0.find(Locator::Css(css)).await.unwrap().send_keys(text).await.unwrap();
    }

    pub(crate) async fn press(&self, key: impl Into<char>) {
        let value = key.into();
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        self.0.perform_actions(keys).await.unwrap();
    }

    pub(crate) async fn type_text(&self, text: &str) {
        for letter in text.chars() {
            self.press(letter).await;
        }
    }

    /// Whether the focus is there.
    pub(crate) async fn has_focus(&self, css: &str) -> bool {
        self.eval("return document.activeElement.matches(arguments[0])", json!([css])).await == true
    }

    pub(crate) async fn see_focus(&self, css: &str) {
        let began = Instant::now();
        while !self.has_focus(css).await {
            assert!(began.elapsed() < PATIENCE, "the focus is not at {css}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Goes there by the tabulator, and sees the focus at each step.
    pub(crate) async fn tab_to(&self, css: &str) {
        self.see_count(css, 1).await;
        for _ in 0..100 {
            self.press(Key::Tab).await;
            let seen = self
                .eval(
                    "const at = document.activeElement, outline = getComputedStyle(at);
                     return at === document.body || (outline.outlineStyle !== 'none' && parseFloat(outline.outlineWidth) >= 2)",
                    json!([]),
                )
                .await;
            assert_eq!(seen, true, "the focus is seen on the way to {css}");
            if self.has_focus(css).await {
                return;
            }
        }
        panic!("the tabulator does not reach {css}");
    }

    /// Everything that is in the page, as it is now: its HTML, its text, its address and its history.
    pub(crate) async fn everything(&self) -> String {
        let all = self
            .eval(
                "return [document.documentElement.outerHTML, document.body.innerText, location.href, document.referrer,
                         JSON.stringify(history.state), document.title].join('\\n')",
                json!([]),
            )
            .await;
        all.as_str().unwrap().to_owned()
    }

    /// The width that the page takes, and that of the window, in CSS pixels.
    pub(crate) async fn widths(&self) -> (u64, u64) {
        let widths = self
            .eval("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]", json!([]))
            .await;
        (widths[0].as_u64().unwrap(), widths[1].as_u64().unwrap())
    }

    /// A picture of the upper part of the page for the book, if one is asked for. Where the page is short, of no more than it.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = env::var_os("SCREENSHOTS") else { return };
        self.eval("scrollTo(0, 0)", json!([])).await;
        let is_short = "return document.body.scrollHeight < innerHeight";
        let png = if self.eval(is_short, json!([])).await == true {
            self.0.find(Locator::Css("body")).await.unwrap().screenshot().await.unwrap()
        } else {
            self.0.screenshot().await.unwrap()
        };
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}
