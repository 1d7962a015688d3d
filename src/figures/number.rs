//! How numbers are written, in one place: the same value reads the same in every tab, table, figure and message.
//!
//! ASCII digits and minus, so that what is copied can be pasted into a program. Values that are not finite are words.

/// Words for values that are not finite.
fn in_words(value: f64) -> Option<String> {
    if value.is_nan() {
        Some("not a number".to_owned())
    } else if value == f64::INFINITY {
        Some("infinity".to_owned())
    } else if value == f64::NEG_INFINITY {
        Some("minus infinity".to_owned())
    } else {
        None
    }
}

/// Inserts a comma between groups of three digits before the decimal point.
fn thousands(digits: &str) -> String {
    let (sign, rest) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let (whole, fraction) = rest.find('.').map_or((rest, ""), |dot| rest.split_at(dot));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

/// A value with this many decimals and thousands separators: `-12,345.68`. Never writes a negative zero.
pub fn fixed(value: f64, decimals: usize) -> String {
    if let Some(words) = in_words(value) {
        return words;
    }
    if value.abs() >= 1e15 {
        return scientific(value, 4);
    }
    let text = thousands(&format!("{value:.decimals$}"));
    if text.chars().all(|c| !c.is_ascii_digit() || c == '0') { text.replace('-', "") } else { text }
}

/// `1.24e-13` with this many significant digits.
pub fn scientific(value: f64, significant: usize) -> String {
    in_words(value).unwrap_or_else(|| format!("{value:.*e}", significant.saturating_sub(1)))
}

/// At most this many significant digits, trailing zeros dropped; scientific when very large or small: `0.0314`, `2.5e-9`.
pub fn general(value: f64, significant: usize) -> String {
    if let Some(words) = in_words(value) {
        return words;
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let significant = significant.max(1);
    let rounded = format!("{value:.*e}", significant - 1);
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..=15).contains(&exponent) && exponent < significant.max(7) as i32 {
        let decimals = usize::try_from(significant as i32 - 1 - exponent).unwrap_or(0);
        thousands(trimmed(&format!("{value:.decimals$}")))
    } else {
        format!("{}e{exponent}", trimmed(mantissa))
    }
}

/// Drops zeros at the end of a decimal fraction.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Log probabilities and log odds ratios, without the unit: three decimals, scientific below 0.001.
pub fn nats(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { scientific(value, 2) } else { fixed(value, 3) }
}

/// `3.142 nats`.
pub fn nats_with_unit(value: f64) -> String {
    format!("{} nats", nats(value))
}

/// A probability: four decimals, scientific below 0.001, and never rounded to 0 or 1.
pub fn probability(value: f64) -> String {
    if value == 0.0 || value == 1.0 {
        format!("{value:.0}")
    } else if value.abs() < 1e-3 {
        scientific(value, 2)
    } else if value > 0.99995 && value < 1.0 {
        "> 0.9999".to_owned()
    } else {
        fixed(value, 4)
    }
}

/// A share in per cent with one decimal: `12.3 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{} %", fixed(share * 100.0, 1)) } else { fixed(share, 1) }
}

/// A count with thousands separators: `50,000`.
pub fn count(value: u64) -> String {
    thousands(&value.to_string())
}

/// `one` or `many` after its count: `1 rectangle`, `2,000 rectangles`.
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// An upper bound, rounded up to one digit so that the statement stays true: `below 4e-13`.
pub fn bound(value: f64) -> String {
    if let Some(words) = in_words(value) {
        return words;
    }
    if value <= 0.0 {
        return "exactly 0".to_owned();
    }
    let exponent = value.log10().floor();
    let unit = 10f64.powf(exponent);
    let digit = (value / unit).floor() + 1.0;
    let (digit, exponent) = if digit >= 10.0 { (1.0, exponent + 1.0) } else { (digit, exponent) };
    if (-2.0..3.0).contains(&exponent) {
        format!("below {}", general(digit * 10f64.powf(exponent), 1))
    } else {
        format!("below {digit}e{exponent}")
    }
}

