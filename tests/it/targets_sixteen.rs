//! Sixteen things that real products do to a prober, and the tests that show how each is met. One table; what has to
//! wait for a protocol that Doorstep does not speak yet is said there too.

use doorstep::model::{BadClass, HttpVersion, LostClass, Phase, Run, StepRole, Verdict};

use crate::support::targets::{PASSWORD, Target, log_in, log_in_as, mistakes};

struct Item {
    seen: &'static str,
    tests: &'static [fn()],
    /// What cannot be shown before a protocol is there.
    waits: &'static str,
}

const ITEMS: [Item; 16] = [
    Item {
        seen: "the status says little: refusals are 200, 400, 401 and 403, a good logout is 401, a missing certificate is 400",
        tests: &[refusals_with_any_status_are_refusals, a_logout_may_succeed_with_401, a_refused_certificate_is_400],
        waits: "",
    },
    Item {
        seen: "a session cookie proves nothing: it comes before the second factor, for inactive users, beside an error page",
        tests: &[
            a_session_cookie_before_the_code_is_no_login,
            an_inactive_account_is_ours,
            blocked_cookies_are_no_login,
        ],
        waits: "",
    },
    Item {
        seen: "text may not be text: only a positive proof counts, never the absence of an error",
        tests: &[a_flow_without_proof_is_refused, a_fault_inside_a_200_is_no_login],
        waits: "",
    },
    Item {
        seen: "forms: several to a page, controls outside their form, buttons that decide",
        tests: &[one_of_several_forms_is_chosen_by_its_fields, an_unclear_choice_of_form_is_said, the_button_decides],
        waits: "",
    },
    Item {
        seen: "tokens change: masked anew on each page, renewed by the login, wanted for logging out",
        tests: &[a_token_from_before_the_login_is_stale, logging_out_needs_a_number_from_the_page],
        waits: "",
    },
    Item {
        seen: "headers decide: Origin or Referer over https, a nonce header for an API",
        tests: &[https_wants_an_origin, an_api_wants_its_nonce],
        waits: "",
    },
    Item {
        seen: "cookies: paths, one name twice, Secure over http, many deletions at once, a jar shared by all ports",
        tests: &[cookies_of_several_paths_and_many_deletions, a_secure_cookie_over_http_is_kept_on_loopback_only],
        waits: "",
    },
    Item {
        seen: "redirects: 301, 302 and 303, across origins, pages that post themselves, ends where nothing listens, loops",
        tests: &[a_dance_of_redirects_over_two_origins, a_redirect_may_be_read_instead_of_followed, hops_are_bounded],
        waits: "",
    },
    Item {
        seen: "pages in between: consent, an e-mail to confirm",
        tests: &[a_page_in_between_that_no_step_expects_is_named],
        waits: "",
    },
    Item {
        seen: "one-time codes count once, and a page that asks for one is not the end",
        tests: &[a_page_that_wants_a_code_is_no_login, an_api_that_wants_a_code_is_no_login],
        waits: "sending a code, and waiting for the next window, come with the one-time code step",
    },
    Item {
        seen: "passkeys: origin and relying party must fit",
        tests: &[a_passkey_step_is_refused_by_name],
        waits: "everything about keys and counters comes with the passkey step",
    },
    Item {
        seen: "tokens: they rotate, count once, and may outlive the logout",
        tests: &[a_token_that_outlives_the_logout_is_found, a_refresh_token_counts_once],
        waits: "signatures, issuers and key sets come with OpenID Connect",
    },
    Item {
        seen: "wrong passwords hurt: accounts and addresses are made to wait",
        tests: &[a_throttled_login_is_not_a_refused_one, a_429_is_throttled, wrong_passwords_have_a_budget],
        waits: "",
    },
    Item {
        seen: "a login costs the server half a second of work, and slow is not down",
        tests: &[a_slow_answer_is_waiting_not_a_network_fault],
        waits: "",
    },
    Item {
        seen: "the wire: HTTP/2 by ALPN, chunked bodies, names in lower case",
        tests: &[http2_is_spoken_when_offered],
        waits: "",
    },
    Item {
        seen: "LDAP: one code for everything, an empty password binds as nobody",
        tests: &[an_ldap_address_is_refused_by_name, an_empty_password_is_never_sent],
        waits: "binding, searching and the password policy come with LDAP",
    },
];

