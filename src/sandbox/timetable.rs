//! Decides for each connection and each request which rule strikes, if any.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;

use super::draw::Tickets;
use super::script::{Action, Credentials, Fault, Rule, Scope, Style};

/// The rules with the state of their draws.
pub(super) struct Timetable {
    entries: Vec<Entry>,
}

struct Entry {
    /// From 1, in the order of the script.
    number: usize,
    rule: Rule,
    tickets: Mutex<Tickets>,
}

/// What the draws said for one login, so that all requests of its session get the same answer.
#[derive(Debug, Default)]
pub(super) struct LoginTickets(Mutex<BTreeMap<usize, bool>>);

/// What is known of a request when its fate is decided.
pub(super) struct Facts<'a> {
    pub(super) elapsed: Duration,
    pub(super) client: IpAddr,
    pub(super) headers: &'a HeaderMap,
    pub(super) path: &'a str,
    pub(super) action: Action,
    pub(super) style: Option<Style>,
    pub(super) user: Option<&'a str>,
    pub(super) credentials: Option<Credentials>,
    /// Of the login that the request is, or that its session came from.
    pub(super) tickets: Option<&'a Arc<LoginTickets>>,
}

/// A rule that strikes.
#[derive(Debug, Clone)]
pub(super) struct Strike {
    pub(super) rule: usize,
    pub(super) fault: Fault,
}

impl Timetable {
    pub(super) fn new(rules: Vec<Rule>, seed: u64) -> Self {
        let entry = |(index, rule): (usize, Rule)| Entry {
            number: index + 1,
            tickets: Mutex::new(Tickets::new(rule.draw, seed, index)),
            rule,
        };
        Self { entries: rules.into_iter().enumerate().map(entry).collect() }
    }

    /// What strikes this request.
    pub(super) fn at_request(&self, facts: &Facts<'_>) -> Option<Strike> {
        let matching = self.entries.iter().filter(|entry| {
            entry.rule.in_force(facts.elapsed)
                && entry.rule.fault.can_show(facts.action, facts.style, facts.credentials)
                && matches(&entry.rule.scope, facts)
        });
        first_hit(matching, |entry| match facts.tickets {
            None => entry.draw(),
            Some(tickets) => {
                let mut drawn = tickets.0.lock().unwrap_or_else(PoisonError::into_inner);
                *drawn.entry(entry.number).or_insert_with(|| entry.draw())
            }
        })
    }

    /// What strikes this connection before its first request.
    pub(super) fn at_connection(&self, elapsed: Duration, client: IpAddr) -> Option<Strike> {
        let matching = self.entries.iter().filter(|entry| {
            entry.rule.in_force(elapsed)
                && entry.rule.fault.is_of_connections()
                && entry.rule.fault != Fault::Refuse
                && entry.rule.scope.client.is_none_or(|wanted| wanted == client)
        });
        first_hit(matching, Entry::draw)
    }

    /// Whether the listener is closed at this time.
    pub(super) fn is_closed(&self, elapsed: Duration) -> bool {
        self.closings().any(|rule| rule.in_force(elapsed))
    }

    /// The next time after `elapsed` at which the listener may have to be opened or closed.
    pub(super) fn next_change(&self, elapsed: Duration) -> Option<Duration> {
        self.closings().flat_map(|rule| [Some(rule.from), rule.to]).flatten().filter(|time| *time > elapsed).min()
    }

    fn closings(&self) -> impl Iterator<Item = &Rule> {
        self.entries.iter().map(|entry| &entry.rule).filter(|rule| rule.fault == Fault::Refuse)
    }
}

impl Entry {
    fn draw(&self) -> bool {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner).draw()
    }
}

fn first_hit<'a>(mut matching: impl Iterator<Item = &'a Entry>, hit: impl Fn(&Entry) -> bool) -> Option<Strike> {
    matching.find(|entry| hit(entry)).map(|entry| Strike { rule: entry.number, fault: entry.rule.fault.clone() })
}

fn matches(scope: &Scope, facts: &Facts<'_>) -> bool {
    let path_matches = |wanted: &str| match wanted.strip_suffix('*') {
        Some(prefix) => facts.path.starts_with(prefix),
        None => facts.path == wanted,
    };
    scope.style.is_none_or(|style| facts.style == Some(style))
        && scope.action.is_none_or(|action| facts.action == action)
        && scope.path.as_deref().is_none_or(path_matches)
        && scope.user.as_deref().is_none_or(|user| facts.user == Some(user))
        && scope.credentials.is_none_or(|credentials| facts.credentials == Some(credentials))
        && scope.client.is_none_or(|client| facts.client == client)
        && scope.header.as_ref().is_none_or(|(name, value)| {
            facts.headers.get_all(name).iter().any(|held| held.as_bytes() == value.as_bytes())
        })
}

#[cfg(test)]
mod tests {
    use super::super::script::Script;
    use super::*;

    fn timetable(text: &str) -> Timetable {
        let script = Script::parse(text).expect("a good script");
        Timetable::new(script.rules, script.seed)
    }

