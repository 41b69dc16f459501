//! A scripted service in the place of the network: a form login with CSRF and a token login, each fault by a switch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::super::wire::Wire;
use super::super::{Credentials, Task, drive};
use crate::clock::Clock;
use crate::model::{
    AccountName, BadClass, ExchangeLimits, Flow, HttpVersion, Micros, Phase, Phases, Run, RunKind, Secret, VantageName,
    Verdict,
};
use crate::net::{self, Exchange, Request, Response};

/// How an exchange fails.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Hang,
    Reset,
}

type Handler = Arc<Mutex<dyn FnMut(&Request) -> Response + Send>>;

/// The service.
pub(super) struct Service {
    pub(super) password: String,
    pub(super) refusal: &'static str,
    pub(super) greeting: &'static str,
    pub(super) after_login: &'static str,
    /// Everybody is logged in without a password.
    pub(super) everybody: bool,
    pub(super) any_password: bool,
    pub(super) refuse_but_let_in: bool,
    /// A session is never found again.
    pub(super) lose_session: bool,
    /// Logging out ends nothing.
    pub(super) keep_session: bool,
    pub(super) flood: bool,
    special: BTreeMap<(String, String), Handler>,
    faults: BTreeMap<(String, String), Fault>,
    alive: BTreeSet<String>,
    seen: Arc<Mutex<Vec<Request>>>,
}

/// A run and what it sent.
pub(super) struct Done {
    pub(super) run: Run,
    pub(super) requests: Vec<Request>,
}

/// Runs a flow against the service.
pub(super) async fn run(flow: &Flow, kind: RunKind, service: Service) -> Done {
    let start: jiff::Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let (clock, _hand) = Clock::manual(start);
    let credentials = Credentials {
        account: AccountName::new("tester").unwrap(),
        username: "probe".to_owned(),
        password: Secret::new("right-Passw0rd!"),
    };
    let vantage = VantageName::new("here").unwrap();
    let task = Task { flow, kind, vantage, slot: start, attempt: 0, credentials: Some(&credentials) };
    let seen = Arc::clone(&service.seen);
    let run = drive(&task, service, &clock).await;
    let requests = seen.lock().unwrap().clone();
    Done { run, requests }
}

/// A page.
pub(super) fn html(status: u16, body: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    Response { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::from(body.to_owned()) }
}

/// A redirect.
pub(super) fn redirect(status: u16, to: &str) -> Response {
    let mut response = html(status, "");
    response.headers.insert(header::LOCATION, to.parse().unwrap());
    response
}

