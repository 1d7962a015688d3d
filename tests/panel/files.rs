//! The Panel tab with files and seats: quotas in and out, presets, people who are seated already, numbered panels, audit files.

use std::path::Path;

use crate::assembly::Window;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, Theme};
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::sortition::audit::AuditFile;
use kleroterion::sortition::before::Standing;
use kleroterion::store::{Project, RunFilter};
use kleroterion::ui::command::Command;

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn quotas_come_from_a_file_as_one_edit_and_go_to_one() {
    let mut window = Window::of_height(1400.0).begin_with_sample();
    window.wait_for("everybody can be on one");
    assert!(window.has("Gender, Woman, min, 13"));
    let path = window.folder.path().join("features.csv");
    let old = "category,name,min,max\ngender,woman,10,20\nGender,Man,10,20\nGender,Elf,0,1\n";
    std::fs::write(&path, old).unwrap();
    window.choose("Quota file", "Import quotas…");
    window.type_into("File", path.to_str().unwrap());
    window.click("Import");
    window.wait_for("features.csv: 3 rows taken over");
    for told in ["The quotas' attribute \"gender\" is the people's \"Gender\"", "nobody has \"Elf\"", "Non-binary"] {
        assert!(window.has(told), "{told}");
    }
    assert!(window.has("Gender, Woman, min, 10") && !window.has("Age, "));
    window.picture("quota-notes.png");
    window.click("Dismiss");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("Gender, Woman, min, 13");
    // One step took all of it back; out again in both layouts.
    for (line, header) in [
        ("Export as feature, value…", "feature,value,min,max,min_flex,max_flex"),
        ("Export as category, name…", "category,name,min,max"),
    ] {
        let path = window.folder.path().join(format!("{}.csv", header.len()));
        window.choose("Quota file", line);
        window.save_as(&path);
        let written = text(&path);
        assert!(written.starts_with(header) && written.contains("Gender,Woman,13,17"), "{written}");
    }
    // What is no table of quotas changes nothing.
    let path = window.folder.path().join("wrong.csv");
    std::fs::write(&path, "feature,value,min,max\nGender,Woman,x,2\n").unwrap();
    window.choose("Quota file", "Import quotas…");
    window.type_into("File", path.to_str().unwrap());
    window.click("Import");
    window.wait_for("wrong.csv was not taken over");
    assert!(window.has("row 2") && window.has("Gender, Woman, min, 13"));
}

#[test]
fn a_table_of_quotas_that_is_dropped_is_read_as_quotas() {
    let mut window = Window::of_height(1400.0).begin_with_sample();
    window.wait_for("Gender, Woman, min, 13");
    let dropped = [
        ("new.csv", "feature,value,min,max,min_flex,max_flex\nGender,Woman,9,20,8,21\nGender,Man,9,20,8,21\n", "9"),
        ("old.csv", "category,name,min,max\nGender,Woman,7,20\nGender,Man,10,20\n", "7"),
    ];
    for (name, text, min) in dropped {
        let path = window.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        window.drop_file(&path);
        window.wait_for(&format!("{name}: 2 rows taken over"));
        assert!(window.has(&format!("Gender, Woman, min, {min}")) && !window.has("What each column is"));
    }
    // People are people still.
    let path = window.folder.path().join("people.csv");
    std::fs::write(&path, "id,Gender\nA,Woman\nB,Man\n").unwrap();
    window.drop_file(&path);
    window.wait_for("What each column is");
}

#[test]
fn people_are_seated_from_a_file_all_of_them_or_nobody() {
    let mut window = Window::of_height(2400.0).begin_with_sample();
    window.wait_for("Possible: a panel of 30 meets every quota");
    let path = window.folder.path().join("pilot.csv");
    let seat = |window: &mut Window, text: &str| {
        std::fs::write(&path, text).unwrap();
        window.click("From a file…");
        window.type_into("File", path.to_str().unwrap());
        window.harness.get_all_by_role_and_label(Role::Button, "Seat them").last().unwrap().click();
        window.harness.run_steps(3);
    };
    seat(&mut window, "id,why\nA001,pilot panel\nZ999,\n");
    window.wait_for("Nobody among the people has the id \"Z999\": correct it, or take it out");
    assert!(window.has("Nobody. People whom you name keep a seat"), "nobody was seated");
    seat(&mut window, "id,why\nA001,pilot panel\nA002,\nA001,\n");
    window.wait_for("\"A001\" is named twice");
    seat(&mut window, "id,why\nA001,pilot panel\nA002,\n");
    window.wait_for("2 people from the file.");
    window.wait_for("Possible: a panel of 30 (2 seated already) meets every quota");
    assert!(window.has("pilot panel"));
    seat(&mut window, "A002\nA003\n");
    window.wait_for("1 person from the file; 1 of the list were seated before.");
    window.wait_for("3 people are seated.");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("2 people are seated.");
}

