//! One request from head to answer: who is asking, what for, which rule strikes, what is said.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

use super::body::{AnswerBody, Delivery};
use super::reply::Reply;
use super::route::Route;
use super::script::{Action, Fault, Hold, Style};
use super::state::{Check, Session, State};
use super::timetable::{Facts, LoginTickets, Strike, Timetable};
use super::truth::{LoginResult, Record, TruthLog};
use super::wire::Knife;

mod login;
mod visit;

/// Larger than any honest request.
const BODY_LIMIT: usize = 64 * 1024;

/// Shared by all connections.
pub(super) struct Service {
    pub(super) state: State,
    pub(super) timetable: Timetable,
    pub(super) truth: Arc<TruthLog>,
    pub(super) start: Instant,
}

/// Who is at the other end of a connection, and how to cut it.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) connection: u64,
    pub(super) client: IpAddr,
    pub(super) knife: Knife,
}

/// One request, read and understood.
struct Visit {
    route: Route,
    style: Option<Style>,
    headers: HeaderMap,
    body: Bytes,
    /// Since the start, when the head had arrived.
    arrived: Duration,
    /// The id that the visitor showed and the living session that it names.
    session: Option<(String, Session)>,
}

/// A submission of a user name and a password.
struct Attempt {
    user: String,
    check: Check,
    login: u64,
    tickets: Arc<LoginTickets>,
}

impl Service {
    /// Answers one request.
    ///
    /// # Errors
    /// When the connection is to end without an answer, by script or since the request could not be read.
    pub(super) async fn answer(
        self: Arc<Self>,
        peer: Peer,
        request: Request<Incoming>,
    ) -> io::Result<Response<AnswerBody>> {
        let path = request.uri().path().to_owned();
        let mut record = Record::begin(&self.truth, peer.connection, peer.client, request.method().as_str(), &path);
        let visit = self.read(request, &path, &mut record).await?;
        let attempt = match self.attempt(&visit, &mut record) {
            Ok(attempt) => attempt,
            Err(reply) => return deliver(reply, Delivery::AtOnce, record),
        };
        let strike = self.strike(&peer, &path, &visit, attempt.as_ref());
        if let Some(strike) = &strike {
            record.struck(strike);
        }
        let fault = strike.map(|strike| strike.fault);
        match &fault {
            Some(Fault::Hang(hold)) => return Err(hang(*hold, &peer.knife).await),
            Some(Fault::Slow(slow)) => sleep(slow.wait).await,
            _ => {}
        }
        let (reply, result) = match fault.as_ref().and_then(|fault| Reply::of_fault(fault, visit.style)) {
            Some(reply) => (reply, LoginResult::Failed),
            None => match &attempt {
                Some(attempt) => self.log_in(&visit, attempt, fault.as_ref()),
                None => (self.reply(&visit, fault.as_ref()), LoginResult::Failed),
            },
        };
        record.result(if fault == Some(Fault::Reset) { LoginResult::Failed } else { result });
        let delivery = match fault {
            Some(Fault::Slow(slow)) => Delivery::Over(slow.receive),
            Some(Fault::Reset) => Delivery::Cut(peer.knife),
            _ => Delivery::AtOnce,
        };
        deliver(reply, delivery, record)
    }

    async fn read(&self, request: Request<Incoming>, path: &str, record: &mut Record) -> io::Result<Visit> {
        let arrived = self.start.elapsed();
        let (head, body) = request.into_parts();
        let route = Route::find(&head.method, path);
        let session = self.session(route, &head.headers, arrived);
        let style = route.style().or(session.as_ref().map(|(_, session)| session.style));
        record.is_for(route.action(), style);
        if let Some((_, session)) = &session {
            record.session(&session.user, session.login);
        }
        let body = if head.method == Method::POST {
            Limited::new(body, BODY_LIMIT).collect().await.map_err(io::Error::other)?.to_bytes()
        } else {
            Bytes::new()
        };
        Ok(Visit { route, style, headers: head.headers, body, arrived, session })
    }

    /// The session that the visitor shows: a bearer token at the API, a cookie elsewhere.
    fn session(&self, route: Route, headers: &HeaderMap, now: Duration) -> Option<(String, Session)> {
        let id = if route.style() == Some(Style::Json) {
            headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?.to_owned()
        } else {
            visit::cookie(headers, self.session_cookie())?
        };
        let session = self.state.session(&id, now)?;
        Some((id, session))
    }

    /// `__Host-` shows that the cookie is of this host alone; browsers take it over TLS only.
    fn session_cookie(&self) -> &'static str {
        if self.state.secure { "__Host-session" } else { "session" }
    }

    /// The login that the request is, entered into the record; `Ok(None)` for other requests.
    ///
    /// # Errors
    /// The reply to a submission that is no attempt: a field or the form's token is missing.
    fn attempt(&self, visit: &Visit, record: &mut Record) -> Result<Option<Attempt>, Reply> {
        let (Action::Login, Some(style)) = (visit.route.action(), visit.style) else { return Ok(None) };
        let (user, password) = self.submitted(visit)?;
        let check = self.state.check(&user, &password);
        let login = record.login(&user, style);
        Ok(Some(Attempt { user, check, login, tickets: Arc::default() }))
    }

    fn strike(&self, peer: &Peer, path: &str, visit: &Visit, attempt: Option<&Attempt>) -> Option<Strike> {
        let session = visit.session.as_ref().map(|(_, session)| session);
        self.timetable.at_request(&Facts {
            elapsed: visit.arrived,
            client: peer.client,
            headers: &visit.headers,
            path,
            action: visit.route.action(),
            style: visit.style,
            user: attempt.map(|attempt| attempt.user.as_str()).or(session.map(|session| session.user.as_str())),
            credentials: attempt.map(|attempt| attempt.check.credentials()),
            tickets: attempt.map(|attempt| &attempt.tickets).or(session.map(|session| &session.tickets)),
        })
    }
}

/// Withholds the answer. Ends early when the client goes away: then the caller is dropped.
async fn hang(hold: Hold, knife: &Knife) -> io::Error {
    match hold {
        Hold::For(time) => sleep(time).await,
        Hold::Forever => std::future::pending().await,
    }
    knife.close();
    io::Error::other("the script withholds this answer")
}

fn deliver(reply: Reply, delivery: Delivery, mut record: Record) -> io::Result<Response<AnswerBody>> {
    record.status(reply.status.as_u16());
    let (head, text) = reply.into_parts();
    head.body(AnswerBody::new(Bytes::from(text), delivery, record)).map_err(|error| {
        tracing::error!(%error, "the sandbox made an answer that cannot be sent");
        io::Error::other(error)
    })
}

/// A submission without what a browser would have sent.
fn malformed(style: Option<Style>, status: StatusCode, sentence: &str) -> Reply {
    match style {
        Some(Style::Json) => Reply::json(status, &serde_json::json!({"error": "malformed", "message": sentence})),
        _ => Reply::page(status, super::pages::message("Sign in", sentence)),
    }
}
