//! Claims in words: that all were hit, that it was over, that it was noticed. Knows words, not figures.

use std::ops::Range;
use std::sync::LazyLock;

use super::pattern::{Pattern, compiled};

static WHOLE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:(?:complete|total|full|global)(?:ly)? (?:\w+ )?(?:outage|unavailability|failure|down|unavailable|blackout)|completely (?:down|unavailable|offline|broken|impossible|failed)|(?:affecting |affected )?(?:all|every(?: single)?|each)(?: of)?(?: our| the| its)?(?: (?P<kind>[\w-]+))? ?(?:users?|customers?|logins?|sign-ins?|login attempts?|people|tenants)\b|everyone|everybody|(?:nobody|no one|no-one|none of (?:our |the |its )?(?:users|customers)|not a single (?:user|customer|person)|no (?:user|customer|person)s?) (?:could|was able to|were able to|managed to|can) (?:\w+ )?(?:(?:log|sign|get)(?:[ -]?(?:in|on))?|authenticate|access|reach|use)|(?:no|not a single) (?:logins?|sign-ins?|login attempts?) (?:succeeded|worked|went through|was possible|were possible)|(?:the )?(?:entire|whole) (?:user|customer) base)",
    )
});
/// What may stand between "all" and "users" without making them fewer.
const STILL_ALL: &[&str] = &[
    "our",
    "the",
    "active",
    "login",
    "authentication",
    "incoming",
    "user",
    "single",
    "shop",
    "new",
    "registered",
    "total",
    "whole",
];
/// After "all users": fewer are meant.
static NARROWER: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)^(?:,? there\b| for (?:some|a few|(?:[\w-]+ )*(?:users|customers|people) (?:in|of|on|behind|from|using|with)\b)| for (?-i:[A-Z])| (?:in|on|from|using|with|whose|behind|via|through|it|they|we)\b| of (?:the |our )?[\w-]+ (?:app|region|tenant|team|tier|plan|office|site|cluster|shard)\b)",
    )
});
/// What follows "all users" like a place, and is none.
static NOT_NARROWER: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)^ (?:in|on|from|with|through)(?: the)? (?:outage|incident|time|meantime|morning|night|evening|afternoon|\d)",
    )
});
/// A sentence about a part of the time, or of the place.
static PART_OF_IT: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:peak\w*|worst|briefly|momentarily|at one point|for a (?:few|short|while|moment)|short(?:ly)?|at times|occasionally|intermittent\w*|initially|at first|first wave|second wave|for the (?:first|last)|last (?:year|month|quarter)|previous (?:outage|incident))\b",
    )
});
/// Before "all logins": a share of them is meant.
static A_SHARE_OF: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)(?:%|per ?cent|share|half|most|many|some|third|quarter|number|fraction|percentage|\d)(?: of| in)?(?: the)? $",
    )
});
/// Said of what did not happen.
static NOT_REAL: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)(?:\b(?:not|never|nearly|almost|without|avoid\w*|prevent\w*|risk\w*|if|rather than|instead of|short of|far from|could have|would have|might have|may have|could become|no|next|future|potential|than)\b|n't\b)[^,;:]*$",
    )
});
/// What is done to people after or beside an outage.
static DONE_TO_THEM: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:notif\w+|informed|told|e-?mailed|asked|contacted|invited|apolog\w+|thank\w*|compensat\w+|credited|remind\w*|required to|forced to|reset|migrated|regain\w*|again|recovered|restored)\b",
    )
});
static FAILING: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:affect|impact|unable|could not|couldn't|cannot|can't|fail|outage|down\b|lost|unavailab|locked|denied|refused|error|broke|nobody|no one|no-one|none of|not a single|no user|no customer|no login|no sign-in|impossible|broken|blackout)",
    )
});
static RESTORED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:restored|recovered|recover (?:fully|completely)|recovery complete|resolved|back to normal|back online|back up|fully functional|full functionality|fully operational|service (?:is |was )?(?:up|healthy|normal)|all clear|outage (?:over|ended|ends)|incident (?:over|ended|ends)|succeed(?:s|ed)? again|(?:logins?|sign-ins?) (?:work|succeed)\w* again|(?:worked|works|working) again)",
    )
});
static NOT_YET: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:not|partial|partially|attempt|try|tried|failed|could|would|until|some|half|most|unless|if|to be|will be|yet)\b|\d ?%",
    )
});
/// What is restored although nobody can log in: backups, servers, copies.
static SOMETHING_ELSE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:back-?ups?|snapshots?|standbys?|replicas?|replication|pages?|dashboards?|dns records?|tickets?|alerts?|alarms?|monitoring|settings?|files?|tables?|nodes?|pods?|configuration)\b(?: \w+){0,3} *$",
    )
});
/// That it is over is said to somebody, which comes after it is over.
static ANNOUNCED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:status page|announc\w*|inform\w*|told|communicat\w*|posted|tweet\w*|e-?mail\w*|notif\w*|declared|closed|ticket\w*|post-?mortem|message to|all-?clear (?:sent|given))\b",
    )
});
/// It breaks again.
static RELAPSE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:fail(?:s|ed|ing|ures?)? again|again (?:fail|down|unavailable)\w*|recur\w*|relapse\w*|return(?:s|ed)? of (?:the )?(?:errors?|failures?)|(?:errors?|failures?) (?:return|reappear|are back|come back|came back)\w*|down again|still (?:fail|see|cannot|unable|get|report|down)\w*|second (?:wave|outage)|unavailable again|breaks again|broke again|outage (?:resumes|resumed|returns|returned))",
    )
});
static DETECTED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:detected|detection|noticed|discovered|alert(?:s|ed)? (?:fire[sd]?|trigger(?:ed|s)?|raised|went off)|(?:automated|automatic|pager|burn rate) alerts?|check alerts|alarm|alarmed|paged|monitoring alerts?|reported|first report)",
    )
});
static CUSTOMERS: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:customers? (?:report|complain|call|notic|wrote)\w*|users? (?:report|complain|call|notic|wrote)\w*|(?:by|from) (?:a |our |the |several |some )?(?:customers?|users?)|support tickets?|tickets?|complain\w*|social media|help ?desk|phone calls?)\b",
    )
});
static BEGAN: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:began|begins?|start(?:s|ed)? (?:to fail|failing)|outage start\w*|incident start\w*|first fail\w*|fail(?:s|ed|ing)?|went down|goes down|errors? (?:rise|rose|began|start)|detected|outage)\b",
    )
});

