//! Which object of an answer a change is about: the answer itself, or the first session of a list.

use bytes::Bytes;

use super::members::Members;

const DATA: &str = "data";

/// Changes an answer's object. In a page of sessions (`[...]`, or `{"data": [...]}`) it is the first one, unless the page
/// itself has the member of this name. `None` if there is nothing to change.
pub(super) fn edit(
    body: &[u8],
    member: Option<&str>,
    change: impl FnOnce(&mut Members) -> Option<()>,
) -> Option<Bytes> {
    if body.first() == Some(&b'[') {
        return first_of(body, change).map(Bytes::from);
    }
    let mut members = Members::read(body)?;
    let is_page = members.get(DATA).is_some() && member.is_none_or(|name| members.get(name).is_none());
    if is_page {
        let list = members.get(DATA)?;
        *list = first_of(list, change)?;
    } else {
        change(&mut members)?;
    }
    Some(members.write())
}

/// The list, with its first object changed.
fn first_of(list: &[u8], change: impl FnOnce(&mut Members) -> Option<()>) -> Option<Vec<u8>> {
    let objects: Vec<Members> = serde_json::from_slice(list).ok()?;
    let mut objects = objects.into_iter();
    let mut first = objects.next()?;
    change(&mut first)?;
    let mut changed = Vec::from(b"[");
    changed.extend(first.write());
    for object in objects {
        changed.push(b',');
        changed.extend(object.write());
    }
    changed.push(b']');
    Some(changed)
}
