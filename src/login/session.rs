//! One user's session: cookies, connections and the trail of hops. Sends a request the way a browser does and follows
//! its redirects to the final answer. Knows no steps and judges nothing.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::cookies::Jar;
use super::headers;
use super::page::Page;
use super::redirect::{self, Next};
use super::secrecy::{Secrets, is_secret_name, show_url};
use super::trouble::Trouble;
use super::wire::Wire;
use crate::clock::Clock;
use crate::model::{Hop, Micros, Phase, RunLimits};
use crate::net;

/// How often the same request with the same cookies is sent within one journey before it counts as a loop. Not twice:
/// a service may change its own state on the way (a ticket redeemed, then back to the page first asked for), and then
/// the second time differs.
const LOOP_AFTER: u8 = 3;

/// A header of a step.
#[derive(Debug, Clone)]
pub(super) struct StepHeader {
    /// Name.
    pub(super) name: HeaderName,
    /// Value.
    pub(super) value: HeaderValue,
    /// It carries a secret, so that it must not follow a redirect to another origin.
    pub(super) secret: bool,
}

/// How a request introduces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A user goes to a page: accepts HTML, says from which page it came.
    Navigation,
    /// A script or an app asks: says where it comes from only within its own origin.
    Script,
}

/// A request and what becomes of its redirects.
#[derive(Debug, Clone)]
pub(super) struct Journey {
    /// Method.
    pub(super) method: Method,
    /// Address.
    pub(super) url: Url,
    /// The step's own headers; they replace the browser's.
    pub(super) headers: Vec<StepHeader>,
    /// Content type and body.
    pub(super) body: Option<(Option<String>, Bytes)>,
    /// The body carries the password.
    pub(super) secret_body: bool,
    /// The password is sent, wherever in the request.
    pub(super) presents: bool,
    /// Whether redirects are followed.
    pub(super) follow: bool,
    /// How it introduces itself.
    pub(super) style: Style,
    /// The page that it is sent from.
    pub(super) from: Option<Url>,
}

/// One hop as it was, for judging; the recorded one has its secrets hidden.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// The step.
    pub(super) step: u16,
    /// Address.
    pub(super) url: Url,
    /// The answer sent on elsewhere.
    pub(super) redirected: bool,
}

/// What a journey did to the cookies, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct CookieNotes {
    /// Set.
    pub(super) set: Vec<String>,
    /// Deleted.
    pub(super) deleted: Vec<String>,
    /// Ignored, with the reason.
    pub(super) ignored: Vec<String>,
}

/// A session under way.
pub(super) struct Session<'a, W> {
    wire: W,
    clock: &'a Clock,
    limits: RunLimits,
    /// When the run began.
    pub(super) started: Instant,
    /// The cookies.
    pub(super) jar: Jar,
    /// What must not be shown.
    pub(super) secrets: Secrets,
    /// All hops.
    pub(super) hops: Vec<Hop>,
    /// All hops as they were.
    pub(super) traces: Vec<Trace>,
    /// The password has left the machine.
    pub(super) presented: bool,
    /// What happened to cookies since somebody last took these notes.
    pub(super) cookie_notes: CookieNotes,
    /// The phase in which the last exchange failed.
    pub(super) failed_phase: Option<Phase>,
}

impl<'a, W: Wire> Session<'a, W> {
    /// A fresh session: no cookies, no connections.
    pub(super) fn new(wire: W, clock: &'a Clock, limits: RunLimits) -> Self {
        Self {
            wire,
            clock,
            limits,
            started: Instant::now(),
            jar: Jar::new(limits.cookies),
            secrets: Secrets::default(),
            hops: Vec::new(),
            traces: Vec::new(),
            presented: false,
            cookie_notes: CookieNotes::default(),
            failed_phase: None,
        }
    }

    /// The wall clock, for cookies.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Time since the run began.
    pub(super) fn elapsed(&self) -> Micros {
        Micros::from(self.started.elapsed())
    }

