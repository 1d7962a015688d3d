//! Calls of language models within a run: what was answered before is taken from the project, the rest is asked, and each
//! reply is written the moment it comes.

use std::collections::BTreeMap;

use super::speaker::{LocalChat, Speaker};
use super::work::{Bench, JobError, folder_of};
use crate::progress::{Cancelled, Progress};
use crate::providers::chat::{Chat, ChatError, ChatRequest, Reply};
use crate::providers::http::Endpoint;
use crate::providers::mock::MockChat;
use crate::providers::pool::{PoolError, ask_all};
use crate::providers::price::PriceTable;
use crate::store::CallId;

/// Whom a run may ask, and what it may spend.
pub(super) struct Switchboard<'a, 'b> {
    bench: &'a Bench<'b>,
    speakers: Vec<Speaker>,
    /// Those of the speakers that are endpoints, by their places; equal providers share one and with it its pace.
    endpoints: Vec<Option<usize>>,
    open: Vec<Endpoint>,
    budget: Option<f64>,
    prices: PriceTable,
    /// US dollars, earlier sittings included.
    spent: f64,
    /// Replies of this sitting, where there is no project to look them up in.
    known: BTreeMap<String, Reply>,
    /// What the progress is called, once a model is open.
    stage: &'static str,
    /// The local model (or mock) asked last, with its place; one is in memory at a time.
    local: Option<(usize, Box<dyn Chat>)>,
}

/// What became of one request.
pub(super) struct Answered {
    /// `None` where the run is not stored.
    pub(super) call: Option<CallId>,
    /// Or why there is none.
    pub(super) reply: Result<Reply, String>,
}

/// Requests that are still to be made, each with its place in what was wanted and its chat.
#[derive(Default)]
struct Missing {
    places: Vec<usize>,
    requests: Vec<(usize, ChatRequest)>,
}

impl Missing {
    fn add(&mut self, place: usize, chat: usize, request: ChatRequest) {
        self.places.push(place);
        self.requests.push((chat, request));
    }
}

/// What asking came to.
struct Round {
    /// US dollars.
    spent: f64,
    /// Replies with their keys, where no project keeps them.
    kept: Vec<(String, Reply)>,
    /// The problem of a provider that no question gets through to.
    stopped: Option<String>,
}

/// One part of longer work, reported as such.
struct Part<'a> {
    whole: &'a dyn Progress,
    done: u64,
    total: u64,
}

impl Progress for Part<'_> {
    fn stage(&self, name: &str) {
        self.whole.stage(name);
    }

    fn report(&self, done: u64, _total: u64) {
        self.whole.report(self.done + done, self.total);
    }

    fn checkpoint(&self) -> Result<(), Cancelled> {
        self.whole.checkpoint()
    }
}

impl<'a, 'b> Switchboard<'a, 'b> {
    /// Reads keys from the environment and asks nobody yet.
    ///
    /// # Errors
    /// A provider whose settings do not hold or whose key is missing.
    pub(super) fn new(
        bench: &'a Bench<'b>,
        speakers: Vec<Speaker>,
        budget: Option<f64>,
        prices: &PriceTable,
    ) -> Result<Self, JobError> {
        let mut open: Vec<Endpoint> = Vec::new();
        let mut endpoints = Vec::with_capacity(speakers.len());
        for speaker in &speakers {
            let Speaker::Provider { provider, .. } = speaker else {
                endpoints.push(None);
                continue;
            };
            let known = open.iter().position(|endpoint| endpoint.settings() == provider);
            endpoints.push(Some(match known {
                Some(place) => place,
                None => {
                    open.push(Endpoint::new(provider.clone()).map_err(|e| JobError::Input(e.to_string()))?);
                    open.len() - 1
                }
            }));
        }
        let spent = if budget.is_some() { bench.ledger.paid(prices)? } else { 0.0 };
        let prices = prices.clone();
        Ok(Self {
            bench,
            speakers,
            endpoints,
            open,
            budget,
            prices,
            spent,
            known: BTreeMap::new(),
            stage: "",
            local: None,
        })
    }

    /// Names what begins now.
    pub(super) fn stage(&mut self, stage: &'static str) {
        self.stage = stage;
        self.bench.progress.stage(stage);
    }

    /// Sorts speakers so that each local one's requests follow one another, after those of all endpoints.
    pub(super) fn local_place(&self, speaker: usize) -> Option<usize> {
        self.endpoints[speaker].is_none().then_some(speaker)
    }

