//! Many questions to several chats at once, replies in the order in which they come, and a hard stop at a budget.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::chat::{Chat, ChatError, ChatRequest, Reply};
use super::price::PriceTable;
use crate::progress::{Cancelled, Progress};

/// How often pauses and cancellations are looked for.
const GLANCE: Duration = Duration::from_millis(25);
/// Work that was not seen going on for so long is taken for paused.
const PAUSED: Duration = Duration::from_millis(250);

/// What answers have cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Questions that were sent.
    pub sent: u64,
    /// Of these, those that were answered.
    pub answered: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// US dollars; a lower bound while `unpriced` is not 0.
    pub dollars: f64,
    /// Replies that do not say what they used; they count with the most they can have cost.
    pub bounded: u64,
    /// Replies whose cost cannot be told at all, for want of a price.
    pub unpriced: u64,
    /// Whether questions were left because of the budget.
    pub budget_reached: bool,
}

/// Why not all questions were dealt with.
#[derive(Debug, thiserror::Error)]
pub enum PoolError<E> {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A budget means nothing for a model whose price is not known.
    #[error(
        "the model {0} has no price, so a budget cannot be kept. Enter its price, 0 if it is free, or take the budget away"
    )]
    NoPrice(String),
    #[error("the budget of {0} US dollars is no amount. Enter one that is 0 or more")]
    NoBudget(f64),
    /// The caller could not take a reply.
    #[error("{0}")]
    Caller(E),
}

/// Pauses and cancellations as the calls see them: they end when they are to end, but a pause does not hold an answer
/// back that is under way and paid for.
struct Relay {
    ended: AtomicBool,
    /// Milliseconds since `began` when the work was last seen going on.
    seen: AtomicU64,
    began: Instant,
}

impl Relay {
    fn is_going_on(&self) -> bool {
        let seen = Duration::from_millis(self.seen.load(Ordering::SeqCst));
        self.began.elapsed().saturating_sub(seen) < PAUSED
    }

    /// Looks after pauses and cancellations until the work has ended.
    fn watch(&self, progress: &dyn Progress) {
        while !self.ended.load(Ordering::SeqCst) {
            if progress.checkpoint().is_err() {
                self.ended.store(true, Ordering::SeqCst);
                return;
            }
            self.seen.store(self.began.elapsed().as_millis() as u64, Ordering::SeqCst);
            std::thread::park_timeout(GLANCE);
        }
    }
}

/// Ends the work on every way out, also if the caller panics: nobody would otherwise tell the threads.
struct EndsAnyway<'a>(&'a Relay, std::thread::Thread);

impl Drop for EndsAnyway<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
        self.1.unpark();
    }
}

impl Progress for Relay {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.ended.load(Ordering::SeqCst) { Err(Cancelled) } else { Ok(()) }
    }
}

/// The questions to one chat.
struct Queue {
    waiting: VecDeque<usize>,
    under_way: usize,
    /// Why nothing more is sent to it.
    stopped: Option<String>,
}

