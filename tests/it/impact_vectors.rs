//! The published worked examples of impact, run against our own.

use doorstep::impact::{self, Cells, Estimate, Event};
use doorstep::model::Micros;
use doorstep::slo::wilson;
use serde_json::Value;

use crate::report_vectors::{Computed, Inputs, check};

#[test]
fn every_published_example_of_impact_holds() {
    check("impact", 20, compute);
}

fn compute(formula: &str, inputs: &Inputs) -> Computed {
    match formula {
        "F11.user_uptime" => user_uptime(inputs),
        "F12.worst" => worst(inputs),
        "F13.retries" => retries(inputs),
        "F13.distinct" => {
            let of = |class: &Inputs| impact::distinct(class.number("users"), class.number("intents"));
            vec![("people", inputs.list("classes").iter().map(of).sum::<f64>().into())]
        }
        "F13.sessions" => {
            let share = impact::sessions_met(inputs.number("minutes") * 60.0, inputs.number("session_hours") * 3600.0);
            vec![("share", share.into())]
        }
        "F14.affected" => affected(inputs),
        unknown => panic!("no formula is called {unknown}"),
    }
}

fn user_uptime(inputs: &Inputs) -> Computed {
    let event = |event: &Value| (event[0].as_f64().unwrap(), event[1].as_bool().unwrap());
    let user = |user: &Value| user.as_array().unwrap().iter().map(event).collect::<Vec<Event>>();
    let users: Vec<Vec<Event>> = inputs.0["users"].as_array().unwrap().iter().map(user).collect();
    let cutoff = inputs.number("cutoff");
    let times: Vec<(f64, f64)> = users.iter().map(|events| impact::active_time(events, cutoff)).collect();
    let events: Vec<&Event> = users.iter().flatten().collect();
    let good = events.iter().filter(|(_, good)| *good).count();
    vec![
        ("up", times.iter().map(|(up, _)| up).sum::<f64>().into()),
        ("down", times.iter().map(|(_, down)| down).sum::<f64>().into()),
        ("uptime", impact::user_uptime(users.iter().map(Vec::as_slice), cutoff).into()),
        ("success_ratio", (good as f64 / events.len() as f64).into()),
    ]
}

fn worst(inputs: &Inputs) -> Computed {
    let mut cells = vec![(1.0, 1.0); usize::try_from(inputs.count("minutes")).unwrap()];
    for bad in inputs.list("bad") {
        let demand = bad.0.get("demand").and_then(Value::as_f64).unwrap_or(1.0);
        for minute in bad.count("from")..=bad.count("to") {
            cells[usize::try_from(minute).unwrap()] = (bad.number("good") * demand, demand);
        }
    }
    let window = usize::try_from(inputs.count("window")).unwrap();
    vec![("availability", Cells::new(cells).worst(window).into())]
}

fn retries(inputs: &Inputs) -> Computed {
    let rate = inputs.number("intents_per_hour") / 3600.0;
    let seconds = inputs.number("minutes") * 60.0;
    let intents = |offset: Micros| rate * (seconds - offset.0 as f64 / 1e6).max(0.0);
    let offsets: Vec<Micros> = inputs.0["retries_seconds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seconds| Micros(seconds.as_u64().unwrap() * 1_000_000))
        .collect();
    let all = impact::with_retries(intents, inputs.number("failing_share"), &offsets);
    vec![
        ("intents", intents(Micros(0)).into()),
        ("attempts", all.attempts.into()),
        ("failed", all.failed.into()),
        ("affected", all.affected.into()),
        ("locked_out", all.locked_out.into()),
        ("delayed", all.delayed.into()),
        ("failed_per_affected", (all.failed / all.affected).into()),
    ]
}

/// Low, middle and high of a list of three.
fn three(inputs: &Inputs, key: &str) -> Estimate {
    let at = |index: usize| inputs.0[key][index].as_f64().unwrap();
    Estimate { low: at(0), middle: at(1), high: at(2) }
}

fn affected(inputs: &Inputs) -> Computed {
    let (n, failing) = (inputs.count("n"), inputs.count("failing"));
    let interval = wilson(n, failing, inputs.number("confidence")).unwrap();
    let share = Estimate { low: interval.low, middle: failing as f64 / n as f64, high: interval.high };
    let hours = three(inputs, "minutes").map(|minutes| minutes / 60.0);
    let affected = hours.times(three(inputs, "per_hour")).times(share);
    vec![("low", affected.low.into()), ("middle", affected.middle.into()), ("high", affected.high.into())]
}
