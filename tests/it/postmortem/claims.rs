//! Written claims against the data: each is held against the figure of which it speaks, and an equal figure of something
//! else confirms nothing.

use doorstep::postmortem::evidence::Evidence;
use doorstep::postmortem::lint::{Finding, Rule, Verdict, lint, text};

use super::draft::evidence;
use super::variants::{RAMP, folder, incidents};

/// What is known of the failing logins after slow ones, with estimates, events and a budget.
fn known() -> Evidence {
    let folder = folder(RAMP);
    let all = incidents(folder.path());
    let [slow, failing] = all.as_slice() else { panic!("{all:?}") };
    Evidence { linked: Some(slow.clone()), ..evidence(failing.clone()) }
}

/// What is said of a sentence.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Confirmed,
    Contradicted,
    Left,
}

/// The judgement of a quotation in the third line of a section.
fn judged(verdict: &Verdict, quote: &str) -> Option<Said> {
    let here = |line: usize, words: &str| line == 3 && words.contains(quote);
    if verdict.findings.iter().any(|one| one.rule == Rule::AgainstData && here(one.place.line, &one.place.quote)) {
        Some(Said::Contradicted)
    } else if verdict.confirmed.iter().any(|one| here(one.place.line, &one.place.quote)) {
        Some(Said::Confirmed)
    } else {
        verdict.not_checked.iter().any(|one| here(one.place.line, &one.place.quote)).then_some(Said::Left)
    }
}

#[test]
fn a_claim_is_held_against_the_figure_of_which_it_speaks() {
    let known = known();
    let alarm = known.incident.detected.unwrap().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let slow_alarm = known.linked.as_ref().unwrap().detected.unwrap().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let beginning = known.incident.first_failing.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    for (section, sentence, quote, said) in [
        ("Impact", "80.2 % of logins failed.", "80.2 %", Said::Confirmed),
        // The lower end of one vantage's interval is no share of logins that failed.
        ("Impact", "73 % of logins failed.", "73 %", Said::Contradicted),
        ("Impact", "From london 80 % of logins failed.", "80 %", Said::Confirmed),
        ("Impact", "From london 60 % of logins failed.", "60 %", Said::Contradicted),
        ("Impact", "At the peak 83 % of logins failed.", "83 %", Said::Confirmed),
        ("Impact", "At the peak 99 % of logins failed.", "99 %", Said::Contradicted),
        ("Impact", "More than 75 % of logins failed.", "75 %", Said::Confirmed),
        ("Impact", "Less than 50 % of logins failed.", "50 %", Said::Contradicted),
        ("Impact", "More than 3,000 people could not log in, say the logs.", "3,000", Said::Confirmed),
        ("Impact", "More than 30,000 people could not log in, say the logs.", "30,000", Said::Contradicted),
        ("Impact", "12 % of passkey logins failed.", "12 %", Said::Left),
        ("Impact", "384 failed logins out of 479 logins were seen by probes.", "384", Said::Confirmed),
        // As many failed at one vantage.
        ("Impact", "128 failed logins were seen by probes.", "128", Said::Contradicted),
        ("Impact", "128 failed logins were seen by probes from london.", "128", Said::Confirmed),
        ("Impact", "5,000 people could not log in, say the logs.", "5,000", Said::Confirmed),
        ("Impact", "50,000 people could not log in, say the logs.", "50,000", Said::Contradicted),
        // As many sign-ins failed, not people.
        ("Impact", "16,649 people were affected.", "16,649", Said::Contradicted),
        ("Impact", "16,649 sign-ins failed.", "16,649", Said::Confirmed),
        ("Impact", "2 customers reported that they could not log in.", "2 customers", Said::Left),
        ("Impact", "37,000 requests went on undisturbed.", "37,000", Said::Left),
        // As long as the alarm took.
        ("Detection", "The new release took 35 s to start.", "35 s", Said::Left),
        ("Impact", "45.67 % of the error budget was spent.", "45.67 %", Said::Confirmed),
        ("Impact", "80 % of the error budget was spent.", "80 %", Said::Contradicted),
    ] {
        let markdown = format!("## {section}\n\n{sentence}\n");
        let verdict = lint(&markdown, Some(&known));
        assert_eq!(judged(&verdict, quote), Some(said), "{sentence}\n{}", text("a.md", &verdict));
    }
    for (entry, said) in [
        (format!("{alarm}: the alarm was raised"), Said::Confirmed),
        (format!("{alarm}: lunch"), Said::Left),
        // An alarm of one kind confirms none of the other.
        (format!("{alarm}: an alert says that logins fail"), Said::Confirmed),
        (format!("{alarm}: an alert of high latency"), Said::Left),
        (format!("{slow_alarm}: an alert of high latency"), Said::Confirmed),
        (format!("{beginning}: logins begin to fail"), Said::Confirmed),
        (format!("{beginning}: lunch"), Said::Left),
        ("2024-03-05 08:36:00 UTC: Ada was paged".to_owned(), Said::Confirmed),
        ("2024-03-05 08:36:00 UTC: lunch".to_owned(), Said::Left),
        ("2024-03-05 09:20:00 UTC: service restored".to_owned(), Said::Contradicted),
    ] {
        let markdown = format!("## Timeline\n\n- {entry}\n");
        let verdict = lint(&markdown, Some(&known));
        assert_eq!(judged(&verdict, &entry[..16]), Some(said), "{entry}\n{}", text("a.md", &verdict));
    }
}

