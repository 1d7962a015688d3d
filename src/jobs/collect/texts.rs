//! Responses and reflections: what is shown to judges.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{Cost, Coverage, ModelCoverage, TextCounts};
use super::{BATCH, Kind, Panel};
use crate::eigenbench::sampling::Group;
use crate::jobs::calls::Answered;
use crate::jobs::work::JobError;
use crate::providers::chat::{ChatRequest, Ending, Reply};
use crate::store::CallId;

/// Constitution, scenario, judge and the model whose response it is; constitution and judge are 0 for responses.
pub(super) type TextKey = (u16, u32, u16, u16);

/// A whole text of somebody, and the call that brought it.
pub(super) struct Said {
    pub(super) call: Option<CallId>,
    pub(super) text: String,
}

/// Texts that may be shown: those that are cut, filtered, refused, empty or failed are not among them.
pub(super) type Texts = BTreeMap<TextKey, Said>;

/// Whether a reply may be put before a judge.
pub(super) fn may_be_shown(reply: &Reply) -> bool {
    reply.ending == Ending::Whole && !reply.text.trim().is_empty()
}

impl Panel<'_, '_> {
    /// Asks for something of each of `keys`; equal requests are one call. Local models are opened once each.
    pub(super) fn ask<K: Copy>(
        &mut self,
        keys: &[K],
        of: impl Fn(&Self, K) -> (u16, ChatRequest),
        (done, total): (u64, u64),
        cost: &mut Cost,
        heard: &mut dyn FnMut(usize, &Answered) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let mut places: BTreeMap<(usize, String), usize> = BTreeMap::new();
        let mut twins: Vec<Vec<usize>> = Vec::new();
        let mut requests = Vec::new();
        let mut models = Vec::new();
        for (place, &key) in keys.iter().enumerate() {
            let (model, request) = of(self, key);
            let speaker = self.speaker_of[usize::from(model)];
            let known = *places.entry((speaker, request.key(""))).or_insert(requests.len());
            if known == requests.len() {
                models.push(request.model.clone());
                requests.push((speaker, request));
                twins.push(Vec::new());
            }
            twins[known].push(place);
        }
        let prices = &self.spec.prices;
        self.board.ask(requests, done, total, &mut |place, answered| {
            if let Ok(reply) = &answered.reply {
                cost.add(&models[place], reply, prices);
            }
            twins[place].iter().try_for_each(|&twin| heard(twin, &answered))
        })
    }

    /// Texts of `keys`, counted by the model that writes them.
    fn texts(
        &mut self,
        mut keys: Vec<TextKey>,
        writer: fn(&TextKey) -> u16,
        of: impl Fn(&Self, TextKey) -> (u16, ChatRequest),
        coverage: &mut Coverage,
        counts: fn(&mut ModelCoverage) -> &mut TextCounts,
    ) -> Result<Texts, JobError> {
        keys.sort_by_key(|key| (self.board.local_place(self.speaker_of[usize::from(writer(key))]), *key));
        let mut found = Texts::new();
        let total = keys.len() as u64;
        for (batch, part) in keys.chunks(BATCH).enumerate() {
            let mut cost = std::mem::take(&mut coverage.cost);
            self.ask(part, &of, ((batch * BATCH) as u64, total), &mut cost, &mut |place, answered| {
                let key = part[place];
                counts(&mut coverage.models[usize::from(writer(&key))]).add(answered.reply.as_ref());
                if let Ok(reply) = &answered.reply
                    && may_be_shown(reply)
                {
                    found.insert(key, Said { call: answered.call, text: reply.text.clone() });
                }
                Ok(())
            })?;
            coverage.cost = cost;
        }
        Ok(found)
    }

    /// Everybody's responses to the scenarios for which a judge shall see them.
    pub(super) fn responses(&mut self, plan: &[Group], coverage: &mut Coverage) -> Result<Texts, JobError> {
        self.board.stage("responding");
        let wanted = plan.iter().flat_map(|group| group.members.iter().map(|&model| (0, group.scenario, 0, model)));
        let keys: BTreeSet<TextKey> = wanted.collect();
        let of = |panel: &Self, (_, scenario, _, model): TextKey| {
            let persona = &panel.spec.models[usize::from(model)].persona;
            let messages = panel.spec.protocol.response(persona, &panel.spec.scenarios[scenario as usize].text);
            (model, panel.request(model, messages, Kind::Response, 0))
        };
        self.texts(keys.into_iter().collect(), |key| key.3, of, coverage, |model| &mut model.responses)
    }

    /// Judges' reflections on the responses that they shall compare; all pairs of a judge share them.
    pub(super) fn reflections(
        &mut self,
        plan: &[Group],
        responses: &Texts,
        coverage: &mut Coverage,
    ) -> Result<Texts, JobError> {
        self.board.stage("reflecting");
        let mut keys = BTreeSet::new();
        for constitution in 0..self.spec.constitutions.len() as u16 {
            for group in plan {
                keys.extend(group.members.iter().map(|&model| (constitution, group.scenario, group.judge, model)));
            }
        }
        keys.retain(|&(_, scenario, judge, model)| {
            let there = responses.contains_key(&(0, scenario, 0, model));
            if !there {
                coverage.models[usize::from(judge)].reflections.skip();
            }
            there
        });
        let of = |panel: &Self, (constitution, scenario, judge, model): TextKey| {
            let spec = panel.spec;
            let messages = spec.protocol.reflection(
                &spec.models[usize::from(judge)].persona,
                &spec.criteria(usize::from(constitution)),
                &spec.scenarios[scenario as usize].text,
                &responses[&(0, scenario, 0, model)].text,
            );
            (judge, panel.request(judge, messages, Kind::Reflection, 0))
        };
        self.texts(keys.into_iter().collect(), |key| key.2, of, coverage, |judge| &mut judge.reflections)
    }
}
