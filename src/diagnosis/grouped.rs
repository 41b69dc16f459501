//! Whether failing went by account or with the load: the same logins in groups, each with its share, and whether the groups
//! differ by more than chance. Two logins of one user wait for each other where the first holds a row that the second
//! writes (measured: behind a commit that hangs, the second fails of a lock after its statement_timeout). The load is that
//! of the stated or logged demand; probes themselves are none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Share};
use crate::model::{AccountName, FlowName, Run, RunKind, Verdict};
use crate::slo::{Interval, Tally, difference};

/// One login of an incident, with what the groups need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupedLogin {
    /// The flow.
    pub flow: FlowName,
    /// The account; `None` for a flow without one.
    pub account: Option<AccountName>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether it failed.
    pub failed: bool,
}

impl GroupedLogin {
    /// A run as one of the scheduled logins with a verdict of an incident; `None` for any other.
    #[must_use]
    pub fn of(run: &Run, incident: &Incident) -> Option<Self> {
        let scheduled = run.kind == RunKind::Login && run.attempt == 0 && incident.flows.contains(&run.flow);
        let within = incident.first_failing <= run.started && run.started <= incident.end.earliest;
        let failed = match run.verdict {
            Verdict::Good => false,
            Verdict::Bad(_) => true,
            Verdict::Lost(_) => return None,
        };
        let ended = run.started.checked_add(std::time::Duration::from(run.elapsed)).ok()?;
        let (flow, account) = (run.flow.clone(), run.account.clone());
        (scheduled && within).then_some(Self { flow, account, started: run.started, ended, failed })
    }
}

/// Two groups of the same logins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    /// Failing ones of the group that should fail more.
    pub more: Share,
    /// Failing ones of the other.
    pub less: Share,
    /// The interval of the difference of the two shares (Newcombe); `None` where a group is empty.
    pub difference: Option<Interval>,
}

impl Groups {
    fn new(more: &[bool], less: &[bool], confidence: f64) -> Self {
        let failing = |group: &[bool]| group.iter().filter(|failed| **failed).count() as u64;
        let share = |group: &[bool]| Share::new(group.len() as u64, failing(group), confidence);
        // What is "good" to the tally is a failing login here.
        let tally = |group: &[bool]| Tally { good: failing(group), bad: group.len() as u64 - failing(group) };
        let difference = difference(tally(more), tally(less), confidence).map(|(_, interval)| interval);
        Self { more: share(more), less: share(less), difference }
    }

    /// Whether the first group failed more than chance would have it.
    #[must_use]
    pub fn differ(&self) -> bool {
        self.difference.is_some_and(|interval| interval.low > 0.0)
    }
}

/// The failing share of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountShare {
    /// The account.
    pub account: AccountName,
    /// Failing ones among its logins.
    pub failing: Share,
}

/// How failing went by account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ByAccount {
    /// Each account, by name.
    pub accounts: Vec<AccountShare>,
    /// The account that failed most against all others, at a confidence that allows for the choice among them; `None`
    /// with one account alone.
    pub worst: Option<Groups>,
    /// Logins that began while another login of the same account was under way, against those that did not; of accounts
    /// alone that had both, with good ones and failed ones among them. A login that hangs is under way for longer: where
    /// a part of the accounts always fails, all that meet another are of that part.
    pub together: Groups,
}

/// A part of the accounts that failed at every login, while others got in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedPart {
    /// The accounts that failed every time, more than by chance.
    pub always: usize,
    /// All accounts.
    pub of: usize,
    /// Logins of those accounts: all failed.
    pub logins: u64,
}

