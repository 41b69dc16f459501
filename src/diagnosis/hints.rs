//! What a way of failing looks like: mechanisms that were measured on a real primary and standby with a real login service
//! on top, held against an incident's signatures. A hint is no cause: it says what it was read off and what else looks
//! the same.

use serde::{Deserialize, Serialize};

use super::course::Shape;
use super::grouped::{ByLoad, Groups};
use super::signatures::{Signature, Signatures};
use super::words::{self, share, time};
use crate::slo::notation::count;

/// A mechanism that looks like an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The mechanism.
    pub looks_like: String,
    /// What of the incident it was read off.
    pub evidence: Vec<String>,
    /// What looks the same to a client.
    pub alternatives: Vec<String>,
}

/// A mechanism and when it fits.
struct Mechanism {
    looks_like: &'static str,
    fits: fn(&View<'_>) -> bool,
    evidence: &'static [Sign],
    alternatives: &'static [&'static str],
}

/// Something of the signatures that is worth saying.
type Sign = fn(&Signatures) -> String;

/// The signatures as mechanisms ask for them.
struct View<'a> {
    signatures: &'a Signatures,
    shape: Shape,
}

/// Nearly all failures of one kind.
const DOMINANT: f64 = 0.9;
/// A part of the failures that is no accident.
const NOTABLE: f64 = 0.1;
/// Good logins that take so many times their usual time are slow.
const SLOW: u64 = 3;
/// A share below which few of many processes are hit.
const FEW: f64 = 0.2;

impl View<'_> {
    fn mostly(&self, signature: Signature) -> bool {
        self.signatures.part(signature) >= DOMINANT
    }

    fn partly(&self, signature: Signature) -> bool {
        self.signatures.part(signature) >= NOTABLE
    }

    fn everything(&self) -> bool {
        self.shape == Shape::All
    }

    fn share(&self) -> f64 {
        self.signatures.failing.share.unwrap_or(0.0)
    }

    /// One account fails more than the others, or logins fail more while another of their account is under way. Where every
    /// login fails neither says anything.
    fn goes_by_account(&self) -> bool {
        let by_account = self.signatures.by_account.as_ref().filter(|_| !self.everything());
        by_account.is_some_and(|it| it.together.differ() || it.worst.as_ref().is_some_and(Groups::differ))
    }

    /// Several accounts failed every time while others got in.
    fn always_the_same(&self) -> bool {
        self.signatures.by_account.as_ref().is_some_and(|it| it.fixed_part().is_some())
    }

    fn grows_with_the_load(&self) -> bool {
        matches!(&self.signatures.by_load, Some(ByLoad::Known { groups, .. }) if groups.differ())
    }

    /// Good logins that wait long while others hang: what serves them is at its limit.
    fn good_ones_are_slow(&self) -> bool {
        let (now, usual) = (self.signatures.good, self.signatures.good_before);
        now.zip(usual).is_some_and(|(now, usual)| now.0 > SLOW * usual.0)
    }
}

const MECHANISMS: [Mechanism; 11] = [
    Mechanism {
        looks_like: "commits that all wait, as when a standby that they need is lost, frozen or misnamed",
        fits: |view| view.mostly(Signature::Hang) && (view.everything() || view.share() >= DOMINANT),
        evidence: &[failing, hanging],
        alternatives: &[
            "slow commits behind a deep queue, where each login that is served was given up before",
            "a lock that every login needs",
            "a service whose workers are all stuck, or a network that drops packets",
        ],
    },
    Mechanism {
        looks_like: "a standby that comes and goes",
        fits: |view| view.mostly(Signature::Hang) && view.shape == Shape::Bursts,
        evidence: &[failing, bursts, good_times],
        alternatives: &["a job that locks what logins need, again and again", "a network path that flaps"],
    },
    Mechanism {
        looks_like: "slow commits behind a bounded queue: the failing share is 1 - capacity / offered logins",
        fits: |view| {
            let limited = view.signatures.while_connecting > 0
                || view.good_ones_are_slow()
                || view.shape == Shape::Growing
                || view.grows_with_the_load();
            view.mostly(Signature::Hang) && !view.everything() && view.share() < DOMINANT && limited
        },
        evidence: &[failing, growth, load, connecting, good_times],
        alternatives: &[
            "any other want of capacity: processors, workers, connections",
            "a standby that comes and goes faster than probes follow one another",
        ],
    },
    Mechanism {
        looks_like: "a few processes or roles that hang while the others are exempt",
        fits: |view| {
            view.mostly(Signature::Hang) && matches!(view.shape, Shape::Constant | Shape::TooFew) && view.share() < FEW
        },
        evidence: &[failing, growth, good_times],
        alternatives: &["one host of several behind a load balancer", "a few users whose own data are locked"],
    },
    Mechanism {
        looks_like: "a fixed part of the accounts that fails every time, while the others get in",
        fits: |view| view.always_the_same(),
        evidence: &[failing, fixed_part, accounts],
        alternatives: &[
            "users spread over several primaries or shards, one of them broken or misconfigured",
            "a change that reached a part of the users: a rollout, a permission, data that were migrated",
            "accounts of the probes that are locked, expired or limited by the service: then it is the probes' and not \
             the users'",
        ],
    },
    Mechanism {
        looks_like: "logins of one account that wait for each other, or one account whose own data are locked: this may be \
                     the probes' and not the users'",
        fits: |view| view.goes_by_account() && !view.always_the_same(),
        evidence: &[failing, accounts, together],
        alternatives: &[
            "one account that is locked, expired or limited by the service",
            "users spread over several primaries, one of them broken",
        ],
    },
    Mechanism {
        looks_like: "a wrong endpoint for everybody: a standby or a read-only primary in place of the primary",
        fits: |view| view.mostly(Signature::ServerError) && view.share() >= DOMINANT,
        evidence: &[failing, errors],
        alternatives: &["a deployment that fails on every login", "a database that refuses connections or is gone"],
    },
    Mechanism {
        looks_like: "a wrong endpoint or configuration on some of the processes (4 of 5 processes gave 81.5 %)",
        fits: |view| {
            let steady = matches!(view.shape, Shape::Constant | Shape::TooFew);
            view.mostly(Signature::ServerError) && view.share() < DOMINANT && steady
        },
        evidence: &[failing, errors, growth],
        alternatives: &[
            "a deployment that reached some of the hosts",
            "users spread over several primaries, some of them misconfigured",
        ],
    },
    Mechanism {
        looks_like: "threads and connections that run out behind commits that hang",
        fits: |view| view.partly(Signature::Hang) && view.partly(Signature::ServerError) && view.share() >= DOMINANT,
        evidence: &[failing, hanging, errors],
        alternatives: &["a load balancer that answers for backends that hang", "two faults at once"],
    },
    Mechanism {
        looks_like: "sessions that are written on one server and read on a copy that lags",
        fits: |view| view.mostly(Signature::SessionUnusable),
        evidence: &[failing, sessions],
        alternatives: &[
            "a session store that loses data",
            "processes that sign sessions with different keys",
            "a cookie for another host or path",
        ],
    },
    Mechanism {
        looks_like: "a service or proxy that is down: no replication fault that was measured refuses connections",
        fits: |view| view.mostly(Signature::Refused),
        evidence: &[failing, refused],
        alternatives: &["a firewall or an address that changed"],
    },
];