    /// Sends the request and follows its redirects.
    ///
    /// # Errors
    /// What kept the final answer from being read.
    pub(super) async fn go(&mut self, mut journey: Journey, step: u16, deadline: Instant) -> Result<Page, Trouble> {
        let asked = journey.url.clone();
        let mut seen: HashMap<(Method, Url, u64), u8> = HashMap::new();
        let mut tainted = false;
        let first = self.hops.iter().filter(|hop| hop.step == step).count();
        for taken in 1_u16.. {
            let count = first + usize::from(taken);
            if count > usize::from(self.limits.hops_per_step) {
                let limit = self.limits.hops_per_step;
                return Err(Trouble::Loop(format!(
                    "more than {limit} requests in one step, the last redirect to {}",
                    show_url(&journey.url)
                )));
            }
            let answer = self.exchange(&journey, tainted, step, deadline).await?;
            let next = if journey.follow {
                redirect::next(&journey.method, &journey.url, answer.status, &answer.headers, journey.secret_body)
            } else {
                Next::Stay
            };
            match next {
                Next::Stay => return self.arrive(&journey, asked, answer, taken),
                Next::Refuse(reason) => {
                    return Err(Trouble::BadRedirect(format!("{} answered with {reason}", show_url(&journey.url))));
                }
                Next::Go { method, url, keep_body } => {
                    if let Some(trace) = self.traces.last_mut() {
                        trace.redirected = true;
                    }
                    self.secrets.learn_url(&url);
                    tainted |= cross_origin(&journey.url, &url)
                        && journey.from.as_ref().is_some_and(|from| cross_origin(from, &journey.url));
                    redirected(&mut journey, method, url, keep_body);
                    let mut bare = journey.url.clone();
                    bare.set_fragment(None);
                    let times = seen.entry((journey.method.clone(), bare, self.jar.fingerprint())).or_default();
                    *times += 1;
                    if *times >= LOOP_AFTER {
                        let at = show_url(&journey.url);
                        return Err(Trouble::Loop(format!(
                            "redirects lead to {at} again and again with the same cookies"
                        )));
                    }
                }
            }
        }
        Err(Trouble::Loop("more requests than can be counted".to_owned()))
    }

    async fn exchange(
        &mut self,
        journey: &Journey,
        tainted: bool,
        step: u16,
        deadline: Instant,
    ) -> Result<net::Response, Trouble> {
        let request = self.request(journey, tainted)?;
        let offset = self.elapsed();
        self.secrets.learn_url(&journey.url);
        let exchange = self.wire.exchange(request, &self.limits.exchange, deadline).await;
        let began_to_send = exchange.phases.get(Phase::Send).is_some() || exchange.status.is_some();
        self.presented |= journey.presents && began_to_send;
        self.hops.push(Hop {
            step,
            method: journey.method.to_string(),
            url: show_url(&journey.url),
            status: exchange.status,
            version: exchange.version,
            address: exchange.address,
            reused: exchange.reused,
            offset,
            phases: exchange.phases,
            body_bytes: exchange.body_bytes,
        });
        self.traces.push(Trace { step, url: journey.url.clone(), redirected: false });
        let answer = exchange.outcome.map_err(|fault| {
            self.failed_phase = fault.phase;
            Trouble::Fault(fault)
        })?;
        let set = answer.headers.get_all(header::SET_COOKIE).iter().map(HeaderValue::as_bytes);
        let changes = self
            .jar
            .store(&journey.url, set, self.clock.now())
            .map_err(|flood| Trouble::TooLarge(flood.to_string()))?;
        changes.values.iter().for_each(|value| self.secrets.learn_found(value));
        self.cookie_notes.set.extend(changes.set);
        self.cookie_notes.deleted.extend(changes.deleted);
        self.cookie_notes.ignored.extend(changes.ignored);
        for (name, value) in &answer.headers {
            if is_secret_name(name.as_str()) {
                self.secrets.learn_found(&String::from_utf8_lossy(value.as_bytes()));
            }
        }
        Ok(answer)
    }

    fn arrive(&mut self, journey: &Journey, asked: Url, answer: net::Response, hops: u16) -> Result<Page, Trouble> {
        let net::Response { status, headers, body } = answer;
        let location = redirect::location(&journey.url, &headers).ok().flatten();
        if let Some(location) = &location {
            self.secrets.learn_url(location);
        }
        let place = (asked, journey.url.clone());
        let page = Page::new(place, status, headers, &body, location, hops).map_err(Trouble::TooLarge)?;
        if let Ok(json) = serde_json::from_str(&page.body) {
            self.secrets.learn_json(&json);
        }
        Ok(page)
    }

