//! A corpus of clean postmortems in the styles that people write, on which the check is silent; and small contradictions
//! planted into them, each of which is found at its line.

use doorstep::postmortem::lint::Rule::{
    self, ActionWithoutDue, ActionWithoutOwner, AmbiguousDate, AmbiguousZone, Blank, BudgetWithoutPriority,
    DoneAndToDo, DurationContradictsTimeline, EndBeforeStart, ImpossibleShare, MidnightWithoutDate, MissingSection,
    NoonOrMidnight, NumberWithoutSource, OutageAgainstLatency, RestoredAfterEnd, ShareOfEverybody,
    ShareWithoutDenominator, StartIsDetection, TimeWithoutZone, TimesOutOfOrder, UnreadableTime, WholeAgainstShare,
};
use doorstep::postmortem::lint::{lint, text};

macro_rules! corpus {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("corpus/", $name, ".md")))),+] };
}

const CORPUS: &[(&str, &str)] = corpus![
    "atlassian",
    "bold_labels",
    "brackets_midnight",
    "day_items",
    "eastern_fields",
    "email",
    "github_like",
    "google_sre",
    "headings_as_entries",
    "iso_bullets",
    "latency_first",
    "new_york_midnight",
    "newyork_table",
    "offset_iso",
    "one_balancer",
    "one_node",
    "partial",
    "password_reset",
    "plain_labels",
    "prose_sections",
    "quarter_budget",
    "questions",
    "quoted_window",
    "relapse",
    "slack_update",
    "slow_only",
    "sso_full",
    "summer_time",
    "token_refresh",
    "tried_in_vain",
    "twelve_hour",
    "weekly_budget",
];

#[test]
fn clean_documents_of_every_style_are_left_in_peace() {
    assert!(CORPUS.len() >= 15);
    let loud: Vec<String> = CORPUS
        .iter()
        .map(|(name, markdown)| (name, lint(markdown, None)))
        .filter(|(_, verdict)| !verdict.findings.is_empty())
        .map(|(name, verdict)| text(name, &verdict))
        .collect();
    assert!(loud.is_empty(), "{}", loud.concat());
}

/// A document, the words that are true, the words that replace them, the rule that sees it, and the words of the line at
/// which it does; those that replace when not given.
struct Planted(&'static str, &'static str, &'static str, Rule, Option<&'static str>);

const fn here(document: &'static str, right: &'static str, wrong: &'static str, rule: Rule) -> Planted {
    Planted(document, right, wrong, rule, None)
}

const fn at(
    document: &'static str,
    right: &'static str,
    wrong: &'static str,
    rule: Rule,
    line: &'static str,
) -> Planted {
    Planted(document, right, wrong, rule, Some(line))
}

