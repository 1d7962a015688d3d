//! Judges compare responses in both orders, and what they say is read.

use super::coverage::Coverage;
use super::texts::{Said, Texts, may_be_shown};
use super::{BATCH, Kind, Panel};
use crate::dempo::preference::Message;
use crate::eigenbench::choices::{ReadVerdict, Reading, read_choices};
use crate::eigenbench::protocol::Considered;
use crate::eigenbench::sampling::Group;
use crate::jobs::work::JobError;
use crate::providers::chat::Ending;
use crate::store::{CallId, CallsBehind, ComparisonRow};

/// So many judgements are written together while a collection goes on.
const FRESH: usize = 64;

/// One ordered pair before one judge.
#[derive(Clone, Copy)]
struct Look {
    constitution: u16,
    scenario: u32,
    pass: u32,
    judge: u16,
    first: u16,
    second: u16,
}

impl Look {
    fn response(self, model: u16) -> (u16, u32, u16, u16) {
        (0, self.scenario, 0, model)
    }

    fn reflection(self, model: u16) -> (u16, u32, u16, u16) {
        (self.constitution, self.scenario, self.judge, model)
    }
}

/// What a judge has said of one look so far.
struct Heard {
    verdict: ReadVerdict,
    /// The reply that each choice was read from.
    calls: Vec<Option<CallId>>,
    /// Choices that only a repair gave.
    repaired: Vec<bool>,
    /// The last reply, where it may be shown to its judge again.
    reply: Option<String>,
    messages: Vec<Message>,
}

impl Panel<'_, '_> {
    /// All judgements, by constitution, scenario, pass, judge, pair and criterion.
    pub(super) fn comparisons(
        &mut self,
        plan: &[Group],
        responses: &Texts,
        reflections: &Texts,
        coverage: &mut Coverage,
    ) -> Result<Vec<ComparisonRow>, JobError> {
        self.board.stage("comparing");
        let mut looks = Vec::new();
        for constitution in 0..self.spec.constitutions.len() as u16 {
            for group in plan {
                for (first, second) in group.ordered_pairs() {
                    let &Group { scenario, pass, judge, .. } = group;
                    let look = Look { constitution, scenario, pass, judge, first, second };
                    let considered = |model| {
                        responses.contains_key(&look.response(model))
                            && reflections.contains_key(&look.reflection(model))
                    };
                    if considered(first) && considered(second) {
                        looks.push(look);
                    } else {
                        coverage.models[usize::from(judge)].verdicts.skip();
                    }
                }
            }
        }
        looks.sort_by_key(|look| self.board.local_place(self.speaker_of[usize::from(look.judge)]));
        let mut rows = Vec::new();
        let total = looks.len() as u64;
        for (batch, part) in looks.chunks(BATCH).enumerate() {
            let progress = ((batch * BATCH) as u64, total);
            let heard = self.look(part, progress, responses, reflections, coverage)?;
            for (&look, heard) in part.iter().zip(&heard).filter_map(|(look, heard)| Some((look, heard.as_ref()?))) {
                heard.count(look, self.first_criterion(look), coverage);
                rows.extend(heard.rows(look, responses, reflections));
            }
        }
        rows.sort_by_key(|row: &ComparisonRow| {
            (row.constitution, row.scenario, row.pass, row.judge, row.first, row.second, row.criterion)
        });
        Ok(rows)
    }

