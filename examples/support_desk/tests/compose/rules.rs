//! What has to hold of the two files, and of both together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde_json::Value;

use crate::{
    compose::{self, Service},
    containerfile::{self, Stage},
    programs,
};

/// The keys that the compose file may use.
const KEYS: [&str; 5] = ["build", "environment", "ports", "depends_on", "stop_grace_period"];

/// What is wrong, each in a sentence.
pub(crate) fn wrong(containerfile: &str, compose: &str) -> Vec<String> {
    let stages = containerfile::stages(containerfile);
    let mut wrong = Vec::new();
    sources(&stages, &mut wrong);
    for stage in stages.iter().filter(|stage| stage.last("ENTRYPOINT").is_some() || stage.base.starts_with("debian:")) {
        image(stage, &stages, &mut wrong);
    }
    match compose::services(compose) {
        Ok(services) => together(&stages, &services, &mut wrong),
        Err(why) => wrong.push(why),
    }
    wrong
}

/// What is copied exists, and is all that cargo reads; what is built is a program of the workspace.
fn sources(stages: &[Stage], wrong: &mut Vec<String>) {
    let copied: BTreeSet<String> =
        stages.iter().flat_map(Stage::copies).filter(|(from, _)| from.is_none()).flat_map(|(_, paths)| paths).collect();
    for path in copied.iter().filter(|path| !crate::root().join(path).exists()) {
        wrong.push(format!("COPY {path}: there is no such path"));
    }
    let (members, packages) = workspace();
    let needed = members.iter().map(String::as_str).chain(["Cargo.toml", "Cargo.lock", "README.md", "docs/src"]);
    for path in needed.filter(|path| !copied.iter().any(|copied| format!("{path}/").starts_with(&format!("{copied}/"))))
    {
        wrong.push(format!("{path}: cargo reads it, and it is not copied"));
    }
    for run in stages.iter().flat_map(|stage| stage.all("RUN")).filter(|run| run.contains("cargo build")) {
        let package = run.split(" -p ").nth(1).unwrap_or_default().trim();
        if !packages.contains(package) {
            wrong.push(format!("RUN {run}: no package has the name {package:?}"));
        }
        if !run.contains("--locked") {
            wrong.push(format!("RUN {run}: it is not --locked"));
        }
    }
    let rust = stages.iter().find_map(|stage| stage.base.strip_prefix("rust:")).unwrap_or_default();
    if rust.split('-').next() != Some(env!("CARGO_PKG_RUST_VERSION")) {
        wrong.push(format!("FROM rust:{rust}: the lowest Rust is {}", env!("CARGO_PKG_RUST_VERSION")));
    }
}

/// The folders of the workspace's members, and the names of its packages.
fn workspace() -> &'static (BTreeSet<String>, BTreeSet<String>) {
    static ASKED: OnceLock<(BTreeSet<String>, BTreeSet<String>)> = OnceLock::new();
    ASKED.get_or_init(ask_cargo)
}

fn ask_cargo() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    let cargo = cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(crate::root());
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let folder = |package: &Value| {
        let manifest = package["manifest_path"].as_str().unwrap().strip_prefix(root).unwrap();
        manifest.trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned()
    };
    (packages.iter().map(folder).collect(), packages.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect())
}

/// An image runs a program of its own, as its first process, and not as root.
fn image(stage: &Stage, stages: &[Stage], wrong: &mut Vec<String>) {
    let name = &stage.name;
    let release = |base: &str| base.rsplit(['-', ':']).find(|part| *part != "slim").unwrap_or_default().to_owned();
    if let Some(rust) = stages.iter().find(|stage| stage.base.starts_with("rust:")) {
        if release(&rust.base) != release(&stage.base) {
            wrong.push(format!("{name}: it runs on {}, and was built on {}", stage.base, rust.base));
        }
    }
    let mut programs = BTreeSet::new();
    for (from, paths) in stage.copies() {
        let built = stages.iter().find(|stage| Some(&stage.name) == from.as_ref());
        let Some(built) = built else {
            wrong.push(format!("{name}: it copies from {from:?}, which is no stage"));
            continue;
        };
        for path in paths {
            let program = path.rsplit('/').next().unwrap_or_default().to_owned();
            let is_built = built.all("RUN").iter().any(|run| run.ends_with(&format!(" -p {program}")));
            if !is_built || !path.starts_with("/build/target/release/") || programs::by_name(&program).is_none() {
                wrong.push(format!("{name}: {path} is not built in {}", built.name));
            }
            programs.insert(program);
        }
    }
    if stage.last("USER").is_none_or(|user| user.starts_with('0') || user.starts_with("root")) {
        wrong.push(format!("{name}: it runs as root"));
    }
    for word in ["ENTRYPOINT", "HEALTHCHECK"] {
        if stage.last(word).is_none() && word == "HEALTHCHECK" {
            continue;
        }
        let exec = stage.exec(word).unwrap_or_default();
        match exec.split_first() {
            None => wrong.push(format!("{name}: {word} is not in exec form, so a shell would be the first process")),
            Some((program, _)) if !programs.contains(program) => {
                wrong.push(format!("{name}: {word} runs {program}, which the image does not have"));
            }
            Some((program, options)) if program == "clerk-actor-tokens-emulator" => {
                let unknown = options.iter().filter(|option| !programs::known().options.contains(*option));
                wrong.extend(unknown.map(|option| format!("{name}: {word}: the command has no option {option}")));
            }
            Some(_) => {}
        }
    }
    if programs.contains("clerk-actor-tokens-emulator") {
        emulators_environment(name, &stage.environment(), wrong);
    }
}