#[rustfmt::skip]
const PLANTED: &[Planted] = &[
    // Durations.
    here("google_sre", "failed for 80 minutes", "failed for 3 hours", DurationContradictsTimeline),
    here("atlassian", "For 1 hour and 20 minutes", "For 4 hours", DurationContradictsTimeline),
    here("brackets_midnight", "Total downtime: 2 h 15 min", "Total downtime: 1 h 15 min", DurationContradictsTimeline),
    here("iso_bullets", "- Duration: 80 min", "- Duration: 8 min", DurationContradictsTimeline),
    here("iso_bullets", "failed for 1 h 20 min", "failed for 2 h 20 min", DurationContradictsTimeline),
    here("twelve_hour", "The outage lasted 80 minutes", "The outage lasted almost three hours", DurationContradictsTimeline),
    here("newyork_table", "| Duration | 1 h 20 min |", "| Duration | 20 min |", DurationContradictsTimeline),
    here("offset_iso", "The outage was 80 minutes long", "The outage was 45 minutes long", DurationContradictsTimeline),
    here("relapse", "The incident lasted 2 h 31 min", "The incident lasted 50 min", DurationContradictsTimeline),
    here("day_items", "The outage was 15 minutes", "The outage was 2 hours", DurationContradictsTimeline),
    here("headings_as_entries", "Duration of the outage: 40 minutes", "Duration of the outage: 4 h", DurationContradictsTimeline),
    here("quarter_budget", "Logins failed for 2 h,", "Logins failed for 5 h,", DurationContradictsTimeline),
    here("slack_update", "some people had trouble logging in.", "some people had trouble logging in. The incident lasted 3 hours.", DurationContradictsTimeline),
    here("email", "About two thirds", "The outage lasted 3 hours. About two thirds", DurationContradictsTimeline),
    here("github_like", "the login service was degraded.", "the login service was degraded. The outage lasted 5 hours.", DurationContradictsTimeline),
    // Restoration after the stated end, and ends before starts.
    at("iso_bullets", "- End: 2024-03-05T09:51:00Z", "- End: 2024-03-05T09:21:00Z", RestoredAfterEnd, "- End:"),
    at("google_sre", "failed for 80 minutes while", "failed from 2024-03-05 08:31 to 09:20 UTC while", RestoredAfterEnd, "09:20"),
    at("atlassian", "Between 08:31 and 09:51 UTC on 5 March 2024, 63.8%", "Between 08:31 and 09:11 UTC on 5 March 2024, 63.8%", RestoredAfterEnd, "09:11 UTC"),
    at("newyork_table", "| End | 2024-03-05 04:51", "| End | 2024-03-05 04:11", RestoredAfterEnd, "| End |"),
    at("partial", "**End:** 2024-03-05 12:45 UTC", "**End:** 2024-03-05 09:30 UTC", RestoredAfterEnd, "**End:**"),
    at("relapse", "to 2024-03-05 11:02 UTC", "to 2024-03-05 09:20 UTC", RestoredAfterEnd, "09:20 UTC,"),
    at("brackets_midnight", "until 2024-03-06 01:25", "until 2024-03-06 00:25", RestoredAfterEnd, "until 2024-03-06 00:25"),
    at("twelve_hour", "from 3:31 AM to 4:51 AM EST", "from 3:31 AM to 4:01 AM EST", RestoredAfterEnd, "4:01 AM EST"),
    at("offset_iso", "2024-03-05T10:51+01:00. The", "2024-03-05T10:21+01:00. The", RestoredAfterEnd, "10:21+01:00"),
    at("slack_update", "Between 8:31 AM and 9:51 AM PST", "Between 8:31 AM and 9:05 AM PST", RestoredAfterEnd, "9:05 AM"),
    at("headings_as_entries", "from 10:00 UTC to 10:40 UTC", "from 10:00 UTC to 10:20 UTC", RestoredAfterEnd, "10:20 UTC"),
    at("quarter_budget", "14:00 to 16:00 UTC", "14:00 to 15:00 UTC", RestoredAfterEnd, "14:00 to 15:00"),
    at("prose_sections", "From 08:31 UTC to 09:51 UTC", "From 08:31 UTC to 09:11 UTC", RestoredAfterEnd, "09:11 UTC"),
    here("iso_bullets", "- End: 2024-03-05T09:51:00Z", "- End: 2024-03-05T07:51:00Z", EndBeforeStart),
    here("partial", "**End:** 2024-03-05 12:45 UTC", "**End:** 2024-03-04 12:45 UTC", EndBeforeStart),
    // Sweeping words against a share.
    here("google_sre", "No revenue impact is known.", "All users were affected.", WholeAgainstShare),
    here("atlassian", "our users experienced failing logins", "every user was locked out", WholeAgainstShare),
    here("github_like", "the login service was degraded.", "the login service suffered a complete outage.", WholeAgainstShare),
    here("email", "did not get in:", "did not get in. No one could log in:", WholeAgainstShare),
    here("iso_bullets", "Logins failed for 1 h 20 min.", "Logins failed for 1 h 20 min for all customers.", WholeAgainstShare),
    here("twelve_hour", "Customers who were already signed in were not affected.", "Nobody was able to sign in.", WholeAgainstShare),
    here("brackets_midnight", "Logins failed from", "The service was completely unavailable. Logins failed from", WholeAgainstShare),
    here("newyork_table", "Other regions saw nothing.", "A total outage.", WholeAgainstShare),
    here("offset_iso", "100 % of passkey logins failed.", "100 % of logins failed.", WholeAgainstShare),
    here("relapse", "Logins failed from 2024-03-05 08:31 UTC", "60 % of logins failed. Everyone was locked out from 2024-03-05 08:31 UTC", WholeAgainstShare),
    here("partial", "No user lost data.", "Not a single login succeeded.", WholeAgainstShare),
    here("day_items", "9 % of logins failed", "The entire user base was affected: 9 % of logins failed", WholeAgainstShare),
    here("quarter_budget", "100 % of logins failed, as the probes show: a complete outage.", "70 % of logins failed, as the probes show: a complete outage.", WholeAgainstShare),
    here("headings_as_entries", "Tokens were refused", "Every single login failed. Tokens were refused", WholeAgainstShare),
    // Percentages.
    here("google_sre", "63.8 % of logins failed", "63.8 % failed", ShareWithoutDenominator),
    here("iso_bullets", "- Failing share: 63.8 % of logins (probes)", "- Severity: 63.8 % were hit", ShareWithoutDenominator),
    here("newyork_table", "22.4% of login requests failed", "22.4% were slow or worse", ShareWithoutDenominator),
    here("partial", "4.1 % of logins failed", "141 % of logins failed", ImpossibleShare),
    here("email", "63.8 % of logins failed", "63.8 % of our user base was locked out", ShareOfEverybody),
    here("headings_as_entries", "5.5 % of logins failed (probes).", "Around 5 % of logins failed.", NumberWithoutSource),
    here("atlassian", "53 support tickets were opened.", "About 9,000 users were hit.", NumberWithoutSource),
    // Timelines.
    here("iso_bullets", "* **2024-03-05T09:41:00Z** settings", "* **2024-03-05T07:41:00Z** settings", TimesOutOfOrder),
    here("newyork_table", "| 4 | 2024-03-05 | 04:45 |", "| 4 | 2024-03-05 | 03:15 |", TimesOutOfOrder),
    here("offset_iso", "2024-03-05T09:50:00+01:00 — customers", "2024-03-05T09:50:00+02:00 — customers", TimesOutOfOrder),
    here("headings_as_entries", "### 2024-03-05 10:02 UTC - alarm", "### 2024-03-05 09:02 UTC - alarm", TimesOutOfOrder),
    here("prose_sections", "5 Mar 2024 09:41 UTC: change", "4 Mar 2024 09:41 UTC: change", TimesOutOfOrder),
    here("google_sre", "- 09:41 Settings rolled back", "- 07:41 Settings rolled back", MidnightWithoutDate),
    here("atlassian", "09:41 - Settings rolled back", "08:01 - Settings rolled back", MidnightWithoutDate),
    here("slack_update", "- 8:34 AM PST: automated", "- 7:34 AM PST: automated", MidnightWithoutDate),
    here("twelve_hour", "- 3:33 AM: alert fired", "- half past three: alert fired", UnreadableTime),
    here("iso_bullets", "* **2024-03-05T08:33:10Z** alarm", "* **2024-03-05T08:73:10Z** alarm", UnreadableTime),
    here("relapse", "- 2024-03-05 09:55: logins fail again", "- 2024-02-31 09:55: logins fail again", UnreadableTime),
    here("brackets_midnight", "### 2024-03-06", "### 2024-13-06", UnreadableTime),
    here("day_items", "  - 00:30 Index rebuilt", "  - 24:75 Index rebuilt", UnreadableTime),
    here("quarter_budget", "- 2024-03-05 14:01 alarm", "- later: alarm", UnreadableTime),
    here("twelve_hour", "- 5:20 AM: customers", "- 12:00 PM: customers", NoonOrMidnight),
    here("prose_sections", "rolled out at 08:10 UTC on 5 Mar 2024", "rolled out at 08:10 UTC on 05/03/2024", AmbiguousDate),
    here("email", "from 09:31 to 10:51 CET", "from 09:31 to 10:51 IST", AmbiguousZone),
    at("brackets_midnight", "All times in CET.", "", TimeWithoutZone, "until 2024-03-06"),
    at("google_sre", "(*all times UTC*)", "", TimeWithoutZone, "- 08:29 Replication"),
    at("relapse", "## Timeline (UTC)", "## Timeline", TimeWithoutZone, "- 2024-03-05 08:31: logins fail"),
    at("atlassian", "08:31 - First login fails", "08:31 - Alert fired: logins are down", StartIsDetection, "Between 08:31"),
    at("quarter_budget", "- 2024-03-05 14:00 all logins fail\n- 2024-03-05 14:01 alarm", "- 2024-03-05 14:00 alarm: high latency of logins", OutageAgainstLatency, "high latency"),
    // Sections, blanks, actions, budgets.
    here("partial", "One provider for all messages.", "TBD", Blank),
    here("iso_bullets", "A standby name that did not exist.", "to be determined", Blank),
    at("relapse", "## Lessons learned", "## Further remarks", MissingSection, "A restart hides a leak"),
    at("offset_iso", "## Root cause", "## Notes", MissingSection, "What is not probed"),
    here("google_sre", "| prevent | ada |", "| prevent | |", ActionWithoutOwner),
    here("newyork_table", "| Ada Byron | 2024-03-29 |", "| unassigned | 2024-03-29 |", ActionWithoutOwner),
    at("iso_bullets", "(owner: Ada Byron, due 2024-03-12)", "", ActionWithoutOwner, "Refuse unknown"),
    here("relapse", "(DRI: Ada Byron, due 2024-03-11)", "(DRI: none, due 2024-03-11)", ActionWithoutOwner),
    at("brackets_midnight", "Owner: Ada Byron. Due: 2024-03-20.", "", ActionWithoutOwner, "Reload keys"),
    here("offset_iso", "- @ada: probe a login by passkey, due 2024-03-15", "- @ada: probe a login by passkey", ActionWithoutDue),
    at("quarter_budget", "- [P1] Read", "- [P3] Read", BudgetWithoutPriority, "31 % of the error budget of the quarter"),
    // Of the budget of four weeks that is a quarter.
    here("weekly_budget", "46 % of the weekly error budget", "96 % of the weekly error budget", BudgetWithoutPriority),
    here("weekly_budget", "46 % of the weekly error budget", "46 % of the monthly error budget", BudgetWithoutPriority),
    at("weekly_budget", "(owner: Ada Byron, due 2024-03-15)", "", ActionWithoutOwner, "Reload balancers"),
    at("prose_sections", "took 12 % of the monthly", "took 42 % of the monthly", BudgetWithoutPriority, "42 % of the monthly"),
    here("relapse", "A larger pool, and a patch that closes connections.", "A larger pool. Alerting on the pool was added.", DoneAndToDo),
    here("sso_full", "21% of sign-in attempts failed over 2 h 45 min", "21% of sign-in attempts failed: a complete outage", WholeAgainstShare),
    here("one_balancer", "for about 42 minutes", "for about 42 minutes. The outage lasted 3 hours", DurationContradictsTimeline),
    here("latency_first", "The incident lasted 95 minutes", "The incident lasted 9 hours", DurationContradictsTimeline),
    at("eastern_fields", "| **End time** | 12:05 PM EDT |", "| **End time** | 11:50 AM EDT |", RestoredAfterEnd, "End time"),
    at("eastern_fields", "| **Total duration** | 1 hour 50 minutes |", "| **Total duration** | 3 hours 50 minutes |", DurationContradictsTimeline, "Total duration"),
    here("summer_time", "The outage lasted 1 h.", "The outage lasted 2 h.", DurationContradictsTimeline),
    here("token_refresh", "2. 12:04:10Z", "2. 11:04:10Z", MidnightWithoutDate),
    here("slow_only", "- 2024-02-10 08:02: alarm", "- 2024-02-10 07:02: alarm", TimesOutOfOrder),
    at("bold_labels", "from 10:00 to 12:30 (UTC+1)", "from 10:00 to 11:30 (UTC+1)", RestoredAfterEnd, "11:30 (UTC+1)"),
    here("bold_labels", "100% of login requests returned 500", "60% of login requests returned 500", WholeAgainstShare),
    at("quoted_window", "07:14–08:02 UTC (48 min)", "07:14–07:32 UTC (18 min)", RestoredAfterEnd, "07:32"),
    here("plain_labels", "5xx on the auth API for 25 minutes", "The outage lasted 2 hours", DurationContradictsTimeline),
    at("new_york_midnight", "- 12:20 AM Release 2024.2.1 built", "- 12:45 AM Release 2024.2.1 built", MidnightWithoutDate, "- 12:31 AM Consent"),
    here("one_node", "only 1 % of users could not log in at all (logs)", "nobody could log in at all", WholeAgainstShare),
    here("questions", "| Ada Byron | 2024-08-30 |", "| TBC | 2024-08-30 |", ActionWithoutOwner),
    at("tried_in_vain", "- 10:00 UTC service restored", "- 10:40 UTC service restored", RestoredAfterEnd, "The outage ended"),
    at("password_reset", "from 08:00 to 09:30, nobody", "from 08:00 to 09:10, nobody", RestoredAfterEnd, "09:10, nobody"),
    here("password_reset", "Logins with a known password worked for everyone.", "Everyone was locked out.", WholeAgainstShare),
];

#[test]
fn every_planted_contradiction_is_found_at_its_line() {
    let mut missed = Vec::new();
    for Planted(name, right, wrong, rule, line) in PLANTED {
        let (_, clean) = CORPUS.iter().find(|(known, _)| known == name).unwrap();
        assert!(clean.contains(right), "{name} does not say '{right}'");
        let planted = clean.replacen(right, wrong, 1);
        let words = line.or_else(|| wrong.lines().rfind(|line| !line.is_empty())).unwrap();
        let found = planted.lines().position(|line| line.contains(words));
        let expected = found.unwrap_or_else(|| panic!("no line of {name} says '{words}'")) + 1;
        let verdict = lint(&planted, None);
        if !verdict.findings.iter().any(|finding| finding.rule == *rule && finding.place.line == expected) {
            missed.push(format!("{name}:{expected}: {rule} for '{wrong}', but\n{}\n", text(name, &verdict)));
        }
    }
    assert!(missed.is_empty(), "{} of {} are missed\n{}", missed.len(), PLANTED.len(), missed.concat());
}
