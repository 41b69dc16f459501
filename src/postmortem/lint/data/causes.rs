//! A stated cause against what the databases said in the same minutes. Evidence is a neighbour in time: it is said what it
//! names, never that it is the whole truth. Knows words, not meaning: what it is not sure of it passes over.

use std::ops::Range;
use std::sync::LazyLock;

use super::super::document::Block;
use super::super::finding::{Place, Rule, Severity, Verdict};
use super::super::heading::Part;
use super::super::pattern::{Pattern, compiled};
use super::super::reading::Reading;
use crate::diagnosis::{DatabaseEvidence, Diagnosis, NO_DATABASE};
use crate::model;
use crate::replication;

static SUBJECT: Pattern = LazyLock::new(|| {
    compiled(r"(?i)\b(?:replicat\w*|replicas?|standbys?|synchronous[ _]\w+|databases?|[a-z]+_[a-z]+_[a-z_]+)\b")
});
/// What speaks of copies, not only of a database.
static COPIES: Pattern =
    LazyLock::new(|| compiled(r"(?i)\b(?:replicat|replica|standby|synchronous|synchroni[sz]|rpl_|wal_|recovery_)"));
static FAULT: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:misconfig\w*|misnam\w*|incorrect\w*|wrong\w*|fail\w*|broke\w*|broken|lag\w*|out of sync|wait\w*|hung|hang\w*|paused|stopped|exhausted|never connected|did not exist|caused|blocked)\b",
    )
});
static CAUSE: Pattern = LazyLock::new(|| {
    compiled(r"(?i)\b(?:root cause|caused|because of|due to|led to|the cause|to blame|resulted in|resulting in)\b")
});
static CLEARED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)(?:\b(?:was|were|is|are|remained|stayed|worked|ran|looked)\s+(?:\w+\s+)?(?:healthy|fine|unaffected|in sync|normal(?:ly)?|ruled out)\b|\b(?:was|were|is|are)\s+not\s+(?:the (?:root )?cause|to blame|involved|affected|at fault)\b|\bruled out\b|\bnot (?:caused by|due to|because of)\b|\bwas(?:n't| not) (?:a |the )?(?:replication|database|standby)\b|\bnot replication\b)",
    )
});
static ELSEWHERE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:networks?|dns|firewalls?|load balancers?|certificates?|routers?|switch(?:es)?|cdn|deployments?|code change|traffic (?:spike|surge))\b",
    )
});
/// A guess, an attempt or a denial is no stated cause.
static UNSURE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:not|no|never|nor|assum\w*|suspect\w*|might|may|could have|perhaps|possibl\w*|probabl\w*|unlikely|whether|if|investigat\w*|misleading|unknown|nothing can be said)\b",
    )
});
static LAG: Pattern = LazyLock::new(|| compiled(r"(?i)\blag(?:s|ged|ging)?\b"));
static SETTING: Pattern = LazyLock::new(|| compiled(r"\b[a-z]+(?:_[a-z]+)+\b"));

/// What a sentence says of the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// The database or its replication.
    Database,
    /// Not these.
    Cleared,
    /// Something else, and not these.
    Elsewhere,
}

pub(super) fn check(reading: &Reading, diagnosis: Option<&Diagnosis>, verdict: &mut Verdict) {
    let Some(diagnosis) = diagnosis else { return };
    let quoted: Vec<String> = diagnosis.databases.iter().flat_map(said).map(|line| letters(&line)).collect();
    let apart = [Part::Actions, Part::Lessons, Part::Timeline];
    for read in &reading.blocks {
        let block = &read.block;
        // What a draft quotes of the evidence is no claim.
        let quotes = || quoted.iter().any(|line| letters(&block.text).contains(line));
        if block.is_heading() || apart.iter().any(|part| block.is(*part)) || quotes() {
            continue;
        }
        for (range, claim) in claims(block) {
            judge(block.place(&range), &block.text[range], claim, diagnosis, verdict);
        }
    }
}

/// The sentences that state a cause.
fn claims(block: &Block) -> Vec<(Range<usize>, Claim)> {
    let about_causes = block.is(Part::RootCause) || block.is(Part::Trigger);
    let mut found: Vec<(Range<usize>, Claim)> = Vec::new();
    let words = SUBJECT.find_iter(&block.text).chain(ELSEWHERE.find_iter(&block.text));
    for word in words {
        let sentence = block.sentence(&word.range());
        let Some(from) = block.text.find(sentence) else { continue };
        let range = from..from + sentence.len();
        if found.iter().any(|(known, _)| *known == range) {
            continue;
        }
        found.extend(claim(sentence, about_causes).map(|claim| (range, claim)));
    }
    found
}

fn claim(sentence: &str, about_causes: bool) -> Option<Claim> {
    let states = about_causes || CAUSE.is_match(sentence);
    if SUBJECT.is_match(sentence) {
        if CLEARED.is_match(sentence) {
            return Some(Claim::Cleared);
        }
        let sure = sentence.replace("never connected", "").replace("not connected", "");
        let blames = states && FAULT.is_match(sentence) && !UNSURE.is_match(&sure);
        return blames.then_some(Claim::Database);
    }
    let cleared = UNSURE.is_match(sentence) || CLEARED.is_match(sentence);
    let blames = ELSEWHERE.is_match(sentence) && (CAUSE.is_match(sentence) || (states && FAULT.is_match(sentence)));
    (blames && !cleared).then_some(Claim::Elsewhere)
}