fn emulators_environment(name: &str, environment: &BTreeMap<String, String>, wrong: &mut Vec<String>) {
    let unknown = environment.keys().filter(|variable| !programs::known().variables.contains(*variable));
    wrong.extend(unknown.map(|variable| format!("{name}: the command has no variable {variable}")));
    if let Some(why) = programs::refuses(environment) {
        wrong.push(format!("{name}: {why}"));
    }
}

/// The services are of these images, and fit each other.
fn together(stages: &[Stage], services: &[Service], wrong: &mut Vec<String>) {
    let (mut emulators, mut applications) = (Vec::new(), Vec::new());
    for service in services {
        let name = &service.name;
        let unknown = service.keys.iter().filter(|key| !KEYS.contains(&key.as_str()));
        wrong.extend(unknown.map(|key| format!("{name}: the key {key} is not known")));
        let built = |key: &str| service.build.get(key).map_or("", String::as_str);
        let file = format!("{}/{}", built("context"), built("dockerfile"));
        if !crate::root().join("container").join(&file).is_file() {
            wrong.push(format!("{name}: there is no {file}"));
        }
        let Some(stage) = stages.iter().find(|stage| stage.name == built("target")) else {
            wrong.push(format!("{name}: no stage has the name {}", built("target")));
            continue;
        };
        let mut environment = stage.environment();
        environment.extend(service.environment.clone());
        let exposed = stage.last("EXPOSE").unwrap_or_default();
        for port in service.ports.iter().filter(|port| port.rsplit(':').next() != Some(exposed)) {
            wrong.push(format!("{name}: {port} is published, and the image exposes {exposed}"));
        }
        if !service.ports.iter().all(|port| port.starts_with("127.0.0.1:")) {
            wrong.push(format!("{name}: it is published to other machines"));
        }
        for (other, condition) in &service.depends_on {
            let of_other = services.iter().find(|service| service.name == *other);
            let stage =
                of_other.and_then(|other| stages.iter().find(|stage| Some(&stage.name) == other.build.get("target")));
            if condition != "service_healthy" || stage.is_none_or(|stage| stage.last("HEALTHCHECK").is_none()) {
                wrong.push(format!("{name}: it waits for {other}, which cannot become {condition}"));
            }
        }
        if stage
            .copies()
            .iter()
            .any(|(_, paths)| paths.iter().any(|path| path.ends_with("/clerk-actor-tokens-emulator")))
        {
            emulators_environment(name, &environment, wrong);
            if environment.get("CLERK_EMULATOR_PORT").map(String::as_str) != Some(exposed) {
                wrong.push(format!("{name}: it does not listen on the port {exposed}, which the image exposes"));
            }
            let named = environment.get("CLERK_EMULATOR_CONTROL_HOST");
            if !named.is_some_and(|named| named.split(',').any(|named| named == name)) {
                wrong.push(format!("{name}: its control plane does not answer to the name of the service"));
            }
            emulators.push((name.clone(), environment));
        } else {
            applications.push(service);
        }
    }
    applications.into_iter().for_each(|service| application(service, &emulators, wrong));
}

/// An application reads each of its variables, and reaches the emulator by them.
fn application(service: &Service, emulators: &[(String, BTreeMap<String, String>)], wrong: &mut Vec<String>) {
    let (name, environment) = (&service.name, &service.environment);
    let known = programs::of_client();
    wrong.extend(
        environment
            .keys()
            .filter(|variable| !known.contains(*variable))
            .map(|variable| format!("{name}: the client does not read {variable}")),
    );
    let missing = known.iter().filter(|variable| !environment.contains_key(*variable));
    wrong.extend(missing.map(|variable| format!("{name}: it has no {variable}")));
    let of = |variable: &str| environment.get(variable).map_or("", String::as_str);
    let (host, port) =
        of("CLERK_API_URL").strip_prefix("http://").and_then(|at| at.split_once(':')).unwrap_or_default();
    let Some((_, emulator)) = emulators.iter().find(|(name, _)| name == host) else {
        return wrong.push(format!("{name}: CLERK_API_URL names {host:?}, which is no service with the emulator"));
    };
    if !service.depends_on.contains_key(host) {
        wrong.push(format!("{name}: it does not wait for {host}"));
    }
    if emulator.get("CLERK_EMULATOR_PORT").map(String::as_str) != Some(port) {
        wrong.push(format!("{name}: CLERK_API_URL has the port {port:?}, where the emulator does not listen"));
    }
    if !of("CLERK_DANGER_ALLOW_HTTP").split(',').any(|allowed| allowed == host) {
        wrong.push(format!("{name}: CLERK_DANGER_ALLOW_HTTP does not allow {host}"));
    }
    if emulator.get("CLERK_EMULATOR_SECRET_KEY").map(String::as_str) != Some(of("CLERK_SECRET_KEY")) {
        wrong.push(format!("{name}: its secret key is not that of the emulator"));
    }
}
