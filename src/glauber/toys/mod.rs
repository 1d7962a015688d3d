//! Backends with known answers: product, Ising, Curie-Weiss, Potts, table pair, random table.
//!
//! Logits are computed in f64 from the settings; in [`Precision::F32`] each is rounded to f32, so a row has the same
//! bits in any batch. Random entries come from the recorded seed by exact arithmetic and are alike on every machine.

mod settings;
mod spins;
mod tables;

use super::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row, check_rows};
use settings::Settings;

/// The toys and their settings with defaults, for messages and help.
pub const TOYS: &str = "\
product:n=8,v=5,seed=0 (independent sites)
ising:n=6,beta=0.5,field=0,shape=ring (spins - and +, nearest neighbours on a ring or chain)
curie-weiss:n=8,beta=0.5 (spins - and +, every pair coupled)
potts:n=6,q=3,beta=0.5,shape=ring (q colours, nearest neighbours on a ring or chain)
table-pair:p=0.99;0.01;0.01;0.99,q=0.5;0.5;0.5;0.5 (p(x1|x2), one row for each x2, and q = p(x2|x1), one row for each x1)
random-table:n=3,v=3,seed=0,compatible=false,bump=1 (bump multiplies one conditional entry)";

/// Largest number of table entries a toy may hold: 32 MiB of f64.
const MOST_ENTRIES: usize = 1 << 22;

/// Reads a toy's text, such as `ising:n=6,beta=0.5`; the error names the setting that is wrong and lists the toys.
pub fn parse(text: &str) -> Result<Box<dyn Conditionals>, String> {
    read(text).map(|(toy, _)| toy)
}

/// The canonical text of a toy: settings sorted, defaults written out. Equal texts mean equal conditionals; hash this.
pub fn canonical(text: &str) -> Result<String, String> {
    read(text).map(|(_, canonical)| canonical)
}

/// The canonical text of the same toy with `sites` sites, for grids over lengths; a table pair has two, always.
pub fn with_sites(text: &str, sites: usize) -> Result<String, String> {
    let (name, settings) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
    if name == "table-pair" {
        let canonical = canonical(text)?;
        return if sites == 2 { Ok(canonical) } else { Err("a table pair has 2 sites: choose length 2".to_owned()) };
    }
    let others = settings.split(',').filter(|setting| setting.split('=').next().is_some_and(|key| key.trim() != "n"));
    canonical(&format!("{name}:{},n={sites}", others.collect::<Vec<_>>().join(",")))
}

fn read(text: &str) -> Result<(Box<dyn Conditionals>, String), String> {
    let built = Settings::new(text).and_then(|mut settings| {
        let name = settings.name().to_owned();
        let toy: Box<dyn Conditionals> = match name.as_str() {
            "product" => Box::new(tables::Product::new(&mut settings)?),
            "ising" => Box::new(spins::Ising::new(&mut settings)?),
            "curie-weiss" => Box::new(spins::CurieWeiss::new(&mut settings)?),
            "potts" => Box::new(spins::Potts::new(&mut settings)?),
            "table-pair" => Box::new(tables::TablePair::new(&mut settings)?),
            "random-table" => Box::new(tables::RandomTable::new(&mut settings)?),
            other => return Err(format!("there is no toy {other:?}")),
        };
        Ok((toy, settings.finish()?))
    });
    built.map_err(|problem| format!("{problem}.\nThe toys, with their settings at the defaults:\n{TOYS}"))
}