impl ByAccount {
    /// The part of the accounts that failed every time: two at least, each with a failing share above that of all logins
    /// by its interval. `None` where there is none, or where no account is left that got in.
    #[must_use]
    pub fn fixed_part(&self) -> Option<FixedPart> {
        let (failing, n) =
            self.accounts.iter().fold((0, 0), |(failing, n), one| (failing + one.failing.failing, n + one.failing.n));
        if failing == n {
            return None;
        }
        let overall = failing as f64 / n as f64;
        let above = |one: &&AccountShare| one.failing.interval.is_some_and(|interval| interval.low > overall);
        let always: Vec<&AccountShare> =
            self.accounts.iter().filter(|one| one.failing.failing == one.failing.n).filter(above).collect();
        (always.len() > 1).then(|| FixedPart {
            always: always.len(),
            of: self.accounts.len(),
            logins: always.iter().map(|one| one.failing.n).sum(),
        })
    }
}

/// How failing went with the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByLoad {
    /// Logins at the higher loads against those at the lower ones.
    Known {
        /// The groups.
        groups: Groups,
        /// The load that parts them, in sign-ins per hour: the median over the logins.
        parted_at: f64,
        /// The lowest and the highest load, in sign-ins per hour.
        between: (f64, f64),
        /// Where the load comes from.
        source: String,
    },
    /// Not quantifiable, because of this.
    NotQuantifiable(String),
}

/// Below this ratio of the highest load to the lowest, nothing can be said to grow with it.
const VARIED: f64 = 1.25;

/// By account; `None` where no login used one.
pub(super) fn by_account(logins: &[GroupedLogin], confidence: f64) -> Option<ByAccount> {
    let mut by_name: BTreeMap<&AccountName, Vec<&GroupedLogin>> = BTreeMap::new();
    for login in logins {
        by_name.entry(login.account.as_ref()?).or_default().push(login);
    }
    if by_name.is_empty() {
        return None;
    }
    let failing = |all: &[&GroupedLogin]| all.iter().filter(|login| login.failed).count();
    let share = |all: &[&GroupedLogin]| Share::new(all.len() as u64, failing(all) as u64, confidence);
    let accounts: Vec<AccountShare> = by_name
        .iter()
        .map(|(account, all)| AccountShare { account: (*account).clone(), failing: share(all) })
        .collect();
    let of = |share: &Share| share.share.unwrap_or(0.0);
    let worst = accounts.iter().max_by(|one, other| of(&one.failing).total_cmp(&of(&other.failing)));
    let worst = worst.filter(|_| accounts.len() > 1).map(|worst| {
        let its = |login: &&GroupedLogin| login.account.as_ref() == Some(&worst.account);
        let (its, others): (Vec<&GroupedLogin>, Vec<&GroupedLogin>) = logins.iter().partition(its);
        let failed = |all: Vec<&GroupedLogin>| all.iter().map(|login| login.failed).collect::<Vec<_>>();
        // Bonferroni: the worst of so many looks bad by chance.
        let chosen = 1.0 - (1.0 - confidence) / accounts.len() as f64;
        Groups::new(&failed(its), &failed(others), chosen)
    });
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for all in by_name.values_mut() {
        all.sort_by_key(|login| login.started);
        let (mut its_together, mut its_alone) = (Vec::new(), Vec::new());
        // When the last login that began before ended: whoever begins earlier than that is not alone.
        let mut under_way = Timestamp::MIN;
        for login in all.iter() {
            let group = if login.started < under_way { &mut its_together } else { &mut its_alone };
            group.push(login.failed);
            under_way = under_way.max(login.ended);
        }
        let failed = all.iter().filter(|login| login.failed).count();
        if !its_together.is_empty() && !its_alone.is_empty() && failed > 0 && failed < all.len() {
            together.extend(its_together);
            alone.extend(its_alone);
        }
    }
    Some(ByAccount { accounts, worst, together: Groups::new(&together, &alone, confidence) })
}

/// The load at an instant, in sign-ins per hour, and where it comes from.
pub type Load<'a> = (&'a dyn Fn(Timestamp) -> f64, &'a str);

