//! Which people live at the same address, when addresses are written by hand.
//!
//! [`normalise`] takes an address to a form in which these do not matter: case; accents of Latin letters ("ß" is "ss");
//! punctuation and spaces; the order in which an address was cut into columns; words for a street, a flat, a point of the
//! compass and their usual short forms in English, and "Straße"; spaces in British, Canadian and Dutch postcodes; the last
//! four digits of American ones. Numbers of houses and flats always matter. What is not known to be the same stays apart:
//! a household that is missed can be merged by correcting an address, while two that were merged by mistake would bar
//! somebody from the panel unseen; so no letters are guessed.

use std::collections::HashMap;

use super::table::Table;

/// A household whose address is written in several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedHousehold {
    /// Its key in the pool.
    pub key: String,
    /// The ways, each with the rows of its people in the source.
    pub addresses: Vec<(String, Vec<u32>)>,
}

/// The household of each of `rows`, as keys for [`super::pool::Pool::new`], and those that normalisation merged. Keys are
/// numbers, so that addresses do not follow the pool. An address without anything but places larger than a house (town,
/// postcode) makes no household, if other columns could have named one.
pub(super) fn households(
    table: &Table,
    rows: impl Iterator<Item = usize>,
    columns: &[usize],
    normalised: bool,
) -> (Vec<String>, Vec<MergedHousehold>) {
    let local: Vec<usize> = columns.iter().copied().filter(|&column| !is_area(table.name(column))).collect();
    let needed = if local.is_empty() { columns } else { &local };
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut ways: Vec<Vec<(String, Vec<u32>)>> = Vec::new();
    let mut keys = Vec::new();
    for row in rows {
        let parts: Vec<&str> = columns.iter().map(|&column| table.cell(row, column)).collect();
        if needed.iter().all(|&column| is_blank(table.cell(row, column))) {
            keys.push(String::new());
            continue;
        }
        let written = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let form = if normalised { normalise(&parts) } else { parts.join("\n") };
        let number = *numbers.entry(form).or_insert_with(|| {
            ways.push(Vec::new());
            ways.len() - 1
        });
        let source = table.source_row(row);
        match ways[number].iter_mut().find(|(way, _)| *way == written) {
            Some((_, rows)) => rows.push(source),
            None => ways[number].push((written, vec![source])),
        }
        keys.push(key(number));
    }
    let several = ways.into_iter().enumerate().filter(|(_, ways)| ways.len() > 1);
    (keys, several.map(|(number, addresses)| MergedHousehold { key: key(number), addresses }).collect())
}

fn key(number: usize) -> String {
    format!("household {}", number + 1)
}

/// Whether a column of this name says no more than the neighbourhood.
pub(super) fn is_area(name: &str) -> bool {
    const AREAS: [&str; 14] = [
        "city", "town", "county", "state", "country", "region", "district", "province", "zip", "zipcode", "postcode",
        "postal", "post", "plz",
    ];
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| AREAS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())))
}

/// Whether an address is none: blank, or words for having or telling none.
fn is_blank(address: &str) -> bool {
    const NONE: [&str; 14] = [
        "",
        "na",
        "n a",
        "none",
        "nil",
        "unknown",
        "not known",
        "not provided",
        "not given",
        "withheld",
        "homeless",
        "no fixed abode",
        "no fixed address",
        "prefer not to say",
    ];
    NONE.contains(&words(address).join(" ").as_str())
}

/// The form of an address in several parts by which households are told apart; see the head of this file.
pub fn normalise(parts: &[&str]) -> String {
    let all: Vec<String> = parts.iter().filter(|part| !is_blank(part)).flat_map(|part| words(part)).collect();
    let mut form: Vec<String> = Vec::with_capacity(all.len());
    let mut place = 0;
    while place < all.len() {
        let word = all[place].as_str();
        let next = all.get(place + 1).map_or("", String::as_str);
        if is_outward(word) && is_inward(next) {
            form.push(format!("{word}{next}"));
            place += 2;
            continue;
        }
        let last = place + 2 == all.len();
        if last && has_shape(word, "99999") && has_shape(next, "9999") {
            form.push(word.to_owned());
            break;
        }
        match abbreviation(word) {
            Some("") => (),
            Some(short) => form.push(short.to_owned()),
            None if is_joined_postcode(word) => form.push(word.to_owned()),
            None => form.extend(number_and_letters(word)),
        }
        place += 1;
    }
    form.join(" ")
}

