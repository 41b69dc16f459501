//! Schedule declarations on their way to the store. They lie in a folder of the spool until the store has them, since a
//! store that is away when a worker starts must not make its coverage unknown.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::model::ScheduleDeclaration;

const ENDING: &str = "json";

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Outbox(PathBuf);

impl Outbox {
    /// The folder of this spool; made when first used.
    pub(super) fn of(spool: &Path) -> Self {
        Self(spool.join("declarations"))
    }

    /// Puts a declaration in; it is on disk when this returns.
    pub(super) fn put(&self, declaration: &ScheduleDeclaration) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let name = format!("{:020}", declaration.from.as_microsecond());
        let (fresh, path) = (self.0.join(format!("{name}.new")), self.0.join(format!("{name}.{ENDING}")));
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(declaration)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(&self.0)?.sync_all()
    }

    /// All declarations, oldest first, each with its file. One that cannot be understood is an error that names it.
    pub(super) fn list(&self) -> io::Result<Vec<(PathBuf, ScheduleDeclaration)>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        paths.sort();
        let read = |path: PathBuf| {
            let declaration = serde_json::from_slice(&fs::read(&path)?)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            Ok((path, declaration))
        };
        paths.into_iter().map(read).collect()
    }

    /// Takes a declaration out that the store has.
    pub(super) fn remove(path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::VantageName;

    #[test]
    fn declarations_wait_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::of(folder.path());
        assert!(outbox.list().unwrap().is_empty());
        let declare = |from: &str| ScheduleDeclaration {
            vantage: VantageName::new("berlin").unwrap(),
            labels: BTreeMap::new(),
            from: from.parse().unwrap(),
            flows: Vec::new(),
            databases: Vec::new(),
        };
        let [late, early] = ["2026-11-23T10:00:05Z", "2026-11-23T09:59:59.5Z"].map(declare);
        outbox.put(&late).unwrap();
        outbox.put(&early).unwrap();
        outbox.put(&early).unwrap();
        let listed = outbox.list().unwrap();
        assert_eq!(listed.iter().map(|(_, declaration)| declaration).collect::<Vec<_>>(), [&early, &late]);
        Outbox::remove(&listed[0].0).unwrap();
        assert_eq!(outbox.list().unwrap().len(), 1);
    }
}
