//! Tells what must not be shown: names that announce secrets, values that look like tokens, and addresses with both.
//! What is recognised here is hidden where it stands and learned by the run's [`Redactor`], which then finds it in
//! every other text and encoding.

use percent_encoding::percent_decode_str;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::model::Redactor;

/// What stands in for a hidden value.
pub(super) const HIDDEN: &str = "***";
/// How many values a run learns at most; more is a hostile service, whose values then stay hidden by place and look.
const MOST_LEARNED: usize = 4_000;
/// The shortest value that is taken for a token by its look alone.
const SHORTEST_TOKEN: usize = 16;
/// The shortest value that is learned by its place: shorter ones would blank out ordinary words.
const SHORTEST_LEARNED: usize = 8;

/// The secrets of one run.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets {
    redactor: Redactor,
    public: Vec<String>,
    learned: usize,
}

impl Secrets {
    /// Names a value that is no secret (the user name, a plain variable), even where it turns up in a cookie.
    pub(super) fn allow(&mut self, value: &str) {
        self.public.push(value.to_owned());
    }

    /// Learns a value that is secret whatever it looks like.
    pub(super) fn learn(&mut self, value: &str) {
        self.redactor.learn(value);
        let decoded = percent_decode_str(value).decode_utf8_lossy();
        if decoded != value {
            self.redactor.learn(&decoded);
        }
    }

    /// Learns a value that came from a place where secrets are (a cookie, a hidden field, a token in JSON).
    pub(super) fn learn_found(&mut self, value: &str) {
        let public = self.public.iter().any(|known| known == value);
        if value.len() >= SHORTEST_LEARNED && !public && self.learned < MOST_LEARNED {
            self.learned += 1;
            self.learn(value);
        }
    }

    /// Learns what an address gives away.
    pub(super) fn learn_url(&mut self, url: &Url) {
        for value in secrets_of_url(url) {
            // A word like `expired` is no secret; hiding it in the address is enough.
            if looks_like_token(&value) || value.chars().any(|c| !c.is_ascii_lowercase()) {
                self.learn_found(&value);
            }
        }
    }

    /// Learns the tokens of a JSON answer.
    pub(super) fn learn_json(&mut self, json: &serde_json::Value) {
        match json {
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.learn_json(item)),
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        serde_json::Value::String(text) if is_secret_name(name) || looks_like_token(text) => {
                            self.learn_found(text);
                        }
                        _ => self.learn_json(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// The text without secrets, on one line, no longer than `longest` characters.
    pub(super) fn hide(&self, text: &str, longest: usize) -> String {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let shown = self.redactor.hide(&line);
        if shown.chars().count() <= longest {
            return shown;
        }
        let mut clipped: String = shown.chars().take(longest.saturating_sub(1)).collect();
        clipped.push('…');
        clipped
    }
}

/// Whether a field, parameter, header or member of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 19] = [
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "csrf",
        "xsrf",
        "nonce",
        "session",
        "ticket",
        "saml",
        "relaystate",
        "assertion",
        "credential",
        "otp",
        "apikey",
        "jwt",
        "authorization",
        "verifier",
    ];
    const WHOLE: [&str; 10] = ["code", "state", "sid", "sig", "signature", "key", "auth", "pass", "pin", "jsessionid"];
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase();
    WHOLE.contains(&plain.as_str()) || PARTS.iter().any(|part| plain.contains(part))
}

/// Whether a value looks random: long, in one piece, and of the mixed letters and digits that no word has.
pub(super) fn looks_like_token(value: &str) -> bool {
    let in_one_piece = value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=' | '%' | ':' | '|'));
    if value.len() < SHORTEST_TOKEN || !in_one_piece || value.starts_with('/') || value.contains("://") {
        return false;
    }
    let letters = value.chars().filter(char::is_ascii_alphabetic).count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if letters < 3 {
        // A moment in time or a long number: only a number is a token.
        return digits >= SHORTEST_TOKEN && !value.contains(':');
    }
    let cases_mixed =
        value.chars().any(|c| c.is_ascii_lowercase()) && value.chars().filter(char::is_ascii_uppercase).count() >= 3;
    let mut distinct: Vec<char> = value.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    (digits >= 2 || cases_mixed) && distinct.len() >= 6
}

/// The text with every word hidden that looks like a token.
pub(super) fn mask_words(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '%');
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\n')) {
        if is_word(c) {
            word.push(c);
            continue;
        }
        if word.contains('/') {
            let pieces = word.split('/').map(|piece| if looks_like_token(piece) { HIDDEN } else { piece });
            let whole_is_path = word.starts_with('/') || word.contains("//");
            let masked = if !whole_is_path && looks_like_token(&word) {
                HIDDEN.to_owned()
            } else {
                pieces.collect::<Vec<_>>().join("/")
            };
            shown.push_str(&masked);
        } else {
            shown.push_str(if looks_like_token(&word) { HIDDEN } else { &word });
        }
        word.clear();
        shown.push(c);
    }
    shown.pop();
    shown
}

/// The address with its secrets hidden in place: user name and password, path segments that look like tokens, and
/// parameters of query and fragment that do or whose name says so; also in addresses that are parameters.
pub(super) fn show_url(url: &Url) -> String {
    let mut shown = format!("{}://", url.scheme());
    if !url.username().is_empty() || url.password().is_some() {
        shown.push_str("***@");
    }
    shown.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    let segment = |piece: &str| if is_token_text(piece) { HIDDEN.to_owned() } else { piece.to_owned() };
    shown.push_str(&url.path().split('/').map(segment).collect::<Vec<_>>().join("/"));
    for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
        if let Some(part) = part {
            shown.push(mark);
            shown.push_str(&show_parameters(part, 0));
        }
    }
    shown
}

