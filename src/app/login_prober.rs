//! Real logins for the worker: each flow's way to the network and the accounts' secrets, ready before the first run.

use std::collections::BTreeMap;

use crate::clock::Clock;
use crate::config::Site;
use crate::login::{self, Credentials, Order};
use crate::model::{Account, AccountName, FlowName, LostClass, Network, Run, VantageName};
use crate::net::{SetupError, Transport};
use crate::secrets;
use crate::worker::{Due, Prober};

/// A flow whose network settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the network settings of flow {flow} cannot be used")]
pub struct ProberError {
    flow: FlowName,
    source: Box<SetupError>,
}

/// Makes runs of the flows of one configuration.
pub struct LoginProber {
    clock: Clock,
    transports: BTreeMap<FlowName, Transport>,
    /// The reason where there is no secret.
    credentials: BTreeMap<AccountName, Result<Credentials, String>>,
}

impl LoginProber {
    /// Reads certificate files and secrets. A missing secret is told to the log and loses the runs that need it; it does
    /// not keep other flows from running.
    ///
    /// # Errors
    /// [`ProberError`] names the flow whose network settings cannot be used.
    pub async fn new(site: &Site, clock: Clock) -> Result<Self, ProberError> {
        let mut transports = BTreeMap::new();
        // Flows mostly share their settings, and each way to the network holds the system's authorities.
        let mut made: Vec<(&Network, Transport)> = Vec::new();
        for flow in &site.flows {
            let known = made.iter().find(|(network, _)| **network == flow.network);
            let transport = if let Some((_, transport)) = known {
                transport.clone()
            } else {
                let transport = Transport::new(&flow.network, site.limits.private_addresses)
                    .map_err(|source| ProberError { flow: flow.name.clone(), source: Box::new(source) })?;
                made.push((&flow.network, transport.clone()));
                transport
            };
            transports.insert(flow.name.clone(), transport);
        }
        Ok(Self { clock, transports, credentials: credentials(&site.accounts).await })
    }

    fn lost(&self, due: Due, class: LostClass, reason: String) -> Run {
        let identity = (due.kind, due.flow.name.clone(), due.flow.revision.clone(), due.vantage, due.slot);
        Run { account: due.account, ..Run::never_began(identity, self.clock.now(), class, reason) }
            .as_attempt(due.attempt)
    }
}

impl Prober for LoginProber {
    async fn run(&self, due: Due) -> Run {
        let Some(transport) = self.transports.get(&due.flow.name) else {
            return self.lost(due, LostClass::Internal, "a defect of Doorstep: the flow has no transport".to_owned());
        };
        let credentials = match due.account.as_ref().map(|account| self.credentials.get(account)) {
            None => None,
            Some(Some(Ok(credentials))) => Some(credentials),
            Some(Some(Err(reason))) => {
                let reason = reason.clone();
                return self.lost(due, LostClass::AccountUnusable, reason);
            }
            Some(None) => {
                return self.lost(due, LostClass::AccountUnusable, "the account is not configured".to_owned());
            }
        };
        let order = Order {
            flow: &due.flow,
            kind: due.kind,
            vantage: VantageName::clone(&due.vantage),
            slot: due.slot,
            attempt: due.attempt,
            credentials,
            transport,
        };
        login::run(&order, &self.clock).await
    }
}

/// Resolves all secrets at once, since a command may take its time.
async fn credentials(accounts: &[Account]) -> BTreeMap<AccountName, Result<Credentials, String>> {
    let mut pending = Vec::new();
    for account in accounts {
        let source = account.password.clone();
        pending.push((account, tokio::task::spawn_blocking(move || secrets::resolve(&source))));
    }
    let mut resolved = BTreeMap::new();
    for (account, secret) in pending {
        let password = match secret.await {
            Ok(Ok(password)) => Ok(password),
            Ok(Err(error)) => Err(crate::model::chain(&error)),
            Err(_) => Err("a defect of Doorstep: reading the secret panicked".to_owned()),
        };
        let credentials =
            password.map_err(|why| format!("account {} has no password: {why}", account.name)).map(|password| {
                Credentials { account: account.name.clone(), username: account.username.clone(), password }
            });
        if let Err(reason) = &credentials {
            tracing::error!(account = %account.name, "{reason}; its runs will be lost(account_unusable)");
        }
        resolved.insert(account.name.clone(), credentials);
    }
    resolved
}