#[test]
fn each_of_the_sixteen_has_a_test() {
    for item in &ITEMS {
        assert!(!item.seen.is_empty() && !item.tests.is_empty(), "{} {}", item.seen, item.waits);
    }
}

fn class(run: &Run) -> String {
    format!("{} at {:?}: {:?}", run.verdict, run.failure.as_ref().and_then(|f| f.step.clone()), run.failure)
}

/// The statuses of a run's hops in order.
fn statuses(run: &Run) -> Vec<u16> {
    run.hops.iter().filter_map(|hop| hop.status).collect()
}

// 1

#[test]
fn refusals_with_any_status_are_refusals() {
    let files = [
        ("allauth", "allauth-site.yaml", 200),
        ("allauth", "allauth-app.yaml", 400),
        ("rp-dance", "rp-query.yaml", 401),
        ("tls-front", "tls-basic.yaml", 401),
    ];
    for (name, file, status) in files {
        let Some(target) = Target::find(name) else { return };
        let flow = target.flow(file);
        let run = log_in_as(&flow, "probe-refused", "not the password");
        assert_eq!(run.verdict, Verdict::Bad(BadClass::CredentialsRefused), "{file}: {}", class(&run));
        assert_eq!(statuses(&run).last(), Some(&status), "{file}");
    }
}

#[test]
fn a_logout_may_succeed_with_401() {
    let Some(target) = Target::find("allauth") else { return };
    let run = log_in(&target.flow("allauth-browser.yaml"));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    assert_eq!(statuses(&run), [200, 200, 200, 401, 401]);
}

#[test]
fn a_refused_certificate_is_400() {
    let Some(target) = Target::find("tls-front") else { return };
    let file = "tls-certificate.yaml";
    for other in ["revoked", "stranger"] {
        let mut flow = target.flow(file);
        let identity = flow.network.client_identity.as_mut().expect("a client certificate");
        identity.certificate = format!("{}/{other}.crt", target.address("tls")).into();
        identity.key = format!("{}/{other}.key", target.address("tls")).into();
        let run = log_in(&flow);
        assert_eq!(run.verdict, Verdict::Bad(BadClass::CredentialsRefused), "{other}: {}", class(&run));
        assert_eq!(statuses(&run), [400], "{other}");
    }
    let mut flow = target.flow(file);
    flow.network.client_identity = None;
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::CredentialsRefused), "none: {}", class(&run));
    assert_eq!(statuses(&run), [400], "none");
}

// 2

#[test]
fn a_session_cookie_before_the_code_is_no_login() {
    let Some(target) = Target::find("allauth") else { return };
    // Only the cookie is asked for after the password, so that the proof of identity has to find out.
    let flow = target.changed(
        "allauth-site.yaml",
        &[("{ status: 200, url: /private/, cookie: sessionid }", "{ cookie: sessionid }")],
    );
    let run = log_in_as(&flow, "probe-totp", PASSWORD);
    assert!(matches!(run.verdict, Verdict::Bad(_)), "{}", class(&run));
    let failed = run.failure.as_ref().and_then(|failure| failure.step.as_ref()).map(ToString::to_string);
    assert_eq!(failed.as_deref(), Some("who"), "the cookie was there, the user was not: {}", class(&run));
}

