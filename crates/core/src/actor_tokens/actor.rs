//! Who is really acting: built by the application, or as Clerk echoed it.

use std::{borrow::Cow, fmt, sync::OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    invalid_request::InvalidRequest,
    json::{self, Budget, Json, TooMuch},
    secret::Sanitized,
};

/// The key of the subject (RFC 8693 section 4.1).
pub(super) const SUB: &str = "sub";

/// Who is really acting: an object with a `sub` and any further keys. All of them become the `act`
/// claim of the session token (RFC 8693 section 4.1).
///
/// The claim shares a cookie budget of about 1.2 KB: keep it small. An actor has at most 127 levels and 4096 values and
/// keys. A call refuses a larger one before it sends anything.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
///
/// let actor = Actor::new("user_agent").with("reason", "ticket 4711");
/// assert_eq!(actor.sub(), Some("user_agent"));
/// assert_eq!(actor.get("reason"), Some(&"ticket 4711".into()));
/// ```
#[derive(Clone)]
pub struct Actor(Keys);

/// Nearly every actor has its subject alone, and of nearly none is the map looked at. A map of one key is three allocations.
#[derive(Clone)]
enum Keys {
    Sub {
        sub: String,
        map: OnceLock<Box<Map<String, Value>>>,
    },
    Map(Box<Map<String, Value>>),
    /// Checked to be within bounds: a map can be made of it.
    Json {
        json: Box<str>,
        map: OnceLock<Box<Map<String, Value>>>,
    },
}

impl Actor {
    /// Makes an actor with this subject. It is usually the support engineer's own user id, and may
    /// be any text.
    pub fn new(sub: impl Into<String>) -> Self {
        Self(Keys::Sub { sub: sub.into(), map: OnceLock::new() })
    }

    /// Reads an actor from JSON, and keeps the text as it is. Every key is a plain key.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `actor`, if this is not a JSON object, or if it is beyond
    /// the bounds above.
    ///
    /// ```
    /// use clerk_actor_tokens_core::Actor;
    ///
    /// let actor = Actor::from_json(r#"{"sub": "user_agent"}"#)?;
    /// assert_eq!(actor, Actor::new("user_agent"));
    /// assert_eq!(actor.as_json(), r#"{"sub": "user_agent"}"#);
    /// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self, InvalidRequest> {
        let json = json.trim_matches([' ', '\t', '\r', '\n']);
        let found =
            Json::whole_object(json.as_bytes()).ok_or_else(|| InvalidRequest::new("actor", "is not a JSON object"))?;
        Self::read(found).map_err(|problem| InvalidRequest::new("actor", problem.problem()))
    }

    /// The actor that this object is.
    pub(crate) fn read(object: Json<'_>) -> Result<Self, TooMuch> {
        Budget::of_a_body().check(object)?;
        let json = std::str::from_utf8(object.as_bytes()).map_err(|_| TooMuch::NoText)?;
        Ok(Self(Keys::Json { json: json.into(), map: OnceLock::new() }))
    }

    /// Adds or replaces a key.
    #[must_use]
    pub fn with(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let mut map = self.into_map();
        map.insert(key.into(), value.into());
        Self::from(map)
    }

    /// Returns the subject. `None` where a response has none, or one that is not a string.
    #[must_use]
    pub fn sub(&self) -> Option<&str> {
        match &self.0 {
            Keys::Sub { sub, .. } => Some(sub),
            Keys::Map(_) | Keys::Json { .. } => self.get(SUB).and_then(Value::as_str),
        }
    }

    /// Returns the value of a key. Where a response has the key twice, it is the last one.
    ///
    /// A number in a response that `serde_json::Number` cannot hold exactly is a string.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().get(key)
    }

    /// Returns all keys and values, as [`get`](Self::get) gives them.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        match &self.0 {
            Keys::Sub { sub, map } => map.get_or_init(|| Box::new(map_of(sub.clone()))),
            Keys::Map(map) => map,
            Keys::Json { json, map } => map.get_or_init(|| Box::new(parsed(json))),
        }
    }

    /// Returns the actor as JSON. For an actor from a response, this is the text that Clerk sent.
    #[must_use]
    pub fn as_json(&self) -> Cow<'_, str> {
        match &self.0 {
            Keys::Json { json, .. } => Cow::Borrowed(json),
            Keys::Sub { .. } | Keys::Map(_) => Cow::Owned(serde_json::to_string(self).unwrap_or_default()),
        }
    }

    /// Appends it as JSON, if it can be sent.
    pub(super) fn push_json(&self, body: &mut Vec<u8>) -> Result<(), InvalidRequest> {
        match &self.0 {
            Keys::Json { json, .. } => body.extend_from_slice(json.as_bytes()),
            Keys::Sub { sub, .. } => {
                body.extend_from_slice(b"{\"sub\":");
                json::push_text(body, sub);
                body.push(b'}');
            }
            Keys::Map(map) => {
                json::check_map(map).map_err(|problem| InvalidRequest::new("actor", problem.problem()))?;
                serde_json::to_writer(body, map)
                    .map_err(|_| InvalidRequest::new("actor", "cannot be written as JSON"))?;
            }
        }
        Ok(())
    }

    fn into_map(self) -> Map<String, Value> {
        match self.0 {
            Keys::Sub { sub, .. } => map_of(sub),
            Keys::Map(map) => *map,
            Keys::Json { json, map } => map.into_inner().map_or_else(|| parsed(&json), |map| *map),
        }
    }
}

fn map_of(sub: String) -> Map<String, Value> {
    Map::from_iter([(SUB.to_owned(), Value::String(sub))])
}

fn parsed(json: &str) -> Map<String, Value> {
    match Json::whole_object(json.as_bytes()).map(|object| object.build(&mut Budget::of_a_body())) {
        Some(Ok(Value::Object(map))) => map,
        // It was checked when it came.
        _ => Map::new(),
    }
}

impl From<Map<String, Value>> for Actor {
    /// Takes an object as it is. A call refuses an actor without a `sub` that is a string.
    fn from(map: Map<String, Value>) -> Self {
        Self(Keys::Map(Box::new(map)))
    }
}

impl PartialEq for Actor {
    /// The same keys with the same values, in any order.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Keys::Sub { sub, .. }, Keys::Sub { sub: other, .. }) => sub == other,
            _ => self.as_map() == other.as_map(),
        }
    }
}

impl Eq for Actor {}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Keys::Sub { sub, .. } => serializer.collect_map([(SUB, sub)]),
            Keys::Map(_) | Keys::Json { .. } => self.as_map().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Actor {
    /// Reads an object, as `From<Map<String, Value>>` takes it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for Actor {
    /// Shows the subject, and of the further keys the names alone: their values are the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.as_map().keys().filter(|key| *key != SUB).map(|key| Sanitized::new(key));
        let keys: Vec<_> = keys.collect();
        f.debug_struct("Actor").field("sub", &self.sub().map(Sanitized::new)).field("further_keys", &keys).finish()
    }
}
