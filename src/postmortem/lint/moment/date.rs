//! Dates as people write them. What exists in no calendar, or in two, is kept as such.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::Date;
use regex::{Captures, Regex};

use super::super::pattern::compiled;

/// A date and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postmortem::lint) struct WrittenDate {
    pub(in crate::postmortem::lint) range: Range<usize>,
    /// `None` when people left it out.
    pub(in crate::postmortem::lint) year: Option<i16>,
    pub(in crate::postmortem::lint) month: i8,
    pub(in crate::postmortem::lint) day: i8,
    /// The numbers may stand the other way round.
    pub(in crate::postmortem::lint) ambiguous: bool,
}

impl WrittenDate {
    /// The date, in `year` when none was written; `None` when no calendar has it.
    pub(in crate::postmortem::lint) fn date(&self, year: i16) -> Option<Date> {
        Date::new(self.year.unwrap_or(year), self.month, self.day).ok()
    }

    /// Whether it exists in some year.
    pub(in crate::postmortem::lint) fn exists(&self) -> bool {
        self.date(2024).is_some()
    }
}

const MONTHS: &str = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";

/// How the parts of a date stand.
#[derive(Clone, Copy)]
enum Order {
    YearFirst,
    MonthName,
    DayMonthName,
    /// `03/05/2024`, `5-3-2024`.
    Numbers,
    /// `05.03.2024`: only Europe writes it so.
    Dotted,
}

static PATTERNS: LazyLock<Vec<(Order, Regex)>> = LazyLock::new(|| {
    let pattern = |order, text: String| (order, compiled(&text));
    [
        pattern(Order::YearFirst, r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:\b|T)".to_owned()),
        pattern(
            Order::MonthName,
            format!(r"(?i)\b({MONTHS})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?:of\s+)?(\d{{4}})\b)?"),
        ),
        pattern(
            Order::DayMonthName,
            format!(r"(?i)\b(\d{{1,2}})(?:st|nd|rd|th)?\.?[\s-](?:of\s+)?({MONTHS})\b\.?(?:,?[\s-](\d{{4}})\b)?"),
        ),
        pattern(Order::Numbers, r"\b(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})\b".to_owned()),
        pattern(Order::Dotted, r"\b(\d{1,2})\.\s?(\d{1,2})\.(\d{4})\b".to_owned()),
    ]
    .into()
});

/// All dates of a text, in order, none inside another.
pub(in crate::postmortem::lint) fn dates(text: &str) -> Vec<WrittenDate> {
    let mut found: Vec<WrittenDate> = Vec::new();
    for (order, regex) in PATTERNS.iter() {
        for captures in regex.captures_iter(text) {
            let Some(date) = read(*order, &captures) else { continue };
            let free =
                found.iter().all(|other| date.range.end <= other.range.start || other.range.end <= date.range.start);
            if free {
                found.push(date);
            }
        }
    }
    found.sort_by_key(|date| date.range.start);
    found
}

fn read(order: Order, captures: &Captures<'_>) -> Option<WrittenDate> {
    let mut range = captures.get(0)?.range();
    let text = |index| captures.get(index).map(|found| found.as_str());
    let small = |index| text(index).and_then(|digits| digits.parse::<i8>().ok());
    let year = |index| text(index).and_then(|digits| digits.parse::<i16>().ok());
    let (year, month, day, ambiguous) = match order {
        Order::YearFirst => {
            // The T before the time is no part of the date.
            range.end = captures.get(3)?.end();
            (year(1), small(2)?, small(3)?, false)
        }
        Order::MonthName => (year(3), month(text(1)?)?, small(2)?, false),
        Order::DayMonthName => (year(3), month(text(2)?)?, small(1)?, false),
        Order::Dotted => (year(3), small(2)?, small(1)?, false),
        Order::Numbers => {
            let (first, second) = (small(1)?, small(2)?);
            let year = year(3).map(|year| if year < 100 { 2000 + year } else { year });
            // Above twelve it is a day. Both below: the American order, and said to be a guess.
            if first > 12 {
                (year, second, first, false)
            } else {
                (year, first, second, second <= 12 && first != second)
            }
        }
    };
    Some(WrittenDate { range, year, month, day, ambiguous })
}

fn month(name: &str) -> Option<i8> {
    let first = name.get(..3)?.to_lowercase();
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    names.iter().position(|known| *known == first).and_then(|index| i8::try_from(index + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_common_format() {
        for (text, month, day) in [
            ("2024-03-05T09:00", 3, 5),
            ("on 2024/03/05,", 3, 5),
            ("March 5, 2024, 09:00", 3, 5),
            ("Mar. 5th 2024", 3, 5),
            ("5 Mar 2024", 3, 5),
            ("the 5th of March, 2024", 3, 5),
            ("25/03/2024", 3, 25),
            ("03/25/2024", 3, 25),
            ("05.03.2024", 3, 5),
            ("05-Mar-2024", 3, 5),
        ] {
            let found = dates(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].year, found[0].month, found[0].day), (Some(2024), month, day), "{text}");
            assert!(!found[0].ambiguous, "{text}");
        }
        assert!(dates("03/05/2024")[0].ambiguous);
        assert!(!dates("2024-02-30")[0].exists());
        assert!(dates("24/7, 10/12 nodes, maybe 5, version 1.2.3").is_empty());
        assert_eq!(dates("March 5, 09:00")[0].year, None);
    }
}
