//! Who the users are: segments in `doorstep.yaml`, or a file of its own with their habits, in YAML or CSV.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    ActivityClass, FlowName, Habits, Micros, Population, PopulationError, Segment, Vantage, VantageName,
};

use super::demand::{self, Logged};
use super::diagnostic::{Findings, Origin, Place, Problem};
use super::files::{Files, Flows};
use super::shape::{Shape, check};
use super::sheet::Sheet;
use super::site::resolve;
use super::suggest::{quote, suggest};
use super::tables_population::{ACTIVITY, DEMAND, POPULATION, SEGMENT};
use super::values;
use super::view::View;
use super::yaml::{self, Node};

/// What a population may refer to.
pub(super) struct Known<'a> {
    pub(super) vantages: &'a [Vantage],
    pub(super) flows: &'a Flows,
    pub(super) files: &'a dyn Files,
}

/// A segment as written, where its share may be left to follow from its users.
struct Written {
    name: String,
    share: Option<f64>,
    users: Option<u64>,
    vantages: Vec<VantageName>,
    flows: Vec<FlowName>,
    place: Place,
}

/// The population, and the document of its own file when there is one.
pub(super) fn build(site: View<'_>, known: &Known<'_>, findings: &mut Findings) -> (Option<Population>, Option<Node>) {
    let Some(node) = site.node("population") else { return (Some(Population::default()), None) };
    let Some(scalar) = node.scalar() else {
        let written = listed(site, "population", known, findings);
        return (written.and_then(|written| population(written, &node.place, findings)), None);
    };
    let path = resolve(node, &scalar.text);
    if is_csv(&path) {
        let whole = Place::whole(Origin::File(Arc::from(path.as_path())));
        let written = sheet(&path, node, known, findings);
        return (written.and_then(|written| population(written, &whole, findings)), None);
    }
    let Some(text) = read(&path, node, known.files, findings) else { return (None, None) };
    let Some(root) = yaml::parse(&Arc::from(path.as_path()), &text, findings) else { return (None, None) };
    check(&Shape::Object(&POPULATION), &root, false, findings);
    let view = View::of(&POPULATION, &root);
    let segments = match view.node("segments") {
        None => Some((Vec::new(), root.place.clone())),
        Some(node) => match node.scalar() {
            Some(scalar) => {
                let path = resolve(node, &scalar.text);
                let whole = Place::whole(Origin::File(Arc::from(path.as_path())));
                sheet(&path, node, known, findings).map(|written| (written, whole))
            }
            None => listed(view, "segments", known, findings).map(|written| (written, node.place.clone())),
        },
    };
    let population = segments.and_then(|(written, place)| population(written, &place, findings));
    let habits = habits(view, population.as_ref(), known, findings);
    let built = population.zip(habits).map(|(population, (habits, logged))| with(population, habits, logged));
    (built, Some(root))
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

/// The text of a file that a node names.
pub(super) fn read(path: &Path, named: &Node, files: &dyn Files, findings: &mut Findings) -> Option<String> {
    let read = if is_csv(path) { files.read_data(path) } else { files.read(path) };
    let why = |why| format!("cannot read {}: {why}", path.display());
    read.map_err(|error| findings.error(&named.place, why(error))).ok()
}

/// Segments as a list of a document.
fn listed(view: View<'_>, key: &str, known: &Known<'_>, findings: &mut Findings) -> Option<Vec<Written>> {
    let items = view.items(key);
    let mut all: Vec<Written> = Vec::new();
    for item in items {
        let view = view.within(item, &SEGMENT);
        let name = view.read("segment", values::text, findings);
        let share = view.read("share", values::share, findings);
        let users = view.read("users", people, findings);
        let vantages = view.read_each("vantages", values::name, findings);
        for (vantage, node) in &vantages {
            note(&node.place, unknown_vantage(vantage, known.vantages), findings);
        }
        let flows = view.read_each("flows", values::name, findings);
        for (flow, node) in &flows {
            note(&node.place, known.flows.unknown(flow), findings);
        }
        let wrong = (view.has("share") && share.is_none()) || (view.has("users") && users.is_none());
        if let (Some(name), false) = (name, wrong) {
            let vantages = vantages.into_iter().map(|(vantage, _)| vantage).collect();
            let flows = flows.into_iter().map(|(flow, _)| flow).collect();
            all.push(Written { name, share, users, vantages, flows, place: item.place.clone() });
        }
    }
    // A sum says nothing while some of its parts could not be read.
    (all.len() == items.len()).then_some(all)
}

/// Segments as a sheet: segment, share or users, vantages and flows, several with spaces between.
fn sheet(path: &Path, named: &Node, known: &Known<'_>, findings: &mut Findings) -> Option<Vec<Written>> {
    let text = read(path, named, known.files, findings)?;
    let file: Arc<Path> = Arc::from(path);
    let needed: [&[&str]; 2] = [&["segment"], &["share", "users"]];
    let sheet = Sheet::new(&file, &text, &needed, &["vantages", "flows"], findings)?;
    let (mut all, mut rows) = (Vec::new(), 0);
    sheet.rows(findings, |row, findings| {
        rows += 1;
        let name = row.read("segment", values::text, findings);
        let share = row.maybe("share", values::share, findings);
        let users = row.maybe("users", people, findings);
        let vantages = row.maybe("vantages", names::<VantageName>, findings).unwrap_or_default();
        let flows = row.maybe("flows", names::<FlowName>, findings).unwrap_or_default();
        for (column, problem) in vantages
            .iter()
            .map(|vantage| ("vantages", unknown_vantage(vantage, known.vantages)))
            .chain(flows.iter().map(|flow| ("flows", known.flows.unknown(flow))))
        {
            let place = row.get(column).map_or(&row.place, |cell| &cell.place);
            note(place, problem, findings);
        }
        let wrong = row.get("share").is_some() != share.is_some() || row.get("users").is_some() != users.is_some();
        if let (Some(name), false) = (name, wrong) {
            all.push(Written { name, share, users, vantages, flows, place: row.place.clone() });
        }
    });
    if rows == 0 {
        findings.error(&sheet.whole(), "the file names no segment");
    }
    (all.len() == rows && rows > 0).then_some(all)
}

fn names<N: std::str::FromStr<Err = crate::model::NameError>>(text: &str) -> Result<Vec<N>, Problem> {
    let words = text.split(|c: char| c.is_whitespace() || c == ';').filter(|word| !word.is_empty());
    words
        .map(|word| {
            word.parse().map_err(|why| {
                Problem::new("holds something that is no name").help(format!("{why}, several with spaces between"))
            })
        })
        .collect()
}

fn note(place: &Place, problem: Option<Problem>, findings: &mut Findings) {
    if let Some(problem) = problem {
        findings.error(place, problem);
    }
}

fn unknown_vantage(name: &VantageName, vantages: &[Vantage]) -> Option<Problem> {
    let known = || vantages.iter().map(|vantage| vantage.name.as_str());
    let unknown = !vantages.iter().any(|vantage| vantage.name == *name);
    unknown.then(|| Problem::new(format!("no vantage is called '{name}'")).maybe_help(suggest(name.as_str(), known())))
}

fn people(text: &str) -> Result<u64, Problem> {
    values::integer(text, 0, 100_000_000_000)
}

/// Segments with shares, whose sum must be right. Without any share, users make them.
fn population(written: Vec<Written>, place: &Place, findings: &mut Findings) -> Option<Population> {
    for (index, one) in written.iter().enumerate() {
        if written[..index].iter().any(|other| other.name == one.name) {
            findings.error(&one.place, format!("the segment {} is here twice", quote(&one.name)));
        }
    }
    let by_users = written.iter().all(|one| one.share.is_none());
    let total: u64 = written.iter().filter_map(|one| one.users).sum();
    let mut segments = Vec::with_capacity(written.len());
    for one in written {
        let share = match (one.share, one.users) {
            (Some(share), _) => share,
            (None, Some(users)) if by_users && total > 0 => users as f64 / total as f64,
            (None, users) => {
                let help = match users {
                    Some(_) if by_users => "give at least one segment users",
                    Some(_) => "other segments have a share: write one here too",
                    None => "write its share of all sign-ins, such as 'share: 40%', or its number of users",
                };
                findings.error(
                    &one.place,
                    Problem::new(format!("the segment {} has no share", quote(&one.name))).help(help),
                );
                return None;
            }
        };
        let Written { name, users, vantages, flows, .. } = one;
        segments.push(Segment { name, share, vantages, flows, users, demand: None });
    }
    Population::new(segments)
        .map_err(|error| {
            let reason = match error {
                PopulationError::Sum(sum) => {
                    format!("the shares add up to {}, not to 100%", values::show_share((sum * 1e6).round() / 1e6))
                }
                other @ PopulationError::Negative(_) => other.to_string(),
            };
            let help = "add a segment without vantages for users whom nobody probes for";
            findings.error(place, Problem::new(reason).help(help));
        })
        .ok()
}

/// What the file says of habits.
fn habits(
    view: View<'_>,
    population: Option<&Population>,
    known: &Known<'_>,
    findings: &mut Findings,
) -> Option<(Habits, Logged)> {
    let users = view.read("users", people, findings);
    let session = view.read("session", values::duration, findings).map(Micros::from);
    let retries = retries(view, findings);
    let activity = activity(view, findings)?;
    let (demand, logged) = match view.node("demand") {
        None => (None, Logged::new()),
        Some(node) => {
            let shares: Option<Vec<(&str, f64)>> = population
                .map(|population| population.segments().iter().map(|one| (one.name.as_str(), one.share)).collect());
            let (demand, logged) = demand::build(view.within(node, &DEMAND), shares.as_deref(), known.files, findings)?;
            (Some(demand), logged)
        }
    };
    Some((Habits { users, demand, retries, session, activity }, logged))
}

/// Offsets from the first attempt, in order; a mere number is that many retries at once.
fn retries(view: View<'_>, findings: &mut Findings) -> Option<Vec<Micros>> {
    let node = view.node("retries")?;
    if node.scalar().is_some() {
        let count = view.read("retries", |text| values::integer(text, 0, 20), findings)?;
        return Some(vec![Micros(0); count as usize]);
    }
    let offsets: Vec<Duration> = view.read_all("retries", values::duration, findings);
    if !offsets.is_sorted() {
        let problem =
            Problem::new("the retries are not in order").help("write each as its time from the first attempt");
        findings.error(&node.place, problem);
    }
    Some(offsets.into_iter().map(Micros::from).collect())
}

fn activity(view: View<'_>, findings: &mut Findings) -> Option<Vec<ActivityClass>> {
    let mut classes = Vec::new();
    for item in view.items("activity") {
        let view = view.within(item, &ACTIVITY);
        let users = view.read("users", values::share, findings);
        let sign_ins = view.read("sign_ins", values::share, findings);
        classes.push(ActivityClass { users: users?, sign_ins: sign_ins? });
    }
    let sums: [(&str, f64); 2] = [
        ("users", classes.iter().map(|class| class.users).sum()),
        ("sign_ins", classes.iter().map(|class| class.sign_ins).sum()),
    ];
    let node = view.node("activity");
    for (what, sum) in sums.into_iter().filter(|(_, sum)| node.is_some() && (sum - 1.0).abs() > 0.0005) {
        let shown = values::show_share((sum * 1e6).round() / 1e6);
        let problem = Problem::new(format!("the shares of '{what}' add up to {shown}, not to 100%"));
        node.into_iter().for_each(|node| findings.error(&node.place, problem.clone()));
    }
    Some(classes)
}

/// The population with its habits, and each segment with its own demand where a log tells them apart.
fn with(population: Population, habits: Habits, mut logged: Logged) -> Population {
    let own = |segment: &Segment| Segment { demand: logged.remove(&segment.name), ..segment.clone() };
    let segments: Vec<Segment> = population.segments().iter().map(own).collect();
    // Their shares add up to 1, since they did before.
    Population::new(segments).unwrap_or(population).with_habits(habits)
}
