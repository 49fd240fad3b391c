//! Texts that are times.

/// A date, a time, or both, as a text or as a number.
pub(crate) fn is_time(value: &str) -> bool {
    if let Ok(number) = value.parse::<u64>() {
        return is_epoch(number) || is_calendar(value);
    }
    let words = || value.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let is_of_times = |word: &str| {
        let word = word.to_lowercase();
        let is_long = ["day", "uary", "ch", "ril", "ne", "ly", "ust", "ber"].iter().any(|end| word.ends_with(end));
        let head: String = word.chars().take(3).collect();
        OF_TIMES.contains(&word.as_str()) || (is_long && OF_TIMES.contains(&head.as_str()))
    };
    let digits = value.chars().filter(char::is_ascii_digit).count();
    digits >= 4 && value.contains([':', '-', '/', '.', ' ']) && words().all(is_of_times)
}

/// Names of days and months, and what else is written in a time.
const OF_TIMES: [&str; 31] = [
    "t", "z", "w", "am", "pm", "utc", "gmt", "cet", "cest", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan",
    "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "p", "pt",
];

/// The years from 2000 to 2100, in seconds since 1970.
const CENTURY: std::ops::Range<u64> = 946_684_800..4_102_444_800;

/// Seconds since 1970, or thousandths, millionths or billionths of them.
fn is_epoch(number: u64) -> bool {
    [1, 1_000, 1_000_000, 1_000_000_000].iter().any(|unit| CENTURY.contains(&(number / unit)))
}

/// `20270131`, and the same with a time of the day.
fn is_calendar(digits: &str) -> bool {
    let part =
        |at: std::ops::Range<usize>| digits.get(at).and_then(|part| part.parse::<u32>().ok()).unwrap_or_default();
    let is_date =
        (1900..2200).contains(&part(0..4)) && (1..=12).contains(&part(4..6)) && (1..=31).contains(&part(6..8));
    is_date && matches!(digits.len(), 8 | 12 | 14 | 17)
}