#[test]
fn presets_fill_shares_and_undo_takes_them_back() {
    let mut window = Window::sample();
    window.wait_for("everybody can be on one");
    window.choose("Presets", "Equal shares");
    window.wait_for("Gender, Woman, share in percent, 33.33");
    window.choose("Presets", "The people's own shares");
    assert!(!window.has("Gender, Woman, share in percent, 33.33"));
    // The invented town has no attribute of the paper but two.
    window.choose("Presets", "US adults, as in the paper on PRISM");
    window.wait_for("which the people do not have");
    window.picture("preset.png");
    for _ in 0..3 {
        window.key(Modifiers::COMMAND, Key::Z);
    }
    window.wait_for("Gender, Woman, min, 13");
}

#[test]
fn people_who_are_seated_keep_their_seats_through_lottery_draw_and_audit() {
    let mut window = Window::of_height(3200.0).begin_with_sample();
    window.wait_for("Possible: a panel of 30 meets every quota");
    window.type_into("Ids", "A001, A002");
    window.type_into("Why", "pilot panel");
    window.click("Seat them");
    window.wait_for("2 people are seated.");
    window.wait_for("Possible: a panel of 30 (2 seated already) meets every quota");
    assert!(window.has("seated already, ") && window.has(" to draw"));
    window.picture("seated.png");
    window.type_into("Ids", "nobody");
    window.click("Seat them");
    window.wait_for("Nobody has the id nobody.");
    window.click("Run the lottery");
    window.wait_for("Exact: this is the leximin lottery");
    window.wait_for("Settled before the lottery");
    assert!(!window.has("The form has changed since this lottery."));
    window.picture("lottery-seated.png");
    window.click("Draw");
    window.click("Numbered panels, all equally likely:");
    window.wait_for("Anybody's chance differs");
    window.type_into("What the dice or the beacon showed", "0042");
    window.click("Draw the panel");
    window.wait_for("was drawn: 28 members.");
    window.picture("draw-seated.png");
    let folder = window.folder.path().to_path_buf();
    window.click("Save the audit file…");
    window.save_as(&folder.join("audit.json"));
    let file = AuditFile::from_json(&text(&folder.join("audit.json"))).unwrap();
    assert_eq!(file.verify(), []);
    let (before, numbered) = (file.before.as_ref().unwrap(), file.numbered.as_ref().unwrap());
    assert_eq!((before.quotas.size, file.quotas.size, file.people.len()), (30, 28, 298));
    assert_eq!((before.people[0].why.as_str(), before.people[0].standing), ("pilot panel", Standing::Seated));
    assert_eq!((numbered.panels.len(), numbered.draws.len(), file.draws.len()), (1000, 1, 0));
    for (button, name, rows) in
        [("Export the panel…", "selected.csv", 30), ("Export the remaining pool…", "remaining.csv", 270)]
    {
        window.click(button);
        window.save_as(&folder.join(name));
        let written = text(&folder.join(name));
        assert_eq!(written.lines().count(), rows + 1, "{name}");
        assert!(written.starts_with("id,Gender,"), "{written}");
    }
    // Two leave, one of them seated before: a new lottery, which names the panel that it completes.
    let left = numbered.draws[0].members[0].clone();
    window.type_into("Ids of members who left, between commas", &format!("{left}, A002"));
    window.type_into("Why they left", "moved away");
    window.click("Run the lottery for replacements");
    window.wait_for("Run 2: ");
    window.click("Draw");
    window.wait_for("SHA-256 of the list, to be published first:");
    window.click("The lottery's panels, each with its own probability");
    window.type_into("What the dice or the beacon showed", "6 6");
    window.click("Draw the panel");
    window.wait_for("was drawn: 2 members.");
    window.click("Save the audit file…");
    window.save_as(&folder.join("replacement.json"));
    let file = AuditFile::from_json(&text(&folder.join("replacement.json"))).unwrap();
    assert_eq!(file.verify(), []);
    let before = file.before.as_ref().unwrap();
    let gone = before.people.iter().filter(|one| one.standing == Standing::Left).count();
    assert_eq!((gone, before.people.len(), file.quotas.size), (2, 30, 2));
    assert_eq!(before.follows.as_ref().unwrap().panel_sha256, numbered.draws[0].drawn.panel_hash);
    // Who is said to have been on that panel is checked against its hash.
    let mut forged = file.clone();
    forged.before.as_mut().unwrap().follows.as_mut().unwrap().members[0] = "A001".to_owned();
    assert!(forged.verify().iter().any(|difference| difference.field == "before"));
}

