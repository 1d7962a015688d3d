//! Text from bytes: UTF-8, UTF-16 with or without a byte order mark, and Windows-1252 where nothing else fits.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::table::{TableProblem, TableWarning};

/// The text, and what had to be assumed to read it.
pub(super) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Option<TableWarning>), TableProblem> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return Ok((utf16(UTF_16LE, rest)?, None));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return Ok((utf16(UTF_16BE, rest)?, None));
    }
    let Some(nul) = bytes.iter().position(|&byte| byte == 0) else { return utf8(bytes) };
    // Text of western languages in UTF-16 has a zero in every second byte.
    let (even, odd) = bytes.chunks_exact(2).take(2048).fold((0_usize, 0_usize), |(even, odd), pair| {
        (even + usize::from(pair[0] == 0), odd + usize::from(pair[1] == 0))
    });
    let pairs = (bytes.len() / 2).min(2048);
    let (encoding, name) = match (even * 2 > pairs, odd * 2 > pairs) {
        (false, true) => (UTF_16LE, "UTF-16, low byte first"),
        (true, false) => (UTF_16BE, "UTF-16, high byte first"),
        _ => return Err(TableProblem::Binary { row: row_of(bytes, nul) }),
    };
    Ok((utf16(encoding, bytes)?, Some(TableWarning::Encoding(name))))
}

/// The row of a byte, from 1: lines ends before it, as far as a reader of lines can tell.
fn row_of(bytes: &[u8], at: usize) -> u32 {
    1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u32
}

fn utf16<'a>(encoding: &'static encoding_rs::Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, TableProblem> {
    let broken = |row| TableProblem::Undecodable { row, encoding: "UTF-16" };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(text),
        None => {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            let at = text.find('\u{fffd}').unwrap_or(text.len());
            Err(broken(row_of(text.as_bytes(), at)))
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<(Cow<'_, str>, Option<TableWarning>), TableProblem> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => {
            // "é" in UTF-8 that was read as Windows-1252 and written in UTF-8 again begins with these three bytes.
            let twice = bytes.windows(3).position(|three| three == b"\xc3\x83\xc2");
            let warning = twice.map(|at| TableWarning::TwiceEncoded { row: row_of(bytes, at) });
            return Ok((Cow::Borrowed(text), warning));
        }
        Err(error) => error,
    };
    let row = row_of(bytes, error.valid_up_to());
    // Letters of one file are in one encoding. If some are well-formed UTF-8 beyond ASCII, the rest is damage, not
    // Windows-1252, where such sequences would read as "Ã©".
    if !bytes[..error.valid_up_to()].is_ascii() || later_utf8(&bytes[error.valid_up_to()..]) {
        return Err(TableProblem::Undecodable { row, encoding: "UTF-8" });
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    Ok((text, Some(TableWarning::Encoding("Windows-1252"))))
}

/// Whether well-formed UTF-8 beyond ASCII follows, of lead bytes that hardly stand before such bytes in Windows-1252.
fn later_utf8(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair[0], 0xc3..=0xc5) && matches!(pair[1], 0x80..=0xbf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, low_first: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "id,name\n1,José Müller\n2,Straße\n";
        let mut with_mark = b"\xef\xbb\xbf".to_vec();
        with_mark.extend_from_slice(text.as_bytes());
        let latin: Vec<u8> = text.chars().map(|c| c as u32 as u8).collect();
        let (mut low, mut high) = (b"\xff\xfe".to_vec(), b"\xfe\xff".to_vec());
        low.extend(utf16(text, true));
        high.extend(utf16(text, false));
        for (bytes, warned) in [
            (text.as_bytes().to_vec(), None),
            (with_mark, None),
            (low, None),
            (high, None),
            (latin, Some(TableWarning::Encoding("Windows-1252"))),
            (utf16(text, true), Some(TableWarning::Encoding("UTF-16, low byte first"))),
            (utf16(text, false), Some(TableWarning::Encoding("UTF-16, high byte first"))),
        ] {
            assert_eq!(decode(&bytes).unwrap(), (Cow::Borrowed(text), warned));
        }
    }

    #[test]
    fn the_signs_of_windows_are_read() {
        // The euro sign and typographic quotes, where Latin 1 has control characters.
        assert_eq!(decode(b"\x80 \x93a\x94").unwrap().0, "€ “a”");
    }

    #[test]
    fn damage_is_refused_with_its_row() {
        let mixed = b"id,name\n1,Jos\xc3\xa9\n2,M\xfcller\n";
        assert_eq!(decode(mixed).unwrap_err(), TableProblem::Undecodable { row: 3, encoding: "UTF-8" });
        let mixed = b"id,name\n1,M\xfcller\n2,Jos\xc3\xa9\n";
        assert_eq!(decode(mixed).unwrap_err(), TableProblem::Undecodable { row: 2, encoding: "UTF-8" });
        assert_eq!(decode(b"a\nb\0\x01\x02").unwrap_err(), TableProblem::Binary { row: 2 });
        let mut alone = b"\xff\xfea\0\n\0".to_vec();
        alone.extend([0x00, 0xd8, b'b', 0]);
        assert_eq!(decode(&alone).unwrap_err(), TableProblem::Undecodable { row: 2, encoding: "UTF-16" });
    }

    #[test]
    fn text_encoded_twice_is_noticed() {
        let (text, warning) = decode("id\nJosÃ©\n".as_bytes()).unwrap();
        assert_eq!(text, "id\nJosÃ©\n");
        assert_eq!(warning, Some(TableWarning::TwiceEncoded { row: 2 }));
    }
}
