//! Looking again after a failed login: when an extra probe is due, and when to stop. Pure: the time is an argument.
//!
//! A single failure says little, and the next slot may be a minute away. Extra probes soon after it tell an outage from
//! a blip much earlier, for very few more logins (adaptive sampling with the charts of F17; dynamic-sampling CUSUM, Li
//! and Qiu). They are attempts 1, 2, .. of the slot that failed, so that a policy can leave them out, and they never
//! take a place from a slot.
//!
//! A service that asks to be left alone is left alone: after `throttled`, `challenge`, a locked or unusable account or a
//! refused credential nothing extra is tried before a login is good again. A wrong-password login is never repeated.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Due;
use crate::model::{AccountName, BadClass, Flow, FlowName, LostClass, Reprobe, RunKind, Verdict};

/// After the budget of an hour was found spent, so long passes before it is asked again.
const SPENT_WAIT: Duration = Duration::from_secs(30);

/// Why an extra probe that was due is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declined {
    /// It would take the last place of its flow or target, or of the rate that slots need.
    NoRoom,
    /// As many as allowed were made within the last hour.
    HourlyCap,
    /// The budget could not be written down.
    NoBudget,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoRoom => "no_room",
            Self::HourlyCap => "hourly_cap",
            Self::NoBudget => "no_budget",
        })
    }
}

/// What is looked at again, flow by flow.
#[derive(Debug, Default)]
pub(super) struct Pursuits {
    rules: Option<Reprobe>,
    flows: BTreeMap<FlowName, Watch>,
}

/// One flow.
#[derive(Debug)]
struct Watch {
    flow: Arc<Flow>,
    state: State,
    /// Extra probes that have not ended.
    under_way: u32,
}

#[derive(Debug)]
enum State {
    /// Nothing failed lately.
    Calm,
    /// A login failed.
    Pursued(Pursuit),
    /// The service said no: nothing extra before a good login.
    LeftAlone,
}

#[derive(Debug)]
struct Pursuit {
    /// The slot that failed last.
    failed: Due,
    last_attempt: u16,
    good_in_a_row: u32,
    /// When the next extra probe is due.
    next: Instant,
    /// The last failure was a timeout: waiting for one hanging probe after another would take too long.
    side_by_side: bool,
}

impl Pursuits {
    /// Goes on with these flows and rules. What is pursued stays so while its flow stays.
    pub(super) fn replace(&mut self, flows: &[Arc<Flow>], rules: Option<Reprobe>) {
        let mut old = std::mem::take(&mut self.flows);
        self.rules = rules;
        self.flows = flows
            .iter()
            .map(|flow| {
                let (state, under_way) = old.remove(&flow.name).map_or((State::Calm, 0), |watch| {
                    (if rules.is_some() { watch.state } else { State::Calm }, watch.under_way)
                });
                (flow.name.clone(), Watch { flow: Arc::clone(flow), state, under_way })
            })
            .collect();
    }

    /// Takes note of a run that has ended, scheduled or extra.
    pub(super) fn ended(&mut self, due: &Due, verdict: Verdict, now: Instant) {
        let Some(watch) = self.flows.get_mut(&due.flow.name).filter(|_| due.kind == RunKind::Login) else { return };
        if due.attempt > 0 {
            watch.under_way = watch.under_way.saturating_sub(1);
        }
        let Some(rules) = self.rules else { return };
        if says_no(verdict) {
            watch.state = State::LeftAlone;
            return;
        }
        match (verdict, &mut watch.state) {
            (Verdict::Good, State::LeftAlone) => watch.state = State::Calm,
            (Verdict::Good, State::Pursued(pursuit)) => {
                pursuit.good_in_a_row += 1;
                if pursuit.good_in_a_row >= rules.until_good {
                    watch.state = State::Calm;
                }
            }
            (Verdict::Bad(class), State::Pursued(pursuit)) => {
                pursuit.good_in_a_row = 0;
                pursuit.side_by_side = class == BadClass::Timeout;
                if due.attempt == 0 {
                    (pursuit.failed, pursuit.last_attempt) = (due.clone(), 0);
                }
            }
            (Verdict::Bad(class), State::Calm) => {
                watch.state = State::Pursued(Pursuit {
                    failed: due.clone(),
                    last_attempt: due.attempt,
                    good_in_a_row: 0,
                    next: now + rules.every,
                    side_by_side: class == BadClass::Timeout,
                });
            }
            // What the prober lost says nothing about the service.
            (Verdict::Lost(_), _) | (Verdict::Good, State::Calm) | (Verdict::Bad(_), State::LeftAlone) => {}
        }
    }

    /// The extra probes that are due. Each must end, or be declined.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Due> {
        let Some(rules) = self.rules else { return Vec::new() };
        self.flows.values_mut().filter_map(|watch| watch.take_due(rules, now)).collect()
    }

    /// An extra probe was not made. The next one gets its number.
    pub(super) fn declined(&mut self, due: &Due, why: Declined, now: Instant) {
        let Some(watch) = self.flows.get_mut(&due.flow.name) else { return };
        watch.under_way = watch.under_way.saturating_sub(1);
        if let State::Pursued(pursuit) = &mut watch.state {
            if pursuit.failed.slot == due.slot && pursuit.last_attempt == due.attempt {
                pursuit.last_attempt -= 1;
            }
            if why != Declined::NoRoom {
                pursuit.next = now + SPENT_WAIT;
            }
        }
    }
}

impl Watch {
    fn take_due(&mut self, rules: Reprobe, now: Instant) -> Option<Due> {
        let State::Pursued(pursuit) = &mut self.state else { return None };
        if pursuit.next > now || (self.under_way > 0 && !pursuit.side_by_side) {
            return None;
        }
        let attempt = pursuit.last_attempt.checked_add(1)?;
        (pursuit.last_attempt, pursuit.next) = (attempt, now + rules.every);
        self.under_way += 1;
        let account = next_account(&self.flow.accounts, pursuit.failed.account.as_ref(), attempt);
        Some(Due { flow: Arc::clone(&self.flow), attempt, account, ..pursuit.failed.clone() })
    }
}

/// Accounts take turns, so that no account meets all extra logins.
fn next_account(accounts: &[AccountName], first: Option<&AccountName>, attempt: u16) -> Option<AccountName> {
    let start = first.and_then(|first| accounts.iter().position(|account| account == first)).unwrap_or(0);
    let turn = (start + usize::from(attempt)).checked_rem(accounts.len())?;
    accounts.get(turn).cloned()
}

/// One more login would press a service that has said no, or bring an account nearer to its lock.
fn says_no(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Bad(
            BadClass::Throttled | BadClass::Challenge | BadClass::CredentialsRefused | BadClass::SecondFactorRefused
        ) | Verdict::Lost(LostClass::AccountLocked | LostClass::AccountUnusable)
    )
}
