//! Whether `pg_hba.conf` lets a role replicate from an address: the first line that matches decides, as in the server.

use std::net::IpAddr;

use super::snapshot::HostAccess;

/// What the file says; lines are numbers in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Let in by this line, given the right password.
    Granted(u32),
    /// Turned away by this line.
    Refused(u32),
    /// No line matches: turned away.
    Absent,
    /// This line may match: it depends on names, groups or patterns.
    Unsure(u32),
}

/// Whether a line matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matches {
    Yes,
    No,
    Perhaps,
}

/// How a standby may be protected on the way, by the `sslmode` and `gssencmode` of its connection string and by whether
/// the other side offers TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Protection {
    tls: Matches,
    gss: Matches,
}

impl Protection {
    pub(super) fn of(sslmode: Option<&str>, gssencmode: Option<&str>, tls_offered: Option<bool>) -> Self {
        let tls = match sslmode {
            Some("disable") => Matches::No,
            Some("require" | "verify-ca" | "verify-full") => Matches::Yes,
            // The client tries both ways.
            _ if tls_offered == Some(false) => Matches::No,
            _ => Matches::Perhaps,
        };
        let gss = if gssencmode == Some("disable") { Matches::No } else { Matches::Perhaps };
        Self { tls, gss }
    }

    /// Whether a connection so protected is one of a line's kind.
    fn is_of(self, kind: &str) -> Matches {
        let not = |matches| match matches {
            Matches::Yes => Matches::No,
            Matches::No => Matches::Yes,
            Matches::Perhaps => Matches::Perhaps,
        };
        match kind {
            "host" => Matches::Yes,
            "hostssl" => self.tls,
            "hostnossl" => not(self.tls),
            "hostgssenc" => self.gss,
            "hostnogssenc" => not(self.gss),
            _ => Matches::No,
        }
    }
}

/// What the lines say of a physical replication connection over TCP. A client that takes either protection tries the
/// other way when the first is turned away: it is let in if either is.
pub(super) fn admission(lines: &[HostAccess], user: &str, address: IpAddr, protection: Protection) -> Admission {
    if protection.tls != Matches::Perhaps {
        return decided(lines, user, address, protection);
    }
    let ways = [Matches::Yes, Matches::No].map(|tls| decided(lines, user, address, Protection { tls, ..protection }));
    match ways {
        [way @ Admission::Granted(_), _] | [_, way @ Admission::Granted(_)] => way,
        [way @ Admission::Unsure(_), _] | [_, way @ Admission::Unsure(_)] => way,
        [way @ Admission::Refused(_), _] | [_, way @ Admission::Refused(_)] => way,
        [Admission::Absent, Admission::Absent] => Admission::Absent,
    }
}

fn decided(lines: &[HostAccess], user: &str, address: IpAddr, protection: Protection) -> Admission {
    for line in lines.iter().filter(|line| !line.broken) {
        let kind = line.kind.as_deref().map_or(Matches::No, |kind| protection.is_of(kind));
        if !line.databases.iter().any(|name| name == "replication") {
            continue;
        }
        let all = [kind, of_user(&line.users, user), of_address(line, address)];
        if all.contains(&Matches::No) {
            continue;
        }
        return match line.method.as_deref() {
            _ if all.contains(&Matches::Perhaps) => Admission::Unsure(line.line),
            Some("reject") => Admission::Refused(line.line),
            _ => Admission::Granted(line.line),
        };
    }
    Admission::Absent
}

fn of_user(users: &[String], user: &str) -> Matches {
    if users.iter().any(|one| one == "all" || one == user) {
        Matches::Yes
    } else if users.iter().any(|one| one.starts_with(['+', '/'])) {
        Matches::Perhaps
    } else {
        Matches::No
    }
}

