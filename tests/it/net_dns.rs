//! Names: the system's resolver, a resolver of the flow's own, families, aliases, and what is said of failures.

use std::net::IpAddr;
use std::time::Duration;

use doorstep::model::{AddressFamily, Network, Phase};
use doorstep::net::Transport;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use http::Method;
use tokio::time::Instant;

use crate::support::probe::{LIMITS, body, fault, get, get_within, phases, request};
use crate::support::raw_server::{RawServer, ok};
use crate::support::resolver::{Reply, StubResolver, address, alias, answer};

fn asking(resolver: &StubResolver) -> Network {
    Network { resolver: Some(resolver.address), ..Network::default() }
}

async fn stub(reply: impl Fn(&hickory_proto::op::Message, bool) -> Reply + Send + Sync + 'static) -> StubResolver {
    StubResolver::start(Duration::ZERO, reply).await
}

fn named(server: &RawServer, name: &str) -> String {
    format!("http://{name}:{}/", server.address.port())
}

#[tokio::test]
async fn a_resolver_of_the_flows_own_is_asked() {
    let server = RawServer::answering(ok("hello")).await;
    let resolver = StubResolver::of_loopback(Duration::ZERO).await;
    let exchange = get(&asking(&resolver), &named(&server, "login.example")).await;
    assert_eq!(body(&exchange), "hello");
    assert_eq!(phases(&exchange), "dns connect send wait receive");
    assert_eq!(exchange.address, Some("127.0.0.1".parse().unwrap()));
}

