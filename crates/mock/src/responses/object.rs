//! What all answers that are one JSON object have in common.

/// Gives a type with the fields `head: Head` and `fields: Map<String, Value>` the setters of both, and makes it an answer.
macro_rules! object_response {
    ($name:ident) => {
        impl $name {
            /// Sets any field of the answer, also to null or to something that Clerk would not send.
            pub fn field(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
                self.fields.insert(name.to_owned(), value.into());
                self
            }

            /// Leaves a field out.
            pub fn without(mut self, name: &str) -> Self {
                self.fields.remove(name);
                self
            }

            /// Sets the HTTP status, 200 otherwise.
            ///
            /// # Panics
            /// If it is no HTTP status (100 to 999).
            #[track_caller]
            pub fn http_status(mut self, status: u16) -> Self {
                self.head.status = $crate::responses::head::status_code(status);
                self
            }

            /// Sets a header.
            ///
            /// # Panics
            /// If the name or the value cannot stand in a header.
            #[track_caller]
            pub fn header(mut self, name: &str, value: &str) -> Self {
                self.head.set(name, value);
                self
            }

            /// The response.
            #[must_use]
            pub fn build(self) -> clerk_actor_tokens_core::Response {
                self.head.with_json(&serde_json::Value::Object(self.fields))
            }
        }

        impl From<$name> for clerk_actor_tokens_core::Response {
            fn from(response: $name) -> Self {
                response.build()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let names: Vec<_> =
                    self.fields.keys().map(|name| clerk_actor_tokens_core::Sanitized::new(name)).collect();
                f.debug_struct(stringify!($name))
                    .field("http_status", &self.head.status.as_u16())
                    .field("fields", &names)
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use object_response;
