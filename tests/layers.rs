//! The architecture's rules that a reader of `use` lines can check (ARCHITECTURE.md, "Rules").

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file: (path relative to the crate, top-level module, text without comments).
fn files() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    assert!(paths.len() > 30, "the source tree was not found");
    paths
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(root.join("src")).unwrap().to_string_lossy().replace('\\', "/");
            let module = relative.split(['/', '.']).next().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
            (relative, module, code)
        })
        .collect()
}

/// Fails for each file outside `allowed` modules that mentions one of `words` as a path segment or crate.
fn only(allowed: &[&str], words: &[&str]) {
    let mut offences = Vec::new();
    for (path, module, code) in files() {
        if allowed.contains(&module.as_str()) {
            continue;
        }
        for word in words {
            for (number, line) in code.lines().enumerate() {
                let mentions = line.match_indices(word).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + word.len()..].chars().next();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && after == Some(':')
                });
                if mentions {
                    offences.push(format!("src/{path}:{}: mentions {word}", number + 1));
                }
            }
        }
    }
    assert!(offences.is_empty(), "only {allowed:?} may:\n{}", offences.join("\n"));
}

#[test]
fn only_the_store_mentions_sqlite() {
    only(&["store"], &["rusqlite", "rusqlite_migration"]);
}

#[test]
fn only_the_ui_mentions_egui() {
    only(&["ui"], &["egui", "eframe", "egui_plot", "egui_extras", "egui_notify"]);
}

#[test]
fn only_the_models_mention_candle() {
    only(&["models"], &["candle_core", "candle_nn", "tokenizers", "hf_hub"]);
}

#[test]
fn the_science_knows_no_threads_clocks_files_or_network() {
    let science = ["dempo", "eigenbench", "glauber", "ranking", "sortition", "statistics"];
    let forbidden = ["std::thread", "std::time", "std::fs", "std::net", "std::sync::mpsc", "crate::store", "crate::ui"];
    let above = ["crate::jobs", "crate::models", "crate::cli"];
    for (path, module, code) in files() {
        // Tests inside a science module may touch files (goldens); the science itself may not.
        let code = code.split("#[cfg(test)]").next().unwrap_or("");
        if science.contains(&module.as_str()) {
            for word in forbidden.iter().chain(&above) {
                assert!(!code.contains(word), "src/{path} mentions {word}");
            }
        }
    }
}

/// Providers may use threads, clocks and the network, but know nothing of who asks or of where answers are kept.
#[test]
fn the_providers_know_no_store_jobs_models_or_window() {
    let above = ["crate::store", "crate::ui", "crate::jobs", "crate::models", "crate::cli", "std::fs"];
    let mut seen = 0;
    for (path, module, code) in files() {
        if module == "providers" {
            seen += 1;
            for word in above {
                assert!(!code.contains(word), "src/{path} mentions {word}");
            }
        }
    }
    assert!(seen > 5, "the providers were not found");
}

#[test]
fn files_stay_readable() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    sources(&root.join("tests"), &mut paths);
    for path in paths {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 600, "{} has {lines} lines; split it by subject", path.display());
    }
}
