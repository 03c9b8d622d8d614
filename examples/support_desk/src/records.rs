//! What was written down. In memory and in a file here; put your database instead.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use clerk_actor_tokens::{ActorTokenId, ActorTokenRecord};
use serde::Serialize;

/// The tokens that were handed out, and what may be left of calls that failed. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Records(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    /// A line for each token, for each doubt and for each revocation.
    file: Option<File>,
    tokens: BTreeMap<ActorTokenId, Record>,
    doubts: Vec<Doubt>,
}

/// A creation that failed, and that may have made a token.
#[derive(Clone, Debug, Serialize)]
pub struct Doubt {
    /// For whom it was.
    pub customer: String,
    /// Who asked for it.
    pub engineer: String,
    /// Why.
    pub reason: String,
    /// What it made, where that is known.
    pub id: Option<ActorTokenId>,
    /// What it made, or another call: look whose it is before you revoke it.
    pub unconfirmed_id: Option<String>,
    /// Until when it can be used, in seconds since 1970: after that the doubt is over.
    pub until: Option<u64>,
}

/// One token: all that can be known of it later, and no credential.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// As Clerk returned it.
    #[serde(flatten)]
    pub token: ActorTokenRecord,
    /// Whether the desk has revoked it.
    pub is_revoked: bool,
}

impl Tables {
    fn append(&mut self, what: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(what)?;
        self.file.as_mut().map_or(Ok(()), |file| writeln!(file, "{line}"))
    }
}

impl Records {
    /// Makes records that are also appended to a file. It is for people: the desk does not read it back.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn in_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        Ok(Self(Arc::new(Mutex::new(Tables { file, ..Tables::default() }))))
    }

    /// Writes a token down, before its link is handed out.
    ///
    /// # Errors
    /// What your database says. The token is then revoked.
    pub async fn write_down(&self, token: &ActorTokenRecord) -> io::Result<()> {
        // Where a database would be waited for.
        tokio::task::yield_now().await;
        self.with(|tables| {
            tables.append(token)?;
            tables.tokens.insert(token.id().clone(), Record { token: token.clone(), is_revoked: false });
            Ok(())
        })
    }

    /// Writes down that a token is revoked.
    pub async fn revoked(&self, id: &ActorTokenId) {
        tokio::task::yield_now().await;
        self.with(|tables| {
            if let Some(record) = tables.tokens.get_mut(id) {
                record.is_revoked = true;
            }
            if let Err(error) = tables.append(&serde_json::json!({ "id": id, "is_revoked": true })) {
                log::error!("that {id} is revoked was not written down: {error}");
            }
            tables.doubts.retain(|doubt| doubt.id.as_ref() != Some(id));
        });
    }

    /// Writes down that a call may have made a token that no one has. It is not waited for: nothing may come in between.
    pub fn doubt(&self, doubt: Doubt) {
        self.with(|tables| {
            if let Err(error) = tables.append(&doubt) {
                log::error!("a doubt was not written down: {error}: {doubt:?}");
            }
            tables.doubts.push(doubt);
        });
    }

    /// Returns what may be left of calls that failed.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        self.with(|tables| tables.doubts.clone())
    }

    /// Returns what was written down of a token.
    #[must_use]
    pub fn find(&self, id: &ActorTokenId) -> Option<ActorTokenRecord> {
        self.with(|tables| tables.tokens.get(id).map(|record| record.token.clone()))
    }

    /// Returns all of them.
    #[must_use]
    pub fn all(&self) -> Vec<Record> {
        self.with(|tables| tables.tokens.values().cloned().collect())
    }

    fn with<R>(&self, look: impl FnOnce(&mut Tables) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
