//! Population files: who the users are and when they want to sign in; and what is said about wrong ones, word by word.

use std::path::Path;

use doorstep::config::{Loaded, Overrides, load};
use doorstep::impact::Curve;
use doorstep::model::{Demand, HOURS, Micros};

use crate::bad_config::{Memory, said};

const SITE: &str = "\
vantages: { berlin: {}, tokyo: {} }
accounts: { probe: { username: probe, password: { env: PROBE_PASSWORD } } }
flows: [shop.yaml]
population: people.yaml
";

const FLOW: &str = r#"
account: probe
steps:
  - open: https://shop.example/login
  - submit: { username: "{{ username }}", password: "{{ password }}" }
  - open: /account
    expect: { user: "{{ username }}" }
"#;

const SEGMENTS: &str = "segments: [{ segment: all, share: 100%, vantages: [berlin] }]\n";

fn loaded(files: &[(&str, &str)]) -> Loaded {
    let mut all = vec![("doorstep.yaml", SITE), ("shop.yaml", FLOW)];
    all.extend(files);
    load(Path::new("doorstep.yaml"), &Memory::with(&all), &Overrides::default())
}

/// A typical week, an hour a line, with a change to its lines.
fn week(change: impl Fn(&mut Vec<String>)) -> String {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let row = |hour: usize| format!("{},{},{}", days[hour / 24], hour % 24, hour);
    let mut lines = vec!["weekday,hour,sign_ins".to_owned()];
    lines.extend((0..HOURS).map(row));
    change(&mut lines);
    lines.join("\n")
}

#[test]
fn a_population_file_says_who_and_when() {
    let people = "\
users: 50_000
segments:
  - { segment: Europe, users: 30_000, vantages: [berlin], flows: [shop] }
  - { segment: Asia, users: 10_000, vantages: [tokyo] }
  - { segment: Africa, users: 10_000 }
demand: { zone: Europe/Berlin, band: 10%, week: { mon-fri: [100, 100, 100, 100, 100, 100, 500, 900, 900, 900, 900, 900, \
         900, 900, 900, 900, 900, 900, 500, 500, 500, 100, 100, 100], sat: [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, \
         10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], sun: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
         0, 0, 0, 0, 0, 0] } }
retries: [10s, 40s, 160s]
session: 12h
activity: [{ users: 10%, sign_ins: 60% }, { users: 90%, sign_ins: 40% }]
";
    let loaded = loaded(&[("people.yaml", people)]);
    let site = loaded.site.as_ref().unwrap_or_else(|| panic!("{}", said(&loaded)));
    let shares: Vec<f64> = site.population.segments().iter().map(|segment| segment.share).collect();
    assert_eq!(shares, [0.6, 0.2, 0.2]);
    assert_eq!(site.population.segments()[0].flows.len(), 1);
    let habits = site.population.habits();
    assert_eq!((habits.users, habits.session), (Some(50_000), Some(Micros(43_200_000_000))));
    assert_eq!(habits.retries.as_deref(), Some(&[Micros(10_000_000), Micros(40_000_000), Micros(160_000_000)][..]));
    let curve = Curve::new(habits.demand.as_ref().unwrap(), &[]).unwrap();
    // Monday 2026-11-16, 07:00 to 08:00 in Berlin.
    let hour = curve.between("2026-11-16T06:00:00Z".parse().unwrap(), "2026-11-16T07:00:00Z".parse().unwrap());
    assert!((hour.middle - 900.0).abs() < 1e-9 && (hour.low - 810.0).abs() < 1e-9 && (hour.high - 990.0).abs() < 1e-9);
    assert!(loaded.effective().contains("people.yaml"), "check --print shows the file's values");
}

#[test]
fn sheets_say_the_same_in_csv() {
    let people = "segments: regions.csv\ndemand: { week: week.csv }\nretries: 2\n";
    let regions = "segment,share,vantages,flows\nEurope,70%,berlin tokyo,shop\n\"Asia, far\",30%,,\n";
    let loaded = loaded(&[("people.yaml", people), ("regions.csv", regions), ("week.csv", &week(|_| {}))]);
    let site = loaded.site.as_ref().unwrap_or_else(|| panic!("{}", said(&loaded)));
    let segments = site.population.segments();
    assert_eq!((segments[0].vantages.len(), segments[1].name.as_str(), segments[1].share), (2, "Asia, far", 0.3));
    assert_eq!(site.population.habits().retries.as_deref(), Some(&[Micros(0); 2][..]));
    let Some(Demand::Stated(week)) = &site.population.habits().demand else { panic!("a stated week") };
    assert_eq!(week.hours[HOURS - 1].middle, 167.0);
}

