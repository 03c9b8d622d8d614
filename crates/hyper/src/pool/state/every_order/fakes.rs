//! Connections that are numbers, and the table that says how they are.

use std::cell::RefCell;

use super::super::{Exclusive, Shared};

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Connection {
    pub(super) is_shared: bool,
    pub(super) is_over: bool,
    /// HTTP/2: what the peer takes at a time, and how many of it are in use.
    pub(super) limit: usize,
    pub(super) used: usize,
    pub(super) was_given: bool,
}

/// All connections, and the one that ends in the middle of a step: after it was asked so often.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Table {
    pub(super) connections: Vec<Connection>,
    pub(super) ending: Option<(usize, usize)>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// Makes one step with this table, and gives back what has become of it.
pub(super) fn with<R>(table: &mut Table, step: impl FnOnce() -> R) -> R {
    TABLE.set(std::mem::take(table));
    let result = step();
    *table = TABLE.take();
    result
}

fn is_over(number: usize) -> bool {
    TABLE.with_borrow_mut(|table| {
        let is_over = table.connections[number].is_over;
        if let Some((_, left)) = table.ending.as_mut().filter(|(ending, left)| *ending == number && *left > 0) {
            *left -= 1;
            table.connections[number].is_over |= *left == 0;
        }
        is_over
    })
}

/// HTTP/1.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct One(pub(super) usize);

impl Exclusive for One {
    fn is_closed(&self) -> bool {
        is_over(self.0)
    }

    fn rest(&mut self) {}
}

/// HTTP/2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Many(pub(super) usize);

/// Room on one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Room(pub(super) usize);

impl Shared for Many {
    type Stream = Room;

    fn is_over(&self) -> bool {
        is_over(self.0)
    }

    fn stream(&self) -> Option<Room> {
        let is_over = is_over(self.0);
        TABLE.with_borrow_mut(|table| {
            let connection = &mut table.connections[self.0];
            if is_over || connection.used >= connection.limit {
                return None;
            }
            connection.used += 1;
            connection.was_given = true;
            Some(Room(self.0))
        })
    }
}
