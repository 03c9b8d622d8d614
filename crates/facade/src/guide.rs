//! The book: guides, the table of failures, and what is proved.

macro_rules! pages {
    ($($name:ident = $file:literal,)+) => {
        $(
            // Of two definitions of a link the first counts: here a page links to modules, and in the book to files.
            #[doc = include_str!("../guide/links.md")]
            #[doc = include_str!(concat!("../guide/", $file))]
            #[allow(rustdoc::bare_urls, reason = "samples of errors quote texts")]
            pub mod $name {}
        )+
    };
}

pages! {
    introduction = "introduction.md",
    creating_and_revoking = "creating-and-revoking.md",
    handing_out = "handing-out.md",
    errors = "errors.md",
    error_samples = "error-samples.md",
    failures = "failures.md",
    lost_tokens = "lost-tokens.md",
    runbook = "runbook.md",
    proofs = "proofs.md",
    full_run = "full-run.md",
    price = "price.md",
    emulator_price = "emulator-price.md",
    keys_and_servers = "keys-and-servers.md",
    testing = "testing.md",
    emulator = "emulator.md",
    control = "control.md",
    languages = "languages.md",
    contract = "contract.md",
    middleware = "middleware.md",
    observing = "observing.md",
    choosing = "choosing.md",
    without_async = "without-async.md",
    transports = "transports.md",
    operations = "operations.md",
    sessions = "sessions.md",
    other_clients = "other-clients.md",
}
