//! [`Browser`]: a headless Chromium with a profile of its own, that ends with the value.

#![expect(clippy::expect_used, reason = "this module only serves tests, which fail by panicking")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use end_to_end::wait;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::runtime::Runtime;
use xtask::places::Places;
use xtask::shell::find;

/// What Chromium needs to run unattended, also as root, and to leave the network alone.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A window's size in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    Desktop,
    Phone,
}

impl Size {
    fn pixels(self) -> (u32, u32) {
        match self {
            Self::Desktop => (1280, 800),
            Self::Phone => (390, 844),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Desktop => "1280x800",
            Self::Phone => "390x844",
        }
    }
}

/// A browser with one page.
pub(crate) struct Browser {
    runtime: Runtime,
    driver: Option<WebDriver>,
    server: Child,
    profile: PathBuf,
}

impl Browser {
    /// Starts one with an empty profile.
    pub(crate) fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed); // only has to differ
        let name = format!("multios-browser-{}-{count}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        let port = xtask::qemu::free_port().expect("a free port");
        let log = Places::find().artefacts().join(format!("chromedriver-{count}.log"));
        let log = File::create(log).expect("the log can be written");
        let server = Command::new(find("chromedriver").expect("chromedriver is installed"))
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("chromedriver starts");
        wait::until("chromedriver", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());

        let mut wanted = DesiredCapabilities::chrome();
        let chromium = find("chromium").expect("chromium is installed");
        let set = wanted.set_binary(&chromium.to_string_lossy());
        set.expect("a capability");
        for argument in ARGUMENTS {
            wanted.add_arg(argument).expect("a capability");
        }
        let folder = format!("--user-data-dir={}", profile.display());
        wanted.add_arg(&folder).expect("a capability");
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let session = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted);
        let driver = runtime.block_on(session).expect("a browser session");
        let browser = Self { runtime, driver: Some(driver), server, profile };
        browser.resize(Size::Desktop);
        browser
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("the session lives as long as the browser")
    }

    /// Goes to an address.
    pub(crate) fn open(&self, url: &str) {
        self.runtime.block_on(self.driver().goto(url)).expect("the page loads");
    }

    /// Gives the page a size.
    pub(crate) fn resize(&self, size: Size) {
        let (width, height) = size.pixels();
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        let cdp = self.driver().cdp();
        let sent = cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics);
        self.runtime.block_on(sent).expect("the size can be set");
    }

    /// What a script returns.
    pub(crate) fn evaluate(&self, script: &str) -> Value {
        let run = self.driver().execute(script, Vec::new());
        self.runtime.block_on(run).expect("the script runs").json().clone()
    }

    /// How many elements there are now.
    pub(crate) fn count(&self, selector: &str) -> usize {
        self.elements(selector).len()
    }

    fn elements(&self, selector: &str) -> Vec<WebElement> {
        self.runtime.block_on(self.driver().find_all(By::Css(selector))).unwrap_or_default()
    }

    /// Waits for an element and returns its text.
    pub(crate) fn text(&self, selector: &str) -> String {
        wait::until(&format!("the text of {selector}"), || {
            let elements = self.elements(selector);
            self.runtime.block_on(elements.first()?.text()).ok()
        })
    }

    /// Waits until the text of an element says something.
    pub(crate) fn await_text(&self, selector: &str, part: &str) {
        let mut seen = String::new();
        let is_there = wait::holds(|| {
            seen = self.text(selector);
            seen.contains(part)
        });
        assert!(is_there, "{selector} says `{seen}`, not `{part}`");
    }

    /// Waits until there is an element.
    pub(crate) fn await_element(&self, selector: &str) {
        wait::until(selector, || (self.count(selector) > 0).then_some(()));
    }

    /// Waits until there is no such element.
    pub(crate) fn await_none(&self, selector: &str) {
        wait::until(&format!("no {selector}"), || (self.count(selector) == 0).then_some(()));
    }

    /// Clicks. Tried again while the page still moves the element or draws it anew.
    pub(crate) fn click(&self, selector: &str) {
        wait::until(&format!("a click on {selector}"), || {
            let elements = self.elements(selector);
            self.runtime.block_on(elements.first()?.click()).ok()
        });
    }

    /// Types into a field.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        wait::until(&format!("typing into {selector}"), || {
            let elements = self.elements(selector);
            self.runtime.block_on(elements.first()?.send_keys(text)).ok()
        });
    }

    /// Puts a text in place of what is in a field, as people do: all is selected, and typed over.
    /// WebDriver's own way empties the field without telling the page, which brings the old text
    /// back when it draws itself anew before the first letter.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        const CONTROL: char = '\u{e009}';
        const RELEASE: char = '\u{e000}';
        self.type_into(selector, &format!("{CONTROL}a{RELEASE}{text}"));
    }

    /// Keeps a picture of the page among the artefacts.
    pub(crate) fn screenshot(&self, name: &str, size: Size) {
        self.resize(size);
        // Two frames: one that takes the new size in, one that is drawn with it.
        let frames = "return new Promise(done => requestAnimationFrame(() => \
                      requestAnimationFrame(() => done(true))))";
        self.evaluate(frames);
        let folder = Places::find().artefacts().join("screenshots");
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let file = folder.join(format!("{name}-{}.png", size.name()));
        self.runtime.block_on(self.driver().screenshot(&file)).expect("a screenshot");
    }

    /// Whether the page is wider than its window, which makes people scroll sideways.
    pub(crate) fn is_too_wide(&self) -> bool {
        let width = "return document.documentElement.scrollWidth > window.innerWidth";
        self.evaluate(width) == Value::Bool(true)
    }

    /// Pictures in both sizes, for the current theme.
    pub(crate) fn picture(&self, name: &str) {
        for size in [Size::Phone, Size::Desktop] {
            self.screenshot(name, size);
            assert!(!self.is_too_wide(), "{name} is wider than {}", size.name());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            let quit = async { tokio::time::timeout(Duration::from_secs(10), driver.quit()).await };
            let _ = self.runtime.block_on(quit);
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
