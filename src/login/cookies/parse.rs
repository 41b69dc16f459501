//! Reads one `Set-Cookie` value as browsers do (RFC 6265 section 5.2 with the limits of its successor draft). Knows no
//! jar and no host.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Name and value together; longer ones are ignored by browsers.
const LONGEST_PAIR: usize = 4096;
/// An attribute's value; longer ones are ignored by browsers.
const LONGEST_ATTRIBUTE: usize = 1024;

/// What a `Set-Cookie` value says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SetCookie {
    /// Name; may be empty.
    pub(super) name: Vec<u8>,
    /// Value, quotes and all.
    pub(super) value: Vec<u8>,
    /// `Domain` in lower case without its leading dot; absent when empty.
    pub(super) domain: Option<String>,
    /// `Path` when it begins with a slash.
    pub(super) path: Option<String>,
    /// `Secure`.
    pub(super) secure: bool,
    /// When it ends; `None`: with the session.
    pub(super) expires: Option<Timestamp>,
}

/// Parses a `Set-Cookie` value.
///
/// # Errors
/// Why a browser would ignore the whole cookie.
pub(super) fn parse(header: &[u8], now: Timestamp) -> Result<SetCookie, &'static str> {
    if header.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
        return Err("it holds a control character");
    }
    let mut parts = header.split(|&byte| byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
        Some(at) => (trim(&pair[..at]), trim(&pair[at + 1..])),
        None => (&[][..], trim(pair)),
    };
    if name.is_empty() && value.is_empty() {
        return Err("it has neither name nor value");
    }
    if name.len() + value.len() > LONGEST_PAIR {
        return Err("name and value are longer than 4096 bytes");
    }
    let mut cookie = SetCookie { name: name.to_vec(), value: value.to_vec(), ..SetCookie::default() };
    let (mut max_age, mut expires) = (None, None);
    for part in parts {
        let (key, value) = match part.iter().position(|&byte| byte == b'=') {
            Some(at) => (trim(&part[..at]), trim(&part[at + 1..])),
            None => (trim(part), &[][..]),
        };
        if value.len() > LONGEST_ATTRIBUTE {
            continue;
        }
        let value = String::from_utf8_lossy(value);
        match key.to_ascii_lowercase().as_slice() {
            b"domain" => {
                let domain = value.strip_prefix('.').unwrap_or(&value).to_ascii_lowercase();
                cookie.domain = (!domain.is_empty()).then_some(domain);
            }
            b"path" => cookie.path = value.starts_with('/').then(|| value.into_owned()),
            b"secure" => cookie.secure = true,
            b"max-age" => max_age = parse_max_age(&value, now).or(max_age),
            b"expires" => expires = parse_date(&value).or(expires),
            _ => {}
        }
    }
    cookie.expires = max_age.or(expires);
    Ok(cookie)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !space(byte)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// `Max-Age` as the moment when it ends; zero and negative values end at once.
fn parse_max_age(text: &str, now: Timestamp) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if text.starts_with('-') {
        return Some(Timestamp::MIN);
    }
    // Browsers keep no cookie longer than 400 days.
    let seconds = digits.parse::<u64>().unwrap_or(u64::MAX).min(400 * 86_400);
    if seconds == 0 {
        return Some(Timestamp::MIN);
    }
    SignedDuration::try_from(Duration::from_secs(seconds)).ok().and_then(|age| now.checked_add(age).ok())
}

/// A cookie date, read as leniently as RFC 6265 section 5.1.1 demands: the parts are recognised one by one, so that
/// every spelling that servers use is understood (a deletion that is not understood would leave a dead value alive).
fn parse_date(text: &str) -> Option<Timestamp> {
    let delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':' || !c.is_ascii());
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = parse_time(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = leading_number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = parse_month(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = leading_number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let year = match year? {
        short @ 70..=99 => short + 1900,
        short @ 0..=69 => short + 2000,
        long if long < 1601 => return None,
        long => long,
    };
    let date = Date::new(i16::try_from(year).ok()?, month?, i8::try_from(day?).ok()?).ok()?;
    TimeZone::UTC.to_timestamp(DateTime::from_parts(date, time?)).ok()
}

fn parse_time(token: &str) -> Option<Time> {
    let mut parts = token.splitn(3, ':');
    let hour = whole_number(parts.next()?)?;
    let minute = whole_number(parts.next()?)?;
    let second = leading_number(parts.next()?, 1, 2)?;
    Time::new(hour, minute, i8::try_from(second).ok()?, 0).ok()
}

fn whole_number(text: &str) -> Option<i8> {
    if (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// A number of `least` to `most` digits at the start of the token, followed by no further digit.
fn leading_number(token: &str, least: usize, most: usize) -> Option<u32> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if (least..=most).contains(&digits) { token[..digits].parse().ok() } else { None }
}

fn parse_month(token: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| *month == start)?;
    i8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_spelling_of_a_date_is_understood() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 6 Nov 1994 8:49:37 +0000",
            "06-Nov-1994 08:49:37 GMT",
            "nov 6 94 08:49:37",
        ] {
            assert_eq!(parse_date(text).map(|t| t.to_string()).as_deref(), Some("1994-11-06T08:49:37Z"), "{text}");
        }
        for text in ["", "0", "Sun, 06 Nov 1500 08:49:37 GMT", "Sun, 31 Feb 2026 08:49:37 GMT", "06 Nov 1994"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        assert_eq!(parse_date("Thu, 01-Jan-70 00:00:01 GMT").map(Timestamp::as_second), Some(1));
    }

    #[test]
    fn odd_names_and_values_survive() {
        for (header, name, value) in [
            ("a.b=c", "a.b", "c"),
            ("q=\"x y\"; Path=/", "q", "\"x y\""),
            ("  spaced =  v=1 ; Secure", "spaced", "v=1"),
            ("op2_session.sig=1-_~", "op2_session.sig", "1-_~"),
            ("bare", "", "bare"),
            ("empty=", "empty", ""),
        ] {
            let cookie = parse(header.as_bytes(), now()).unwrap();
            assert_eq!(
                (cookie.name.as_slice(), cookie.value.as_slice()),
                (name.as_bytes(), value.as_bytes()),
                "{header}"
            );
        }
        assert_eq!(parse(b"l=\xe9", now()).unwrap().value, b"\xe9");
    }

    #[test]
    fn attributes_follow_the_rules() {
        let cookie = parse(
            b"a=b; DOMAIN=.Example.COM; path=x; secure; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            now(),
        );
        let cookie = cookie.unwrap();
        assert_eq!(cookie.domain.as_deref(), Some("example.com"));
        assert_eq!(cookie.path, None);
        assert!(cookie.secure);
        assert_eq!(cookie.expires.map(|t| t.to_string()).as_deref(), Some("2026-11-23T10:01:00Z"));
        assert_eq!(parse(b"a=b; Max-Age=0", now()).unwrap().expires, Some(Timestamp::MIN));
        assert_eq!(parse(b"a=b; Max-Age=-5", now()).unwrap().expires, Some(Timestamp::MIN));
        assert_eq!(parse(b"a=b; Max-Age=soon", now()).unwrap().expires, None);
    }

    #[test]
    fn what_browsers_ignore_is_refused() {
        assert!(parse(b"=", now()).is_err());
        assert!(parse(b"", now()).is_err());
        assert!(parse(b"a=b\x01", now()).is_err());
        assert!(parse(format!("a={}", "x".repeat(4096)).as_bytes(), now()).is_err());
        assert!(parse(format!("a={}", "x".repeat(4095)).as_bytes(), now()).is_ok());
    }
}