fn json(status: u16, value: &serde_json::Value) -> Response {
    let mut response = html(status, &value.to_string());
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Service {
    pub(super) fn new() -> Self {
        Self {
            password: "right-Passw0rd!".to_owned(),
            refusal: "Wrong user name or password",
            greeting: "Please sign in",
            after_login: "/private",
            everybody: false,
            any_password: false,
            refuse_but_let_in: false,
            lose_session: false,
            keep_session: false,
            flood: false,
            special: BTreeMap::new(),
            faults: BTreeMap::new(),
            alive: BTreeSet::new(),
            seen: Arc::default(),
        }
    }

    /// The same service with nobody logged in.
    pub(super) fn again(&self) -> Self {
        Self {
            password: self.password.clone(),
            special: self.special.clone(),
            faults: self.faults.clone(),
            alive: BTreeSet::new(),
            seen: Arc::default(),
            ..*self
        }
    }

    /// Answers one kind of request otherwise.
    pub(super) fn on(&mut self, method: &str, path: &str, answer: impl FnMut(&Request) -> Response + Send + 'static) {
        self.special.insert((method.to_owned(), path.to_owned()), Arc::new(Mutex::new(answer)));
    }

    /// Lets one kind of request fail.
    pub(super) fn fail(&mut self, method: &str, path: &str, fault: Fault) {
        self.faults.insert((method.to_owned(), path.to_owned()), fault);
    }

    fn logged_in(&self, request: &Request) -> bool {
        let cookies = request.headers.get(header::COOKIE).map(|c| c.to_str().unwrap()).unwrap_or_default();
        let session = cookies.split("; ").find_map(|pair| pair.strip_prefix("session="));
        self.everybody || (!self.lose_session && session.is_some_and(|session| self.alive.contains(session)))
    }

    fn accepts(&self, password: &str) -> bool {
        self.any_password || password == self.password
    }

    fn answer(&mut self, request: &Request) -> Response {
        let path = request.url.path().to_owned();
        if let Some(special) = self.special.get(&(request.method.to_string(), path.clone())) {
            let special = Arc::clone(special);
            let mut special = special.lock().unwrap();
            return special(request);
        }
        match (request.method.as_str(), path.as_str()) {
            ("GET", "/login") => self.login_page(""),
            ("POST", "/login") => self.log_in(request),
            ("GET", "/private" | "/me") if !self.logged_in(request) => redirect(302, &format!("/login?next={path}")),
            ("GET", "/private") => html(200, "<p>Private"),
            ("GET", "/me") => html(200, "<p>You are <b id=user>probe</b>"),
            ("GET", "/logout") => {
                html(200, "<form id=logout method=post><input type=hidden name=csrf value=CSRFFIELD2>")
            }
            ("POST", "/logout") => {
                if !self.keep_session {
                    self.alive.clear();
                }
                let mut answer = redirect(303, "/");
                answer.headers.insert(header::SET_COOKIE, HeaderValue::from_static("session=; Max-Age=0; Path=/"));
                answer
            }
            ("GET", "/") => html(200, "Good bye"),
            ("POST", "/api/login") => {
                let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                if self.accepts(sent["password"].as_str().unwrap()) {
                    json(200, &serde_json::json!({"access_token": "TOKEN-abcdef-123456"}))
                } else {
                    json(401, &serde_json::json!({"error": "mismatch"}))
                }
            }
            ("GET", "/api/me") => match request.headers.get(header::AUTHORIZATION) {
                Some(bearer) if bearer == "Bearer TOKEN-abcdef-123456" => {
                    json(200, &serde_json::json!({"user": "probe"}))
                }
                _ => json(401, &serde_json::json!({"error": "none"})),
            },
            _ => html(404, "nothing here"),
        }
    }

    fn login_page(&self, message: &str) -> Response {
        let greeting = self.greeting;
        let mut page = html(
            200,
            &format!(
                "<title>Sign in</title><p>{greeting}<p>{message}<form><input name=q></form>\
                 <form id=login method=post action=/login><input type=hidden name=csrf value=CSRFFIELD1>\
                 <input name=user><input name=password type=password><button>Sign in</button></form>"
            ),
        );
        page.headers.append(header::SET_COOKIE, HeaderValue::from_static("csrf=CSRFCOOKIE1; Path=/"));
        for number in 0..if self.flood { 400 } else { 0 } {
            page.headers.append(header::SET_COOKIE, format!("c{number}=x").parse().unwrap());
        }
        page
    }

    fn log_in(&mut self, request: &Request) -> Response {
        let fields: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        assert_eq!(fields["csrf"], "CSRFFIELD1");
        let accepted = self.accepts(&fields["password"]);
        let mut answer = if accepted { redirect(302, self.after_login) } else { self.login_page(self.refusal) };
        if accepted || self.refuse_but_let_in {
            self.alive.insert("SESSIONCOOKIE1".to_owned());
            answer
                .headers
                .append(header::SET_COOKIE, HeaderValue::from_static("session=SESSIONCOOKIE1; Path=/; HttpOnly"));
        }
        answer
    }
}

impl Wire for Service {
    async fn exchange(&mut self, request: Request, _limits: &ExchangeLimits, deadline: Instant) -> Exchange {
        let mut exchange = Exchange {
            phases: Phases::default(),
            address: Some([127, 0, 0, 1].into()),
            version: Some(HttpVersion::Http11),
            reused: false,
            status: None,
            body_bytes: 0,
            outcome: Err(net::Fault {
                verdict: Verdict::Bad(BadClass::Timeout),
                phase: None,
                message: "the time limit had passed before the exchange began".to_owned(),
            }),
        };
        if Instant::now() >= deadline {
            return exchange;
        }
        self.seen.lock().unwrap().push(request.clone());
        exchange.phases.finish(Phase::Send, Micros(100));
        if let Some(fault) = self.faults.get(&(request.method.to_string(), request.url.path().to_owned())) {
            let (class, message) = match fault {
                Fault::Hang => (BadClass::Timeout, "the time limit passed without an answer"),
                Fault::Reset => (BadClass::Protocol, "the connection was reset"),
            };
            exchange.phases.cut(Phase::Wait, Micros(5_000_000));
            exchange.outcome =
                Err(net::Fault { verdict: Verdict::Bad(class), phase: Some(Phase::Wait), message: message.to_owned() });
            return exchange;
        }
        let response = self.answer(&request);
        exchange.phases.finish(Phase::Wait, Micros(900));
        exchange.status = Some(response.status.as_u16());
        exchange.body_bytes = response.body.len() as u64;
        exchange.outcome = Ok(response);
        exchange
    }
}
