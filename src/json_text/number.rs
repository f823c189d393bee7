//! Which numbers are finite in binary64.

/// Whether the nearest binary64 to a valid JSON number is finite. Exact for every length of digits
/// and exponent.
pub(super) fn is_finite(number: &str) -> bool {
    let magnitude = number.strip_prefix('-').unwrap_or(number);
    // 10^300 is far within binary64, whose greatest finite number is about 1.8 × 10^308.
    if magnitude.len() <= 300 && !magnitude.contains(['e', 'E']) {
        return true;
    }
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(leading) = leading_power(whole, fraction) else {
        return true;
    };
    match leading.saturating_add(saturated(exponent)) {
        ..=307 => true,
        308 => is_finite_near_the_end(whole, fraction),
        _ => false,
    }
}

/// The power of ten of the first digit that is not 0, the exponent left aside; `None` for zero.
fn leading_power(whole: &str, fraction: &str) -> Option<i64> {
    if let Some(at) = first_nonzero(whole) {
        return i64::try_from(whole.len() - at - 1).ok();
    }
    let at = first_nonzero(fraction)?;
    i64::try_from(at).ok().map(|at| -at - 1)
}

fn first_nonzero(digits: &str) -> Option<usize> {
    digits.bytes().position(|digit| digit != b'0')
}

/// The value of an exponent, clamped to 64 bits.
fn saturated(exponent: &str) -> i64 {
    let digits = exponent.trim_start_matches(['+', '-']);
    let size = digits.bytes().fold(0_i64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(i64::from(digit.saturating_sub(b'0')))
    });
    if exponent.starts_with('-') {
        -size
    } else {
        size
    }
}

/// Decides for the digits of a number from 10^308 to below 10^309. They are written anew with a
/// short exponent first, because the standard parser is exact only while an exponent stays below
/// 65,536.
fn is_finite_near_the_end(whole: &str, fraction: &str) -> bool {
    let digits = format!("{whole}{fraction}");
    let normal = format!("0.{}e309", digits.trim_start_matches('0'));
    normal.parse::<f64>().is_ok_and(f64::is_finite)
}
