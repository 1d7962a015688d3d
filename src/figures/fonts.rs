//! The bundled fonts, shared by the window and the PNG export (licence: assets/fonts/OFL.txt).

/// IBM Plex Sans Regular: all running text. Its digits are tabular.
pub static SANS: &[u8] = include_bytes!("../../assets/fonts/IBMPlexSans-Regular.ttf");
/// IBM Plex Sans SemiBold: headings.
pub static SANS_SEMIBOLD: &[u8] = include_bytes!("../../assets/fonts/IBMPlexSans-SemiBold.ttf");
/// IBM Plex Mono Regular: tokens, ids, commands.
pub static MONO: &[u8] = include_bytes!("../../assets/fonts/IBMPlexMono-Regular.ttf");

/// Family name of the sans fonts inside their files.
pub const SANS_FAMILY: &str = "IBM Plex Sans";
/// Family name of the mono font inside its file.
pub const MONO_FAMILY: &str = "IBM Plex Mono";
