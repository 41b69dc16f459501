//! Everything but the login itself: pages on the way, the who-am-I page, logging out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::super::pages::{self, FieldNames};
use super::super::reply::Reply;
use super::super::route::Route;
use super::super::script::Fault;
use super::{Service, Visit, malformed};

/// Holds the user name between the two pages, sealed.
const NAME_COOKIE: &str = "signing_in";

impl Service {
    /// What is said to a request that is no login.
    pub(super) fn reply(&self, visit: &Visit, fault: Option<&Fault>) -> Reply {
        let names = FieldNames::of(fault == Some(&Fault::PageChanged));
        let keep_session = fault == Some(&Fault::LogoutIneffective);
        match visit.route {
            Route::Home => Reply::page(StatusCode::OK, pages::home()),
            Route::Health => Reply::text(StatusCode::OK, "ok"),
            Route::Search => Reply::page(StatusCode::OK, pages::message("Search", "Nothing was found.")),
            Route::FormPage => self.with_token(visit, |token| pages::form_login(token, &names, None)),
            Route::TwoNamePage => self.with_token(visit, |token| pages::two_name(token, &names)),
            Route::TwoName => self.take_name(visit),
            Route::TwoPasswordPage => match self.named_user(&visit.headers) {
                Some(user) => self.with_token(visit, |token| pages::two_password(token, &user, &names, None)),
                None => Reply::see_other("/two/login"),
            },
            Route::Account => self.account(visit),
            Route::Logout => self.log_out(visit, keep_session),
            Route::Me => match &visit.session {
                Some((_, session)) => Reply::json(StatusCode::OK, &json!({"username": session.user})),
                None => Reply::unauthorized(),
            },
            Route::JsonLogout => match &visit.session {
                Some((id, _)) => {
                    self.end(id, keep_session);
                    Reply::json(StatusCode::OK, &json!({"signed_out": true}))
                }
                None => Reply::unauthorized(),
            },
            Route::LoopOut => Reply::redirect(StatusCode::FOUND, "/loop/2"),
            Route::LoopBack => Reply::redirect(StatusCode::FOUND, "/loop/1"),
            Route::MethodNotAllowed => Reply::text(StatusCode::METHOD_NOT_ALLOWED, "this path has no such method"),
            Route::NotFound | Route::FormLogin | Route::TwoLogin | Route::JsonLogin => {
                Reply::page(StatusCode::NOT_FOUND, pages::message("Not found", "There is no such page."))
            }
        }
    }

    /// A page with a form: its token belongs to a cookie that the visitor has, or gets now.
    fn with_token(&self, visit: &Visit, page: impl FnOnce(&str) -> String) -> Reply {
        let held = cookie(&visit.headers, "csrf");
        let value = held.clone().unwrap_or_else(|| self.state.fresh());
        let reply = Reply::page(StatusCode::OK, page(&self.state.sealed("csrf", &value)));
        if held.is_some() { reply } else { reply.with_cookie("csrf", &value, self.state.secure) }
    }

    /// The first page of the two: any name is taken, so that nobody learns who has an account.
    fn take_name(&self, visit: &Visit) -> Reply {
        let form = Form::read(&visit.body);
        if let Err(reply) = self.check_token(visit, &form) {
            return reply;
        }
        let Some(user) = form.either(FieldNames::USUAL.user, FieldNames::CHANGED.user) else {
            return malformed(visit.style, StatusCode::BAD_REQUEST, "A field is missing.");
        };
        let value = format!("{}.{}", URL_SAFE_NO_PAD.encode(&user), self.state.sealed("name", &user));
        Reply::see_other("/two/password").with_cookie(NAME_COOKIE, &value, self.state.secure)
    }

    /// The user name that was given on the first of two pages.
    pub(super) fn named_user(&self, headers: &HeaderMap) -> Option<String> {
        let value = cookie(headers, NAME_COOKIE)?;
        let (name, seal) = value.split_once('.')?;
        let user = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
        (self.state.sealed("name", &user) == seal).then_some(user)
    }

    fn account(&self, visit: &Visit) -> Reply {
        match &visit.session {
            Some((id, session)) => {
                Reply::page(StatusCode::OK, pages::account(&session.user, &self.state.sealed("logout", id)))
            }
            None => Reply::see_other("/form/login"),
        }
    }

    fn log_out(&self, visit: &Visit, keep_session: bool) -> Reply {
        let Some((id, _)) = &visit.session else { return Reply::see_other("/") };
        let token = Form::read(&visit.body).either("csrf", "csrf");
        if token != Some(self.state.sealed("logout", id)) {
            return malformed(visit.style, StatusCode::FORBIDDEN, "The form has expired. Open it again.");
        }
        self.end(id, keep_session);
        Reply::see_other("/").without_cookie(self.session_cookie(), self.state.secure)
    }

    fn end(&self, id: &str, keep_session: bool) {
        if !keep_session {
            self.state.end(id);
        }
    }
}

/// The value of a cookie; the first of that name. HTTP/2 clients may send each cookie in a header of its own.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(held, _)| *held == name).map(|(_, value)| value.to_owned())
}

/// The fields of a submitted form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first field of this or that name.
    pub(super) fn either(&self, name: &str, other: &str) -> Option<String> {
        self.0.iter().find(|(field, _)| field == name || field == other).map(|(_, value)| value.clone())
    }
}