    /// Asks every speaker its requests; `heard` gets each one's place and what became of it, in the order in which replies
    /// come. `done` of `total` units of the stage are finished before these. Requests to one local model should follow
    /// one another: it is opened anew after another one was.
    ///
    /// # Errors
    /// Cancellation, a spent budget, a provider that no question can get through to (what else was under way is heard
    /// first), a local model that cannot be opened, or what `heard` fails with.
    pub(super) fn ask(
        &mut self,
        wanted: Vec<(usize, ChatRequest)>,
        mut done: u64,
        total: u64,
        heard: &mut dyn FnMut(usize, Answered) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let mut far = Missing::default();
        let mut near: BTreeMap<usize, Missing> = BTreeMap::new();
        for (place, (speaker, request)) in wanted.into_iter().enumerate() {
            let Some(endpoint) = self.endpoints[speaker] else {
                near.entry(speaker).or_default().add(place, 0, request);
                continue;
            };
            match self.known(self.open[endpoint].identity(), &request)? {
                Some(answered) => {
                    heard(place, answered)?;
                    done += 1;
                }
                None => far.add(place, endpoint, request),
            }
        }
        let asked = far.places.len() as u64;
        let chats: Vec<&dyn Chat> = self.open.iter().map(|endpoint| endpoint as &dyn Chat).collect();
        let budget = self.budget.map(|dollars| (dollars - self.spent).max(0.0));
        let round = self.converse(&chats, far, budget, (done, total), heard)?;
        if let Some(problem) = self.keep(round) {
            return Err(JobError::Input(problem));
        }
        done += asked;
        for (speaker, asked) in near {
            let chat = match self.local.take() {
                Some((open, chat)) if self.speakers[open] == self.speakers[speaker] => chat,
                _ => self.open_local(speaker)?,
            };
            let mut missing = Missing::default();
            for (place, (_, request)) in asked.places.into_iter().zip(asked.requests) {
                match self.known(chat.identity(), &request)? {
                    Some(answered) => {
                        heard(place, answered)?;
                        done += 1;
                    }
                    None => missing.add(place, 0, request),
                }
            }
            let asked = missing.places.len() as u64;
            let round = self.converse(&[&*chat], missing, None, (done, total), heard)?;
            self.keep(round);
            done += asked;
            self.local = Some((speaker, chat));
        }
        Ok(())
    }

    /// Takes over what a round came to; returns the problem of a provider that stopped.
    fn keep(&mut self, round: Round) -> Option<String> {
        self.spent += round.spent;
        self.known.extend(round.kept);
        round.stopped
    }

    /// A reply that is there already.
    fn known(&self, provider: &str, request: &ChatRequest) -> Result<Option<Answered>, JobError> {
        let key = request.key(provider);
        Ok(match self.bench.ledger.project() {
            Some(project) => {
                project.answered(&key)?.map(|(call, reply)| Answered { call: Some(call), reply: Ok(reply) })
            }
            None => self.known.get(&key).map(|reply| Answered { call: None, reply: Ok(reply.clone()) }),
        })
    }

    fn open_local(&self, speaker: usize) -> Result<Box<dyn Chat>, JobError> {
        let (model, adapter, template) = match &self.speakers[speaker] {
            Speaker::Local { model, adapter, template } => (model, adapter, template),
            Speaker::Mock { mock } => return Ok(Box::new(MockChat::new(*mock))),
            Speaker::Provider { .. } => {
                return Err(JobError::Internal("an endpoint was taken for a local model".into()));
            }
        };
        let place = folder_of(self.bench.ledger.project(), model);
        let adapter = adapter.as_deref().map(|adapter| self.bench.place(adapter)).transpose()?;
        let reference = place.as_deref().unwrap_or(model);
        let chat = LocalChat::open(reference, adapter.as_deref(), *template, self.bench.progress)?;
        self.bench.ledger.note("info", &format!("opened {model} ({})", chat.identity()))?;
        self.bench.progress.stage(self.stage);
        Ok(Box::new(chat))
    }

    /// Asks, and writes as replies come.
    fn converse(
        &self,
        chats: &[&dyn Chat],
        missing: Missing,
        budget: Option<f64>,
        (done, total): (u64, u64),
        heard: &mut dyn FnMut(usize, Answered) -> Result<(), JobError>,
    ) -> Result<Round, JobError> {
        let Missing { places, requests } = missing;
        let part = Part { whole: self.bench.progress, done, total };
        part.report(0, total);
        let mut kept = Vec::new();
        let mut stopped = None;
        let ledger = &self.bench.ledger;
        let mut on_reply = |at: usize, reply: Result<Reply, ChatError>| -> Result<(), JobError> {
            let (chat, request) = &requests[at];
            let provider = chats[*chat].identity();
            let reply = match reply {
                Ok(reply) => Ok(reply),
                Err(ChatError::Cancelled(_)) => return Err(JobError::Cancelled),
                Err(ChatError::Stopped(problem)) => {
                    stopped.get_or_insert(problem);
                    return Ok(());
                }
                Err(ChatError::Failed(problem)) => Err(problem),
            };
            let call = ledger.call(provider, request, reply.as_ref().map_err(String::as_str))?;
            if call.is_none()
                && let Ok(reply) = &reply
            {
                kept.push((request.key(provider), reply.clone()));
            }
            heard(places[at], Answered { call, reply })
        };
        let asked = ask_all(chats, &requests, &self.prices, budget, &mut on_reply, &part);
        let spent = asked.map_err(|error| match error {
            PoolError::Cancelled(_) => JobError::Cancelled,
            PoolError::Caller(error) => error,
            other => JobError::Input(other.to_string()),
        })?;
        Ok(Round { spent: spent.dollars, kept, stopped })
    }
}