/// With the load, or why that is not quantifiable.
pub(super) fn by_load(logins: &[GroupedLogin], load: Result<Load<'_>, &str>, confidence: f64) -> ByLoad {
    let (rate, source) = match load {
        Ok(load) => load,
        Err(why) => return ByLoad::NotQuantifiable(why.to_owned()),
    };
    let mut rates: Vec<(f64, bool)> = logins.iter().map(|login| (rate(login.started), login.failed)).collect();
    rates.retain(|(rate, _)| rate.is_finite());
    rates.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (Some((lowest, _)), Some((highest, _))) = (rates.first().copied(), rates.last().copied()) else {
        return ByLoad::NotQuantifiable("no login had a load that is known".to_owned());
    };
    if highest < lowest * VARIED || highest <= 0.0 {
        return ByLoad::NotQuantifiable(format!(
            "the load hardly changed meanwhile: {lowest:.0} to {highest:.0} sign-ins per hour ({source})"
        ));
    }
    let middle = rates[rates.len() / 2].0;
    // The rate is constant for an hour: logins at the median itself go where they leave two groups.
    let parted_at = if middle > lowest { middle } else { next_above(&rates, middle) };
    let (more, less): (Vec<_>, Vec<_>) = rates.iter().partition(|(rate, _)| *rate >= parted_at);
    let failed = |group: Vec<(f64, bool)>| group.into_iter().map(|(_, failed)| failed).collect::<Vec<_>>();
    let groups = Groups::new(&failed(more), &failed(less), confidence);
    ByLoad::Known { groups, parted_at, between: (lowest, highest), source: source.to_owned() }
}

