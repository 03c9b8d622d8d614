//! One object of an answer, whose members keep their order: what a change of content makes of it.

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::fault::{ANOTHER, ANOTHER_ID, ANOTHER_SESSION, BAD_ID, Change};

/// An object's members in their order, each value as it is written.
pub(super) struct Members(Vec<(String, Vec<u8>)>);

impl Members {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    pub(super) fn write(&self) -> Bytes {
        let mut body = Vec::from(b"{");
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend(written(&name.as_str().into()));
            body.push(b':');
            body.extend(value);
        }
        body.push(b'}');
        body.into()
    }

    pub(super) fn get(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        self.0.iter_mut().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    fn set(&mut self, name: &str, value: &Value) -> Option<()> {
        *self.get(name)? = written(value);
        Some(())
    }

    /// `None` if there is nothing to change.
    pub(super) fn apply(&mut self, change: &Change) -> Option<()> {
        match change {
            Change::Without(name) => {
                let place = self.0.iter().position(|(other, _)| other == name)?;
                self.0.remove(place);
                Some(())
            }
            Change::WrongType(name) => {
                let value = self.get(name)?;
                let is_text = value.first() == Some(&b'"');
                *value = written(&if is_text { 7.into() } else { "seven".into() });
                Some(())
            }
            Change::BadUtf8(name) => {
                let text: String = serde_json::from_slice(self.get(name)?).ok()?;
                let rest: String = text.chars().skip(1).collect();
                let mut bad = written(&rest.into());
                bad.insert(1, 0xff);
                *self.get(name)? = bad;
                Some(())
            }
            Change::Duplicate(name) => {
                self.get(name)?;
                let other = if name == "id" { self.another_id() } else { ANOTHER };
                self.0.push((name.clone().into_owned(), written(&other.into())));
                Some(())
            }
            Change::TokenStatus(status) => self.set("status", &status.as_ref().into()),
            Change::Nested(depth) => {
                let actor = self.get("actor").filter(|actor| actor.first() == Some(&b'{'))?;
                // By hand: a value so deep could not even be dropped.
                actor.pop();
                actor.extend(b",\"deep\":");
                actor.resize(actor.len().saturating_add(*depth), b'[');
                actor.resize(actor.len().saturating_add(*depth), b']');
                actor.push(b'}');
                Some(())
            }
            Change::AnotherUser => self.is_of(Some(ANOTHER), None),
            Change::AnotherActor => self.is_of(None, Some(ANOTHER)),
            Change::BadId => self.set("id", &BAD_ID.into()),
            Change::ContentType(_)
            | Change::PaddedTo(_)
            | Change::Gzip
            | Change::Bom
            | Change::Malformed
            | Change::Stale => None,
        }
    }

    /// An id that is another's, of the same kind of object.
    fn another_id(&mut self) -> &'static str {
        match self.get("object").map(|object| object.as_slice()) {
            Some(br#""session""#) => ANOTHER_SESSION,
            _ => ANOTHER_ID,
        }
    }

    /// Makes it the answer about another token or session, for this user and by this actor where they are given.
    pub(super) fn is_of(&mut self, user_id: Option<&str>, actor: Option<&str>) -> Option<()> {
        let id = self.another_id();
        self.set("id", &id.into())?;
        if let Some(user_id) = user_id {
            self.set("user_id", &user_id.into())?;
        }
        if let Some(sub) = actor {
            let mut actor: serde_json::Map<String, Value> = serde_json::from_slice(self.get("actor")?).ok()?;
            actor.insert("sub".to_owned(), sub.into());
            self.set("actor", &actor.into())?;
        }
        Some(())
    }
}

fn written(value: &Value) -> Vec<u8> {
    // A value of texts and numbers: this cannot fail to be written.
    serde_json::to_vec(value).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    members.push((name, written(&value)));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
