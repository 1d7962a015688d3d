//! An endpoint of chat completions over HTTP: one POST a question, repeated where that can help.
//!
//! Every exchange has a thread of its own, so that whoever waits for it notices a cancellation at once; the connection
//! is then closed, upon which local servers stop writing. Redirects are never followed: a key goes to the address it
//! was meant for and nowhere else. Certificates are verified against Mozilla's roots.

use std::ffi::OsString;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::{HeaderMap, Response};

use super::answer::{self, Answer, Body, ProviderError};
use super::chat::{Chat, ChatError, ChatRequest, Reply};
use super::failure::{self, Then, Trouble};
use super::key::Key;
use super::keyring;
use super::pace::{Pace, Started};
use super::retry;
use super::settings::{ProviderSettings, SettingsError};
use crate::progress::{Cancelled, Progress};

/// Bytes of an answer, at most.
const LONGEST_BODY: u64 = 16 << 20;
/// How often a cancellation is looked for.
const GLANCE: Duration = Duration::from_millis(25);
/// For a connection to be made.
const CONNECTING: Duration = Duration::from_secs(15);

/// A provider that is ready to be asked.
pub struct Endpoint {
    settings: ProviderSettings,
    key: Option<Key>,
    /// Agents that no exchange uses now, each with its connection.
    agents: Mutex<Vec<Agent>>,
    pace: Mutex<Pace>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What came over the wire.
struct Arrived {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Endpoint {
    /// Reads the key from the environment, or else from the system's keyring.
    ///
    /// # Errors
    /// [`SettingsError`] if the settings cannot be used or the key is missing.
    pub fn new(settings: ProviderSettings) -> Result<Self, SettingsError> {
        Self::with_environment(settings, |variable| {
            // A keyring that cannot be reached has no key: the message that follows names both ways.
            let kept = || keyring::kept(variable).ok().flatten().map(OsString::from);
            std::env::var_os(variable).or_else(kept)
        })
    }

    /// [`Endpoint::new`] with another way to look up environment variables.
    ///
    /// # Errors
    /// [`SettingsError`] if the settings cannot be used or the key is missing.
    pub fn with_environment(
        settings: ProviderSettings,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let key = match &settings.key_variable {
            Some(variable) => Some(Key::read(&settings.name, variable, environment(variable))?),
            None => None,
        };
        let pace = Mutex::new(Pace::new(settings.at_once));
        Ok(Self {
            settings: ProviderSettings { base_url: settings.address().to_owned(), ..settings },
            key,
            agents: Mutex::default(),
            pace,
        })
    }

    /// As given, with the address without a slash at its end.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    fn agent(&self) -> Agent {
        if let Some(agent) = locked(&self.agents).pop() {
            return agent;
        }
        let whole = Duration::from_secs(self.settings.timeout_seconds);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("kleroterion/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECTING.min(whole)))
            .timeout_resolve(Some(CONNECTING.min(whole)))
            .timeout_global(Some(whole));
        if self.settings.is_local() {
            config = config.proxy(None);
        }
        config.build().into()
    }

    /// One exchange with `{base}/{path}`: a POST of `body`, or a GET without one.
    fn exchange(
        &self,
        path: &str,
        body: Option<String>,
        progress: &dyn Progress,
    ) -> Result<Result<Arrived, Trouble>, Cancelled> {
        progress.checkpoint()?;
        let agent = self.agent();
        let url = format!("{}/{path}", self.settings.address());
        let header = self.key.as_ref().map(Key::header);
        let (send, receive) = sync_channel(1);
        let worker = agent.clone();
        let spawned = std::thread::Builder::new().name("call to a provider".to_owned()).spawn(move || {
            let answered = match body {
                Some(body) => {
                    let mut request = worker.post(&url).header("Content-Type", "application/json");
                    if let Some(header) = header {
                        request = request.header("Authorization", header);
                    }
                    request.send(body)
                }
                None => {
                    let mut request = worker.get(&url);
                    if let Some(header) = header {
                        request = request.header("Authorization", header);
                    }
                    request.call()
                }
            };
            // Nobody listens any more after a cancellation.
            send.send(answered.and_then(arrived)).ok();
        });
        if spawned.is_err() {
            return Ok(Err(failure::no_thread(&self.settings)));
        }
        loop {
            match receive.recv_timeout(GLANCE) {
                Ok(outcome) => {
                    if outcome.is_ok() {
                        locked(&self.agents).push(agent);
                    }
                    return Ok(outcome.map_err(|error| failure::of_transport(&error, &self.settings)));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(cancelled) = progress.checkpoint() {
                        agent.shutdown();
                        return Err(cancelled);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(failure::unreadable("could not be read", &self.settings)));
                }
            }
        }
    }