fn found(regex: &Pattern, text: &str) -> bool {
    regex.is_match(text)
}

/// Where a text claims that all were hit, all the time: "complete outage", "all users". What was avoided, what only a
/// part met, and what was done to all users afterwards is no such claim.
pub(super) fn wholes(text: &str) -> Vec<Range<usize>> {
    WHOLE
        .captures_iter(text)
        .filter_map(|found| {
            let range = found.get(0)?.range();
            let narrowed = found.name("kind").is_some_and(|kind| {
                let kind = kind.as_str().to_lowercase();
                !STILL_ALL.contains(&kind.as_str())
            });
            (!narrowed && claims_the_whole(text, &range)).then_some(range)
        })
        .collect()
}

/// Whether a share is of everybody and of the whole time: "100 % of logins", not "100 % of passkey logins".
pub(super) fn unscoped(text: &str, range: &Range<usize>) -> bool {
    let clause = clause(text, range);
    let (Some(before), Some(after)) = (text.get(clause.start..range.start), text.get(range.end..clause.end)) else {
        return false;
    };
    // "Logins in Safari: 100 % failed": what stands before the colon says of what.
    let introduced = text.get(..clause.start).filter(|before| before.ends_with(": ")).unwrap_or_default();
    let introduced = introduced.rsplit(['\n', ';']).next().unwrap_or_default();
    let named = OF_WHAT.captures(after).and_then(|found| found.name("kind"));
    let narrowed = named.is_some_and(|kind| !STILL_ALL.contains(&kind.as_str().to_lowercase().as_str()));
    let place = [after, before, introduced].iter().any(|words| NAMED_PLACE.is_match(words));
    // "was 64 % and peaked at 97 %": each figure has its own half.
    let half = before.rfind(" and ").unwrap_or(0)..after.find(" and ").unwrap_or(after.len());
    let part = part_of_it(&before[half.start..]) || part_of_it(&after[..half.end]);
    !narrowed && !place && !part && !NOT_REAL.is_match(before)
}

