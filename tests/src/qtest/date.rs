//! The calendar, as a clock chip counts it.

use anyhow::{Context, Result, ensure};
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, to the second. Its fields hold what a clock's registers held: they
/// need not make sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Date {
    /// 0 to 59.
    pub second: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 1 (Sunday) to 7.
    pub day_of_week: u8,
    /// 1 to 31.
    pub day: u8,
    /// 1 to 12.
    pub month: u8,
    /// All four digits.
    pub year: u16,
}

impl Date {
    /// The host's time, UTC.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Date::from_unix(since.map(|since| since.as_secs()).unwrap_or(0))
    }

    /// The moment `seconds` after 1970.
    pub fn from_unix(seconds: u64) -> Self {
        let (mut days, time) = (seconds / 86400, seconds % 86400);
        let day_of_week = ((days + 4) % 7 + 1) as u8;
        let (mut year, mut month) = (1970, 1);
        loop {
            let length = u64::from(days_of(year, month));
            if days < length {
                break;
            }
            days -= length;
            (year, month) = if month == 12 {
                (year + 1, 1)
            } else {
                (year, month + 1)
            };
        }
        Date {
            second: (time % 60) as u8,
            minute: (time / 60 % 60) as u8,
            hour: (time / 3600) as u8,
            day_of_week,
            day: days as u8 + 1,
            month,
            year,
        }
    }

    /// `2006-06-17T16:01:21` or `2006-06-17`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let (day, time) = text.split_once('T').unwrap_or((text, "0:0:0"));
        let numbers = |text: &str, by: char| -> Result<Vec<u64>> {
            let numbers = text.split(by).map(|number| number.parse());
            numbers
                .collect::<Result<_, _>>()
                .with_context(|| format!("no date: {text}"))
        };
        let (day, time) = (numbers(day, '-')?, numbers(time, ':')?);
        let (&[year, month, day], &[hour, minute, second]) = (&day[..], &time[..]) else {
            anyhow::bail!("no date: {text}");
        };
        let sane = (1970..10000).contains(&year) && (1..=12).contains(&month) && hour < 24;
        ensure!(
            sane && (1..=31).contains(&day) && minute < 60 && second < 60,
            "no date: {text}"
        );
        let years = (1970..year as u16).map(|year| (1..=12).map(move |m| days_of(year, m)));
        let months = (1..month as u8).map(|month| days_of(year as u16, month));
        let days = years.flatten().chain(months).map(u64::from).sum::<u64>() + day - 1;
        Ok(Date::from_unix(
            ((days * 24 + hour) * 60 + minute) * 60 + second,
        ))
    }

    /// One second later.
    pub fn next_second(&mut self) {
        self.second = self.second.wrapping_add(1);
        if self.second < 60 {
            return;
        }
        self.second = 0;
        self.minute = self.minute.wrapping_add(1);
        if self.minute < 60 {
            return;
        }
        self.minute = 0;
        self.hour = self.hour.wrapping_add(1);
        if self.hour < 24 {
            return;
        }
        self.hour = 0;
        self.next_day();
    }

    fn next_day(&mut self) {
        self.day_of_week = self.day_of_week % 7 + 1;
        self.day = self.day.wrapping_add(1);
        if self.day <= days_of(self.year, self.month) {
            return;
        }
        self.day = 1;
        self.month = self.month.wrapping_add(1);
        if self.month <= 12 {
            return;
        }
        self.month = 1;
        self.year = self.year.wrapping_add(1);
    }
}

fn days_of(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn the_calendar_knows_its_leap_years() {
        for (before, after) in [
            ("1999-12-31T23:59:59", "2000-01-01"),
            ("2000-02-28T23:59:59", "2000-02-29"),
            ("2100-02-28T23:59:59", "2100-03-01"),
            ("2023-04-30T23:59:59", "2023-05-01"),
            ("2023-04-30T22:59:59", "2023-04-30T23:00:00"),
        ] {
            let mut moment = date(before);
            moment.next_second();
            assert_eq!(moment, date(after));
        }
    }

    #[test]
    fn unix_time_began_on_a_thursday() {
        let begin = Date::from_unix(0);
        assert_eq!((begin.year, begin.month, begin.day), (1970, 1, 1));
        assert_eq!(begin.day_of_week, 5);
        assert_eq!(Date::from_unix(1_300_000_000), date("2011-03-13T07:06:40"));
    }

    #[test]
    fn what_is_no_date_is_an_error() {
        for text in ["", "2006", "2006-13-01", "2006-06-17T", "2006-06-17T1:60:0"] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }
}
