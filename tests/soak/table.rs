//! The closing table, and the closing line.

use super::clock::Clock;
use super::figures::Figures;
use super::instance::Instance;

pub fn show(instances: &[Instance], clock: &Clock, wrong: &[String]) {
    eprintln!(
        "\n{:<18}{:>10}{:>10}{:>12}{:>26}{:>10}{:>10}{:>11}{:>9}",
        "", "calls", "expected", "unexpected", "RSS kB", "files", "threads", "processes", "zombies"
    );
    eprintln!(
        "{:<18}{:>10}{:>10}{:>12}{:>26}{:>10}{:>10}{:>11}{:>9}",
        "mode", "", "errors", "errors", "start / warm / end", "", "", "below", ""
    );
    let mut sums = [0; 3];
    for instance in instances {
        let [good, expected, unexpected] = instance.tally.all();
        let [start, warm, end] = &instance.figures;
        let pair = |of: fn(&Figures) -> usize| format!("{} / {}", of(start), of(end));
        let sizes = [start, warm, end].map(|figures| (figures.resident >> 10).to_string()).join(" / ");
        eprintln!(
            "{:<18}{:>10}{:>10}{:>12}{:>26}{:>10}{:>10}{:>11}{:>9}",
            instance.name,
            good + expected + unexpected,
            expected,
            unexpected,
            sizes,
            pair(|figures| figures.descriptors + figures.pipes),
            pair(|figures| figures.threads),
            pair(|figures| figures.below),
            pair(|figures| figures.zombies),
        );
        for (sum, count) in sums.iter_mut().zip([good + expected + unexpected, expected, unexpected]) {
            *sum += count;
        }
    }
    let [calls, expected, unexpected] = sums;
    eprintln!(
        "\nsoak: {}: {} heelers, {calls} calls in {:.0?}, {expected} expected errors, {unexpected} unexpected, {} complaints",
        if wrong.is_empty() { "ok" } else { "FAILED" },
        instances.len(),
        clock.took(),
        wrong.len()
    );
}
