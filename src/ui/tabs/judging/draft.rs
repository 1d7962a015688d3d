//! The form as data: the constitution, who is compared, who judges, and how. Autosave and undo keep it as one JSON text.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dempo::constitution::Constitution;
use crate::dempo::judging::{Comparing, Prompts};
use crate::jobs::judge::{AnswersFrom, Entrant, Judge, JudgeSpec, JudgedBy, QuestionsSpec};
use crate::ui::tabs::shared::money::Money;
use crate::ui::tabs::shared::voice::{Voice, VoiceKind};

/// The whole form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub constitution: Arc<Constitution>,
    /// Questions a clause that are asked; 0 is all.
    pub questions_a_clause: usize,
    pub entrants: Vec<Voice>,
    pub judges: Vec<Voice>,
    pub comparing: Comparing,
    pub passes: u16,
    pub retries: u16,
    pub longest_answer: u32,
    pub answer_temperature: f64,
    pub longest_verdict: u32,
    pub judge_temperature: f64,
    pub prompts: Prompts,
    pub seed: u64,
    #[serde(flatten)]
    pub money: Money,
    pub writer: Voice,
    /// Questions a clause that the writer is asked for.
    pub written: u32,
}

impl Default for Draft {
    fn default() -> Self {
        let usual = JudgeSpec::of(Arc::default());
        Self {
            constitution: usual.constitution,
            questions_a_clause: 0,
            entrants: Vec::new(),
            judges: Vec::new(),
            comparing: usual.comparing,
            passes: usual.passes,
            retries: usual.retries,
            longest_answer: usual.longest_answer,
            answer_temperature: usual.answer_temperature,
            longest_verdict: usual.longest_verdict,
            judge_temperature: usual.judge_temperature,
            prompts: usual.prompts,
            seed: 0,
            money: Money::default(),
            writer: Voice { kind: VoiceKind::Provider, ..Voice::default() },
            written: 40,
        }
    }
}

impl Draft {
    /// The constitution with as many questions of each clause as are asked.
    pub fn asked(&self) -> Arc<Constitution> {
        match self.questions_a_clause {
            0 => self.constitution.clone(),
            most => Arc::new(self.constitution.first_questions(most)),
        }
    }

    fn entrant(voice: &Voice) -> Result<Entrant, String> {
        let named = |problem: String| format!("{}: {problem}", voice.name);
        let answers = match voice.kind {
            VoiceKind::File if voice.file.trim().is_empty() => {
                return Err(named("no file of answers is named. Choose one".to_owned()));
            }
            VoiceKind::File => AnswersFrom::File(PathBuf::from(voice.file.trim())),
            _ => AnswersFrom::Speaker(voice.speaker().map_err(named)?),
        };
        Ok(Entrant { name: voice.name.trim().to_owned(), instructions: voice.instructions.trim().to_owned(), answers })
    }

    fn judge(voice: &Voice) -> Result<Judge, String> {
        let by = match voice.kind {
            VoiceKind::Words => JudgedBy::Words(voice.rule()),
            _ => JudgedBy::Speaker(voice.speaker().map_err(|problem| format!("{}: {problem}", voice.name))?),
        };
        Ok(Judge { name: voice.name.trim().to_owned(), by })
    }