/// Two weeks of a log, an entry per hour and segment.
fn log() -> String {
    let start: jiff::Timestamp = "2026-11-02T00:00:00Z".parse().unwrap();
    let mut text = "timestamp,count,segment\n".to_owned();
    for hour in 0..2 * HOURS as i64 {
        let at = start + jiff::SignedDuration::from_hours(hour);
        text.push_str(&format!("{at},{},all\n", if hour < HOURS as i64 { 100 } else { 120 }));
    }
    text
}

#[test]
fn a_log_of_sign_ins_is_a_demand() {
    let people = format!("{SEGMENTS}demand: {{ log: log.csv }}\n");
    let loaded = loaded(&[("people.yaml", &people), ("log.csv", &log())]);
    let site = loaded.site.as_ref().unwrap_or_else(|| panic!("{}", said(&loaded)));
    let own = site.population.segments()[0].demand.as_ref().expect("the log tells segments apart");
    let curve = Curve::new(own, &[]).unwrap();
    let hour = curve.between("2026-11-16T06:00:00Z".parse().unwrap(), "2026-11-16T07:00:00Z".parse().unwrap());
    assert!((hour.middle - 110.0).abs() < 1e-9, "the median of both weeks: {hour:?}");
    // Without the second week only the first one speaks.
    let people = format!("{SEGMENTS}demand: {{ log: log.csv, without: [2026-W46] }}\n");
    let loaded = self::loaded(&[("people.yaml", &people), ("log.csv", &log())]);
    let demand = loaded.site.unwrap().population.habits().demand.clone().unwrap();
    let hour = Curve::new(&demand, &[])
        .unwrap()
        .between("2026-11-16T06:00:00Z".parse().unwrap(), "2026-11-16T07:00:00Z".parse().unwrap());
    assert!((hour.middle - 100.0).abs() < 1e-9);
}

/// A wrong file beside right ones, and all that is said about it.
fn refused(files: &[(&str, &str)], expected: &[&str]) {
    let loaded = loaded(files);
    let said = said(&loaded);
    assert!(loaded.site.is_none(), "{files:?} is taken");
    let found: Vec<&str> = said.lines().collect();
    assert_eq!(found, expected, "{files:?}");
}

#[test]
fn wrong_shares_and_names_are_told_with_their_place() {
    refused(
        &[(
            "people.yaml",
            "segments:\n  - { segment: a, share: 60%, vantages: [berlin] }\n  - { segment: b, share: 30%, vantages: [brelin], flows: [shpo] }\n",
        )],
        &[
            "people.yaml:2:3: error: segments: the shares add up to 90%, not to 100%",
            "  help: add a segment without vantages for users whom nobody probes for",
            "people.yaml:3:42: error: segments[1].vantages[0]: no vantage is called 'brelin'",
            "  help: did you mean 'berlin'?",
            "people.yaml:3:59: error: segments[1].flows[0]: no flow is called 'shpo'",
            "  help: did you mean 'shop'?",
        ],
    );
    refused(
        &[
            ("people.yaml", "segments: regions.csv\n"),
            ("regions.csv", "segment,share,vantages\na,60,berlin\nb,40%,paris\na,0%\n"),
        ],
        &[
            "regions.csv:2:3: error: '60' is not a percentage: the sign '%' is missing",
            "  help: write 60%",
            "regions.csv:3:7: error: no vantage is called 'paris'",
            "  help: choose one of berlin, tokyo",
            "regions.csv:4:1: error: the row has 2 cells",
            "  help: the header has 3: segment,share,vantages",
        ],
    );
    refused(
        &[("people.yaml", "segments:\n  - { segment: a, share: 60% }\n  - { segment: b, users: 30 }\n")],
        &[
            "people.yaml:3:5: error: segments[1]: the segment 'b' has no share",
            "  help: other segments have a share: write one here too",
        ],
    );
    refused(&[], &["doorstep.yaml:4:13: error: population: cannot read people.yaml: entity not found"]);
}

