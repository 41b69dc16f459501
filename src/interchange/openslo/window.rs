//! The time window of an OpenSLO document: Doorstep reports calendar weeks, so its zone is all that is kept.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::reading::{Fields, shown};

/// The zone of the weeks.
pub(super) fn zone(spec: &Fields<'_>, remarks: &mut Vec<String>) -> String {
    let windows = spec.items("timeWindow");
    let Some(first) = windows.first() else {
        remarks.push("no time window: Doorstep reports calendar weeks".to_owned());
        return "UTC".to_owned();
    };
    for further in &windows[1..] {
        remarks.push(format!("a further time window, {}: only the first is read", shown(further)));
    }
    let fields = Fields::of(first);
    let calendar = fields.fields("calendar");
    let duration = fields.text("duration");
    let rolling = fields.truth("isRolling").unwrap_or(first.get("calendar").is_none());
    let length = duration.map_or_else(|| "no duration".to_owned(), str::to_owned);
    if rolling {
        remarks.push(format!("a rolling window of {length}: Doorstep reports calendar weeks"));
    } else if !matches!(duration, Some("1w" | "7d")) {
        remarks.push(format!(
            "a calendar window of {length}: Doorstep reports weeks; choose other periods with --from and --to"
        ));
    }
    let zone = within(&calendar, remarks);
    remarks.extend(fields.rest("timeWindow[0]."));
    remarks.extend(calendar.rest("timeWindow[0].calendar."));
    zone
}

fn within(calendar: &Fields<'_>, remarks: &mut Vec<String>) -> String {
    if let Some(start) = calendar.text("startTime") {
        let weekly = |at: DateTime| at.weekday() == Weekday::Monday && at.time() == Time::midnight();
        if !start.parse().is_ok_and(weekly) {
            remarks.push(format!("a window that begins at {start}: weeks of Doorstep begin on Monday at midnight"));
        }
    }
    let zone = calendar.text("timeZone").unwrap_or("UTC");
    if TimeZone::get(zone).is_err() {
        remarks.push(format!("the zone {zone}, which the IANA database does not know; UTC stands for it"));
        return "UTC".to_owned();
    }
    zone.to_owned()
}
