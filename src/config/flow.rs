//! A flow document to a [`Flow`], with all defaults filled in.

use crate::model::{
    AccountName, AddressFamily, ClientIdentity, ExchangeLimits, Flow, Negative, Network, RunLimits, Sign, SignMeaning,
    Template, TemplateError, Variables,
};

use super::diagnostic::{Findings, Problem};
use super::rules;
use super::site::{one_word, resolve};
use super::suggest::suggest;
use super::tables_flow::{CLIENT_CERTIFICATE, EXPECT, FLOW, NEGATIVE, NETWORK, RUN_LIMITS, SIGNS};
use super::view::{View, read_key, read_scalar};
use super::yaml::Node;
use super::{revision, values};

/// What a flow needs while it is built.
pub(super) struct Builder<'f> {
    pub(super) findings: &'f mut Findings,
    /// Plain variables of the flow.
    pub(super) variables: Variables,
    /// All names that a template may hold at this point, in the order they came to be known.
    pub(super) known: Vec<String>,
    /// Names that some step captures, whether or not it came by already.
    pub(super) captured: Vec<String>,
}

/// So many runs of one flow may be under way at once at one vantage.
const MOST_AT_ONCE: u64 = 1000;

/// Builds a flow. Every mistake is noted; `None` when there was one that leaves a gap.
pub(super) fn build(root: &Node, site_accounts: &[&str], findings: &mut Findings) -> Option<Flow> {
    let view = View::of(&FLOW, root);
    let name = view.read("name", values::name, findings);
    let description = view.read("description", values::any_text, findings);
    let interval = view.read("interval", values::duration, findings);
    let limits = run_limits(view, findings);
    let overlap = match (view.has("overlap"), interval, &limits) {
        (false, Some(interval), Some(limits)) => {
            Some(rules::overlap_needed(limits.timeout, interval).min(MOST_AT_ONCE))
        }
        (false, ..) => None,
        (true, ..) => view.read("overlap", |text| values::integer(text, 1, MOST_AT_ONCE), findings),
    };
    let network = network(view, findings);
    let accounts = accounts(view, site_accounts, findings);
    let mut variables = std::collections::BTreeMap::new();
    let mut filling = Variables::default();
    for entry in view.entries("variables") {
        let name = read_key(entry, values::variable_name, findings);
        let value = read_scalar(&entry.value, false, values::any_text, findings);
        if let (Some(name), Some(value)) = (name, value) {
            filling.set(&name, &value);
            variables.insert(name, value);
        }
    }
    let mut known: Vec<String> = variables.keys().cloned().collect();
    if !accounts.is_empty() || view.has("account") || view.has("accounts") {
        known.extend(["username", "password", "account"].map(str::to_owned));
    }
    let captured = view.items("steps").iter().filter_map(|step| step.get("capture")).flat_map(Node::entries);
    let captured = captured.map(|entry| entry.key.clone()).collect();
    let mut builder = Builder { findings, variables: filling, known, captured };
    let negative = builder.negative(view, site_accounts, &accounts);
    let steps = builder.steps(view);
    let signs = builder.signs(view);
    rules::check(view, &steps, &accounts, builder.findings);
    let flow = Flow {
        name: name?,
        description: description?,
        revision: revision::of(root),
        interval: interval?,
        limits: limits?,
        network: network?,
        variables,
        accounts,
        steps: steps.into_iter().collect::<Option<_>>()?,
        signs,
        negative: negative?,
        overlap: overlap? as u32,
    };
    rules::check_times(view, &flow, findings);
    Some(flow)
}

fn run_limits(view: View<'_>, findings: &mut Findings) -> Option<RunLimits> {
    let timeout = view.read("timeout", values::duration, findings);
    let view = view.object("limits", &RUN_LIMITS);
    let mut bytes = |name| view.read(name, |text| values::integer(text, 1024, 1024 * 1024 * 1024), findings);
    let (head_bytes, body_bytes) = (bytes("head_bytes"), bytes("body_bytes"));
    let hops_per_step = view.read("hops_per_step", |text| values::integer(text, 1, 1000), findings);
    let cookies = view.read("cookies", |text| values::integer(text, 1, 100_000), findings);
    Some(RunLimits {
        timeout: timeout?,
        hops_per_step: hops_per_step? as u16,
        cookies: cookies? as usize,
        exchange: ExchangeLimits { head_bytes: head_bytes? as usize, body_bytes: body_bytes? as usize },
    })
}

