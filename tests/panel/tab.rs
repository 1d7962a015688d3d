//! The Panel tab through the accessibility tree of the whole workbench: from invented people to a panel.

use crate::assembly::Window;
use eframe::egui::{Key, Modifiers};
use kleroterion::sortition::audit::AuditFile;
use kleroterion::store::Project;

#[test]
fn quotas_are_edited_with_the_keyboard_and_undone() {
    let mut window = Window::sample();
    window.wait_for("Gender, Woman, min, 13");
    window.picture("quotas.png");
    window.cell("Gender, Woman, min");
    window.text("1");
    window.text("4");
    window.picture("editing.png");
    window.key(Modifiers::NONE, Key::Enter);
    assert!(window.has("Gender, Woman, min, 14"));
    window.text("x");
    window.key(Modifiers::NONE, Key::Tab);
    window.wait_for("“x” is not a whole number");
    window.picture("issue.png");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("Gender, Man, min, 12");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("Gender, Woman, min, 13");
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.wait_for("Gender, Woman, min, 14");
    let project = Project::open_reader(&window.project()).unwrap();
    let draft = project.draft("panel").unwrap().unwrap();
    assert!(draft.contains(r#""min":"14""#), "every edit is saved: {draft}");
}

#[test]
fn impossible_quotas_name_their_rows_and_undo_brings_the_panel_back() {
    let mut window = Window::of_height(1600.0).begin_with_sample();
    window.wait_for("Possible: a panel of 30 meets every quota");
    window.cell("Gender, Non-binary, min");
    window.text("20");
    window.key(Modifiers::NONE, Key::Tab);
    window.text("20");
    window.key(Modifiers::NONE, Key::Enter);
    window.wait_for("Impossible: no panel of 30 meets all quotas.");
    window.wait_for("What cannot hold together");
    window.picture("impossible.png");
    let sentence = window.finding("Non-binary");
    window.click(&sentence);
    window.picture("marked.png");
    window.wait_for("Apply change 1");
    window.picture("suggestions.png");
    window.click("Apply change 1");
    window.wait_for("Possible: a panel of 30 meets every quota");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("Impossible: no panel of 30 meets all quotas.");
    for _ in 0..2 {
        window.key(Modifiers::COMMAND, Key::Z);
    }
    window.wait_for("Possible: a panel of 30 meets every quota");
    assert!(window.has("Gender, Non-binary, min, 0"));
}

#[test]
fn a_panel_is_drawn_from_dice_and_shown_in_a_ceremony() {
    let mut window = Window::of_height(2800.0).begin_with_sample();
    window.wait_for("Possible: a panel of 30 meets every quota");
    window.click("Run the lottery");
    window.wait_for("Exact: this is the leximin lottery");
    window.picture("lottery.png");
    window.type_into("Id", "A007");
    window.click("Look up");
    window.wait_for("A007 has a chance of");
    window.click("Draw");
    window.wait_for("SHA-256 of the list, to be published first:");
    window.type_into("What the dice or the beacon showed", "4 1 6 6 2 3");
    window.click("Draw the panel");
    window.wait_for("was drawn: 30 members.");
    window.picture("draw.png");
    // The audit file is made off the window's thread, and verifies.
    let path = window.folder.path().join("audit.json");
    window.click("Save the audit file…");
    window.harness.run_steps(3);
    window.type_into("File", path.to_str().unwrap());
    window.click("Save");
    window.wait_for("Saved ");
    let file = AuditFile::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(file.draws.len(), 1);
    assert_eq!(file.verify(), []);
    window.click("Ceremony");
    window.wait_for("A panel will be drawn by lot");
    window.picture("ceremony-1.png");
    for told in ["published beforehand", "What do the dice show?"] {
        window.key(Modifiers::NONE, Key::Space);
        window.wait_for(told);
    }
    window.picture("ceremony-3.png");
    window.key(Modifiers::NONE, Key::Enter);
    window.wait_for("Their SHA-256 hash is the seed");
    window.picture("ceremony-4.png");
    for told in ["The panel drawn is number", "Panel "] {
        window.key(Modifiers::NONE, Key::Space);
        window.wait_for(told);
    }
    window.picture("ceremony-6.png");
    window.key(Modifiers::NONE, Key::Escape);
    window.wait_for("was drawn: 30 members.");
    window.click("Quotas");
    window.picture("quotas-drawn.png");
}

#[test]
fn panels_of_other_sizes_are_one_click_away() {
    let mut window = Window::of_height(3600.0).begin_with_sample();
    window.wait_for("Possible: a panel of 30 meets every quota");
    window.click("Run the lottery");
    window.wait_for("Exact: this is the leximin lottery");
    window.type_into("Sizes", "20, many");
    window.wait_for("“many” is no size of a panel");
    window.type_into("Sizes", "20, 30, 290");
    window.click("Compare sizes");
    window.wait_for("No lottery at 290.");
    assert!(window.has("infeasible: "), "the reason is told");
    window.picture("sizes.png");
}

#[test]
fn people_come_from_a_table_and_leave_when_they_are_forgotten() {
    let mut window = Window::of_height(1400.0);
    let path = window.folder.path().join("people.csv");
    let mut text = String::from("id,Gender,Age,Address\n");
    for k in 0..40 {
        let (gender, age) = (["Woman", "Man", "woman"][k % 3], ["old", "young", ""][k % 3]);
        text += &format!("p{k},{gender},{age},{} High St\n", k / 2);
    }
    std::fs::write(&path, text).unwrap();
    window.click("Import people…");
    window.type_into("File", path.to_str().unwrap());
    window.click("Preview");
    window.wait_for("people.csv: 40 rows");
    window.picture("import.png");
    window.click("Store these people");
    window.wait_for("40 people");
    window.wait_for("No quotas yet");
    window.click("Or with the people's own shares");
    // "Woman" and "woman" are one value: 27 of 40.
    window.wait_for("Gender, Woman, share in percent, 67.5");
    window.wait_for("Age, (missing), people in the pool, 13");
    window.click("Forget them");
    window.wait_for("Nobody yet.");
}
