//! What is said of a 401 or 403, in whatever words the gateway has for it; and that no secret survives in what is said.

use jiff::SignedDuration;
use standin::{
    Answer, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Fault, Holder, Matcher, Operation, Standin, When,
    World,
};

use crate::common::{Finished, Run};
use crate::secrets;

/// A run that makes two calls, without credentials.
fn sync(standin: &Standin) -> Run {
    Run::github()
        .input("endpoint", &standin.endpoint())
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0")
        .input("targets", "cn-east-3, ap-southeast-3")
}

fn with_keys(standin: &Standin, secret_key: &str) -> Run {
    sync(standin)
        .input("access-key", DEMO_ACCESS_KEY)
        .input("secret-key", secret_key)
}

/// Runs to a 401 of the first request, which must stay the only one, and is told with these words.
fn unauthorized(run: Run, standin: &Standin, words: &str) {
    let finished = run.run();
    finished.assert_hides(&secrets::known_to(standin));
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_eq!(standin.requests().len(), 1, "nothing is sent after a 401");
    assert_told(&finished, words);
}

fn assert_told(finished: &Finished, words: &str) {
    assert!(
        finished.stdout.contains(words),
        "not told: {words}\n{}",
        finished.stdout
    );
}

#[test]
fn a_wrong_secret_key_is_told_from_a_request_that_was_changed() {
    let standin = Standin::start(World::demo());
    let run = with_keys(&standin, "notTheSecretKeyOfTheDemo");
    unauthorized(
        run,
        &standin,
        "the request arrived as it was signed, so the secret key is wrong",
    );

    let standin = Standin::start(World::demo());
    let echo = "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:POST|/swr/cn-north-4/v2/manage/namespaces/team/repos/app/sync_images/||content-type:application/json|host:proxy.example|";
    standin.fault(Fault::answer(Answer::gateway(401, "0301", echo)).when(When::Always));
    let run = with_keys(&standin, DEMO_SECRET_KEY);
    unauthorized(
        run,
        &standin,
        "by a proxy perhaps: the header host differs: sent `host:127.0.0.1:",
    );
}

#[test]
fn a_clock_that_is_off_is_told_with_both_times() {
    let standin = Standin::start(World::demo());
    standin.set_clock_offset(SignedDuration::from_mins(20));
    let run = with_keys(&standin, DEMO_SECRET_KEY);
    unauthorized(run, &standin, "set the runner's clock: it is ");
}

#[test]
fn an_unknown_key_is_told() {
    let standin = Standin::start(World::demo());
    let run = sync(&standin)
        .input("access-key", "HWMISTYPEDACCESSKEY1")
        .input("secret-key", DEMO_SECRET_KEY);
    unauthorized(run, &standin, "the access key is unknown");
}

#[test]
fn a_locked_key_is_told_to_wait() {
    let mut world = World::demo();
    world.keys[0].locked = true;
    let standin = Standin::start(world);
    let run = with_keys(&standin, DEMO_SECRET_KEY);
    unauthorized(run, &standin, "the access key is locked for 5 minutes");
}

#[test]
fn a_token_that_is_no_good_is_told() {
    let standin = Standin::start(World::demo());
    let run = sync(&standin).input("auth-token", "MIIcutOffToken");
    unauthorized(run, &standin, "get a new `auth-token`");
}

#[test]
fn a_missing_action_is_named_and_the_sealed_message_is_not_shown() {
    let mut world = World::demo();
    world.keys[0].holder = Holder::without(Operation::SyncImages, "cn-north-4");
    let standin = Standin::start(world);
    let finished = with_keys(&standin, DEMO_SECRET_KEY).run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_eq!(
        standin.requests().len(),
        2,
        "a 403 of one target does not stop the other"
    );
    assert_told(&finished, "grant `swr:repo:createManualSyncRepoJob`");
    assert!(
        !finished.stdout.contains("EncodedAuthorizationMessage"),
        "{}",
        finished.stdout
    );
}

/// A server, or a proxy before it, that repeats what it was sent: as it is, percent-encoded and in base64.
#[test]
fn secrets_that_a_server_repeats_are_shown_in_no_ci_system_and_no_report() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let token = "MIIsecretTokenOfTheUser/with+signs=and%more".to_owned();
    let [upper, lower] = secrets::percent_encoded(&token);
    let forms = [
        token.clone(),
        upper,
        lower,
        STANDARD.encode(&token),
        STANDARD.encode(format!("user:{token}")),
        URL_SAFE_NO_PAD.encode(format!("u:{token}")),
        format!("{}{token}", "x".repeat(900)),
        format!("{}{token}", "x".repeat(960)),
    ];
    for ci in [
        "github",
        "gitea",
        "forgejo",
        "gitlab",
        "azure",
        "bitbucket",
        "codearts",
        "harness",
        "woodpecker",
        "drone",
        "buildkite",
        "teamcity",
        "circleci",
        "jenkins",
        "plain",
    ] {
        let standin = Standin::start(World::demo());
        for (call, form) in (1..).zip(&forms) {
            let words = format!("X-Auth-Token {form} is not welcome");
            standin.fault(
                Fault::answer(Answer::swr(400, "4000014", &words))
                    .on(Matcher::sync())
                    .when(When::Calls(vec![call])),
            );
        }
        let finished = sync(&standin)
            .input("ci", ci)
            .input("log-level", "debug")
            .input("auth-token", &token)
            .input("batch-size", "1")
            .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0, swr.cn-north-4.myhuaweicloud.com/team/app:1.1.0, swr.cn-north-4.myhuaweicloud.com/team/app:latest, swr.cn-north-4.myhuaweicloud.com/team/backend/api:v1")
            .input("report-json", "report.json")
            .input("report-junit", "report.xml")
            .input("report-dotenv", "report.env")
            .input("report-markdown", "report.md")
            .input("results-dir", "results")
            .run();
        assert_eq!(finished.code, Some(5), "{ci}: {}", finished.stdout);
        assert_eq!(standin.sync_requests().len(), 8);
        assert_told(&finished, "is not welcome");
        for report in ["report.json", "report.xml", "report.md"] {
            assert!(
                finished.file(report).contains("is not welcome"),
                "{ci} {report}"
            );
        }
        finished.assert_hides(std::slice::from_ref(&token));
    }
}
