//! Whole logins over real sockets: the example flows against the sandbox, in all its styles and with all its faults,
//! and against servers that mean harm.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use doorstep::app::DiskFiles;
use doorstep::clock::Clock;
use doorstep::config::{Overrides, load};
use doorstep::login::{Credentials, Order, run};
use doorstep::model::{Flow, Run, RunKind, Secret, StepRole};
use doorstep::net::Transport;
use doorstep::sandbox::{Options, Sandbox, Script};

use crate::support::raw_server::RawServer;

const PASSWORD: &str = "probe-Passw0rd!";

/// The example flows of the sandbox: form, two-page, json.
fn flows(base: &str) -> Vec<Flow> {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/sandbox/doorstep.yaml");
    let site = load(&main, &DiskFiles, &Overrides::default()).site.expect("the example site");
    let mut flows = site.flows;
    for flow in &mut flows {
        flow.variables.insert("base".to_owned(), base.to_owned());
        // A loaded machine must not turn an answer into a timeout.
        flow.limits.timeout = Duration::from_secs(20);
    }
    assert_eq!(flows.len(), 3);
    flows
}

async fn log_in(flow: &Flow, kind: RunKind) -> Run {
    let transport = Transport::new(&flow.network, true).expect("a transport");
    let credentials = Credentials {
        account: flow.accounts[0].clone(),
        username: "probe".to_owned(),
        password: Secret::new(PASSWORD),
    };
    let order = Order {
        flow,
        kind,
        vantage: "here".parse().expect("a name"),
        slot: "2026-11-23T10:00:00Z".parse().expect("a time"),
        attempt: 0,
        credentials: Some(&credentials),
        transport: &transport,
    };
    let run = run(&order, &Clock::system()).await;
    let record = format!("{run:?}");
    assert!(!record.contains("Passw0rd"), "the password is in {record}");
    run
}

async fn sandbox(script: &str) -> Sandbox {
    let script = if script.is_empty() { Script::default() } else { Script::parse(script).expect("a script") };
    Sandbox::start(script, Options::default()).await.expect("a sandbox")
}

#[tokio::test]
async fn every_style_logs_in_is_refused_and_logs_out() {
    let sandbox = sandbox("").await;
    for flow in flows(&sandbox.base_url()) {
        let good = log_in(&flow, RunKind::Login).await;
        assert_eq!(good.verdict.to_string(), "good", "{good:#?}");
        assert!(good.steps.iter().all(|step| step.done), "{good:#?}");
        assert_eq!(good.steps.last().map(|step| step.role), Some(StepRole::Logout));
        assert!(good.login_time().expect("a login time").0 > 0);
        for hop in &good.hops {
            assert!(hop.phases.total().0 > 0 && hop.status.is_some() && hop.address.is_some(), "{hop:?}");
        }
        let refused = log_in(&flow, RunKind::WrongPassword).await;
        assert_eq!(refused.verdict.to_string(), "good", "{refused:#?}");
    }
    let (logins, _) = sandbox.stop().await;
    assert_eq!(logins.len(), 6, "one login and one refusal of each flow: {logins:#?}");
}

#[tokio::test]
async fn each_fault_of_the_sandbox_has_its_class() {
    let cases = [
        ("refuse", "", ["bad(connect)"; 3]),
        ("reset_on_accept", "", ["bad(protocol)"; 3]),
        ("{ status: { code: 503 } }", "", ["bad(http_status)"; 3]),
        ("{ status: { code: 429, retry_after: 30s } }", "action: login", ["bad(throttled)"; 3]),
        ("{ status: { code: 500 } }", "action: session", ["bad(http_status)"; 3]),
        ("reset", "action: login", ["bad(protocol)"; 3]),
        ("lost_session", "", ["bad(session_unusable)"; 3]),
        ("wrong_identity", "", ["bad(wrong_identity)"; 3]),
        ("page_changed", "", ["bad(page_changed)"; 3]),
        ("challenge", "action: login", ["bad(challenge)"; 3]),
        ("lock_account", "", ["lost(account_locked)"; 3]),
        ("logout_ineffective", "", ["bad(logout_ineffective)"; 3]),
        ("redirect_loop", "action: login", ["bad(redirect_loop)"; 3]),
    ];
    for (fault, scope, expected) in cases {
        let sandbox = sandbox(&format!("rules:\n  - {{ match: {{ {scope} }}, fault: {fault} }}\n")).await;
        for (flow, expected) in std::iter::zip(flows(&sandbox.base_url()), expected) {
            let run = log_in(&flow, RunKind::Login).await;
            assert_eq!(run.verdict.to_string(), expected, "{fault} {}: {run:#?}", flow.name);
            let failure = run.failure.expect("a failure");
            assert!(failure.step.is_some() && !failure.message.is_empty(), "{fault}: {failure:?}");
        }
    }
}

