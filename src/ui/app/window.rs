//! The window itself: eframe around the [`Workbench`], and what to say where no window can open.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui;

use super::{Wake, Workbench};
use crate::models::Library;
use crate::ui::settings;

/// Why no window opened, in one line.
#[derive(Debug, thiserror::Error)]
#[error(
    "no window can be opened: {reason}. {remedy} Without a display use `kleroterion certify`, `survey`, `verify`, `mix`, `exact`, `phase`, `trajectories`, `train`, `train-mlm` or `project` (see `kleroterion --help`)"
)]
pub struct WindowError {
    reason: String,
    remedy: String,
}

/// Opens the window, on `project` or on the start page, and returns when it was closed.
pub fn open_window(project: Option<PathBuf>) -> Result<(), WindowError> {
    has_display()?;
    let settings_dir = settings::default_directory().unwrap_or_else(|| std::env::temp_dir().join("kleroterion"));
    let icon = eframe::icon_data::from_png_bytes(include_bytes!("../../../assets/icon/icon-256.png"));
    let mut viewport = egui::ViewportBuilder::default()
        .with_app_id("kleroterion")
        .with_title("Kleroterion")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([800.0, 520.0])
        .with_drag_and_drop(true);
    if let Ok(icon) = icon {
        viewport = viewport.with_icon(icon);
    }
    let options = eframe::NativeOptions {
        viewport,
        persistence_path: Some(settings_dir.join("window.ron")),
        ..eframe::NativeOptions::default()
    };
    let shown = Arc::new(AtomicBool::new(false));
    let mark = shown.clone();
    let run = std::panic::AssertUnwindSafe(|| {
        eframe::run_native(
            "kleroterion",
            options,
            Box::new(move |creation| {
                let ctx = creation.egui_ctx.clone();
                let wake: Wake = Arc::new(move || ctx.request_repaint());
                let workbench = Workbench::new(settings_dir, Arc::new(Library::default()), wake);
                workbench.prepare(&creation.egui_ctx);
                Ok(Box::new(Window { workbench, project, shown: mark }))
            }),
        )
    });
    match std::panic::catch_unwind(run) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(refused(&error.to_string())),
        // Parts of the windowing stack panic where a library is missing. Later panics are ours and go on.
        Err(panic) if shown.load(Ordering::Relaxed) => std::panic::resume_unwind(panic),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(refused(text.unwrap_or("the windowing system stopped unexpectedly")))
        }
    }
}

struct Window {
    workbench: Workbench,
    /// Opened with the first frame, so that the window is there at once.
    project: Option<PathBuf>,
    shown: Arc<AtomicBool>,
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        if let Some(project) = self.project.take() {
            self.workbench.open_project(ctx, &project);
        }
        self.workbench.logic(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.workbench.ui(ui);
        self.shown.store(true, Ordering::Relaxed);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.workbench.shut_down();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn has_display() -> Result<(), WindowError> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET") {
        return Ok(());
    }
    Err(WindowError {
        reason: "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned(),
        remedy: "Start it from a desktop session.".to_owned(),
    })
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn has_display() -> Result<(), WindowError> {
    Ok(())
}

/// The error of a windowing system that refused, with the libraries that are missing.
fn refused(reason: &str) -> WindowError {
    let missing = missing_libraries();
    let remedy = if missing.is_empty() {
        "Check that the display can be reached and that OpenGL 2 or newer works.".to_owned()
    } else {
        format!("Install the missing {}.", missing.join(", "))
    };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    WindowError { reason: reason.trim_end_matches('.').to_owned(), remedy }
}

/// Shared libraries that a window needs on Linux and that cannot be loaded, with the Debian package of each.
#[cfg(target_os = "linux")]
fn missing_libraries() -> Vec<String> {
    const X11: [(&str, &str); 7] = [
        ("libX11.so.6", "libx11-6"),
        ("libX11-xcb.so.1", "libx11-xcb1"),
        ("libXcursor.so.1", "libxcursor1"),
        ("libXi.so.6", "libxi6"),
        ("libXrandr.so.2", "libxrandr2"),
        ("libxkbcommon.so.0", "libxkbcommon0"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    ];
    const WAYLAND: [(&str, &str); 3] = [
        ("libwayland-client.so.0", "libwayland-client0"),
        ("libwayland-egl.so.1", "libwayland-egl1"),
        ("libxkbcommon.so.0", "libxkbcommon0"),
    ];
    const GL: [(&str, &str); 2] = [("libEGL.so.1", "libegl1"), ("libGL.so.1", "libgl1")];
    let wayland = std::env::var_os("WAYLAND_DISPLAY").is_some_and(|value| !value.is_empty());
    let windows: &[(&str, &str)] = if wayland { &WAYLAND } else { &X11 };
    windows
        .iter()
        .chain(&GL)
        .filter(|(library, _)| !loads(library))
        .map(|(library, package)| format!("{library} (Debian: {package})"))
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn missing_libraries() -> Vec<String> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn loads(library: &str) -> bool {
    let Ok(name) = std::ffi::CString::new(library) else { return false };
    // SAFETY: the name ends with NUL, and these libraries are the ones the window would load itself a moment earlier;
    // the handle is left open because unloading them is not supported by all drivers.
    !unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) }.is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line_and_names_what_works_without_a_window() {
        let told = refused("Library libxkbcommon-x11.so\ncould not be loaded.").to_string();
        assert!(!told.contains('\n'));
        assert!(told.starts_with("no window can be opened: Library libxkbcommon-x11.so could not be loaded. "));
        assert!(told.contains("kleroterion certify"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_that_is_not_there_is_noticed() {
        assert!(!loads("libno-such-thing.so.1"));
        assert!(loads("libc.so.6"));
    }
}
