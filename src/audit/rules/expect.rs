//! What users expect of settings. An expectation that can never be judged as it is written is a finding, too: nobody
//! would notice that it holds nothing.

use super::super::drift::of_setting;
use super::super::finding::{Applies, Value};
use super::super::scene::{Checked, Missing, Notes, Said, Scene, Seen, beside, configured};
use super::super::setting::Setting;
use super::super::value::{self, Amount};
use crate::model::{Must, Server, SettingExpectation};

pub(super) fn expectations(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    for expectation in &scene.terms.expectations {
        let before = notes.not_checked.len();
        if let Err(missing) = one(scene, expectation, notes) {
            notes.not_checked(missing);
        }
        for note in notes.not_checked.iter_mut().skip(before) {
            note.because = format!("{}: {}", expectation.setting, note.because);
        }
    }
    Ok(())
}

fn one(scene: &Scene<'_>, expectation: &SettingExpectation, notes: &mut Notes) -> Checked {
    let name = expectation.setting.as_str();
    for server in scene.unread.iter().filter(|server| asked(expectation, server)) {
        notes.not_checked(Missing::of(server, format!("{} did not answer", server.name)));
    }
    let servers = scene.all.iter().copied().filter(|seen| asked(expectation, seen.server));
    match &expectation.must {
        Must::Equal(wanted) => notes.each(servers, |seen, notes| {
            let Some(setting) = known(seen, expectation, notes)? else { return Ok(()) };
            if !value::same(setting.value(), wanted, setting.unit()) {
                let values = vec![seen.shown(name)];
                broken(
                    expectation,
                    &format!("is not {wanted} on {}", seen.server.name),
                    values,
                    applies(setting),
                    notes,
                );
            }
            Ok(())
        }),
        Must::AtLeast(wanted) => {
            notes.each(servers, |seen, notes| {
                let Some(setting) = known(seen, expectation, notes)? else { return Ok(()) };
                at_least(seen, setting, wanted, expectation, notes)
            });
        }
        Must::SameOnStandby => related(scene, expectation, notes, |here, there| {
            let (here, there) = (here.setting(name)?, there.setting(name)?);
            Ok(value::same(here.value(), there.value(), here.unit()))
        })?,
        Must::AtLeastOnStandby => related(scene, expectation, notes, |here, there| {
            let (one, other) = (amount(here, here.setting(name)?)?, amount(there, there.setting(name)?)?);
            one.is_at_least(other).ok_or_else(|| here.missing("the servers count it in different units"))
        })?,
        Must::NotChange => changed(scene, expectation, notes),
    }
    Ok(())
}

fn asked(expectation: &SettingExpectation, server: &Server) -> bool {
    expectation.server.as_ref().is_none_or(|wanted| *wanted == server.name)
}

/// The setting as all sessions have it; `None`, after saying so, where a role that sees all sees none of this name.
fn known<'a>(
    seen: Seen<'a>,
    expectation: &SettingExpectation,
    notes: &mut Notes,
) -> Result<Option<&'a Setting>, Missing> {
    let name = expectation.setting.as_str();
    if seen.state.sees_all && seen.state.setting(name).is_none() {
        let near = nearest(name, seen).map_or_else(String::new, |near| format!(": did you mean {near}?"));
        let wrong = format!("is no setting of {}, version {}{near}", seen.server.name, seen.state.major());
        unjudged(expectation, &wrong, vec![seen.shown(name)], notes);
        return Ok(None);
    }
    seen.setting(name).map(Some)
}

/// The setting of a server whose name differs from this in a few letters.
fn nearest<'a>(name: &str, seen: Seen<'a>) -> Option<&'a str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &known.to_ascii_lowercase());
    let near = seen.state.settings.keys().map(String::as_str).min_by_key(distance)?;
    (distance(&near) <= near.len() / 3).then_some(near)
}

fn amount(seen: Seen<'_>, setting: &Setting) -> Result<Amount, Missing> {
    let amount = Amount::of(setting.value(), setting.unit());
    amount.ok_or_else(|| {
        let value = setting.value();
        seen.missing(format!(
            "'{value}' is no amount that another can be compared with: expect it by equals: '{value}'"
        ))
    })
}

fn at_least(
    seen: Seen<'_>,
    setting: &Setting,
    wanted: &str,
    expectation: &SettingExpectation,
    notes: &mut Notes,
) -> Checked {
    let (name, server) = (expectation.setting.as_str(), &seen.server.name);
    let has = amount(seen, setting)?;
    match Amount::of(wanted, setting.unit()).and_then(|least| has.is_at_least(least)) {
        Some(true) => {}
        Some(false) => {
            let wrong = format!("is less than {wanted} on {server}");
            broken(expectation, &wrong, vec![seen.shown(name)], applies(setting), notes);
        }
        None => {
            let wrong = format!("cannot be compared with {wanted}: on {server} it counts {}", has.counts());
            unjudged(expectation, &wrong, vec![seen.shown(name)], notes);
        }
    }
    Ok(())
}

