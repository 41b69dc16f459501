//! The pages as a visitor sees them. Plain HTML, no script.

use std::fmt::Write;

/// The refusal of a wrong user name or password.
pub(super) const REFUSED: &str = "Wrong user name or password.";
/// The refusal of a locked account.
pub(super) const LOCKED: &str = "This account is locked.";

/// The names of the login fields: as they are, or after the page changed.
pub(super) struct FieldNames {
    pub(super) user: &'static str,
    pub(super) password: &'static str,
}

impl FieldNames {
    pub(super) const USUAL: Self = Self { user: "username", password: "password" };
    pub(super) const CHANGED: Self = Self { user: "user_id", password: "pass_phrase" };

    pub(super) fn of(changed: bool) -> Self {
        if changed { Self::CHANGED } else { Self::USUAL }
    }
}

/// The login page of the form style, with a search form above it that has nothing to do with it.
pub(super) fn form_login(csrf: &str, names: &FieldNames, notice: Option<&str>) -> String {
    let (user, password) = (names.user, names.password);
    let form = format!(
        "<form id=\"login\" method=\"post\" action=\"/form/login\">\n\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n\
         <label>User name <input name=\"{user}\" autocomplete=\"username\"></label>\n\
         <label>Password <input name=\"{password}\" type=\"password\" autocomplete=\"current-password\"></label>\n\
         <label><input type=\"checkbox\" name=\"remember\" value=\"yes\"> Stay signed in</label>\n\
         <button type=\"submit\" name=\"action\" value=\"sign-in\">Sign in</button>\n</form>\n"
    );
    page("Sign in", &format!("{}{}{form}", search(), notice_line(notice)))
}

/// The first page of the two-page style.
pub(super) fn two_name(csrf: &str, names: &FieldNames) -> String {
    let user = names.user;
    let form = format!(
        "<form id=\"name\" method=\"post\" action=\"/two/login\">\n\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n\
         <label>User name <input name=\"{user}\" autocomplete=\"username\"></label>\n\
         <button type=\"submit\">Next</button>\n</form>\n"
    );
    page("Sign in", &format!("{}{form}", search()))
}

/// The second page of the two-page style.
pub(super) fn two_password(csrf: &str, user: &str, names: &FieldNames, notice: Option<&str>) -> String {
    let (user, password) = (escape(user), names.password);
    let form = format!(
        "<p>Welcome, {user}. <a href=\"/two/login\">Not you?</a></p>\n\
         <form id=\"password\" method=\"post\" action=\"/two/password\">\n\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n\
         <label>Password <input name=\"{password}\" type=\"password\" autocomplete=\"current-password\"></label>\n\
         <button type=\"submit\">Sign in</button>\n</form>\n"
    );
    page("Sign in", &format!("{}{form}", notice_line(notice)))
}

/// The who-am-I page.
pub(super) fn account(user: &str, csrf: &str) -> String {
    let user = escape(user);
    let body = format!(
        "<p>Signed in as <strong id=\"user\">{user}</strong></p>\n\
         <form id=\"logout\" method=\"post\" action=\"/logout\">\n\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n\
         <button type=\"submit\">Sign out</button>\n</form>\n"
    );
    page("Your account", &format!("{}{body}", search()))
}

/// The front page.
pub(super) fn home() -> String {
    page(
        "Doorstep sandbox",
        "<p>You are not signed in.</p>\n\
         <p><a href=\"/form/login\">Sign in</a> or <a href=\"/two/login\">sign in step by step</a>.</p>\n",
    )
}

/// A CAPTCHA page, as a firewall in front of a service shows it.
pub(super) fn challenge() -> String {
    page(
        "Just a moment...",
        "<p>Verify that you are human to go on.</p>\n\
         <div class=\"captcha\" data-sitekey=\"sandbox\"></div>\n",
    )
}

/// A page with one sentence.
pub(super) fn message(title: &str, sentence: &str) -> String {
    page(title, &format!("<p>{}</p>\n", escape(sentence)))
}

/// The body of a redirect.
pub(super) fn redirect(target: &str) -> String {
    let target = escape(target);
    page("See other", &format!("<p><a href=\"{target}\">Go on</a></p>\n"))
}

fn search() -> &'static str {
    "<form id=\"search\" action=\"/search\">\n\
     <input name=\"q\" type=\"search\"><button type=\"submit\">Search</button>\n</form>\n"
}

fn notice_line(notice: Option<&str>) -> String {
    notice.map(|notice| format!("<p class=\"notice\" role=\"alert\">{}</p>\n", escape(notice))).unwrap_or_default()
}

fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// Text as HTML, in element and attribute alike.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' => {
                let _never_fails = write!(escaped, "&#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let html = account("<b>\"&'", "token");
        assert!(html.contains("&#60;b&#62;&#34;&#38;&#39;"), "{html}");
        assert!(!html.contains("<b>"), "{html}");
    }

    #[test]
    fn a_changed_page_has_other_field_names() {
        assert!(form_login("t", &FieldNames::USUAL, None).contains("name=\"username\""));
        let changed = form_login("t", &FieldNames::CHANGED, None);
        assert!(!changed.contains("name=\"username\"") && !changed.contains("name=\"password\""), "{changed}");
    }
}