/// Answers questions to a toy of `sites` sites into `out`: `fill` writes the f64 logits of one row.
fn answer(
    sites: usize,
    vocabulary: usize,
    rows: &[Row<'_>],
    precision: Precision,
    out: &mut Vec<f64>,
    fill: impl Fn(&Row<'_>, &mut [f64]),
) -> Result<(), ConditionalsError> {
    check_rows(rows, (sites, sites), vocabulary)?;
    // Every entry is written below, so what a longer answer left behind need not be cleared.
    out.resize(rows.len() * vocabulary, 0.0);
    for (row, out) in rows.iter().zip(out.chunks_exact_mut(vocabulary)) {
        fill(row, out);
        if precision == Precision::F32 {
            for value in out {
                *value = f64::from(*value as f32);
            }
        }
    }
    Ok(())
}

/// A toy's answer in a vector of its own.
fn collect(toy: &dyn Conditionals, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
    let mut values = Vec::new();
    toy.logits_into(rows, precision, &mut values)?;
    Ok(Logits::new(values, toy.vocabulary()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(text: &str, state: &[u32], position: usize) -> Vec<f64> {
        let toy = parse(text).unwrap();
        let logits = toy.logits(&[Row { state, position }], Precision::F64).unwrap();
        let weights: Vec<f64> = logits.row(0).iter().map(|l| l.exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect()
    }

    #[test]
    fn canonical_texts() {
        assert_eq!(canonical("ising").unwrap(), "ising:beta=0.5,field=0,n=6,shape=ring");
        assert_eq!(canonical(" ising: beta=.50 , n=6 ").unwrap(), canonical("ising").unwrap());
        assert_eq!(canonical("random-table:seed=3").unwrap(), "random-table:bump=1,compatible=false,n=3,seed=3,v=3");
        assert_eq!(canonical("table-pair:p=.9;.1;.2;.8").unwrap(), "table-pair:p=0.9;0.1;0.2;0.8,q=0.5;0.5;0.5;0.5");
        for line in TOYS.lines() {
            let text = line.split(' ').next().unwrap();
            let once = canonical(text).unwrap();
            assert_eq!(canonical(&once).unwrap(), once, "canonical is a fixed point");
            assert_eq!(canonical(text.split(':').next().unwrap()).unwrap(), once, "the help shows the defaults");
        }
    }

    #[test]
    fn toys_of_another_length() {
        assert_eq!(with_sites("curie-weiss:beta=1.5,n=4", 16).unwrap(), "curie-weiss:beta=1.5,n=16");
        assert_eq!(with_sites("ising", 3).unwrap(), canonical("ising:n=3").unwrap());
        assert_eq!(with_sites("table-pair", 2), canonical("table-pair"));
        assert!(with_sites("table-pair", 3).unwrap_err().contains("length 2"));
        assert!(with_sites("random-table:v=40", 20).unwrap_err().contains("entries"));
        assert!(with_sites("isng", 4).is_err());
    }

    #[test]
    fn errors_name_the_setting_and_list_the_toys() {
        for (text, named) in [
            ("isng:n=4", "\"isng\""),
            ("ising:n=0", "n=0"),
            ("ising:n=many", "n=many"),
            ("ising:betta=1", "\"betta\""),
            ("ising:n", "\"n\""),
            ("ising:n=4,n=5", "twice"),
            ("ising:beta=NaN", "beta=NaN"),
            ("ising:shape=square", "shape=square"),
            ("random-table:n=20,v=40", "entries"),
            ("product:n=4096,v=65536", "entries"),
            ("random-table:bump=0", "bump=0"),
            ("table-pair:p=.9;.1;.2", "p="),
            ("table-pair:p=.9;.2;.2;.8", "sums to"),
            ("table-pair:p=.9;.1;.2;-.8", "positive"),
            ("", "\"\""),
        ] {
            let error = parse(text).err().unwrap_or_else(|| panic!("{text} was taken"));
            assert!(error.contains(named) && error.contains("curie-weiss:"), "{text}: {error}");
        }
    }

    #[test]
    fn spins_have_their_conditionals() {
        // Neighbours + and +: p(+) = 1 / (1 + e^{-2 (2 beta + h)}).
        let p = law("ising:n=4,beta=0.3,field=0.1", &[1, 0, 1, 0], 1)[1];
        assert!((p - 1.0 / (1.0 + (-2.0f64 * 0.7).exp())).abs() < 1e-15);
        // On a chain the first site has one neighbour.
        let p = law("ising:n=4,beta=0.3,shape=chain", &[1, 0, 1, 1], 0)[1];
        assert!((p - 1.0 / (1.0 + (2.0f64 * 0.3).exp())).abs() < 1e-15);
        // S = +1 - 1 + 1 = 1 over the other spins.
        let p = law("curie-weiss:n=4,beta=1.5", &[0, 1, 0, 1], 0)[1];
        assert!((p - 1.0 / (1.0 + (-2.0f64 * 1.5 / 4.0).exp())).abs() < 1e-15);
        let p = law("potts:n=3,q=3,beta=0.4", &[2, 0, 2], 1);
        assert!((p[2] - 0.8f64.exp() / (2.0 + 0.8f64.exp())).abs() < 1e-15);
    }

    #[test]
    fn spins_are_read_and_written_as_signs() {
        let toy = parse("ising:n=4").unwrap();
        assert_eq!(toy.tokenize("+ - 1 0").unwrap(), [1, 0, 1, 0]);
        assert_eq!((toy.text(0), toy.text(1)), ("-".to_owned(), "+".to_owned()));
        assert!(toy.tokenize("+ - 2 0").unwrap_err().to_string().contains("\"2\""));
        assert_eq!(parse("potts:q=4").unwrap().tokenize("3 0").unwrap(), [3, 0]);
    }

    #[test]
    fn single_precision_rounds_the_logits() {
        let toy = parse("table-pair").unwrap();
        let rows = [Row { state: &[0, 1], position: 0 }, Row { state: &[1, 0], position: 1 }];
        let (single, double) = (toy.logits(&rows, Precision::F32).unwrap(), toy.logits(&rows, Precision::F64).unwrap());
        for k in 0..2 {
            for (s, d) in single.row(k).iter().zip(double.row(k)) {
                assert_eq!(*s, f64::from(*d as f32));
            }
        }
        assert_ne!(single.row(0), double.row(0));
    }

    #[test]
    fn seeds_make_different_tables() {
        let first = law("random-table:seed=1", &[0, 0, 0], 0);
        assert_eq!(first, law("random-table:seed=1", &[0, 0, 0], 0));
        assert_ne!(first, law("random-table:seed=2", &[0, 0, 0], 0));
        assert_eq!(law("product:seed=4", &[0; 8], 3), law("product:seed=4", &[1; 8], 3), "sites are independent");
    }
}
