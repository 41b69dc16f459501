//! Whole runs against a scripted service: no sockets, no waiting.

mod flows;
mod service;

use std::time::Duration;

use crate::model::{AccountName, BadClass, LostClass, Phase, RunKind, SignMeaning, StepName, StepRole, Verdict};
use flows::{FormFlow, json_flow};
use service::{Fault, Service, html, redirect, run};

fn bad(class: BadClass) -> Verdict {
    Verdict::Bad(class)
}

#[tokio::test]
async fn a_form_login_is_good_by_a_second_request() {
    let run = run(&FormFlow::default().flow(), RunKind::Login, Service::new()).await.run;
    assert_eq!(run.verdict, Verdict::Good, "{run:#?}");
    assert_eq!(run.failure, None);
    let roles: Vec<_> = run.steps.iter().map(|step| (step.name.as_str(), step.role, step.done)).collect();
    let expected = [
        ("open", StepRole::Login, true),
        ("sign-in", StepRole::Login, true),
        ("who", StepRole::Identity, true),
        ("out", StepRole::Logout, true),
    ];
    assert_eq!(roles, expected);
    let hops: Vec<_> = run.hops.iter().map(|hop| format!("{} {} {}", hop.step, hop.method, hop.url)).collect();
    let expected = [
        "0 GET http://shop.test/private",
        "0 GET http://shop.test/login?next=/private",
        "1 POST http://shop.test/login",
        "1 GET http://shop.test/private",
        "2 GET http://shop.test/me",
        "3 GET http://shop.test/logout",
        "3 POST http://shop.test/logout",
        "3 GET http://shop.test/",
        "3 GET http://shop.test/me",
        "3 GET http://shop.test/login?next=/me",
    ];
    assert_eq!(hops, expected);
    // The scripted service takes one millisecond in each exchange.
    assert_eq!(run.steps[0].micros.0, 2_000);
    assert_eq!(run.login_time().map(|time| time.0), Some(5_000));
    assert_eq!(run.account.as_ref().map(AccountName::as_str), Some("tester"));
}

#[tokio::test]
async fn requests_look_like_a_browsers() {
    let seen = run(&FormFlow::default().flow(), RunKind::Login, Service::new()).await.requests;
    let header =
        |index: usize, name: &str| seen[index].headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header(0, "user-agent").as_deref(), Some(super::headers::USER_AGENT));
    assert_eq!(header(0, "accept-encoding").as_deref(), Some("gzip, deflate, br"));
    assert_eq!((header(0, "referer"), header(0, "origin"), header(0, "cookie")), (None, None, None));
    assert_eq!(header(2, "referer").as_deref(), Some("http://shop.test/login?next=/private"));
    assert_eq!(header(2, "origin").as_deref(), Some("http://shop.test"));
    assert_eq!(header(2, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(2, "cookie").as_deref(), Some("csrf=CSRFCOOKIE1"));
    assert_eq!(String::from_utf8_lossy(&seen[2].body), "csrf=CSRFFIELD1&user=probe&password=right-Passw0rd%21");
    // The redirect after the POST is a GET without body and origin.
    assert_eq!((header(3, "origin"), header(3, "content-type")), (None, None));
    assert!(seen[3].body.is_empty());
}