#[test]
fn an_inactive_account_is_ours() {
    let Some(target) = Target::find("allauth") else { return };
    let run = log_in_as(&target.flow("allauth-site.yaml"), "probe-locked", PASSWORD);
    assert_eq!(run.verdict, Verdict::Lost(LostClass::AccountUnusable), "{}", class(&run));
}

#[test]
fn blocked_cookies_are_no_login() {
    let Some(target) = Target::find("wordpress") else { return };
    let flow = target.flow_of(
        r#"
account: probe-sub
steps:
  - name: post
    request:
      url: "{{ site }}/wp-login.php"
      form: { log: "{{ username }}", pwd: "{{ password }}", testcookie: "1" }
    expect: { status: 200, no_text: Cookies are blocked }
  - name: who
    open: "{{ site }}/wp-admin/profile.php"
    expect: { user: "Howdy, {{ username }}" }
"#,
    );
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::PageChanged), "{}", class(&run));
    assert_eq!(statuses(&run), [200]);
}

// 3

#[test]
fn a_flow_without_proof_is_refused() {
    let said = mistakes(
        r#"
account: probe
steps:
  - open: http://127.0.0.1:1/login
  - submit: { user: "{{ username }}", password: "{{ password }}" }
    expect: { no_text: Wrong password }
"#,
    );
    assert!(said.contains("no step after this one shows who is logged in"), "{said}");
    assert!(said.contains("user: "), "the way out is named: {said}");
}

#[test]
fn a_fault_inside_a_200_is_no_login() {
    let Some(target) = Target::find("wordpress") else { return };
    let flow = target.flow_of(
        r#"
account: probe-sub
steps:
  - name: call
    request:
      url: "{{ site }}/xmlrpc.php"
      headers: { Content-Type: text/xml }
      text: >-
        <methodCall><methodName>wp.getProfile</methodName><params><param><value><int>1</int></value></param>
        <param><value>{{ username }}</value></param><param><value>{{ password }}</value></param></params></methodCall>
    expect: { status: 200 }
  - name: who
    request:
      url: "{{ site }}/xmlrpc.php"
      headers: { Content-Type: text/xml }
      text: >-
        <methodCall><methodName>wp.getProfile</methodName><params><param><value><int>1</int></value></param>
        <param><value>{{ username }}</value></param><param><value>{{ password }}</value></param></params></methodCall>
    expect: { status: 200, user: { regex: "<name>username</name><value><string>([^<]+)" } }
"#,
    );
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    let run = log_in_as(&flow, "probe-sub", "not the password");
    assert!(matches!(run.verdict, Verdict::Bad(_)), "{}", class(&run));
    assert_eq!(statuses(&run), [200, 200], "both answers were 200");
}

// 4

#[test]
fn one_of_several_forms_is_chosen_by_its_fields() {
    let Some(target) = Target::find("allauth") else { return };
    let run = log_in(&target.flow("allauth-site.yaml"));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    // The page has a form for passkeys as well, which must not be sent.
    let posts: Vec<_> = run.hops.iter().filter(|hop| hop.method == "POST").map(|hop| hop.url.as_str()).collect();
    assert!(posts.iter().all(|url| !url.contains("webauthn")), "{posts:?}");
}

#[test]
fn an_unclear_choice_of_form_is_said() {
    let Some(target) = Target::find("allauth") else { return };
    let flow = target.changed(
        "allauth-site.yaml",
        &[(
            "submit: { login: \"{{ username }}\", password: \"{{ password }}\" }",
            "submit: { holding: csrfmiddlewaretoken, fill: { password: \"{{ password }}\" } }",
        )],
    );
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::PageChanged), "{}", class(&run));
    assert_eq!(run.hops.iter().filter(|hop| hop.method == "POST").count(), 0, "nothing was sent on a guess");
}

