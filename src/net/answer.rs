//! Sends one message over a connection and takes in the whole answer, within its limits and still encoded.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::model::{BadClass, ExchangeLimits, HttpVersion, Phase};

use super::carrier::{Carrier, MOST_HEADERS};
use super::coding::{self, CodingError};
use super::progress::Progress;
use super::{Fault, Response, fault};

/// An answer whose body is as it came.
#[derive(Debug)]
pub(super) struct RawAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl RawAnswer {
    /// The proxy answers in the service's place.
    pub(super) fn is_proxy_refusal(&self) -> bool {
        self.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
    }

    /// The answer as the service meant it.
    pub(super) fn decode(self, limits: &ExchangeLimits) -> Result<Response, Fault> {
        let body = coding::decode(&self.headers, self.body, limits.body_bytes).map_err(|error| {
            let fault = match error {
                CodingError::TooLarge => body_too_large(limits, " after decompression"),
                CodingError::Invalid(why) => fault::bad(BadClass::Protocol, why),
            };
            Fault { phase: Some(Phase::Receive), ..fault }
        })?;
        Ok(Response { status: self.status, headers: self.headers, body })
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// The connection was closed, and nothing of the request was sent.
    Unsent,
    /// It went wrong.
    Fault(Fault),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One request, one answer.
pub(super) async fn fetch(
    carrier: &mut Carrier,
    mut message: http::Request<Full<Bytes>>,
    limits: &ExchangeLimits,
    progress: &mut Progress,
) -> Result<RawAnswer, Failed> {
    let is_head = *message.method() == Method::HEAD;
    let wire = carrier.wire.clone();
    if carrier.version() == HttpVersion::Http11 {
        let wire = wire.clone();
        hyper::ext::on_informational(&mut message, move |_| wire.interim_answer());
    }
    progress.version = Some(carrier.version());
    progress.carry(&wire);
    let answer = match carrier.send(message).await {
        Ok(answer) => answer,
        Err(mut failed) => {
            let unsent = failed.take_message().is_some();
            return Err(if unsent { Failed::Unsent } else { fault::http(failed.error(), &wire).into() });
        }
    };
    let (head, body) = answer.into_parts();
    progress.status = Some(head.status.as_u16());
    if head.version == Version::HTTP_10 {
        progress.version = Some(HttpVersion::Http10);
    }
    check_head(&head.headers, limits)?;
    let has_body = !is_head && !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let until_close = has_body
        && carrier.version() != HttpVersion::Http2
        && !head.headers.contains_key(CONTENT_LENGTH)
        && !head.headers.contains_key(TRANSFER_ENCODING);
    if has_body {
        check_length(&head.headers, limits)?;
    }
    let body = match read_body(carrier, body, limits, progress).await {
        Ok(body) => body,
        Err(Stopped::TooLarge) => return Err(body_too_large(limits, "").into()),
        Err(Stopped::Broken(error)) => return Err(fault::http(&error, &wire).into()),
    };
    progress.complete(until_close);
    Ok(RawAnswer { status: head.status, headers: head.headers, body })
}

/// Heads are bounded by the connection already; over HTTP/2, where they are compressed, once more here.
fn check_head(headers: &HeaderMap, limits: &ExchangeLimits) -> Result<(), Fault> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > limits.head_bytes {
        let message = format!("the answer has a head of more than {} bytes", limits.head_bytes);
        return Err(fault::bad(BadClass::TooLarge, message));
    }
    if headers.len() > MOST_HEADERS {
        return Err(fault::bad(BadClass::TooLarge, format!("the answer has more than {MOST_HEADERS} headers")));
    }
    Ok(())
}

/// What is announced to be too large need not be read to know it.
fn check_length(headers: &HeaderMap, limits: &ExchangeLimits) -> Result<(), Fault> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(length) if length > limits.body_bytes as u64 => Err(body_too_large(limits, "")),
        _ => Ok(()),
    }
}

fn body_too_large(limits: &ExchangeLimits, when: &str) -> Fault {
    fault::bad(BadClass::TooLarge, format!("the answer has a body of more than {} bytes{when}", limits.body_bytes))
}

enum Stopped {
    TooLarge,
    Broken(hyper::Error),
}

async fn read_body(
    carrier: &mut Carrier,
    mut body: Incoming,
    limits: &ExchangeLimits,
    progress: &mut Progress,
) -> Result<Bytes, Stopped> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = carrier.drive(body.frame()).await {
        let Ok(data) = frame.map_err(Stopped::Broken)?.into_data() else { continue };
        progress.body_bytes += data.len() as u64;
        if progress.body_bytes > limits.body_bytes as u64 {
            return Err(Stopped::TooLarge);
        }
        // Most bodies come in one piece, which needs no copy.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if first.is_empty() { all.freeze() } else { first })
}