fn network(view: View<'_>, findings: &mut Findings) -> Option<Network> {
    const FAMILIES: &[(&str, AddressFamily)] =
        &[("any", AddressFamily::Any), ("ipv4", AddressFamily::V4), ("ipv6", AddressFamily::V6)];
    let view = view.object("network", &NETWORK);
    let family = view.read("family", one_word(FAMILIES), findings);
    let resolver = view.read("resolver", values::socket_address, findings);
    let proxy = view.read("proxy", proxy, findings);
    let no_proxy = view.read_all("no_proxy", values::text, findings);
    let authorities = view.read_each("certificate_authorities", values::text, findings);
    let certificate_authorities: Vec<_> = authorities.iter().map(|(text, node)| resolve(node, text)).collect();
    let only_these_authorities = view.read("only_these_authorities", values::boolean, findings);
    if let (Some(true), true, Some(node)) =
        (only_these_authorities, certificate_authorities.is_empty(), view.node("only_these_authorities"))
    {
        let problem = Problem::new("no authority is trusted at all").help("name some in certificate_authorities");
        findings.error(&node.place, problem);
    }
    if let (false, None, Some(node)) = (no_proxy.is_empty(), &proxy, view.node("no_proxy")) {
        findings.warning(&node.place, "there is no proxy to bypass");
    }
    let certificate = view.object("client_certificate", &CLIENT_CERTIFICATE);
    let mut file = |name| {
        let text = certificate.read(name, values::text, findings)?;
        Some(resolve(certificate.node(name)?, &text))
    };
    let client_identity = file("certificate").zip(file("key"));
    let http1_only = view.read("http1_only", values::boolean, findings);
    Some(Network {
        family: family?,
        resolver,
        proxy,
        no_proxy,
        certificate_authorities,
        only_these_authorities: only_these_authorities?,
        client_identity: client_identity.map(|(certificate, key)| ClientIdentity { certificate, key }),
        http1_only: http1_only?,
    })
}

fn proxy(text: &str) -> Result<url::Url, Problem> {
    match values::web_url(text)? {
        url if url.scheme() != "http" => {
            Err(Problem::new("is no http:// proxy").help("write http://host:port; https traffic goes through CONNECT"))
        }
        url if url.password().is_some() => {
            Err(Problem::new("holds a password").help("use a proxy that trusts this host"))
        }
        url => Ok(url),
    }
}

/// The accounts of `account` or `accounts`, which must exist.
fn accounts(view: View<'_>, site_accounts: &[&str], findings: &mut Findings) -> Vec<AccountName> {
    if let (Some(node), true) = (view.node("account"), view.has("accounts")) {
        findings
            .error(&node.place, Problem::new("'account' and 'accounts' stand side by side").help("keep 'accounts'"));
    }
    let single = view.read_each("account", values::name, findings);
    let listed = view.read_each("accounts", values::name, findings);
    known_accounts(single.into_iter().chain(listed).collect(), site_accounts, findings)
}

fn known_accounts(
    named: Vec<(AccountName, &Node)>,
    site_accounts: &[&str],
    findings: &mut Findings,
) -> Vec<AccountName> {
    let mut accounts: Vec<AccountName> = Vec::new();
    for (name, node) in named {
        if !site_accounts.contains(&name.as_str()) {
            let help = match suggest(name.as_str(), site_accounts.iter().copied()) {
                Some(help) => help,
                None => format!("describe it in doorstep.yaml: accounts: {{{name}: {{username: .., password: ..}}}}"),
            };
            findings.error(&node.place, Problem::new(format!("no account is called '{name}'")).help(help));
        } else if accounts.contains(&name) {
            findings.error(&node.place, format!("the account '{name}' is here twice"));
        }
        accounts.push(name);
    }
    accounts
}