/// A duration in seconds: `12 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    if let Some(words) = in_words(seconds) {
        return words;
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let value = seconds.abs();
    if value < 0.9995 {
        return format!("{sign}{:.0} ms", value * 1e3);
    }
    if value < 9.95 {
        return format!("{sign}{value:.1} s");
    }
    let whole = value.round() as u64;
    let pair = |large: u64, large_name: &str, small: u64, small_name: &str| {
        if small == 0 {
            format!("{sign}{} {large_name}", count(large))
        } else {
            format!("{sign}{} {large_name} {small} {small_name}", count(large))
        }
    };
    match whole {
        0..60 => format!("{sign}{whole} s"),
        60..3600 => pair(whole / 60, "min", whole % 60, "s"),
        3600..86_400 => pair(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => pair(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// A size in bytes: `980 bytes`, `15.7 MB` (powers of ten).
pub fn bytes(value: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    for (unit, size) in UNITS {
        if value as f64 >= size {
            return format!("{} {unit}", fixed(value as f64 / size, 1));
        }
    }
    counted(value, "byte", "bytes")
}

/// Estimate with its 95 % interval: `0.412 (95 % interval 0.380 to 0.445)`.
pub fn with_interval(estimate: f64, lower: f64, upper: f64, write: impl Fn(f64) -> String) -> String {
    format!("{} (95 % interval {} to {})", write(estimate), write(lower), write(upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_alike_everywhere() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(fixed(-12_345.678, 2), "-12,345.68");
        check(fixed(-0.0001, 2), "0.00");
        check(nats(2.34567), "2.346");
        check(nats(-1.24e-13), "-1.2e-13");
        check(nats(0.0), "0.000");
        check(nats_with_unit(1.0), "1.000 nats");
        check(probability(0.25), "0.2500");
        check(probability(3.1e-8), "3.1e-8");
        check(probability(0.999_99), "> 0.9999");
        check(probability(1.0), "1");
        check(percent(0.1234), "12.3 %");
        check(count(1_234_567), "1,234,567");
        check(count(999), "999");
        check(counted(1, "rectangle", "rectangles"), "1 rectangle");
        check(counted(2000, "rectangle", "rectangles"), "2,000 rectangles");
        check(general(0.031_41, 3), "0.0314");
        check(general(2.5e-9, 6), "2.5e-9");
        check(general(1500.0, 6), "1,500");
        check(general(123_456.0, 3), "123,456");
        check(bytes(15_700_000), "15.7 MB");
        check(bytes(1), "1 byte");
        check(with_interval(0.4, 0.3, 0.5, |v| fixed(v, 1)), "0.4 (95 % interval 0.3 to 0.5)");
    }

    #[test]
    fn values_that_are_not_finite_are_words() {
        for write in [nats, probability, percent, bound, duration, |v| fixed(v, 2), |v| general(v, 4)] {
            assert_eq!(write(f64::NAN), "not a number");
            assert_eq!(write(f64::INFINITY), "infinity");
            assert_eq!(write(f64::NEG_INFINITY), "minus infinity");
        }
    }

    #[test]
    fn bounds_round_up() {
        assert_eq!(bound(3.2e-13), "below 4e-13");
        assert_eq!(bound(9.7e-13), "below 1e-12");
        assert_eq!(bound(0.031), "below 0.04");
        assert_eq!(bound(0.0), "exactly 0");
    }

    #[test]
    fn durations_use_two_units() {
        let cases = [
            (0.012, "12 ms"),
            (4.24, "4.2 s"),
            (45.0, "45 s"),
            (59.7, "1 min"),
            (185.0, "3 min 5 s"),
            (7800.0, "2 h 10 min"),
            (273_600.0, "3 d 4 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
    }
}