#[test]
fn wrong_weeks_are_told_with_their_place() {
    let people = format!("{SEGMENTS}demand: {{ week: week.csv }}\n");
    let with = |change: &dyn Fn(&mut Vec<String>), expected: &[&str]| {
        refused(&[("people.yaml", &people), ("week.csv", &week(change))], expected);
    };
    with(
        &|lines| lines[9] = "mon,8,-5".to_owned(),
        &[
            "week.csv: error: 1 of the 168 hours of a week are missing, the first is mon 08:00",
            "  help: write 0 where nobody signs in: an hour that is left out is not known",
            "week.csv:10:7: error: '-5' is negative, and demand cannot be",
            "  help: write a number such as 9000 or 12.5",
        ],
    );
    with(
        &|lines| lines.truncate(100),
        &[
            "week.csv: error: 69 of the 168 hours of a week are missing, the first is fri 03:00",
            "  help: write 0 where nobody signs in: an hour that is left out is not known",
        ],
    );
    with(&|lines| lines.push("tue,3,9".to_owned()), &["week.csv:170:1: error: tue 03:00 is here twice"]);
    with(
        &|lines| lines[0] = "day,hour,sign_ins".to_owned(),
        &[
            "week.csv:1:1: error: unknown column 'day'",
            "  help: choose one of weekday, hour, sign_ins, low, high",
            "week.csv:1:1: error: there is no column 'weekday'",
            "  help: the first line names the columns: weekday,hour,sign_ins,low,high",
        ],
    );
    with(
        &|lines| lines[1] = "someday,24,nan".to_owned(),
        &[
            "week.csv: error: 1 of the 168 hours of a week are missing, the first is mon 00:00",
            "  help: write 0 where nobody signs in: an hour that is left out is not known",
            "week.csv:2:1: error: 'someday' is no day of the week",
            "  help: write mon, tue, ..., sun, or a range such as mon-fri",
            "week.csv:2:9: error: '24' is too large",
            "  help: write a whole number from 0 to 23",
            "week.csv:2:12: error: 'nan' is not a number of sign-ins",
            "  help: write a number such as 9000 or 12.5",
        ],
    );
}

#[test]
fn wrong_demand_and_habits_are_told_with_their_place() {
    let with = |text: &str, expected: &[&str]| refused(&[("people.yaml", &format!("{SEGMENTS}{text}\n"))], expected);
    with(
        "demand: { week: { mon-fri: [1, 2, 3], fri-mon: [1] } }",
        &[
            "people.yaml:2:17: error: demand.week: 168 of the 168 hours of a week are missing, the first is mon 00:00",
            "  help: write 0 where nobody signs in: an hour that is left out is not known",
            "people.yaml:2:28: error: demand.week.mon-fri: 'mon-fri' has 3 numbers of sign-ins",
            "  help: write 24, one for each hour from 00:00",
            "people.yaml:2:39: error: demand.week: 'fri-mon' is no day of the week",
            "  help: write mon, tue, ..., sun, or a range such as mon-fri",
        ],
    );
    with(
        "demand: { per_hour: -3, log: log.csv }",
        &[
            "people.yaml:2:9: error: demand: demand has room for one of the keys per_hour, log, not for all of them",
            "people.yaml:2:30: error: demand.log: cannot read log.csv: entity not found",
        ],
    );
    with(
        "demand: { per_hour: -3 }",
        &[
            "people.yaml:2:21: error: demand.per_hour: '-3' is negative, and demand cannot be",
            "  help: write a number such as 9000 or 12.5",
        ],
    );
    with(
        "retries: [40s, 10s]",
        &[
            "people.yaml:2:10: error: retries: the retries are not in order",
            "  help: write each as its time from the first attempt",
        ],
    );
    with(
        "activity: [{ users: 10%, sign_ins: 60% }]",
        &[
            "people.yaml:2:11: error: activity: the shares of 'users' add up to 10%, not to 100%",
            "people.yaml:2:11: error: activity: the shares of 'sign_ins' add up to 60%, not to 100%",
        ],
    );
}

#[test]
fn wrong_logs_are_told_with_their_place() {
    let people = format!("{SEGMENTS}demand: {{ log: log.csv }}\n");
    let with = |text: &str, expected: &[&str]| refused(&[("people.yaml", &people), ("log.csv", text)], expected);
    with(
        "timestamp,count,segment\nyesterday,1,all\n2026-11-02T00:00:00Z,-1,all\n2026-11-02 01:00,1,al\n",
        &[
            "log.csv:2:1: error: 'yesterday' is no time",
            "  help: write it like 2026-11-20T14:00:00Z, or 2026-11-20 14:00 in the zone of the demand",
            "log.csv:3:22: error: '-1' is negative, and demand cannot be",
            "  help: write a number such as 9000 or 12.5",
            "log.csv:4:20: error: 'al' is no segment of this population",
            "  help: did you mean 'all'?",
        ],
    );
    with(
        "timestamp\n2026-11-02T00:00:00Z\n",
        &[
            "log.csv: error: the log reaches from 2026-11-02T00:00:00Z to 2026-11-02T00:00:00Z, and says nothing of mon 01:00",
            "  help: a log must cover at least one whole week",
        ],
    );
    with("timestamp\n", &["log.csv: error: the log holds no sign-in"]);
    with("", &["log.csv: error: the file is empty: its first line must name the columns"]);
}