    /// The request as a browser would send it.
    fn request(&mut self, journey: &Journey, tainted: bool) -> Result<net::Request, Trouble> {
        let mut url = journey.url.clone();
        let mut map = HeaderMap::new();
        map.insert(header::USER_AGENT, HeaderValue::from_static(headers::USER_AGENT));
        let json = journey.body.as_ref().is_some_and(|(kind, _)| kind.as_deref() == Some("application/json"));
        let accept = match journey.style {
            Style::Navigation => headers::ACCEPT_PAGE,
            Style::Script if json => headers::ACCEPT_JSON,
            Style::Script => "*/*",
        };
        map.insert(header::ACCEPT, HeaderValue::from_static(accept));
        map.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(headers::ACCEPT_LANGUAGE));
        map.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(headers::ACCEPT_ENCODING));
        set_origin(&mut map, journey, tainted);
        if let Some((Some(kind), _)) = &journey.body {
            map.insert(header::CONTENT_TYPE, value(kind.as_bytes())?);
        }
        if let Some(authorization) = basic_authorization(&url) {
            self.secrets.learn(&authorization);
            map.insert(header::AUTHORIZATION, value(format!("Basic {authorization}").as_bytes())?);
            url = headers::without_userinfo(&url);
        }
        if let Some(cookies) = self.jar.header(&journey.url, self.clock.now()) {
            map.insert(header::COOKIE, value(&cookies)?);
        }
        for step_header in &journey.headers {
            map.remove(&step_header.name);
        }
        for step_header in journey.headers.iter().filter(|step_header| !step_header.value.is_empty()) {
            map.append(step_header.name.clone(), step_header.value.clone());
        }
        let body = journey.body.as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
        Ok(net::Request { method: journey.method.clone(), url, headers: map, body })
    }
}

fn value(bytes: &[u8]) -> Result<HeaderValue, Trouble> {
    HeaderValue::from_bytes(bytes).map_err(|_| Trouble::Ours("a header would hold a line break".to_owned()))
}

/// `Referer`, and `Origin` where a browser sends it: with everything but GET and HEAD. A script says neither to another
/// origin: an app that calls an API does not, and token endpoints refuse an `Origin` that they do not know.
fn set_origin(map: &mut HeaderMap, journey: &Journey, tainted: bool) {
    let Some(from) = &journey.from else { return };
    if journey.style == Style::Script && cross_origin(from, &journey.url) {
        return;
    }
    if let Some(referer) = headers::referer(from, &journey.url).and_then(|text| HeaderValue::from_str(&text).ok()) {
        map.insert(header::REFERER, referer);
    }
    if !matches!(journey.method, Method::GET | Method::HEAD) {
        let downgrade = from.scheme() == "https" && journey.url.scheme() == "http";
        let origin = if tainted || downgrade { "null".to_owned() } else { from.origin().ascii_serialization() };
        map.extend(HeaderValue::from_str(&origin).ok().map(|origin| (header::ORIGIN, origin)));
    }
}

fn cross_origin(one: &Url, other: &Url) -> bool {
    one.origin() != other.origin()
}

/// `user:password` of an address, as base64.
fn basic_authorization(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decode(url.username());
    pair.push(b':');
    pair.extend(decode(url.password().unwrap_or_default()));
    Some(STANDARD.encode(pair))
}

/// Turns a journey into the one that a redirect asks for.
fn redirected(journey: &mut Journey, method: Method, url: Url, keep_body: bool) {
    if cross_origin(&journey.url, &url) {
        let own = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::ORIGIN];
        journey.headers.retain(|h| !h.secret && !own.contains(&h.name) && !is_secret_name(h.name.as_str()));
    }
    if !keep_body {
        journey.headers.retain(|h| !h.name.as_str().starts_with("content-"));
        journey.body = None;
        (journey.secret_body, journey.presents) = (false, false);
    }
    (journey.method, journey.url) = (method, url);
}

/// Whether an answer is good where the flow does not say which status it expects.
pub(super) fn is_fine(status: StatusCode, follow: bool) -> bool {
    status.is_success() || (!follow && status.is_redirection())
}