    /// The judging that the form describes.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn spec(&self) -> Result<JudgeSpec, String> {
        let spec = JudgeSpec {
            version: 1,
            constitution: self.asked(),
            entrants: self.entrants.iter().map(Self::entrant).collect::<Result<_, _>>()?,
            judges: self.judges.iter().map(Self::judge).collect::<Result<_, _>>()?,
            comparing: self.comparing,
            passes: self.passes,
            retries: self.retries,
            longest_answer: self.longest_answer,
            answer_temperature: self.answer_temperature,
            longest_verdict: self.longest_verdict,
            judge_temperature: self.judge_temperature,
            prompts: self.prompts.clone(),
            seed: self.seed,
            budget: self.money.dollars()?,
            prices: self.money.prices()?,
        };
        spec.check()?;
        Ok(spec)
    }

    /// The writing of questions that the form describes.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn writing(&self) -> Result<QuestionsSpec, String> {
        let spec = QuestionsSpec {
            count: self.written,
            prompts: self.prompts.clone(),
            seed: self.seed,
            budget: self.money.dollars()?,
            prices: self.money.prices()?,
            ..QuestionsSpec::of(self.constitution.clone(), self.writer.speaker()?)
        };
        spec.check()?;
        Ok(spec)
    }

    /// The form of a judging.
    pub fn of(spec: &JudgeSpec) -> Self {
        let entrant = |entrant: &Entrant| {
            let mut voice =
                Voice { name: entrant.name.clone(), instructions: entrant.instructions.clone(), ..Voice::default() };
            match &entrant.answers {
                AnswersFrom::Speaker(speaker) => voice.take(speaker),
                AnswersFrom::File(path) => {
                    voice.kind = VoiceKind::File;
                    voice.file = path.display().to_string();
                }
            }
            voice
        };
        let judge = |judge: &Judge| {
            let mut voice = Voice { name: judge.name.clone(), ..Voice::default() };
            match &judge.by {
                JudgedBy::Speaker(speaker) => voice.take(speaker),
                JudgedBy::Words(rule) => {
                    voice.kind = VoiceKind::Words;
                    voice.wanted = rule.wanted.join(" ");
                    voice.unwanted = rule.unwanted.join(" ");
                }
            }
            voice
        };
        Self {
            constitution: spec.constitution.clone(),
            questions_a_clause: 0,
            entrants: spec.entrants.iter().map(entrant).collect(),
            judges: spec.judges.iter().map(judge).collect(),
            comparing: spec.comparing,
            passes: spec.passes,
            retries: spec.retries,
            longest_answer: spec.longest_answer,
            answer_temperature: spec.answer_temperature,
            longest_verdict: spec.longest_verdict,
            judge_temperature: spec.judge_temperature,
            prompts: spec.prompts.clone(),
            seed: spec.seed,
            money: Money::of(spec.budget, &spec.prices),
            ..Self::default()
        }
    }

    /// Fills the form with what works on any machine: the shipped model under three instructions, judged by a count of
    /// words, on one question of each clause.
    pub fn fill_example(&mut self, constitution: Arc<Constitution>) {
        let model = |name: &str, instructions: &str| Voice {
            name: name.into(),
            local: "ekklesia".into(),
            instructions: instructions.into(),
            ..Voice::default()
        };
        self.constitution = constitution;
        self.questions_a_clause = 1;
        self.entrants = vec![
            model("As it is", ""),
            model("Told of the people", "We speak of the people, their rights and their laws."),
            model("Told of war", "We speak of the king, his army and the war."),
        ];
        self.judges = vec![Voice {
            name: "Word count".into(),
            kind: VoiceKind::Words,
            wanted: "people, law, laws, right, rights, public, common, citizens, liberty".into(),
            unwanted: "war, army, king, enemy, force".into(),
            ..Voice::default()
        }];
        self.longest_answer = 32;
        // The likeliest word of a model as small as this one often ends the answer at once.
        self.answer_temperature = 0.8;
        self.passes = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::constitution::Question;
    use crate::providers::price::Price;
    use crate::ui::tabs::shared::money::TypedPrice;

    fn filled() -> Draft {
        let mut constitution = Constitution::from_lines("test", "Be kind.\nBe brief.");
        for (id, clause) in [("a", "1"), ("b", "1"), ("c", "2")] {
            constitution.questions.push(Question { id: id.into(), clause: clause.into(), text: format!("{id}?") });
        }
        let mut draft = Draft { constitution: Arc::new(constitution), ..Draft::default() };
        draft.entrants = vec![
            Voice { name: "Base".into(), local: "ekklesia".into(), ..Voice::default() },
            Voice { name: "Told".into(), kind: VoiceKind::File, file: "told.jsonl".into(), ..Voice::default() },
        ];
        draft.judges = vec![Voice {
            name: "Count".into(),
            kind: VoiceKind::Words,
            wanted: "wait, ask".into(),
            unwanted: "Now".into(),
            ..Voice::default()
        }];
        draft
    }

    #[test]
    fn a_form_and_its_spec_are_the_same_thing() {
        let mut draft = filled();
        draft.money.budget = "2.5".into();
        draft.money.prices.push(TypedPrice { model: "m".into(), prompt: "3".into(), completion: "15".into() });
        let spec = draft.spec().unwrap();
        assert_eq!(spec.prices.0["m"], Price { prompt: 3.0, completion: 15.0 });
        assert_eq!(Draft::of(&spec).spec().unwrap(), spec);
        draft.questions_a_clause = 1;
        let ids: Vec<String> = draft.spec().unwrap().constitution.questions.iter().map(|q| q.id.clone()).collect();
        assert_eq!(ids, ["a", "c"]);
    }

    #[test]
    fn what_is_missing_is_a_sentence() {
        let problem = |change: fn(&mut Draft)| {
            let mut draft = filled();
            change(&mut draft);
            draft.spec().unwrap_err()
        };
        assert!(problem(|draft| draft.entrants.truncate(1)).contains("fewer than two"));
        assert!(problem(|draft| draft.entrants[0].local.clear()).starts_with("Base: "));
        assert!(problem(|draft| draft.entrants[1].file.clear()).contains("no file of answers"));
        assert!(problem(|draft| draft.judges[0].wanted = "two-words now?".into()).contains("Count: "));
        assert!(problem(|draft| draft.money.budget = "much".into()).contains("no amount"));
        assert!(problem(|draft| draft.entrants[1].name = "Base".into()).contains("own name"));
        assert!(Draft::default().spec().is_err());
    }
}
