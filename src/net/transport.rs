//! A flow's way to the network, and the connections of one run. Knows phases and limits, no cookies or redirects.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::model::{BadClass, ExchangeLimits, HttpVersion, LostClass, Network, Phase};

use super::answer::{self, RawAnswer};
use super::carrier::Carrier;
use super::progress::Progress;
use super::proxy::Proxy;
use super::resolve::Resolver;
use super::trust::{SetupError, client_config};
use super::wire::Socket;
use super::{Exchange, Fault, Request, address, fault, message, tls};

/// A flow's network settings with all files read. Cheap to clone.
#[derive(Clone)]
pub struct Transport(Arc<Settings>);

struct Settings {
    resolver: Resolver,
    proxy: Option<Proxy>,
    tls: TlsConnector,
    private_addresses: bool,
}

impl Transport {
    /// Reads the certificate files that `network` names. `private_addresses`: whether private, loopback and
    /// link-local addresses may be connected to; with a proxy only what is known before the proxy is asked is judged.
    ///
    /// # Errors
    /// [`SetupError`] with the file at fault.
    pub fn new(network: &Network, private_addresses: bool) -> Result<Self, SetupError> {
        let config: Arc<ClientConfig> = client_config(network)?;
        Ok(Self(Arc::new(Settings {
            resolver: Resolver { family: network.family, server: network.resolver },
            proxy: Proxy::from_network(network)?,
            tls: TlsConnector::from(config),
            private_addresses,
        })))
    }

    /// No connections yet: those of one run. Within the run a connection is kept for the next request to the same
    /// origin, as a browser does; it is never used by another run.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections { settings: Arc::clone(&self.0), kept: Vec::new() }
    }
}

/// The connections of one run. Dropping them closes them.
pub struct Connections {
    settings: Arc<Settings>,
    kept: Vec<Kept>,
}

struct Kept {
    origin: Origin,
    address: IpAddr,
    carrier: Carrier,
}

/// Scheme, host and port of a URL: what may share a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) encrypted: bool,
    pub(super) host: Host<String>,
    pub(super) port: u16,
}

impl Origin {
    fn of(url: &Url) -> Result<Self, Fault> {
        let encrypted = match url.scheme() {
            "http" => false,
            "https" => true,
            scheme => return Err(fault::lost(LostClass::Internal, format!("cannot speak {scheme}"))),
        };
        let host = url.host().ok_or_else(|| fault::lost(LostClass::Internal, "the URL has no host"))?.to_owned();
        Ok(Self { encrypted, host, port: url.port().unwrap_or(if encrypted { 443 } else { 80 }) })
    }

    /// For a certificate: an IPv6 address has no brackets there.
    fn certificate_name(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }
}

impl Connections {
    /// One exchange: request out, whole answer in, within `limits` and before `deadline`. It is total: whatever the
    /// network or the server does is in the result. No retry: a second connection is opened only when a kept one
    /// turns out to be closed before a byte was sent on it.
    pub async fn exchange(&mut self, request: Request, limits: &ExchangeLimits, deadline: Instant) -> Exchange {
        let mut progress = Progress::default();
        let done = if Instant::now() >= deadline {
            Err(fault::timeout(None))
        } else {
            match timeout_at(deadline, self.perform(&request, limits, &mut progress)).await {
                Ok(Ok(raw)) => Ok(raw),
                Ok(Err(fault)) => {
                    let phase = progress.cut();
                    Err(Fault { phase: fault.phase.or(phase), ..fault })
                }
                Err(_) => Err(fault::timeout(progress.cut())),
            }
        };
        // From here on nothing is measured any more.
        let outcome = done.and_then(|raw| raw.decode(limits));
        Exchange {
            phases: progress.phases,
            address: progress.address,
            version: progress.version,
            reused: progress.reused,
            status: progress.status,
            body_bytes: progress.body_bytes,
            outcome,
        }
    }

