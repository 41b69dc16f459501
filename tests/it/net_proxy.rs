//! Proxies: the form of requests, tunnels, refusals, and that the password stays out of messages.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorstep::model::{Network, Phase};
use doorstep::net::Transport;
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::authority::Authority;
use crate::support::probe::{LIMITS, body, connections, fault, get, get_over, get_within, phases, request};
use crate::support::raw_server::{RawServer, ok, read_request};

/// `user:s3cret` in base64.
const CREDENTIALS: &str = "Basic dXNlcjpzM2NyZXQ=";

/// A proxy that opens a tunnel to `target` whatever is asked for, after `delay`; and what it was asked.
async fn tunnelling(target: SocketAddr, delay: Duration) -> (RawServer, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let proxy = RawServer::start(move |mut client, _| {
        let log = Arc::clone(&log);
        async move {
            let Some(head) = read_request(&mut client).await else { return };
            log.lock().unwrap().push(head);
            tokio::time::sleep(delay).await;
            client.write_all(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    })
    .await;
    (proxy, asked)
}

fn through(proxy: &RawServer, login: &str) -> Network {
    Network { proxy: Some(format!("http://{login}{}", proxy.address).parse().unwrap()), ..Network::default() }
}

#[tokio::test]
async fn plain_requests_go_to_the_proxy_in_absolute_form() {
    let proxy = RawServer::start(|mut stream, _| async move {
        while let Some(request) = read_request(&mut stream).await {
            let _ = stream.write_all(ok(&request).as_bytes()).await;
        }
    })
    .await;
    let mut run = connections(&through(&proxy, "user:s3cret@"));
    let exchange = get_over(&mut run, "http://login.example:8080/x?y=1").await;
    assert_eq!(
        body(&exchange),
        format!(
            "GET http://login.example:8080/x?y=1 HTTP/1.1\r\nhost: login.example:8080\r\n\
             proxy-authorization: {CREDENTIALS}\r\n\r\n"
        )
    );
    // The proxy's address is a literal, and the proxy resolves the name.
    assert_eq!(phases(&exchange), "connect send wait receive");
    assert_eq!(exchange.address, Some(proxy.address.ip()));
    assert!(get_over(&mut run, "http://login.example:8080/").await.reused);
}

#[tokio::test]
async fn encrypted_requests_go_through_a_tunnel_that_is_part_of_connecting() {
    let authority = Authority::new();
    let acceptor = authority.server(&["login.example"], &["http/1.1"]);
    let server = RawServer::start(move |tcp, _| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(tcp).await.unwrap();
            while let Some(request) = read_request(&mut stream).await {
                stream.write_all(ok(&request).as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        }
    })
    .await;
    let (proxy, asked) = tunnelling(server.address, Duration::from_millis(150)).await;
    let network = Network {
        certificate_authorities: vec![authority.file()],
        only_these_authorities: true,
        ..through(&proxy, "user:s3cret@")
    };
    let exchange = get(&network, "https://login.example/secure").await;
    assert_eq!(body(&exchange), "GET /secure HTTP/1.1\r\nhost: login.example\r\n\r\n");
    assert_eq!(phases(&exchange), "connect tls send wait receive");
    assert!(exchange.phases.get(Phase::Connect).unwrap().micros.0 >= 150_000);
    assert!(exchange.phases.get(Phase::Tls).unwrap().micros.0 < 150_000);
    let wanted = format!(
        "CONNECT login.example:443 HTTP/1.1\r\nHost: login.example:443\r\nProxy-Authorization: {CREDENTIALS}\r\n\r\n"
    );
    assert_eq!(*asked.lock().unwrap(), [wanted]);
}

#[tokio::test]
async fn refusals_name_the_proxy_and_not_its_password() {
    let cases = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "407 Proxy Authentication Required",
        ),
        ("HTTP/1.1 502 No\r\n\r\n", "502 Bad Gateway"),
        ("HTTP/1.1 403 \r\n\r\n", "403 Forbidden"),
        ("nonsense\r\n\r\n", "did not answer CONNECT in HTTP"),
        ("", "it closed the connection without an answer"),
    ];
    for (answer, words) in cases {
        let proxy = RawServer::answering_once(answer).await;
        let exchange = get(&through(&proxy, "user:s3cret@"), "https://login.example/").await;
        let (verdict, phase, message) = fault(&exchange);
        assert_eq!((verdict.as_str(), phase), ("bad(connect)", Some(Phase::Connect)), "{message}");
        assert_eq!(phases(&exchange), "connect!");
        assert!(message.contains(words) && message.contains(&proxy.address.to_string()), "{message}");
        assert!(!message.contains("s3cret") && !message.contains("dXNlcj"), "{message}");
    }
    let proxy = RawServer::answering(cases[0].0).await;
    let (verdict, phase, message) = fault(&get(&through(&proxy, "user:s3cret@"), "http://login.example/").await);
    assert_eq!((verdict.as_str(), phase), ("bad(connect)", Some(Phase::Connect)));
    assert!(message.contains("407") && !message.contains("s3cret"), "{message}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_says_nothing() {
    let gone = RawServer::answering_once("").await;
    let network = through(&gone, "user:s3cret@");
    drop(gone);
    // The server's task ends at its next await.
    tokio::task::yield_now().await;
    let (verdict, phase, message) = fault(&get(&network, "https://login.example/").await);
    assert_eq!((verdict.as_str(), phase), ("bad(connect)", Some(Phase::Connect)));
    assert!(message.starts_with("cannot connect to proxy http://127.0.0.1:"), "{message}");
    assert!(!message.contains("s3cret"));

    let silent = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let exchange = get_within(&through(&silent, ""), "https://login.example/", Duration::from_millis(150)).await;
    assert_eq!((fault(&exchange).0.as_str(), phases(&exchange).as_str()), ("bad(timeout)", "connect!"));

    let endless = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        crate::support::raw_server::write_forever(&mut stream, b"x: y\r\n").await;
    })
    .await;
    let (verdict, _, message) = fault(&get(&through(&endless, ""), "https://login.example/").await);
    assert_eq!(verdict, "bad(connect)");
    assert!(message.contains("endless head"), "{message}");
}

#[tokio::test]
async fn some_hosts_bypass_the_proxy_and_private_ones_are_still_refused() {
    let server = RawServer::answering(ok("direct")).await;
    let proxy = RawServer::answering(ok("by proxy")).await;
    let with = |rules: &[&str]| Network {
        no_proxy: rules.iter().map(|&rule| rule.to_owned()).collect(),
        ..through(&proxy, "")
    };
    assert_eq!(body(&get(&with(&["127.0.0.1"]), &server.url("/")).await), "direct");
    assert_eq!(body(&get(&with(&["other.example"]), &server.url("/")).await), "by proxy");

    let transport = Transport::new(&with(&[]), false).unwrap();
    for (url, wanted) in [
        (server.url("/"), Some("lost(refused_by_policy)")),
        ("http://localhost/".to_owned(), Some("lost(refused_by_policy)")),
        ("http://public.example/".to_owned(), None),
    ] {
        let deadline = Instant::now() + Duration::from_secs(5);
        let exchange = transport.connections().exchange(request(Method::GET, &url, ""), &LIMITS, deadline).await;
        let verdict = exchange.outcome.as_ref().err().map(|fault| fault.verdict.to_string());
        assert_eq!(verdict.as_deref(), wanted, "{url}");
    }
}
