//! A list that has one entry nearly always, and then needs no memory of its own.

/// A list whose first entry is kept in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Few<T> {
    One(T),
    /// None, or two and more.
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(crate) const fn new() -> Self {
        Self::Many(Vec::new())
    }

    pub(crate) fn push(&mut self, value: T) {
        *self = match std::mem::take(self) {
            Self::Many(list) if list.is_empty() => Self::One(value),
            Self::Many(mut list) => {
                list.push(value);
                Self::Many(list)
            }
            Self::One(first) => Self::Many(vec![first, value]),
        };
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(list) => list,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(list) => list,
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut few = Self::new();
        values.into_iter().for_each(|value| few.push(value));
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_list_like_any_other(values in proptest::collection::vec(any::<u8>(), 0..5)) {
            let mut few: Few<u8> = values.iter().copied().collect();
            prop_assert_eq!(few.as_slice(), &values[..]);
            prop_assert_eq!(few.as_mut_slice(), &values[..]);
            prop_assert_eq!(matches!(few, Few::One(_)), values.len() == 1);
        }
    }
}
