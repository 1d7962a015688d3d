//! The right side: why. What each statistic means, the caption for a paper, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::draft::Mode;
use super::one_context::OneContext;
use super::view::{ContextView, SurveyView};
use super::words;
use crate::figures::number;
use crate::store::RunRow;
use crate::ui::command::Command;
use crate::ui::theme;
use crate::ui::widgets::card;
use crate::ui::widgets::stat::{self, stat};

/// What can be asked "what is this?" about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Test,
    R,
    ErrorBound,
    LogOddsRatio,
    DistanceBound,
    RootMeanSquare,
    C1,
    C2,
    Prevalence,
    SignDisagreement,
    Asymmetry,
    Controls,
}

/// The explanation of `topic`, for someone who knows statistics but not the paper. Indented lines are formulas.
pub fn explain(topic: Topic) -> &'static str {
    match topic {
        Topic::Test => {
            "A masked language model gives, for each position, the distribution of the token there given all other tokens. \
             If these conditionals came from one joint distribution of sentences, the log odds ratio of two tokens at i \
             and two tokens at j would be the same seen from i and seen from j.\n\n\
             R is the difference. One rectangle with R other than zero shows that no joint distribution has these \
             conditionals; zero on some rectangles shows nothing about the others.\n\n\
             The program implements the method of arXiv 2605.16378; formulas the paper does not let us read are \
             reconstructed from earlier work on compatible conditionals."
        }
        Topic::R => {
            "How much the two directions disagree on one rectangle, in nats, at the run's temperature τ.\n\n\
             \x20   R = (LOR_i - LOR_j) / τ\n\n\
             R is zero for every rectangle if the conditionals have a joint distribution. R at temperature τ is R at \
             temperature 1 divided by τ, exactly. Swapping a and a', or b and b', changes its sign."
        }
        Topic::ErrorBound => {
            "How wrong R can be through rounding. R is evaluated four times: in single and in double precision, with \
             rows in one batch and each row alone. The bound is the larger of the difference between the two \
             double-precision values and the single-precision difference scaled down by 2^-29, times 100 for safety."
        }
        Topic::LogOddsRatio => {
            "How strongly the tokens a and b attract each other rather than a' and b', in nats at temperature 1, read \
             from one direction.\n\n\
             \x20   LOR_i = [l_i(a|b) - l_i(a'|b)] - [l_i(a|b') - l_i(a'|b')]\n\n\
             LOR_j is the same with i and j exchanged. Every joint distribution gives the same value both ways."
        }
        Topic::DistanceBound => {
            "A distance from all joint distributions at once: whichever one you pick, at least one of the rectangle's eight \
             log-probabilities is off by this much or more. It follows from R being a sum of these eight with signs."
        }
        Topic::RootMeanSquare => {
            "The root mean square of the rectangle field, in nats: the size of the incompatibility over all tokens of the \
             two sets together. Zero if and only if every rectangle among them has R = 0."
        }
        Topic::C1 => {
            "A statement about the real-number function that the stored weights define, evaluated in double precision. \
             It is certified when |R| exceeds both 1e-9 and a hundred times the error bound, and single precision agrees \
             in sign and size. Single precision alone never certifies."
        }
        Topic::C2 => {
            "A statement about the program as it runs in single precision. Where repeated runs give the same bits, its \
             outputs are its conditionals, and only the final additions can be wrong. Without bit-equal repeats \
             (some GPUs) only C1 is possible."
        }
        Topic::Prevalence => {
            "The share of sampled rectangles past the chosen threshold, for each stratum on its own. The whiskers are \
             95 % intervals: Wilson's with one rectangle for each sentence, otherwise a bootstrap over sentences, \
             because rectangles of one sentence are not independent."
        }
        Topic::SignDisagreement => {
            "The share of rectangles in which one direction says the tokens attract each other and the other says \
             they repel: LOR_i and LOR_j have opposite signs."
        }
        Topic::Asymmetry => {
            "How far the two directions are apart relative to their size, from 0 (equal) to 1 (opposite, or only one of \
             them is other than zero).\n\n\x20   |LOR_i - LOR_j| / (|LOR_i| + |LOR_j|)"
        }
        Topic::Controls => {
            "What the numbers would be without anything learnt. The Ising model has a joint distribution, so it must show \
             zero. The untrained copy of the model shows that some incompatibility comes for free. The shuffled values \
             show the correlation that chance alone gives."
        }
    }
}

