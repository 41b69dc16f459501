//! Words that are said alike wherever failed logins are described. Numbers as people read them; no zone, no format.

use crate::incident::{Incident, Share};
use crate::model::{BadClass, Micros};

use super::signatures::{Signature, SignatureCount, Signatures};

/// What a login that timed out leaves open. A commit that waits for a standby is durable and may become visible later:
/// such a login is neither done nor undone to who waited for it.
pub const UNKNOWN_TO_THE_USER: &str =
    "whether a login that timed out was carried out is unknown to the user: it may have been";

/// Whether logins of an incident timed out, so that [`UNKNOWN_TO_THE_USER`] is to be said.
#[must_use]
pub fn has_timeouts(incident: &Incident) -> bool {
    let timeout = |name: &str| name == BadClass::Timeout.as_str();
    incident.splits.classes.iter().any(|split| split.share.failing > 0 && timeout(&split.name))
}

/// `54 of 54 logins failed: no answer within 5.00 s`, or with how many failed in which way.
pub(super) fn failures(signatures: &Signatures) -> String {
    let failing = &signatures.failing;
    let counts: Vec<String> = match signatures.counts.as_slice() {
        [only] => vec![way(only)],
        several => several.iter().map(|one| format!("{} {}", one.share.failing, way(one))).collect(),
    };
    format!("{} of {} logins failed: {}", failing.failing, failing.n, counts.join(", "))
}

fn way(count: &SignatureCount) -> String {
    let what = match count.signature {
        Signature::Hang => "no answer",
        Signature::Refused => "refused",
        Signature::ServerError => "an error answer",
        Signature::SessionUnusable => "a session that does not work",
        Signature::Other => "other",
    };
    let after = count.median.map_or_else(String::new, |median| match count.signature {
        Signature::Hang => format!(" within {median}"),
        _ => format!(" after {median}"),
    });
    format!("{what}{after}")
}

/// `81.5 % (75.6 % to 86.3 %) of 200`.
pub(super) fn share(share: &Share) -> String {
    let percent = |value: f64| format!("{:.1} %", value * 100.0);
    match (share.share, share.interval) {
        (Some(value), Some(interval)) => {
            format!("{} ({} to {}) of {}", percent(value), percent(interval.low), percent(interval.high), share.n)
        }
        _ => "no login".to_owned(),
    }
}

/// A time, or that there is none.
pub(super) fn time(time: Option<Micros>) -> String {
    time.map_or_else(|| "unknown".to_owned(), |time| time.to_string())
}
