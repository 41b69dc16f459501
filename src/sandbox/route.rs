//! From method and path to what a request is for.

use http::Method;

use super::script::{Action, Style};

/// A place of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Home,
    Health,
    /// The target of the form that has nothing to do with logging in.
    Search,
    FormPage,
    FormLogin,
    TwoNamePage,
    TwoName,
    TwoPasswordPage,
    TwoLogin,
    JsonLogin,
    Account,
    Logout,
    Me,
    JsonLogout,
    /// Two places that redirect to each other.
    LoopOut,
    LoopBack,
    NotFound,
    MethodNotAllowed,
}

impl Route {
    pub(super) fn find(method: &Method, path: &str) -> Self {
        let (get, post) = match path {
            "/" => (Some(Self::Home), None),
            "/health" => (Some(Self::Health), None),
            "/search" => (Some(Self::Search), None),
            "/form/login" => (Some(Self::FormPage), Some(Self::FormLogin)),
            "/two/login" => (Some(Self::TwoNamePage), Some(Self::TwoName)),
            "/two/password" => (Some(Self::TwoPasswordPage), Some(Self::TwoLogin)),
            "/api/login" => (None, Some(Self::JsonLogin)),
            "/account" => (Some(Self::Account), None),
            "/logout" => (None, Some(Self::Logout)),
            "/api/me" => (Some(Self::Me), None),
            "/api/logout" => (None, Some(Self::JsonLogout)),
            "/loop/1" => (Some(Self::LoopOut), None),
            "/loop/2" => (Some(Self::LoopBack), None),
            _ => return Self::NotFound,
        };
        let found = if method == Method::GET { get } else { post.filter(|_| method == Method::POST) };
        found.unwrap_or(Self::MethodNotAllowed)
    }

    pub(super) fn action(self) -> Action {
        match self {
            Self::FormPage | Self::TwoNamePage | Self::TwoName | Self::TwoPasswordPage => Action::Page,
            Self::FormLogin | Self::TwoLogin | Self::JsonLogin => Action::Login,
            Self::Account | Self::Me => Action::Session,
            Self::Logout | Self::JsonLogout => Action::Logout,
            Self::Home | Self::Health | Self::Search => Action::Other,
            Self::LoopOut | Self::LoopBack | Self::NotFound | Self::MethodNotAllowed => Action::Other,
        }
    }

    /// Where the path tells; the account page is shared, there the session tells.
    pub(super) fn style(self) -> Option<Style> {
        match self {
            Self::FormPage | Self::FormLogin => Some(Style::Form),
            Self::TwoNamePage | Self::TwoName | Self::TwoPasswordPage | Self::TwoLogin => Some(Style::TwoPage),
            Self::JsonLogin | Self::Me | Self::JsonLogout => Some(Style::Json),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_and_path_decide() {
        assert_eq!(Route::find(&Method::GET, "/form/login"), Route::FormPage);
        assert_eq!(Route::find(&Method::POST, "/form/login"), Route::FormLogin);
        assert_eq!(Route::find(&Method::GET, "/api/login"), Route::MethodNotAllowed);
        assert_eq!(Route::find(&Method::DELETE, "/"), Route::MethodNotAllowed);
        assert_eq!(Route::find(&Method::GET, "/form/login/"), Route::NotFound);
    }
}
