//! The instances of the reference data, imported with their quotas. They stand beside a checkout, not in it.

use std::fs;
use std::path::{Path, PathBuf};

use kleroterion::formats::foundation::{self, PeopleOptions};
use kleroterion::formats::table;
use kleroterion::sortition::import::apply;
use kleroterion::sortition::presets::Preset;
use kleroterion::sortition::quota_table::{Header, match_to};
use kleroterion::sortition::suggestion::suggest;

/// Folders with people and quotas; the number after the last line is the size of the panel.
fn instances() -> Vec<(PathBuf, u32)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sortition");
    let Ok(entries) = fs::read_dir(&data) else {
        eprintln!("skipped: {} is absent", data.display());
        return Vec::new();
    };
    let mut found: Vec<(PathBuf, u32)> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("respondents.csv").exists())
        .map(|folder| {
            let size = folder.to_string_lossy().rsplit('_').next().unwrap().parse().unwrap();
            (folder, size)
        })
        .collect();
    found.sort();
    assert!(found.len() >= 13, "only {} instances", found.len());
    found
}

#[test]
fn every_instance_imports_with_its_quotas() {
    for (folder, size) in instances() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let quotas = foundation::read_quotas(&folder.join("categories.csv"), size, 0.0).unwrap();
        let people = folder.join("respondents.csv");
        let read = foundation::read_people(&people, &quotas.quotas, &PeopleOptions::default()).unwrap();
        assert_eq!((quotas.warnings.len(), read.warnings.len()), (0, 0), "{name}");
        let lines = fs::read_to_string(&people).unwrap().lines().count() - 1;
        assert_eq!((read.pool.len(), read.report.rows, read.report.left_out.len()), (lines, lines, 0), "{name}");
        assert_eq!(quotas.quotas.check(&read.pool), Ok(()), "{name}");
        // The quotas' spelling is the people's; what may differ is that nobody has a value.
        let (matched, differences) = match_to(&quotas.quotas, &read.pool);
        assert_eq!(matched, quotas.quotas, "{name}");
        assert!(differences.iter().all(|difference| difference.to_string().contains("nobody has")), "{differences:?}");
        // Written in any layout and read again they are the same.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.csv");
        for header in [Header::FeatureValue, Header::CategoryFeature, Header::CategoryName] {
            fs::write(&path, foundation::quotas_csv(&quotas.quotas, header).unwrap()).unwrap();
            assert_eq!(foundation::read_quotas(&path, size, 0.0).unwrap(), quotas, "{name}");
        }
        fs::write(&path, foundation::table_csv(&read.table, 0..lines)).unwrap();
        assert_eq!(table::read(&path, None).unwrap().table, read.table, "{name}");
        fs::write(&path, foundation::pool_csv(&read.pool, 0..lines)).unwrap();
        let again = foundation::read_people(&path, &quotas.quotas, &PeopleOptions::default()).unwrap();
        assert_eq!(again.pool.ids(), read.pool.ids(), "{name}");
        assert!((0..lines).all(|person| again.pool.values(person) == read.pool.values(person)), "{name}");
    }
}

#[test]
fn suggestions_find_the_columns_of_the_quotas() {
    for (folder, size) in instances() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let quotas = foundation::read_quotas(&folder.join("categories.csv"), size, 0.0).unwrap().quotas;
        let people = table::read(&folder.join("respondents.csv"), None).unwrap().table;
        let (pool, _) = apply(&people, &suggest(&people)).unwrap();
        let (matched, _) = match_to(&quotas, &pool);
        assert_eq!(matched.check(&pool), Ok(()), "{name}");
        assert_eq!(pool.household(0).is_some(), name.starts_with("sf_fixture"), "{name}");
    }
}

#[test]
fn the_papers_quotas_are_those_of_the_made_up_pool() {
    for (folder, size) in instances() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("prismlike") {
            continue;
        }
        let read = foundation::read_quotas(&folder.join("categories.csv"), size, 0.0).unwrap().quotas;
        let preset = Preset::PaperUnitedStates.quotas(size, 0.1);
        let bounds = |quotas: &kleroterion::sortition::quotas::Quotas| {
            let values = quotas.attributes.iter().flat_map(|attribute| {
                attribute
                    .values
                    .iter()
                    .map(|v| (attribute.name.clone(), v.value.clone(), v.min, v.max, v.min_flex, v.max_flex))
            });
            values.collect::<Vec<_>>()
        };
        assert_eq!(bounds(&preset), bounds(&read), "{name}");
    }
}
