//! What a store holds against what the declarations in it promise.

use std::collections::BTreeSet;
use std::path::Path;

use doorstep::model::{FlowName, StoreLocation};
use doorstep::store::{Columns, RunFilter, Store};

/// The slots that the declarations promise, and those that the store has runs for.
pub(crate) async fn due_and_recorded(folder: &Path) -> (BTreeSet<(FlowName, i64)>, BTreeSet<(FlowName, i64)>) {
    let store = Store::open(&StoreLocation::Folder(folder.to_owned())).unwrap();
    let mut recorded = BTreeSet::new();
    let mut copies = 0;
    let mut each = |row: doorstep::store::Row| {
        // An extra probe after a failure serves no slot of its own.
        if row.run.attempt > 0 {
            return;
        }
        copies += 1;
        recorded.insert((row.run.flow.clone(), row.run.slot.as_microsecond()));
    };
    store.read(&RunFilter::everything(), Columns::Summary, &mut each).await.unwrap();
    assert_eq!(copies, recorded.len(), "each slot once");
    let (from, to) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX);
    let declarations = store.declarations(from, to).await.unwrap();
    let mut due = BTreeSet::new();
    for pair in declarations.windows(2) {
        for declared in &pair[0].flows {
            let slots = declared.schedule.slots(&pair[0].vantage, pair[0].from, pair[1].from);
            due.extend(slots.map(|slot| (declared.schedule.flow.clone(), slot.as_microsecond())));
        }
    }
    assert!(declarations.last().unwrap().flows.is_empty(), "an orderly stop is declared");
    (due, recorded)
}