#[tokio::test]
async fn each_failure_has_its_class() {
    type Change = fn(&mut Service);
    let cases: [(&str, Change, Verdict, &str); 22] = [
        ("wrong password", |s| s.password = "other".to_owned(), bad(BadClass::CredentialsRefused), "sign-in"),
        (
            "no words for it",
            |s| {
                s.password = "other".to_owned();
                s.refusal = "Hm.";
            },
            bad(BadClass::CredentialsRefused),
            "who",
        ),
        (
            "locked",
            |s| {
                s.password = "other".to_owned();
                s.refusal = "Account locked";
            },
            Verdict::Lost(LostClass::AccountLocked),
            "sign-in",
        ),
        (
            "page without form",
            |s| s.on("GET", "/login", |_| html(200, "<p>New look!")),
            bad(BadClass::PageChanged),
            "sign-in",
        ),
        (
            "field renamed",
            |s| s.on("GET", "/login", |_| html(200, "<form method=post><input name=email><input name=password>")),
            bad(BadClass::PageChanged),
            "sign-in",
        ),
        ("first page 500", |s| s.on("GET", "/private", |_| html(500, "oops")), bad(BadClass::HttpStatus), "open"),
        ("login 503", |s| s.on("POST", "/login", |_| html(503, "oops")), bad(BadClass::HttpStatus), "sign-in"),
        ("429", |s| s.on("POST", "/login", |_| html(429, "slow down")), bad(BadClass::Throttled), "sign-in"),
        (
            "captcha",
            |s| s.on("GET", "/login", |_| html(200, "<div class=g-recaptcha></div>")),
            bad(BadClass::Challenge),
            "sign-in",
        ),
        ("session lost", |s| s.lose_session = true, bad(BadClass::SessionUnusable), "who"),
        (
            "thrown back",
            |s| {
                s.lose_session = true;
                s.after_login = "/me";
            },
            bad(BadClass::SessionUnusable),
            "who",
        ),
        ("nobody shown", |s| s.on("GET", "/me", |_| html(200, "<p>welcome")), bad(BadClass::SessionUnusable), "who"),
        (
            "somebody else",
            |s| s.on("GET", "/me", |_| html(200, "<b id=user>mallory</b>")),
            bad(BadClass::WrongIdentity),
            "who",
        ),
        ("identity 401", |s| s.on("GET", "/me", |_| html(401, "no")), bad(BadClass::SessionUnusable), "who"),
        ("identity 500", |s| s.on("GET", "/me", |_| html(500, "no")), bad(BadClass::HttpStatus), "who"),
        ("logout does nothing", |s| s.keep_session = true, bad(BadClass::LogoutIneffective), "out"),
        (
            "redirect loop",
            |s| s.on("GET", "/private", |_| redirect(302, "/private")),
            bad(BadClass::RedirectLoop),
            "open",
        ),
        (
            "file",
            |s| s.on("GET", "/private", |_| redirect(302, "file:///etc/passwd")),
            bad(BadClass::BadRedirect),
            "open",
        ),
        ("no location", |s| s.on("GET", "/private", |_| html(302, "")), bad(BadClass::BadRedirect), "open"),
        ("reset", |s| s.fail("POST", "/login", Fault::Reset), bad(BadClass::Protocol), "sign-in"),
        ("hang", |s| s.fail("POST", "/login", Fault::Hang), bad(BadClass::Timeout), "sign-in"),
        ("cookie flood", |s| s.flood = true, bad(BadClass::TooLarge), "open"),
    ];
    for (name, change, verdict, step) in cases {
        let mut service = Service::new();
        change(&mut service);
        let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
        let failure = run.failure.clone().unwrap_or_else(|| panic!("{name}: {run:#?}"));
        assert_eq!(run.verdict, verdict, "{name}: {run:#?}");
        assert_eq!(failure.step.as_ref().map(StepName::as_str), Some(step), "{name}: {failure:?}");
        let record = run.steps.iter().find(|record| record.name.as_str() == step).unwrap();
        assert!(!record.done, "{name}");
        assert!(record.evidence.iter().any(|line| line.starts_with("failed: ")), "{name}: {:?}", record.evidence);
    }
}

#[tokio::test]
async fn an_endless_journey_is_a_loop() {
    let mut service = Service::new();
    service.on("GET", "/private", |request| {
        let turn: u32 = request.url.query().and_then(|query| query.parse().ok()).unwrap_or(0);
        redirect(302, &format!("/private?{}", turn + 1))
    });
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    assert_eq!(run.verdict, bad(BadClass::RedirectLoop));
    assert_eq!(run.hops.len(), 20);
    assert!(run.failure.unwrap().message.contains("more than 20 requests"));
}

#[tokio::test]
async fn a_page_may_be_passed_twice() {
    // A ticket is redeemed on the way: the same address with the same cookies, but another answer.
    let mut service = Service::new();
    let mut turn = 0;
    service.on("GET", "/private", move |_| {
        turn += 1;
        if turn < 3 { redirect(302, "/private") } else { redirect(302, "/login?next=/private") }
    });
    service.after_login = "/me";
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    assert_eq!(run.verdict, Verdict::Good, "{run:#?}");
}

#[tokio::test]
async fn a_timeout_after_the_password_is_unknown_to_the_user() {
    let mut service = Service::new();
    service.fail("POST", "/login", Fault::Hang);
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    let failure = run.failure.unwrap();
    assert_eq!(failure.phase, Some(Phase::Wait));
    for part in ["step 'sign-in'", "phase wait", "POST http://shop.test/login", "unknown to the user"] {
        assert!(failure.message.contains(part), "{} lacks {part}", failure.message);
    }
    let mut service = Service::new();
    service.fail("GET", "/login", Fault::Hang);
    let run = service::run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    assert!(!run.failure.unwrap().message.contains("unknown to the user"));
}