    /// One attempt at a question whose body is `body`.
    fn attempt(&self, body: &str, progress: &dyn Progress) -> Result<Result<Answer, Trouble>, Cancelled> {
        let arrived = match self.exchange("chat/completions", Some(body.to_owned()), progress)? {
            Ok(arrived) => arrived,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let Arrived { status, retry_after, body } = arrived;
        Ok(if (200..300).contains(&status) {
            match answer::read(&body) {
                Ok(Body::Answer(answer)) => Ok(answer),
                Ok(Body::Error(error)) => Err(failure::inside_success(&self.without_key(error), &self.settings)),
                Err(problem) => Err(failure::unreadable(problem, &self.settings)),
            }
        } else {
            let error = self.without_key(answer::read_error(&body));
            Err(failure::of_status(status, &error, retry_after, &self.settings))
        })
    }

    /// Waits for its turn, then makes one attempt and tells the pace how it went.
    fn paced_attempt(&self, body: &str, progress: &dyn Progress) -> Result<Result<Answer, Trouble>, Cancelled> {
        let call = loop {
            progress.checkpoint()?;
            if let Some(call) = locked(&self.pace).start(Instant::now()) {
                break Turn { endpoint: self, call: Some(call) };
            }
            std::thread::sleep(GLANCE);
        };
        let outcome = self.attempt(body, progress)?;
        call.end(&outcome);
        Ok(outcome)
    }

    /// Masks a key in a provider's words before they are cut to length, so that no part of it is left.
    fn without_key(&self, error: ProviderError) -> ProviderError {
        ProviderError { message: self.masked(&error.message), ..error }
    }

    fn masked(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.masked(text))
    }

    fn masked_in_answer(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.masked_in_answer(text),
            None => text,
        }
    }

    /// The question as it is sent (eigenbench.md, section 13).
    fn body(&self, request: &ChatRequest) -> String {
        let mut body = serde_json::json!({
            "model": request.model,
            "messages": request.messages,
            "stream": false,
        });
        body[self.settings.longest_field.name()] = request.longest.into();
        if self.settings.sends_temperature {
            body["temperature"] = request.temperature.into();
        }
        if let (true, Some(seed)) = (self.settings.sends_seed, request.seed) {
            body["seed"] = seed.into();
        }
        if self.settings.sends_stop && !request.stop.is_empty() {
            body["stop"] = request.stop.clone().into();
        }
        body.to_string()
    }

    /// The names of the models on offer, or why they could not be had.
    pub(super) fn models(&self, progress: &dyn Progress) -> Result<Result<Vec<String>, String>, Cancelled> {
        let arrived = match self.exchange("models", None, progress)? {
            Ok(arrived) => arrived,
            Err(trouble) => return Ok(Err(self.masked(&trouble.message(&self.settings, 1)))),
        };
        if !(200..300).contains(&arrived.status) {
            let error = self.without_key(answer::read_error(&arrived.body));
            let trouble = failure::of_status(arrived.status, &error, None, &self.settings);
            return Ok(Err(self.masked(&trouble.message(&self.settings, 1))));
        }
        let list = serde_json::from_slice::<serde_json::Value>(&arrived.body).unwrap_or_default();
        let Some(list) = list["data"].as_array() else {
            let trouble = failure::unreadable("is no list of models", &self.settings);
            return Ok(Err(trouble.message(&self.settings, 1)));
        };
        let mut names: Vec<String> = list
            .iter()
            .filter_map(|model| model["id"].as_str())
            .map(|name| self.masked_in_answer(name.to_owned()))
            .collect();
        names.sort();
        names.dedup();
        Ok(Ok(names))
    }