/// Asks `wanted`, each a number of a chat and a question, and hands every outcome to `on_reply` on the calling thread,
/// exactly once and as soon as it is there, with its number in `wanted`.
///
/// A chat has as many calls under way as it allows. When one ends with [`ChatError::Stopped`], the rest of its
/// questions are handed out as stopped without being sent; other chats go on. `prices` turn tokens into dollars. Under
/// a `budget` in US dollars no call starts if what was spent, the most that the calls under way can cost and the most
/// that it can cost would pass the budget; what is left then is handed out as stopped. Repeated attempts at one
/// question, and calls that failed, count nothing: providers do not say what they cost. A pause starts nothing new, but
/// what is under way is still handed out; so are answers that are there when the work is cancelled.
///
/// # Errors
/// [`PoolError`]. After a cancellation, or an error of `on_reply`, nothing new starts, and calls under way end as soon
/// as their chats notice.
///
/// # Panics
/// If a chat or `on_reply` panics, or if a number in `wanted` is not that of a chat.
pub fn ask_all<E>(
    chats: &[&dyn Chat],
    wanted: &[(usize, ChatRequest)],
    prices: &PriceTable,
    budget: Option<f64>,
    on_reply: &mut dyn FnMut(usize, Result<Reply, ChatError>) -> Result<(), E>,
    progress: &dyn Progress,
) -> Result<Spent, PoolError<E>> {
    progress.checkpoint()?;
    if let Some(budget) = budget {
        if !(budget >= 0.0 && budget.is_finite()) {
            return Err(PoolError::NoBudget(budget));
        }
        if let Some((_, request)) = wanted.iter().find(|(_, request)| prices.price(&request.model).is_none()) {
            return Err(PoolError::NoPrice(request.model.clone()));
        }
    }
    let relay = Relay { ended: AtomicBool::new(false), seen: AtomicU64::new(0), began: Instant::now() };
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| relay.watch(progress));
        let _ending = EndsAnyway(&relay, watcher.thread().clone());
        let mut queues: Vec<Queue> =
            chats.iter().map(|_| Queue { waiting: VecDeque::new(), under_way: 0, stopped: None }).collect();
        for (number, (chat, _)) in wanted.iter().enumerate() {
            queues[*chat].waiting.push_back(number);
        }
        let (send, receive) = channel::<(usize, Result<Result<Reply, ChatError>, Box<dyn Any + Send>>)>();
        let start = |number: usize| {
            let (chat, request) = &wanted[number];
            let (chat, relay, send) = (chats[*chat], &relay, send.clone());
            scope.spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| chat.ask(request, relay)));
                // The receiver lives until every call has ended.
                send.send((number, outcome)).ok();
            });
        };
        let mut till = Till { wanted, prices, budget, reserved: 0.0, spent: Spent::default() };
        let mut state = State { queues, done: 0, total: wanted.len() as u64, failure: None };
        loop {
            if state.failure.is_none() && relay.ended.load(Ordering::SeqCst) {
                state.failure = Some(PoolError::Cancelled(Cancelled));
            }
            if state.failure.is_none() && relay.is_going_on() {
                start_what_may(&mut state, &mut till, chats, on_reply, progress, &start);
            }
            if state.failure.is_some() {
                relay.ended.store(true, Ordering::SeqCst);
            }
            let under_way: usize = state.queues.iter().map(|queue| queue.under_way).sum();
            if under_way == 0 && (state.failure.is_some() || state.queues.iter().all(|queue| queue.waiting.is_empty()))
            {
                break;
            }
            match receive.recv_timeout(GLANCE) {
                Ok((number, Ok(outcome))) => {
                    state.queues[wanted[number].0].under_way -= 1;
                    till.settle(number, &outcome);
                    take(&mut state, wanted, number, outcome, on_reply, progress);
                }
                Ok((_, Err(panic))) => resume_unwind(panic),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
        match state.failure {
            Some(failure) => Err(failure),
            None => Ok(till.spent),
        }
    })
}

/// Where the work stands.
struct State<E> {
    queues: Vec<Queue>,
    done: u64,
    total: u64,
    /// Nothing starts once there is one.
    failure: Option<PoolError<E>>,
}

type OnReply<'a, E> = &'a mut dyn FnMut(usize, Result<Reply, ChatError>) -> Result<(), E>;

