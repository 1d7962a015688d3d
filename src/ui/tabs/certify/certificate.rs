//! The certificate: its verdicts and hashes, saving it, and verifying it or one from a file.

use std::collections::BTreeMap;

use eframe::egui::{RichText, Ui};

use super::view::{At, ContextView};
use super::words;
use crate::glauber::certificate::{Certificate, Verdict};
use crate::glauber::certify::{CertifySpec, TokenChoice};
use crate::jobs::spec::{RunSpec, VerifySpec};
use crate::store::{RunId, RunRow, RunState, VerificationRow};
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::loaded::Loaded;
use crate::ui::tabs::shared::run_state::{self, say};
use crate::ui::widgets::{VerdictKind, card, data_table, disabled_button, stat};
use crate::ui::{help, theme};

/// Verifications shown beside a certificate, newest first.
const SHOWN: usize = 3;

/// Outcomes of verification runs, read once each is finished.
pub type Verifications = BTreeMap<RunId, Loaded<Option<VerificationRow>>>;

/// Draws the certificate card of a result, `at` being the selected rectangle.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    view: &ContextView,
    at: At,
    verifications: &mut Verifications,
    commands: &mut Vec<Command>,
) {
    let certificate = &view.result.certificate;
    if view.largest().is_some_and(|largest| largest != at) {
        let texts = view.texts(at);
        ui.label(format!(
            "This certificate is about the rectangle with the largest |R|. The selected one ({}, {} × {}, {}) gets its own \
             from a run of its own.",
            texts[0], texts[1], texts[2], texts[3]
        ));
        if ui.button("Certify the selected rectangle").clicked() {
            commands.push(Command::StartRun(Box::new(RunSpec::Certify(selected_only(view, at)))));
        }
        ui.separator();
    }
    contents(ui, certificate, commands);
    ui.horizontal_wrapped(|ui| {
        if certificate.assessment.c1 == Verdict::Certified {
            if ui.button("Save certificate…").clicked() {
                commands
                    .push(Command::ExportText { name: "certificate.json".to_owned(), text: view.certificate.clone() });
            }
        } else {
            disabled_button(
                ui,
                "Save certificate…",
                "There is nothing to certify: no rectangle here differs from zero.",
            );
        }
        verify_now(ui, context, &view.certificate, commands);
        if ui.button("Open a certificate file…").on_hover_text("Verifies a certificate someone else made.").clicked()
        {
            commands.push(Command::ChooseCertificate);
        }
    });
    let about_this = |run: &&RunRow| matches!(&run.spec, RunSpec::Verify(spec) if spec.certificate == view.certificate);
    for run in context.runs.iter().filter(about_this).take(SHOWN) {
        ui.separator();
        outcome(ui, context, run, verifications, commands);
    }
}

/// The run that certifies the selected rectangle alone.
fn selected_only(view: &ContextView, at: At) -> CertifySpec {
    let [a, a2, b, b2] = view.texts(at).map(str::to_owned);
    CertifySpec {
        tokens_a: TokenChoice::Typed(vec![a, a2]),
        tokens_b: TokenChoice::Typed(vec![b, b2]),
        ..view.spec.clone()
    }
}

fn verify_now(ui: &mut Ui, context: &TabContext<'_>, json: &str, commands: &mut Vec<Command>) {
    let under_way = context.runs.iter().any(|run| {
        matches!(&run.spec, RunSpec::Verify(spec) if spec.certificate == json)
            && matches!(run.state, RunState::Queued | RunState::Running | RunState::Paused)
    });
    if under_way {
        disabled_button(ui, "Verify now", "A verification of this certificate is under way.");
    } else if ui.button("Verify now").on_hover_text("Evaluates the model again from the certificate alone.").clicked() {
        let spec = VerifySpec { version: 1, certificate: json.to_owned() };
        commands.push(Command::StartRun(Box::new(RunSpec::Verify(spec))));
    }
}

