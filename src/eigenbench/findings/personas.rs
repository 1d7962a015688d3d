//! Language models under personas: what moves a score more.

use crate::eigenbench::diagnostics::{VarianceShares, variance_shares};

/// A full table of language models by personas.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PersonaSplit {
    /// The model's place, `[language models][personas]`.
    pub grid: Vec<Vec<usize>>,
    /// By the trust that settles.
    pub trust: Option<VarianceShares>,
    /// By Elo.
    pub elo: Option<VarianceShares>,
}

/// Splits trust and Elo between language models and personas. `language_models` and `personas` say for each model whose it is.
///
/// # Errors
/// Why there is no such table, as a sentence.
pub fn persona_split<L: PartialEq>(
    language_models: &[L],
    personas: &[String],
    trust: &[f64],
    elo: &[f64],
) -> Result<PersonaSplit, String> {
    let mut rows: Vec<&L> = Vec::new();
    let mut columns: Vec<&String> = Vec::new();
    for (language_model, persona) in language_models.iter().zip(personas) {
        if !rows.contains(&language_model) {
            rows.push(language_model);
        }
        if !columns.contains(&persona) {
            columns.push(persona);
        }
    }
    if rows.len() < 2 || columns.len() < 2 {
        return Err("at least two language models under at least two personas are needed".into());
    }
    let place = |row: &L, column: &String| {
        language_models.iter().zip(personas).position(|(model, persona)| model == row && persona == column)
    };
    let grid: Option<Vec<Vec<usize>>> =
        rows.iter().map(|row| columns.iter().map(|column| place(row, column)).collect()).collect();
    let grid = grid
        .filter(|grid| grid.iter().flatten().count() == language_models.len())
        .ok_or("every language model must speak under every persona, once")?;
    let shares = |values: &[f64]| {
        let values: Vec<f64> = grid.iter().flatten().map(|&model| values[model]).collect();
        variance_shares(&values, columns.len())
    };
    Ok(PersonaSplit { trust: shares(trust), elo: shares(elo), grid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_table_is_split() {
        let personas = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let found =
            persona_split(&[1, 1, 2, 2], &personas(&["", "x", "", "x"]), &[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 0.0, 1.0])
                .unwrap();
        assert_eq!(found.grid, [[0, 1], [2, 3]]);
        let elo = found.elo.unwrap();
        assert!((elo.persona - 1.0).abs() < 1e-12 && elo.language_model.abs() < 1e-12);
        assert!((found.trust.unwrap().language_model - 0.8).abs() < 1e-12);
        let split = |models: &[i32], names: &[&str]| persona_split(models, &personas(names), &[0.25; 4], &[1500.0; 4]);
        assert!(split(&[1, 1, 2], &["", "x", ""]).is_err());
        assert!(split(&[1, 1, 1, 1], &["", "x", "y", "z"]).is_err());
        // One under the same persona twice is no table.
        assert!(split(&[1, 1, 2, 2], &["x", "x", "", "x"]).is_err());
    }
}