static OF_WHAT: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)^\s*of (?:all |the |our )*(?:(?P<kind>[\w-]+) )?(?:users?|customers?|logins?|sign-ins?|login attempts?|people)\b",
    )
});
/// A place within: "in the us-east region", "in Asia".
static NAMED_PLACE: Pattern = LazyLock::new(|| {
    compiled(
        r"\b(?:in|from|at) (?:the )?(?:[\w-]+ (?:region|office|site|cluster|shard)s?\b|[A-Z][a-z]+|US\b|EU\b|UK\b)|\bthere\b",
    )
});

/// Whether a sentence is about a part of the time only.
pub(super) fn part_of_it(sentence: &str) -> bool {
    found(&PART_OF_IT, sentence)
}

fn claims_the_whole(text: &str, range: &Range<usize>) -> bool {
    let (clause, sentence) = (clause(text, range), sentence_around(text, range));
    let (Some(before), Some(after), Some(words)) =
        (text.get(clause.start..range.start), text.get(range.end..clause.end), text.get(clause.clone()))
    else {
        return false;
    };
    // "8 % of all sign-ins" is no claim about all of them.
    if A_SHARE_OF.is_match(before) {
        return false;
    }
    let narrower = NARROWER.is_match(after) && !NOT_NARROWER.is_match(after) || NAMED_PLACE.is_match(before);
    failing(words) && !narrower && !NOT_REAL.is_match(before) && !DONE_TO_THEM.is_match(words) && !part_of_it(sentence)
}

/// The clause around a place: commas and the like end it.
fn clause(text: &str, range: &Range<usize>) -> Range<usize> {
    let ends = [", ", "; ", ". ", ": ", "\n\n", " — ", " – ", " but ", " while ", " although ", " | ", "! ", "? "];
    let before = text.get(..range.start).unwrap_or_default();
    let start = ends.iter().filter_map(|end| before.rfind(end).map(|at| at + end.len())).max().unwrap_or(0);
    let after = text.get(range.end..).unwrap_or_default();
    let end = ends.iter().filter_map(|end| after.find(end)).min().map_or(text.len(), |at| range.end + at);
    start..end
}

fn sentence_around<'a>(text: &'a str, range: &Range<usize>) -> &'a str {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let ends = [". ", "! ", "? ", "; ", ".\n", " | "];
    let start = ends.iter().filter_map(|end| before.rfind(end).map(|at| at + end.len())).max().unwrap_or(0);
    let end = ends.iter().filter_map(|end| after.find(end)).min().map_or(text.len(), |at| range.end + at);
    text.get(start..end).unwrap_or(text)
}

/// Whether a sentence tells of failure.
pub(super) fn failing(sentence: &str) -> bool {
    found(&FAILING, sentence)
}

/// Whether an entry says that the service worked again, for all.
pub(super) fn restored(text: &str) -> bool {
    RESTORED.find_iter(text).any(|at| {
        let clause = text[..at.start()].rsplit([',', '.', ';']).next().unwrap_or_default();
        let rest = text[at.end()..].trim_start().to_lowercase();
        !found(&NOT_YET, clause)
            && !found(&SOMETHING_ELSE, clause)
            && !rest.starts_with("from ")
            && !rest.starts_with("for some")
            && !NAMED_PLACE.is_match(text[at.end()..].split([',', '.', ';']).next().unwrap_or_default())
    })
}