    fn strike(timetable: &Timetable, seconds: u64, change: impl FnOnce(&mut Facts<'_>)) -> Option<usize> {
        let headers = HeaderMap::new();
        let mut facts = Facts {
            elapsed: Duration::from_secs(seconds),
            client: IpAddr::from([127, 0, 0, 1]),
            headers: &headers,
            path: "/form/login",
            action: Action::Login,
            style: Some(Style::Form),
            user: Some("probe"),
            credentials: Some(Credentials::Right),
            tickets: None,
        };
        change(&mut facts);
        timetable.at_request(&facts).map(|strike| strike.rule)
    }

    #[test]
    fn a_rule_holds_from_its_start_until_before_its_end() {
        let timetable = timetable("rules: [{from: 20s, to: 40s, fault: challenge}]");
        let struck = |seconds| strike(&timetable, seconds, |_| ());
        assert_eq!([19, 20, 39, 40].map(struck), [None, Some(1), Some(1), None]);
    }

    #[test]
    fn the_first_rule_that_hits_wins() {
        let timetable = timetable(
            "rules:\n- {match: {style: json}, fault: reset}\n- {share: 0, fault: reset}\n- {match: {action: login}, \
             fault: challenge}\n- {fault: reset}\n",
        );
        assert_eq!(strike(&timetable, 0, |_| ()), Some(3));
        assert_eq!(strike(&timetable, 0, |facts| facts.style = Some(Style::Json)), Some(1));
        assert_eq!(strike(&timetable, 0, |facts| facts.action = Action::Session), Some(4));
    }

    #[test]
    fn every_part_of_a_scope_must_hold() {
        let timetable = timetable(
            "rules: [{match: {path: /form/*, user: probe, credentials: right, client: 127.0.0.1}, fault: reset}]",
        );
        assert_eq!(strike(&timetable, 0, |_| ()), Some(1));
        assert_eq!(strike(&timetable, 0, |facts| facts.path = "/two/login"), None);
        assert_eq!(strike(&timetable, 0, |facts| facts.user = Some("probe-2")), None);
        assert_eq!(strike(&timetable, 0, |facts| facts.credentials = Some(Credentials::Wrong)), None);
        assert_eq!(strike(&timetable, 0, |facts| facts.client = IpAddr::from([127, 0, 0, 2])), None);
    }

    #[test]
    fn a_header_must_have_the_whole_value() {
        let timetable = timetable("rules: [{match: {header: {name: X-Vantage, value: eu}}, fault: reset}]");
        let mut headers = HeaderMap::new();
        assert_eq!(strike(&timetable, 0, |_| ()), None);
        headers.insert("x-vantage", http::HeaderValue::from_static("europe"));
        let with = |headers: &HeaderMap| {
            timetable
                .at_request(&Facts {
                    elapsed: Duration::ZERO,
                    client: IpAddr::from([127, 0, 0, 1]),
                    headers,
                    path: "/",
                    action: Action::Other,
                    style: None,
                    user: None,
                    credentials: None,
                    tickets: None,
                })
                .is_some()
        };
        assert!(!with(&headers));
        headers.insert("x-vantage", http::HeaderValue::from_static("eu"));
        assert!(with(&headers));
    }

    #[test]
    fn all_requests_of_a_login_share_its_ticket() {
        let timetable = timetable("rules: [{exactly: 1 of 2, fault: challenge}]");
        let logins: Vec<Arc<LoginTickets>> = (0..100).map(|_| Arc::default()).collect();
        let fates = |action| {
            logins
                .iter()
                .map(|tickets| {
                    let headers = HeaderMap::new();
                    let facts = Facts {
                        elapsed: Duration::ZERO,
                        client: IpAddr::from([127, 0, 0, 1]),
                        headers: &headers,
                        path: "/",
                        action,
                        style: Some(Style::Form),
                        user: Some("probe"),
                        credentials: None,
                        tickets: Some(tickets),
                    };
                    timetable.at_request(&facts).is_some()
                })
                .collect::<Vec<bool>>()
        };
        let at_login = fates(Action::Login);
        assert_eq!(at_login.iter().filter(|hit| **hit).count(), 50);
        assert_eq!(fates(Action::Session), at_login);
        assert_eq!(fates(Action::Logout), at_login);
    }

    #[test]
    fn the_listener_follows_its_windows() {
        let timetable = timetable("rules:\n- {from: 2s, to: 4s, fault: refuse}\n- {from: 8s, fault: refuse}\n");
        let closed = |seconds| timetable.is_closed(Duration::from_secs(seconds));
        assert_eq!([1, 2, 3, 4, 8, 99].map(closed), [false, true, true, false, true, true]);
        let next = |seconds| timetable.next_change(Duration::from_secs(seconds)).map(|time| time.as_secs());
        assert_eq!([0, 2, 4, 8].map(next), [Some(2), Some(4), Some(8), None]);
    }

    #[test]
    fn connection_faults_do_not_strike_requests() {
        let timetable = timetable("rules: [{match: {client: 127.0.0.2}, fault: reset_on_accept}]");
        assert_eq!(strike(&timetable, 0, |facts| facts.client = IpAddr::from([127, 0, 0, 2])), None);
        let at = |last| timetable.at_connection(Duration::ZERO, IpAddr::from([127, 0, 0, last])).is_some();
        assert!(at(2) && !at(1));
    }
}
