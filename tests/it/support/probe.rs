//! One exchange in one line, for tests.

use std::time::Duration;

use bytes::Bytes;
use doorstep::model::{ExchangeLimits, Network, Phase};
use doorstep::net::{Connections, Exchange, Request, Transport};
use http::{HeaderMap, Method};
use tokio::time::Instant;

/// 16 KiB of head, 256 KiB of body.
pub(crate) const LIMITS: ExchangeLimits = ExchangeLimits { head_bytes: 16 * 1024, body_bytes: 256 * 1024 };

pub(crate) fn request(method: Method, url: &str, body: &str) -> Request {
    let url = url.parse().unwrap();
    Request { method, url, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

pub(crate) fn connections(network: &Network) -> Connections {
    Transport::new(network, true).unwrap().connections()
}

/// GET over these connections, within two seconds.
pub(crate) async fn get_over(connections: &mut Connections, url: &str) -> Exchange {
    send_over(connections, request(Method::GET, url, "")).await
}

/// Any request over these connections, within two seconds.
pub(crate) async fn send_over(connections: &mut Connections, request: Request) -> Exchange {
    // A loaded machine must not turn an answer into a timeout.
    connections.exchange(request, &LIMITS, Instant::now() + Duration::from_secs(10)).await
}

/// GET over connections of its own.
pub(crate) async fn get(network: &Network, url: &str) -> Exchange {
    get_over(&mut connections(network), url).await
}

/// GET with a deadline.
pub(crate) async fn get_within(network: &Network, url: &str, limit: Duration) -> Exchange {
    connections(network).exchange(request(Method::GET, url, ""), &LIMITS, Instant::now() + limit).await
}

/// The verdict as records spell it, the phase, and the message.
pub(crate) fn fault(exchange: &Exchange) -> (String, Option<Phase>, String) {
    let Err(fault) = &exchange.outcome else {
        panic!("an answer with status {:?} instead of a fault", exchange.status)
    };
    (fault.verdict.to_string(), fault.phase, fault.message.clone())
}

/// The body of a good answer, as text.
pub(crate) fn body(exchange: &Exchange) -> String {
    let answer = exchange.outcome.as_ref().unwrap_or_else(|fault| panic!("{fault:?}"));
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The phases that happened; a cut one has a `!`.
pub(crate) fn phases(exchange: &Exchange) -> String {
    let names = exchange.phases.iter().map(|(phase, time)| format!("{phase}{}", if time.cut { "!" } else { "" }));
    names.collect::<Vec<_>>().join(" ")
}
