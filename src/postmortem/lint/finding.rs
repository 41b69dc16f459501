//! What the check of a postmortem says: findings, claims that hold, and claims that it cannot judge.

use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Note,
    /// A reader is left to guess.
    Warning,
    /// The document contradicts itself or the data, or lacks what it must have.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Declares the rules with their names.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal,)+) => {
        /// What was looked for. The names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Rule { $($(#[$doc])* #[serde(rename = $name)] $rule,)+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];
        }

        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$rule => $name),+ })
            }
        }
    };
}

rules! {
    /// Nothing to check.
    Empty = "empty",
    /// A date or time that does not exist, or a timeline entry that begins with none.
    UnreadableTime = "unreadable-time",
    /// A numeric date that Europe and America read differently.
    AmbiguousDate = "ambiguous-date",
    /// An abbreviation that several zones share.
    AmbiguousZone = "ambiguous-zone",
    /// 12:00 AM or PM: noon or midnight.
    NoonOrMidnight = "noon-or-midnight",
    /// The clock goes back and no date says whether a day has passed.
    MidnightWithoutDate = "midnight-without-date",
    /// Times of day, and no date anywhere.
    TimeWithoutDate = "time-without-date",
    /// A time without a zone.
    TimeWithoutZone = "time-without-zone",
    /// A dated timeline that goes back.
    TimesOutOfOrder = "times-out-of-order",
    /// Hours of the timeline without an entry.
    GapInTimeline = "gap-in-timeline",
    /// A stated duration that its own timeline, or its own start and end, contradicts.
    DurationContradictsTimeline = "duration-contradicts-timeline",
    /// The service was restored after the stated end.
    RestoredAfterEnd = "restored-after-end",
    /// The end lies before the start.
    EndBeforeStart = "end-before-start",
    /// The outage is said to begin at the moment at which it was noticed.
    StartIsDetection = "start-is-detection",
    /// "All users" or "complete outage" against a share.
    WholeAgainstShare = "whole-against-share",
    /// A complete outage that was noticed as slowness.
    OutageAgainstLatency = "outage-against-latency",
    /// A share above 100 %.
    ImpossibleShare = "impossible-share",
    /// A percentage of nothing named.
    ShareWithoutDenominator = "share-without-denominator",
    /// A share of people who never tried.
    ShareOfEverybody = "share-of-everybody",
    /// A figure without a hint at where it comes from.
    NumberWithoutSource = "number-without-source",
    /// A section that a postmortem needs.
    MissingSection = "missing-section",
    /// A section without text, or a blank that nobody filled.
    Blank = "blank",
    /// Customers were first, although probes had failed.
    CustomersFirst = "customers-first",
    /// Logins were slow long before anybody noticed that they failed.
    NoticedLate = "noticed-late",
    /// Nobody answers for an action.
    ActionWithoutOwner = "action-without-owner",
    /// An action without a date.
    ActionWithoutDue = "action-without-due-date",
    /// Two actions that say the same.
    DuplicateAction = "duplicate-action",
    /// Said to be done, and still to do.
    DoneAndToDo = "done-and-to-do",
    /// More of the error budget spent than its policy lets one incident take (without data: over a fifth of that of four weeks),
    /// and no action of the highest priority.
    BudgetWithoutPriority = "budget-without-priority",
    /// A figure or a stated cause that the data contradicts.
    AgainstData = "against-the-data",
}

/// Words of the document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// The words.
    pub quote: String,
}

/// A complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was looked for.
    pub rule: Rule,
    /// Where, and the words.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong with them, and what they contradict.
    pub message: String,
    /// Other words of the document that they contradict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Place>,
    /// How to put it right.
    pub way_out: String,
}

/// A claim that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmed {
    /// Where, and the words.
    #[serde(flatten)]
    pub place: Place,
    /// What confirms it.
    pub by: String,
}

/// A claim that cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// Where, and the words.
    #[serde(flatten)]
    pub place: Place,
    /// Why not.
    pub because: String,
}

/// All that the check has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Complaints, by line.
    pub findings: Vec<Finding>,
    /// Claims that hold, by line.
    pub confirmed: Vec<Confirmed>,
    /// Claims that cannot be judged, by line.
    pub not_checked: Vec<NotChecked>,
}

impl Verdict {
    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    pub(super) fn find(&mut self, severity: Severity, rule: Rule, place: Place, message: String, way_out: &str) {
        self.findings.push(Finding { severity, rule, place, message, against: None, way_out: way_out.to_owned() });
    }

    pub(super) fn find_against(&mut self, rule: Rule, place: Place, message: String, against: Place, way_out: &str) {
        let against = Some(against);
        let way_out = way_out.to_owned();
        self.findings.push(Finding { severity: Severity::Error, rule, place, message, against, way_out });
    }

    pub(super) fn confirm(&mut self, place: Place, by: String) {
        self.confirmed.push(Confirmed { place, by });
    }

    pub(super) fn leave(&mut self, place: Place, because: &str) {
        self.not_checked.push(NotChecked { place, because: because.to_owned() });
    }

    pub(super) fn sorted(mut self) -> Self {
        self.findings.sort_by(|a, b| (&a.place, a.rule).cmp(&(&b.place, b.rule)));
        self.findings.dedup();
        self.confirmed.sort_by(|a, b| (&a.place, &a.by).cmp(&(&b.place, &b.by)));
        self.not_checked.sort_by(|a, b| (&a.place, &a.because).cmp(&(&b.place, &b.because)));
        self
    }
}
