//! Which rows of the list of sync jobs belong to a call of this run.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::swr::wire::lists::JobRow;

/// The clocks of the gateway, whose `Date` tells when a call began, and of the service behind it, which dates the jobs,
/// may differ by this much.
pub(super) const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// The jobs that were listed before the first call, by their numbers; none where they could not be read.
pub(super) type Earlier = Option<HashSet<String>>;

/// Whether a job was made by a call that began at `since`, and not by an earlier one. Time alone would take the job of a
/// run a moment ago for one of this run, and numbers alone know nothing of jobs between the list and the call.
pub(super) fn is_of_call(row: &JobRow, since: Timestamp, earlier: &Earlier) -> bool {
    let is_earlier = match (&row.id, earlier) {
        (Some(id), Some(earlier)) => Some(earlier.contains(id)),
        _ => None,
    };
    match (is_earlier, row.created) {
        (Some(true), _) | (None, None) => false,
        (Some(false), None) => true,
        (_, Some(created)) => created >= before(since),
    }
}

/// Whether all further pages hold only jobs from before `since`: the page is sorted, the newest first, and its last row is
/// from before. An order cannot be trusted that the page does not show.
pub(super) fn is_last(rows: &[JobRow], since: Timestamp) -> bool {
    let times: Option<Vec<Timestamp>> = rows.iter().map(|row| row.created).collect();
    let Some(times) = times else { return false };
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return false;
    };
    *last < before(since) && first > last && times.is_sorted_by(|newer, older| newer >= older)
}

fn before(since: Timestamp) -> Timestamp {
    since.checked_sub(TOLERANCE).unwrap_or(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: Option<&str>, created: Option<i64>) -> JobRow {
        JobRow {
            id: id.map(str::to_owned),
            created: created.map(second),
            region: String::new(),
            namespace: String::new(),
            tag: String::new(),
            status: String::new(),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).expect("in range")
    }

    #[test]
    fn a_job_that_was_there_before_the_call_never_counts() {
        let earlier = Some(HashSet::from(["7".to_owned()]));
        let none_seen = Some(HashSet::new());
        let cases = [
            // (number, seconds after the call began, earlier jobs, whether it counts)
            (Some("8"), Some(1), &earlier, true),
            (Some("8"), Some(-4), &earlier, true),
            (Some("8"), Some(-6), &earlier, false),
            (Some("8"), None, &earlier, true),
            // Seen before, whatever its time says.
            (Some("7"), Some(1), &earlier, false),
            (Some("7"), None, &earlier, false),
            (Some("7"), Some(1), &none_seen, true),
            // Without the list of earlier jobs, or without a number, its time decides.
            (Some("7"), Some(1), &None, true),
            (Some("7"), Some(-6), &None, false),
            (None, Some(1), &earlier, true),
            (None, Some(-6), &earlier, false),
            // Nothing tells it from an earlier one.
            (Some("7"), None, &None, false),
            (None, None, &earlier, false),
        ];
        for (id, created, earlier, expected) in cases {
            let row = row(id, created);
            assert_eq!(
                is_of_call(&row, second(0), earlier),
                expected,
                "{row:?} {earlier:?}"
            );
        }
    }

    #[test]
    fn pages_end_only_where_their_order_shows_that_the_rest_is_older() {
        let page = |times: &[i64]| -> Vec<JobRow> {
            times.iter().map(|time| row(None, Some(*time))).collect()
        };
        for (times, expected) in [
            (&[3, 2, 2, -9][..], true),
            (&[-7, -8, -9], true),
            (&[3, 2, 1], false),
            (&[3, 2, -4], false),
            // The other way round, mixed, or too alike to tell.
            (&[-9, -8, -7], false),
            (&[-9, 3, -7, -8], false),
            (&[-9, -9, -9], false),
            (&[-9], false),
            (&[], false),
        ] {
            assert_eq!(is_last(&page(times), second(0)), expected, "{times:?}");
        }
        let mut untimed = page(&[3, -9]);
        untimed[0].created = None;
        assert!(!is_last(&untimed, second(0)));
    }
}
