//! What the sandbox says it did is what its visitors saw, to the last login.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorstep::sandbox::{LoginResult, LoginTruth, Options, Sandbox, Script};
use futures_util::future::join_all;

use super::visitor::{PASSWORD, Visitor, sandbox};

async fn log_in_by_json(sandbox: &Sandbox, count: usize) -> Vec<u16> {
    let mut visitor = Visitor::new(sandbox);
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(visitor.json_login("probe", PASSWORD).await.expect("an answer").status);
    }
    statuses
}

fn failed(truth: &[LoginTruth]) -> BTreeSet<u64> {
    truth.iter().filter(|login| login.result != LoginResult::Good).map(|login| login.login).collect()
}

async fn fails(exactly: &str, seed: u64, count: usize) -> BTreeSet<u64> {
    let sandbox = sandbox(&format!(
        "seed: {seed}\nrules: [{{match: {{action: login}}, exactly: {exactly}, fault: {{status: {{code: 500}}}}}}]"
    ))
    .await;
    let statuses = log_in_by_json(&sandbox, count).await;
    let (truth, requests) = sandbox.stop().await;
    let seen: Vec<u16> = truth.iter().map(|login| if login.fault.is_some() { 500 } else { 200 }).collect();
    assert_eq!(statuses, seen, "visitor and truth agree on every login");
    assert_eq!(requests.len(), count);
    failed(&truth)
}

#[tokio::test]
async fn exactly_37_of_1000_by_seed() {
    let first = fails("37 of 1000", 7, 1000).await;
    assert_eq!(first.len(), 37);
    assert_eq!(fails("37 of 1000", 7, 1000).await, first, "the same seed, the same logins");
    let other = fails("37 of 1000", 8, 1000).await;
    assert!(other.len() == 37 && other != first);
}

#[tokio::test]
async fn none_and_all_of_n() {
    assert_eq!(fails("0 of 50", 1, 100).await.len(), 0);
    assert_eq!(fails("50 of 50", 1, 100).await.len(), 100);
}

#[tokio::test]
async fn a_thousand_at_once_are_counted_once() {
    let sandbox =
        Arc::new(sandbox("rules: [{match: {action: login}, exactly: 37 of 1000, fault: {status: {code: 500}}}]").await);
    let logins = (0..1000).map(|_| {
        let sandbox = Arc::clone(&sandbox);
        tokio::spawn(async move {
            let mut visitor = Visitor::new(&sandbox);
            let status = visitor.form_login("probe", PASSWORD).await.expect("an answer").status;
            (status, visitor.who().await)
        })
    });
    let seen: Vec<(u16, Option<String>)> =
        join_all(logins).await.into_iter().map(|seen| seen.expect("no panic")).collect();
    let good = (303, Some("probe".to_owned()));
    assert_eq!(seen.iter().filter(|seen| **seen == good).count(), 963);
    assert_eq!(seen.iter().filter(|seen| **seen == (500, None)).count(), 37);
    let truth = sandbox.truth();
    assert_eq!((truth.len(), failed(&truth).len()), (1000, 37));
    let numbers: BTreeSet<u64> = truth.iter().map(|login| login.login).collect();
    assert_eq!((numbers.first(), numbers.last(), numbers.len()), (Some(&1), Some(&1000), 1000));
}

#[tokio::test]
async fn wrong_passwords_need_not_count() {
    let script = "rules: [{match: {action: login, credentials: right}, exactly: 1 of 2, fault: {status: {code: 500}}}]";
    let sandbox = sandbox(script).await;
    let mut visitor = Visitor::new(&sandbox);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20 {
        assert_eq!(visitor.json_login("probe", "wrong").await.expect("an answer").status, 401);
        match visitor.json_login("probe", PASSWORD).await.expect("an answer").status {
            200 => good += 1,
            500 => bad += 1,
            status => panic!("{status}"),
        }
    }
    assert_eq!((good, bad), (10, 10));
}

#[tokio::test]
async fn the_truth_file_has_each_request_and_login_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("truth.jsonl");
    let script =
        Script::parse("rules: [{match: {user: probe-2}, fault: {status: {code: 429}}}]").expect("a good script");
    let options = Options { truth_file: Some(path.clone()), keep_truth: false, seed: Some(9), ..Options::default() };
    let sandbox = Sandbox::start(script, options).await.expect("a sandbox");
    let mut visitor = Visitor::new(&sandbox);
    visitor.form_login("probe", PASSWORD).await.expect("an answer");
    visitor.get("/account?next=secret-in-a-query").await.expect("an answer");
    visitor.json_login("probe-2", PASSWORD).await.expect("an answer");
    visitor.json_login("probe", "wrong-but-secret").await.expect("an answer");
    assert!(sandbox.truth().is_empty() && sandbox.requests().is_empty(), "not kept in memory");
    assert_eq!(sandbox.finish().await, None);

    let text = std::fs::read_to_string(&path).expect("a file");
    for secret in [PASSWORD, "wrong-but-secret", "secret-in-a-query"]
        .into_iter()
        .chain(visitor.cookies.values().map(String::as_str))
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((of_kind("start").len(), &of_kind("start")[0]["seed"]), (1, &serde_json::json!(9)));
    let logins: Vec<String> = of_kind("login")
        .iter()
        .map(|line| {
            format!("{} {} {} {} {}", line["login_id"], line["user"], line["style"], line["result"], line["fault"])
        })
        .collect();
    let expected = [
        r#"1 "probe" "form" "good" null"#,
        r#"2 "probe-2" "json" "failed" "status""#,
        r#"3 "probe" "json" "refused" null"#,
    ];
    assert_eq!(logins, expected);
    let requests: Vec<String> = of_kind("request")
        .iter()
        .map(|line| {
            format!(
                "{} {} {} {} {} {}",
                line["sequence"], line["path"], line["action"], line["login_id"], line["status"], line["completed"]
            )
        })
        .collect();
    let expected = [
        r#"1 "/form/login" "page" null 200 true"#,
        r#"2 "/form/login" "login" 1 303 true"#,
        r#"3 "/account" "session" 1 200 true"#,
        r#"4 "/api/login" "login" 2 429 true"#,
        r#"5 "/api/login" "login" 3 401 true"#,
    ];
    assert_eq!(requests, expected);
}
