//! Projects opened before, and the sample projects that came with the program.

use std::io;
use std::path::{Path, PathBuf};

/// A project that was open once.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RecentProject {
    pub name: String,
    pub directory: PathBuf,
    /// RFC 3339, UTC.
    pub opened: String,
}

const KEPT: usize = 12;

/// Puts `project` first, once, and keeps the newest dozen.
pub fn remember(list: &mut Vec<RecentProject>, project: RecentProject) {
    list.retain(|known| known.directory != project.directory);
    list.insert(0, project);
    list.truncate(KEPT);
}

/// A folder with a `project.toml` that ships with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub name: String,
    pub description: String,
    pub directory: PathBuf,
    /// Whether its database can be made in place; otherwise only a copy can be opened.
    pub writable: bool,
}

/// What the start page needs to know of the disk. Reading it may block: do it on a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeScan {
    /// Recent folders that still hold a project.
    pub present: Vec<PathBuf>,
    pub samples: Vec<Sample>,
}

/// Looks which of the recent projects are still there, and which samples came along.
pub fn scan(recent: &[RecentProject]) -> HomeScan {
    let is_project =
        |directory: &Path| directory.join("project.sqlite").is_file() || directory.join("project.toml").is_file();
    HomeScan {
        present: recent
            .iter()
            .map(|project| project.directory.clone())
            .filter(|directory| is_project(directory))
            .collect(),
        samples: samples(&sample_folders()).or_else(|| samples(&[unpacked()?])).unwrap_or_default(),
    }
}

/// Folders that may hold the samples: `projects` in the working folder, beside the executable, above it (a build in
/// `target/release`) and where packages put data.
fn sample_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(current) = std::env::current_dir() {
        folders.push(current.join("projects"));
    }
    if let Ok(program) = std::env::current_exe() {
        for above in program.ancestors().skip(1).take(4) {
            folders.push(above.join("projects"));
            folders.push(above.join("share/kleroterion/projects"));
        }
    }
    folders
}

/// The quickstart sample, byte for byte what is under `projects`, for a program that has been moved away from there.
const QUICKSTART: [(&str, &str); 2] = [
    ("project.toml", include_str!("../../projects/quickstart/project.toml")),
    ("sentences.csv", include_str!("../../projects/quickstart/sentences.csv")),
];

/// The folder of the quickstart sample; written to the user's data folder where none came along with the program.
pub fn quickstart() -> Option<PathBuf> {
    let along = sample_folders().into_iter().map(|folder| folder.join("quickstart"));
    along
        .into_iter()
        .find(|folder| folder.join("project.toml").is_file())
        .or_else(|| Some(unpacked()?.join("quickstart")))
}

/// Writes the embedded sample where the user's data lies, unless it is there, and gives the folder of samples.
fn unpacked() -> Option<PathBuf> {
    let folder = directories::ProjectDirs::from("org", "kleroterion", "kleroterion")?.data_dir().join("projects");
    unpack(&folder).ok().map(|()| folder)
}

fn unpack(folder: &Path) -> io::Result<()> {
    let quickstart = folder.join("quickstart");
    std::fs::create_dir_all(&quickstart)?;
    for (name, text) in QUICKSTART {
        let path = quickstart.join(name);
        if !path.exists() {
            std::fs::write(path, text)?;
        }
    }
    Ok(())
}

/// The samples in the first of `folders` that has any, by name.
fn samples(folders: &[PathBuf]) -> Option<Vec<Sample>> {
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let mut found: Vec<Sample> = entries.flatten().filter_map(|entry| sample(&entry.path())).collect();
        if !found.is_empty() {
            found.sort_by(|a, b| a.directory.cmp(&b.directory));
            return Some(found);
        }
    }
    None
}

fn sample(directory: &Path) -> Option<Sample> {
    let text = std::fs::read_to_string(directory.join("project.toml")).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let word = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let folder_name = directory.file_name()?.to_string_lossy().into_owned();
    Some(Sample {
        name: word("name").unwrap_or(folder_name),
        description: word("description").unwrap_or_default(),
        directory: directory.to_path_buf(),
        writable: writable(directory),
    })
}

/// Whether a file can be made in `directory`; tried, because permission bits do not tell (network mounts, containers).
fn writable(directory: &Path) -> bool {
    let probe = directory.join(format!(".kleroterion-probe-{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe).is_ok();
    made && std::fs::remove_file(&probe).is_ok()
}

/// Copies the text of a sample (not its database, not its exports) to `to`, which must be empty or not exist.
pub fn copy_sample(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() && std::fs::read_dir(to)?.next().is_some() {
        return Err(io::Error::other("the folder is not empty. Choose an empty or a new one"));
    }
    copy_folder(from, to)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("project.sqlite") || text == "exports" || text.starts_with(".kleroterion") {
            continue;
        }
        let kind = entry.file_type()?;
        // Links are left out: a copy must not reach outside its folder.
        if kind.is_dir() {
            copy_folder(&entry.path(), &to.join(&name))?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> RecentProject {
        RecentProject { name: name.into(), directory: PathBuf::from(name), opened: "2026-01-01T00:00:00Z".into() }
    }

    #[test]
    fn the_newest_is_first_and_listed_once() {
        let mut list = vec![project("a"), project("b")];
        remember(&mut list, project("b"));
        assert_eq!(list, [project("b"), project("a")]);
        for k in 0..20 {
            remember(&mut list, project(&format!("p{k}")));
        }
        assert_eq!(list.len(), KEPT);
        assert_eq!(list[0].name, "p19");
    }

    #[test]
    fn the_embedded_sample_is_a_project_and_is_not_written_over() {
        let root = tempfile::tempdir().unwrap();
        unpack(root.path()).unwrap();
        let quickstart = root.path().join("quickstart");
        assert_eq!(samples(&[root.path().to_owned()]).unwrap()[0].name, "Quickstart");
        std::fs::write(quickstart.join("sentences.csv"), "mine").unwrap();
        unpack(root.path()).unwrap();
        assert_eq!(std::fs::read_to_string(quickstart.join("sentences.csv")).unwrap(), "mine");
        std::fs::remove_file(quickstart.join("sentences.csv")).unwrap();
        unpack(root.path()).unwrap();
        assert!(
            !crate::store::Project::open(&quickstart)
                .unwrap()
                .runs(&crate::store::RunFilter::default())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn samples_are_found_and_copied_without_their_database() {
        let root = tempfile::tempdir().unwrap();
        let from = root.path().join("projects/quickstart");
        std::fs::create_dir_all(from.join("sentences")).unwrap();
        std::fs::write(from.join("project.toml"), "name = \"Quick start\"\ndescription = \"One model.\"\n").unwrap();
        std::fs::write(from.join("project.sqlite"), "database").unwrap();
        std::fs::write(from.join("sentences/a.txt"), "A sentence.\n").unwrap();
        let found = samples(&[root.path().join("nowhere"), root.path().join("projects")]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].description.as_str()), ("Quick start", "One model."));
        assert!(found[0].writable);
        let to = root.path().join("copy");
        copy_sample(&from, &to).unwrap();
        assert!(to.join("sentences/a.txt").is_file() && to.join("project.toml").is_file());
        assert!(!to.join("project.sqlite").exists());
        assert!(copy_sample(&from, &to).is_err(), "a full folder is never written into");
    }
}