/// The log of two weeks with more rows, all else as it was.
fn log_with(rows: &str) -> String {
    log() + rows
}

#[test]
fn a_mistyped_year_is_refused_with_its_line_and_a_long_gap_is_pointed_at() {
    let people = format!("{SEGMENTS}demand: {{ log: log.csv }}\n");
    for (row, said) in [
        ("2204-11-05T09:00:00Z,1,all\n", "no sign-in for 9288 weeks between those of 2026-11-09 and 2204-11-05"),
        ("2025-11-05T09:00:00Z,1,all\n", "no sign-in for 51 weeks between those of 2025-11-03 and 2026-11-02"),
    ] {
        let log = log_with(row);
        let loaded = loaded(&[("people.yaml", &people), ("log.csv", &log)]);
        let text = crate::bad_config::said(&loaded);
        assert!(loaded.site.is_none(), "{row} is taken");
        assert!(text.starts_with("log.csv:338:1: error: the log holds no sign-in for "), "{text}");
        assert!(text.contains("is the date mistyped?"), "{said}: {text}");
    }
    let log = log_with("2026-12-28T09:00:00Z,1,all\n");
    let loaded = loaded(&[("people.yaml", &people), ("log.csv", &log)]);
    let text = crate::bad_config::said(&loaded);
    assert!(loaded.site.is_some(), "{text}");
    assert!(text.contains("log.csv:338:1: warning: the log holds no sign-in for 6 weeks between"), "{text}");
}

/// People of a usual hour: of all, then of each segment by its own demand.
fn hourly(segments: &str, log: &str) -> Result<(f64, Vec<Option<f64>>), String> {
    let people = format!("{segments}demand: {{ log: log.csv }}\n");
    let loaded = loaded(&[("people.yaml", &people), ("log.csv", log)]);
    let text = crate::bad_config::said(&loaded);
    let population = loaded.site.ok_or(text)?.population;
    let of = |demand: &Demand| {
        let curve = Curve::new(demand, &[]).unwrap();
        curve.between("2026-11-16T06:00:00Z".parse().unwrap(), "2026-11-16T07:00:00Z".parse().unwrap()).middle
    };
    let all = of(population.habits().demand.as_ref().unwrap());
    Ok((all, population.segments().iter().map(|segment| segment.demand.as_ref().map(of)).collect()))
}

#[test]
fn segments_in_a_log_are_the_log_together_and_nobody_counts_twice() {
    let segments = "segments: [{ segment: a, share: 50%, vantages: [berlin] }, { segment: b, share: 40% }, { segment: c, share: 10% }]\n";
    let rows = |names: &[&str]| {
        let start: jiff::Timestamp = "2026-11-02T00:00:00Z".parse().unwrap();
        let hours = (0..HOURS as i64).map(|hour| start + jiff::SignedDuration::from_hours(hour));
        let row = |at| names.iter().map(move |name| format!("{at},{},{name}\n", if *name == "a" { 100 } else { 50 }));
        "timestamp,count,segment\n".to_owned() + &hours.flat_map(row).collect::<String>()
    };
    // Rows without a segment are those of the others, four to one by their shares.
    assert_eq!(hourly(segments, &rows(&["a", ""])).unwrap(), (150.0, vec![Some(100.0), Some(40.0), Some(10.0)]));
    assert_eq!(hourly(segments, &rows(&["a", "b", "c"])).unwrap(), (200.0, vec![Some(100.0), Some(50.0), Some(50.0)]));
    assert_eq!(hourly(segments, &rows(&[""])).unwrap(), (50.0, vec![None, None, None]));
    let twice = hourly(segments, &rows(&["a", "b", "c", ""])).unwrap_err();
    assert!(twice.starts_with("log.csv:5:1: error: the row names no segment, and every segment has rows"), "{twice}");
    let absent = hourly(segments, &rows(&["a", "b"])).unwrap_err();
    assert!(absent.starts_with("log.csv: error: the log tells segments apart, and holds no row of 'c'"), "{absent}");
}