/// Verdicts, hashes and statement of a certificate.
fn contents(ui: &mut Ui, certificate: &Certificate, commands: &mut Vec<Command>) {
    let assessment = &certificate.assessment;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::STEP * 3.0;
        stat(ui, "C1: stored weights as exact reals", words::verdict_name(assessment.c1), help::CERTIFICATE_C1.text);
        stat(
            ui,
            "C2: the program as it runs in f32",
            words::second_verdict_name(assessment.c2),
            help::CERTIFICATE_C2.text,
        );
    });
    ui.collapsing("The statement in full", |ui| {
        ui.set_max_width(theme::READING_WIDTH);
        ui.label(&certificate.theorem);
    });
    let model = &certificate.model;
    let mut fields = vec![
        ("model", model.reference.clone()),
        ("weights SHA-256", model.weights_sha256.clone()),
        ("config SHA-256", model.config_sha256.clone()),
        ("tokenizer SHA-256", model.tokenizer_sha256.clone()),
        ("arithmetic", certificate.arithmetic.clone()),
        ("R, hexadecimal", certificate.r_hex.clone()),
        ("program", certificate.program_version.clone()),
    ];
    fields.extend(model.revision.clone().map(|revision| ("revision", revision)));
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.label(theme::caption(name).weak());
            let short = if value.len() == 64 { format!("{}…", &value[..16]) } else { words::shortened(&value, 70) };
            let shown = ui.label(theme::mono(short)).on_hover_text(&value);
            shown.context_menu(|ui| {
                if ui.button("Copy").clicked() {
                    commands.push(Command::CopyText(value.clone()));
                }
            });
        });
    }
}

/// Where a verification stands and what it found.
fn outcome(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    verifications: &mut Verifications,
    commands: &mut Vec<Command>,
) {
    ui.label(theme::caption(format!("Verification, run {}, {}", run.id.0, run_state::run_time(run))).weak());
    run_state::state(ui, context, run, commands);
    if run.state != RunState::Done {
        return;
    }
    let id = run.id;
    let loaded = verifications.entry(id).or_default();
    loaded.follow(context, id, |_| move |project| project.verification(id));
    match loaded.get() {
        Some(Ok(Some(found))) if found.ok => {
            say(ui, VerdictKind::Good, "It verifies: the model gives the recorded numbers again.");
        }
        Some(Ok(Some(found))) => {
            say(ui, VerdictKind::Failed, "It does not verify. What differs:");
            let rows = found.differences.iter().map(|d| vec![d.field.clone(), d.recorded.clone(), d.found.clone()]);
            let table = Table {
                name: "verification differences".to_owned(),
                header: ["field", "in the certificate", "found now"].map(str::to_owned).to_vec(),
                rows: rows.collect(),
            };
            data_table(ui, &format!("certify differences {}", id.0), &table, None, commands);
        }
        Some(Ok(None)) | None => {
            ui.spinner();
        }
        Some(Err(problem)) => {
            ui.label(RichText::new(problem.to_string()).color(theme::palette(ui).bad));
        }
    }
}

/// The centre for a verification run: the certificate that was verified, and what came out.
pub fn show_verification(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    json: &str,
    verifications: &mut Verifications,
    commands: &mut Vec<Command>,
) {
    card(ui, "Verification", |ui| outcome(ui, context, run, verifications, commands));
    card(ui, "The certificate", |ui| match serde_json::from_str::<Certificate>(json) {
        Ok(certificate) => {
            let (kind, sentence) = words::verdict(&certificate.assessment);
            say(ui, kind, &format!("The file says: {sentence}"));
            ui.label(theme::caption(format!("Context: {}", certificate.texts.join(" "))).weak());
            contents(ui, &certificate, commands);
            ui.horizontal(|ui| {
                verify_now(ui, context, json, commands);
                if ui.button("Open a certificate file…").clicked() {
                    commands.push(Command::ChooseCertificate);
                }
            });
        }
        Err(problem) => {
            ui.label(format!("This is not a certificate this program can read: {problem}."));
        }
    });
}
