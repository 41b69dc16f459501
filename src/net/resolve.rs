//! From a host to one address. Knows the system's resolver and the choice of family; a resolver of the flow's own is
//! asked by [`super::dns`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use tokio::sync::Semaphore;
use url::Host;

use crate::model::{AddressFamily, BadClass, Phase};

use super::progress::Progress;
use super::{Fault, dns, fault};

/// How names are resolved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    pub(super) family: AddressFamily,
    /// Asked instead of the system's resolver.
    pub(super) server: Option<SocketAddr>,
}

impl Resolver {
    /// The one address to connect to. An address literal takes no dns phase.
    pub(super) async fn resolve(self, host: &Host<String>, progress: &mut Progress) -> Result<IpAddr, Fault> {
        let name = match host {
            Host::Ipv4(address) => return self.literal(IpAddr::V4(*address)),
            Host::Ipv6(address) => return self.literal(IpAddr::V6(*address)),
            Host::Domain(name) => name.as_str(),
        };
        progress.begin(Phase::Dns);
        let found = if is_localhost(name) {
            Ok(self.loopback())
        } else if let Some(server) = self.server {
            dns::ask(server, name, self.family).await.map_err(|why| unresolved(name, &why))
        } else {
            self.system(name).await
        };
        let address = found?;
        progress.finish();
        Ok(address)
    }

    fn literal(self, address: IpAddr) -> Result<IpAddr, Fault> {
        if self.accepts(address) {
            return Ok(address);
        }
        let wanted = if self.family == AddressFamily::V4 { "IPv4" } else { "IPv6" };
        Err(Fault {
            phase: Some(Phase::Connect),
            ..fault::bad(BadClass::Connect, format!("{address} is no {wanted} address, and the flow allows no other"))
        })
    }

    fn accepts(self, address: IpAddr) -> bool {
        match self.family {
            AddressFamily::Any => true,
            AddressFamily::V4 => address.is_ipv4(),
            AddressFamily::V6 => address.is_ipv6(),
        }
    }

    fn loopback(self) -> IpAddr {
        if self.family == AddressFamily::V6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() }
    }

    async fn system(self, name: &str) -> Result<IpAddr, Fault> {
        let addresses = lookup(name).await.map_err(|error| unresolved(name, &crate::model::chain(&error)))?;
        let accepted = addresses.iter().copied().find(|&address| self.accepts(address));
        accepted.ok_or_else(|| {
            let none = addresses.is_empty();
            unresolved(name, if none { "no address" } else { "it has no address of the family that the flow wants" })
        })
    }
}

/// Asks the system. That blocks a thread and cannot be called off, not even by a deadline: were all threads of the
/// pool to wait for a resolver that is gone, nothing else that blocks (the journal's files) would get one.
async fn lookup(name: &str) -> io::Result<Vec<IpAddr>> {
    static AT_ONCE: Semaphore = Semaphore::const_new(256);
    let permit = AT_ONCE.acquire().await.map_err(io::Error::other)?;
    let name = name.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        // The port has no meaning here.
        Ok((name.as_str(), 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    });
    found.await.map_err(io::Error::other)?
}

fn unresolved(name: &str, why: &str) -> Fault {
    fault::bad(BadClass::Dns, format!("cannot resolve {name}: {why}"))
}

/// `localhost` and every name under it are this machine, whatever a resolver says (RFC 6761, section 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_names_under_it() {
        for name in ["localhost", "LOCALHOST", "localhost.", "app.localhost", "a.b.localhost."] {
            assert!(is_localhost(name), "{name}");
        }
        for name in ["localhost.example", "mylocalhost", "example"] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
