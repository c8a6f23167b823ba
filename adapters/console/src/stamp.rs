//! Formats the time of a stored message.

use core::fmt;

use chatapp_core::UnixSeconds;

/// Time in the form `2022-03-24 19:31:32`, local to the given offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Time in seconds since 1970, UTC.
    pub at: UnixSeconds,
    /// Local time minus UTC in seconds; negative in the west, less than a day.
    pub utc_offset: i32,
}

const SECONDS_PER_DAY: u32 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u32 = 719_468;

/// Returns year, month and day of the Gregorian calendar, `days` days after 0000-03-01.
///
/// The algorithm is Howard Hinnant's `civil_from_days`: years are counted from March, so that the
/// leap day is the last of its year.
const fn civil(days: u32) -> (u32, u32, u32) {
    const DAYS_PER_ERA: u32 = 146_097;
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All of it fits into 32 bits; a division of 64 bits is a large function on a board. A day
        // more in front keeps the sum above zero.
        let (days, second) = (self.at.0 / SECONDS_PER_DAY, self.at.0 % SECONDS_PER_DAY);
        let second = (second + SECONDS_PER_DAY).saturating_add_signed(self.utc_offset);
        let days = days + DAYS_TO_1970 - 1 + second / SECONDS_PER_DAY;
        let second = second % SECONDS_PER_DAY;
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        )
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    fn shown(at: u32, utc_offset: i32) -> std::string::String {
        Stamp {
            at: UnixSeconds(at),
            utc_offset,
        }
        .to_string()
    }

    #[test]
    fn shows_local_time() {
        assert_eq!(shown(1_648_150_292, 0), "2022-03-24 19:31:32");
        assert_eq!(shown(1_648_150_292, 19_800), "2022-03-25 01:01:32");
        assert_eq!(shown(0, -3_600), "1969-12-31 23:00:00");
        assert_eq!(shown(951_782_400, 0), "2000-02-29 00:00:00");
        assert_eq!(shown(u32::MAX, 0), "2106-02-07 06:28:15");
    }

    #[test]
    fn agrees_with_a_calendar_library() {
        // The step is no multiple of a day, so it covers every day of the year and every hour.
        for at in (0..=u32::MAX).step_by(100_003) {
            let expected = jiff::Timestamp::from_second(at.into()).unwrap();
            assert_eq!(shown(at, 0), expected.strftime("%F %T").to_string());
        }
    }
}
