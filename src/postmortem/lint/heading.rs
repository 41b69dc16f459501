//! The parts of a postmortem and the headings under which people write them. Knows only words.

use std::fmt;

/// A part that a postmortem should have (the fields of Google's, Atlassian's and PagerDuty's templates).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Summary,
    Impact,
    Timeline,
    RootCause,
    Trigger,
    Detection,
    Resolution,
    Actions,
    Lessons,
}

impl Part {
    pub(super) const ALL: [Self; 9] = [
        Self::Summary,
        Self::Impact,
        Self::Timeline,
        Self::RootCause,
        Self::Trigger,
        Self::Detection,
        Self::Resolution,
        Self::Actions,
        Self::Lessons,
    ];

    /// Words of a heading that mean this part; each stands for itself and its endings.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Summary => &["summary", "overview", "abstract", "what happened", "tl;dr"],
            Self::Impact => &["impact", "affected", "effect on", "damage"],
            Self::Timeline => &["timeline", "time line", "chronology", "sequence of events", "incident log"],
            Self::RootCause => {
                &["root cause", "cause", "contributing factor", "why it happened", "why", "five whys", "5 whys"]
            }
            Self::Trigger => &["trigger", "leadup", "lead-up", "lead up"],
            Self::Detection => &["detection", "detected", "how we noticed", "how we found", "discovery"],
            Self::Resolution => &[
                "resolution",
                "recovery",
                "mitigation",
                "how we fixed",
                "how did we fix",
                "fixed",
                "restoration",
                "remediation",
            ],
            Self::Actions => &[
                "action",
                "task",
                "corrective",
                "preventative",
                "preventive",
                "follow-up",
                "follow up",
                "next steps",
                "remediation",
                "improvement",
                "fixes",
                "measures",
            ],
            Self::Lessons => &[
                "lesson",
                "lessons learned",
                "lessons learnt",
                "learning",
                "learn",
                "what went",
                "went well",
                "went wrong",
                "lucky",
                "takeaway",
            ],
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Summary => "Summary",
            Self::Impact => "Impact",
            Self::Timeline => "Timeline",
            Self::RootCause => "Root cause",
            Self::Trigger => "Trigger",
            Self::Detection => "Detection",
            Self::Resolution => "Resolution",
            Self::Actions => "Action items",
            Self::Lessons => "Lessons learned",
        })
    }
}

/// The parts that a heading announces; none when it announces none, as a title does.
pub(super) fn of_heading(heading: &str) -> Vec<Part> {
    let text = heading.to_lowercase();
    if ["postmortem", "post-mortem", "post mortem", "incident report"].iter().any(|title| text.contains(title)) {
        return Vec::new();
    }
    Part::ALL.into_iter().filter(|part| part.words().iter().any(|word| begins_word(&text, word))).collect()
}

/// The part that a label such as `Impact:` announces: labels are short and say nothing else.
pub(super) fn of_label(label: &str) -> Option<Part> {
    // "Timeline (CEST)": what stands in parentheses says more of the same part.
    let text = label.split('(').next().unwrap_or_default().trim().to_lowercase();
    let exact = |word: &&str| text == **word || text == format!("{word}s") || text == format!("{word} items");
    Part::ALL.into_iter().find(|part| part.words().iter().any(exact))
}

/// Whether `word` stands in `text` at the beginning of a word.
fn begins_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_read_by_their_synonyms() {
        for (heading, parts) in [
            ("Issue Summary", vec![Part::Summary]),
            ("Root Cause and Resolution", vec![Part::RootCause, Part::Resolution]),
            ("Corrective and Preventative Measures", vec![Part::Actions]),
            ("Improvements/Fixes:", vec![Part::Actions]),
            ("Tasks to Address the Issue:", vec![Part::Actions]),
            ("5. Lessons learnt", vec![Part::Lessons]),
            ("Where we got lucky", vec![Part::Lessons]),
            ("Postmortem: impact of the outage", vec![]),
            ("Interaction design", vec![]),
            ("Leadup", vec![Part::Trigger]),
        ] {
            assert_eq!(of_heading(heading), parts, "{heading}");
        }
        assert_eq!(of_label("Root Causes"), Some(Part::RootCause));
        assert_eq!(of_label("Improve detection"), None);
    }
}
