//! TLS: whom a flow trusts, what it shows, which HTTP version comes of it, and what it says when nothing does.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use doorstep::model::{ClientIdentity, HttpVersion, Network, Phase};
use doorstep::net::{SetupError, Transport};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::date_time_ymd;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::support::authority::Authority;
use crate::support::probe::{body, connections, fault, get, get_over, phases, request, send_over};
use crate::support::raw_server::{RawServer, ok, read_request};

/// Trusts this authority alone.
fn trusting(authority: &Authority) -> Network {
    Network { certificate_authorities: vec![authority.file()], only_these_authorities: true, ..Network::default() }
}

fn https(server: &RawServer) -> String {
    format!("https://localhost:{}/", server.address.port())
}

async fn serve_http1(acceptor: TlsAcceptor, tcp: TcpStream) {
    let Ok(mut stream) = acceptor.accept(tcp).await else { return };
    while read_request(&mut stream).await.is_some() {
        let _ = stream.write_all(ok("over tls").as_bytes()).await;
        let _ = stream.flush().await;
    }
}

/// An HTTP/2 server that answers with what it got: method, authority, path, body.
async fn serve_http2(acceptor: TlsAcceptor, tcp: TcpStream) {
    let Ok(stream) = acceptor.accept(tcp).await else { return };
    let echo = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
        let seen = format!("{} {} host={:?} ", request.method(), request.uri(), request.headers().get("host"));
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let text = [seen.as_bytes(), &body].concat();
        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(text))))
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), echo)
        .await;
}

async fn server_of(acceptor: TlsAcceptor) -> RawServer {
    RawServer::start(move |tcp, _| serve_http1(acceptor.clone(), tcp)).await
}

#[tokio::test]
async fn http2_by_agreement_and_http1_otherwise() {
    let authority = Authority::new();
    let acceptor = authority.server(&["localhost"], &["h2", "http/1.1"]);
    let server = RawServer::start(move |tcp, _| serve_http2(acceptor.clone(), tcp)).await;
    let mut run = connections(&trusting(&authority));
    let exchange = send_over(&mut run, request(http::Method::POST, &https(&server), "a=b")).await;
    assert_eq!(body(&exchange), format!("POST {} host=None a=b", https(&server)));
    assert_eq!(exchange.version, Some(HttpVersion::Http2));
    assert_eq!(phases(&exchange), "dns connect tls send wait receive");
    let again = get_over(&mut run, &https(&server)).await;
    assert_eq!((again.reused, phases(&again).as_str()), (true, "send wait receive"));
    assert_eq!(server.accepted(), 1);

    let server = server_of(authority.server(&["localhost"], &["h2", "http/1.1"])).await;
    let network = Network { http1_only: true, ..trusting(&authority) };
    let exchange = get(&network, &https(&server)).await;
    assert_eq!(body(&exchange), "over tls");
    assert_eq!(exchange.version, Some(HttpVersion::Http11));
}

#[tokio::test]
async fn bad_certificates_are_told_apart() {
    let authority = Authority::new();
    let network = trusting(&authority);
    let of = |acceptor: TlsAcceptor| {
        let network = network.clone();
        async move {
            let server = server_of(acceptor).await;
            let exchange = get(&network, &https(&server)).await;
            assert_eq!(phases(&exchange), "dns connect tls!");
            assert_eq!(exchange.address, Some(server.address.ip()));
            let (verdict, phase, message) = fault(&exchange);
            assert_eq!((verdict.as_str(), phase), ("bad(tls)", Some(Phase::Tls)));
            message
        }
    };
    let expired = authority.server_with(
        &["localhost"],
        &[],
        |params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 2);
        },
        false,
    );
    assert_eq!(of(expired).await, "the server's certificate expired at 2020-01-02T00:00:00Z");
    let early =
        authority.server_with(&["localhost"], &[], |params| params.not_before = date_time_ymd(3000, 1, 1), false);
    assert_eq!(of(early).await, "the server's certificate is not valid before 3000-01-01T00:00:00Z");
    let other_name = authority.server(&["other.example"], &[]);
    assert_eq!(of(other_name).await, "the server's certificate is for other.example, not for localhost");
    let stranger = Authority::new().server(&["localhost"], &[]);
    let message = of(stranger).await;
    assert!(message.starts_with("the server's certificate was issued by an unknown authority"), "{message}");
}

