//! A moment as Clerk writes it, and as people read it.
//!
//! Responsible for the calendar. Not responsible for clocks: those are in `time`.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A moment as Clerk writes it: Unix time in milliseconds, any 64-bit value.
///
/// serde writes and reads the number of milliseconds, as Clerk does. `Display` is RFC 3339 in UTC with milliseconds. A
/// year that RFC 3339 cannot write (before 0000 or after 9999) has a sign and at least six digits, as in ECMAScript.
///
/// ```
/// use clerk_actor_tokens_core::Timestamp;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let at = Timestamp::from_millis(1_700_000_000_123);
/// assert_eq!(at.as_millis(), 1_700_000_000_123);
/// assert_eq!(at.to_string(), "2023-11-14T22:13:20.123Z");
/// assert_eq!(at.to_system_time(), Some(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from milliseconds since 1970-01-01T00:00:00Z. Negative before that.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the operating system's time. `None` if that cannot hold it.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let distance = Duration::from_millis(self.0.unsigned_abs());
        if self.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
    }

    /// This much later; the last moment that fits if it would not.
    #[must_use]
    pub(crate) fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// From 0000-03-01 to 1970-01-01. A year that begins in March has its leap day at its end.
const DAYS_FROM_MARCH_0: i64 = 719_468;

/// After 400 years the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

/// Returns the year, the month and the day of the proleptic Gregorian calendar.
///
/// The days of an `i64` of milliseconds are so few (some 10^11) that nothing here overflows. The algorithm is that of Howard
/// Hinnant's `civil_from_days`.
fn date(days_since_1970: i64) -> (i64, i64, i64) {
    let days = days_since_1970 + DAYS_FROM_MARCH_0;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(MILLIS_PER_DAY));
        let millis = self.0.rem_euclid(MILLIS_PER_DAY);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+07}")?,
        }
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MONTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

    fn is_leap(year: i64) -> bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    fn days_of(year: i64, month: i64) -> i64 {
        MONTHS[month as usize - 1] + i64::from(month == 2 && is_leap(year))
    }

    /// The milliseconds that a text means: whole years counted by their leap days, then months and days.
    fn read_back(text: &str) -> i128 {
        let (date, time) = text.strip_suffix('Z').unwrap().split_once('T').unwrap();
        let (year_and_month, day) = date.rsplit_once('-').unwrap();
        let (year, month) = year_and_month.rsplit_once('-').unwrap();
        let (year, month, day): (i64, i64, i64) = (year.parse().unwrap(), month.parse().unwrap(), day.parse().unwrap());
        assert!((1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day), "{text}");
        let leap_days_before =
            |year: i64| (year - 1).div_euclid(4) - (year - 1).div_euclid(100) + (year - 1).div_euclid(400);
        let days_before = |year: i64| 365 * year + leap_days_before(year);
        let days =
            days_before(year) - days_before(1970) + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1;
        let (time, millis) = time.split_once('.').unwrap();
        let seconds = time.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i128>().unwrap());
        (i128::from(days) * 86_400 + seconds) * 1000 + millis.parse::<i128>().unwrap()
    }

    proptest! {
        #[test]
        fn every_moment_is_read_back_from_what_is_shown_and_from_what_serde_writes(
            millis in prop_oneof![any::<i64>(), -62_167_219_200_000..253_402_300_800_000i64],
        ) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(read_back(&at.to_string()), i128::from(millis), "{}", at);
            let json = serde_json::to_string(&at).unwrap();
            prop_assert_eq!(&json, &millis.to_string());
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
        }
    }

    #[test]
    fn known_moments_are_shown_as_others_show_them() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
            (i64::MAX, "+292278994-08-17T07:12:55.807Z"),
            (i64::MIN, "-292275055-05-16T16:47:04.192Z"),
        ];
        for (millis, text) in table {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn each_day_of_eight_hundred_years_is_the_one_behind_the_day_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..800 * 366 {
            let shown = Timestamp::from_millis(days * MILLIS_PER_DAY).to_string();
            assert_eq!(shown, format!("{year:04}-{month:02}-{day:02}T00:00:00.000Z"));
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (month, day) if day == days_of(year, month) => (year, month + 1, 1),
                (month, day) => (year, month, day + 1),
            };
        }
    }

    #[test]
    fn every_64_bit_timestamp_is_kept_and_none_panics() {
        for millis in [i64::MIN, -1, 0, 1, 1_700_000_000_123, i64::MAX] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(at.as_millis(), millis);
            let _ = at.to_system_time();
            assert!(at.saturating_add(Duration::MAX).as_millis() >= millis);
        }
        let before = Timestamp::from_millis(-1500).to_system_time().unwrap();
        assert_eq!(UNIX_EPOCH.duration_since(before).unwrap(), Duration::from_millis(1500));
    }
}