fn judge(place: Place, sentence: &str, claim: Claim, diagnosis: &Diagnosis, verdict: &mut Verdict) {
    const WAY_OUT: &str = "say what the evidence names, or what shows that it was otherwise";
    let databases = &diagnosis.databases;
    let named = databases.iter().find_map(|one| match one.explanation.reading {
        replication::Reading::Cause(rule) => Some((one, rule)),
        _ => None,
    });
    let against = |message| (Severity::Error, Rule::AgainstData, message);
    let found = match (named, claim) {
        (Some((one, rule)), Claim::Elsewhere) if may_be_cut_off(one, rule) => {
            let because =
                format!("what is blamed may be why this was so, which evidence cannot tell: {}", one.brief("UTC"));
            return verdict.leave(place, &because);
        }
        (Some((one, _)), Claim::Elsewhere) => {
            against(format!("the evidence of the same minutes names another cause: {}", one.brief("UTC")))
        }
        (Some((one, rule)), claim) => match fits(sentence, one, rule) {
            Fit::No(why) => return verdict.leave(place, &why),
            Fit::Other if claim == Claim::Cleared => {
                return verdict
                    .leave(place, "the evidence names another fault of the database, which says nothing of this");
            }
            Fit::Other => {
                against(format!("the evidence of the same minutes names another cause: {}", one.brief("UTC")))
            }
            Fit::Same if claim == Claim::Database => {
                return verdict.confirm(place, format!("the evidence of the same minutes: {}", one.brief("UTC")));
            }
            Fit::Same => against(format!("the evidence of the same minutes names a cause there: {}", one.brief("UTC"))),
        },
        (None, Claim::Elsewhere) => return,
        (None, _) if databases.is_empty() => return verdict.leave(place, NO_DATABASE),
        (None, claim) => match databases.iter().find(|one| one.explanation.reading == replication::Reading::Unknown) {
            Some(unknown) => return verdict.leave(place, &unknown.brief("UTC")),
            None if claim == Claim::Database => against(databases[0].brief("UTC")),
            None => return verdict.confirm(place, databases[0].brief("UTC")),
        },
    };
    verdict.find(found.0, found.1, place, found.2, WAY_OUT);
}

/// A standby that was there and is gone may have been cut off by a fault elsewhere; one that never came was not.
fn may_be_cut_off(one: &DatabaseEvidence, rule: model::Rule) -> bool {
    use model::Rule::{QuorumShort, ReplicaStopped, SemiSyncOff, StaleReply, SyncHang, SyncWait};
    matches!(rule, QuorumShort | ReplicaStopped | SemiSyncOff | StaleReply | SyncHang | SyncWait)
        && !["never connected", "has not connected since"].iter().any(|it| one.explanation.sentence.contains(it))
}

/// Whether a sentence speaks of what the evidence names.
enum Fit {
    Same,
    /// Of copies, and the evidence names a fault of another kind.
    Other,
    /// The evidence cannot tell, for this reason.
    No(String),
}

fn fits(sentence: &str, one: &DatabaseEvidence, rule: model::Rule) -> Fit {
    use model::Rule::{ConnectionsExhausted, LaggingReads, ReadOnly, SlowReplay, WrongEndpoint, WrongRole};
    if let Some(setting) = SETTING.find_iter(sentence).find(|setting| !mentions(one, setting.as_str())) {
        return Fit::No(format!("the evidence of the databases does not speak of {}", setting.as_str()));
    }
    if LAG.is_match(sentence) && !matches!(rule, LaggingReads | SlowReplay) {
        return Fit::No(format!("the evidence names no lag, but: {}", one.brief("UTC")));
    }
    let of_copies = !matches!(rule, ConnectionsExhausted | ReadOnly | WrongEndpoint | WrongRole);
    if COPIES.is_match(sentence) && !of_copies { Fit::Other } else { Fit::Same }
}

/// Whether findings or changes speak of a setting.
fn mentions(one: &DatabaseEvidence, setting: &str) -> bool {
    said(one).iter().any(|line| line.contains(setting))
}

/// All that a draft quotes of the evidence.
fn said(one: &DatabaseEvidence) -> Vec<String> {
    let mut lines = vec![one.brief("UTC")];
    lines.extend(one.held("UTC"));
    lines.extend(one.unknown("UTC"));
    lines.extend(one.lag_rules("UTC"));
    lines.extend(one.changes.iter().map(|change| crate::diagnosis::change_in_words(change, "UTC")));
    lines
}

/// Letters and digits only: a draft escapes the rest.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_causes_are_told_from_guesses_and_from_other_things() {
        let of = |sentence| claim(sentence, true);
        for blames in [
            "A misconfiguration in the database replication setup led to a synchronization failure",
            "Commits waited for a standby which had never connected",
            "Commits waited for a standby which had not connected since 09:00",
            "synchronous_standby_names was set to a wrong name",
        ] {
            assert_eq!(of(blames), Some(Claim::Database), "{blames}");
        }
        for cleared in [
            "Database replication was healthy",
            "The standby was not the cause",
            "Replication was ruled out",
            "The outage was not caused by the database",
        ] {
            assert_eq!(of(cleared), Some(Claim::Cleared), "{cleared}");
        }
        for elsewhere in ["The network failed", "The outage was caused by a DNS change"] {
            assert_eq!(of(elsewhere), Some(Claim::Elsewhere), "{elsewhere}");
        }
        for none in [
            "It might have been database replication that failed",
            "The network was not the cause",
            "We suspected that the network failed",
            "The database stores sessions",
            "The standby is in Frankfurt",
            "Logins failed",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
        // Outside of causes it takes a word for a cause.
        assert_eq!(claim("The standby failed its backup", false), None);
        assert_eq!(claim("The outage was caused by a misnamed standby", false), Some(Claim::Database));
    }
}
