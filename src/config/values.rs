//! Single values: text to a type, or why not. A reason completes the sentence "'60' ...", so that the reader of a
//! private value can leave the text out.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use regex::Regex;
use url::Url;

use super::diagnostic::Problem;
use super::suggest::suggest;

/// Nothing here lasts longer than this.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// Compiled size of a pattern, in bytes.
const LARGEST_PATTERN: usize = 1024 * 1024;

const UNITS: [(&str, u64); 6] =
    [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];

/// A duration such as `500ms`, `1.5s` or `1h 30m`; above zero.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    let help = "write a number with a unit: 500ms, 5s, 2m or 1h";
    let problem = |reason: &str| Problem::new(reason.to_owned()).help(help);
    let mut micros = 0_f64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let Ok(number) = number.parse::<f64>() else {
            return Err(problem("is not a duration"));
        };
        if unit.is_empty() {
            let example = format!("add the unit: {number}s for seconds, {number}ms for milliseconds");
            return Err(Problem::new("is a duration without a unit").help(example));
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(problem("is not a duration: its unit is unknown"));
        };
        micros += number * *scale as f64;
        rest = next.trim_start();
    }
    if text.trim().is_empty() {
        return Err(problem("is not a duration"));
    }
    // Rounding is exact here: whole microseconds up to a year are far below 2^53.
    let duration = Duration::from_micros(micros.round().min(LONGEST.as_micros() as f64 + 1.0) as u64);
    if duration.is_zero() {
        return Err(Problem::new("is no time at all"));
    }
    if duration > LONGEST {
        return Err(Problem::new("is longer than a year"));
    }
    Ok(duration)
}

/// The shortest text that [`duration`] reads back as the same whole microseconds.
pub(super) fn show_duration(duration: Duration) -> String {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (unit, scale) =
        UNITS.iter().rev().find(|(_, scale)| micros.is_multiple_of(*scale) && micros >= *scale).unwrap_or(&UNITS[0]);
    format!("{}{unit}", micros / scale)
}

/// A percentage such as `99.9%` as a share from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, Problem> {
    let Some(number) = text.trim().strip_suffix('%').map(str::trim_end) else {
        let problem = Problem::new("is not a percentage: the sign '%' is missing");
        return Err(match text.trim().parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 1.0 => problem.help(format!("write {}", show_share(share))),
            Ok(percent) if percent > 1.0 && percent <= 100.0 => problem.help(format!("write {}%", text.trim())),
            _ => problem.help("write it like 99.9%"),
        });
    };
    let plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    // The decimal point is moved in the text, since dividing by 100 would round a second time.
    match format!("{number}e-2").parse::<f64>() {
        Ok(share) if plain && share <= 1.0 => Ok(share),
        Ok(_) if plain => Err(Problem::new("is more than 100%")),
        _ => Err(Problem::new("is not a percentage").help("write it like 99.9%")),
    }
}

/// The shortest percentage that [`share`] reads back as the same number.
pub(super) fn show_share(value: f64) -> String {
    (0..18)
        .map(|digits| format!("{:.digits$}%", value * 100.0))
        .find(|text| share(text) == Ok(value))
        .unwrap_or_else(|| format!("{}%", value * 100.0))
}

/// A name of any of the model's name types.
pub(super) fn name<N: FromStr<Err = crate::model::NameError>>(text: &str) -> Result<N, Problem> {
    text.parse().map_err(|why| Problem::new("is not a name").help(format!("{why}")))
}

pub(super) fn text(text: &str) -> Result<String, Problem> {
    if text.is_empty() { Err(Problem::new("is empty")) } else { Ok(text.to_owned()) }
}

/// A text that may be empty.
pub(super) fn any_text(text: &str) -> Result<String, Problem> {
    Ok(text.to_owned())
}

pub(super) fn boolean(text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => {
            let help = match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "1" => "write true",
                "no" | "off" | "n" | "0" => "write false",
                _ => "write true or false",
            };
            Err(Problem::new("is neither true nor false").help(help))
        }
    }
}

pub(super) fn integer(text: &str, least: u64, most: u64) -> Result<u64, Problem> {
    let help = format!("write a whole number from {least} to {most}");
    match text.replace('_', "").parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Ok(number) if number < least => Err(Problem::new("is too small").help(help)),
        Ok(_) => Err(Problem::new("is too large").help(help)),
        Err(_) => Err(Problem::new("is not a whole number").help(help)),
    }
}

/// How often something may happen: above zero, at most a thousand times.
pub(super) fn rate(text: &str) -> Result<f64, Problem> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    match text.parse::<f64>() {
        Ok(rate) if plain && rate > 0.0 && rate <= 1000.0 => Ok(rate),
        Ok(rate) if plain && rate > 1000.0 => Err(Problem::new("is too large").help("write a number up to 1000")),
        _ => Err(Problem::new("is no number above 0").help("write it like 1 or 0.1")),
    }
}

/// An absolute `http` or `https` URL with a host.
pub(super) fn web_url(text: &str) -> Result<Url, Problem> {
    let url = Url::parse(text).map_err(|why| {
        let help = if why == url::ParseError::RelativeUrlWithoutBase && !text.contains("://") {
            "begin with https:// or http://"
        } else {
            "write a URL such as https://shop.example"
        };
        Problem::new(format!("is not a URL: {why}")).help(help)
    })?;
    match url.scheme() {
        "http" | "https" if url.host().is_some() => Ok(url),
        _ => Err(Problem::new("is not a web address").help("begin with https:// or http://")),
    }
}

