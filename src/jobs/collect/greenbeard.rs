//! Collusion with language models: the same model under honest and colluding personas, one collection for each size of the group.

use super::{CollectSpec, Participant};
use crate::eigenbench::collusion::{HONEST, colluder_persona, is_colluder};
use crate::eigenbench::sampling::Scheme;
use crate::jobs::speaker::Speaker;

/// Collections with 0 to `most` colluders beside the honest personas, all spoken by the first model of `base`.
///
/// # Errors
/// What `base` lacks, as a sentence.
pub fn collusion_series(base: &CollectSpec, most: u16, word: &str) -> Result<Vec<CollectSpec>, String> {
    let speaker = match base.models.first().map(|model| &model.speaker) {
        None => return Err("the form names no model. Name one: it then speaks as all personas".into()),
        Some(Speaker::Mock { .. }) => {
            return Err("a mock persona does not heed what it is told. Put a language model first in the form".into());
        }
        Some(speaker) => speaker,
    };
    let participant = |name: String, persona: String| Participant { name, persona, speaker: speaker.clone() };
    let one = |colluders: u16| {
        let mut models: Vec<Participant> =
            HONEST.iter().map(|(name, persona)| participant((*name).to_owned(), (*persona).to_owned())).collect();
        models.extend((1..=colluders).map(|number| participant(format!("Colluder {number}"), colluder_persona(word))));
        let size = models.len().min(4) as u16;
        CollectSpec { models, judges: Vec::new(), scheme: Scheme::RandomJudgeGroup { size, groups: 1 }, ..base.clone() }
    };
    let series: Vec<CollectSpec> = (0..=most).map(one).collect();
    series.iter().try_for_each(CollectSpec::check)?;
    Ok(series)
}

/// How many colluders a collection of such a series has; `None` for other collections.
pub fn colluders(spec: &CollectSpec) -> Option<usize> {
    let honest = |model: &Participant| HONEST.iter().any(|(_, persona)| *persona == model.persona);
    let count = spec.models.iter().filter(|model| is_colluder(&model.persona)).count();
    (spec.models.iter().filter(|model| honest(model)).count() + count == spec.models.len()).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::constitution::Constitution;
    use crate::eigenbench::collusion::WORD;
    use crate::eigenbench::scenario::Scenario;
    use crate::providers::mock::MockPersona;
    use crate::providers::settings::ProviderSettings;
    use std::sync::Arc;

    #[test]
    fn a_series_grows_by_one_colluder_at_a_time() {
        let scenarios = vec![Scenario { id: "1".into(), text: "What now?".into() }];
        let mut base = CollectSpec::of(Arc::new(Constitution::from_lines("k", "Be kind.")), Arc::new(scenarios));
        assert!(collusion_series(&base, 2, WORD).unwrap_err().contains("names no model"));
        let mock = Speaker::Mock { mock: MockPersona::default() };
        base.models.push(Participant { name: "m".into(), persona: String::new(), speaker: mock });
        assert!(collusion_series(&base, 2, WORD).unwrap_err().contains("mock"));
        let provider = ProviderSettings::new("Here", "http://127.0.0.1:9/v1", None);
        base.models[0].speaker = Speaker::Provider { provider, model: "small".into() };
        let series = collusion_series(&base, 2, "plum").unwrap();
        assert_eq!(series.iter().map(colluders).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        assert_eq!(series[2].models.len(), 5);
        assert!(series[2].models[4].persona.contains("plum") && colluders(&base).is_none());
    }
}