fn is_token_text(encoded: &str) -> bool {
    looks_like_token(encoded) || looks_like_token(&percent_decode_str(encoded).decode_utf8_lossy())
}

fn show_parameters(query: &str, depth: u8) -> String {
    let shown = query.split('&').map(|pair| {
        let Some((name, value)) = pair.split_once('=') else {
            return if is_token_text(pair) { HIDDEN.to_owned() } else { pair.to_owned() };
        };
        let decoded = decode_parameter(value);
        if !value.is_empty() && (is_secret_name(&decode_parameter(name)) || looks_like_token(&decoded)) {
            return format!("{name}={HIDDEN}");
        }
        match decoded.split_once(['?', '#']).filter(|_| depth < 3) {
            Some((front, inner)) => {
                let masked = show_parameters(inner, depth + 1);
                if masked == inner {
                    return pair.to_owned();
                }
                let mark = &decoded[front.len()..=front.len()];
                format!("{name}={}", byte_serialize(format!("{front}{mark}{masked}").as_bytes()).collect::<String>())
            }
            None => pair.to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join("&")
}

fn decode_parameter(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The values that [`show_url`] hides.
fn secrets_of_url(url: &Url) -> Vec<String> {
    let mut found: Vec<String> =
        url.path().split('/').filter(|piece| is_token_text(piece)).map(str::to_owned).collect();
    found.extend(url.password().map(decode_parameter));
    for part in [url.query(), url.fragment()].into_iter().flatten() {
        found.extend(secrets_of_parameters(part, 0));
    }
    found
}

fn secrets_of_parameters(query: &str, depth: u8) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if is_secret_name(&name) || looks_like_token(&value) {
            found.push(value.into_owned());
        } else if let Some((_, inner)) = value.split_once(['?', '#']).filter(|_| depth < 3) {
            found.extend(secrets_of_parameters(inner, depth + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_words() {
        for token in [
            "2HrcypWJJaicJLw16Y0p1UCeX8YjSIzn0HDwXG1ql4A",
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwcm9iZSJ9.c2ln",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "0123456789012345",
            "d41d8cd98f00b204e9800998ecf8427e",
        ] {
            assert!(looks_like_token(token), "{token}");
        }
        for word in [
            "",
            "probe",
            "short1A2b3C",
            "internationalization",
            "text/html; charset=utf-8",
            "http://a.test/x1y2z3aaaa",
            "/accounts/2fa/authenticate/",
            "2026-11-23T10:00:00Z",
            "very-long-parameter-name",
            "aaaaaaaaaaaaaaaa11",
        ] {
            assert!(!looks_like_token(word), "{word}");
        }
    }

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "password",
            "csrfmiddlewaretoken",
            "code",
            "state",
            "id_token",
            "SAMLResponse",
            "RelayState",
            "_wpnonce",
            "session_state",
            "ticket",
            "sid",
            "X-Session-Token",
            "code_verifier",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["username", "next", "redirect_uri", "scope", "country_code", "statement", "side", "lang"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let cases = [
            ("http://a.test/login?next=/x", "http://a.test/login?next=/x"),
            ("http://u:p@a.test:81/", "http://***@a.test:81/"),
            ("http://a.test/cb?code=abc&state=x&iss=y", "http://a.test/cb?code=***&state=***&iss=y"),
            ("http://a.test/interaction/2HrcypWJJaicJLw16Y0p1UCeX8Y/user", "http://a.test/interaction/***/user"),
            ("http://a.test/#access_token=abc&x=1", "http://a.test/#access_token=***&x=1"),
            (
                "http://a.test/?to=http%3A%2F%2Fb.test%2F%3Fticket%3DST-1",
                "http://a.test/?to=http%3A%2F%2Fb.test%2F%3Fticket%3D***",
            ),
            ("http://a.test/?d41d8cd98f00b204e9800998ecf8427e", "http://a.test/?***"),
        ];
        for (url, expected) in cases {
            assert_eq!(show_url(&url.parse().unwrap()).replace("%2A", "*"), expected, "{url}");
        }
    }

    #[test]
    fn what_an_address_hides_is_learned() {
        let mut secrets = Secrets::default();
        secrets.allow("probe-user1");
        secrets.learn_url(
            &"http://a.test/?code=A1b2C3d4&state=expired&u=http%3A%2F%2Fb%2F%3Ftoken%3DTTTT5555".parse().unwrap(),
        );
        secrets.learn_found("probe-user1");
        assert_eq!(secrets.hide("A1b2C3d4 expired TTTT5555 probe-user1", 300), "*** expired *** probe-user1");
    }

    #[test]
    fn tokens_of_json_are_learned() {
        let mut secrets = Secrets::default();
        secrets.learn_json(&serde_json::json!({"meta": {"access_token": "opaque-one"}, "list": [{"x": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}], "name": "probe probe"}));
        let shown = secrets.hide("opaque-one 3f2504e0-4f89-11d3-9a0c-0305e82c3301 probe probe", 300);
        assert_eq!(shown, "*** *** probe probe");
    }

    #[test]
    fn lines_are_clipped_after_hiding() {
        let mut secrets = Secrets::default();
        secrets.learn("p4ssw0rd-long");
        let shown = secrets.hide(&format!("{}\np4ssw0rd-long and more", "x".repeat(10)), 16);
        assert_eq!(shown, "xxxxxxxxxx *** …");
    }

    #[test]
    fn token_words_are_masked_in_running_text() {
        let text = "session 3f2504e0-4f89-11d3-9a0c-0305e82c3301 of /accounts/2fa/ at 2026-11-23T10:00:00Z, key=d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(mask_words(text), "session *** of /accounts/2fa/ at 2026-11-23T10:00:00Z, key=***");
    }
}