#[test]
fn the_button_decides() {
    let Some(target) = Target::find("rp-dance") else { return };
    let flow = target.changed("rp-query.yaml", &[("submit: { press: Allow }", "submit: { press: Deny }")]);
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::HttpStatus), "{}", class(&run));
    assert!(class(&run).contains("status 400"), "the party's page about the denied consent: {}", class(&run));
    // Logging out needs a button that stands outside its form.
    let run = log_in(&target.flow("rp-query.yaml"));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
}

// 5

#[test]
fn a_token_from_before_the_login_is_stale() {
    let Some(target) = Target::find("allauth") else { return };
    let second = "    expect: { status: 200, json: { $.meta.is_authenticated: true } }\n    capture:\n      csrf: { cookie: csrftoken }\n";
    let flow = target.changed("allauth-browser.yaml", &[(second, "    expect: { status: 200 }\n")]);
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::HttpStatus), "{}", class(&run));
    assert_eq!(statuses(&run), [200, 200, 200, 403], "the logout was refused");
}

#[test]
fn logging_out_needs_a_number_from_the_page() {
    let Some(target) = Target::find("wordpress") else { return };
    let run = log_in(&target.changed(
        "wordpress-subscriber.yaml",
        &[("open: \"{{ leave }}\"", "open: \"{{ site }}/wp-login.php?action=logout\"")],
    ));
    assert_eq!(run.verdict, Verdict::Bad(BadClass::HttpStatus), "{}", class(&run));
    assert_eq!(statuses(&run).last(), Some(&403), "a page that asks whether to log out");
    let run = log_in(&target.flow("wordpress-subscriber.yaml"));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
}

// 6

#[test]
fn https_wants_an_origin() {
    let Some(target) = Target::find("tls-front") else { return };
    let text = r#"
account: probe
steps:
  - name: page
    open: "{{ site }}/accounts/login/?next=/private/"
    capture:
      token: { css: "input[name=csrfmiddlewaretoken]", attribute: value }
  - name: sign-in
    request:
      url: "{{ site }}/accounts/login/"
      headers: { Referer: "REFERER" }
      form: { login: "{{ username }}", password: "{{ password }}", csrfmiddlewaretoken: "{{ token }}" }
    expect: { status: 200 }
  - name: who
    open: "{{ site }}/private/"
    expect: { user: "private page of {{ username }}" }
"#;
    let origin = "headers: { Referer: \"REFERER\" }";
    let right = text.replace(origin, "headers: { Origin: \"{{ site }}\" }");
    assert_eq!(log_in(&target.flow_of(&right)).verdict, Verdict::Good);
    let foreign = text
        .replace(origin, "headers: { Origin: \"https://elsewhere.example\", Referer: \"https://elsewhere.example/\" }");
    let run = log_in(&target.flow_of(&foreign));
    assert_eq!(run.verdict, Verdict::Bad(BadClass::HttpStatus), "{}", class(&run));
    assert_eq!(statuses(&run), [200, 403]);
}

#[test]
fn an_api_wants_its_nonce() {
    let Some(target) = Target::find("wordpress") else { return };
    let text = r#"
account: probe-sub
steps:
  - name: page
    open: "{{ site }}/wp-login.php"
  - name: sign-in
    submit: { log: "{{ username }}", pwd: "{{ password }}" }
    expect: { status: 200, url: /wp-admin/profile.php }
  - name: nonce
    open: "{{ site }}/wp-admin/admin-ajax.php?action=rest-nonce"
    capture:
      nonce: { regex: "\\w+" }
  - name: who
    request:
      url: "{{ site }}/?rest_route=/wp/v2/users/me"
      headers: { X-WP-Nonce: "{{ nonce }}" }
    expect: { status: 200, user: { json: $.slug } }
"#;
    let run = log_in(&target.flow_of(text));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    let run = log_in(&target.flow_of(&text.replace("\n      headers: { X-WP-Nonce: \"{{ nonce }}\" }", "")));
    assert!(matches!(run.verdict, Verdict::Bad(_)), "the cookie alone says nothing to the API: {}", class(&run));
    assert_eq!(statuses(&run).last(), Some(&401));
}