    /// One attempt, without waiting for a turn and without another.
    pub(super) fn try_once(
        &self,
        request: &ChatRequest,
        progress: &dyn Progress,
    ) -> Result<Result<(), String>, Cancelled> {
        let outcome = self.attempt(&self.body(request), progress)?;
        Ok(outcome.map(|_| ()).map_err(|trouble| self.masked(&trouble.message(&self.settings, 1))))
    }
}

impl Chat for Endpoint {
    /// The address. Which fields are left out for the provider's sake is no part of it.
    fn identity(&self) -> &str {
        self.settings.address()
    }

    fn at_once(&self) -> usize {
        locked(&self.pace).at_once()
    }

    fn ask(&self, request: &ChatRequest, progress: &dyn Progress) -> Result<Reply, ChatError> {
        let began = Instant::now();
        let body = self.body(request);
        let mut failed_attempts = Vec::new();
        let mut attempt = 1;
        loop {
            let trouble = match self.paced_attempt(&body, progress)? {
                Ok(answer) => {
                    return Ok(Reply {
                        text: self.masked_in_answer(answer.text),
                        reasoning: answer.reasoning.map(|reasoning| self.masked_in_answer(reasoning)),
                        ending: answer.ending,
                        usage: answer.usage,
                        cost: answer.cost,
                        seconds: began.elapsed().as_secs_f64(),
                        failed_attempts,
                    });
                }
                Err(trouble) => trouble,
            };
            let message = || self.masked(&trouble.message(&self.settings, attempt));
            match trouble.then {
                Then::Stop => return Err(ChatError::Stopped(message())),
                Then::GiveUp => return Err(ChatError::Failed(message())),
                Then::Again { unreachable, .. } if attempt >= self.settings.attempts => {
                    return Err(if unreachable { ChatError::Stopped(message()) } else { ChatError::Failed(message()) });
                }
                Then::Again { after, .. } => {
                    let first = Duration::from_secs_f64(self.settings.first_wait_seconds);
                    let own = || retry::backoff(first, attempt, &request.key(self.identity()));
                    failed_attempts.push(self.masked(&trouble.problem));
                    pause(after.unwrap_or_else(own), progress)?;
                }
            }
            attempt += 1;
        }
    }
}

/// A call that the pace let through; given back on every way out.
struct Turn<'a> {
    endpoint: &'a Endpoint,
    call: Option<Started>,
}

impl Turn<'_> {
    fn end(mut self, outcome: &Result<Answer, Trouble>) {
        let Some(call) = self.call.take() else { return };
        let mut pace = locked(&self.endpoint.pace);
        match outcome {
            Ok(_) => pace.answered(call),
            Err(Trouble { then: Then::Again { limited: true, after, .. }, .. }) => {
                pace.limited(call, after.map(|after| Instant::now() + after));
            }
            Err(_) => pace.failed(call),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            locked(&self.endpoint.pace).failed(call);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole at every moment, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads an answer to its end.
fn arrived(response: Response<ureq::Body>) -> Result<Arrived, ureq::Error> {
    let text = |headers: &HeaderMap, name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let (parts, mut body) = response.into_parts();
    let retry_after = text(&parts.headers, "retry-after")
        .and_then(|header| retry::asked_for(&header, text(&parts.headers, "date").as_deref(), jiff::Timestamp::now()));
    let body = body.with_config().limit(LONGEST_BODY).read_to_vec()?;
    Ok(Arrived { status: parts.status.as_u16(), retry_after, body })
}

/// Sleeps, but wakes for a cancellation.
fn pause(time: Duration, progress: &dyn Progress) -> Result<(), Cancelled> {
    let until = Instant::now() + time;
    loop {
        progress.checkpoint()?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(GLANCE));
    }
}
