//! Every dependency may be used in a program under MIT OR Apache-2.0: no GPL, nothing unlicensed.

use std::process::Command;

/// Licences that may be linked into the program. MPL-2.0 is a file-level copyleft that linking does not spread.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OFL-1.1",
    "Ubuntu-font-1.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Features whose dependencies are looked at too. Not `mkl`: Intel's library has terms of its own, which whoever builds with it
/// accepts.
const FEATURES: &str = "accelerate,cuda,highs,metal";

/// Whether an SPDX expression can be satisfied with allowed licences: AND of ORs, OR of ANDs, nested by parentheses.
fn acceptable(expression: &str) -> bool {
    fn parse(tokens: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> bool {
        let mut alternatives = vec![term(tokens)];
        while let Some(operator) = tokens.next_if(|t| t == "OR" || t == "AND") {
            let right = term(tokens);
            match operator.as_str() {
                "OR" => alternatives.push(right),
                _ => {
                    let left = alternatives.pop().expect("a left side was read");
                    alternatives.push(left && right);
                }
            }
        }
        alternatives.into_iter().any(|a| a)
    }
    fn term(tokens: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> bool {
        match tokens.next().as_deref() {
            Some("(") => {
                let inside = parse(tokens);
                tokens.next_if(|t| t == ")");
                inside
            }
            Some(name) => {
                let mut name = name.to_owned();
                if tokens.next_if(|t| t == "WITH").is_some() {
                    name = format!("{name} WITH {}", tokens.next().unwrap_or_default());
                }
                ALLOWED.contains(&name.as_str())
            }
            None => false,
        }
    }
    // Old manifests separate alternatives by a slash.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    parse(&mut tokens.into_iter().peekable())
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    assert!(acceptable("MIT OR GPL-3.0-only"));
    assert!(acceptable("Apache-2.0/MIT"));
    assert!(acceptable("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(acceptable("Apache-2.0 WITH LLVM-exception"));
    assert!(!acceptable("MIT AND GPL-2.0-only"));
    assert!(!acceptable("LGPL-3.0-only"));
    assert!(!acceptable("GPL-3.0-only WITH Classpath-exception-2.0"));
    assert!(!acceptable(""));
}

#[test]
fn every_dependency_is_free_of_gpl() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--features", FEATURES])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is running this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "the dependency list is too short to be true");
    for optional in ["cudarc", "highs-sys"] {
        assert!(packages.iter().any(|package| package["name"] == optional), "{optional} was not looked at");
    }
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !acceptable(package["license"].as_str().unwrap_or_default()))
        .map(|package| format!("{} {} ({})", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences to be looked at: {refused:#?}");
}
