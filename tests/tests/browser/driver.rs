//! A browser for one test: chromedriver on a port of its own, and Chromium, which reaches this machine alone.

use std::{
    io::{BufRead as _, BufReader},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::{Child, Command, Stdio},
};

use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::tab::Tab;

/// No name is looked up, but for one that is bound to this machine, as an attacker binds it.
const NAMES: &str =
    "--host-resolver-rules=MAP attacker.test 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost";

/// What a browser is like.
#[derive(Default, Clone, Copy)]
pub(crate) struct Like {
    pub(crate) dark: bool,
    /// As wide as the smallest phone, in CSS pixels.
    pub(crate) width: Option<u32>,
    pub(crate) without_scripts: bool,
}

impl Like {
    fn capabilities(self) -> Value {
        let scheme = if self.dark { 0 } else { 1 };
        let mut options = json!({
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-gpu",
                "--no-proxy-server",
                "--window-size=1100,1000",
                format!("--blink-settings=preferredColorScheme={scheme}"),
                NAMES,
            ],
        });
        if let Some(width) = self.width {
            options["mobileEmulation"] =
                json!({ "deviceMetrics": { "width": width, "height": 640, "pixelRatio": 1, "touch": false } });
        }
        if self.without_scripts {
            // 2: blocked.
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        json!({ "browserName": "chrome", "goog:chromeOptions": options })
    }
}

/// Runs a test in a browser of this kind, and ends the browser, however the test ends.
pub(crate) fn browse(like: Like, test: impl AsyncFnOnce(&Tab)) {
    let (driver, url) = start();
    let mut driver = Driver(driver);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Value::Object(capabilities) = like.capabilities() else { panic!("they are an object") };
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    let client = runtime.block_on(builder.connect(&url)).expect("chromium starts");
    let tab = Tab::new(client.clone());
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&tab))));
    let closed = runtime.block_on(client.close());
    driver.stop();
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
    closed.unwrap();
}

/// Starts chromedriver. It says which port it has found.
fn start() -> (Child, String) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().expect("apt-get install chromium chromium-driver");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = loop {
        let line = lines.next().expect("chromedriver says its port").unwrap();
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            break port.trim_end_matches('.').to_owned();
        }
    };
    // What it prints from here on is read, so that it does not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (driver, format!("http://127.0.0.1:{port}"))
}

/// The process, which ends with the test.
struct Driver(Child);

impl Driver {
    fn stop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
    }
}
