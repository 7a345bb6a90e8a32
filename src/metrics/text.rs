//! OpenMetrics to the older Prometheus text, and which of them a scraper asks for.

/// The content type of OpenMetrics 1.0.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The content type of the Prometheus text format.
pub(super) const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether `accept` asks for OpenMetrics by name, and not for plain text rather.
pub(super) fn wants_openmetrics(accept: &str) -> bool {
    let mut openmetrics = 0;
    let mut plain = 0;
    for range in accept.split(',') {
        let (media, q) = media_range(range);
        match media.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => openmetrics = openmetrics.max(q),
            "text/plain" | "text/*" | "*/*" => plain = plain.max(q),
            _ => {}
        }
    }
    openmetrics > 0 && openmetrics >= plain
}

/// The media type and its q in thousandths. A version that is not ours counts as q=0.
fn media_range(range: &str) -> (&str, u32) {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let mut q = 1000;
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => q = thousandths(value).unwrap_or(0),
            "version" if media.eq_ignore_ascii_case("application/openmetrics-text") && !known_version(value) => {
                return (media, 0);
            }
            _ => {}
        }
    }
    (media, q)
}

/// `0.75` is 750: a weight has three decimals at most (RFC 9110 §12.4.2). More are cut off.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = format!("{decimals:0<3}");
    let decimals: u32 = decimals[..3].parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" => Some(1000),
        _ => None,
    }
}

fn known_version(version: &str) -> bool {
    matches!(version, "1.0.0" | "0.0.1")
}

/// The same page in text format 0.0.4: counters and infos are typed by their full name, no unit, no end mark.
pub(super) fn to_prometheus(openmetrics: &str) -> String {
    let mut page = String::with_capacity(openmetrics.len() + 1024);
    // HELP stands before TYPE, and only TYPE tells what HELP must call the family.
    let mut help = "";
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            push_head(&mut page, rest, std::mem::take(&mut help));
        } else if !line.starts_with('#') {
            push_sample(&mut page, line);
        }
    }
    page
}

/// `type_line` is `name type`, `help_line` is `name text`.
fn push_head(page: &mut String, type_line: &str, help_line: &str) {
    let (name, kind) = type_line.split_once(' ').unwrap_or((type_line, "unknown"));
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    };
    if let Some((_, text)) = help_line.split_once(' ') {
        page.extend(["# HELP ", name, suffix, " "]);
        push_help(page, text);
        page.push('\n');
    }
    page.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
}

/// OpenMetrics escapes quotes in HELP, 0.0.4 does not; the other escapes are the same.
fn push_help(page: &mut String, text: &str) {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            page.push(c);
            continue;
        }
        match chars.next() {
            Some('"') => page.push('"'),
            Some(next) => page.extend(['\\', next]),
            None => page.push_str("\\\\"),
        }
    }
}

/// A bound is `1.0` in OpenMetrics and `1` from Go's client: the older text keeps the series that of-watchdog had.
fn push_sample(page: &mut String, line: &str) {
    const BOUND: &str = "_bucket{le=\"";
    let whole = line.find('{').and_then(|brace| {
        let value = brace + 1 + "le=\"".len();
        let end = value + line.get(value..)?.find('"')?;
        (line.get(..value)?.ends_with(BOUND)).then_some(())?;
        Some((line[..end].strip_suffix(".0")?, &line[end..]))
    });
    match whole {
        Some((start, end)) => page.extend([start, end, "\n"]),
        None => page.extend([line, "\n"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn converts(openmetrics: &str, prometheus: &str) {
        assert_eq!(to_prometheus(openmetrics), prometheus);
    }

    #[test]
    fn each_type_is_converted() {
        converts(
            "# HELP a Calls.\n# TYPE a counter\na_total{code=\"200\"} 3\n# EOF\n",
            "# HELP a_total Calls.\n# TYPE a_total counter\na_total{code=\"200\"} 3\n",
        );
        converts("# TYPE f counter\nf_total 0.5\n", "# TYPE f_total counter\nf_total 0.5\n");
        converts("# HELP g Now.\n# TYPE g gauge\ng -1\n", "# HELP g Now.\n# TYPE g gauge\ng -1\n");
        converts(
            "# HELP h_seconds Time.\n# TYPE h_seconds histogram\n# UNIT h_seconds seconds\nh_seconds_sum 1.5\n\
             h_seconds_count 1\nh_seconds_bucket{le=\"0.5\"} 0\nh_seconds_bucket{le=\"10.0\",m=\"1.0\"} 1\n\
             h_seconds_bucket{le=\"+Inf\"} 1\n",
            "# HELP h_seconds Time.\n# TYPE h_seconds histogram\nh_seconds_sum 1.5\nh_seconds_count 1\n\
             h_seconds_bucket{le=\"0.5\"} 0\nh_seconds_bucket{le=\"10\",m=\"1.0\"} 1\n\
             h_seconds_bucket{le=\"+Inf\"} 1\n",
        );
        converts(
            "# HELP b Build.\n# TYPE b info\nb_info{version=\"1\"} 1\n",
            "# HELP b_info Build.\n# TYPE b_info gauge\nb_info{version=\"1\"} 1\n",
        );
        converts("# TYPE u unknown\nu 1\n", "# TYPE u untyped\nu 1\n");
    }

    #[test]
    fn help_escapes_differ_in_quotes_only() {
        converts(
            "# HELP a say \\\"x\\\" \\\\ \\n end\n# TYPE a gauge\n",
            "# HELP a say \"x\" \\\\ \\n end\n# TYPE a gauge\n",
        );
    }

    #[test]
    fn label_values_that_look_like_bounds_stay() {
        let hostile = "a_total{n=\"x_bucket{le=\\\"1.0\\\"\"} 1\n";
        converts(hostile, hostile);
        converts("a{le=\"1.0\"} 1\n", "a{le=\"1.0\"} 1\n");
    }

    #[test]
    fn accept_decides() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;\
                            q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for yes in [prometheus_2, "application/openmetrics-text", "Application/OpenMetrics-Text; q=0.3, */*;q=0.1"] {
            assert!(wants_openmetrics(yes), "{yes}");
        }
        for no in [
            "",
            "*/*",
            "text/html",
            "text/plain, application/openmetrics-text;q=0.5",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=x",
        ] {
            assert!(!wants_openmetrics(no), "{no}");
        }
    }
}
