//! One question to one DNS server: over UDP, and over TCP when the answer does not fit. Knows messages, no HTTP.
//!
//! No search domains, no cache, no other server. A datagram may be lost on its way, so the same question is sent a
//! second time, as the resolvers of operating systems do; that is no retry of the run.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::model::AddressFamily;

use super::fault;

/// How long one sending of a question is waited for.
const PATIENCE: Duration = Duration::from_millis(2500);
const SENDINGS: usize = 2;
/// Aliases followed within an answer.
const MOST_ALIASES: usize = 16;

/// The first address of `name` that the server gives, or why there is none.
pub(super) async fn ask(server: SocketAddr, name: &str, family: AddressFamily) -> Result<IpAddr, String> {
    let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.')))
        .map_err(|error| format!("not a name that DNS can hold: {error}"))?;
    let kinds: &[RecordType] = match family {
        AddressFamily::Any => &[RecordType::A, RecordType::AAAA],
        AddressFamily::V4 => &[RecordType::A],
        AddressFamily::V6 => &[RecordType::AAAA],
    };
    for &kind in kinds {
        let answer = question(server, &name, kind).await?;
        judge(server, answer.metadata.response_code)?;
        if let Some(address) = find(&answer.answers, &name, kind) {
            return Ok(address);
        }
    }
    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    Err(format!("resolver {server} knows the name but no address of it ({})", kinds.join(", ")))
}

fn judge(server: SocketAddr, code: ResponseCode) -> Result<(), String> {
    match code {
        ResponseCode::NoError => Ok(()),
        ResponseCode::NXDomain => Err(format!("no such name (NXDOMAIN from resolver {server})")),
        ResponseCode::ServFail => Err(format!("resolver {server} failed (SERVFAIL)")),
        ResponseCode::Refused => Err(format!("resolver {server} refuses to answer (REFUSED)")),
        other => Err(format!("resolver {server} answered {other}")),
    }
}

/// Follows the aliases inside the answer; a recursive resolver puts the whole chain there.
fn find(records: &[Record], name: &Name, kind: RecordType) -> Option<IpAddr> {
    let mut wanted = name;
    for _ in 0..MOST_ALIASES {
        let mut alias = None;
        for record in records.iter().filter(|record| record.name == *wanted) {
            match &record.data {
                RData::A(address) if kind == RecordType::A => return Some(address.0.into()),
                RData::AAAA(address) if kind == RecordType::AAAA => return Some(address.0.into()),
                RData::CNAME(target) => alias = Some(&target.0),
                _ => {}
            }
        }
        wanted = alias?;
    }
    None
}

async fn question(server: SocketAddr, name: &Name, kind: RecordType) -> Result<Message, String> {
    // The keys of a hasher are random, and the port that the system chooses is too.
    let [low, high, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    let id = u16::from_le_bytes([low, high]);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), kind));
    let bytes = message.to_vec().map_err(|error| format!("the question cannot be written: {error}"))?;
    let broke = |error: io::Error| format!("resolver {server}: {}", fault::io_words(&error));
    let answer = over_udp(server, &bytes, &message).await.map_err(broke)?;
    let answer = answer.ok_or_else(|| {
        let whole = PATIENCE * u32::try_from(SENDINGS).unwrap_or(1);
        format!("resolver {server} gave no answer within {} s", whole.as_secs_f64())
    })?;
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    match timeout(PATIENCE, over_tcp(server, &bytes, &message)).await {
        Ok(answer) => answer.map_err(broke),
        Err(_) => Err(format!("resolver {server} gave no answer over TCP within {} s", PATIENCE.as_secs_f64())),
    }
}

/// `None` when no answer came in time.
async fn over_udp(server: SocketAddr, bytes: &[u8], asked: &Message) -> io::Result<Option<Message>> {
    let local: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(server).await?;
    let mut buffer = [0; 4096];
    for _ in 0..SENDINGS {
        socket.send(bytes).await?;
        let answer = timeout(PATIENCE, async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                // A datagram that answers another question, or none, is somebody else's.
                if let Some(answer) = answer_to(asked, &buffer[..length]) {
                    return Ok::<_, io::Error>(answer);
                }
            }
        });
        if let Ok(answer) = answer.await {
            return answer.map(Some);
        }
    }
    Ok(None)
}

async fn over_tcp(server: SocketAddr, bytes: &[u8], asked: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    answer_to(asked, &answer).ok_or_else(|| io::Error::other("the answer over TCP does not fit the question"))
}

fn answer_to(asked: &Message, bytes: &[u8]) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    let fits = answer.metadata.id == asked.metadata.id
        && answer.metadata.message_type == MessageType::Response
        // A server that could not even read the question does not repeat it.
        && (answer.queries == asked.queries || (answer.queries.is_empty() && answer.answers.is_empty()));
    fits.then_some(answer)
}
