//! Whether a length of time is said of the whole outage, or of something else: a deploy, a session, the time until somebody
//! noticed, an earlier outage. Knows words only: what it is not sure of it passes over.

use std::sync::LazyLock;

use super::claim;
use super::pattern::{Pattern, compiled};

/// What an outage is called.
const OUTAGE: &str =
    r"outages?|incidents?|disruptions?|downtime|degradation|interruption|unavailability|failures?|problem|issue";

/// "the outage lasted", "it went on for", "downtime:".
static LASTED: Pattern = LazyLock::new(|| {
    compiled(&format!(
        r"(?i)\b(?:{OUTAGE}|it|this|which|that|everything|login|logins|service)\b[^.;]*\b(?:lasted|lasting|went on for|persisted for|continued for)\b[^.;,]*$|\b(?:{OUTAGE})\b\s*(?:of|for|was|were|is|time|:|lasted|duration|—|–|-|\()[^.;,]*$|\b(?:down|unavailable|unreachable|offline|impossible|broken|locked out) for\b[^.;,]*$|\bfor a total of\b[^.;,]*$|^\W*(?:total |overall )?duration\b[^.;,]*$|\bduration of (?:the |this )?(?:{OUTAGE})\b[^.;,]*$"
    ))
});
/// "80 minutes of downtime", "a 90-minute outage".
static BEFORE_OUTAGE: Pattern = LazyLock::new(|| {
    compiled(&format!(
        r"(?i)^[\s-]*(?:long )?(?:of )?(?:complete |total |partial |login |service |user-visible )*(?:{OUTAGE}|failed logins|failing logins)\b"
    ))
});
/// "logins failed for 80 minutes", "users could not log in for three hours".
static FAILED_FOR: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:logins?|sign-ins?|users?|customers?|people|nobody|no one|authentication|service)\b[^.;,]*\b(?:fail(?:ed|ing|s)?|could not|couldn't|unable|could|locked out|refused)\b[^.;,]*\bfor\s+(?:about |almost |nearly |over |more than |roughly |some |around |approximately |at least |the next |~)?$",
    )
});
/// "For 80 minutes logins failed".
static FOR_FIRST: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)(?:^|[.;]\s*)\s*for (?:about |almost |nearly |over |more than |roughly |around |approximately |at least )?$",
    )
});
/// What else lasts, in the clause before the length or just after it.
static ELSE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:deploy\w*|roll-?outs?|roll-?backs?|migrat\w*|sessions?|retention|retain\w*|back-?ups?|meetings?|calls?|reviews?|maintenance|detect\w*|notic\w*|respon\w*|investigat\w*|mitigat\w*|recover\w*|repair\w*|lag\w*|quer(?:y|ies)|time-?outs?|timed out|tokens?|restart\w*|reboot\w*|peak\w*|alarms?|alerts?|page[ds]?|caches?|ttl|expir\w*|locks?|retr\w+|every|each|within|after|before|ago|until|took|takes?|intervals?|percentile|latency|slow\w*|wait\w*|delay\w*|builds?|tests?|drills?|monitor\w*|sla|slos?|objectives?|budgets?|allow\w*|fail-?over\w*|trial|queue\w*|backlog|replica\w*|standby|snapshots?|certificates?|in (?:the )?[\w-]+ region|some (?:users|customers)|further|another)\b",
    )
});
/// Another outage, or one that did not happen.
static OTHER: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:previous|earlier (?:outage|incident)|last (?:year|month|week|quarter|time)|similar|another|would have|could have|might have|had (?:it|we|the)|if|unless|up to|at most|no more than|less than|under|planned|scheduled|(?:first|second|third) (?:wave|outage|time)|in (?:january|february|april|june|july|august|september|october|november|december))\b",
    )
});
/// What follows an outage's name when it is a part of another: "a 20-minute incident call".
static COMPOUND: Pattern = LazyLock::new(|| {
    compiled(&format!(
        r"(?i)\b(?:{OUTAGE}) (?:calls?|reviews?|meetings?|channel|bridge|budgets?|windows?|drills?|reports?)\b"
    ))
});

/// Whether the length between `start` and `end` is said of the whole outage. `tells`: the block is a summary or tells the
/// impact, where logins that failed for some time did so during the outage.
pub(super) fn is_of_the_outage(text: &str, start: usize, end: usize, tells: bool) -> bool {
    let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else { return false };
    let ends = [". ", "! ", "? ", "; ", ".\n", "\n", " | "];
    let from = ends.iter().filter_map(|end| before.rfind(end).map(|at| at + end.len())).max().unwrap_or(0);
    let until = ends.iter().filter_map(|end| after.find(end)).min().unwrap_or(after.len());
    let (before, after) = (&before[from..], &after[..until]);
    let clause = before.rsplit([',', '(']).next().unwrap_or_default();
    let ends = [",", " while ", " because ", " when ", " as ", " until ", " before "];
    let next = ends.iter().filter_map(|end| after.find(end)).min().map_or(after, |at| &after[..at]);
    let next: String = next.chars().take(40).collect();
    let sentence = format!("{before} {after}");
    if OTHER.is_match(&sentence) || claim::part_of_it(&sentence) || COMPOUND.is_match(&next) {
        return false;
    }
    let of_else = ELSE.is_match(clause);
    if BEFORE_OUTAGE.is_match(&next) {
        return !["after", "within", "into", "during"]
            .iter()
            .any(|word| clause.trim_end().to_lowercase().ends_with(word));
    }
    if LASTED.is_match(clause) && !of_else {
        return true;
    }
    tells
        && !of_else
        && (FAILED_FOR.is_match(clause) || FOR_FIRST.is_match(before) && claim::failing(after))
        && !ELSE.is_match(&next)
}

#[cfg(test)]
mod tests {
    use super::super::amount::lengths;
    use super::*;

    fn said_of_it(text: &str) -> bool {
        let length = lengths(text).into_iter().next_back().unwrap_or_else(|| panic!("{text}"));
        is_of_the_outage(text, length.range.start, length.range.end, true)
    }

    #[test]
    fn the_outage_is_told_from_what_else_lasts() {
        for of_it in [
            "The outage lasted 16 hours",
            "It lasted for almost 80 minutes.",
            "Total downtime: 2 h 15 min.",
            "a 90-minute outage",
            "80 minutes of downtime",
            "The outage was 80 minutes long",
            "Logins failed for 80 minutes while the database refused writes.",
            "Users could not log in for three hours",
            "For 80 minutes logins failed",
            "Duration of the outage: 40 minutes.",
            "The service was down for 3 h",
            "an outage of about 3 h",
        ] {
            assert!(said_of_it(of_it), "{of_it}");
        }
        for other in [
            "The deploy lasted 12 minutes",
            "Sessions last 12 hours",
            "Time to detect: 2 minutes",
            "Backups are kept for 30 days",
            "An alarm came after 2 minutes",
            "It took us 70 min to find the change",
            "A previous outage lasted 3 h",
            "every login fails for 5 minutes at the peak",
            "a 20-minute incident call",
            "The outage was noticed after 12 min",
            "It could have lasted 8 hours",
            "The rollback of the incident took 10 min",
            "Logins failed for some users for 5 min",
            "the objective allows an outage of 10 min",
            "nobody looked for 20 min",
        ] {
            assert!(!said_of_it(other), "{other}");
        }
    }
}
