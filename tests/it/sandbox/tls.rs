//! HTTPS with the sandbox's own authority, HTTP/1.1 and HTTP/2, and a delay in the handshake.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorstep::sandbox::{LoginResult, Options, Sandbox, Script};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::visitor::until;

async fn sandbox(script: &str) -> Sandbox {
    let script = Script::parse(script).expect("a good script");
    Sandbox::start(script, Options { tls: true, ..Options::default() }).await.expect("a sandbox")
}

/// A session that trusts the sandbox's authority alone, and how long the handshake took.
async fn connect(sandbox: &Sandbox, protocol: &[u8]) -> (TlsStream<TcpStream>, Duration) {
    let authority = CertificateDer::from_pem_slice(sandbox.ca_pem().expect("an authority").as_bytes()).expect("PEM");
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(sandbox.address()).await.expect("a connection");
    let start = Instant::now();
    let name = ServerName::from(sandbox.address().ip());
    let session = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a trusted session");
    (session, start.elapsed())
}

fn login_request(sandbox: &Sandbox) -> http::Request<Full<Bytes>> {
    let body = r#"{"username": "probe", "password": "probe-Passw0rd!"}"#;
    http::Request::post(format!("{}/api/login", sandbox.base_url())).body(Full::from(body)).expect("a request")
}

#[tokio::test]
async fn http2_is_agreed_on_and_speaks_the_api() {
    let sandbox = sandbox("").await;
    assert!(sandbox.base_url().starts_with("https://127.0.0.1:"));
    let (session, _) = connect(&sandbox, b"h2").await;
    assert_eq!(session.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(session)).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(login_request(&sandbox)).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let login: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let me = http::Request::get(format!("{}/api/me", sandbox.base_url()))
        .header("authorization", format!("Bearer {}", login["token"].as_str().expect("a token")))
        .body(Full::default())
        .expect("a request");
    let answer = sender.send_request(me).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(&body[..], br#"{"username":"probe"}"#);
    drop(sender);
    driver.await.expect("no panic").expect("an orderly end");
}

#[tokio::test]
async fn a_hang_and_a_reset_work_over_http2() {
    let sandbox = sandbox("rules:\n- {exactly: 1 of 2, fault: reset}\n- {fault: {hang: forever}}\n").await;
    for _ in 0..2 {
        let (session, _) = connect(&sandbox, b"h2").await;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(session)).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        tokio::select! {
            answer = sender.send_request(login_request(&sandbox)) => {
                // The cut may come before the head was read.
                if let Ok(answer) = answer {
                    assert!(answer.into_body().collect().await.is_err(), "cut in the middle");
                }
            }
            () = until("the login hangs", || sandbox.truth().iter().any(|login| login.fault == Some("hang"))) => {}
        }
        driver.abort();
    }
    let (truth, requests) = sandbox.stop().await;
    let mut results: Vec<_> = truth.iter().map(|login| (login.fault, login.result, login.completed)).collect();
    results.sort_by_key(|(fault, ..)| *fault);
    assert_eq!(results, [(Some("hang"), LoginResult::Hung, false), (Some("reset"), LoginResult::Failed, false)]);
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn cookies_are_secure_and_of_the_host_alone() {
    let sandbox = sandbox("").await;
    let (session, _) = connect(&sandbox, b"http/1.1").await;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(session)).await.expect("HTTP/1.1");
    let driver = tokio::spawn(connection);
    let ask = |method: &str, cookie: &str, body: String| {
        http::Request::builder()
            .method(method)
            .uri("/form/login")
            .header("host", "localhost")
            .header("cookie", cookie)
            .body(Full::<Bytes>::from(body))
            .expect("a request")
    };
    let page = sender.send_request(ask("GET", "", String::new())).await.expect("a page");
    let cookie = page.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("csrf=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let page = String::from_utf8(page.into_body().collect().await.expect("a body").to_bytes().to_vec()).expect("text");
    let token = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    let held = cookie.split(';').next().expect("a pair");
    let body = format!("csrf={token}&username=probe&password=probe-Passw0rd%21");
    let granted = sender.send_request(ask("POST", held, body)).await.expect("an answer");
    assert_eq!(granted.status().as_u16(), 303);
    let cookie = granted.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("__Host-session=") && cookie.ends_with("; Secure"), "{cookie}");
    driver.abort();
}

#[tokio::test]
async fn the_handshake_is_late() {
    let sandbox = sandbox("rules: [{exactly: 1 of 2, fault: {slow: {tls: 400ms}}}]").await;
    let mut handshakes = [connect(&sandbox, b"h2").await.1, connect(&sandbox, b"h2").await.1];
    handshakes.sort();
    let delay = Duration::from_millis(400);
    assert!(handshakes[0] < delay && handshakes[1] >= delay, "{handshakes:?}");
}