    async fn perform(
        &mut self,
        request: &Request,
        limits: &ExchangeLimits,
        progress: &mut Progress,
    ) -> Result<RawAnswer, Fault> {
        let origin = Origin::of(&request.url)?;
        let settings = Arc::clone(&self.settings);
        let proxy = settings.proxy.as_ref().filter(|proxy| !proxy.is_bypassed_by(&origin.host));
        while let Some(mut kept) = self.take(&origin) {
            if !kept.carrier.is_usable().await {
                continue;
            }
            progress.reused = true;
            progress.address = Some(kept.address);
            let message = message::build(request, &origin, proxy, kept.carrier.version())?;
            match answer::fetch(&mut kept.carrier, message, limits, progress).await {
                Ok(raw) => return self.keep(kept, raw, proxy).await,
                Err(answer::Failed::Unsent) => progress.start_over(),
                Err(answer::Failed::Fault(fault)) => return Err(fault),
            }
        }
        let (socket, version, address) = settings.dial(&origin, proxy, progress).await?;
        progress.version = Some(version);
        let carrier = Carrier::open(socket, version, limits).await;
        let carrier = carrier.map_err(|error| fault::bad(BadClass::Protocol, crate::model::chain(&error)))?;
        let mut kept = Kept { origin, address, carrier };
        let message = message::build(request, &kept.origin, proxy, version)?;
        match answer::fetch(&mut kept.carrier, message, limits, progress).await {
            Ok(raw) => self.keep(kept, raw, proxy).await,
            Err(answer::Failed::Unsent) => {
                Err(fault::bad(BadClass::Protocol, "the server closed the connection before the request was sent"))
            }
            Err(answer::Failed::Fault(fault)) => Err(fault),
        }
    }

    fn take(&mut self, origin: &Origin) -> Option<Kept> {
        let index = self.kept.iter().position(|kept| kept.origin == *origin)?;
        Some(self.kept.swap_remove(index))
    }

    async fn keep(&mut self, mut kept: Kept, raw: RawAnswer, proxy: Option<&Proxy>) -> Result<RawAnswer, Fault> {
        if kept.carrier.settle().await {
            self.kept.push(kept);
        }
        match proxy {
            Some(proxy) if raw.is_proxy_refusal() => Err(Fault {
                phase: Some(Phase::Connect),
                ..proxy.refusal("refused the request with 407: it wants a user and a password, or others")
            }),
            _ => Ok(raw),
        }
    }
}

impl Settings {
    /// Resolves, connects and encrypts.
    async fn dial(
        &self,
        origin: &Origin,
        proxy: Option<&Proxy>,
        progress: &mut Progress,
    ) -> Result<(Socket, HttpVersion, IpAddr), Fault> {
        let (host, port) = proxy.map_or((&origin.host, origin.port), |proxy| (&proxy.host, proxy.port));
        if proxy.is_some() {
            // The proxy resolves the name; what can be judged without it is judged here.
            self.permit_unresolved(&origin.host)?;
        }
        let address = self.resolver.resolve(host, progress).await?;
        progress.address = Some(address);
        if proxy.is_none() {
            self.permit(address)?;
        }
        progress.begin(Phase::Connect);
        let mut tcp = connect(SocketAddr::new(address, port)).await.map_err(|error| match proxy {
            Some(proxy) => fault::connect(&format!("proxy {}", proxy.display()), &error),
            None => fault::connect(&SocketAddr::new(address, port).to_string(), &error),
        })?;
        if !origin.encrypted {
            progress.finish();
            return Ok((Socket::Plain(tcp), HttpVersion::Http11, address));
        }
        if let Some(proxy) = proxy {
            proxy.open_tunnel(&mut tcp, &format!("{}:{}", origin.host, origin.port)).await?;
        }
        progress.finish();
        progress.begin(Phase::Tls);
        let stream = tls::handshake(&self.tls, &origin.certificate_name(), tcp).await;
        let stream = stream.map_err(|reason| fault::bad(BadClass::Tls, reason.0))?;
        progress.finish();
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let version = if http2 { HttpVersion::Http2 } else { HttpVersion::Http11 };
        Ok((Socket::Tls(stream), version, address))
    }

    fn permit(&self, address: IpAddr) -> Result<(), Fault> {
        if self.private_addresses || !address::is_private(address) {
            return Ok(());
        }
        Err(fault::lost(
            LostClass::RefusedByPolicy,
            format!("{address} is a private address, and limits.private_addresses forbids those"),
        ))
    }

    fn permit_unresolved(&self, host: &Host<String>) -> Result<(), Fault> {
        match host {
            Host::Ipv4(address) => self.permit((*address).into()),
            Host::Ipv6(address) => self.permit((*address).into()),
            Host::Domain(name) if super::resolve::is_localhost(name) => {
                self.permit(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
            }
            Host::Domain(_) => Ok(()),
        }
    }
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A request is small and must not wait for more.
    socket.set_nodelay(true)?;
    socket.connect(address).await
}
