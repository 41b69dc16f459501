//! The cookie jar of one run: RFC 6265 with the rules of its successor draft that browsers follow today (prefixes,
//! `Secure` from trustworthy origins only, size limits). Knows no request and no flow; the time is an argument.
//!
//! Ports do not separate cookies, as the RFC says. `SameSite` is not enforced: it would need to know which hosts
//! belong to one site. There is no list of public suffixes either; a `Domain` without a dot is taken for one.

mod parse;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use jiff::Timestamp;
use url::{Host, Url};

/// A jar whose limit was passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the service set more than {limit} cookies")]
pub(super) struct Flood {
    /// How many a session may hold.
    pub(super) limit: usize,
}

/// What one answer did to the jar: names only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Set or renewed.
    pub(super) set: Vec<String>,
    /// Deleted (also when none was there).
    pub(super) deleted: Vec<String>,
    /// Ignored, with the reason.
    pub(super) ignored: Vec<String>,
    /// The values that were set: secrets.
    pub(super) values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
    expires: Option<Timestamp>,
    created: u64,
}

/// The cookies of one session.
#[derive(Debug, Clone)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
    limit: usize,
    created: u64,
}

impl Jar {
    /// An empty jar that holds at most `limit` cookies.
    pub(super) fn new(limit: usize) -> Self {
        Self { cookies: Vec::new(), limit, created: 0 }
    }

