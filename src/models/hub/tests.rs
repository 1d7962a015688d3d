//! A hub played by a listener on this machine: what is asked of it, and what comes of bad answers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::*;
use crate::progress::{Cancelled, Silent};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const VOCAB: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";

/// What the hub does; changed while it runs.
#[derive(Default)]
struct Behaviour {
    files: BTreeMap<String, Vec<u8>>,
    /// Other names in the listing.
    listed: Vec<String>,
    commit: Option<String>,
    /// Status of every answer, if not the right one.
    status: Option<u16>,
    /// Breaks this many downloads of a body off after so many bytes.
    cuts: Option<(u32, usize)>,
    /// Ignores `Range`.
    whole_only: bool,
    /// Announces this SHA-256 for the weights.
    sha256: Option<String>,
    /// Sends more than it announced.
    longer: bool,
    requests: Vec<String>,
}

struct FakeHub {
    address: String,
    behaviour: Arc<Mutex<Behaviour>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    cache: tempfile::TempDir,
}

impl FakeHub {
    fn new() -> Self {
        let weights: Vec<u8> = (0..1_000_000u32).map(|k| (k % 251) as u8).collect();
        let files = [("config.json", b"{}".to_vec()), ("vocab.txt", VOCAB.into()), ("model.safetensors", weights)];
        let behaviour = Behaviour {
            files: files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect(),
            ..Behaviour::default()
        };
        let behaviour = Arc::new(Mutex::new(behaviour));
        let stop = Arc::new(AtomicBool::new(false));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn({
            let (behaviour, stop) = (behaviour.clone(), stop.clone());
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    // A client that hangs up in the middle is part of the play.
                    serve(stream.unwrap(), &behaviour).ok();
                }
            }
        });
        Self { address, behaviour, stop, thread: Some(thread), cache: tempfile::tempdir().unwrap() }
    }

    fn settings(&self) -> HubSettings {
        HubSettings {
            endpoint: format!("http://{}/", self.address),
            cache: self.cache.path().to_owned(),
            token: None,
            offline: false,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// Takes the list of requests so far, as `GET /path [range] [authorization]`.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.behaviour.lock().unwrap().requests)
    }

    fn fetch(&self) -> Result<Fetched, ModelError> {
        fetch("owner/tiny", None, &self.settings(), &Silent)
    }

    fn message(&self) -> String {
        self.fetch().unwrap_err().to_string()
    }

    fn part(&self) -> Option<(PathBuf, u64)> {
        let blobs = self.cache.path().join("models--owner--tiny/blobs");
        let paths = std::fs::read_dir(blobs).ok()?.map(|entry| entry.unwrap().path());
        let part = paths.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "part"))?;
        let length = part.metadata().unwrap().len();
        Some((part, length))
    }

    fn assert_whole(&self, fetched: &Fetched) {
        assert_eq!(fetched.commit, COMMIT);
        for (name, bytes) in &self.behaviour.lock().unwrap().files {
            assert_eq!(&std::fs::read(fetched.folder.join(name)).unwrap(), bytes, "{name}");
        }
        assert!(self.part().is_none(), "a part is left");
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        TcpStream::connect(&self.address).ok();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Answers one request and closes the connection.
fn serve(stream: TcpStream, behaviour: &Mutex<Behaviour>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut behaviour = behaviour.lock().unwrap();
    let range = headers.get("range").cloned();
    let extra =
        [&range, &headers.get("authorization").cloned()].into_iter().flatten().fold(String::new(), |s, h| s + " " + h);
    behaviour.requests.push(format!("{method} {path}{extra}"));
    let mut out = stream;
    if let Some(status) = behaviour.status {
        return write!(out, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let commit = behaviour.commit.as_deref().unwrap_or(COMMIT);
    if path.starts_with("/api/models/owner/tiny/revision/") {
        let names = behaviour.files.keys().chain(&behaviour.listed);
        let siblings: Vec<serde_json::Value> = names.map(|name| serde_json::json!({"rfilename": name})).collect();
        let body = serde_json::json!({"sha": commit, "siblings": siblings}).to_string();
        return write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    }
    let cdn = path.strip_prefix("/cdn/");
    let name =
        cdn.or_else(|| path.strip_prefix(&format!("/owner/tiny/resolve/{commit}/"))).unwrap_or_default().to_owned();
    let Some(bytes) = behaviour.files.get(&name).cloned() else {
        return write!(out, "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    // Large files are elsewhere, as on the real hub.
    if name == "model.safetensors" && cdn.is_none() {
        let tag = behaviour.sha256.clone().unwrap_or_else(|| hash::bytes(&bytes));
        let size = bytes.len();
        return write!(
            out,
            "HTTP/1.1 302 Found\r\nLocation: http://{}/cdn/{name}\r\nX-Linked-Etag: \"{tag}\"\r\nX-Linked-Size: {size}\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            headers["host"]
        );
    }
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let start: usize = start.filter(|_| !behaviour.whole_only).unwrap_or(0);
    let mut body = bytes[start..].to_vec();
    if behaviour.longer && method == "GET" {
        body.extend_from_slice(b"more");
    }
    let (status, range) = match start {
        0 => ("200 OK", String::new()),
        _ => ("206 Partial", format!("Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len())),
    };
    // A short file is known by its git blob hash; the tag only has to be stable.
    let tag = format!("W/\"tag/of {name}\"");
    // A server that does not say how long an answer is can send more than it said before.
    let length =
        if behaviour.longer && method == "GET" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(out, "HTTP/1.1 {status}\r\n{length}ETag: {tag}\r\n{range}Connection: close\r\n\r\n")?;
    if method == "HEAD" {
        return Ok(());
    }
    if let Some((count, limit)) = behaviour.cuts.filter(|&(count, limit)| count > 0 && body.len() > limit) {
        behaviour.cuts = Some((count - 1, limit));
        body.truncate(limit);
    }
    drop(behaviour);
    out.write_all(&body)
}

/// Cancels at the first checkpoint after so many bytes; keeps the last report and the stages.
struct Watch {
    limit: u64,
    done: AtomicU64,
    total: AtomicU64,
    stages: Mutex<Vec<String>>,
}

impl Watch {
    fn new(limit: u64) -> Self {
        Self { limit, done: AtomicU64::new(0), total: AtomicU64::new(0), stages: Mutex::default() }
    }
}

impl Progress for Watch {
    fn stage(&self, name: &str) {
        self.stages.lock().unwrap().push(name.to_owned());
    }
    fn report(&self, done: u64, total: u64) {
        assert!(done <= total && done >= self.done.load(Ordering::SeqCst), "{done} of {total}");
        self.done.store(done, Ordering::SeqCst);
        self.total.store(total, Ordering::SeqCst);
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.done.load(Ordering::SeqCst) > self.limit { Err(Cancelled) } else { Ok(()) }
    }
}

#[test]
fn a_model_is_fetched_once_and_then_lies_in_the_shared_layout() {
    let hub = FakeHub::new();
    let watch = Watch::new(u64::MAX);
    let fetched = fetch("owner/tiny", None, &hub.settings(), &watch).unwrap();
    hub.assert_whole(&fetched);
    let size = 1_000_000 + 2 + VOCAB.len() as u64;
    assert_eq!((watch.done.into_inner(), watch.total.into_inner()), (size, size));
    assert!(watch.stages.lock().unwrap().contains(&"fetching owner/tiny".to_owned()));
    // hf-hub itself finds the files.
    let theirs = Cache::new(hub.cache.path().to_owned()).model("owner/tiny".to_owned()).get("model.safetensors");
    assert_eq!(theirs, Some(fetched.folder.join("model.safetensors")));
    assert_eq!(hub.requests().len(), 1 + 3 + 4, "a listing, three descriptions, and bodies with one redirect");
    // Again: only the branch is resolved.
    assert_eq!(hub.fetch().unwrap(), fetched);
    assert_eq!(hub.requests(), ["GET /api/models/owner/tiny/revision/main"]);
    // By commit, or offline: nothing is asked.
    assert_eq!(fetch("owner/tiny", Some(COMMIT), &hub.settings(), &Silent).unwrap(), fetched);
    let offline = HubSettings { offline: true, ..hub.settings() };
    assert_eq!(fetch("owner/tiny", None, &offline, &Silent).unwrap(), fetched);
    assert!(hub.requests().is_empty());
    let message = fetch("owner/other", None, &offline, &Silent).unwrap_err().to_string();
    assert!(message.contains("HF_HUB_OFFLINE") && message.contains("owner/other"), "{message}");
}

#[test]
fn a_hub_model_opens_by_name_with_its_commit() {
    use crate::models::Library;
    let hub = FakeHub::new();
    let agora = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/agora");
    hub.change(|b| {
        for name in ["config.json", "vocab.txt", "model.safetensors"] {
            b.files.insert(name.to_owned(), std::fs::read(agora.join(name)).unwrap());
        }
    });
    let library = Library::with_hub(hub.settings());
    let model = library.open("owner/tiny", &Silent).unwrap();
    assert_eq!(model.identity.revision.as_deref(), Some(COMMIT));
    assert_eq!(model.identity.reference, "owner/tiny");
    let shipped = library.open("agora", &Silent).unwrap();
    assert_eq!(model.identity.weights_sha256, shipped.identity.weights_sha256);
    let pinned = library.open(&format!("owner/tiny@{COMMIT}"), &Silent).unwrap();
    assert!(Arc::ptr_eq(&model.conditionals, &pinned.conditionals));
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let hub = FakeHub::new();
    hub.change(|b| b.cuts = Some((2, 300_000)));
    hub.assert_whole(&hub.fetch().unwrap());
    let ranges: Vec<String> = hub.requests().into_iter().filter(|request| request.contains("/cdn/")).collect();
    assert_eq!(ranges[1..], ["GET /cdn/model.safetensors bytes=300000-", "GET /cdn/model.safetensors bytes=600000-"]);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let hub = FakeHub::new();
    hub.change(|b| (b.cuts, b.whole_only) = (Some((1, 300_000)), true));
    hub.assert_whole(&hub.fetch().unwrap());
}

#[test]
fn a_cancelled_download_is_kept_and_continued() {
    let hub = FakeHub::new();
    let error = fetch("owner/tiny", None, &hub.settings(), &Watch::new(250_000)).unwrap_err();
    assert!(matches!(error, ModelError::Cancelled(_)), "{error}");
    let (_, length) = hub.part().expect("what arrived is kept");
    assert!((250_000..1_000_000).contains(&length), "{length}");
    assert!(fetch("owner/tiny", None, &HubSettings { offline: true, ..hub.settings() }, &Silent).is_err());
    hub.requests();
    hub.assert_whole(&hub.fetch().unwrap());
    let resumed = format!("GET /cdn/model.safetensors bytes={length}-");
    let requests = hub.requests();
    assert!(requests.contains(&resumed), "{requests:?} lacks {resumed}");
    assert!(!requests.iter().any(|request| request.contains("vocab.txt")), "the vocabulary was fetched twice");
}

#[test]
fn a_download_that_brings_nothing_is_given_up() {
    let hub = FakeHub::new();
    hub.change(|b| b.cuts = Some((1_000, 0)));
    let message = hub.message();
    assert!(message.contains("broke off at 0 of") && message.contains("Start it again"), "{message}");
}

#[test]
fn damaged_and_overlong_files_are_not_kept() {
    let hub = FakeHub::new();
    hub.change(|b| b.sha256 = Some("0".repeat(64)));
    assert!(hub.message().contains("SHA-256"));
    assert!(hub.part().is_none());
    let longer = FakeHub::new();
    longer.change(|b| b.longer = true);
    assert!(longer.message().contains("sends more than the 2 bytes"), "{}", longer.message());
}

#[test]
fn refusals_name_the_remedy() {
    let hub = FakeHub::new();
    for (status, token, words) in [
        (401, None, ["gated", "HF_TOKEN"]),
        (401, Some("secret"), ["does not accept the token", "renew"]),
        (403, Some("secret"), ["gated", "Accept its terms"]),
        (404, None, ["there is no owner/tiny", "Check owner"]),
        (418, None, ["418", "Try again later"]),
        (503, None, ["not in the cache", "503"]),
    ] {
        hub.change(|b| b.status = Some(status));
        let settings = HubSettings { token: token.map(str::to_owned), ..hub.settings() };
        let message = fetch("owner/tiny", None, &settings, &Silent).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{status}: {message}");
        assert!(!message.contains("secret"));
    }
}

#[test]
fn the_token_is_sent_and_not_shown() {
    let hub = FakeHub::new();
    let settings = HubSettings { token: Some("secret".to_owned()), ..hub.settings() };
    assert!(!format!("{settings:?}").contains("secret"));
    fetch("owner/tiny", None, &settings, &Silent).unwrap();
    assert_eq!(hub.requests()[0], "GET /api/models/owner/tiny/revision/main Bearer secret");
}

#[test]
fn the_cache_serves_when_the_network_does_not() {
    let hub = FakeHub::new();
    let (fetched, settings) = (hub.fetch().unwrap(), hub.settings());
    hub.change(|b| b.status = Some(500));
    assert_eq!(hub.fetch().unwrap(), fetched);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = HubSettings { endpoint: format!("http://{closed}"), ..settings };
    assert_eq!(fetch("owner/tiny", None, &unreachable, &Silent).unwrap(), fetched);
    let message = fetch("owner/other", None, &unreachable, &Silent).unwrap_err().to_string();
    assert!(message.contains("cannot be reached") && message.contains("Check the network"), "{message}");
}

#[test]
fn shards_come_by_their_index() {
    let hub = FakeHub::new();
    let index = r#"{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}"#;
    hub.change(|b| {
        let whole = b.files.remove("model.safetensors").unwrap();
        b.files.insert("model.safetensors.index.json".to_owned(), index.into());
        b.files.insert("model-1.safetensors".to_owned(), whole[..400_000].to_vec());
        b.files.insert("model-2.safetensors".to_owned(), whole[400_000..].to_vec());
    });
    hub.assert_whole(&hub.fetch().unwrap());
    let lacking = FakeHub::new();
    lacking.change(|b| {
        b.files.remove("model.safetensors");
        b.files.insert("model.safetensors.index.json".to_owned(), index.into());
    });
    assert!(lacking.message().contains("model-1.safetensors"));
}

#[test]
fn nothing_leaves_the_cache_folder() {
    let hub = FakeHub::new();
    // Names in a listing that climb out are never asked for.
    hub.change(|b| b.listed = vec!["../../../evil".to_owned(), "/etc/evil".to_owned()]);
    hub.fetch().unwrap();
    assert!(!hub.requests().iter().any(|request| request.contains("evil")));
    // Nor does a shard index lead anywhere.
    let climbing = FakeHub::new();
    climbing.change(|b| {
        b.files.remove("model.safetensors");
        let index = r#"{"weight_map":{"a":"../../../../escaped.safetensors"}}"#;
        b.files.insert("model.safetensors.index.json".to_owned(), index.into());
        b.listed = vec!["../../../../escaped.safetensors".to_owned()];
    });
    assert!(climbing.message().contains("not a file name"));
    // Nor a commit.
    let odd = FakeHub::new();
    odd.change(|b| b.commit = Some("../../../evil".to_owned()));
    assert!(odd.message().contains("malformed commit"));
    for (repository, revision) in
        [("../x", None), ("a/../b", None), ("a--b/c", None), ("a/b", Some("../../x")), ("a/b", Some("/x"))]
    {
        let message = fetch(repository, revision, &odd.settings(), &Silent).unwrap_err().to_string();
        assert!(message.contains("not a hub name"), "{message}");
    }
}

#[test]
fn missing_parts_of_a_repository_are_named() {
    for (file, word) in
        [("config.json", "no config.json"), ("vocab.txt", "no tokenizer"), ("model.safetensors", "no weights")]
    {
        let hub = FakeHub::new();
        hub.change(|b| drop(b.files.remove(file)));
        let message = hub.message();
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn settings_follow_the_usual_variables() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("token"), "from-file\n").unwrap();
    let with = |pairs: &[(&str, &str)]| {
        let mut variables: BTreeMap<String, String> =
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        variables.insert("HF_HOME".to_owned(), home.path().to_str().unwrap().to_owned());
        HubSettings::from_variables(|name| variables.get(name).cloned()).unwrap()
    };
    let plain = with(&[]);
    assert_eq!((plain.token.as_deref(), plain.offline), (Some("from-file"), false));
    assert_eq!((plain.cache, plain.endpoint.as_str()), (home.path().join("hub"), "https://huggingface.co"));
    let set = with(&[("HF_TOKEN", "t"), ("HF_HUB_OFFLINE", "1"), ("HF_HUB_CACHE", "/c"), ("HF_ENDPOINT", "http://m")]);
    assert_eq!(
        (set.token.as_deref(), set.offline, set.cache.to_str(), set.endpoint.as_str()),
        (Some("t"), true, Some("/c"), "http://m")
    );
    // A token never travels in the clear.
    let client = Client::new(&with(&[("HF_ENDPOINT", "http://mirror.example")])).unwrap();
    assert!(!client.has_token());
    assert!(Client::new(&with(&[])).unwrap().has_token());
    assert!(Client::new(&with(&[("HF_ENDPOINT", "ftp://x")])).is_err());
}
