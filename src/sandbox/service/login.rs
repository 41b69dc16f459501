//! The submission of a user name and a password, and what is answered.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::super::pages::{self, FieldNames};
use super::super::reply::Reply;
use super::super::script::{Fault, Style};
use super::super::state::{Check, Session};
use super::super::truth::LoginResult;
use super::visit::{Form, cookie};
use super::{Attempt, Service, Visit, malformed};

#[derive(Deserialize)]
struct JsonLogin {
    username: String,
    password: String,
}

impl Service {
    /// The user name and the password that were submitted.
    pub(super) fn submitted(&self, visit: &Visit) -> Result<(String, String), Reply> {
        let missing = || malformed(visit.style, StatusCode::BAD_REQUEST, "A field is missing.");
        match visit.style {
            Some(Style::Json) => {
                let login: JsonLogin = serde_json::from_slice(&visit.body).map_err(|_| missing())?;
                Ok((login.username, login.password))
            }
            Some(Style::TwoPage) => {
                let form = Form::read(&visit.body);
                self.check_token(visit, &form)?;
                let user = self.named_user(&visit.headers).ok_or_else(|| self.expired(visit))?;
                Ok((user, form.either(FieldNames::USUAL.password, FieldNames::CHANGED.password).ok_or_else(missing)?))
            }
            _ => {
                let form = Form::read(&visit.body);
                self.check_token(visit, &form)?;
                let user = form.either(FieldNames::USUAL.user, FieldNames::CHANGED.user);
                let password = form.either(FieldNames::USUAL.password, FieldNames::CHANGED.password);
                user.zip(password).ok_or_else(missing)
            }
        }
    }

    /// The form's token must be the one that belongs to the visitor's cookie.
    pub(super) fn check_token(&self, visit: &Visit, form: &Form) -> Result<(), Reply> {
        let held = cookie(&visit.headers, "csrf").map(|cookie| self.state.sealed("csrf", &cookie));
        let sent = form.either("csrf", "csrf");
        if held.is_some() && held == sent { Ok(()) } else { Err(self.expired(visit)) }
    }

    #[expect(clippy::unused_self, reason = "reads as the others at the call")]
    fn expired(&self, visit: &Visit) -> Reply {
        malformed(visit.style, StatusCode::FORBIDDEN, "The form has expired. Open it again.")
    }

    /// What is said to a login, and what that makes of it.
    pub(super) fn log_in(&self, visit: &Visit, attempt: &Attempt, fault: Option<&Fault>) -> (Reply, LoginResult) {
        let style = visit.style.unwrap_or(Style::Form);
        match (fault, attempt.check) {
            (Some(Fault::AcceptAnyPassword), _) => {
                let id = self.begin(visit, attempt, &attempt.user);
                (self.granted(style, &id, false), LoginResult::AcceptedWrong)
            }
            (Some(Fault::LockAccount), _) | (_, Check::Locked) => {
                (self.refused(visit, attempt, StatusCode::FORBIDDEN, pages::LOCKED), LoginResult::Locked)
            }
            (_, Check::Wrong) => {
                (self.refused(visit, attempt, StatusCode::UNAUTHORIZED, pages::REFUSED), LoginResult::Refused)
            }
            (Some(Fault::WrongRedirect(target)), _) => (Reply::see_other(target), LoginResult::Failed),
            (Some(Fault::LostSession), _) => (self.granted(style, &self.state.fresh(), false), LoginResult::Failed),
            (Some(Fault::WrongIdentity), _) => {
                let id = self.begin(visit, attempt, &self.state.somebody_else(&attempt.user));
                (self.granted(style, &id, false), LoginResult::Failed)
            }
            (fault, Check::Right) => {
                let changed = fault == Some(&Fault::PageChanged);
                let id = self.begin(visit, attempt, &attempt.user);
                let result = if changed { LoginResult::Failed } else { LoginResult::Good };
                (self.granted(style, &id, changed), result)
            }
        }
    }

    fn begin(&self, visit: &Visit, attempt: &Attempt, user: &str) -> String {
        let style = visit.style.unwrap_or(Style::Form);
        // A session lives from now: the answer may have been withheld for a while.
        let now = self.start.elapsed();
        self.state.begin(Session::new(user, style, attempt.login, attempt.tickets.clone(), now), now)
    }

    fn granted(&self, style: Style, id: &str, changed: bool) -> Reply {
        if style == Style::Json {
            let member = if changed { "access_token" } else { "token" };
            return Reply::json(StatusCode::OK, &json!({member: id, "token_type": "Bearer", "expires_in": 900}));
        }
        Reply::see_other("/account").with_cookie(self.session_cookie(), id, self.state.secure)
    }

    /// The form again with a notice (status 200, as most sites do it), or `status` and an error from the API.
    fn refused(&self, visit: &Visit, attempt: &Attempt, status: StatusCode, notice: &str) -> Reply {
        let token = cookie(&visit.headers, "csrf").map(|cookie| self.state.sealed("csrf", &cookie));
        let token = token.unwrap_or_default();
        match visit.style {
            Some(Style::Json) => {
                let error = if notice == pages::LOCKED { "account_locked" } else { "invalid_credentials" };
                Reply::json(status, &json!({"error": error, "message": notice}))
            }
            Some(Style::TwoPage) => Reply::page(
                StatusCode::OK,
                pages::two_password(&token, &attempt.user, &FieldNames::USUAL, Some(notice)),
            ),
            _ => Reply::page(StatusCode::OK, pages::form_login(&token, &FieldNames::USUAL, Some(notice))),
        }
    }
}