/// The words of an address in lower case without accents; apostrophes and points inside words vanish.
fn words(address: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in address.chars().flat_map(char::to_lowercase) {
        let Some(word) = words.last_mut() else { break };
        match c {
            '\'' | '\u{2019}' | '\u{2018}' | '`' => (),
            '\u{300}'..='\u{36f}' => (),
            '#' => words.extend(["flat".to_owned(), String::new()]),
            '&' => words.extend(["and".to_owned(), String::new()]),
            _ if c.is_alphanumeric() => match plain_letters(c) {
                Some(letters) => word.push_str(letters),
                None => word.push(c),
            },
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A Latin letter without its accent; none for letters that have none.
fn plain_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// The short form of a word; empty for words that say nothing. "Street" and "Saint" have the same short form, so that
/// nothing needs to tell which one "St" is.
fn abbreviation(word: &str) -> Option<&'static str> {
    const SHORT: [(&str, &[&str]); 35] = [
        ("", &["no", "nr", "number", "num"]),
        ("ally", &["alley", "aly"]),
        ("ave", &["avenue", "av", "aven", "avn"]),
        ("bldg", &["building", "bld"]),
        ("blvd", &["boulevard", "bvd", "boul"]),
        ("cir", &["circle", "circ"]),
        ("cl", &["close"]),
        ("cres", &["crescent", "cr", "crst"]),
        ("ct", &["court", "crt"]),
        ("dr", &["drive", "drv"]),
        ("e", &["east"]),
        ("est", &["estate"]),
        ("flat", &["apartment", "apt", "unit", "suite", "ste", "flt", "appartment"]),
        ("fl", &["floor", "flr"]),
        ("ft", &["fort"]),
        ("gdns", &["gardens", "garden", "gdn"]),
        ("gr", &["grove", "grv"]),
        ("hse", &["house"]),
        ("hts", &["heights"]),
        ("hwy", &["highway"]),
        ("ln", &["lane"]),
        ("mt", &["mount"]),
        ("n", &["north"]),
        ("ne", &["northeast"]),
        ("nw", &["northwest"]),
        ("pk", &["park"]),
        ("pkwy", &["parkway", "pky"]),
        ("pl", &["place"]),
        ("rd", &["road"]),
        ("s", &["south"]),
        ("se", &["southeast"]),
        ("sq", &["square"]),
        ("st", &["street", "saint", "str", "strasse"]),
        ("sw", &["southwest"]),
        ("ter", &["terrace", "terr", "tce"]),
    ];
    if word == "west" {
        return Some("w");
    }
    SHORT.iter().find(|(_, long)| long.contains(&word)).map(|&(short, _)| short)
}

/// "12a" as "12 a" and "hauptstrasse" as "hauptstr": where digits meet letters spaces are a matter of taste.
fn number_and_letters(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in word.chars() {
        match parts.last_mut() {
            Some(part) if part.ends_with(|last: char| last.is_ascii_digit()) == c.is_ascii_digit() => part.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    for part in &mut parts {
        if let Some(stem) = part.strip_suffix("strasse") {
            *part = format!("{stem}str");
        }
    }
    parts
}

/// Whether a word has the shape of a pattern: "9" a digit, "a" a letter.
fn has_shape(word: &str, pattern: &str) -> bool {
    let fits = |(c, sign): (char, char)| if sign == '9' { c.is_ascii_digit() } else { c.is_ascii_lowercase() };
    word.len() == pattern.len() && word.chars().zip(pattern.chars()).all(fits)
}

/// The first half of a British postcode ("sw1a", "ab12") or of a Canadian one ("k1a").
fn is_outward(word: &str) -> bool {
    ["a9", "a99", "aa9", "aa99", "a9a", "aa9a"].iter().any(|pattern| has_shape(word, pattern))
}

/// The second half of a British postcode ("2cd") or of a Canadian one ("0b1").
fn is_inward(word: &str) -> bool {
    has_shape(word, "9aa") || has_shape(word, "9a9")
}

/// A British or Canadian postcode without its space.
fn is_joined_postcode(word: &str) -> bool {
    word.is_ascii() && word.len() > 4 && is_outward(&word[..word.len() - 3]) && is_inward(&word[word.len() - 3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_does_not_matter() {
        for (a, b) in [
            ("12 High Street, London SW1A 2AA", "12, high st.  LONDON sw1a2aa"),
            ("Flat 2, 10 St Mary's Road", "Apt 2 10 Saint Marys Rd"),
            ("12A Victoria Avenue", "12 a Victoria Ave."),
            ("#4 1600 N Main St", "Unit 4, 1600 North Main Street"),
            ("No. 7 Château Étienne", "7 chateau etienne"),
            ("Hauptstraße 5", "Hauptstr. 5"),
            ("Łódzka 3 m. 4", "lodzka 3 m 4"),
            ("10 Downing Street 02139-4307", "10 Downing St 02139"),
            ("1 Rideau St K1A 0B1", "1 Rideau Street, k1a0b1"),
            ("Herengracht 1, 1015 BA", "herengracht 1 1015BA"),
            ("Smith & Sons House", "Smith and sons hse"),
            ("3 Caf\u{e9} Close", "3 Cafe\u{301} Cl"),
        ] {
            assert_eq!(normalise(&[a]), normalise(&[b]), "{a} / {b}");
        }
        assert_eq!(normalise(&["Flat 2", "10 High Street", ""]), normalise(&["flat 2, 10 high st"]));
    }

    #[test]
    fn numbers_and_names_do() {
        for (a, b) in [
            ("Flat 2, 10 High Street", "Flat 3, 10 High Street"),
            ("12 High Street", "1 2 High Street"),
            ("12 High Street", "12A High Street"),
            ("12 High Street", "12 High Road"),
            ("1 North Street", "1 South Street"),
            ("2 West End", "2 East End"),
            ("5 Mill Lane SW1A 2AA", "5 Mill Lane SW1A 2AB"),
            ("10 Downing Street 02139", "10 Downing Street 02138"),
        ] {
            assert_ne!(normalise(&[a]), normalise(&[b]), "{a} / {b}");
        }
    }

    #[test]
    fn households_are_numbered_and_blank_ones_are_none() {
        let mut table = Table::new(["id", "primary_address1", "primary_city"].map(str::to_owned));
        for (row, [street, city]) in [
            ["1 High St", "Leeds"],
            ["", "Leeds"],
            ["1 high street", "LEEDS"],
            ["n/a", "Leeds"],
            ["2 High St", "Leeds"],
            ["No fixed abode", ""],
            ["1 High St", "Leeds"],
        ]
        .into_iter()
        .enumerate()
        {
            table.push(row as u32 + 2, ["x", street, city]).unwrap();
        }
        let (keys, merged) = households(&table, 0..7, &[1, 2], true);
        assert_eq!(keys, ["household 1", "", "household 1", "", "household 2", "", "household 1"]);
        let addresses = vec![("1 High St, Leeds".to_owned(), vec![2, 8]), ("1 high street, LEEDS".to_owned(), vec![4])];
        assert_eq!(merged, [MergedHousehold { key: "household 1".into(), addresses }]);
        let (keys, merged) = households(&table, 0..7, &[1, 2], false);
        assert_eq!((keys[0] == keys[2], keys[0] == keys[6], merged.len()), (false, true, 0));
        // Where only the town is asked for, it is what the user means.
        assert_eq!(households(&table, 0..2, &[2], true).0, ["household 1", "household 1"]);
    }
}
