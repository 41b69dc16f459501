//! The headers that a browser would send: a stable name, what it accepts, where it comes from. Pure.

use url::Url;

/// Who we are; stable, so that a firewall can let the probe in by name.
pub(super) const USER_AGENT: &str = concat!("Doorstep/", env!("CARGO_PKG_VERSION"), " (+login probe)");
/// What is accepted when a page is opened.
pub(super) const ACCEPT_PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// What is accepted by a request that sends JSON.
pub(super) const ACCEPT_JSON: &str = "application/json, text/plain, */*";
/// Language.
pub(super) const ACCEPT_LANGUAGE: &str = "en-US,en;q=0.9";
/// What the exchange can decompress.
pub(super) const ACCEPT_ENCODING: &str = "gzip, deflate, br";

/// The `Referer` for a request to `to` made on the page `from`, by the policy that browsers default to
/// (strict-origin-when-cross-origin): the full URL within an origin, the bare origin across, nothing on the way from
/// https to http. User names, passwords and fragments never go along.
pub(super) fn referer(from: &Url, to: &Url) -> Option<String> {
    if !matches!(from.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() == "http") {
        return None;
    }
    if from.origin() != to.origin() {
        return Some(format!("{}/", from.origin().ascii_serialization()));
    }
    Some(without_userinfo(from).to_string())
}

/// The URL without user name, password and fragment.
pub(super) fn without_userinfo(url: &Url) -> Url {
    let mut bare = url.clone();
    bare.set_fragment(None);
    // Only addresses without a host refuse this, and they have no user name either.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_referer_follows_the_default_policy() {
        let cases = [
            ("https://a.test/x?q=1#f", "https://a.test/y", Some("https://a.test/x?q=1")),
            ("https://u:p@a.test/x", "https://a.test/y", Some("https://a.test/x")),
            ("https://a.test/x", "https://b.test/y", Some("https://a.test/")),
            ("https://a.test:8443/x", "https://a.test/y", Some("https://a.test:8443/")),
            ("http://a.test/x", "https://a.test/y", Some("http://a.test/")),
            ("https://a.test/x", "http://a.test/y", None),
        ];
        for (from, to, expected) in cases {
            assert_eq!(referer(&from.parse().unwrap(), &to.parse().unwrap()).as_deref(), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn the_user_agent_is_stable() {
        assert_eq!(USER_AGENT, format!("Doorstep/{} (+login probe)", env!("CARGO_PKG_VERSION")));
    }
}
