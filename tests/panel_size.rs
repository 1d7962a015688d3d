//! The Panel tab with 100,000 people: it stays editable. Times are printed, not judged: other work shares the machine.

#[path = "support/assembly.rs"]
mod assembly;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use assembly::Window;
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

/// Steps until `text` is there; the longest and the middle of all frames, and how long it took.
fn frames(window: &mut Window, text: &str, limit: Duration) -> Option<Duration> {
    let began = Instant::now();
    let mut all = Vec::new();
    while !window.has(text) {
        if began.elapsed() > limit {
            println!("  {text:?} not there after {limit:?}");
            return None;
        }
        let frame = Instant::now();
        window.harness.step();
        all.push(frame.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed();
    all.sort_unstable();
    if let (Some(middle), Some(longest)) = (all.get(all.len() / 2), all.last()) {
        println!("  {text:?} after {took:.2?}; {} frames, median {middle:.2?}, longest {longest:.2?}", all.len());
    }
    Some(took)
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
    frames(&mut window, "Possible: a panel of 30", Duration::from_secs(120)).expect("a panel exists");
    frames(&mut window, "can be on one", Duration::from_secs(120));
    println!("an edit that keeps a panel possible");
    window.cell("Attribute 1, value 1, max");
    window.text("29");
    window.key(Modifiers::NONE, Key::Enter);
    frames(&mut window, "Possible: a panel of 30", Duration::from_secs(120)).expect("a panel exists");
    println!("an edit that makes it impossible, while more is being looked for");
    window.cell("Attribute 1, value 3, min");
    window.text("29");
    window.key(Modifiers::NONE, Key::Tab);
    window.text("29");
    window.key(Modifiers::NONE, Key::Enter);
    frames(&mut window, "Impossible: no panel of 30", Duration::from_secs(120)).expect("no panel exists");
    frames(&mut window, "A smallest conflict", Duration::from_secs(120));
    println!("back, before the search for changes has ended");
    for _ in 0..2 {
        window.key(Modifiers::COMMAND, Key::Z);
    }
    frames(&mut window, "Possible: a panel of 30", Duration::from_secs(120)).expect("a panel exists");
    println!("a lottery by simple draws");
    window.click("Run the lottery");
    frames(&mut window, "is done", Duration::from_secs(300));
    frames(&mut window, "Everybody's chance to be drawn", Duration::from_secs(60));
}
