//! Figures as people read them: the same in the summary, the tables and the picture.

/// A length of time: `378 ms`, `4.3 s`, `1 min 33 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if seconds == 0.0 {
        return "0 s".to_owned();
    }
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 59.95 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, seconds) {
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A length of time that may not be known.
pub fn duration_or(seconds: Option<f64>, none: &str) -> String {
    seconds.map_or_else(|| none.to_owned(), duration)
}

/// A point in time from an origin, to the second: `-0:30`, `0:00`, `+1:33`, `+1:02:05`.
pub fn clock(seconds: f64) -> String {
    tenths((seconds.round() as i64).saturating_mul(10), false)
}

/// The same to the tenth of a second: `+1:33.1`.
pub fn clock_tenths(seconds: f64) -> String {
    tenths((seconds * 10.0).round() as i64, true)
}

fn tenths(tenths: i64, shown: bool) -> String {
    let sign = match tenths {
        0 => "",
        n if n < 0 => "-",
        _ => "+",
    };
    let all = tenths.unsigned_abs();
    let (seconds, tenth) = (all / 10, all % 10);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if shown { format!(".{tenth}") } else { String::new() };
    match hours {
        0 => format!("{sign}{minutes}:{seconds:02}{fraction}"),
        h => format!("{sign}{h}:{minutes:02}:{seconds:02}{fraction}"),
    }
}

/// A count with separators: `24,440`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share: `39.8 %`; never rounded to none or all when it is not.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0 %".to_owned();
    }
    if part == whole {
        return "100 %".to_owned();
    }
    format!("{:.1} %", (part as f64 * 100.0 / whole as f64).clamp(0.1, 99.9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_at_a_glance() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.378, "378 ms"),
            (0.9996, "1 s"),
            (4.304, "4.3 s"),
            (59.96, "1 min"),
            (93.149, "1 min 33 s"),
            (271.637, "4 min 32 s"),
            (600.0, "10 min"),
            (7500.0, "2 h 5 min"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn points_in_time_carry_their_sign() {
        for (seconds, text) in [(-30.0, "-0:30.0"), (0.04, "0:00.0"), (93.149, "+1:33.1"), (3725.0, "+1:02:05.0")] {
            assert_eq!(clock_tenths(seconds), text, "{seconds}");
        }
        assert_eq!(clock(93.6), "+1:34");
    }

    #[test]
    fn counts_and_shares() {
        assert_eq!(thousands(24_440), "24,440");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(percent(1, 1_000_000), "0.1 %");
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent(9723, 24440), "39.8 %");
    }
}