/// Starts as many calls as chats and budget allow, one of each chat in turn, and hands out what will not be sent.
fn start_what_may<E>(
    state: &mut State<E>,
    till: &mut Till<'_>,
    chats: &[&dyn Chat],
    on_reply: OnReply<'_, E>,
    progress: &dyn Progress,
    start: &dyn Fn(usize),
) {
    let mut began = true;
    while began {
        began = false;
        for (at, chat) in chats.iter().enumerate() {
            if let Some(why) = state.queues[at].stopped.clone() {
                while let (None, Some(number)) = (&state.failure, state.queues[at].waiting.pop_front()) {
                    hand_out(state, number, Err(ChatError::Stopped(why.clone())), on_reply, progress);
                }
                continue;
            }
            let queue = &mut state.queues[at];
            let Some(&number) = queue.waiting.front() else { continue };
            if queue.under_way < chat.at_once().max(1) && till.reserve(number) {
                queue.waiting.pop_front();
                queue.under_way += 1;
                start(number);
                began = true;
            }
        }
    }
    // Calls under way may turn out cheaper than the most they can cost; without any, waiting does not help.
    if state.queues.iter().all(|queue| queue.under_way == 0) {
        let why = format!(
            "the budget of {:.2} US dollars does not allow another question: {:.4} are spent. Raise the budget to go on",
            till.budget.unwrap_or_default(),
            till.spent.dollars
        );
        for at in 0..chats.len() {
            while let (None, Some(number)) = (&state.failure, state.queues[at].waiting.pop_front()) {
                till.spent.budget_reached = true;
                hand_out(state, number, Err(ChatError::Stopped(why.clone())), on_reply, progress);
            }
        }
    }
}

/// Takes the outcome of a call.
fn take<E>(
    state: &mut State<E>,
    wanted: &[(usize, ChatRequest)],
    number: usize,
    outcome: Result<Reply, ChatError>,
    on_reply: OnReply<'_, E>,
    progress: &dyn Progress,
) {
    match &outcome {
        Err(ChatError::Cancelled(cancelled)) => {
            state.failure.get_or_insert(PoolError::Cancelled(*cancelled));
            return;
        }
        Err(ChatError::Stopped(why)) => {
            state.queues[wanted[number].0].stopped.get_or_insert_with(|| why.clone());
        }
        Ok(_) | Err(ChatError::Failed(_)) => {}
    }
    // What was answered in spite of a cancellation is kept; a caller that failed is not asked again.
    if !matches!(state.failure, Some(PoolError::Caller(_))) {
        hand_out(state, number, outcome, on_reply, progress);
    }
}

fn hand_out<E>(
    state: &mut State<E>,
    number: usize,
    outcome: Result<Reply, ChatError>,
    on_reply: OnReply<'_, E>,
    progress: &dyn Progress,
) {
    match on_reply(number, outcome) {
        Ok(()) => {
            state.done += 1;
            progress.report(state.done, state.total);
        }
        Err(error) => state.failure = Some(PoolError::Caller(error)),
    }
}

/// Keeps the account.
struct Till<'a> {
    wanted: &'a [(usize, ChatRequest)],
    prices: &'a PriceTable,
    budget: Option<f64>,
    /// The most that the calls under way can cost.
    reserved: f64,
    spent: Spent,
}

impl Till<'_> {
    fn most(&self, number: usize) -> Option<f64> {
        self.prices.most(&self.wanted[number].1)
    }

    /// Whether the budget has room for the question; then room is kept for it.
    fn reserve(&mut self, number: usize) -> bool {
        let most = self.most(number).unwrap_or(0.0);
        if self.budget.is_some_and(|budget| self.spent.dollars + self.reserved + most > budget) {
            return false;
        }
        self.reserved += most;
        self.spent.sent += 1;
        true
    }

    /// Books what the question cost.
    fn settle(&mut self, number: usize, outcome: &Result<Reply, ChatError>) {
        let most = self.most(number);
        self.reserved = (self.reserved - most.unwrap_or(0.0)).max(0.0);
        let Ok(reply) = outcome else { return };
        self.spent.answered += 1;
        if let Some(usage) = reply.usage {
            self.spent.prompt_tokens += usage.prompt_tokens;
            self.spent.completion_tokens += usage.completion_tokens;
        }
        match (self.prices.cost(&self.wanted[number].1.model, reply), most) {
            (Some(cost), _) => self.spent.dollars += cost,
            (None, Some(most)) => {
                self.spent.dollars += most;
                self.spent.bounded += 1;
            }
            (None, None) => self.spent.unpriced += 1,
        }
    }
}
