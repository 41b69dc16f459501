//! A DNS server on loopback that answers from a function, over UDP and TCP on one port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// What the server does with a question.
pub(crate) enum Reply {
    /// Sends this message, with the question's id.
    Message(Box<Message>),
    /// Nothing.
    Silence,
    /// Sends these bytes before the message.
    After(Vec<u8>, Box<Message>),
}

/// Ends when dropped.
pub(crate) struct StubResolver {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl StubResolver {
    /// `reply(question, over TCP)` after `delay`.
    pub(crate) async fn start(
        delay: Duration,
        reply: impl Fn(&Message, bool) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let reply = Arc::new(reply);
        // The same port for both: take a TCP port until its UDP twin is free too.
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (tcp, Arc::new(udp));
            }
        };
        let address = udp.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let over_udp = Arc::clone(&reply);
        tasks.spawn(async move {
            let mut answers = JoinSet::new();
            loop {
                let mut buffer = [0; 512];
                let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
                let question = Message::from_vec(&buffer[..length]).unwrap();
                let (udp, reply) = (Arc::clone(&udp), Arc::clone(&over_udp));
                answers.spawn(async move {
                    tokio::time::sleep(delay).await;
                    for message in bytes_of(&question, reply(&question, false)) {
                        let _ = udp.send_to(&message, from).await;
                    }
                });
            }
        });
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = tcp.accept().await.unwrap();
                let length = stream.read_u16().await.unwrap();
                let mut bytes = vec![0; usize::from(length)];
                stream.read_exact(&mut bytes).await.unwrap();
                let question = Message::from_vec(&bytes).unwrap();
                for message in bytes_of(&question, reply(&question, true)) {
                    let length = u16::try_from(message.len()).unwrap();
                    stream.write_all(&[&length.to_be_bytes(), &message[..]].concat()).await.unwrap();
                }
            }
        });
        Self { address, _tasks: tasks }
    }

    /// Every name has this one address.
    pub(crate) async fn of_loopback(delay: Duration) -> Self {
        Self::start(delay, |question, _| {
            let mut message = answer(question);
            if question.queries[0].query_type() == RecordType::A {
                message.add_answer(address(question.queries[0].name(), "127.0.0.1"));
            }
            Reply::Message(Box::new(message))
        })
        .await
    }
}

fn bytes_of(question: &Message, reply: Reply) -> Vec<Vec<u8>> {
    let finished = |mut message: Box<Message>| {
        message.metadata.id = question.metadata.id;
        message.to_vec().unwrap()
    };
    match reply {
        Reply::Message(message) => vec![finished(message)],
        Reply::Silence => Vec::new(),
        Reply::After(noise, message) => vec![noise, finished(message)],
    }
}

/// An answer without records.
pub(crate) fn answer(question: &Message) -> Message {
    let mut message = Message::response(question.metadata.id, OpCode::Query);
    message.add_queries(question.queries.iter().cloned());
    message
}

/// An address record.
pub(crate) fn address(name: &Name, address: &str) -> Record {
    let data = match address.parse().unwrap() {
        std::net::IpAddr::V4(v4) => RData::A(A(v4)),
        std::net::IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    };
    Record::from_rdata(name.clone(), 60, data)
}

/// An alias record.
pub(crate) fn alias(name: &Name, target: &str) -> Record {
    Record::from_rdata(name.clone(), 60, RData::CNAME(CNAME(Name::from_ascii(target).unwrap())))
}
