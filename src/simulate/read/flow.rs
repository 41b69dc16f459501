//! Who probes, and what a login consists of.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::super::script::{SimulatedFlow, SimulatedStep, SimulatedVantage};
use super::super::written::{Written, WrittenFlow, WrittenRole, WrittenStep};
use super::{Given, Reader};
use crate::model::{FlowName, Micros, Revision, StepName, StepRole, Vantage, VantageName};

const MILLISECOND: u64 = 1_000;

impl SimulatedFlow {
    /// A flow of three steps with usual times: open, submit, and the account page as proof of identity.
    #[must_use]
    pub fn usual(name: FlowName, interval: Duration) -> Self {
        let step = |name: &str, role, wait: u64, hops| {
            StepName::new(name).ok().map(|name| SimulatedStep { name, role, wait: Micros(wait * MILLISECOND), hops })
        };
        let steps = [
            step("open", StepRole::Login, 60, 1),
            step("submit", StepRole::Login, 110, 2),
            step("account", StepRole::Identity, 40, 1),
        ];
        Self {
            revision: Revision::of(format!("simulated {name}").as_bytes()),
            name,
            interval,
            timeout: Duration::from_secs(10),
            background: 0.0,
            lost: 0.0,
            accounts: 1,
            spread: 0.25,
            dns: Micros(4 * MILLISECOND),
            connect: Micros(18 * MILLISECOND),
            tls: Micros(36 * MILLISECOND),
            receive: Micros(MILLISECOND),
            steps: steps.into_iter().flatten().collect(),
        }
    }
}

impl Reader {
    pub(super) fn vantages(&mut self, written: &Written, given: &Given) -> Vec<SimulatedVantage> {
        let Some(list) = written.vantages.as_ref().filter(|list| !list.value.is_empty()) else {
            if given.vantages.is_empty() {
                self.mistakes
                    .note_whole("`vantages` are missing; name at least one: `vantages: [{ name: frankfurt }]`");
            }
            return given.vantages.clone();
        };
        let mut seen = BTreeSet::new();
        let mut places = Vec::new();
        for place in &list.value {
            let pace = place.pace.as_ref().map_or(1.0, |pace| self.at_least(pace, 0.01));
            let new = self.is_new(&mut seen, &place.name, "vantage");
            match VantageName::new(&place.name.value) {
                Ok(name) if new => {
                    places.push(SimulatedVantage { vantage: Vantage { name, labels: place.labels.clone() }, pace });
                }
                Ok(_) => {}
                Err(why) => self.mistakes.note(&place.name, format!("{:?} is no name: {why}", place.name.value)),
            }
        }
        places
    }

    pub(super) fn flows(&mut self, written: &Written, given: &Given) -> Vec<SimulatedFlow> {
        let Some(list) = written.flows.as_ref().filter(|list| !list.value.is_empty()) else {
            if given.flows.is_empty() {
                let help = "`flows` are missing; name at least one: `flows: [{ name: shop-login, interval: 60s }]`";
                self.mistakes.note_whole(help);
            }
            return given.flows.clone();
        };
        let mut seen = BTreeSet::new();
        let mut flows = Vec::new();
        for flow in &list.value {
            let new = self.is_new(&mut seen, &flow.name, "flow");
            flows.extend(self.flow(flow).filter(|_| new));
        }
        flows
    }

    fn flow(&mut self, written: &WrittenFlow) -> Option<SimulatedFlow> {
        let name = FlowName::new(&written.name.value);
        if let Err(why) = &name {
            self.mistakes.note(&written.name, format!("{:?} is no name: {why}", written.name.value));
        }
        let interval = self.some_time(&written.interval);
        let mut flow = SimulatedFlow::usual(name.ok()?, interval);
        if let Some(timeout) = &written.timeout {
            flow.timeout = self.some_time(timeout);
        }
        if let Some(share) = &written.background {
            flow.background = self.mistakes.share(share);
        }
        if let Some(share) = &written.lost {
            flow.lost = self.mistakes.share(share);
        }
        if let Some(accounts) = &written.accounts {
            flow.accounts = accounts.value;
            if !(1..=10_000).contains(&accounts.value) {
                self.mistakes.note(accounts, format!("{} accounts; write a number from 1 to 10000", accounts.value));
            }
        }
        if let Some(spread) = &written.spread {
            flow.spread = self.at_least(spread, 0.0);
        }
        let network = &written.network;
        for (time, written) in [
            (&mut flow.dns, &network.dns),
            (&mut flow.connect, &network.connect),
            (&mut flow.tls, &network.tls),
            (&mut flow.receive, &network.receive),
        ] {
            if let Some(written) = written {
                *time = Micros::from(self.mistakes.duration(written));
            }
        }
        if let Some(steps) = &written.steps {
            flow.steps = self.steps(steps);
        }
        // Runs of another shape are runs of another revision.
        flow.revision = Revision::of(format!("simulated {:?}", (&flow.name, flow.interval, &flow.steps)).as_bytes());
        Some(flow)
    }

    fn steps(&mut self, written: &Spanned<Vec<WrittenStep>>) -> Vec<SimulatedStep> {
        if written.value.is_empty() {
            self.mistakes
                .note(written, "steps is empty; name at least one step, or leave steps out for the usual ones");
        }
        let mut seen = BTreeSet::new();
        let mut steps = Vec::new();
        for step in &written.value {
            self.is_new(&mut seen, &step.name, "step");
            let role = match step.role {
                WrittenRole::Login => StepRole::Login,
                WrittenRole::Identity => StepRole::Identity,
                WrittenRole::Logout => StepRole::Logout,
            };
            let wait = Micros::from(self.mistakes.duration(&step.wait));
            let hops = step.hops.as_ref().map_or(1, |hops| {
                if !(1..=20).contains(&hops.value) {
                    self.mistakes.note(hops, format!("{} hops; write a number from 1 to 20", hops.value));
                }
                hops.value
            });
            match StepName::new(&step.name.value) {
                Ok(name) => steps.push(SimulatedStep { name, role, wait, hops }),
                Err(why) => self.mistakes.note(&step.name, format!("{:?} is no name: {why}", step.name.value)),
            }
        }
        steps
    }

    /// A duration above zero.
    fn some_time(&mut self, written: &Spanned<String>) -> Duration {
        let before = self.mistakes.len();
        let time = self.mistakes.duration(written);
        if time.is_zero() && self.mistakes.len() == before {
            self.mistakes.note(written, format!("{:?} is no time at all; write one such as 60s", written.value));
        }
        time
    }
}
