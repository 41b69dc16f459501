//! How names, counts and settings read in findings.

use jiff::Timestamp;

use crate::model::Micros;

/// `` `a`, `b` and `c` ``; `nobody` for none.
pub(super) fn names<T: AsRef<str>>(all: &[T]) -> String {
    let quoted: Vec<String> = all.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 session`, `2 sessions`.
pub(super) fn count(number: impl Into<u64>, what: &str) -> String {
    match number.into() {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// `8.4 MB`, with decimal units; whole bytes below 1 kB.
pub(super) fn bytes(number: u64) -> String {
    let value = number as f64;
    match number {
        0..1_000 => format!("{number} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// `2.3 s`.
pub(super) fn seconds(time: Micros) -> String {
    format!("{:.1} s", time.as_millis_f64() / 1000.0)
}

/// To the whole second, in UTC and as reports write it: `2026-11-22 21:08:03 UTC`.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_well() {
        assert_eq!(names::<&str>(&[]), "nobody");
        assert_eq!(names(&["a"]), "`a`");
        assert_eq!(names(&["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!((count(1_u32, "session"), count(0_u32, "session")), ("1 session".into(), "0 sessions".into()));
        assert_eq!((bytes(999), bytes(8_388_608)), ("999 bytes".into(), "8.4 MB".into()));
        assert_eq!(seconds(Micros(2_345_678)), "2.3 s");
        assert_eq!(time("2026-11-22T21:08:03.9Z".parse().unwrap()), "2026-11-22 21:08:03 UTC");
    }
}
