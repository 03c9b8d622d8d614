//! The pages of the book.

macro_rules! pages {
    ($($name:ident = $file:literal,)+) => {
        $(
            #[doc = include_str!(concat!("../../docs/src/", $file))]
            mod $name {}
        )+
    };
}

pages! {
    creating_and_revoking = "creating-and-revoking.md",
    emulator = "emulator.md",
    error_samples = "error-samples.md",
    errors = "errors.md",
    failures = "failures.md",
    introduction = "introduction.md",
    lost_tokens = "lost-tokens.md",
    price = "price.md",
    proofs = "proofs.md",
    keys_and_servers = "keys-and-servers.md",
    middleware = "middleware.md",
    operations = "operations.md",
    other_clients = "other-clients.md",
    testing = "testing.md",
    transports = "transports.md",
}