/// Holds each standby against the primary.
fn related(
    scene: &Scene<'_>,
    expectation: &SettingExpectation,
    notes: &mut Notes,
    holds: impl Fn(Seen<'_>, Seen<'_>) -> Result<bool, Missing>,
) -> Checked {
    let primary = scene.primary()?;
    if known(primary, expectation, notes)?.is_none() {
        return Ok(());
    }
    let wanted = |seen: &Seen<'_>| asked(expectation, seen.server);
    notes.each(scene.standbys()?.into_iter().filter(wanted), |standby, notes| {
        let Some(setting) = known(standby, expectation, notes)? else { return Ok(()) };
        if !holds(standby, primary)? {
            let (here, there) = (&standby.server.name, &primary.server.name);
            let wrong = match expectation.must {
                Must::SameOnStandby => format!("is not the same on {here} as on {there}"),
                _ => format!("is less on {here} than on {there}"),
            };
            let values = beside([primary, standby], &expectation.setting);
            broken(expectation, &wrong, values, applies(setting), notes);
        }
        Ok(())
    });
    Ok(())
}

/// Holds each server's setting against what it was when it was last seen, or against all that it was in a period. What
/// was seen of a server that does not answer now counts too.
fn changed(scene: &Scene<'_>, expectation: &SettingExpectation, notes: &mut Notes) {
    let name = expectation.setting.as_str();
    for server in scene.database.servers.iter().filter(|server| asked(expectation, server)) {
        let steps = of_setting(name, scene.course(&server.name));
        let now = scene.all.iter().find(|seen| seen.server.name == server.name);
        // Without a period only the last step counts, and only where it leads to now.
        let skipped = if scene.past.from.is_some() { 0 } else { steps.len().saturating_sub(1) };
        let mut current = None;
        if let Some(seen) = now {
            match known(*seen, expectation, notes) {
                Ok(setting) => current = setting,
                Err(missing) => notes.not_checked(missing),
            }
            if current.is_some() && steps.is_empty() {
                notes.not_checked(seen.missing("no earlier snapshot is kept in which it was seen, to compare with"));
            }
        }
        if current.is_none() && scene.past.from.is_none() {
            continue;
        }
        let counts = |at| scene.past.from.is_none_or(|from| at >= from);
        for one in steps.into_iter().skip(skipped).flatten().filter(|one| counts(one.latest)) {
            let of = |what: &str, value: &Option<String>| Value {
                server: Some(one.server.clone()),
                what: format!("{name} {what}"),
                value: value.clone().unwrap_or_default(),
                place: None,
            };
            let mut values = vec![of("before", &one.before), of("after", &one.after)];
            values.extend(now.map(|seen| seen.shown(name)));
            let wrong = format!("changed on {} {}", one.server, one.when());
            broken(expectation, &wrong, values, current.map_or(Applies::Reload, applies), notes);
        }
    }
}

/// How a correction comes into force. What was kept before this was asked for is taken as most settings are.
fn applies(setting: &Setting) -> Applies {
    match setting.applies() {
        Some(applies) => applies,
        None if setting.is_fixed() => Applies::None,
        None => Applies::Reload,
    }
}

fn broken(expectation: &SettingExpectation, wrong: &str, values: Vec<Value>, applies: Applies, notes: &mut Notes) {
    let name = &expectation.setting;
    let effect = "it is not what you expect: what that means for logins is what you wrote the expectation for";
    let fix = match applies {
        Applies::None => {
            format!("{name} is fixed when the server is built or its data folder is made: correct the expectation")
        }
        _ => format!("correct {name}, or the expectation"),
    };
    say(expectation, wrong, values, effect, (fix, applies), notes);
}

/// The expectation itself is wrong.
fn unjudged(expectation: &SettingExpectation, wrong: &str, values: Vec<Value>, notes: &mut Notes) {
    let effect = "the expectation holds nothing as it is written: logins are without the guard that you meant";
    let fix = "correct the expectation in doorstep.yaml".to_owned();
    say(expectation, wrong, values, effect, (fix, Applies::None), notes);
}

fn say(
    expectation: &SettingExpectation,
    wrong: &str,
    mut values: Vec<Value>,
    effect: &'static str,
    (fix, applies): (String, Applies),
    notes: &mut Notes,
) {
    let name = &expectation.setting;
    let wanted = match &expectation.must {
        Must::Equal(wanted) => format!("equals {wanted}"),
        Must::AtLeast(wanted) => format!("at least {wanted}"),
        Must::SameOnStandby => "standby: same".to_owned(),
        Must::AtLeastOnStandby => "standby: at least".to_owned(),
        Must::NotChange => "unchanged".to_owned(),
    };
    values.push(configured(&format!("expectation of {name}"), wanted));
    let reason =
        expectation.because.as_ref().map_or_else(String::new, |because| format!(" (expected because {because})"));
    let seen = format!("{name} {wrong}{reason}");
    notes.say(Said { severity: expectation.severity, seen, values, effect, fix, applies });
}
