//! The members of an object and the elements of an array, whole or cut: one level, in order, each value as it is written.

use std::borrow::Cow;

use crate::json::{
    number,
    scan::{Scan, Stop},
};

/// How an object or an array ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With its closing bracket, and nothing but space behind it.
    Whole,
    /// Not: the bytes end first.
    Cut,
    /// Not: something is no JSON, or a key holds what is no character. Also with its closing bracket and something behind it.
    Broken,
    /// It never began: this is something else, or nothing.
    Other,
}

/// The members of a JSON object. Ends where the object does, or where it stops being one.
pub(crate) struct Members<'a>(Level<'a>);

/// The elements of a JSON array, in the same way.
pub(crate) struct Elements<'a>(Level<'a>);

struct Level<'a> {
    scan: Scan<'a>,
    close: u8,
    is_first: bool,
    end: Option<End>,
    /// The last member, if its value did not arrive whole: its key, and what there is of the value.
    open: Option<(Cow<'a, str>, &'a [u8])>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(object: &'a [u8]) -> Self {
        Self(Level::new(object, b'{', b'}'))
    }

    /// How the object ended. Of use once there are no more members.
    pub(crate) fn end(&self) -> End {
        self.0.end.unwrap_or(End::Cut)
    }

    /// How many bytes have been read, up to the last member or to where the object ended.
    pub(crate) fn at(&self) -> usize {
        self.0.scan.at()
    }

    /// The member whose value was cut, and what arrived of that.
    pub(crate) fn open(&self) -> Option<(&str, &'a [u8])> {
        self.0.open.as_ref().map(|(key, value)| (&**key, *value))
    }

    fn member(&mut self) -> Result<Option<(Cow<'a, str>, Json<'a>)>, Stop> {
        let level = &mut self.0;
        if !level.begin()? {
            return Ok(None);
        }
        let key = level.scan.text()?;
        let mut begun = level.scan.rest();
        let value = level.scan.require(b':').and_then(|()| {
            level.scan.peek().inspect_err(|_| begun = b"")?;
            begun = level.scan.rest();
            level.scan.skip()
        });
        match value {
            Ok((bytes, text)) => Ok(Some((key, Json { bytes, text }))),
            Err(stop) => {
                level.open = Some((key, begun));
                Err(stop)
            }
        }
    }
}

impl<'a> Elements<'a> {
    pub(crate) fn of(array: &'a [u8]) -> Self {
        Self(Level::new(array, b'[', b']'))
    }

    /// How the array ended. Of use once there are no more elements.
    pub(crate) fn end(&self) -> End {
        self.0.end.unwrap_or(End::Cut)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.end.is_some() {
            return None;
        }
        let member = self.member();
        self.0.settle(member)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let level = &mut self.0;
        if level.end.is_some() {
            return None;
        }
        let element = match level.begin() {
            Ok(true) => level.scan.skip().map(|(bytes, text)| Some(Json { bytes, text })),
            Ok(false) => Ok(None),
            Err(stop) => Err(stop),
        };
        level.settle(element)
    }
}

impl<'a> Level<'a> {
    fn new(bytes: &'a [u8], open: u8, close: u8) -> Self {
        let mut scan = Scan::new(bytes);
        let begins = scan.take(open).unwrap_or(false);
        Self { scan, close, is_first: true, end: (!begins).then_some(End::Other), open: None }
    }

    /// Moves to the next member or element. `false` if there is none.
    fn begin(&mut self) -> Result<bool, Stop> {
        let is_first = std::mem::take(&mut self.is_first);
        if self.scan.take(self.close)? {
            return Ok(false);
        }
        if !is_first {
            self.scan.require(b',')?;
            // A comma promises another.
            if self.scan.peek()? == self.close {
                return Err(Stop::Broken);
            }
        }
        Ok(true)
    }