#[tokio::test]
async fn aliases_within_the_answer_are_followed() {
    let server = RawServer::answering(ok("hello")).await;
    let resolver = stub(|question, _| {
        let mut message = answer(question);
        let last = hickory_proto::rr::Name::from_ascii("c.example.").unwrap();
        // Out of order, and with an address of somebody else.
        message.add_answer(address(&hickory_proto::rr::Name::from_ascii("x.example.").unwrap(), "192.0.2.1"));
        message.add_answer(address(&last, "127.0.0.1"));
        message.add_answer(alias(&hickory_proto::rr::Name::from_ascii("b.example.").unwrap(), "C.example."));
        message.add_answer(alias(question.queries[0].name(), "b.example."));
        Reply::Message(Box::new(message))
    })
    .await;
    assert_eq!(body(&get(&asking(&resolver), &named(&server, "a.example")).await), "hello");

    let circle = stub(|question, _| {
        let mut message = answer(question);
        message.add_answer(alias(question.queries[0].name(), "b.example."));
        message.add_answer(alias(&hickory_proto::rr::Name::from_ascii("b.example.").unwrap(), "a.example."));
        Reply::Message(Box::new(message))
    })
    .await;
    let (verdict, phase, message) = fault(&get(&asking(&circle), &named(&server, "a.example")).await);
    assert_eq!((verdict.as_str(), phase), ("bad(dns)", Some(Phase::Dns)));
    assert!(message.contains("knows the name but no address of it (A, AAAA)"), "{message}");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_again_over_tcp() {
    let server = RawServer::answering(ok("hello")).await;
    let resolver = stub(|question, over_tcp| {
        let mut message = answer(question);
        if over_tcp {
            message.add_answer(address(question.queries[0].name(), "127.0.0.1"));
        } else {
            message.metadata.truncation = true;
        }
        Reply::Message(Box::new(message))
    })
    .await;
    assert_eq!(body(&get(&asking(&resolver), &named(&server, "a.example")).await), "hello");
}

#[tokio::test]
async fn datagrams_that_answer_nothing_are_ignored() {
    let server = RawServer::answering(ok("hello")).await;
    let resolver = stub(|question, _| {
        let mut message = answer(question);
        message.add_answer(address(question.queries[0].name(), "127.0.0.1"));
        let mut forged = answer(question);
        forged.metadata.id = question.metadata.id.wrapping_add(1);
        forged.add_answer(address(question.queries[0].name(), "192.0.2.1"));
        Reply::After(forged.to_vec().unwrap(), Box::new(message))
    })
    .await;
    assert_eq!(body(&get(&asking(&resolver), &named(&server, "a.example")).await), "hello");
}

#[tokio::test]
async fn the_family_decides_what_is_asked() {
    let resolver = stub(|question, _| {
        let mut message = answer(question);
        let query = &question.queries[0];
        let text = if query.query_type() == RecordType::A { "127.0.0.9" } else { "::1" };
        message.add_answer(address(query.name(), text));
        Reply::Message(Box::new(message))
    })
    .await;
    // Nobody listens on port 1: the address that was tried is what counts.
    for (family, wanted) in
        [(AddressFamily::Any, "127.0.0.9"), (AddressFamily::V4, "127.0.0.9"), (AddressFamily::V6, "::1")]
    {
        let exchange = get(&Network { family, ..asking(&resolver) }, "http://a.example:1/").await;
        assert_eq!(exchange.address, Some(wanted.parse::<IpAddr>().unwrap()));
        assert_eq!(phases(&exchange), "dns connect!");
    }
    let only6 = stub(|question, _| {
        let mut message = answer(question);
        if question.queries[0].query_type() == RecordType::AAAA {
            message.add_answer(address(question.queries[0].name(), "::1"));
        }
        Reply::Message(Box::new(message))
    })
    .await;
    assert_eq!(get(&asking(&only6), "http://a.example:1/").await.address, Some("::1".parse().unwrap()));
    let v4 = Network { family: AddressFamily::V4, ..asking(&only6) };
    assert!(fault(&get(&v4, "http://a.example:1/").await).2.contains("no address of it (A)"));
}

#[tokio::test]
async fn failures_of_names_are_told_apart() {
    for (code, words) in [
        (ResponseCode::NXDomain, "no such name (NXDOMAIN"),
        (ResponseCode::ServFail, "failed (SERVFAIL)"),
        (ResponseCode::Refused, "refuses to answer (REFUSED)"),
    ] {
        let resolver = stub(move |question, _| {
            let mut message = answer(question);
            message.metadata.response_code = code;
            Reply::Message(Box::new(message))
        })
        .await;
        let exchange = get(&asking(&resolver), "http://a.example/").await;
        let (verdict, phase, message) = fault(&exchange);
        assert_eq!((verdict.as_str(), phase), ("bad(dns)", Some(Phase::Dns)));
        assert!(message.starts_with("cannot resolve a.example: ") && message.contains(words), "{message}");
        assert_eq!(phases(&exchange), "dns!");
        assert_eq!((exchange.address, exchange.version), (None, None));
    }
}

#[tokio::test]
async fn a_silent_resolver_is_left_at_the_deadline_and_given_up_after_five_seconds() {
    let resolver = stub(|_, _| Reply::Silence).await;
    let exchange = get_within(&asking(&resolver), "http://a.example/", Duration::from_millis(100)).await;
    let (verdict, phase, _) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(timeout)", Some(Phase::Dns)));
    let cut = exchange.phases.get(Phase::Dns).unwrap();
    assert!(cut.cut && cut.micros.0 >= 99_000, "{cut:?}");

    let (verdict, phase, message) = fault(&get(&asking(&resolver), "http://a.example/").await);
    assert_eq!((verdict.as_str(), phase), ("bad(dns)", Some(Phase::Dns)));
    assert!(message.contains("gave no answer within 5 s"), "{message}");
}

#[tokio::test]
async fn localhost_is_this_machine_whatever_a_resolver_says() {
    let server = RawServer::answering(ok("hello")).await;
    let resolver = stub(|_, _| Reply::Silence).await;
    for name in ["localhost", "app.localhost"] {
        let exchange = get(&asking(&resolver), &named(&server, name)).await;
        assert_eq!(body(&exchange), "hello");
        assert_eq!(exchange.address, Some("127.0.0.1".parse().unwrap()));
    }
    let v6 = Network { family: AddressFamily::V6, ..Network::default() };
    assert_eq!(get(&v6, "http://localhost:1/").await.address, Some("::1".parse().unwrap()));
}

#[tokio::test]
async fn the_systems_resolver_says_no_to_a_name_that_cannot_be() {
    // A label of 64 letters fits in no DNS message, so the answer needs no network.
    let name = format!("{}.example", "a".repeat(64));
    let exchange = get(&Network::default(), &format!("http://{name}/")).await;
    let (verdict, phase, message) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(dns)", Some(Phase::Dns)), "{message}");
    assert!(message.starts_with(&format!("cannot resolve {name}: ")), "{message}");
    assert_eq!(phases(&exchange), "dns!");
}

#[tokio::test]
async fn private_addresses_are_refused_when_the_worker_says_so() {
    let server = RawServer::answering(ok("hello")).await;
    let resolver = StubResolver::of_loopback(Duration::ZERO).await;
    let transport = Transport::new(&asking(&resolver), false).unwrap();
    for url in [server.url("/"), named(&server, "public.example"), named(&server, "localhost")] {
        let deadline = Instant::now() + Duration::from_secs(5);
        let exchange = transport.connections().exchange(request(Method::GET, &url, ""), &LIMITS, deadline).await;
        let (verdict, _, message) = fault(&exchange);
        assert_eq!(verdict, "lost(refused_by_policy)");
        assert!(message.contains("127.0.0.1 is a private address"), "{message}");
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn a_literal_of_the_wrong_family_is_not_tried() {
    let v6 = Network { family: AddressFamily::V6, ..Network::default() };
    let exchange = get(&v6, "http://127.0.0.1:1/").await;
    let (verdict, phase, message) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(connect)", Some(Phase::Connect)));
    assert!(message.contains("127.0.0.1 is no IPv6 address"), "{message}");
    assert_eq!(phases(&exchange), "");
}
