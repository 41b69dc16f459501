//! What a redirect means, by the Fetch standard and RFC 9110 section 15.4: which address, which method, and whether
//! the body goes along. Pure; sends nothing.

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// What an answer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: this is the final answer.
    Stay,
    /// Another request.
    Go {
        /// Its method.
        method: Method,
        /// Its URL; the old fragment goes along unless the new address has its own.
        url: Url,
        /// Whether the body is sent again.
        keep_body: bool,
    },
    /// Something that must not be followed, and why.
    Refuse(String),
}

/// The address that an answer's `Location` names, if it is a redirect.
pub(super) fn location(url: &Url, headers: &HeaderMap) -> Result<Option<Url>, String> {
    let mut values = headers.get_all(header::LOCATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err("the answer has several different Location headers".to_owned());
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    url.join(text.trim()).map(Some).map_err(|error| format!("the Location '{text}' is no address: {error}"))
}

/// Whether a status is one of the five redirects that browsers follow.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// What the answer to `method` `url` asks for. `secret_body`: the request's body carries the password.
pub(super) fn next(method: &Method, url: &Url, status: StatusCode, headers: &HeaderMap, secret_body: bool) -> Next {
    if !is_redirect(status) {
        return Next::Stay;
    }
    let mut target = match location(url, headers) {
        Ok(Some(target)) => target,
        Ok(None) => return Next::Refuse(format!("status {status} without a Location")),
        Err(reason) => return Next::Refuse(reason),
    };
    if !matches!(target.scheme(), "http" | "https") || target.host_str().is_none_or(str::is_empty) {
        return Next::Refuse(format!("a redirect to '{target}', which is no web address"));
    }
    let keep_body = match status.as_u16() {
        303 => matches!(*method, Method::GET | Method::HEAD),
        301 | 302 => *method != Method::POST,
        _ => true,
    };
    if keep_body && secret_body && url.scheme() == "https" && target.scheme() == "http" {
        return Next::Refuse("a redirect that would send the password from https over plain http".to_owned());
    }
    if target.fragment().is_none() {
        target.set_fragment(url.fragment());
    }
    let method = if keep_body { method.clone() } else { Method::GET };
    Next::Go { method, url: target, keep_body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(method: &str, from: &str, status: u16, location: &str) -> Next {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        let method = method.parse().unwrap();
        next(&method, &from.parse().unwrap(), StatusCode::from_u16(status).unwrap(), &headers, true)
    }

    #[test]
    fn method_and_body_follow_the_status() {
        let cases = [
            (301, "POST", "GET", false),
            (302, "POST", "GET", false),
            (303, "POST", "GET", false),
            (307, "POST", "POST", true),
            (308, "POST", "POST", true),
            (301, "PUT", "PUT", true),
            (302, "DELETE", "DELETE", true),
            (303, "PUT", "GET", false),
            (303, "HEAD", "HEAD", true),
            (302, "GET", "GET", true),
        ];
        for (status, sent, then, body) in cases {
            match go(sent, "http://a.test/x", status, "/y") {
                Next::Go { method, url, keep_body } => {
                    assert_eq!((method.as_str(), keep_body), (then, body), "{status} {sent}");
                    assert_eq!(url.as_str(), "http://a.test/y");
                }
                other => panic!("{status} {sent}: {other:?}"),
            }
        }
    }

    #[test]
    fn addresses_are_resolved_as_browsers_do() {
        let cases = [
            ("http://a.test/d/x?q", "y", "http://a.test/d/y"),
            ("http://a.test/d/x?q", "?z", "http://a.test/d/x?z"),
            ("http://a.test/d/x", "//b.test/y", "http://b.test/y"),
            ("https://a.test/x#f", "/y", "https://a.test/y#f"),
            ("https://a.test/x#f", "/y#g", "https://a.test/y#g"),
            ("http://a.test:81/", "http://a.test:82/", "http://a.test:82/"),
            ("http://a.test/", " /y ", "http://a.test/y"),
            ("http://a.test/", "/a b", "http://a.test/a%20b"),
        ];
        for (from, location, expected) in cases {
            match go("GET", from, 302, location) {
                Next::Go { url, .. } => assert_eq!(url.as_str(), expected, "{location}"),
                other => panic!("{location}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_must_not_be_followed_is_refused() {
        for location in
            ["file:///etc/passwd", "javascript:alert(1)", "ftp://a.test/", "http://", "http://a.test:99999/"]
        {
            assert!(matches!(go("GET", "http://a.test/", 302, location), Next::Refuse(_)), "{location}");
        }
        let none = next(&Method::GET, &"http://a.test/".parse().unwrap(), StatusCode::FOUND, &HeaderMap::new(), false);
        assert!(matches!(none, Next::Refuse(_)));
        assert!(matches!(go("POST", "https://a.test/", 307, "http://a.test/"), Next::Refuse(_)));
        assert!(matches!(go("POST", "https://a.test/", 302, "http://a.test/"), Next::Go { .. }));
        for status in [200, 300, 304, 401] {
            assert_eq!(go("GET", "http://a.test/", status, "/y"), Next::Stay);
        }
        let mut two = HeaderMap::new();
        two.append(header::LOCATION, "/a".parse().unwrap());
        two.append(header::LOCATION, "/b".parse().unwrap());
        let refused = next(&Method::GET, &"http://a.test/".parse().unwrap(), StatusCode::FOUND, &two, false);
        assert!(matches!(refused, Next::Refuse(_)));
    }
}