pub(super) fn zone(text: &str) -> Result<TimeZone, Problem> {
    TimeZone::get(text).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        let near = suggest(text, known.iter().map(String::as_str)).filter(|help| help.starts_with("did"));
        Problem::new("is not a time zone of the IANA database")
            .help(near.unwrap_or_else(|| "write it like Europe/Berlin".to_owned()))
    })
}

pub(super) fn socket_address(text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_| {
        let help = match text {
            text if text.parse::<u16>().is_ok() || text.starts_with(':') => {
                format!("write the address too: 127.0.0.1:{}", text.trim_start_matches(':'))
            }
            text if text.parse::<std::net::IpAddr>().is_ok() => "add the port after a colon".to_owned(),
            _ => "write an IP address and a port: 127.0.0.1:9100 or [::1]:9100".to_owned(),
        };
        Problem::new("is not an address with a port").help(help)
    })
}

pub(super) fn css(text: &str) -> Result<String, Problem> {
    match scraper::Selector::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(Problem::new(format!("is not a CSS selector: {}", lowercase(&why.to_string())))),
    }
}

pub(super) fn pattern(text: &str) -> Result<Regex, Problem> {
    if text.contains("{{") {
        return Err(
            Problem::new("is a pattern, in which {{ name }} is not filled").help("use a plain text for variables")
        );
    }
    regex::RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build().map_err(|why| {
        let why = match &why {
            regex::Error::CompiledTooBig(limit) => format!("it compiles to more than {limit} bytes"),
            // The last line of a syntax error holds the reason; the lines before draw the pattern.
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        Problem::new(format!("is not a regular expression: {why}"))
    })
}

pub(super) fn json_path(text: &str) -> Result<String, Problem> {
    match serde_json_path::JsonPath::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => {
            let problem = Problem::new(format!("is not a JSON path: {}", lowercase(&why.to_string())));
            let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
            Err(problem.maybe_help((plain && !text.is_empty()).then(|| format!("write $.{}", text.trim_matches('.')))))
        }
    }
}

pub(super) fn header_name(text: &str) -> Result<String, Problem> {
    match http::HeaderName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Problem::new("is not a header name").help("write it like Location, without the colon")),
    }
}

/// The name of a request header that a flow may set.
pub(super) fn request_header_name(text: &str) -> Result<String, Problem> {
    let name = header_name(text)?;
    match name.to_lowercase().as_str() {
        "host" | "content-length" | "connection" | "transfer-encoding" | "cookie" => {
            Err(Problem::new("is a header that the prober sets itself").help("remove it"))
        }
        _ => Ok(name),
    }
}

pub(super) fn method(text: &str) -> Result<String, Problem> {
    let upper = text.to_uppercase();
    if http::Method::from_bytes(upper.as_bytes()).is_err() || upper == "CONNECT" {
        return Err(Problem::new("is not a method").help("write GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS"));
    }
    Ok(upper)
}

/// Inclusive range of statuses: `200` or `2xx`.
pub(super) fn status(text: &str) -> Result<(u16, u16), Problem> {
    let problem = || Problem::new("is not a status").help("write a status such as 200, or a class such as 2xx");
    if let Some(class) = text.to_lowercase().strip_suffix("xx") {
        let class = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class)).ok_or_else(problem)?;
        return Ok((class * 100, class * 100 + 99));
    }
    let code = text.parse::<u16>().ok().filter(|code| (100..=599).contains(code)).ok_or_else(problem)?;
    Ok((code, code))
}

/// `host`, `path`, `fragment` or `query.NAME`.
pub(super) fn url_part(text: &str) -> Result<String, Problem> {
    let parts = ["host", "path", "fragment"];
    if parts.contains(&text) || text.strip_prefix("query.").is_some_and(|name| !name.is_empty()) {
        return Ok(text.to_owned());
    }
    let help = suggest(text, parts).filter(|help| help.starts_with("did"));
    Err(Problem::new("is not a part of a URL")
        .help(help.unwrap_or_else(|| "write host, path, fragment or query.NAME".to_owned())))
}

/// The name of a variable, as it stands between the braces of a template.
pub(super) fn variable_name(text: &str) -> Result<String, Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(Problem::new("is not a variable name").help("use letters, digits, '_' and '.'"));
    }
    if matches!(text, "username" | "password" | "account") {
        return Err(Problem::new("is a variable that the account fills").help("choose another name"));
    }
    Ok(text.to_owned())
}

fn lowercase(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read() {
        for (text, micros) in
            [("500ms", 500_000), ("1.5s", 1_500_000), ("2m", 120_000_000), ("1h 30m", 5_400_000_000), ("250us", 250)]
        {
            assert_eq!(duration(text).unwrap(), Duration::from_micros(micros), "{text}");
        }
        for text in ["", "s", "5 parsecs", "-1s", "0s", "1e9s", "400d", "1..5s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_exact() {
        assert_eq!(share("99.9%").unwrap(), 0.999);
        assert_eq!(share("99.95 %").unwrap(), 0.9995);
        assert_eq!(share("0.999").unwrap_err().help.unwrap(), "write 99.9%");
        for text in ["", "%", "101%", "-1%", "nan%", "1e1%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_duration_reads_back(micros in 1_u64..31_622_400_000_000) {
            let value = Duration::from_micros(micros);
            prop_assert_eq!(duration(&show_duration(value)).unwrap(), value);
        }

        #[test]
        fn a_printed_share_reads_back(digits in 0_u64..=10_000_000) {
            let value = share(&format!("{}.{:05}%", digits / 100_000, digits % 100_000)).unwrap();
            prop_assert_eq!(share(&show_share(value)).unwrap(), value);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = (duration(&text), share(&text), socket_address(&text), css(&text), pattern(&text));
            let _ = (json_path(&text), status(&text), web_url(&text), zone(&text), url_part(&text));
        }
    }
}
