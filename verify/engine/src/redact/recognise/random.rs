//! Whether a value is random, as secrets are.

/// Whether a value is long and random enough that it is not a word of something else: then it is looked for everywhere.
pub(crate) fn is_random(value: &str) -> bool {
    let has = |kind: fn(&char) -> bool| value.chars().any(|c| kind(&c));
    let kinds = [has(char::is_ascii_digit), has(char::is_ascii_lowercase), has(char::is_ascii_uppercase)];
    let is_word = value.contains(' ') || value.contains("://");
    value.len() >= 12 && !is_word && (value.len() >= 32 || kinds.into_iter().filter(|kind| *kind).count() >= 2)
}

/// Whether a value is made of words, as a name in an address is (`website-redesign-phase-2`), or is the path of a file.
pub(super) fn is_speaking(value: &str) -> bool {
    const VOWELS: [char; 6] = ['a', 'e', 'i', 'o', 'u', 'y'];
    let is_file = || {
        let end = value.rsplit_once('.').map(|(_, end)| end).unwrap_or_default();
        value.contains('/') && (1..=5).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphanumeric())
    };
    // No random letters: some of those would be without a vowel.
    let is_word = |part: &str| {
        let lower = part.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(part);
        let is_plain = part.len() <= 20 && lower.chars().all(|c| c.is_ascii_lowercase());
        is_plain && (part.len() < 3 || part.to_ascii_lowercase().contains(VOWELS))
    };
    let is_count = |part: &str| part.len() <= 4 && part.chars().all(|c| c.is_ascii_digit());
    let parts = || value.split(|c: char| !c.is_ascii_alphanumeric());
    let is_of_words = || {
        parts().filter(|part| part.len() >= 4 && is_word(part)).count() >= 2
            && parts().all(|part| is_word(part) || is_count(part))
    };
    is_of_words() || is_file()
}

pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36 && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
