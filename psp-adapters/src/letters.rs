//! Names in the letters that a PSP takes of whom it pays (Adyen). The same name always comes out the same.

/// The marks that the name of a card's holder may have besides letters; a bank account's more.
pub(crate) const OF_CARDS: &str = " -.—/";
pub(crate) const OF_ACCOUNTS: &str = " -.—/,;:\\+&!?@()\"'0123456789";

/// A name in plain Latin letters and these marks. None: nothing of it is left, or it is written in other
/// letters than Latin ones.
pub(crate) fn plain(name: &str, marks: &str) -> Option<String> {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' => text.push(c),
            _ if marks.contains(c) => text.push(c),
            '\'' | '’' | '`' | '´' | '\u{300}'..='\u{36f}' => {}
            _ if c.is_whitespace() => text.push(' '),
            _ if c.is_alphabetic() => text.push_str(latin(c)?),
            _ => text.push(' '),
        }
    }
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    text.chars().any(|c| c.is_ascii_alphabetic()).then_some(text)
}

/// A Latin letter with a mark of its own, as passports write it.
fn latin(letter: char) -> Option<&'static str> {
    const PLAIN: [(&str, &str); 58] = [
        ("ÀÁÂÃĀĂĄ", "A"),
        ("àáâãāăą", "a"),
        ("Ä", "Ae"),
        ("äæ", "ae"),
        ("Æ", "Ae"),
        ("Å", "Aa"),
        ("å", "aa"),
        ("ÇĆĈĊČ", "C"),
        ("çćĉċč", "c"),
        ("ĎĐÐ", "D"),
        ("ďđð", "d"),
        ("ÈÉÊËĒĔĖĘĚ", "E"),
        ("èéêëēĕėęě", "e"),
        ("ĜĞĠĢ", "G"),
        ("ĝğġģ", "g"),
        ("ĤĦ", "H"),
        ("ĥħ", "h"),
        ("ÌÍÎÏĨĪĬĮİ", "I"),
        ("ìíîïĩīĭįı", "i"),
        ("Ĵ", "J"),
        ("ĵ", "j"),
        ("Ķ", "K"),
        ("ķĸ", "k"),
        ("ĹĻĽĿŁ", "L"),
        ("ĺļľŀł", "l"),
        ("ÑŃŅŇ", "N"),
        ("ñńņňŉ", "n"),
        ("ÒÓÔÕŌŎŐ", "O"),
        ("òóôõōŏő", "o"),
        ("ÖØŒ", "Oe"),
        ("öøœ", "oe"),
        ("ŔŖŘ", "R"),
        ("ŕŗř", "r"),
        ("ŚŜŞŠȘ", "S"),
        ("śŝşšș", "s"),
        ("ß", "ss"),
        ("ẞ", "SS"),
        ("ŢŤŦȚ", "T"),
        ("ţťŧț", "t"),
        ("Þ", "Th"),
        ("þ", "th"),
        ("ÙÚÛŨŪŬŮŰŲ", "U"),
        ("ùúûũūŭůűų", "u"),
        ("Ü", "Ue"),
        ("ü", "ue"),
        ("Ŵ", "W"),
        ("ŵ", "w"),
        ("ÝŶŸ", "Y"),
        ("ýŷÿ", "y"),
        ("ŹŻŽ", "Z"),
        ("źżž", "z"),
        ("Ĳ", "IJ"),
        ("ĳ", "ij"),
        ("Ŋ", "N"),
        ("ŋ", "n"),
        ("ẽ", "e"),
        ("Ẽ", "E"),
        ("ª", "a"),
    ];
    PLAIN.iter().find(|(letters, _)| letters.contains(letter)).map(|(_, plain)| *plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, marks: &str, expected: Option<&str>) {
        assert_eq!(plain(name, marks).as_deref(), expected, "{name}");
    }

    #[test]
    fn names_are_told_in_the_letters_that_adyen_takes() {
        check("Jürgen", OF_CARDS, Some("Juergen"));
        check("Müller-Lüdenscheidt", OF_CARDS, Some("Mueller-Luedenscheidt"));
        check("O'Brien", OF_CARDS, Some("OBrien"));
        check("O'Brien", OF_ACCOUNTS, Some("O'Brien"));
        check("Łukasz Żółć", OF_CARDS, Some("Lukasz Zolc"));
        check("Strauß", OF_CARDS, Some("Strauss"));
        check("  Ana\u{a0}Conceic\u{327}a\u{303}o ", OF_CARDS, Some("Ana Conceicao"));
        check("Casino & Co 3", OF_CARDS, Some("Casino Co"));
        check("Casino & Co 3", OF_ACCOUNTS, Some("Casino & Co 3"));
    }

    #[test]
    fn what_is_no_latin_name_is_no_name_to_adyen() {
        check("Иван", OF_CARDS, None);
        check("Иван Smith", OF_CARDS, None);
        check("- .", OF_CARDS, None);
        check("", OF_CARDS, None);
    }
}
