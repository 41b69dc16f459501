//! A request as it goes on the wire: the form of its target, and the few headers that belong to the exchange.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use url::{Position, Url};

use crate::model::{HttpVersion, LostClass};

use super::proxy::Proxy;
use super::transport::Origin;
use super::{Fault, Request, fault};

/// Builds the message. Headers of the caller that belong to the exchange are replaced.
pub(super) fn build(
    request: &Request,
    origin: &Origin,
    proxy: Option<&Proxy>,
    version: HttpVersion,
) -> Result<http::Request<Full<Bytes>>, Fault> {
    let through_proxy = proxy.filter(|_| !origin.encrypted);
    let uri = target(&request.url, version == HttpVersion::Http2 || through_proxy.is_some())?;
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri;
    let headers = message.headers_mut();
    headers.reserve(request.headers.len() + 3);
    if version != HttpVersion::Http2 {
        // First, as RFC 9110 (section 7.2) advises. HTTP/2 has a field of its own for it.
        headers.insert(HOST, host(&request.url)?);
    }
    for (name, value) in &request.headers {
        if !belongs_to_exchange(name) {
            headers.append(name, value.clone());
        }
    }
    let announces = [Method::POST, Method::PUT, Method::PATCH].contains(&request.method);
    if announces || !request.body.is_empty() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    if let Some(value) = through_proxy.and_then(|proxy| proxy.authorization.as_ref()) {
        headers.insert(PROXY_AUTHORIZATION, value.clone());
    }
    Ok(message)
}

fn belongs_to_exchange(name: &HeaderName) -> bool {
    [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
}

/// The port is there only when it is not the scheme's own; an IPv6 address is in brackets.
fn host(url: &Url) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(|_| unusable())
}

fn target(url: &Url, absolute: bool) -> Result<Uri, Fault> {
    let path = &url[Position::BeforePath..Position::AfterQuery];
    if absolute {
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        format!("{}://{authority}{path}", url.scheme()).parse().map_err(|_| unusable())
    } else {
        path.parse().map_err(|_| unusable())
    }
}

fn unusable() -> Fault {
    fault::lost(LostClass::Internal, "the URL cannot be written as the target of an HTTP request")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn built(method: Method, url: &str, body: &'static str, version: HttpVersion) -> http::Request<Full<Bytes>> {
        let url: Url = url.parse().unwrap();
        let origin = Origin {
            encrypted: url.scheme() == "https",
            host: url.host().unwrap().to_owned(),
            port: url.port_or_known_default().unwrap(),
        };
        let mut headers = http::HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert("x-own", HeaderValue::from_static("kept"));
        let request = Request { method, url, headers, body: Bytes::from_static(body.as_bytes()) };
        build(&request, &origin, None, version).unwrap()
    }

    #[test]
    fn host_names_only_a_port_that_is_not_the_usual_one() {
        let host = |url| built(Method::GET, url, "", HttpVersion::Http11).headers()[HOST].clone();
        assert_eq!(host("http://user:pw@a.example/"), "a.example");
        assert_eq!(host("http://a.example:80/"), "a.example");
        assert_eq!(host("https://a.example:8443/"), "a.example:8443");
        assert_eq!(host("http://[::1]:8080/"), "[::1]:8080");
        assert_eq!(host("http://[::1]/"), "[::1]");
    }

    #[test]
    fn the_target_has_no_fragment_and_no_user() {
        let of = |version| built(Method::GET, "https://u:p@a.example/x?y=1#z", "", version).uri().to_string();
        assert_eq!(of(HttpVersion::Http11), "/x?y=1");
        assert_eq!(of(HttpVersion::Http2), "https://a.example/x?y=1");
    }

    #[test]
    fn length_is_announced_where_a_body_is_expected() {
        let length = |method, body| {
            let message = built(method, "http://a.example/", body, HttpVersion::Http11);
            message.headers().get(CONTENT_LENGTH).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(length(Method::GET, ""), None);
        assert_eq!(length(Method::DELETE, ""), None);
        assert_eq!(length(Method::POST, ""), Some("0".to_owned()));
        assert_eq!(length(Method::PUT, ""), Some("0".to_owned()));
        assert_eq!(length(Method::POST, "a=b"), Some("3".to_owned()));
        assert_eq!(length(Method::DELETE, "a=b"), Some("3".to_owned()));
    }

    #[test]
    fn the_exchange_owns_its_headers() {
        let message = built(Method::GET, "http://a.example/", "", HttpVersion::Http11);
        assert_eq!(message.headers().get(CONNECTION), None);
        assert_eq!(message.headers()["x-own"], "kept");
        assert_eq!(message.headers().len(), 2);
        assert_eq!(built(Method::GET, "https://a.example/", "", HttpVersion::Http2).headers().get(HOST), None);
    }

    proptest! {
        #[test]
        fn every_url_has_a_target(path in "\\PC{0,20}", query in "\\PC{0,20}") {
            let mut url: Url = "http://a.example/".parse().unwrap();
            url.set_path(&path);
            url.set_query(Some(&query));
            prop_assert!(target(&url, false).is_ok(), "{}", url);
            prop_assert!(target(&url, true).is_ok(), "{}", url);
        }
    }
}
