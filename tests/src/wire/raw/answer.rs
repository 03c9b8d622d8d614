//! What the server answers, and where it stops.

/// What is answered to one request.
#[derive(Debug, Clone)]
pub(in crate::wire) struct Answer {
    pub(in crate::wire) status: u16,
    /// Beside `content-length`. Names in lower case.
    pub(in crate::wire) headers: Vec<(&'static str, String)>,
    pub(in crate::wire) body: Vec<u8>,
    pub(in crate::wire) stops: Stops,
}

/// Where an answer stops, and nothing more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Stops {
    /// At its end.
    Nowhere,
    /// Behind so many bytes of its head.
    InHead(usize),
    /// Behind its head and so many bytes of its body.
    InBody(usize),
}

impl Answer {
    pub(in crate::wire) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let json = ("content-type", "application/json".to_owned());
        Self { status, headers: vec![json], body: body.into(), stops: Stops::Nowhere }
    }
}