/// What a person writes who knows the data: rounded, in other words, with figures of other things beside.
const TRUE_ACCOUNT: &str = include_str!("true_account.md");

#[test]
fn a_true_account_is_not_contradicted() {
    let known = known();
    let verdict = lint(TRUE_ACCOUNT, Some(&known));
    assert!(verdict.findings.is_empty(), "{}", text("true_account.md", &verdict));
    assert!(verdict.confirmed.len() >= 25, "{}", text("true_account.md", &verdict));
    let alone = lint(TRUE_ACCOUNT, None);
    assert!(alone.findings.is_empty(), "{}", text("true_account.md", &alone));
    // And with one thing made wrong it is, in that line.
    for (right, wrong) in [
        ("From 08:31 to 09:51 on", "From 08:31 to 11:51 on"),
        ("The outage lasted about 80 minutes", "The outage lasted about 40 minutes"),
        ("about 80 % of logins to the shop failed", "about 30 % of logins to the shop failed"),
        ("384 of 479 probes", "128 failed logins of 479 logins probed"),
        ("it was 83 % of logins", "it was 99 % of logins"),
        ("Around 5,600 people", "Around 56,000 people"),
        ("From Berlin 81 %", "From Berlin 41 %"),
        ("- 46 % of the weekly", "- 64 % of the weekly"),
        ("The alarm was raised", "Nobody could log in. The alarm was raised"),
        ("2024-03-05 09:51 logins recovered", "2024-03-05 10:51 logins recovered"),
    ] {
        assert!(TRUE_ACCOUNT.contains(right), "{right}");
        let markdown = TRUE_ACCOUNT.replacen(right, wrong, 1);
        let line = markdown.lines().position(|line| line.contains(wrong)).unwrap() + 1;
        let verdict = lint(&markdown, Some(&known));
        let seen = |one: &Finding| one.rule == Rule::AgainstData && one.place.line == line;
        assert!(verdict.findings.iter().any(seen), "{wrong}\n{}", text("true_account.md", &verdict));
    }
}

#[test]
fn slow_logins_before_the_failing_ones_are_held_against_who_noticed() {
    let known = known();
    let noticed = |entry: &str| {
        let verdict = lint(&format!("## Timeline\n\n- {entry}\n"), Some(&known));
        verdict.findings.iter().any(|finding| finding.rule == Rule::NoticedLate && finding.place.line == 3)
    };
    assert!(noticed("2024-03-05 08:36 UTC: detected by an alert on high latency"));
    assert!(!noticed("2024-03-05 08:05 UTC: detected by an alert on high latency"));
    // Said to have begun with slow logins: that is when these began.
    let slow = known.linked.as_ref().unwrap().first_failing.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let told = |words: &str| {
        let markdown = format!("## Impact\n\n- Start: {slow}, {words}\n- End: 2024-03-05 09:51 UTC\n");
        judged(&lint(&markdown, Some(&known)), &slow[..16])
    };
    assert_eq!(told("slow at first"), Some(Said::Confirmed));
    assert_eq!(told("all of them failing"), Some(Said::Contradicted));
}
