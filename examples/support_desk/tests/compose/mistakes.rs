//! The two files are right, and each mistake in them is found.

use crate::{COMPOSE, CONTAINERFILE, rules};

#[test]
fn each_path_option_variable_and_port_is_one_that_exists() {
    let wrong = rules::wrong(CONTAINERFILE, COMPOSE);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is written instead of what, and what is then said.
#[test]
fn each_mistake_is_found() {
    let in_containerfile = [
        ("COPY docs/src docs/src/\n", "", "docs/src: cargo reads it, and it is not copied"),
        ("COPY benches ", "COPY bench ", "COPY bench: there is no such path"),
        ("COPY fuzz/properties fuzz/properties/\n", "", "fuzz/properties: cargo reads it"),
        ("-p support-desk", "-p support-desks", "no package has the name \"support-desks\""),
        ("--release --locked -p support-desk", "--release -p support-desk", "it is not --locked"),
        ("rust:1.85-slim-bookworm", "rust:1.84-slim-bookworm", "the lowest Rust is 1.85"),
        ("FROM debian:bookworm-slim AS emulator", "FROM debian:trixie-slim AS emulator", "was built on rust:"),
        ("--from=build-emulator", "--from=build-emulators", "which is no stage"),
        ("--from=build-emulator", "--from=build-support-desk", "is not built in build-support-desk"),
        ("release/support-desk", "release/support_desk", "is not built in build-support-desk"),
        ("release/support-desk", "debug/support-desk", "is not built in build-support-desk"),
        ("USER 10001:10001\nEXPOSE 4010", "USER 0\nEXPOSE 4010", "emulator: it runs as root"),
        ("USER 10001:10001\nEXPOSE 8080", "EXPOSE 8080", "support-desk: it runs as root"),
        ("ENTRYPOINT [\"support-desk\"]", "ENTRYPOINT support-desk", "a shell would be the first process"),
        ("ENTRYPOINT [\"support-desk\"]", "ENTRYPOINT [\"desk\"]", "runs desk, which the image does not have"),
        ("\"--health\"]", "\"--healthy\"]", "HEALTHCHECK: the command has no option --healthy"),
        ("CMD [\"clerk-actor-tokens-emulator\", \"--health\"]", "CMD [\"curl\"]", "HEALTHCHECK runs curl"),
        ("CLERK_EMULATOR_HOST=", "CLERK_EMULATOR_HOSTS=", "the command has no variable CLERK_EMULATOR_HOSTS"),
        ("CLERK_EMULATOR_PORT=4010", "CLERK_EMULATOR_PORT=many", "invalid value 'many' for '--port <PORT>'"),
        ("EXPOSE 4010", "EXPOSE 4011", "it does not listen on the port 4011"),
        ("EXPOSE 8080", "EXPOSE 8081", "127.0.0.1:8080:8080 is published, and the image exposes 8081"),
        ("HEALTHCHECK --interval", "LABEL --interval", "clerk-emulator, which cannot become service_healthy"),
    ];
    let in_compose = [
        (
            "dockerfile: container/Containerfile",
            "dockerfile: container/Dockerfile",
            "there is no ../container/Dockerfile",
        ),
        ("target: emulator", "target: emulators", "no stage has the name emulators"),
        ("    ports:\n", "    port:\n", "the key port is not known"),
        ("PORT: \"4010\"", "PORT: 4010", "put it in quotes"),
        ("CLERK_EMULATOR_USER:", "CLERK_EMULATOR_USERS:", "the command has no variable CLERK_EMULATOR_USERS"),
        ("CLERK_EMULATOR_SEED: \"7\"", "CLERK_EMULATOR_SEED: seven", "invalid value 'seven'"),
        ("PORT: \"4010\"", "PORT: \"4011\"", "CLERK_API_URL has the port \"4010\", where the emulator does not listen"),
        ("CONTROL_HOST: clerk-emulator", "CONTROL_HOST: clerk", "does not answer to the name of the service"),
        (
            "KEY: sk_test_emulator\n      CLERK_EMULATOR_SEED",
            "KEY: sk_test_a\n      CLERK_EMULATOR_SEED",
            "its secret key is not that",
        ),
        ("CLERK_API_URL:", "CLERK_API_URI:", "the client does not read CLERK_API_URI"),
        ("CLERK_SECRET_KEY:", "CLERK_SECRET:", "it has no CLERK_SECRET_KEY"),
        ("http://clerk-emulator:4010", "http://clerk:4010", "CLERK_API_URL names \"clerk\""),
        ("ALLOW_HTTP: clerk-emulator", "ALLOW_HTTP: \"1\"", "CLERK_DANGER_ALLOW_HTTP does not allow clerk-emulator"),
        ("\"127.0.0.1:4010:4010\"", "\"127.0.0.1:4010:4001\"", "127.0.0.1:4010:4001 is published"),
        ("\"127.0.0.1:4010:4010\"", "\"4010:4010\"", "it is published to other machines"),
        ("condition: service_healthy", "condition: service_started", "which cannot become service_started"),
        (
            "    depends_on:\n      clerk-emulator:\n        condition: service_healthy\n",
            "",
            "it does not wait for clerk-emulator",
        ),
    ];
    let mut unseen = Vec::new();
    let mut try_one = |file: &str, is_compose: bool, (right, mistake, says): (&str, &str, &str)| {
        assert!(file.contains(right), "there is no {right}");
        let file = file.replacen(right, mistake, 1);
        let wrong = if is_compose { rules::wrong(CONTAINERFILE, &file) } else { rules::wrong(&file, COMPOSE) };
        if !wrong.iter().any(|why| why.contains(says)) {
            unseen.push(format!("{right:?} became {mistake:?}: {wrong:?}"));
        }
    };
    in_containerfile.into_iter().for_each(|mistake| try_one(CONTAINERFILE, false, mistake));
    in_compose.into_iter().for_each(|mistake| try_one(COMPOSE, true, mistake));
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}
