//! The Panel tab with 100,000 people: it stays editable. Times are printed, not judged: other work shares the machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::assembly::Window;
use eframe::egui::{Key, Modifiers};
use kleroterion::sortition::pool::{Attribute, Pool};
use kleroterion::ui::command::{Command, NewPool};

const PEOPLE: usize = 100_000;
/// Values of each attribute.
const VALUES: [usize; 6] = [3, 6, 8, 5, 9, 4];

/// People whose values are skewed and independent: a few common types, thousands of rare ones.
fn crowd() -> Pool {
    let attributes: Vec<Attribute> = VALUES
        .iter()
        .enumerate()
        .map(|(k, &count)| Attribute {
            name: format!("Attribute {}", k + 1),
            values: (0..count).map(|value| format!("value {}", value + 1)).collect(),
        })
        .collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let rows: Vec<Vec<u16>> =
        (0..PEOPLE).map(|_| VALUES.iter().map(|&count| (next() * next() * count as f64) as u16).collect()).collect();
    let ids = (0..PEOPLE).map(|person| format!("P{person:06}")).collect();
    Pool::new(attributes, ids, &rows, Vec::new()).unwrap()
}

/// Processor time of this thread: what a frame takes, whatever else runs on the machine.
fn processor() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "this system has no clock of processor time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Steps until `text` is there, or the time is up, from when `began`; prints how long it took and what frames cost.
fn frames(window: &mut Window, began: Instant, text: &str, limit: Duration) -> bool {
    let mut all = Vec::new();
    let mut there = window.has(text);
    while !there && began.elapsed() < limit {
        let frame = processor();
        window.harness.step();
        all.push(processor() - frame);
        std::thread::sleep(Duration::from_millis(5));
        there = window.has(text);
    }
    let (took, word) = (began.elapsed(), if there { "there after" } else { "NOT there after" });
    all.sort_unstable();
    let (middle, longest) = (all.get(all.len() / 2), all.last());
    println!("  {text:?} {word} {took:.2?}; {} frames, median {middle:.2?}, longest {longest:.2?}", all.len());
    there
}

#[test]
fn a_hundred_thousand_people_stay_editable() {
    let pool = crowd();
    let mut window = Window::of_height(1000.0);
    let began = Instant::now();
    let (source, sha256, mapping) = ("crowd.csv".to_owned(), "0".repeat(64), "{}".to_owned());
    window.apply(Command::StorePool(NewPool { source, sha256, mapping, pool: Arc::new(pool) }));
    window.wait_for("Or with the people's own shares");
    println!("stored and read again in {:.2?}", began.elapsed());
    window.click("Or with the people's own shares");
    let minutes = Duration::from_secs(120);
    assert!(frames(&mut window, Instant::now(), "Possible: a panel of 30", minutes));
    frames(&mut window, Instant::now(), "can be on one", minutes);
    println!("an edit that keeps a panel possible");
    window.cell("Attribute 1, value 1, max");
    window.text("29");
    let edited = Instant::now();
    window.harness.key_press(Key::Enter);
    window.harness.step();
    assert!(frames(&mut window, edited, "Possible: a panel of 30", minutes));
    println!("an edit that makes it impossible, while more is being looked for");
    window.cell("Attribute 1, value 3, min");
    window.text("29");
    window.key(Modifiers::NONE, Key::Tab);
    window.text("29");
    let edited = Instant::now();
    window.harness.key_press(Key::Enter);
    window.harness.step();
    assert!(frames(&mut window, edited, "Impossible: no panel of 30", minutes));
    frames(&mut window, edited, "A smallest conflict", minutes);
    println!("back");
    for _ in 0..2 {
        window.key(Modifiers::COMMAND, Key::Z);
    }
    assert!(frames(&mut window, Instant::now(), "Possible: a panel of 30", minutes));
    println!("while a lottery of everybody runs");
    window.click("Run the lottery");
    frames(&mut window, Instant::now(), "is done", Duration::from_secs(15));
}