/// The next load above one; itself where there is none.
fn next_above(rates: &[(f64, bool)], than: f64) -> f64 {
    rates.iter().map(|(rate, _)| *rate).find(|rate| *rate > than).unwrap_or(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn login(account: &str, second: i64, lasts: i64, failed: bool) -> GroupedLogin {
        GroupedLogin {
            flow: FlowName::new("shop").unwrap(),
            account: Some(AccountName::new(account).unwrap()),
            started: at(second),
            ended: at(second + lasts),
            failed,
        }
    }

    #[test]
    fn one_account_that_fails_is_told_from_all_that_fail_alike() {
        let one: Vec<_> =
            (0..60).map(|index| login(["a", "b"][index % 2], index as i64 * 60, 1, index % 2 == 0)).collect();
        let found = by_account(&one, 0.95).unwrap();
        let shares: Vec<_> =
            found.accounts.iter().map(|it| (it.account.as_str(), it.failing.failing, it.failing.n)).collect();
        assert_eq!(shares, [("a", 30, 30), ("b", 0, 30)]);
        assert!(found.worst.unwrap().differ());
        let alike: Vec<_> =
            (0..60).map(|index| login(["a", "b"][index % 2], index as i64 * 60, 1, index / 2 % 2 == 0)).collect();
        let found = by_account(&alike, 0.95).unwrap();
        assert!(!found.worst.unwrap().differ() && !found.together.differ());
        assert_eq!(
            (found.together.more.n, found.together.difference),
            (0, None),
            "nobody was under way: nothing to say"
        );
        let single = by_account(&one[..1], 0.95).unwrap();
        assert_eq!(single.worst, None, "there is nobody to compare with");
        assert_eq!(by_account(&[GroupedLogin { account: None, ..one[0].clone() }], 0.95), None);
        assert_eq!(by_account(&[], 0.95), None);
    }

    #[test]
    fn a_fixed_part_of_the_accounts_is_told_and_does_not_look_like_logins_that_block_each_other() {
        // Four of five accounts hang for longer than until their next login, and the fifth gets in each time.
        let names = ["a", "b", "c", "d", "e"];
        let logins: Vec<_> = (0..200_i64)
            .map(|index| {
                let account = names[(index % 5) as usize];
                login(account, index, if account == "e" { 1 } else { 10 }, account != "e")
            })
            .collect();
        let found = by_account(&logins, 0.95).unwrap();
        assert_eq!(found.fixed_part(), Some(FixedPart { always: 4, of: 5, logins: 160 }));
        assert_eq!((found.together.more.n, found.together.less.n), (0, 0), "that they hang is why they meet");
        // As many failures, by chance.
        let by_chance: Vec<_> =
            (0..200_i64).map(|index| login(names[(index % 5) as usize], index, 1, index * 7 % 11 < 9)).collect();
        assert_eq!(by_account(&by_chance, 0.95).unwrap().fixed_part(), None);
        // A few logins each may all fail by chance; and where everything fails there is no part.
        assert_eq!(by_account(&logins[..5], 0.95).unwrap().fixed_part(), None);
        let all: Vec<_> = (0..200_i64).map(|index| login(names[(index % 5) as usize], index, 1, true)).collect();
        assert_eq!(by_account(&all, 0.95).unwrap().fixed_part(), None);
    }

    #[test]
    fn logins_of_one_account_that_block_each_other_fail_together() {
        // Each minute two logins of one account begin a second apart, and the second waits for the first in vain.
        let pairs =
            (0..40).flat_map(|minute| [login("a", minute * 60, 5, false), login("a", minute * 60 + 1, 10, true)]);
        let found = by_account(&pairs.collect::<Vec<_>>(), 0.95).unwrap();
        assert_eq!((found.together.more.failing, found.together.more.n), (40, 40));
        assert_eq!((found.together.less.failing, found.together.less.n), (0, 40));
        assert!(found.together.differ());
        // The same pairs with an account each.
        let apart =
            (0..40).flat_map(|minute| [login("a", minute * 60, 5, false), login("b", minute * 60 + 1, 10, true)]);
        let found = by_account(&apart.collect::<Vec<_>>(), 0.95).unwrap();
        assert_eq!(found.together.more.n, 0);
    }

    #[test]
    fn a_share_that_grows_with_the_load_is_told_from_one_that_does_not() {
        // Two hours: a hundred sign-ins in the first, six hundred in the second; 1 - capacity / offered beyond 300.
        let rate = |time: Timestamp| if time < at(3_600) { 100.0 } else { 600.0 };
        let all = |failing: fn(i64) -> bool| -> Vec<GroupedLogin> {
            (0..240).map(|index| login("a", index * 30, 1, failing(index))).collect()
        };
        let known = |logins: &[GroupedLogin]| match by_load(logins, Ok((&rate, "as stated")), 0.95) {
            ByLoad::Known { groups, parted_at, between, .. } => (groups, parted_at, between),
            ByLoad::NotQuantifiable(why) => panic!("{why}"),
        };
        let (groups, parted_at, between) = known(&all(|index| index >= 120 && index % 2 == 0));
        assert_eq!((groups.more.failing, groups.more.n, groups.less.failing, groups.less.n), (60, 120, 0, 120));
        assert!(groups.differ());
        assert!((parted_at - 600.0).abs() < 1e-9 && (between.1 - 600.0).abs() < 1e-9);
        assert!(!known(&all(|index| index % 5 != 0)).0.differ(), "80 % at any load");
    }

    #[test]
    fn what_cannot_be_said_of_the_load_is_not_said() {
        let logins: Vec<_> = (0..10).map(|index| login("a", index, 1, true)).collect();
        let why = |load: Result<Load<'_>, &str>, logins: &[GroupedLogin]| match by_load(logins, load, 0.95) {
            ByLoad::NotQuantifiable(why) => why,
            ByLoad::Known { groups, .. } => panic!("{groups:?}"),
        };
        assert_eq!(why(Err("nobody said"), &logins), "nobody said");
        assert!(
            why(Ok((&|_| 500.0, "as stated")), &logins).starts_with("the load hardly changed meanwhile: 500 to 500")
        );
        assert!(why(Ok((&|_| 0.0, "as stated")), &logins).contains("0 to 0"));
        assert!(why(Ok((&|_| f64::NAN, "as stated")), &logins).starts_with("no login had a load"));
        assert!(why(Ok((&|_| 500.0, "as stated")), &[]).starts_with("no login had a load"));
    }
}