    /// Stores the `Set-Cookie` values of an answer from `url`, in order.
    ///
    /// # Errors
    /// [`Flood`] when the run has been sent more cookies than any honest service sends.
    pub(super) fn store<'a>(
        &mut self,
        url: &Url,
        headers: impl Iterator<Item = &'a [u8]>,
        now: Timestamp,
    ) -> Result<Changes, Flood> {
        let mut changes = Changes::default();
        for header in headers {
            // Each Set-Cookie counts, so that renewing the same cookies for ever is a flood too.
            self.created += 1;
            if self.created > 8 * self.limit as u64 {
                return Err(Flood { limit: 8 * self.limit });
            }
            match self.store_one(url, header, now) {
                Ok((name, value, true)) => {
                    changes.set.push(name);
                    changes.values.push(value);
                }
                Ok((name, _, false)) => changes.deleted.push(name),
                Err(reason) => changes.ignored.push(reason),
            }
            if self.cookies.len() > self.limit {
                return Err(Flood { limit: self.limit });
            }
        }
        Ok(changes)
    }

    /// Name, value, and whether it was set (or else deleted); or why it was ignored.
    fn store_one(&mut self, url: &Url, header: &[u8], now: Timestamp) -> Result<(String, String, bool), String> {
        let parsed = parse::parse(header, now).map_err(|reason| format!("a cookie: {reason}"))?;
        let name = String::from_utf8_lossy(&parsed.name).into_owned();
        let value = String::from_utf8_lossy(&parsed.value).into_owned();
        let ignored = |reason: &str| Err(format!("{name}: {reason}"));
        let host = url.host_str().unwrap_or_default();
        let (domain, host_only) = match &parsed.domain {
            Some(domain) if domain == host => (domain.clone(), is_address(url) || !domain.contains('.')),
            Some(domain) if !domain.contains('.') => return ignored("its Domain covers a whole top-level domain"),
            Some(domain) if !domain_matches(url, domain) => return ignored("its Domain is not that of the page"),
            Some(domain) => (domain.clone(), false),
            None => (host.to_owned(), true),
        };
        let trustworthy = is_trustworthy(url);
        if parsed.secure && !trustworthy {
            return ignored("Secure, but the page came over http");
        }
        let path = parsed.path.clone().unwrap_or_else(|| default_path(url));
        // Browsers compare prefixes without regard to case, and look at the value of a nameless cookie too.
        let prefixed = if parsed.name.is_empty() { &value } else { &name };
        let has_prefix =
            |prefix: &str| prefixed.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if has_prefix("__Secure-") && (!parsed.secure || parsed.name.is_empty()) {
            return ignored("the prefix __Secure- demands Secure");
        }
        // "As if without Domain" is what the prefix demands: a Domain attribute at all breaks it.
        let bare_host = parsed.domain.is_none() && parsed.path.as_deref() == Some("/");
        if has_prefix("__Host-") && (!parsed.secure || !bare_host || parsed.name.is_empty()) {
            return ignored("the prefix __Host- demands Secure, Path=/ and no Domain");
        }
        if !trustworthy
            && self.cookies.iter().any(|old| old.secure && old.name == parsed.name && overlaps(old, &domain))
        {
            return ignored("a Secure cookie of that name must not be replaced over http");
        }
        let same = |old: &Cookie| {
            old.name == parsed.name && old.domain == domain && old.host_only == host_only && old.path == path
        };
        let old = self.cookies.iter().position(same).map(|at| self.cookies.remove(at));
        if parsed.expires.is_some_and(|expires| expires <= now) {
            return Ok((name, value, false));
        }
        let created = old.map_or(self.created, |old| old.created);
        let cookie = Cookie {
            name: parsed.name,
            value: parsed.value,
            domain,
            host_only,
            path,
            secure: parsed.secure,
            expires: parsed.expires,
            created,
        };
        self.cookies.push(cookie);
        Ok((name, value, true))
    }

    fn matching(&self, url: &Url, now: Timestamp) -> Vec<&Cookie> {
        let host = url.host_str().unwrap_or_default();
        let trustworthy = is_trustworthy(url);
        let mut matching: Vec<&Cookie> = self
            .cookies
            .iter()
            .filter(|cookie| if cookie.host_only { cookie.domain == host } else { domain_matches(url, &cookie.domain) })
            .filter(|cookie| path_matches(url.path(), &cookie.path))
            .filter(|cookie| trustworthy || !cookie.secure)
            .filter(|cookie| cookie.expires.is_none_or(|expires| expires > now))
            .collect();
        // Longest path first, then the oldest first.
        matching.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        matching
    }

    /// The value of the `Cookie` header for a request to `url`; `None` for none.
    pub(super) fn header(&self, url: &Url, now: Timestamp) -> Option<Vec<u8>> {
        let mut header = Vec::new();
        for cookie in self.matching(url, now) {
            if !header.is_empty() {
                header.extend_from_slice(b"; ");
            }
            if !cookie.name.is_empty() {
                header.extend_from_slice(&cookie.name);
                header.push(b'=');
            }
            header.extend_from_slice(&cookie.value);
        }
        (!header.is_empty()).then_some(header)
    }

    /// The value of the cookie `name` that would be sent first to `url`.
    pub(super) fn value(&self, url: &Url, name: &str, now: Timestamp) -> Option<String> {
        let found = self.matching(url, now).into_iter().find(|cookie| cookie.name == name.as_bytes())?;
        Some(String::from_utf8_lossy(&found.value).into_owned())
    }

    /// The names of the cookies that would be sent to `url`.
    pub(super) fn names(&self, url: &Url, now: Timestamp) -> Vec<String> {
        self.matching(url, now).iter().map(|cookie| String::from_utf8_lossy(&cookie.name).into_owned()).collect()
    }

    /// A number that changes with the content of the jar; equal jars have equal numbers.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut parts: Vec<_> = self.cookies.iter().map(|c| (&c.domain, &c.path, &c.name, &c.value)).collect();
        parts.sort_unstable();
        let mut hasher = DefaultHasher::new();
        parts.hash(&mut hasher);
        hasher.finish()
    }
}

/// Whether an old cookie and a new one's domain reach common hosts.
fn overlaps(old: &Cookie, domain: &str) -> bool {
    old.domain == domain
        || old.domain.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        || domain.strip_suffix(old.domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether `Secure` cookies may travel: over https, and to the machine itself as browsers allow (Chrome and Firefox
/// treat localhost and loopback addresses as trustworthy).
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

fn is_address(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
}

/// RFC 6265 section 5.1.3.
fn domain_matches(url: &Url, domain: &str) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == domain || (!is_address(url) && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// RFC 6265 section 5.1.4.
fn path_matches(request: &str, cookie: &str) -> bool {
    request.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// RFC 6265 section 5.1.4: the directory of the request's path, without its final slash.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(at) => url.path()[..at].to_owned(),
    }
}

#[cfg(test)]
mod tests;