/// All mechanisms that fit.
pub(super) fn hints(signatures: &Signatures) -> Vec<Hint> {
    let view = View { signatures, shape: signatures.course.shape };
    let fitting = MECHANISMS.iter().filter(|mechanism| (mechanism.fits)(&view));
    fitting
        .map(|mechanism| Hint {
            looks_like: mechanism.looks_like.to_owned(),
            evidence: mechanism.evidence.iter().map(|sign| sign(signatures)).collect(),
            alternatives: mechanism.alternatives.iter().map(|text| (*text).to_owned()).collect(),
        })
        .collect()
}

fn failing(signatures: &Signatures) -> String {
    format!("failing {}", share(&signatures.failing))
}

fn of(signatures: &Signatures, signature: Signature) -> Option<String> {
    let one = signatures.counts.iter().find(|one| one.signature == signature)?;
    let (failed, all) = (count(one.share.failing), count(one.share.n));
    Some(format!("{failed} of {all} failures: {signature}, median {}", time(one.median)))
}

fn of_signature(signatures: &Signatures, signature: Signature) -> String {
    of(signatures, signature).unwrap_or_else(|| format!("no failure: {signature}"))
}

fn hanging(signatures: &Signatures) -> String {
    of_signature(signatures, Signature::Hang)
}

fn errors(signatures: &Signatures) -> String {
    of_signature(signatures, Signature::ServerError)
}

fn sessions(signatures: &Signatures) -> String {
    of_signature(signatures, Signature::SessionUnusable)
}

fn refused(signatures: &Signatures) -> String {
    of_signature(signatures, Signature::Refused)
}

fn connecting(signatures: &Signatures) -> String {
    format!("{} given up while connecting", signatures.while_connecting)
}

fn bursts(signatures: &Signatures) -> String {
    let stretches = signatures.course.stretches;
    format!("the failures stand in {stretches} stretches, fewer than chance would make of them")
}

fn growth(signatures: &Signatures) -> String {
    let course = &signatures.course;
    let said = match course.shape {
        Shape::All => "all failed",
        Shape::TooFew => "too few to say how the share went on",
        Shape::Constant => "constant",
        Shape::Growing => "growing",
        Shape::Falling => "falling",
        Shape::Bursts => "in bursts",
    };
    format!("{said}: first half {}, second half {}", share(&course.early), share(&course.late))
}

fn accounts(signatures: &Signatures) -> String {
    signatures.by_account.as_ref().map_or_else(|| "no account is known".to_owned(), words::by_account)
}

fn fixed_part(signatures: &Signatures) -> String {
    let part = signatures.by_account.as_ref().and_then(words::fixed_part);
    part.unwrap_or_else(|| "no account failed every time".to_owned())
}

fn together(signatures: &Signatures) -> String {
    signatures.by_account.as_ref().map_or_else(|| "no account is known".to_owned(), words::together)
}

fn load(signatures: &Signatures) -> String {
    signatures.by_load.as_ref().map_or_else(|| "the load was not looked at".to_owned(), words::by_load)
}

fn good_times(signatures: &Signatures) -> String {
    format!("good logins took {}, before {}", time(signatures.good), time(signatures.good_before))
}
