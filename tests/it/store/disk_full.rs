//! A full disk: the append says so, nothing acknowledged is lost, and shipping makes room again.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use doorstep::store::{Error, Spool, Store};

use super::support::*;

/// Set for the process whose files may not grow large.
const FOLDER: &str = "DOORSTEP_TEST_SMALL_FILES";

/// Records runs until one is refused; how many were acknowledged, and the refusal.
async fn fill(spool: &Spool) -> (u64, Error) {
    for number in 0..10_000 {
        if let Err(error) = spool.append(&run("berlin", number)).await {
            return (number, error);
        }
    }
    panic!("10,000 runs went onto a full disk");
}

/// A small file system in memory, gone when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_shipping_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path()) else {
        let _ = writeln!(std::io::stderr(), "skipped: a_full_disk_is_told_and_shipping_makes_room: may not mount");
        return;
    };
    let store = Store::in_memory();
    let dir = folder.path().join("spool");
    let spool = fresh_spool(&dir);
    let (recorded, error) = fill(&spool).await;
    assert!(error.is_disk_full() && recorded > 50, "{recorded}: {error:?}");
    let message = error.to_string();
    assert!(message.contains(dir.to_str().unwrap()), "{message}");
    let expected: Vec<_> = (0..recorded).map(|number| run("berlin", number)).collect();
    assert_eq!(all_runs(&store.clone().with_spool(&dir)).await, by_id(&expected), "all that was acknowledged");
    ship(&spool, &store).await;
    append_all(&spool, &[run("berlin", 20_000)]).await;
    ship(&spool, &store).await;
    assert_eq!(all_runs(&store).await.len() as u64, recorded + 1);
}

/// The same without any right but the shell's: no file may be larger than 64 KiB.
#[tokio::test]
async fn a_refused_write_tears_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let spool = fresh_spool(Path::new(&folder));
        let (recorded, error) = fill(&spool).await;
        assert!(error.is_disk_full(), "{error:?}");
        // The next run goes to a file of its own.
        append_all(&spool, &[run("berlin", 20_000)]).await;
        std::io::stdout().write_all(format!("\nrecorded {recorded}\n").as_bytes()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store::disk_full::a_refused_write_tears_nothing", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&limited.stdout);
    let recorded = output.lines().find_map(|line| line.strip_prefix("recorded ")?.parse::<u64>().ok());
    let recorded = recorded.unwrap_or_else(|| panic!("{output}\n{}", String::from_utf8_lossy(&limited.stderr)));
    let (spool, recovery) =
        Spool::<doorstep::model::Run>::open(folder.path(), &doorstep::clock::Clock::system()).unwrap();
    assert_eq!((recovery.records as u64, recovery.files), (recorded + 1, 2));
    assert_eq!((recovery.torn_bytes, recovery.damaged_bytes), (0, 0), "what was refused was cut off");
    let store = Store::in_memory();
    ship(&spool, &store).await;
    let mut expected: Vec<_> = (0..recorded).map(|number| run("berlin", number)).collect();
    expected.push(run("berlin", 20_000));
    assert_eq!(all_runs(&store).await, by_id(&expected));
}
