//! Claims in words: that all were hit, that it was over, that it was noticed. Knows words, not figures.

use std::ops::Range;
use std::sync::LazyLock;

use super::pattern::{Pattern, compiled};

static WHOLE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:(?:complete|total|full|entire|global)(?:ly)? (?:\w+ )?(?:outage|unavailability|failure|down|unavailable)|completely (?:down|unavailable|failed)|(?:affecting |affected )?(?:all|every)(?: of)?(?: our| the| its)?(?: \w+)? ?(?:users?|customers?|logins?|sign-ins|people|tenants)\b|everyone|everybody|nobody could|no one could|no (?:user|customer)s? (?:could|was able|were able)|(?:the )?entire (?:user|customer) base)",
    )
});
static FAILING: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:affect|impact|unable|could not|couldn't|cannot|can't|fail|outage|down\b|lost|unavailab|locked|denied|refused|error|broke|nobody|no one|no user|no customer)",
    )
});
static RESTORED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:restored|recovered|recovery complete|resolved|back to normal|back online|fully functional|full functionality|service (?:is |was )?(?:up|healthy|normal)|all clear|outage (?:over|ended)|succeed(?:ed)? again|logins? (?:work|succeed)\w* again)",
    )
});
static NOT_YET: Pattern =
    LazyLock::new(|| compiled(r"(?i)\b(?:not|partial|partially|attempt|try|tried|failed|could|would|until|some)\b"));
static DETECTED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:detected|detection|noticed|discovered|alert(?:s|ed)? (?:fired|triggered|raised)|alarm|alarmed|paged|monitoring alerts?|reported|first report)",
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

/// Where a text says that all were hit: "complete outage", "all users".
pub(super) fn wholes(text: &str) -> Vec<Range<usize>> {
    let all = WHOLE.find_iter(text);
    all.map(|found| found.range())
        .filter(|range| {
            let before = text[..range.start].trim_end().to_lowercase();
            !["not", "nearly", "almost", "no", "without", "never", "avoid", "for"]
                .iter()
                .any(|word| before.ends_with(word))
        })
        .collect()
}

/// Whether a sentence tells of failure.
pub(super) fn failing(sentence: &str) -> bool {
    found(&FAILING, sentence)
}

/// Whether an entry says that the service worked again.
pub(super) fn restored(text: &str) -> bool {
    RESTORED.find(text).is_some_and(|at| {
        let clause = text[..at.start()].rsplit([',', '.', ';']).next().unwrap_or_default();
        !found(&NOT_YET, clause)
    })
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
        for none in
            ["not all users", "almost everyone", "a complete review", "notify all teams", "restored for all users"]
        {
            assert!(wholes(none).is_empty(), "{none}");
        }
        assert_eq!(wholes("Everyone was locked out").len(), 1);
    }

    #[test]
    fn the_end_is_told_from_attempts() {
        assert!(restored("Database configuration corrected, and service restored to full functionality."));
        assert!(restored("Logins back to normal"));
        for none in ["Service partially restored", "A restart was tried but not resolved", "Root cause identified"] {
            assert!(!restored(none), "{none}");
        }
    }
}