// 7

#[test]
fn cookies_of_several_paths_and_many_deletions() {
    let Some(target) = Target::find("wordpress") else { return };
    let run = log_in(&target.flow("wordpress-subscriber.yaml"));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    let evidence = run.steps.iter().flat_map(|step| &step.evidence).cloned().collect::<Vec<_>>().join("\n");
    assert!(evidence.contains("wordpress_logged_in"), "the cookies that were set are told: {evidence}");
}

#[test]
fn a_secure_cookie_over_http_is_kept_on_loopback_only() {
    let Some(target) = Target::find("rp-dance") else { return };
    // The party sets its transaction cookie twice, with Secure and without. Browsers take the machine itself for
    // trustworthy, and keep both.
    let both = "[_party_form_post_tx, party_form_post_tx]";
    let text = r#"
steps:
  - name: who
    request: { url: "ADDRESS/private", follow: false }
    expect: { status: 302, COOKIES, user: { url: query.client_id, is: dance } }
"#;
    let near = text.replace("ADDRESS", "{{ form_post }}").replace("COOKIES", &format!("cookie: {both}"));
    let run = log_in(&target.flow_of(&near));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    // The same party under a name of the network, reached as its own proxy.
    let strict = "cookie: _party_form_post_tx, no_cookie: party_form_post_tx";
    let far = text.replace("ADDRESS", "http://party.example").replace("COOKIES", strict);
    let mut flow = target.flow_of(&far);
    flow.network.proxy = Some(target.address("form_post").parse().expect("a URL"));
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
}

// 8

#[test]
fn a_dance_of_redirects_over_two_origins() {
    let Some(target) = Target::find("rp-dance") else { return };
    let run = log_in(&target.flow("rp-query.yaml"));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    let statuses = statuses(&run);
    assert!(statuses.contains(&302) && statuses.contains(&303), "{statuses:?}");
    for origin in ["provider", "query"] {
        assert!(run.hops.iter().any(|hop| hop.url.starts_with(target.address(origin))), "no hop at the {origin}");
    }
    let before_logout = run.hops.iter().filter(|hop| run.steps[usize::from(hop.step)].role != StepRole::Logout);
    assert_eq!(before_logout.count(), 13, "a first login is twelve hops, and one more proves it");
}

#[test]
fn a_redirect_may_be_read_instead_of_followed() {
    let Some(target) = Target::find("rp-dance") else { return };
    // The end of this login lies where nothing listens; only its address counts.
    let run = log_in(&target.flow_of(
        r#"
steps:
  - name: who
    request: { url: "{{ query }}/private", follow: false }
    expect:
      status: 302
      header: { Location: { matches: "^http://127.0.0.1:\\d+/auth\\?.*client_id=dance" } }
      user: { url: query.client_id, is: dance }
"#,
    ));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    assert_eq!(statuses(&run), [302]);
}

#[test]
fn hops_are_bounded() {
    let Some(target) = Target::find("rp-dance") else { return };
    let mut flow = target.flow("rp-query.yaml");
    flow.limits.hops_per_step = 2;
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::RedirectLoop), "{}", class(&run));
    assert_eq!(run.hops.len(), 2);
}

// 9

#[test]
fn a_page_in_between_that_no_step_expects_is_named() {
    let Some(target) = Target::find("wordpress") else { return };
    // The administrator is asked to confirm an address; a flow written for a subscriber says where it got stuck.
    let run = log_in_as(&target.flow("wordpress-subscriber.yaml"), "probe", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::PageChanged), "{}", class(&run));
    let message = run.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
    assert!(message.contains("/wp-login.php"), "{message}");
}

// 10