#[test]
fn an_audit_file_is_checked_in_the_background_and_a_forged_one_is_told() {
    let mut window = Window::of_height(2000.0).begin_with_sample();
    window.wait_for("Possible: a panel of 30 meets every quota");
    window.click("Run the lottery");
    window.wait_for("Exact: this is the leximin lottery");
    window.click("Audit");
    window.wait_for("No audit file was checked yet");
    let project = Project::open_reader(&window.project()).unwrap();
    let run = project.runs(&RunFilter::default()).unwrap().remove(0);
    let RunSpec::Lottery(spec) = &run.spec else { panic!("a lottery") };
    let result = project.document(run.id, kleroterion::sortition::lottery_run::RESULT).unwrap().unwrap();
    let mut file = AuditFile::new(spec, &result).unwrap();
    file.draw("1 2 3").unwrap();
    let path = window.folder.path().join("theirs.json");
    std::fs::write(&path, serde_json::to_string(&file).unwrap()).unwrap();
    window.click("Check an audit file…");
    window.type_into("File", path.to_str().unwrap());
    window.click("Check");
    window.wait_for("It verifies: 5 checks hold");
    for told in ["300 people have the hash", "Drawn with “1 2 3”", "proves by arithmetic"] {
        assert!(window.has(told), "{told}");
    }
    window.picture("audit.png");
    file.draws[0].drawn.panel += 1;
    let path = window.folder.path().join("forged.json");
    std::fs::write(&path, serde_json::to_string(&file).unwrap()).unwrap();
    window.apply(Command::ChooseCertificate);
    window.type_into("File", path.to_str().unwrap());
    window.click("Verify");
    window.wait_for("It does not verify: 1 of 5 checks fail.");
    assert!(window.has("forged.json") && window.has("Does not hold. What differs:"));
    window.picture("audit-forged.png");
    // What is neither is told, and nothing starts.
    let path = window.folder.path().join("other.json");
    std::fs::write(&path, "{}").unwrap();
    window.click("Check another file…");
    window.type_into("File", path.to_str().unwrap());
    window.click("Check");
    window.wait_for("This is neither a certificate nor an audit file");
}

/// Controls without a name in what is on screen.
fn nameless(window: &Window) -> Vec<String> {
    let roles = [
        Role::Button,
        Role::CheckBox,
        Role::RadioButton,
        Role::TextInput,
        Role::MultilineTextInput,
        Role::ComboBox,
        Role::SpinButton,
        Role::Slider,
        Role::Cell,
        Role::ColumnHeader,
    ];
    let named = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
        node.label().is_some_and(|label| !label.trim().is_empty()) || node.labelled_by().next().is_some()
    };
    let nodes = window.harness.query_all_by(|node| roles.contains(&node.role()) && !named(node));
    nodes.map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect())).collect()
}

#[test]
fn every_view_fits_and_every_control_has_a_name() {
    let pictured = std::env::var_os("PANEL_PICTURES").is_some();
    let sizes: &[[f32; 2]] = if pictured { &[[1280.0, 800.0], [2560.0, 1440.0]] } else { &[[1280.0, 800.0]] };
    let themes: &[Theme] = if pictured { &[Theme::Light, Theme::Dark] } else { &[Theme::Light] };
    for &size in sizes {
        for &theme in themes {
            let name = |view: &str| format!("{view}-{}-{theme:?}.png", size[0]).to_lowercase();
            let mut window = Window::of_size(size, theme).begin_with_sample();
            window.wait_for("everybody can be on one");
            window.picture(&name("quotas"));
            assert_eq!(nameless(&window), Vec::<String>::new(), "quotas");
            // The lock needs no sideways scroll.
            let header = window.harness.get_by_role_and_label(Role::ColumnHeader, "lock").rect();
            let why = window.harness.get_by_label("How to edit").rect();
            assert!(header.right() < why.left(), "{header:?} lies under {why:?}");
            window.click("Run the lottery");
            window.wait_for("Exact: this is the leximin lottery");
            window.picture(&name("lottery"));
            assert_eq!(nameless(&window), Vec::<String>::new(), "lottery");
            window.click("Draw");
            window.wait_for("SHA-256 of the list, to be published first:");
            window.type_into("What the dice or the beacon showed", "4 1 6 6");
            window.key(Modifiers::NONE, Key::Tab);
            window.key(Modifiers::NONE, Key::Space);
            window.wait_for("was drawn: 30 members.");
            window.picture(&name("draw"));
            assert_eq!(nameless(&window), Vec::<String>::new(), "draw");
            window.click("Audit");
            window.wait_for("No audit file was checked yet");
            window.picture(&name("audit"));
            assert_eq!(nameless(&window), Vec::<String>::new(), "audit");
            window.click("Quotas");
            window.cell("Gender, Non-binary, min");
            window.text("20");
            window.key(Modifiers::NONE, Key::Tab);
            window.text("20");
            window.key(Modifiers::NONE, Key::Enter);
            window.wait_for("Apply change 1");
            window.picture(&name("impossible"));
            assert_eq!(nameless(&window), Vec::<String>::new(), "impossible");
        }
    }
}
