//! Endpoints of chat completions against a scripted server: every fault a provider may have, secrets, many questions at
//! once.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "../support/mock_provider.rs"]
mod mock_provider;

mod faults;
mod pool;
mod probes;
mod secrets;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kleroterion::dempo::preference::{Message, Role};
use kleroterion::progress::{Cancelled, Progress};
use kleroterion::providers::chat::ChatRequest;
use kleroterion::providers::http::Endpoint;
use kleroterion::providers::settings::ProviderSettings;
use mock_provider::MockProvider;

/// Settings for a server, with short waits and no key.
fn settings(server: &MockProvider) -> ProviderSettings {
    ProviderSettings { first_wait_seconds: 0.02, ..ProviderSettings::new("Mock", server.base_url(), None) }
}

fn endpoint(server: &MockProvider) -> Endpoint {
    Endpoint::new(settings(server)).unwrap()
}

fn question(text: &str) -> ChatRequest {
    ChatRequest {
        model: "mock".into(),
        messages: vec![Message::new(Role::User, text)],
        temperature: 0.7,
        longest: 64,
        stop: vec![],
        seed: None,
        sample: 0,
    }
}

/// Cancels after a while.
struct Until(Instant);

impl Until {
    fn after(milliseconds: u64) -> Self {
        Self(Instant::now() + Duration::from_millis(milliseconds))
    }
}

impl Progress for Until {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if Instant::now() < self.0 { Ok(()) } else { Err(Cancelled) }
    }
}

/// Holds at its checkpoints while it is paused.
#[derive(Default)]
struct Pausable(AtomicBool);

impl Progress for Pausable {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        while self.0.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}
