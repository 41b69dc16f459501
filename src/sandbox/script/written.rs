//! A script as it is written, before anything is checked. Unknown keys are mistakes.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Credentials, Style};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) seed: Option<u64>,
    pub(super) users: Option<Spanned<Vec<WrittenUser>>>,
    #[serde(default)]
    pub(super) rules: Vec<Spanned<WrittenRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenUser {
    pub(super) name: Spanned<String>,
    pub(super) password: String,
    #[serde(default)]
    pub(super) locked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRule {
    pub(super) from: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    #[serde(rename = "match")]
    pub(super) scope: Option<WrittenScope>,
    pub(super) share: Option<Spanned<f64>>,
    pub(super) exactly: Option<Spanned<String>>,
    pub(super) first: Option<Spanned<u64>>,
    pub(super) fault: WrittenFault,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenScope {
    pub(super) style: Option<Style>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) action: Option<Spanned<WrittenAction>>,
    pub(super) user: Option<String>,
    pub(super) credentials: Option<Credentials>,
    pub(super) client: Option<Spanned<String>>,
    pub(super) header: Option<WrittenHeader>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenAction {
    Any,
    Page,
    Login,
    Session,
    Logout,
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenHeader {
    pub(super) name: Spanned<String>,
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenFault {
    Refuse,
    ResetOnAccept,
    Status(WrittenStatus),
    Hang(Spanned<String>),
    Slow(WrittenSlow),
    Reset,
    WrongRedirect(Spanned<String>),
    RedirectLoop,
    LostSession,
    PageChanged,
    AcceptAnyPassword,
    WrongIdentity,
    LogoutIneffective,
    Challenge,
    LockAccount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStatus {
    pub(super) code: Spanned<u16>,
    pub(super) retry_after: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSlow {
    pub(super) tls: Option<Spanned<String>>,
    pub(super) wait: Option<Spanned<String>>,
    pub(super) receive: Option<Spanned<String>>,
}