    fn settle<T>(&mut self, found: Result<Option<T>, Stop>) -> Option<T> {
        match found {
            Ok(Some(found)) => return Some(found),
            Ok(None) => self.end = Some(if self.scan.peek().is_err() { End::Whole } else { End::Broken }),
            Err(Stop::Cut) => self.end = Some(End::Cut),
            Err(Stop::Broken) => self.end = Some(End::Broken),
        }
        None
    }
}

/// One whole JSON value, as it is written. Strings in it may yet hold what is no character, or no UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a> {
    bytes: &'a [u8],
    /// What it says, if it is a string without an escape: looked at once, since most are looked at once more.
    text: Option<&'a str>,
}

impl<'a> Json<'a> {
    /// The object that these bytes are, without any space around it.
    pub(crate) fn whole_object(bytes: &'a [u8]) -> Option<Self> {
        let mut scan = Scan::new(bytes);
        let (bytes, text) = scan.skip().ok()?;
        let value = Self { bytes, text };
        (value.is_object() && scan.rest().is_empty()).then_some(value)
    }

    /// The object or array that these bytes are, with space around it or without.
    pub(crate) fn whole(bytes: &'a [u8]) -> Option<Self> {
        let mut scan = Scan::new(bytes);
        let (bytes, text) = scan.skip().ok()?;
        scan.peek().is_err().then_some(Self { bytes, text })
    }

    pub(crate) fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// What a string says. `None` for another value, and for a string that holds what is no character.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        self.text.map_or_else(|| Scan::new(self.bytes).text().ok(), |text| Some(Cow::Borrowed(text)))
    }

    /// The whole part of a number, if that fits 64 bits. `None` for another value.
    pub(crate) fn integer(self) -> Option<i64> {
        number::whole_part(std::str::from_utf8(self.bytes).ok()?)
    }

    pub(crate) fn is_string(self) -> bool {
        self.bytes.first() == Some(&b'"')
    }

    pub(crate) fn is_object(self) -> bool {
        self.bytes.first() == Some(&b'{')
    }

    pub(crate) fn is_array(self) -> bool {
        self.bytes.first() == Some(&b'[')
    }

    /// `None` for another value.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self.bytes {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self.bytes == b"null"
    }

    pub(crate) fn members(self) -> Members<'a> {
        Members::of(self.bytes)
    }

    /// None, if it is no array.
    pub(crate) fn elements(self) -> Elements<'a> {
        Elements::of(self.bytes)
    }

    /// Its type, in words.
    pub(crate) fn kind(self) -> &'static str {
        match self.bytes.first() {
            Some(b'"') => "a string",
            Some(b'[') => "an array",
            Some(b'{') => "an object",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_whole_where_nothing_is_behind_it() {
        for (json, is_whole) in
            [("{}", true), (" {\"a\":1}", true), ("{} ", false), ("{}x", false), ("[]", false), ("{", false)]
        {
            assert_eq!(Json::whole_object(json.as_bytes()).is_some(), is_whole, "{json}");
        }
    }

    #[test]
    fn an_object_or_an_array_is_whole_with_space_around_it_and_with_nothing_else() {
        for (json, is_whole) in [
            (" [1, {}]\n", true),
            ("{}", true),
            ("true", false),
            ("[1] x", false),
            ("[1", false),
            ("", false),
            ("[1,]", false),
        ] {
            assert_eq!(Json::whole(json.as_bytes()).is_some(), is_whole, "{json}");
        }
    }

    #[test]
    fn each_type_has_its_words() {
        for (json, words) in [
            ("\"a\"", "a string"),
            ("[1]", "an array"),
            ("{}", "an object"),
            ("true", "a boolean"),
            ("false", "a boolean"),
            ("null", "null"),
            ("-1.5", "a number"),
        ] {
            let array = format!("[{json}]");
            let mut elements = Elements::of(array.as_bytes());
            assert_eq!(elements.next().map(Json::kind), Some(words), "{json}");
        }
    }
}
