use super::*;

fn failure(text: &str) -> Arc<Failure> {
    Arc::new(Failure::new(Exit::NotAllowed, text, Some("grant it")))
}

fn digest(text: &str) -> Look {
    Look::Digest(text.to_owned())
}

fn unreadable() -> Look {
    Look::Unreadable(failure("no right to read tags"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A fate in one word, so that a table stays readable.
fn word(job: &Job, source: &Look, target: &Look, override_existing: Override) -> String {
    let known = Known {
        job,
        source,
        target,
        was_repeated: false,
        override_existing,
    };
    match judge(known) {
        Fate::Open => "open".to_owned(),
        Fate::Compare => "compare".to_owned(),
        Fate::Landed => "landed".to_owned(),
        Fate::Existed => "existed".to_owned(),
        Fate::Failed(failure) => {
            let end = failure.message.find([':', ';', ',']);
            let start = &failure.message[..end.unwrap_or(failure.message.len())];
            format!("failed: {start}")
        }
    }
}

#[test]
fn a_job_that_has_ended_decides_and_one_under_way_is_waited_for() {
    let nothing = &Look::NotYet;
    for (status, expected) in [
        ("success", "landed"),
        ("SUCCESS", "landed"),
        ("failed", "failed: its sync job ended as `failed`"),
        ("timeout", "failed: its sync job ended as `timeout`"),
        ("cancel", "failed: its sync job ended as `cancel`"),
        ("existed", "compare"),
        ("waiting", "open"),
        ("running", "open"),
        ("replicating", "open"),
        ("", "open"),
    ] {
        let job = Job::of(status, seconds(1));
        assert_eq!(
            word(&job, nothing, nothing, Override::Keep),
            expected,
            "{status}"
        );
    }
    assert_eq!(
        word(&Job::NotRead, nothing, nothing, Override::Keep),
        "open"
    );
}

#[test]
fn what_existed_is_compared() {
    let not_verified = "failed: already there";
    for (source, target, expected) in [
        (Look::NotYet, Look::NotYet, "compare"),
        (digest("a"), Look::NotYet, "compare"),
        (digest("a"), digest("a"), "existed"),
        (digest("a"), digest("b"), "failed: not overwritten"),
        (Look::NotYet, unreadable(), not_verified),
        (digest("a"), unreadable(), not_verified),
        (unreadable(), Look::NotYet, not_verified),
        (Look::Missing, Look::NotYet, not_verified),
        // It was there for the job, so it will be there for a reader in a moment.
        (digest("a"), Look::Missing, "compare"),
    ] {
        for override_existing in [Override::Keep, Override::Replace] {
            let word = word(&Job::Existed, &source, &target, override_existing);
            assert_eq!(word, expected, "{source:?} {target:?}");
        }
    }
}

#[test]
fn without_a_job_the_digest_decides_from_ten_seconds_on() {
    let no_job = "failed: no sync job of it was listed within 10 s";
    let not_overwritten = "failed: not overwritten";
    for (source, target, keep, replace) in [
        (Look::NotYet, Look::NotYet, "compare", "compare"),
        (digest("a"), Look::NotYet, "compare", "compare"),
        (digest("a"), digest("a"), "landed", "landed"),
        (digest("a"), Look::Missing, "compare", "compare"),
        // With override it may still be replaced.
        (digest("a"), digest("b"), not_overwritten, "compare"),
        (Look::NotYet, unreadable(), no_job, no_job),
        (digest("a"), unreadable(), no_job, no_job),
        (unreadable(), Look::NotYet, no_job, no_job),
        (Look::Missing, Look::NotYet, no_job, no_job),
    ] {
        for (override_existing, expected) in [(Override::Keep, keep), (Override::Replace, replace)]
        {
            let early = Job::Unlisted(Duration::from_millis(9_999));
            assert_eq!(word(&early, &source, &target, override_existing), "open");
            let late = Job::Unlisted(seconds(10));
            let word = word(&late, &source, &target, override_existing);
            assert_eq!(
                word, expected,
                "{source:?} {target:?} {override_existing:?}"
            );
        }
    }
}

#[test]
fn where_jobs_cannot_be_read_the_digest_decides_at_once() {
    let job = Job::Unreadable(failure("no right to read jobs"));
    let neither = "failed: the sync jobs cannot be read (no right to read jobs)";
    for (source, target, expected) in [
        (Look::NotYet, Look::NotYet, "compare"),
        (digest("a"), digest("a"), "landed"),
        (digest("a"), digest("b"), "failed: not overwritten"),
        (digest("a"), Look::Missing, "compare"),
        (digest("a"), unreadable(), neither),
        (unreadable(), Look::NotYet, neither),
    ] {
        let word = word(&job, &source, &target, Override::Keep);
        assert_eq!(word, expected, "{source:?} {target:?}");
    }
}

#[test]
fn the_first_job_of_a_call_that_was_sent_twice_does_not_fail_the_second() {
    let judged = |after, was_repeated| {
        judge(Known {
            job: &Job::of("failed", seconds(after)),
            source: &Look::NotYet,
            target: &Look::NotYet,
            was_repeated,
            override_existing: Override::Keep,
        })
    };
    assert!(matches!(judged(1, false), Fate::Failed(_)));
    assert_eq!(judged(1, true), Fate::Open);
    assert!(matches!(judged(10, true), Fate::Failed(_)));
}

#[test]
fn of_two_jobs_for_one_tag_the_better_one_counts() {
    let order = [
        Job::Unlisted(seconds(1)),
        Job::of("failed", seconds(1)),
        Job::of("existed", seconds(1)),
        Job::of("running", seconds(1)),
        Job::of("success", seconds(1)),
    ];
    for (index, worse) in order.iter().enumerate() {
        for better in &order[index..] {
            assert_eq!(&worse.clone().or(better.clone()), better);
            assert_eq!(&better.clone().or(worse.clone()), better);
        }
    }
}

#[test]
fn a_failure_says_what_to_do_and_leads_to_the_right_exit_code() {
    let failed = |job: &Job, source: &Look, target: &Look, override_existing| match judge(Known {
        job,
        source,
        target,
        was_repeated: false,
        override_existing,
    }) {
        Fate::Failed(failure) => (
            failure.exit,
            failure.message,
            failure.remedy.unwrap_or_default(),
        ),
        other => panic!("{other:?}"),
    };
    let (exit, message, remedy) = failed(&Job::Existed, &digest("a"), &digest("b"), Override::Keep);
    assert_eq!(exit, Exit::TagsFailed);
    assert_eq!(
        message,
        "not overwritten: a different image has this tag in the target"
    );
    assert!(remedy.starts_with("set `override: true`"), "{remedy}");
    let (_, _, remedy) = failed(&Job::Existed, &digest("a"), &digest("b"), Override::Replace);
    assert!(!remedy.contains("override: true"), "{remedy}");

    let (exit, message, remedy) =
        failed(&Job::Existed, &digest("a"), &unreadable(), Override::Keep);
    assert_eq!(exit, Exit::TagsFailed);
    assert_eq!(
        message,
        "already there, not verified: the target cannot be read: no right to read tags"
    );
    assert_eq!(remedy, "grant it");

    // That no job came is the failure; that nobody may look is not.
    let no_job = Job::Unlisted(seconds(11));
    let (exit, message, _) = failed(&no_job, &digest("a"), &unreadable(), Override::Keep);
    assert_eq!(exit, Exit::TagsFailed);
    assert_eq!(
        message,
        "no sync job of it was listed within 10 s, and the target cannot be read: no right to read tags"
    );
    // Here a right is missing.
    let no_right = Job::Unreadable(failure("no right to read jobs"));
    let (exit, ..) = failed(&no_right, &digest("a"), &unreadable(), Override::Keep);
    assert_eq!(exit, Exit::NotAllowed);
}

#[test]
fn what_is_still_open_says_what_was_seen_last() {
    let refusal = Failure {
        http_status: Some(404),
        code: Some("SVCSTG.SWR.4040058".to_owned()),
        ..Failure::new(Exit::NotFound, "Namespace does not exists", None)
    };
    let text = |job: &Job, target: &Look, trouble: Option<&Failure>| {
        let failure = pending(job, target, trouble, Duration::from_secs(600));
        assert_eq!(failure.exit, Exit::TimedOut);
        failure.message
    };
    let no_job = Job::Unlisted(seconds(599));
    let texts = [
        text(&Job::of("running", seconds(1)), &Look::NotYet, None),
        text(&no_job, &Look::Missing, None),
        text(&no_job, &Look::Missing, Some(&refusal)),
        text(&no_job, &digest("b"), None),
        text(&Job::NotRead, &Look::NotYet, Some(&failure("no answer"))),
        text(&Job::Unreadable(failure("no right")), &Look::Missing, None),
        text(&Job::Existed, &Look::Missing, None),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r"
    `wait-timeout` (10m) has passed: its sync job is still `running`
    `wait-timeout` (10m) has passed: no sync job of it is listed, and the tag is not in the target
    `wait-timeout` (10m) has passed: no sync job of it is listed, and the tag is not in the target (last answer: HTTP 404 SVCSTG.SWR.4040058: Namespace does not exists)
    `wait-timeout` (10m) has passed: no sync job of it is listed, and the target still has another image
    `wait-timeout` (10m) has passed: its sync job could not be read (last answer: no answer)
    `wait-timeout` (10m) has passed: the tag is not in the target
    `wait-timeout` (10m) has passed: SWR has ended its sync job, but the tag could not be compared with the source
    ");
}