#[tokio::test]
async fn what_is_no_tls_is_said_to_be_none() {
    let plain = RawServer::answering_once("SSH-2.0-OpenSSH_9.9\r\n").await;
    // A client hello has no blank line in it, so this server must not wait for one.
    let talker = RawServer::start(|mut stream, _| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        while stream.readable().await.is_ok() && stream.try_read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
    })
    .await;
    drop(plain);
    let exchange = get(&Network::default(), &https(&talker)).await;
    let (verdict, phase, message) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(tls)", Some(Phase::Tls)));
    assert!(message.starts_with("what the server sent is not TLS"), "{message}");

    let closer = RawServer::start(|mut stream, _| async move {
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
    })
    .await;
    let (verdict, phase, message) = fault(&get(&Network::default(), &https(&closer)).await);
    assert_eq!((verdict.as_str(), phase), ("bad(tls)", Some(Phase::Tls)));
    assert!(message.contains("during the handshake"), "{message}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_there_is_one_and_missed_when_not() {
    let authority = Authority::new();
    let network = trusting(&authority);
    for protocols in [&["http/1.1"][..], &["h2"]] {
        let acceptor = authority.server_with(&["localhost"], protocols, |_| {}, true);
        let is_http2 = protocols == ["h2"];
        let server = RawServer::start(move |tcp, _| {
            let acceptor = acceptor.clone();
            async move { if is_http2 { serve_http2(acceptor, tcp).await } else { serve_http1(acceptor, tcp).await } }
        })
        .await;
        let (verdict, phase, message) = fault(&get(&network, &https(&server)).await);
        assert_eq!((verdict.as_str(), phase), ("bad(tls)", Some(Phase::Tls)), "{protocols:?}: {message}");
        assert!(message.contains("client certificate"), "{protocols:?}: {message}");

        let (certificate, key) = authority.client();
        let with = Network { client_identity: Some(ClientIdentity { certificate, key }), ..network.clone() };
        assert_eq!(get(&with, &https(&server)).await.status, Some(200), "{protocols:?}");

        let (certificate, key) = Authority::new().client();
        // The folder of the other authority is gone by now, so its files cannot be read.
        let gone = Network { client_identity: Some(ClientIdentity { certificate, key }), ..network.clone() };
        assert!(matches!(Transport::new(&gone, true), Err(SetupError::Pem { .. })));
    }
}

#[tokio::test]
async fn a_foreign_client_certificate_is_refused_in_words() {
    let authority = Authority::new();
    let server = server_of(authority.server_with(&["localhost"], &[], |_| {}, true)).await;
    let stranger = Authority::new();
    let (certificate, key) = stranger.client();
    let network = Network { client_identity: Some(ClientIdentity { certificate, key }), ..trusting(&authority) };
    let (verdict, phase, message) = fault(&get(&network, &https(&server)).await);
    assert_eq!((verdict.as_str(), phase), ("bad(tls)", Some(Phase::Tls)), "{message}");
    assert!(message.contains("client certificate"), "{message}");
}

#[tokio::test]
async fn sessions_are_never_resumed() {
    let authority = Authority::new();
    let acceptor = authority.server(&["localhost"], &["http/1.1"]);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = RawServer::start(move |tcp, _| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut stream = acceptor.accept(tcp).await.unwrap();
            tell.send(stream.get_ref().1.handshake_kind().unwrap()).unwrap();
            read_request(&mut stream).await;
            stream.write_all(ok("x").as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    })
    .await;
    let transport = Transport::new(&trusting(&authority), true).unwrap();
    for _ in 0..2 {
        assert_eq!(body(&get_over(&mut transport.connections(), &https(&server)).await), "x");
        assert_eq!(told.recv().await, Some(rustls::HandshakeKind::Full));
    }
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let with = || Network { certificate_authorities: vec![path.clone()], ..Network::default() };
    let message = || Transport::new(&with(), true).err().unwrap().to_string();
    assert!(message().contains("ca.pem: certificates cannot be read"), "{}", message());
    std::fs::write(&path, "nothing").unwrap();
    assert!(message().contains("there is no certificate in this file"), "{}", message());
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n").unwrap();
    assert!(message().contains("certificate 1 of the file is not usable"), "{}", message());
}

#[tokio::test]
async fn an_end_without_goodbye_is_the_end_but_a_short_body_is_not() {
    let authority = Authority::new();
    for (answer, wanted) in [
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end", Ok("until the end")),
        ("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort", Err("bad(protocol)")),
    ] {
        let acceptor = authority.server(&["localhost"], &[]);
        let server = RawServer::start(move |tcp, _| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(tcp).await.unwrap();
                read_request(&mut stream).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                // Dropped without a goodbye.
            }
        })
        .await;
        let exchange = get(&trusting(&authority), &https(&server)).await;
        match wanted {
            Ok(text) => assert_eq!(body(&exchange), text),
            Err(verdict) => {
                assert_eq!((fault(&exchange).0.as_str(), fault(&exchange).1), (verdict, Some(Phase::Receive)));
            }
        }
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_at_the_deadline() {
    let server = RawServer::start(|stream, _| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let exchange =
        crate::support::probe::get_within(&Network::default(), &https(&server), Duration::from_millis(150)).await;
    let (verdict, phase, _) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(timeout)", Some(Phase::Tls)));
    assert_eq!(phases(&exchange), "dns connect tls!");
}
