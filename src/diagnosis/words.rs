//! Words that are said alike wherever failed logins are described. Numbers as people read them; no zone, no format.

use crate::incident::{Incident, Share};
use crate::model::{BadClass, Micros};
use crate::slo::notation::{count, percent, percent_interval};

use super::grouped::{AccountShare, ByAccount, ByLoad, Groups};
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
        several => several.iter().map(|one| format!("{} {}", count(one.share.failing), way(one))).collect(),
    };
    format!("{} of {} logins failed: {}", count(failing.failing), count(failing.n), counts.join(", "))
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

/// `82 % (76 % to 86 %) of 200`, with the digits that the interval supports.
pub(super) fn share(share: &Share) -> String {
    match (share.share, share.interval) {
        (Some(_), Some(interval)) => {
            let bounds = percent_interval(Some(interval));
            format!("{} ({bounds}) of {}", percent(share.share, share.interval), count(share.n))
        }
        _ => "no login".to_owned(),
    }
}

/// How two groups stand to each other.
fn verdict(groups: &Groups) -> &'static str {
    match groups.difference {
        None => "nothing to compare",
        Some(_) if groups.differ() => "more than by chance",
        Some(_) => "no difference can be shown",
    }
}

/// `by account: probe1 30 of 30 failed, probe2 0 of 30; more than by chance`.
pub(super) fn by_account(by_account: &ByAccount) -> String {
    let one = |it: &AccountShare| format!("{} {}", it.account, share(&it.failing));
    match (by_account.accounts.as_slice(), &by_account.worst) {
        ([only], _) => format!("by account: not quantifiable, since all logins used {}", only.account),
        (all, Some(worst)) => {
            format!("by account: {}; {}", all.iter().map(one).collect::<Vec<_>>().join(", "), verdict(worst))
        }
        (all, None) => format!("by account: {}", all.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

/// `a fixed part of the accounts failed every time: 8 of 10, in all of their 4,200 logins`.
pub(super) fn fixed_part(by_account: &ByAccount) -> Option<String> {
    let part = by_account.fixed_part()?;
    Some(format!("{} of {} accounts failed every time, in all of their {} logins", part.always, part.of, part.logins))
}

/// Logins that met another of their own account, against those that did not.
pub(super) fn together(by_account: &ByAccount) -> String {
    let Groups { more, less, .. } = &by_account.together;
    match more.n {
        0 => "whether logins of one account wait for each other cannot be told: no account had failed and good ones both \
              alone and beside another"
            .to_owned(),
        _ => format!(
            "begun while another login of the same account was under way {}, alone {}; {}",
            share(more),
            share(less),
            verdict(&by_account.together)
        ),
    }
}

/// Whether failing went with the load.
pub(super) fn by_load(by_load: &ByLoad) -> String {
    match by_load {
        ByLoad::NotQuantifiable(why) => format!("with the load: not quantifiable, since {why}"),
        ByLoad::Known { groups, parted_at, between, source } => format!(
            "with the load ({} to {} sign-ins per hour, {source}): from {} on {}, below {}; {}",
            whole(between.0),
            whole(between.1),
            whole(*parted_at),
            share(&groups.more),
            share(&groups.less),
            verdict(groups)
        ),
    }
}

/// A rate without its fraction.
fn whole(rate: f64) -> String {
    count(rate.round() as u64)
}

/// A time, or that there is none.
pub(super) fn time(time: Option<Micros>) -> String {
    time.map_or_else(|| "unknown".to_owned(), |time| time.to_string())
}