fn of_address(line: &HostAccess, address: IpAddr) -> Matches {
    let Some(said) = line.address.as_deref() else { return Matches::No };
    if said == "all" {
        return Matches::Yes;
    }
    if said == "samehost" && address.is_loopback() {
        return Matches::Yes;
    }
    let Ok(net) = said.parse::<IpAddr>() else { return Matches::Perhaps };
    let Some(mask) = line.mask.as_deref().and_then(|mask| mask.parse::<IpAddr>().ok()) else { return Matches::Perhaps };
    let same = match (net, mask, address) {
        (IpAddr::V4(net), IpAddr::V4(mask), IpAddr::V4(address)) => {
            net.to_bits() & mask.to_bits() == address.to_bits() & mask.to_bits()
        }
        (IpAddr::V6(net), IpAddr::V6(mask), IpAddr::V6(address)) => {
            net.to_bits() & mask.to_bits() == address.to_bits() & mask.to_bits()
        }
        _ => false,
    };
    if same { Matches::Yes } else { Matches::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u32, database: &str, user: &str, address: &str, mask: &str, method: &str) -> HostAccess {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        HostAccess {
            line: number,
            kind: text("host"),
            databases: vec![database.to_owned()],
            users: vec![user.to_owned()],
            address: text(address),
            mask: text(mask),
            method: text(method),
            broken: false,
        }
    }

    #[test]
    fn the_first_line_that_matches_decides() {
        let here: IpAddr = "10.0.0.5".parse().unwrap();
        let all = line(1, "all", "all", "0.0.0.0", "0.0.0.0", "trust");
        let good = line(2, "replication", "replicator", "10.0.0.0", "255.255.255.0", "scram-sha-256");
        let refusing = line(3, "replication", "all", "all", "", "reject");
        let group = line(4, "replication", "+standbys", "10.0.0.0", "255.0.0.0", "md5");
        let far = line(5, "replication", "replicator", "10.0.1.0", "255.255.255.0", "md5");
        let named = line(6, "replication", "replicator", ".internal", "", "md5");
        let broken = HostAccess { broken: true, ..good.clone() };
        let asked = |lines: &[&HostAccess]| {
            let lines: Vec<HostAccess> = lines.iter().map(|line| (*line).clone()).collect();
            admission(&lines, "replicator", here, Protection::of(None, None, None))
        };
        assert_eq!(asked(&[&all]), Admission::Absent, "'all' is not replication");
        assert_eq!(asked(&[&all, &good, &refusing]), Admission::Granted(2));
        assert_eq!(asked(&[&refusing, &good]), Admission::Refused(3));
        assert_eq!(asked(&[&far, &group, &good]), Admission::Unsure(4));
        assert_eq!(asked(&[&named]), Admission::Unsure(6));
        assert_eq!(asked(&[&broken, &far]), Admission::Absent);
    }

    #[test]
    fn the_protection_of_the_link_decides_which_lines_are_meant() {
        let here: IpAddr = "10.0.0.5".parse().unwrap();
        let of_kind = |number, kind: &str, method| HostAccess {
            kind: Some(kind.to_owned()),
            ..line(number, "replication", "replicator", "all", "", method)
        };
        let asked = |lines: &[HostAccess], sslmode, tls_offered| {
            admission(lines, "replicator", here, Protection::of(sslmode, None, tls_offered))
        };
        let tls_only = [of_kind(1, "hostnossl", "reject"), of_kind(2, "hostssl", "scram-sha-256")];
        assert_eq!(asked(&tls_only, None, None), Admission::Granted(2), "it may try with TLS");
        assert_eq!(asked(&tls_only, Some("verify-full"), None), Admission::Granted(2));
        assert_eq!(asked(&tls_only, Some("disable"), None), Admission::Refused(1));
        assert_eq!(asked(&tls_only, Some("prefer"), Some(false)), Admission::Refused(1), "no TLS is offered");
        let plain_only = [of_kind(1, "hostssl", "reject"), of_kind(2, "hostnossl", "scram-sha-256")];
        assert_eq!(asked(&plain_only, Some("require"), None), Admission::Refused(1));
        assert_eq!(asked(&plain_only, Some("prefer"), Some(true)), Admission::Granted(2));
        assert_eq!(asked(&[of_kind(3, "hostssl", "md5")], Some("disable"), None), Admission::Absent);
        assert_eq!(asked(&[of_kind(4, "local", "trust")], None, None), Admission::Absent);
        let kerberos = [of_kind(5, "hostgssenc", "gss"), of_kind(6, "host", "scram-sha-256")];
        assert_eq!(asked(&kerberos, None, None), Admission::Unsure(5));
        let off = Protection::of(None, Some("disable"), None);
        assert_eq!(admission(&kerberos, "replicator", here, off), Admission::Granted(6));
    }
}