#[tokio::test]
async fn a_service_that_takes_any_password_is_caught() {
    let sandbox = sandbox("rules:\n  - fault: accept_any_password\n").await;
    for flow in flows(&sandbox.base_url()) {
        let run = log_in(&flow, RunKind::WrongPassword).await;
        assert_eq!(run.verdict.to_string(), "bad(accepted_wrong_password)", "{run:#?}");
        let last = run.steps.last().expect("a step");
        assert_eq!(last.role, StepRole::Logout, "the session that should not be is ended: {run:#?}");
    }
}

#[tokio::test]
async fn a_hanging_login_ends_at_its_limit() {
    let sandbox = sandbox("rules:\n  - { match: { action: login }, fault: { hang: forever } }\n").await;
    for mut flow in flows(&sandbox.base_url()) {
        flow.limits.timeout = Duration::from_millis(600);
        let run = log_in(&flow, RunKind::Login).await;
        assert_eq!(run.verdict.to_string(), "bad(timeout)", "{run:#?}");
        let failure = run.failure.expect("a failure");
        assert!(
            failure.message.contains("phase wait") && failure.message.contains("unknown to the user"),
            "{failure:?}"
        );
        let cut = run.hops.last().expect("a hop").phases.iter().last().expect("a phase").1;
        assert!(cut.cut, "the phase under way took at least what was measured");
    }
}

#[tokio::test]
async fn a_login_over_https_keeps_its_secure_cookies() {
    let options = Options { tls: true, ..Options::default() };
    let sandbox = Sandbox::start(Script::default(), options).await.expect("a sandbox");
    let mut authority = tempfile::NamedTempFile::new().expect("a file");
    authority.write_all(sandbox.ca_pem().expect("an authority").as_bytes()).expect("a written file");
    for mut flow in flows(&sandbox.base_url()) {
        flow.network.certificate_authorities = vec![authority.path().to_owned()];
        let run = log_in(&flow, RunKind::Login).await;
        assert_eq!(run.verdict.to_string(), "good", "{run:#?}");
    }
}

#[tokio::test]
async fn servers_that_mean_harm_end_with_their_class() {
    let cookies: String = (0..400).map(|n| format!("Set-Cookie: c{n}=v\r\n")).collect();
    let deep = format!("{}{}", "<font color=1>".repeat(2_000), "<p>".repeat(2_000));
    let answer = |head: &str, body: &str| {
        format!("HTTP/1.1 {head}Content-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let cases = [
        (answer(&format!("200 OK\r\n{cookies}"), ""), "bad(too_large)"),
        (answer("200 OK\r\n", &deep), "bad(too_large)"),
        (answer("302 Found\r\nLocation: file:///etc/passwd\r\n", ""), "bad(bad_redirect)"),
        (answer("302 Found\r\nLocation: javascript:alert(1)\r\n", ""), "bad(bad_redirect)"),
        (answer("302 Found\r\n", ""), "bad(bad_redirect)"),
        (answer("302 Found\r\nLocation: /form/login\r\n", ""), "bad(redirect_loop)"),
        (answer("302 Found\r\nLocation: http://127.0.0.1:1/\r\n", ""), "bad(connect)"),
        (
            answer(
                "200 OK\r\n",
                "<form method=post action='javascript:go()'><input name=username><input name=password>",
            ),
            "bad(page_changed)",
        ),
    ];
    for (bytes, expected) in cases {
        let server = RawServer::answering(bytes.clone()).await;
        let flow = &flows(&format!("http://{}", server.address))[0];
        let run = log_in(flow, RunKind::Login).await;
        assert_eq!(run.verdict.to_string(), expected, "{}: {run:#?}", &bytes[..40]);
        assert!(run.elapsed < Duration::from_secs(10).into());
    }
}
