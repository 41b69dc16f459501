//! The one place where trouble becomes a verdict.
//!
//! The order is that of certainty: a security failure before anything else; then what the flow itself says the
//! service's words mean; then what every service says alike (too many requests, a CAPTCHA); then what follows from
//! having presented the right credentials; and only then the plain facts of a missing mark or a wrong status.

use http::StatusCode;

use super::page::Page;
use super::trouble::Trouble;
use crate::model::{BadClass, LostClass, SignMeaning, Verdict};

/// Everything that a verdict depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    /// What stopped the run.
    pub(super) trouble: &'a Trouble,
    /// The answer on which it stopped.
    pub(super) page: Option<&'a Page>,
    /// The flow's sign that holds of that answer, or of the answer to the password.
    pub(super) sign: Option<SignMeaning>,
    /// The right password had been sent.
    pub(super) presented: bool,
    /// Who is logged in had been proven before.
    pub(super) proven: bool,
    /// It is the step that sends the password.
    pub(super) credential_step: bool,
    /// It is the step that proves who is logged in.
    pub(super) identity_step: bool,
    /// The answer to the password, or the answer of a step between it and the proof, shows the login form again.
    pub(super) form_again: bool,
    /// The answer to the password led by way of a page for logged-in users back to where the login began.
    pub(super) thrown_back: bool,
}

/// Judges.
pub(super) fn classify(situation: &Situation<'_>) -> Verdict {
    let bad = Verdict::Bad;
    match situation.trouble {
        Trouble::AcceptedWrongPassword(_) => return bad(BadClass::AcceptedWrongPassword),
        Trouble::AcceptedWithoutCredentials(_) => return bad(BadClass::AcceptedWithoutCredentials),
        Trouble::Ours(_) => return Verdict::Lost(LostClass::Internal),
        Trouble::Unusable(_) => return Verdict::Lost(LostClass::AccountUnusable),
        Trouble::Fault(fault) => return fault.verdict,
        Trouble::Loop(_) => return bad(BadClass::RedirectLoop),
        Trouble::BadRedirect(_) => return bad(BadClass::BadRedirect),
        Trouble::TooLarge(_) => return bad(BadClass::TooLarge),
        Trouble::LogoutIneffective(_) => return bad(BadClass::LogoutIneffective),
        Trouble::Missing(_)
        | Trouble::Status(_)
        | Trouble::Identity { .. }
        | Trouble::Sign
        | Trouble::RefusalChanged(_) => {}
    }
    if let Some(sign) = situation.sign {
        return of_sign(sign);
    }
    if let Some(page) = situation.page {
        if is_throttled(page) {
            return bad(BadClass::Throttled);
        }
        if challenge_mark(page).is_some() {
            return bad(BadClass::Challenge);
        }
    }
    bad(of_page(situation))
}

fn of_sign(sign: SignMeaning) -> Verdict {
    match sign {
        SignMeaning::Refused => Verdict::Bad(BadClass::CredentialsRefused),
        SignMeaning::SecondFactorRefused => Verdict::Bad(BadClass::SecondFactorRefused),
        SignMeaning::Throttled => Verdict::Bad(BadClass::Throttled),
        SignMeaning::Challenge => Verdict::Bad(BadClass::Challenge),
        SignMeaning::AccountLocked => Verdict::Lost(LostClass::AccountLocked),
        SignMeaning::AccountUnusable => Verdict::Lost(LostClass::AccountUnusable),
    }
}

fn of_page(situation: &Situation<'_>) -> BadClass {
    let status = situation.page.map(|page| page.status);
    let broken = status.is_some_and(|status| status.is_server_error());
    if let Trouble::RefusalChanged(_) = situation.trouble {
        return if broken { BadClass::HttpStatus } else { BadClass::RefusalChanged };
    }
    if situation.presented && !situation.proven && !broken {
        let unauthorized = status == Some(StatusCode::UNAUTHORIZED);
        if situation.form_again || (situation.credential_step && unauthorized) {
            return BadClass::CredentialsRefused;
        }
        if let Trouble::Identity { somebody_else: true, .. } = situation.trouble {
            return BadClass::WrongIdentity;
        }
        if situation.thrown_back {
            return BadClass::SessionUnusable;
        }
        let denied = unauthorized || status == Some(StatusCode::FORBIDDEN);
        // Whatever else a page lacks where the user should be shown, the session did not get there.
        let not_shown = !matches!(situation.trouble, Trouble::Status(_)) || denied;
        if situation.identity_step && not_shown {
            return BadClass::SessionUnusable;
        }
    }
    match situation.trouble {
        Trouble::Status(_) => BadClass::HttpStatus,
        _ if broken => BadClass::HttpStatus,
        Trouble::Identity { somebody_else: true, .. } => BadClass::WrongIdentity,
        Trouble::Identity { somebody_else: false, .. } => BadClass::SessionUnusable,
        _ => BadClass::PageChanged,
    }
}