/// What the right side explains.
pub enum Shown<'a> {
    Context(&'a ContextView, &'a OneContext),
    Survey(&'a SurveyView),
    Nothing,
}

/// Draws the right side.
pub fn show(ui: &mut Ui, mode: Mode, run: Option<&RunRow>, shown: Shown<'_>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("certify why").auto_shrink([false, false]).show(ui, |ui| {
        match shown {
            Shown::Context(view, state) => context(ui, view, state, commands),
            Shown::Survey(view) => survey(ui, view, commands),
            Shown::Nothing => {}
        }
        if let Some(run) = run {
            card(ui, "Provenance", |ui| {
                ui.label(theme::caption(format!(
                    "Run {}, {}, seed {}, version {}",
                    run.id.0,
                    words::run_time(run),
                    run.seed,
                    run.program_version
                )));
                ui.horizontal_wrapped(|ui| {
                    if ui.button("What exactly made this?").clicked() {
                        commands.push(Command::ShowProvenance(run.id));
                    }
                    if ui.button("Run again").on_hover_text("Starts a new run with the same spec and seed.").clicked() {
                        commands.push(Command::RunAgain(run.id));
                    }
                });
            });
        }
        card(ui, "What is tested?", |ui| {
            stat::explain(ui, explain(Topic::Test));
        });
        if mode == Mode::Survey {
            card(ui, "Controls", |ui| stat::explain(ui, explain(Topic::Controls)));
        }
    });
}

fn context(ui: &mut Ui, view: &ContextView, state: &OneContext, commands: &mut Vec<Command>) {
    let result = &view.result;
    card(ui, "Statistics", |ui| {
        stat(ui, "Largest |R|", &number::nats_with_unit(result.max_abs_r), explain(Topic::R));
        stat(ui, "Root mean square of D", &number::nats_with_unit(result.rms), explain(Topic::RootMeanSquare));
        let certified = result
            .rectangles
            .iter()
            .filter(|rectangle| rectangle.assessment.c1 == crate::glauber::certificate::Verdict::Certified)
            .count();
        let share = format!("{} of {}", number::count(certified as u64), number::count(result.rectangles.len() as u64));
        stat(ui, "Rectangles certified", &share, explain(Topic::C1));
        if let Some(found) = state.selected(view).and_then(|at| view.rectangle(at)) {
            let assessment = &found.assessment;
            stat(ui, "R of the selected rectangle", &number::nats_with_unit(assessment.r64), explain(Topic::R));
            stat(ui, "|R| / error bound", &ratio(assessment.r64, assessment.e64), explain(Topic::ErrorBound));
            stat(ui, "Error in single precision", &number::bound(assessment.e32), explain(Topic::ErrorBound));
        }
    });
    let sizes = (result.texts_a.len(), result.texts_b.len());
    let caption = words::context_caption(&view.spec, &result.certificate.assessment, sizes, view.total);
    caption_card(ui, caption, commands);
}

/// How many error bounds fit into |R|.
fn ratio(r: f64, error: f64) -> String {
    if error == 0.0 { "no error seen".to_owned() } else { number::general((r / error).abs(), 3) }
}

fn survey(ui: &mut Ui, view: &SurveyView, commands: &mut Vec<Command>) {
    card(ui, "Statistics", |ui| {
        let own = &view.own;
        let of_all = |count: u64| format!("{} of {}", number::count(count), number::count(own.records));
        ui.label(theme::caption(format!("{}, all strata together", words::shortened(&view.spec.model, 24))).weak());
        stat(ui, "Certified", &of_all(own.certified), explain(Topic::Prevalence));
        stat(ui, "Signs disagree", &of_all(own.signs_differ), explain(Topic::SignDisagreement));
        stat(ui, "Mean asymmetry", &number::fixed(own.asymmetry, 3), explain(Topic::Asymmetry));
        ui.label(theme::caption("Shares with intervals are by stratum only.").weak());
    });
    caption_card(ui, words::survey_caption(&view.spec, view.records.len(), view.strata.len()), commands);
}

fn caption_card(ui: &mut Ui, caption: String, commands: &mut Vec<Command>) {
    card(ui, "Caption for a paper", |ui| {
        ui.label(theme::caption(caption.as_str()));
        if ui.button("Copy caption text").clicked() {
            commands.push(Command::CopyText(caption));
        }
    });
}
