//! A provider of chat completions on this machine that says what its script says, faults included, and remembers what
//! it was asked. For the tests of whatever speaks with a provider; a test that needs a part of it only allows dead code
//! where it includes this file.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the provider sends back.
#[derive(Clone, Debug)]
pub struct MockReply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Only so many bytes of the body are sent, then the connection is closed.
    pub cut: Option<usize>,
    /// Before anything is sent.
    pub delay: Duration,
}

impl MockReply {
    /// A body with a status.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![], body: body.into(), cut: None, delay: Duration::ZERO }
    }

    /// A message of the model, how it finished, and what it used: 1 token a word, as a rule.
    pub fn message(message: Value, finish: &str) -> Self {
        let words = message["content"].as_str().unwrap_or_default().split_whitespace().count();
        let choice = json!({"index": 0, "message": message, "finish_reason": finish});
        let usage = json!({"prompt_tokens": 10, "completion_tokens": words, "total_tokens": 10 + words});
        Self::new(
            200,
            json!({"id": "mock", "object": "chat.completion", "choices": [choice], "usage": usage}).to_string(),
        )
    }

    /// A whole answer.
    pub fn said(text: &str) -> Self {
        Self::message(json!({"role": "assistant", "content": text}), "stop")
    }

    /// A whole answer whose price the provider tells, as OpenRouter does.
    pub fn priced(text: &str, dollars: f64) -> Self {
        Self::said(text).edited(|body| body["usage"]["cost"] = dollars.into())
    }

    pub fn without_usage(text: &str) -> Self {
        Self::said(text).edited(|body| body["usage"] = Value::Null)
    }

    /// Reasoning in a field of its own.
    pub fn reasoning(field: &str, thought: &str, text: &str) -> Self {
        Self::said(text).edited(|body| body["choices"][0]["message"][field] = thought.into())
    }

    pub fn truncated(text: &str) -> Self {
        Self::message(json!({"role": "assistant", "content": text}), "length")
    }

    pub fn filtered() -> Self {
        Self::message(json!({"role": "assistant", "content": ""}), "content_filter")
    }

    pub fn refusal(text: &str) -> Self {
        Self::message(json!({"role": "assistant", "content": null, "refusal": text}), "stop")
    }

    pub fn empty() -> Self {
        Self::message(json!({"role": "assistant", "content": ""}), "stop")
    }

    /// An error in OpenAI's form.
    pub fn error(status: u16, message: &str) -> Self {
        Self::new(status, json!({"error": {"message": message, "code": status}}).to_string())
    }

    /// An error inside a success, as OpenRouter sends it.
    pub fn error_inside(code: u16, message: &str) -> Self {
        Self { status: 200, ..Self::error(code, message) }
    }

    /// Too many calls; `retry_after` as the header says it.
    pub fn limited(retry_after: Option<&str>) -> Self {
        let reply = Self::error(429, "slow down");
        match retry_after {
            Some(wait) => reply.header("Retry-After", wait),
            None => reply,
        }
    }

    pub fn invalid_json() -> Self {
        Self::new(200, r#"{"choices": [{"message": {"content": "Ye"#)
    }

    /// An answer of which half arrives.
    pub fn cut() -> Self {
        let reply = Self::said("This will not arrive.");
        Self { cut: Some(reply.body.len() / 2), ..reply }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    fn edited(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        let mut body = serde_json::from_slice(&self.body).unwrap();
        edit(&mut body);
        self.body = body.to_string().into_bytes();
        self
    }
}

/// What the provider was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Such as `POST /v1/chat/completions`.
    pub line: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Null where there was none.
    pub body: Value,
    pub at: Instant,
}

type Script = dyn Fn(&Value, usize) -> MockReply + Send + Sync;

struct Shared {
    script: Box<Script>,
    models: MockReply,
    asked: Mutex<Vec<Asked>>,
    questions: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
    hung_up: AtomicUsize,
    connections: AtomicUsize,
    ended: AtomicBool,
}

/// The server; it ends when it is dropped.
pub struct MockProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl MockProvider {
    /// Answers questions by `script`, which gets the body and the number of the question from 0; offers one model.
    pub fn start(script: impl Fn(&Value, usize) -> MockReply + Send + Sync + 'static) -> Self {
        let models = json!({"object": "list", "data": [{"id": "mock", "object": "model"}]});
        Self::with_models(MockReply::new(200, models.to_string()), script)
    }

    /// With another answer to the question which models there are.
    pub fn with_models(models: MockReply, script: impl Fn(&Value, usize) -> MockReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            models,
            asked: Mutex::default(),
            questions: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            hung_up: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                let serving = serving.clone();
                // Whatever goes wrong with a connection is the client's to notice.
                std::thread::spawn(move || stream.and_then(|stream| serving.serve(stream)).ok());
            }
        });
        Self { address, shared }
    }

    /// For [`ProviderSettings::base_url`](kleroterion::providers::settings::ProviderSettings::base_url).
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Everything it was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Questions that it answered at one time, at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }

    /// Forgets the most so far.
    pub fn forget_most(&self) {
        self.shared.most.store(0, Ordering::SeqCst);
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Clients that closed their connection before they had their answer.
    pub fn hung_up(&self) -> usize {
        self.shared.hung_up.load(Ordering::SeqCst)
    }
}

impl Drop for MockProvider {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener.
        TcpStream::connect(self.address).ok();
    }
}

impl Shared {
    /// All requests of one connection.
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        self.connections.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || self.ended.load(Ordering::SeqCst) {
                return Ok(());
            }
            let mut headers = BTreeMap::new();
            loop {
                let mut header = String::new();
                reader.read_line(&mut header)?;
                let Some((name, value)) = header.trim_end().split_once(':') else { break };
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
            let is_question = line.starts_with("POST ") && line.ends_with("/chat/completions");
            self.asked.lock().unwrap().push(Asked {
                line: line.clone(),
                headers,
                body: body.clone(),
                at: Instant::now(),
            });
            let reply = if is_question {
                let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(under_way, Ordering::SeqCst);
                let number = self.questions.fetch_add(1, Ordering::SeqCst);
                let reply = (self.script)(&body, number);
                let waited = self.wait(&stream, reply.delay);
                self.under_way.fetch_sub(1, Ordering::SeqCst);
                waited?;
                reply
            } else if line.starts_with("GET ") && line.ends_with("/models") {
                self.models.clone()
            } else {
                MockReply::error(404, "no such page")
            };
            send(&stream, &reply)?;
            if reply.cut.is_some() {
                return stream.shutdown(std::net::Shutdown::Both);
            }
        }
    }

    /// Waits, unless the client hangs up.
    fn wait(&self, stream: &TcpStream, delay: Duration) -> std::io::Result<()> {
        let until = Instant::now() + delay;
        while let left @ 1.. = until.saturating_duration_since(Instant::now()).as_millis() as u64 {
            stream.set_read_timeout(Some(Duration::from_millis(left.min(20))))?;
            if matches!(stream.peek(&mut [0]), Ok(0)) {
                self.hung_up.fetch_add(1, Ordering::SeqCst);
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        stream.set_read_timeout(None)
    }
}

fn send(mut stream: &TcpStream, reply: &MockReply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
    if !reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        head.push_str("Content-Type: application/json\r\n");
    }
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&reply.body[..reply.cut.unwrap_or(reply.body.len())])
}
