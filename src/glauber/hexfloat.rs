//! C99 hexadecimal floats (`0x1.8p+1`): every finite f64 written and read without rounding.

/// The exact hexadecimal text of a finite number, as C's `%a` prints it; `None` for infinities and NaN.
pub fn write(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let sign = if bits >> 63 == 1 { "-" } else { "" };
    let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    if exponent == 0 && fraction == 0 {
        return Some(format!("{sign}0x0p+0"));
    }
    let (lead, power) = if exponent == 0 { (0, -1022) } else { (1, exponent as i64 - 1023) };
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    Some(format!("{sign}0x{lead}{point}{digits}p{power:+}"))
}

/// Reads a C99 hexadecimal float; `None` unless the text is one and an f64 holds its value exactly.
pub fn read(text: &str) -> Option<f64> {
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let rest = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"))?;
    let (mantissa, power) = rest.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|d| d.is_ascii_hexdigit()) {
        return None;
    }
    let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
    if unsigned.is_empty() || unsigned.len() > 6 || !unsigned.bytes().all(|d| d.is_ascii_digit()) {
        return None;
    }
    let power: i64 = power.parse().ok()?;
    let significant = digits.trim_matches('0');
    let sign = if negative { 1u64 << 63 } else { 0 };
    if significant.is_empty() {
        return Some(f64::from_bits(sign));
    }
    if significant.len() > 16 {
        return None;
    }
    let trailing = (digits.len() - digits.trim_end_matches('0').len()) as i64;
    let value = u64::from_str_radix(significant, 16).ok()?;
    let zeros = i64::from(value.trailing_zeros());
    // The number is `odd * 2^low`, and its highest bit has weight `2^high`.
    let (odd, low) = (value >> zeros, power - 4 * fraction.len() as i64 + 4 * trailing + zeros);
    let width = i64::from(64 - odd.leading_zeros());
    let high = low + width - 1;
    if width > 53 || high > 1023 || low < -1074 {
        return None;
    }
    let magnitude = if high < -1022 {
        odd << (low + 1074)
    } else {
        let fraction = (odd << (53 - width)) & ((1 << 52) - 1);
        ((high + 1023) as u64) << 52 | fraction
    };
    Some(f64::from_bits(sign | magnitude))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        for (value, text) in [
            (0.0, "0x0p+0"),
            (-0.0, "-0x0p+0"),
            (1.0, "0x1p+0"),
            (3.0, "0x1.8p+1"),
            (-0.1, "-0x1.999999999999ap-4"),
            (f64::MAX, "0x1.fffffffffffffp+1023"),
            (f64::MIN_POSITIVE, "0x1p-1022"),
            (f64::from_bits(1), "0x0.0000000000001p-1022"),
        ] {
            assert_eq!(write(value).as_deref(), Some(text));
            assert_eq!(read(text).map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        // Other spellings of the same numbers.
        assert_eq!(read("0x18P-3"), Some(3.0));
        assert_eq!(read("+0X.8p1"), Some(1.0));
        assert_eq!(read("0x0010.0p-4"), Some(1.0));
    }

    #[test]
    fn what_is_not_an_exact_finite_number_is_refused() {
        for text in [
            "",
            "-",
            "inf",
            "nan",
            "1.5",
            "0x",
            "0xp+0",
            "0x1",
            "0x1.p",
            "0x1p",
            "0x1p+",
            "0x1p1024",
            "0x1p-1075",
            "0x1.00000000000001p+0",
            "0x1.8p+1 ",
            "0xgp0",
            "0x1p+-3",
            "0x1p99999999999",
            "0x1.ép0",
            "--0x1p0",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(write(f64::INFINITY), None);
        assert_eq!(write(f64::NAN), None);
    }

    proptest! {
        #[test]
        fn every_finite_float_survives(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            match write(value) {
                Some(text) => prop_assert_eq!(read(&text).map(f64::to_bits), Some(bits)),
                None => prop_assert!(!value.is_finite()),
            }
        }

        #[test]
        fn subnormals_survive(fraction in 0u64..1 << 52, negative in any::<bool>()) {
            let value = f64::from_bits(fraction | u64::from(negative) << 63);
            prop_assert_eq!(read(&write(value).unwrap()).map(f64::to_bits), Some(value.to_bits()));
        }

        #[test]
        fn no_text_panics(text in "[-+]?0?x?[0-9a-fA-F.]{0,20}p?[-+]?[0-9]{0,7}") {
            if let Some(value) = read(&text) {
                prop_assert!(value.is_finite());
            }
        }
    }
}
