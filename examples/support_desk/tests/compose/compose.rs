//! A compose file as its services.

use std::collections::BTreeMap;

use yaml_rust2::{Yaml, YamlLoader};

pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) keys: Vec<String>,
    pub(crate) build: BTreeMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) ports: Vec<String>,
    /// The services that it waits for, and what they have to be.
    pub(crate) depends_on: BTreeMap<String, String>,
}

/// Its services, or why it is no compose file.
pub(crate) fn services(text: &str) -> Result<Vec<Service>, String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    let [document] = documents.as_slice() else { return Err("it is not one document".to_owned()) };
    let services = document["services"].as_hash().ok_or("it has no services")?;
    services.iter().map(|(name, service)| Service::read(written(name)?, service)).collect()
}

impl Service {
    fn read(name: String, service: &Yaml) -> Result<Self, String> {
        let keys = service.as_hash().ok_or(format!("{name} has no keys"))?;
        let ports = service["ports"].as_vec().map(|ports| ports.iter().map(written).collect()).transpose()?;
        let depends_on = service["depends_on"].as_hash().into_iter().flatten();
        Ok(Self {
            name,
            keys: keys.keys().map(written).collect::<Result<_, _>>()?,
            build: texts(&service["build"])?,
            environment: texts(&service["environment"])?,
            ports: ports.unwrap_or_default(),
            depends_on: depends_on
                .map(|(name, rest)| Ok((written(name)?, written(&rest["condition"])?)))
                .collect::<Result<_, String>>()?,
        })
    }
}

fn texts(map: &Yaml) -> Result<BTreeMap<String, String>, String> {
    map.as_hash().into_iter().flatten().map(|(name, value)| Ok((written(name)?, written(value)?))).collect()
}

/// A text. A number or a boolean would be read in another way by another reader, so it has to be in quotes.
fn written(value: &Yaml) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value:?} is no text: put it in quotes"))
}
