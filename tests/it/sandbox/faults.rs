//! Each fault does what it says, and nothing else.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use doorstep::sandbox::{LoginResult, Options, Sandbox, Script, StartError};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::visitor::{PASSWORD, PATIENCE, Visitor, sandbox, until};

/// Result, fault and rule of every login.
fn results(sandbox: &Sandbox) -> Vec<(LoginResult, Option<&'static str>, bool)> {
    sandbox.truth().iter().map(|login| (login.result, login.fault, login.completed)).collect()
}

#[tokio::test]
async fn a_status_replaces_the_answer() {
    let sandbox = sandbox("rules: [{match: {action: login}, fault: {status: {code: 503, retry_after: 10s}}}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let form = visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!((form.status, form.header("retry-after")), (503, Some("10")));
    let api = visitor.json_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!((api.status, api.json()), (503, json!({"error": "Service Unavailable"})));
    assert_eq!(visitor.get("/health").await.expect("an answer").status, 200);
    assert_eq!(results(&sandbox), [(LoginResult::Failed, Some("status"), true); 2]);
}

#[tokio::test]
async fn a_hang_holds_the_login_and_nothing_else() {
    let sandbox = sandbox("rules: [{match: {action: login}, fault: {hang: forever}}]").await;
    let mut reader = Visitor::new(&sandbox);
    let mut visitor = Visitor::new(&sandbox);
    {
        let mut login = std::pin::pin!(visitor.form_login("probe", PASSWORD));
        tokio::select! {
            answer = &mut login => panic!("{answer:?}"),
            () = until("the login hangs", || !sandbox.truth().is_empty()) => {}
        }
        assert_eq!(reader.get("/form/login").await.expect("reads still work").status, 200);
        assert!(timeout(Duration::from_millis(50), login).await.is_err(), "still no answer");
    }
    // The visitor went away; the service notices without being stopped.
    until("the login is on record", || sandbox.requests().iter().any(|request| request.login == Some(1))).await;
    assert_eq!(results(&sandbox), [(LoginResult::Hung, Some("hang"), false)]);
    let requests = sandbox.requests();
    let login = requests.iter().find(|request| request.login == Some(1)).expect("the request is on record");
    assert_eq!((login.status, login.completed), (None, false));
}

#[tokio::test]
async fn a_timed_hang_ends_without_an_answer() {
    let sandbox = sandbox("rules: [{match: {action: login}, fault: {hang: 100ms}}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let start = Instant::now();
    let error = visitor.json_login("probe", PASSWORD).await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(results(&sandbox), [(LoginResult::Hung, Some("hang"), false)]);
}

#[tokio::test]
async fn a_stop_ends_what_hangs() {
    let sandbox = sandbox("rules: [{fault: {hang: forever}}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let asking = tokio::spawn(async move { visitor.json_login("probe", PASSWORD).await });
    until("the login hangs", || !sandbox.truth().is_empty()).await;
    let (logins, requests) = sandbox.stop().await;
    assert_eq!((logins.len(), requests.len()), (1, 1));
    assert!(asking.await.expect("no panic").is_err());
}

#[tokio::test]
async fn delays_are_in_their_phase() {
    let sandbox = sandbox(
        "rules:
- {match: {path: /form/login}, fault: {slow: {wait: 400ms}}}
- {match: {path: /two/login}, fault: {slow: {receive: 400ms}}}
",
    )
    .await;
    let mut visitor = Visitor::new(&sandbox);
    let delay = Duration::from_millis(400);
    let waited = visitor.get("/form/login").await.expect("an answer");
    assert!(waited.wait >= delay && waited.receive < delay, "{waited:?}");
    let received = visitor.get("/two/login").await.expect("an answer");
    assert!(received.wait < delay && received.receive >= delay, "{received:?}");
    assert!(received.body.ends_with("</html>\n") && received.end.is_ok(), "{received:?}");
    let usual = visitor.get("/health").await.expect("an answer");
    assert!(usual.wait < delay && usual.receive < delay, "{usual:?}");
}

#[tokio::test]
async fn a_slow_login_is_a_good_one() {
    let sandbox = sandbox("rules: [{match: {action: login}, fault: {slow: {wait: 20ms, receive: 20ms}}}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let answer = visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert!(answer.wait >= Duration::from_millis(20) && answer.receive >= Duration::from_millis(20), "{answer:?}");
    assert_eq!(visitor.who().await.as_deref(), Some("probe"));
    assert_eq!(results(&sandbox), [(LoginResult::Good, Some("slow"), true)]);
}

#[tokio::test]
async fn a_reset_comes_in_the_middle_of_the_answer() {
    let sandbox = sandbox("rules: [{match: {action: login}, fault: reset}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let answer = visitor.form_login("probe", PASSWORD).await.expect("a head");
    assert_eq!((answer.status, answer.end), (303, Err(ErrorKind::ConnectionReset)));
    let announced: usize = answer.header("content-length").expect("a length").parse().expect("a number");
    assert_eq!(answer.body.len(), announced / 2);
    assert_eq!(results(&sandbox), [(LoginResult::Failed, Some("reset"), false)]);
}

#[tokio::test]
async fn a_refusing_service_has_no_listener_and_gets_it_back() {
    let sandbox = sandbox("rules: [{from: 20ms, to: 600ms, fault: refuse}]").await;
    let connect = || async { TcpStream::connect(sandbox.address()).await.map(drop).map_err(|error| error.kind()) };
    let start = Instant::now();
    // A connection that was not yet accepted when the listener closed is reset; later ones are refused.
    while connect().await != Err(ErrorKind::ConnectionRefused) {
        assert!(start.elapsed() < PATIENCE, "never refused");
        sleep(Duration::from_millis(1)).await;
    }
    while let Err(kind) = connect().await {
        assert_eq!(kind, ErrorKind::ConnectionRefused);
        assert!(start.elapsed() < PATIENCE, "refused for ever");
        sleep(Duration::from_millis(1)).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(580), "{:?}", start.elapsed());
    assert_eq!(Visitor::new(&sandbox).get("/health").await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_service_can_be_refusing_from_the_start() {
    let sandbox = sandbox("rules: [{fault: refuse}]").await;
    let error = TcpStream::connect(sandbox.address()).await.expect_err("no listener");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn connections_of_one_client_are_reset() {
    let sandbox = sandbox("rules: [{match: {client: 127.0.0.2}, fault: reset_on_accept}]").await;
    let error = Visitor::from(&sandbox, Ipv4Addr::new(127, 0, 0, 2)).get("/health").await.expect_err("a reset");
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    let mut other = Visitor::from(&sandbox, Ipv4Addr::new(127, 0, 0, 3));
    assert_eq!(other.get("/health").await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_vantage_can_be_told_by_its_header() {
    let sandbox = sandbox("rules: [{match: {header: {name: X-Vantage, value: eu}}, fault: challenge}]").await;
    let mut visitor = Visitor::new(&sandbox);
    visitor.headers.insert("x-vantage".into(), "us".into());
    assert_eq!(visitor.get("/form/login").await.expect("an answer").status, 200);
    visitor.headers.insert("x-vantage".into(), "eu".into());
    let page = visitor.get("/form/login").await.expect("an answer");
    assert_eq!(page.status, 403);
    assert!(page.body.contains("class=\"captcha\""), "{page:?}");
}

#[tokio::test]
async fn redirects_go_wrong() {
    let sandbox = sandbox(
        "rules:\n- {match: {style: form}, fault: {wrong_redirect: /elsewhere}}\n- {match: {style: two_page, action: \
         login}, fault: redirect_loop}\n",
    )
    .await;
    let mut visitor = Visitor::new(&sandbox);
    let wrong = visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!((wrong.status, wrong.header("location")), (303, Some("/elsewhere")));
    assert_eq!(visitor.who().await, None);
    let refused = visitor.form_login("probe", "wrong").await.expect("an answer");
    assert_eq!(refused.status, 200, "a wrong password is refused as ever");
    let circle = visitor.two_page_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!(circle.header("location"), Some("/loop/1"));
    for (from, to) in [("/loop/1", "/loop/2"), ("/loop/2", "/loop/1")] {
        assert_eq!(visitor.get(from).await.expect("an answer").header("location"), Some(to));
    }
    let expected = [
        (LoginResult::Failed, Some("wrong_redirect"), true),
        (LoginResult::Refused, None, true),
        (LoginResult::Failed, Some("redirect_loop"), true),
    ];
    assert_eq!(results(&sandbox), expected);
}

#[tokio::test]
async fn a_lost_session_looks_like_a_good_login() {
    let sandbox = sandbox("rules: [{fault: lost_session}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let answer = visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account")));
    assert!(visitor.cookies.contains_key("session"));
    assert_eq!(visitor.who().await, None);
    let login = visitor.json_login("probe", PASSWORD).await.expect("an answer");
    visitor.bear(&login);
    assert_eq!(visitor.get("/api/me").await.expect("an answer").status, 401);
    assert_eq!(results(&sandbox), [(LoginResult::Failed, Some("lost_session"), true); 2]);
}

#[tokio::test]
async fn a_session_can_be_somebody_elses() {
    let sandbox = sandbox("rules: [{fault: wrong_identity}]").await;
    let mut visitor = Visitor::new(&sandbox);
    visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!(visitor.who().await.as_deref(), Some("probe-2"));
    assert_eq!(results(&sandbox), [(LoginResult::Failed, Some("wrong_identity"), true)]);
}

#[tokio::test]
async fn any_password_gets_in() {
    let sandbox = sandbox("rules: [{fault: accept_any_password}]").await;
    let mut visitor = Visitor::new(&sandbox);
    visitor.form_login("probe", "wrong").await.expect("an answer");
    assert_eq!(visitor.who().await.as_deref(), Some("probe"));
    visitor.form_login("probe", PASSWORD).await.expect("an answer");
    let expected = [(LoginResult::AcceptedWrong, Some("accept_any_password"), true), (LoginResult::Good, None, true)];
    assert_eq!(results(&sandbox), expected);
}

#[tokio::test]
async fn names_of_fields_change() {
    let sandbox = sandbox("rules: [{fault: page_changed}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let page = visitor.get("/form/login").await.expect("a page");
    assert!(!page.body.contains("name=\"password\""), "{page:?}");
    let fields = [("csrf", page.token("login")), ("user_id", "probe".into()), ("pass_phrase", PASSWORD.into())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(visitor.post("/form/login", &fields).await.expect("an answer").status, 303, "the new names work");
    let login = visitor.json_login("probe", PASSWORD).await.expect("an answer").json();
    assert!(login.get("token").is_none() && login["access_token"].is_string(), "{login}");
    let expected = [(LoginResult::Good, None, true), (LoginResult::Failed, Some("page_changed"), true)];
    assert_eq!(results(&sandbox), expected);
}

#[tokio::test]
async fn a_logout_does_nothing() {
    let sandbox = sandbox("rules: [{fault: logout_ineffective}]").await;
    let mut visitor = Visitor::new(&sandbox);
    visitor.form_login("probe", PASSWORD).await.expect("an answer");
    let session = visitor.cookies.clone();
    let token = visitor.get("/account").await.expect("a page").token("logout");
    assert_eq!(visitor.post("/logout", &[("csrf", &token)]).await.expect("an answer").status, 303);
    assert!(!visitor.cookies.contains_key("session"), "it looks right");
    visitor.cookies = session;
    assert_eq!(visitor.who().await.as_deref(), Some("probe"));
    let requests = sandbox.requests();
    let struck: Vec<&str> = requests.iter().filter(|r| r.fault.is_some()).map(|r| r.path.as_str()).collect();
    assert_eq!(struck, ["/logout"]);
}

#[tokio::test]
async fn an_account_is_locked_for_a_user() {
    let sandbox = sandbox("rules: [{match: {user: probe}, fault: lock_account}]").await;
    let mut visitor = Visitor::new(&sandbox);
    let locked = visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert!(locked.body.contains("This account is locked."), "{locked:?}");
    assert_eq!(visitor.form_login("probe-2", PASSWORD).await.expect("an answer").status, 303);
    let expected = [(LoginResult::Locked, Some("lock_account"), true), (LoginResult::Good, None, true)];
    assert_eq!(results(&sandbox), expected);
}

#[tokio::test]
async fn sessions_break_after_good_logins() {
    let sandbox = sandbox("rules: [{match: {action: session}, fault: {status: {code: 500}}}]").await;
    let mut visitor = Visitor::new(&sandbox);
    assert_eq!(visitor.form_login("probe", PASSWORD).await.expect("an answer").status, 303);
    assert_eq!(visitor.get("/account").await.expect("an answer").status, 500);
    assert_eq!(results(&sandbox), [(LoginResult::Good, None, true)]);
}

#[tokio::test]
async fn a_sandbox_stays_on_loopback() {
    let options = Options { listen: ([0, 0, 0, 0], 0).into(), ..Options::default() };
    let refused = Sandbox::start(Script::default(), options).await.err().expect("refused");
    assert!(matches!(refused, StartError::NotLoopback(_)), "{refused}");
    let script = Script::parse("rules: [{fault: reset}, {fault: {slow: {tls: 1s}}}]").expect("a good script");
    let refused = Sandbox::start(script, Options::default()).await.err().expect("refused");
    assert!(matches!(refused, StartError::NoTls { rule: 2 }), "{refused}");
}