/// Whether an entry tells others that it was over, rather than that it was.
pub(super) fn announced(text: &str) -> bool {
    found(&ANNOUNCED, text)
}

/// Whether an entry says that it broke again.
pub(super) fn relapsed(text: &str) -> bool {
    found(&RELAPSE, text)
}

/// Whether an entry speaks of slowness or of a warning that nobody heeded, not of failure.
pub(super) fn forewarned(text: &str) -> bool {
    let text = text.to_lowercase();
    ["latency", "slow", "noise", "ignored", "warning", "dismissed"].iter().any(|word| text.contains(word))
}

/// Whether an entry says that somebody or something noticed.
pub(super) fn detected(text: &str) -> bool {
    found(&DETECTED, text)
}

/// Whether it was customers who noticed.
pub(super) fn by_customers(text: &str) -> bool {
    found(&CUSTOMERS, text) && !text.to_lowercase().contains("probe")
}

/// Whether an entry may tell of the beginning.
pub(super) fn began(text: &str) -> bool {
    found(&BEGAN, text)
}

/// Whether an entry of detection says itself that logins had failed before.
pub(super) fn began_before_noticed(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("first fail") || text.contains("probe") || text.contains("began") || text.contains("starts failing")
}

/// Whether a sentence speaks of what is so without any outage.
pub(super) fn usual(sentence: &str) -> bool {
    let text = sentence.to_lowercase();
    ["background", "clean hours", "normally", "usually", "baseline"].iter().any(|word| text.contains(word))
}

/// Whether a sentence speaks of what is left of a budget.
pub(super) fn left(sentence: &str) -> bool {
    let text = sentence.to_lowercase();
    ["left", "remain"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeping_words_are_found_and_measured_ones_are_not() {
        let text = "experienced a complete outage, affecting all users trying to log in";
        let words: Vec<_> = wholes(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(words, ["complete outage", "affecting all users"]);
        for none in [
            "not all users",
            "almost everyone failed",
            "a complete review",
            "notify all teams",
            "service restored for all users after the outage",
            "All users were notified of the outage",
            "all affected users were locked out",
            "All users in Europe were affected",
            "every login there failed",
            "It was not a complete outage",
            "It could have been a complete outage",
            "8.4% of all sign-ins failed",
            "completely unavailable for users behind one load balancer",
            "the entire outage",
            "At the peak every login failed",
            "nobody could see which setting failed",
        ] {
            assert!(wholes(none).is_empty(), "{none}");
        }
        for whole in [
            "every user was affected",
            "No one could log in",
            "a total outage",
            "Logins failed for all users",
            "not a single login succeeded: everything failed",
            "nobody was able to sign in",
            "the entire user base was affected",
            "every single login failed",
        ] {
            assert_eq!(wholes(whole).len(), 1, "{whole}");
        }
        let whole = |text: &str| unscoped(text, &(0..5));
        assert!(whole("100 % of logins failed") && whole("100 % of all login attempts failed"));
        assert!(!whole("100 % of passkey logins failed") && !whole("100 % of logins in Asia failed"));
        assert_eq!(wholes("Everyone was locked out").len(), 1);
    }

    #[test]
    fn the_end_is_told_from_attempts() {
        assert!(restored("Database configuration corrected, and service restored to full functionality."));
        assert!(restored("Logins back to normal"));
        for none in [
            "Service partially restored",
            "A restart was tried but not resolved",
            "Root cause identified",
            "Backup restored",
            "Standby recovered",
            "Database restored from the backup of the night",
            "80 % of logins recovered",
        ] {
            assert!(!restored(none), "{none}");
        }
    }
}