#[test]
fn a_page_that_wants_a_code_is_no_login() {
    let Some(target) = Target::find("rp-dance") else { return };
    let run = log_in_as(&target.flow("rp-query.yaml"), "probe-totp", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::PageChanged), "{}", class(&run));
    let Some(target) = Target::find("allauth") else { return };
    let run = log_in_as(&target.flow("allauth-site.yaml"), "probe-totp", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::PageChanged), "{}", class(&run));
}

#[test]
fn an_api_that_wants_a_code_is_no_login() {
    let Some(target) = Target::find("allauth") else { return };
    // A 401, although the password was right. Without a sign in the flow it looks like a refusal; never like a login.
    let run = log_in_as(&target.flow("allauth-app.yaml"), "probe-totp", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::CredentialsRefused), "{}", class(&run));
    assert_eq!(statuses(&run), [401]);
    let sign = "  throttled:\n    - { status: 429 }\n";
    let told = "  second_factor_refused: { json: { \"$.data.flows[?@.id=='mfa_authenticate'].is_pending\": true } }\n";
    let flow = target.changed("allauth-app.yaml", &[(sign, &format!("{told}{sign}"))]);
    let run = log_in_as(&flow, "probe-totp", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::SecondFactorRefused), "{}", class(&run));
}

// 11

#[test]
fn a_passkey_step_is_refused_by_name() {
    let said = mistakes("steps:\n  - passkey: { origin: http://localhost }\n");
    assert!(said.contains("passkey"), "{said}");
}

// 12

#[test]
fn a_token_that_outlives_the_logout_is_found() {
    let Some(target) = Target::find("allauth") else { return };
    let proof = "          headers: { X-Session-Token: \"{{ session }}\" }\n        expect: { status: 410 }";
    let flow = target.changed(
        "allauth-app.yaml",
        &[(proof, "          headers: { Authorization: \"Bearer {{ bearer }}\" }\n        expect: { status: 410 }")],
    );
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Good, "the API knows that this token's session has ended: {}", class(&run));
    // A party whose session is nothing but its cookie cannot end it.
    let Some(target) = Target::find("rp-dance") else { return };
    let proof = "      proof:\n        open: \"{{ authorize }}\"\n        expect: { status: 200, css: \"input[name=username]\" }\n";
    let who = "open: \"{{ party }}/me\"\n    expect: { status: 200, user: { json: $.userinfo.preferred_username } }";
    let page = "open: \"{{ party }}/private\"\n    expect: { status: 200, user: \"Hello {{ username }}\" }";
    let run = log_in(&target.changed("rp-form-post.yaml", &[(proof, ""), (who, page)]));
    assert_eq!(run.verdict, Verdict::Bad(BadClass::LogoutIneffective), "{}", class(&run));
}

#[test]
fn a_refresh_token_counts_once() {
    let Some(target) = Target::find("allauth") else { return };
    let text = r#"
account: probe
steps:
  - name: sign-in
    request:
      url: "{{ site }}/_allauth/app/v1/auth/login"
      json: { username: "{{ username }}", password: "{{ password }}" }
    expect: { status: 200 }
    capture:
      refresh: { json: $.meta.refresh_token }
  - name: renew
    request:
      url: "{{ site }}/_allauth/app/v1/tokens/refresh"
      json: { refresh_token: "{{ refresh }}" }
    expect: { status: 200 }
    capture:
      bearer: { json: $.data.access_token }
  - name: again
    request:
      url: "{{ site }}/_allauth/app/v1/tokens/refresh"
      json: { refresh_token: "{{ refresh }}" }
    expect: { status: 400 }
  - name: who
    request:
      url: "{{ site }}/_allauth/app/v1/auth/session"
      headers: { Authorization: "Bearer {{ bearer }}" }
    expect: { status: 200, user: { json: $.data.user.username } }
"#;
    let run = log_in(&target.flow_of(text));
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
}

// 13