/// Whether the answer says in HTTP's own words that there were too many requests.
pub(super) fn is_throttled(page: &Page) -> bool {
    page.status == StatusCode::TOO_MANY_REQUESTS
        || (page.status == StatusCode::SERVICE_UNAVAILABLE && page.headers.contains_key(http::header::RETRY_AFTER))
}

/// What shows that the answer is a CAPTCHA or firewall page: headers that only such answers carry, and markup that
/// asks for a human. Markup alone proves nothing where the login itself goes on; it is asked for after a failure only.
pub(super) fn challenge_mark(page: &Page) -> Option<&'static str> {
    const HEADERS: [(&str, &[&str]); 3] = [
        ("cf-mitigated", &["challenge"]),
        ("x-amzn-waf-action", &["challenge", "captcha"]),
        ("x-datadome", &["protected"]),
    ];
    const MARKUP: [&str; 13] = [
        "g-recaptcha",
        "grecaptcha.",
        "h-captcha",
        "hcaptcha.com",
        "cf-turnstile",
        "challenges.cloudflare.com",
        "/cdn-cgi/challenge-platform",
        "cf-chl-",
        "awswafintegration",
        "captcha-delivery.com",
        "px-captcha",
        "_incapsula_resource",
        "arkoselabs.com",
    ];
    for (name, values) in HEADERS {
        if page.header(name).is_some_and(|value| values.contains(&value.trim().to_ascii_lowercase().as_str())) {
            return Some(name);
        }
    }
    let body = page.body.to_ascii_lowercase();
    MARKUP.into_iter().find(|mark| body.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::page::tests::page;
    use crate::net::Fault;

    fn situation<'a>(trouble: &'a Trouble, page: Option<&'a Page>) -> Situation<'a> {
        Situation {
            trouble,
            page,
            sign: None,
            presented: false,
            proven: false,
            credential_step: false,
            identity_step: false,
            form_again: false,
            thrown_back: false,
        }
    }

    fn with_status(status: u16) -> Page {
        let mut page = page("http://a.test/", "text/html", "<p>x");
        page.status = StatusCode::from_u16(status).unwrap();
        page
    }

    fn nobody() -> Trouble {
        Trouble::Identity { message: String::new(), somebody_else: false }
    }

    #[test]
    fn what_needs_no_page_is_judged_by_itself() {
        let text = String::new;
        let refused = Fault { verdict: Verdict::Lost(LostClass::RefusedByPolicy), phase: None, message: text() };
        let cases = [
            (Trouble::AcceptedWrongPassword(text()), "bad(accepted_wrong_password)"),
            (Trouble::AcceptedWithoutCredentials(text()), "bad(accepted_without_credentials)"),
            (Trouble::Loop(text()), "bad(redirect_loop)"),
            (Trouble::BadRedirect(text()), "bad(bad_redirect)"),
            (Trouble::TooLarge(text()), "bad(too_large)"),
            (Trouble::LogoutIneffective(text()), "bad(logout_ineffective)"),
            (Trouble::Ours(text()), "lost(internal)"),
            (Trouble::Unusable(text()), "lost(account_unusable)"),
            (Trouble::Fault(refused), "lost(refused_by_policy)"),
        ];
        for (trouble, expected) in &cases {
            // Not even a sign changes it.
            let situation = Situation { sign: Some(SignMeaning::Refused), ..situation(trouble, None) };
            assert_eq!(classify(&situation).to_string(), *expected);
        }
    }

    #[test]
    fn signs_come_before_statuses() {
        let cases = [
            (SignMeaning::Refused, "bad(credentials_refused)"),
            (SignMeaning::SecondFactorRefused, "bad(second_factor_refused)"),
            (SignMeaning::Throttled, "bad(throttled)"),
            (SignMeaning::Challenge, "bad(challenge)"),
            (SignMeaning::AccountLocked, "lost(account_locked)"),
            (SignMeaning::AccountUnusable, "lost(account_unusable)"),
        ];
        let (status, page) = (Trouble::Status(String::new()), with_status(429));
        for (sign, expected) in cases {
            let situation = Situation { sign: Some(sign), ..situation(&status, Some(&page)) };
            assert_eq!(classify(&situation).to_string(), expected);
        }
    }

    #[test]
    fn a_status_is_judged_by_where_it_came() {
        let trouble = Trouble::Status(String::new());
        // (status, presented, credential step, identity step, form again, class)
        let cases = [
            (500, false, false, false, false, "http_status"),
            (500, true, true, false, true, "http_status"),
            (503, true, false, true, false, "http_status"),
            (429, false, false, false, false, "throttled"),
            (429, true, true, false, true, "throttled"),
            (401, true, true, false, false, "credentials_refused"),
            (401, false, false, false, false, "http_status"),
            (401, true, false, true, false, "session_unusable"),
            (403, true, false, true, false, "session_unusable"),
            (404, true, false, true, false, "http_status"),
            (403, true, true, false, false, "http_status"),
            (403, true, true, false, true, "credentials_refused"),
        ];
        for (status, presented, credential_step, identity_step, form_again, class) in cases {
            let page = with_status(status);
            let situation =
                Situation { presented, credential_step, identity_step, form_again, ..situation(&trouble, Some(&page)) };
            assert_eq!(classify(&situation).class(), Some(class), "{status} {situation:?}");
        }
        let mut busy = with_status(503);
        busy.headers.insert("retry-after", "5".parse().unwrap());
        assert_eq!(classify(&situation(&trouble, Some(&busy))).class(), Some("throttled"));
    }

    #[test]
    fn a_missing_mark_is_judged_by_where_it_is_missing() {
        let (missing, nobody) = (Trouble::Missing(String::new()), nobody());
        let somebody = Trouble::Identity { message: String::new(), somebody_else: true };
        // (trouble, presented, proven, identity step, form again, class)
        let cases = [
            (&missing, false, false, false, false, "page_changed"),
            (&missing, true, false, false, false, "page_changed"),
            (&missing, true, false, false, true, "credentials_refused"),
            (&missing, true, true, false, true, "page_changed"),
            (&missing, true, false, true, false, "session_unusable"),
            (&nobody, true, false, true, false, "session_unusable"),
            (&nobody, true, false, true, true, "credentials_refused"),
            (&nobody, false, false, true, false, "session_unusable"),
            (&somebody, true, false, true, false, "wrong_identity"),
            (&somebody, false, false, true, false, "wrong_identity"),
        ];
        let page = with_status(200);
        for (trouble, presented, proven, identity_step, form_again, class) in cases {
            let situation =
                Situation { presented, proven, identity_step, form_again, ..situation(trouble, Some(&page)) };
            assert_eq!(classify(&situation).class(), Some(class), "{situation:?}");
        }
    }

    #[test]
    fn challenges_are_recognised() {
        let missing = Trouble::Missing(String::new());
        for body in [
            "<div class=\"g-recaptcha\" data-sitekey=x>",
            "<div class='h-captcha'>",
            "<div class=cf-turnstile>",
            "<script src=https://challenges.cloudflare.com/turnstile/v0/api.js>",
        ] {
            let page = page("http://a.test/", "text/html", body);
            assert_eq!(classify(&situation(&missing, Some(&page))).class(), Some("challenge"), "{body}");
        }
        let mut page = with_status(403);
        page.headers.insert("cf-mitigated", "challenge".parse().unwrap());
        let status = Trouble::Status(String::new());
        assert_eq!(classify(&situation(&status, Some(&page))).class(), Some("challenge"));
        let plain = with_status(403);
        assert_eq!(classify(&situation(&status, Some(&plain))).class(), Some("http_status"));
    }

    #[test]
    fn a_changed_refusal_is_told_from_a_broken_service() {
        let changed = Trouble::RefusalChanged(String::new());
        for (status, class) in
            [(200, "refusal_changed"), (401, "refusal_changed"), (500, "http_status"), (429, "throttled")]
        {
            let page = with_status(status);
            assert_eq!(classify(&situation(&changed, Some(&page))).class(), Some(class), "{status}");
        }
        let page = with_status(200);
        let locked = Situation { sign: Some(SignMeaning::AccountLocked), ..situation(&changed, Some(&page)) };
        assert_eq!(classify(&locked).class(), Some("account_locked"));
    }
}
