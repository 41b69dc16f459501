//! An answer before it goes onto the wire.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderName, Response, StatusCode};
use serde_json::{Value, json};

use super::pages;
use super::script::{Fault, Style};

/// Status, headers and a body that is never empty: a delay in its delivery must have something to deliver.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: String,
}

impl Reply {
    pub(super) fn page(status: StatusCode, html: String) -> Self {
        Self { status, headers: vec![(CONTENT_TYPE, "text/html; charset=utf-8".into())], body: html }
    }

    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        let headers = vec![(CONTENT_TYPE, "text/plain; charset=utf-8".into())];
        Self { status, headers, body: format!("{text}\n") }
    }

    pub(super) fn json(status: StatusCode, document: &Value) -> Self {
        Self { status, headers: vec![(CONTENT_TYPE, "application/json".into())], body: document.to_string() }
    }

    /// 303, as after a form.
    pub(super) fn see_other(target: &str) -> Self {
        Self::redirect(StatusCode::SEE_OTHER, target)
    }

    pub(super) fn redirect(status: StatusCode, target: &str) -> Self {
        Self::page(status, pages::redirect(target)).with(LOCATION, target.to_owned())
    }

    pub(super) fn unauthorized() -> Self {
        let refusal = json!({"error": "unauthorized", "message": "No valid token."});
        Self::json(StatusCode::UNAUTHORIZED, &refusal).with(WWW_AUTHENTICATE, "Bearer".into())
    }

    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets a cookie for the whole site that scripts cannot read.
    pub(super) fn with_cookie(self, name: &str, value: &str, secure: bool) -> Self {
        let secure = if secure { "; Secure" } else { "" };
        self.with(SET_COOKIE, format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}"))
    }

    /// Takes a cookie away.
    pub(super) fn without_cookie(self, name: &str, secure: bool) -> Self {
        let secure = if secure { "; Secure" } else { "" };
        self.with(SET_COOKIE, format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"))
    }

    /// The answer of a fault that replaces whatever the service would have said; `None` for other faults.
    pub(super) fn of_fault(fault: &Fault, style: Option<Style>) -> Option<Self> {
        match fault {
            Fault::Status { code, retry_after } => {
                let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let reason = status.canonical_reason().unwrap_or("Error");
                let reply = if style == Some(Style::Json) {
                    Self::json(status, &json!({"error": reason}))
                } else {
                    Self::page(status, pages::message(reason, "The service cannot answer this request."))
                };
                Some(match retry_after {
                    Some(after) => reply.with(RETRY_AFTER, after.as_secs().to_string()),
                    None => reply,
                })
            }
            Fault::Challenge => Some(Self::page(StatusCode::FORBIDDEN, pages::challenge())),
            Fault::RedirectLoop => Some(Self::redirect(StatusCode::FOUND, "/loop/1")),
            _ => None,
        }
    }

    /// The head for `body`, and the body's text.
    pub(super) fn into_parts(self) -> (http::response::Builder, String) {
        let builder = Response::builder().status(self.status).header(CACHE_CONTROL, "no-store");
        let builder = self.headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
        (builder, self.body)
    }
}