#[test]
fn a_throttled_login_is_not_a_refused_one() {
    let Some(target) = Target::find("allauth") else { return };
    let flow = target.flow("allauth-app.yaml");
    let mut verdicts = Vec::new();
    for _ in 0..8 {
        let run = log_in_as(&flow, "probe-throttled", "not the password");
        verdicts.push(run.verdict);
        if run.verdict == Verdict::Bad(BadClass::Throttled) {
            break;
        }
        assert_eq!(run.verdict, Verdict::Bad(BadClass::CredentialsRefused), "{}", class(&run));
    }
    assert_eq!(verdicts.last(), Some(&Verdict::Bad(BadClass::Throttled)), "{verdicts:?}");
    let run = log_in_as(&flow, "probe-throttled", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::Throttled), "the right password waits too: {}", class(&run));
}

#[test]
fn a_429_is_throttled() {
    let Some(target) = Target::find("rp-dance") else { return };
    let flow = target.flow("rp-query.yaml");
    let verdicts: Vec<_> = (0..6).map(|_| log_in_as(&flow, "probe-throttled", "not the password").verdict).collect();
    assert_eq!(verdicts.last(), Some(&Verdict::Bad(BadClass::Throttled)), "{verdicts:?}");
}

#[test]
fn wrong_passwords_have_a_budget() {
    let Some(target) = Target::find("allauth") else { return };
    let negative = target.flow("allauth-site.yaml").negative.expect("a negative login");
    assert!(negative.per_hour <= 2, "unless somebody says so, at most two an hour and account");
    assert_eq!(negative.accounts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["probe-wrong"]);
}

// 14

#[test]
fn a_slow_answer_is_waiting_not_a_network_fault() {
    let Some(target) = Target::find("allauth") else { return };
    let mut flow = target.flow("allauth-site.yaml");
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Good, "{}", class(&run));
    let post = run.hops.iter().find(|hop| hop.method == "POST").expect("the login's POST");
    let wait = post.phases.get(Phase::Wait).expect("it waited").micros;
    let network = post.phases.get(Phase::Connect).map_or(0, |time| time.micros.0);
    assert!(wait.0 > 20_000 && wait.0 > network * 5, "hashing the password is waiting: {post:?}");
    // With less patience than the server's work takes, it is a timeout, of waiting.
    flow.steps[1].timeout = Some(std::time::Duration::from_millis(20));
    let run = log_in(&flow);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::Timeout), "{}", class(&run));
    assert_eq!(run.failure.as_ref().and_then(|failure| failure.phase), Some(Phase::Wait), "{}", class(&run));
}

// 15

#[test]
fn http2_is_spoken_when_offered() {
    let Some(target) = Target::find("tls-front") else { return };
    let mut flow = target.flow("tls-site.yaml");
    let versions = |run: &Run| {
        let https = run.hops.iter().filter(|hop| hop.url.starts_with("https://"));
        https.filter_map(|hop| hop.version).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let run = log_in(&flow);
    assert_eq!((run.verdict, versions(&run)), (Verdict::Good, vec![HttpVersion::Http2]), "{}", class(&run));
    flow.network.http1_only = true;
    let run = log_in(&flow);
    assert_eq!((run.verdict, versions(&run)), (Verdict::Good, vec![HttpVersion::Http11]), "{}", class(&run));
}

// 16

#[test]
fn an_ldap_address_is_refused_by_name() {
    let said = mistakes("steps:\n  - open: ldap://127.0.0.1:389/\n    expect: { user: probe }\n");
    assert!(said.contains("ldap"), "{said}");
    assert!(said.contains("http"), "the way out is named: {said}");
}

#[test]
fn an_empty_password_is_never_sent() {
    let Some(target) = Target::find("allauth") else { return };
    let run = log_in_as(&target.flow("allauth-site.yaml"), "probe", "");
    assert_eq!(run.verdict, Verdict::Lost(LostClass::AccountUnusable), "{}", class(&run));
    assert!(run.hops.is_empty(), "{run:#?}");
}