#[tokio::test]
async fn the_runs_limit_holds_before_anything_is_sent() {
    let flow = FormFlow { timeout: Duration::ZERO, ..FormFlow::default() }.flow();
    let run = run(&flow, RunKind::Login, Service::new()).await.run;
    assert_eq!(run.verdict, bad(BadClass::Timeout));
    assert_eq!(run.hops.len(), 1, "the attempt is on record");
}

#[tokio::test]
async fn a_failed_run_still_logs_out() {
    let mut service = Service::new();
    service.on("GET", "/me", |_| html(500, "oops"));
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    assert_eq!(run.verdict, bad(BadClass::HttpStatus));
    let last = run.steps.last().unwrap();
    assert_eq!((last.name.as_str(), last.role), ("out", StepRole::Logout));
    assert!(last.evidence[0].contains("no session is left behind"), "{:?}", last.evidence);
    assert!(run.hops.iter().any(|hop| hop.method == "POST" && hop.url.ends_with("/logout")));

    let mut refused = Service::new();
    refused.password = "other".to_owned();
    let run = service::run(&FormFlow::default().flow(), RunKind::Login, refused).await.run;
    assert!(run.steps.iter().all(|step| step.role != StepRole::Logout), "nobody got in, nobody logs out");
}

#[tokio::test]
async fn a_service_that_lets_everybody_in_is_noticed() {
    let mut service = Service::new();
    service.everybody = true;
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    assert_eq!(run.verdict, bad(BadClass::AcceptedWithoutCredentials), "{run:#?}");
    assert!(!run.hops.iter().any(|hop| hop.method == "POST"));
}

#[tokio::test]
async fn a_user_name_on_the_login_page_is_no_login() {
    // The identity is a text that the login page shows too.
    let flow = FormFlow { shown: true, ..FormFlow::default() }.flow();
    let mut service = Service::new();
    service.greeting = "Signing in as probe";
    let run = run(&flow, RunKind::Login, service).await.run;
    assert_eq!(run.verdict, Verdict::Good, "{run:#?}");
    assert!(run.steps[0].evidence.iter().any(|line| line.contains("not logged in after all")), "{:?}", run.steps[0]);
}