    /// Asks for verdicts, and again for those of which a part cannot be read; `None` where no reply came. What can be read is
    /// written while others are asked still, so that a leaderboard moves.
    fn look(
        &mut self,
        looks: &[Look],
        progress: (u64, u64),
        responses: &Texts,
        reflections: &Texts,
        coverage: &mut Coverage,
    ) -> Result<Vec<Option<Heard>>, JobError> {
        let mut found: Vec<Option<Heard>> = looks.iter().map(|_| None).collect();
        let mut wanted: Vec<usize> = (0..looks.len()).collect();
        let ledger = &self.bench.ledger;
        let mut fresh: Vec<ComparisonRow> = Vec::new();
        for attempt in 0..=self.spec.repairs {
            let mut asked: Vec<Vec<Message>> = Vec::with_capacity(wanted.len());
            for &place in &wanted {
                asked.push(self.messages(looks[place], found[place].as_ref(), responses, reflections));
            }
            let at: Vec<usize> = (0..wanted.len()).collect();
            let of = |panel: &Self, at: usize| {
                let look = looks[wanted[at]];
                // Two looks at one pair are two calls, and so is a verdict that is asked for anew.
                let sample = (u32::from(attempt) << 16) | (look.pass & 0xffff);
                (look.judge, panel.request(look.judge, asked[at].clone(), Kind::Verdict, sample))
            };
            let form = self.spec.form;
            let criteria: Vec<usize> = self.spec.constitutions.iter().map(|one| one.clauses.len()).collect();
            let mut cost = std::mem::take(&mut coverage.cost);
            self.ask(&at, of, progress, &mut cost, &mut |at, answered| {
                let place = wanted[at];
                let look = looks[place];
                let counts = &mut coverage.models[usize::from(look.judge)];
                if attempt == 0 {
                    counts.verdicts.add(answered.reply.as_ref());
                } else {
                    counts.repairs += 1;
                }
                let Ok(reply) = &answered.reply else { return Ok(()) };
                let text = if reply.ending == Ending::Filtered { "" } else { reply.text.as_str() };
                let verdict = read_choices(text, criteria[usize::from(look.constitution)], form);
                let again = may_be_shown(reply).then(|| reply.text.clone());
                let messages = asked[at].clone();
                match &mut found[place] {
                    none @ None => {
                        let calls = verdict.readings.iter().map(|_| answered.call).collect();
                        let repaired = vec![attempt > 0; verdict.readings.len()];
                        *none = Some(Heard { verdict, calls, repaired, reply: again, messages });
                    }
                    Some(heard) => {
                        for (choice, own) in heard.verdict.readings.iter().enumerate() {
                            if own.choice().is_none() {
                                heard.calls[choice] = answered.call;
                                heard.repaired[choice] = true;
                            }
                        }
                        heard.verdict.completed_by(&verdict);
                        (heard.reply, heard.messages) = (again, messages);
                    }
                }
                if let Some(heard) = &found[place] {
                    fresh.extend(heard.rows(look, responses, reflections));
                }
                if fresh.len() >= FRESH {
                    ledger.add_comparisons(&fresh)?;
                    fresh.clear();
                }
                Ok(())
            })?;
            coverage.cost = cost;
            ledger.add_comparisons(&fresh)?;
            fresh.clear();
            // In the order of the looks, whichever reply came first. A call that failed was repeated as often as can help.
            wanted.retain(|&place| found[place].as_ref().is_some_and(|heard| !heard.verdict.is_whole()));
            if wanted.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// What is asked of a look: for the first time, or again. A reply that was cut, filtered or refused, or is empty, is not
    /// shown to anybody: then the whole verdict is asked for anew.
    fn messages(&self, look: Look, before: Option<&Heard>, responses: &Texts, reflections: &Texts) -> Vec<Message> {
        let spec = self.spec;
        if let Some(Heard { verdict, reply: Some(reply), messages, .. }) = before {
            let problem = verdict.problem().unwrap_or_default();
            return spec.protocol.repaired(messages.clone(), reply, &problem);
        }
        let considered = |model| Considered {
            response: &responses[&look.response(model)].text,
            reflection: &reflections[&look.reflection(model)].text,
        };
        spec.protocol.comparison(
            &spec.models[usize::from(look.judge)].persona,
            &spec.criteria(usize::from(look.constitution)),
            &spec.scenarios[look.scenario as usize].text,
            [considered(look.first), considered(look.second)],
            spec.form,
        )
    }

    /// Where the criteria of a look's constitution begin among those of all.
    fn first_criterion(&self, look: Look) -> usize {
        let before = &self.spec.constitutions[..usize::from(look.constitution)];
        before.iter().map(|one| self.spec.form.choices(one.clauses.len())).sum()
    }
}

impl Heard {
    /// Counts what became of each choice.
    fn count(&self, look: Look, first_criterion: usize, coverage: &mut Coverage) {
        for (criterion, reading) in self.verdict.readings.iter().enumerate() {
            coverage.choice(look.judge, first_criterion + criterion, reading, self.repaired[criterion]);
        }
    }

    /// The choices that can be read, with the calls behind each.
    fn rows(&self, look: Look, responses: &Texts, reflections: &Texts) -> Vec<ComparisonRow> {
        let Look { constitution, scenario, pass, judge, first, second } = look;
        let call = |said: Option<&Said>| said.and_then(|said| said.call);
        let of = |texts: &Texts, key: fn(Look, u16) -> (u16, u32, u16, u16)| {
            [first, second].map(|model| call(texts.get(&key(look, model))))
        };
        let behind = CallsBehind {
            verdict: None,
            responses: of(responses, Look::response),
            reflections: of(reflections, Look::reflection),
        };
        let row = |(criterion, reading): (usize, &Reading)| {
            Some(ComparisonRow {
                constitution,
                scenario,
                pass,
                judge,
                first,
                second,
                criterion: criterion as u16,
                choice: reading.choice()?,
                calls: CallsBehind { verdict: self.calls[criterion], ..behind },
            })
        };
        self.verdict.readings.iter().enumerate().filter_map(row).collect()
    }
}
