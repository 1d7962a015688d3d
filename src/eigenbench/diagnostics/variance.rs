//! What moves trust where every model is a language model under a persona (eigenbench.md, section 8).

/// Shares of the variance of a table of language models by personas; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct VarianceShares {
    /// Between the means of language models.
    pub language_model: f64,
    /// Between the means of personas.
    pub persona: f64,
    /// What neither explains: personas that move language models unlike one another, and noise.
    pub interaction: f64,
}

impl VarianceShares {
    /// What the paper calls the persona's share: everything but the language model's.
    pub fn all_but_language_model(self) -> f64 {
        1.0 - self.language_model
    }
}

/// Splits the variance of `values`, `[language models, personas]` by rows. `None` where a row is missing values, or all are
/// alike.
pub fn variance_shares(values: &[f64], personas: usize) -> Option<VarianceShares> {
    if personas == 0 || values.is_empty() || !values.len().is_multiple_of(personas) {
        return None;
    }
    let models = values.len() / personas;
    let mean = |values: &mut dyn Iterator<Item = f64>, of: usize| values.sum::<f64>() / of as f64;
    let all = mean(&mut values.iter().copied(), values.len());
    let square = |value: f64| (value - all) * (value - all);
    let total = mean(&mut values.iter().map(|&value| square(value)), values.len());
    let of_model = |row: usize| square(mean(&mut values[row * personas..][..personas].iter().copied(), personas));
    let of_persona = |at: usize| square(mean(&mut values[at..].iter().step_by(personas).copied(), models));
    let language_model = mean(&mut (0..models).map(of_model), models) / total;
    let persona = mean(&mut (0..personas).map(of_persona), personas) / total;
    (total > 0.0).then_some(VarianceShares { language_model, persona, interaction: 1.0 - language_model - persona })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_effects_has_no_interaction() {
        let values: Vec<f64> = [1.0, 3.0].iter().flat_map(|model| [0.0, 4.0].map(|persona| model + persona)).collect();
        let found = variance_shares(&values, 2).unwrap();
        assert!((found.language_model - 0.2).abs() < 1e-12 && (found.persona - 0.8).abs() < 1e-12);
        assert!(found.interaction.abs() < 1e-12 && (found.all_but_language_model() - 0.8).abs() < 1e-12);
        let crossed = variance_shares(&[1.0, 0.0, 0.0, 1.0], 2).unwrap();
        assert_eq!((crossed.language_model, crossed.persona, crossed.interaction), (0.0, 0.0, 1.0));
        assert_eq!(variance_shares(&[1.0; 4], 2), None);
        assert_eq!(variance_shares(&[1.0; 3], 2), None);
    }
}