#[tokio::test]
async fn a_wrong_password_must_be_refused_as_the_flow_says() {
    type Change = fn(&mut Service);
    let cases: [(&str, Change, Verdict); 12] = [
        ("refused", |_| {}, Verdict::Good),
        ("let in", |s| s.any_password = true, bad(BadClass::AcceptedWrongPassword)),
        ("let in behind a refusal", |s| s.refuse_but_let_in = true, bad(BadClass::AcceptedWrongPassword)),
        ("refused otherwise", |s| s.refusal = "Computer says no", bad(BadClass::RefusalChanged)),
        ("locked", |s| s.refusal = "Account locked", Verdict::Lost(LostClass::AccountLocked)),
        ("busy", |s| s.on("POST", "/login", |_| html(429, "slow")), bad(BadClass::Throttled)),
        ("broken", |s| s.on("POST", "/login", |_| html(500, "oops")), bad(BadClass::HttpStatus)),
        ("hanging", |s| s.fail("POST", "/login", Fault::Hang), bad(BadClass::Timeout)),
        ("no form", |s| s.on("GET", "/login", |_| html(200, "gone")), bad(BadClass::PageChanged)),
        ("identity broken", |s| s.on("GET", "/me", |_| html(500, "Wrong")), bad(BadClass::HttpStatus)),
        ("identity hanging", |s| s.fail("GET", "/me", Fault::Hang), bad(BadClass::Timeout)),
        ("identity forbidden", |s| s.on("GET", "/me", |_| html(403, "no")), Verdict::Good),
    ];
    for (name, change, verdict) in cases {
        let mut service = Service::new();
        change(&mut service);
        let done = run(&FormFlow::default().flow(), RunKind::WrongPassword, service).await;
        assert_eq!(done.run.verdict, verdict, "{name}: {:#?}", done.run);
        assert_eq!(done.run.kind, RunKind::WrongPassword);
        let bodies: String = done.requests.iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
        assert!(!bodies.contains("right-Passw0rd"), "{name}: the right password was sent");
        let asked = done.run.hops.iter().any(|hop| hop.url.ends_with("/me"));
        assert_eq!(asked, name != "no form", "{name}: once the wrong password was sent the identity is asked for");
        if verdict == bad(BadClass::AcceptedWrongPassword) {
            assert!(done.run.hops.iter().any(|hop| hop.method == "POST" && hop.url.ends_with("/logout")), "{name}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_that_is_not_answered_leaves_open_who_is_logged_in() {
    const UNKNOWN: &str = "who is logged in is unknown";
    let negative = async |hang: &[(&str, &str)]| {
        let mut service = Service::new();
        hang.iter().for_each(|(method, path)| service.fail(method, path, Fault::Hang));
        run(&FormFlow::default().flow(), RunKind::WrongPassword, service).await.run
    };
    let who = |run: &crate::model::Run| run.steps.iter().find(|step| step.name.as_str() == "who").unwrap().clone();

    let both = negative(&[("POST", "/login"), ("GET", "/me")]).await;
    let failure = both.failure.clone().unwrap();
    assert_eq!(failure.step.as_ref().map(StepName::as_str), Some("sign-in"));
    for part in ["step 'sign-in', phase wait, POST http://shop.test/login after 5.00 s", UNKNOWN] {
        assert!(failure.message.contains(part), "{} lacks {part}", failure.message);
    }
    assert!(!failure.message.contains("/me"), "{}", failure.message);
    let evidence = who(&both).evidence.join("\n");
    assert!(!who(&both).done && evidence.contains(UNKNOWN) && !evidence.contains("nobody"), "{evidence}");

    // The identity step's request was answered: then it is known.
    let one = negative(&[("POST", "/login")]).await;
    let message = one.failure.clone().unwrap().message;
    assert!(message.contains("POST http://shop.test/login after") && !message.contains(UNKNOWN), "{message}");
    assert!(who(&one).done && who(&one).evidence.join("\n").contains("nobody is logged in"), "{:?}", who(&one));

    // A page that says "refused" proves nothing alone.
    let other = negative(&[("GET", "/me")]).await;
    let failure = other.failure.unwrap();
    assert_eq!(failure.step.as_ref().map(StepName::as_str), Some("who"));
    assert!(failure.message.contains("GET http://shop.test/me") && failure.message.contains(UNKNOWN), "{failure:?}");
}

#[tokio::test]
async fn a_failure_names_its_own_request_and_not_that_of_the_logout_after_it() {
    let mut service = Service::new();
    service.fail("GET", "/me", Fault::Hang);
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    assert!(run.hops.iter().any(|hop| hop.url.ends_with("/logout")), "{:?}", run.hops);
    let message = run.failure.unwrap().message;
    assert!(message.contains("GET http://shop.test/me after 5.00 s"), "{message}");
}

#[tokio::test]
async fn the_right_password_is_never_taken_for_a_wrong_one() {
    let flow = FormFlow { wrong: "right-Passw0rd!", ..FormFlow::default() }.flow();
    let done = run(&flow, RunKind::WrongPassword, Service::new()).await;
    assert_eq!(done.run.verdict, Verdict::Lost(LostClass::Internal));
    assert!(done.requests.is_empty());
}

#[tokio::test]
async fn a_token_login_works_and_its_signs_are_read() {
    let done = run(&json_flow(), RunKind::Login, Service::new()).await;
    assert_eq!(done.run.verdict, Verdict::Good, "{:#?}", done.run);
    let bearer = done.requests[1].headers.get("authorization").unwrap();
    assert_eq!(bearer, "Bearer TOKEN-abcdef-123456");
    let mut service = Service::new();
    service.password = "other".to_owned();
    let refused = run(&json_flow(), RunKind::Login, service).await.run;
    assert_eq!(refused.verdict, bad(BadClass::CredentialsRefused));
    let negative = run(&json_flow(), RunKind::WrongPassword, Service::new()).await.run;
    assert_eq!(negative.verdict, Verdict::Good, "{negative:#?}");
    let mut open = Service::new();
    open.any_password = true;
    let negative = run(&json_flow(), RunKind::WrongPassword, open).await.run;
    assert_eq!(negative.verdict, bad(BadClass::AcceptedWrongPassword));
}

#[tokio::test]
async fn secrets_of_a_step_stay_within_its_origin() {
    let mut service = Service::new();
    service.on("GET", "/api/me", |_| redirect(307, "http://elsewhere.test/steal"));
    service.on("GET", "/steal", |_| html(200, "thanks"));
    let done = run(&json_flow(), RunKind::Login, service).await;
    let stolen = done.requests.iter().find(|request| request.url.host_str() == Some("elsewhere.test")).unwrap();
    assert!(stolen.headers.get("authorization").is_none());
    assert!(stolen.headers.get("x-session").is_none(), "a captured secret in a header of its own");
    assert_eq!(stolen.headers.get("x-plain").unwrap(), "plain");
    assert!(stolen.headers.get("cookie").is_none());
}

#[tokio::test]
async fn a_variable_that_nothing_set_is_our_own_fault() {
    let mut flow = json_flow();
    flow.steps[0].captures.clear();
    let run = run(&flow, RunKind::Login, Service::new()).await.run;
    assert_eq!(run.verdict, Verdict::Lost(LostClass::Internal));
    assert!(run.failure.unwrap().message.contains("nothing has set the variable 'token'"));
}

#[tokio::test]
async fn a_login_without_proof_is_not_good() {
    let mut flow = FormFlow::default().flow();
    flow.steps.truncate(2);
    let run = run(&flow, RunKind::Login, Service::new()).await.run;
    assert_eq!(run.verdict, Verdict::Lost(LostClass::Internal));
    assert!(run.failure.unwrap().message.contains("proves by a request of its own"));
}

#[tokio::test]
async fn no_secret_is_in_a_record() {
    let mut changes: Vec<Service> = (0..6).map(|_| Service::new()).collect();
    changes[1].on("GET", "/me", |_| {
        html(500, "token TOKEN-abcdef-123456 &amp; cookie SESSIONCOOKIE1, right-Passw0rd! cmlnaHQtUGFzc3cwcmQh")
    });
    changes[2].password = "other".to_owned();
    changes[2].refusal = "Wrong: right-Passw0rd&#33; right-Passw0rd%21 wrong-Passw0rd";
    changes[3].fail("POST", "/login", Fault::Hang);
    changes[4]
        .on("POST", "/login", |_| redirect(302, "/cb?code=CODE12345678&state=STATE12345678#id_token=IDTOKEN1234567"));
    changes[5].on("GET", "/private", |_| redirect(302, "/login?next=/private&session=SESSIONCOOKIE1"));
    let flows = [FormFlow::default().flow(), json_flow()];
    for (flow, kind) in flows.iter().flat_map(|flow| [(flow, RunKind::Login), (flow, RunKind::WrongPassword)]) {
        for service in &changes {
            let run = run(flow, kind, service.again()).await.run;
            let record = format!("{run:?} {}", serde_json::to_string(&(&run.steps, &run.hops, &run.failure)).unwrap());
            for secret in [
                "right-Passw0rd",
                "wrong-Passw0rd",
                "SESSIONCOOKIE",
                "CSRFCOOKIE",
                "CSRFFIELD",
                "TOKEN-abcdef",
                "CODE1234",
                "STATE1234",
                "IDTOKEN",
                "cmlnaHQtUGFzc3cwcmQh",
            ] {
                assert!(!record.contains(secret), "{secret} in {record}");
            }
        }
    }
}

#[tokio::test]
async fn evidence_explains_a_failure() {
    let mut service = Service::new();
    service.on("GET", "/me", |_| html(503, "<title>Sorry</title><h1>Database gone</h1>"));
    let run = run(&FormFlow::default().flow(), RunKind::Login, service).await.run;
    let evidence = run.steps[2].evidence.join("\n");
    for part in [
        "sent GET http://shop.test/me",
        "got 503",
        "title 'Sorry'",
        "failed: status 503",
        "the page says: Database gone",
    ] {
        assert!(evidence.contains(part), "{evidence}\nlacks {part}");
    }
    let sent = &run.steps[1].evidence[0];
    assert_eq!(sent, "sent POST http://shop.test/login from form#login: csrf=***, user=probe, password=***");
    assert!(run.steps.iter().all(|step| step.evidence.len() <= 12));
}

#[tokio::test]
async fn every_sign_has_its_meaning() {
    let cases = [
        (SignMeaning::SecondFactorRefused, bad(BadClass::SecondFactorRefused)),
        (SignMeaning::Throttled, bad(BadClass::Throttled)),
        (SignMeaning::Challenge, bad(BadClass::Challenge)),
        (SignMeaning::AccountUnusable, Verdict::Lost(LostClass::AccountUnusable)),
    ];
    for (meaning, verdict) in cases {
        let flow = FormFlow { sign: meaning, ..FormFlow::default() }.flow();
        let mut service = Service::new();
        service.password = "other".to_owned();
        assert_eq!(run(&flow, RunKind::Login, service).await.run.verdict, verdict);
    }
}

#[test]
fn a_run_can_be_spawned() {
    fn assert_send<T: Send>(_: &T) {}
    fn check(order: &super::Order<'_>, clock: &crate::clock::Clock) {
        assert_send(&super::run(order, clock));
    }
    let _: fn(&super::Order<'_>, &crate::clock::Clock) = check;
}