impl Builder<'_> {
    /// A text with holes that are all known.
    pub(super) fn template(&mut self, node: &Node) -> Option<Template> {
        self.template_of(node, false)
    }

    fn template_of(&mut self, node: &Node, private: bool) -> Option<Template> {
        let template = read_scalar(node, private, parse_template, self.findings)?;
        self.check_holes(&template, node);
        Some(template)
    }

    /// Notes each hole that nothing fills.
    pub(super) fn check_holes(&mut self, template: &Template, node: &Node) {
        for hole in template.holes().filter(|hole| !self.known.iter().any(|known| known == hole)) {
            let known = self.known.iter().map(String::as_str);
            let problem = if self.captured.iter().any(|name| name == hole) {
                Problem::new(format!("the variable '{hole}' is not captured before a later step"))
                    .help("a capture is there from the next step on")
            } else if matches!(hole, "username" | "password" | "account") {
                Problem::new(format!("'{{{{ {hole} }}}}' needs an account, and the flow has none"))
                    .help("add: accounts: [NAME]")
            } else {
                Problem::new(format!("nothing sets the variable '{hole}'")).maybe_help(suggest(hole, known))
            };
            self.findings.error(&node.place, problem);
        }
    }

    fn signs(&mut self, view: View<'_>) -> Vec<Sign> {
        const MEANINGS: [(&str, SignMeaning); 6] = [
            ("refused", SignMeaning::Refused),
            ("second_factor_refused", SignMeaning::SecondFactorRefused),
            ("throttled", SignMeaning::Throttled),
            ("challenge", SignMeaning::Challenge),
            ("account_locked", SignMeaning::AccountLocked),
            ("account_unusable", SignMeaning::AccountUnusable),
        ];
        let view = view.object("signs", &SIGNS);
        let mut signs = Vec::new();
        for (name, meaning) in MEANINGS {
            for node in view.items(name) {
                if let Some(user) = node.entry("user") {
                    self.findings.error(&user.key_place, "a sign cannot ask who is logged in");
                }
                let marks = self.expectations(view.within(node, &EXPECT));
                if marks.is_empty() && !self.findings.has_error_at(&node.place) {
                    self.findings.error(&node.place, "a sign without marks would be seen in every answer");
                }
                signs.push(Sign { meaning, marks });
            }
        }
        signs
    }

    /// `None` for a mistake; `Some(None)` for a flow without a negative login.
    #[expect(clippy::option_option, reason = "a mistake and an absence are two things here")]
    fn negative(
        &mut self,
        flow: View<'_>,
        site_accounts: &[&str],
        flow_accounts: &[AccountName],
    ) -> Option<Option<Negative>> {
        if !flow.has("negative") {
            return Some(None);
        }
        let view = flow.object("negative", &NEGATIVE);
        let password = match view.node("password") {
            Some(node) => self.template_of(node, true),
            None => view.read("password", parse_template, self.findings),
        };
        if let (Some(password), Some(node)) = (&password, view.node("password"))
            && password.holes().any(|hole| hole == "password")
        {
            self.findings.error(&node.place, "the wrong password cannot be made of the right one");
        }
        let named = view.read_each("accounts", values::name, self.findings);
        let mut accounts = known_accounts(named, site_accounts, self.findings);
        if accounts.is_empty() {
            accounts = flow_accounts.to_vec();
        }
        let interval = view.read("interval", values::duration, self.findings);
        let per_hour = view.read("per_hour", |text| values::integer(text, 1, 60), self.findings);
        Some(Some(Negative { password: password?, accounts, interval: interval?, per_hour: per_hour? as u32 }))
    }
}

/// Text to a template.
pub(super) fn parse_template(text: &str) -> Result<Template, Problem> {
    Template::parse(text).map_err(|why| match why {
        TemplateError::Unclosed => Problem::new("opens '{{' and does not close it").help("write {{ name }}"),
        TemplateError::BadName(name) if name.is_empty() => {
            Problem::new("holds '{{ }}' without a variable's name").help("write {{ name }}")
        }
        TemplateError::BadName(name) => Problem::new(format!("holds '{{{{ {name} }}}}', which names no variable"))
            .help("between the braces stand letters, digits, '_' and '.'"),
    })
}
