//! Numbers and ids as they are typed.

/// A number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        Ok(_) => Err("it has to be above 0.".to_owned()),
        Err(_) => Err("type a number, such as 0.1 or 5e-5.".to_owned()),
    }
}

/// A percentage from 0 to 100, as a share.
pub fn share(text: &str) -> Result<f64, String> {
    match text.trim().trim_end_matches('%').trim().parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value / 100.0),
        Ok(_) => Err("it is a percentage, from 0 to 100.".to_owned()),
        Err(_) => Err("type a percentage, such as 10.".to_owned()),
    }
}

/// A percentage below 100, as a share: somebody has to be left to learn from.
pub fn held_out(text: &str) -> Result<f64, String> {
    match share(text)? {
        share if share < 1.0 => Ok(share),
        _ => Err("somebody has to be left to learn from: less than 100.".to_owned()),
    }
}

/// The probability that a preference was recorded the wrong way round.
pub fn smoothing(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if (0.0..0.5).contains(&value) => Ok(value),
        Ok(_) => Err("it has to be from 0 to below 0.5.".to_owned()),
        Err(_) => Err("type a number, such as 0 or 0.1.".to_owned()),
    }
}

/// A share as the percentage that reads back to it, or (as for a third, which has none) to its neighbour.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let rounded = (percent * 1e9).round() / 1e9;
    if rounded / 100.0 == share { rounded.to_string() } else { percent.to_string() }
}

/// A small number in the way rates are written: `5e-5`.
pub fn scientific(value: f64) -> String {
    if (1e-2..1e4).contains(&value) { value.to_string() } else { format!("{value:e}") }
}

/// Ids between blanks, commas, semicolons or line ends.
pub fn ids(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| letter.is_whitespace() || ",;".contains(letter));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_reads_back() {
        assert_eq!((positive("5e-5"), share(" 12.5 % "), smoothing("0.1")), (Ok(5e-5), Ok(0.125), Ok(0.1)));
        for wrong in ["", "-1", "0", "nan", "inf", "a"] {
            assert!(positive(wrong).is_err(), "{wrong}");
        }
        assert!(share("101").is_err() && held_out("100").is_err() && held_out("0").is_ok());
        for value in [0.02, 0.1, 0.07] {
            assert_eq!(share(&percent(value)), Ok(value));
        }
        let third = share(&percent(1.0 / 3.0)).unwrap();
        assert!((third - 1.0 / 3.0).abs() < 1e-15, "{third}");
        assert_eq!((scientific(5e-5), positive(&scientific(1.2e-4))), ("5e-5".to_owned(), Ok(1.2e-4)));
        assert_eq!(ids("a, b\n\nc;d"), ["a", "b", "c", "d"]);
    }
}
