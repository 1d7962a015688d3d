//! One call of a language model as it went: what was sent, what came back.

use eframe::egui::Ui;

use crate::store::CallRow;
use crate::ui::{format, theme};

/// Draws the call.
pub fn show(ui: &mut Ui, call: &CallRow) {
    ui.label(theme::caption(format!(
        "{} at {}, temperature {}, asked first by run {} ({})",
        call.request.model, call.provider, call.request.temperature, call.run.0, call.at
    )));
    for message in &call.request.messages {
        ui.label(theme::strong(format::sentence(&format!("{:?}", message.role).to_lowercase())));
        ui.label(theme::mono(&message.content));
    }
    ui.label(theme::strong("Reply"));
    match &call.reply {
        Ok(reply) => {
            ui.label(theme::mono(&reply.text));
            if let Some(reasoning) = &reply.reasoning {
                ui.label(theme::caption("Reasoning, not shown to judges").weak());
                ui.label(theme::mono(reasoning));
            }
            let usage = reply.usage.map_or("tokens not said".to_owned(), |usage| {
                format!("{} tokens read, {} written", usage.prompt_tokens, usage.completion_tokens)
            });
            ui.label(theme::caption(format!("{:.1} s, {usage}", reply.seconds)).weak());
            for attempt in &reply.failed_attempts {
                ui.label(theme::caption(format!("An attempt before failed: {attempt}")).weak());
            }
        }
        Err(problem) => {
            ui.label(format::sentence(problem));
        }
    }
}
