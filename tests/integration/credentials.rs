//! Every source of credentials, and what is said where one fails. The stand-in checks what STS, IAM and the issuer check.

use std::time::Duration;

use jiff::SignedDuration;
use standin::{
    AccessKey, Agency, Answer, Certificate, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, DEMO_TOKEN, Fault,
    Holder, IdentityProvider, Listen, Matcher, Provider, Request, Standin, Token, Verdict, When,
    World,
};

use crate::common::{Finished, Run};
use crate::secrets;

const IMAGE: &str = "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0";
const SUBJECT: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";
const AUDIENCE: &str = "sts.huaweicloud.com";

/// A run that syncs one image to two targets, without credentials.
fn sync(run: Run, standin: &Standin) -> Run {
    run.input("endpoint", &standin.endpoint())
        .input("sts-endpoint", &standin.sts_endpoint())
        .input("iam-endpoint", &standin.iam_endpoint())
        .input("images", IMAGE)
        .input("targets", "cn-east-3, ap-southeast-3")
        .input("retries", "0")
}

/// As the runner of GitHub starts an action in a job with `id-token: write`.
fn with_issuer(run: Run, standin: &Standin) -> Run {
    run.set("GITHUB_REPOSITORY", "octo-org/octo-repo")
        .set("GITHUB_RUN_ID", "42")
        .set("ACTIONS_ID_TOKEN_REQUEST_URL", &standin.issuer_url())
        .set(
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            &standin.world().issuer.request_token,
        )
}

fn agency(run: Run) -> Run {
    run.input("oidc-provider-urn", &Provider::demo().urn)
        .input("oidc-agency-urn", &Agency::demo().urn)
}

/// A keyless run in GitHub.
fn keyless(standin: &Standin) -> Run {
    agency(with_issuer(sync(Run::github(), standin), standin))
}

fn identity_provider(run: Run, standin: &Standin) -> Run {
    let project_id = &standin.world().regions["cn-north-4"].project_id;
    run.input("oidc-idp-id", &IdentityProvider::demo().id)
        .input("project-id", project_id)
}

/// Runs, and looks for every secret that the stand-in knows.
fn finish(run: Run, standin: &Standin) -> Finished {
    let finished = run.run();
    finished.assert_hides(&secrets::known_to(standin));
    finished
}

fn succeed(run: Run, standin: &Standin) -> Finished {
    let finished = finish(run, standin);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let asked = standin.sync_requests();
    assert_eq!(asked.len(), 2);
    assert!(
        asked.iter().all(|request| request.verdict.is_accepted()),
        "{asked:?}"
    );
    finished
}

/// Runs to a failure before the first sync call, which the log has to tell with all these words.
fn fail(run: Run, standin: &Standin, code: i32, words: &[&str]) -> Finished {
    let finished = finish(run, standin);
    assert_eq!(finished.code, Some(code), "{}", finished.stdout);
    assert!(standin.sync_requests().is_empty());
    let annotations = finished.stdout.matches("::error").count();
    assert!(
        annotations <= 1 || code == 2,
        "it is told once: {}",
        finished.stdout
    );
    for word in words {
        assert!(
            finished.stdout.contains(word),
            "not told: {word}\n{}",
            finished.stdout
        );
    }
    finished
}

fn requests(standin: &Standin, path: &str) -> Vec<Request> {
    let mut requests = standin.requests();
    requests.retain(|request| request.path.contains(path));
    requests
}

fn assert_logged(finished: &Finished, text: &str) {
    assert!(
        finished.stdout.contains(text),
        "not logged: {text}\n{}",
        finished.stdout
    );
}

#[test]
fn keys_of_the_inputs_sign() {
    let standin = Standin::start(World::demo());
    let run = sync(Run::github(), &standin)
        .input("access-key", DEMO_ACCESS_KEY)
        .input("secret-key", DEMO_SECRET_KEY);
    let finished = succeed(run, &standin);
    assert_logged(
        &finished,
        "credentials: keys from the inputs `access-key` and `secret-key`\n",
    );
}

#[test]
fn temporary_keys_of_the_inputs_sign_with_their_token() {
    let mut world = World::demo();
    let expires: jiff::Timestamp = "2100-01-01T00:00:00Z".parse().expect("a time");
    let temporary = AccessKey::temporary(
        "HSTTESTKEYOFTHEINPUTS",
        "secretOfTemporaryKeys1",
        "tokenOfTemporaryKeys+/=2",
        expires,
    );
    world.keys.push(temporary);
    let standin = Standin::start(world);
    let keys = || {
        sync(Run::github(), &standin)
            .input("access-key", "HSTTESTKEYOFTHEINPUTS")
            .input("secret-key", "secretOfTemporaryKeys1")
    };
    let finished = finish(keys(), &standin);
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_logged(&finished, "looks temporary");
    standin.clear_faults();
    let finished = finish(
        keys().input("security-token", "tokenOfTemporaryKeys+/=2"),
        &standin,
    );
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_logged(
        &finished,
        "credentials: temporary keys from the inputs `access-key` and `secret-key`\n",
    );
}

#[test]
fn an_auth_token_is_sent_as_it_is() {
    let standin = Standin::start(World::demo());
    let finished = succeed(
        sync(Run::github(), &standin).input("auth-token", DEMO_TOKEN),
        &standin,
    );
    assert_logged(
        &finished,
        "credentials: the token in the input `auth-token`\n",
    );
    assert!(
        standin
            .sync_requests()
            .iter()
            .all(|request| request.verdict == Verdict::Token)
    );
}

#[test]
fn an_id_token_is_exchanged_once_for_keys_that_sign_every_request() {
    let standin = Standin::start(World::demo());
    let finished = succeed(keyless(&standin), &standin);
    let issued = requests(&standin, "/oidc/token");
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].query("audience"), Some(AUDIENCE));
    let [assumed] = &requests(&standin, "/assume-with-oidc")[..] else {
        panic!("{:?}", standin.requests())
    };
    assert!(
        assumed.path.starts_with("/sts/cn-north-4/"),
        "{}",
        assumed.path
    );
    let body = assumed.json();
    assert_eq!(body["agency_session_name"], "octo-org-octo-repo-42");
    assert_eq!(body["duration_seconds"], 3600);
    for request in standin.sync_requests() {
        assert!(
            request
                .access_key
                .as_deref()
                .is_some_and(|key| key.starts_with("HST"))
        );
    }
    let told = "credentials: temporary keys of agency `swr-sync` from STS, valid until 20";
    assert_logged(&finished, told);
    assert!(
        !finished.stdout.contains("::warning"),
        "{}",
        finished.stdout
    );
}

#[test]
fn masks_come_before_everything_else() {
    let standin = Standin::start(World::demo());
    let finished = succeed(keyless(&standin), &standin);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let is_mask = |line: &&str| line.starts_with("::add-mask::");
    assert!(
        is_mask(&lines[0]),
        "the request token is known from the start: {}",
        lines[0]
    );
    let told = lines
        .iter()
        .position(|line| line.contains("credentials: temporary"))
        .expect("told");
    let last_mask = lines.iter().rposition(is_mask).expect("masked");
    assert!(last_mask < told, "{}", finished.stdout);
    let masked: Vec<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("::add-mask::"))
        .map(|text| text.replace("%25", "%"))
        .collect();
    let access_keys: Vec<String> = standin
        .world()
        .keys
        .into_iter()
        .map(|key| key.access)
        .collect();
    let given: Vec<String> = secrets::known_to(&standin)
        .into_iter()
        .filter(|secret| {
            !access_keys.contains(secret) && secret != DEMO_SECRET_KEY && secret != DEMO_TOKEN
        })
        .collect();
    assert_eq!(
        given.len(),
        4,
        "request token, id token, secret key and security token: {given:?}"
    );
    for secret in given {
        assert!(masked.contains(&secret), "not masked: {secret}");
    }
}

#[test]
fn gitlab_gives_the_id_token_as_an_input() {
    let standin = Standin::start(World::demo());
    let run = agency(sync(Run::plain(), &standin))
        .set("GITLAB_CI", "true")
        .set("CI_PROJECT_PATH", "group/project")
        .set("CI_JOB_ID", "7")
        .input("oidc-token", &standin.id_token(SUBJECT, AUDIENCE));
    succeed(run, &standin);
    let assumed = requests(&standin, "/assume-with-oidc");
    assert_eq!(assumed[0].json()["agency_session_name"], "group-project-7");
}

#[test]
fn an_audience_of_ones_own_is_asked_of_the_issuer() {
    let mut world = World::demo();
    world.providers[0].audiences = vec!["our audience/1".to_owned()];
    let standin = Standin::start(world);
    succeed(
        keyless(&standin).input("oidc-audience", "our audience/1"),
        &standin,
    );
}

#[test]
fn the_older_iam_gives_a_token_for_the_project() {
    let standin = Standin::start(World::demo());
    let run = identity_provider(
        with_issuer(sync(Run::github(), &standin), &standin),
        &standin,
    );
    let finished = succeed(run, &standin);
    assert_eq!(requests(&standin, "/OS-AUTH/").len(), 1);
    assert!(
        standin
            .sync_requests()
            .iter()
            .all(|request| request.verdict == Verdict::Token)
    );
    assert_logged(&finished, "credentials: a token from IAM for project ");
    assert_logged(
        &finished,
        "through identity provider `github`, valid until ",
    );
}

/// Tokens of accounts with many projects have tens of kilobytes; HTTP/2 clients take 16 unless they are told otherwise.
#[test]
fn a_token_of_many_kilobytes_arrives_over_http_2() {
    let mut world = World::demo();
    let token = format!("MII{}", "longTokenOfAnAccount/".repeat(2000));
    world.tokens.push(Token {
        value: token.clone(),
        project_id: Some(world.regions["cn-north-4"].project_id.clone()),
        expires_at: None,
        holder: Holder::default(),
    });
    let sockets = [Listen::plain(), Listen::tls(Certificate::Good)];
    let standin = Standin::start_on(&sockets, world).expect("two free ports");
    let long = Answer::json(201, &serde_json::json!({})).with("X-Subject-Token", &token);
    standin.fault(
        Fault::answer(long)
            .on(Matcher::path("*/OS-AUTH/*"))
            .when(When::Always),
    );
    let run = with_issuer(sync(Run::github(), &standin), &standin)
        .input(
            "iam-endpoint",
            &format!("{}/iam/{{region}}", standin.urls()[1]),
        )
        .input("ca-certs", standin.ca_pem());
    succeed(identity_provider(run, &standin), &standin);
    let exchange = &requests(&standin, "/OS-AUTH/")[0];
    assert_eq!(exchange.version, "HTTP/2");
}

#[test]
fn the_variables_of_other_tools_are_read() {
    for (access_key, secret_key) in [
        ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"),
        ("HW_ACCESS_KEY", "HW_SECRET_KEY"),
        (
            "HUAWEI_CLOUD_ACCESS_KEY_ID",
            "HUAWEI_CLOUD_SECRET_ACCESS_KEY",
        ),
    ] {
        let standin = Standin::start(World::demo());
        let run = sync(Run::github(), &standin)
            .set(access_key, DEMO_ACCESS_KEY)
            .set(secret_key, DEMO_SECRET_KEY);
        let finished = succeed(run, &standin);
        assert_logged(
            &finished,
            &format!("credentials: keys from {access_key} and {secret_key}\n"),
        );
    }
}

#[test]
fn the_sdks_variables_for_oidc_are_read() {
    let standin = Standin::start(World::demo());
    let run = || {
        sync(Run::plain(), &standin)
            .set("HUAWEICLOUD_OIDC_PROVIDER_URN", &Provider::demo().urn)
            .set("HUAWEICLOUD_OIDC_AGENCY_URN", &Agency::demo().urn)
    };
    let token = standin.id_token(SUBJECT, AUDIENCE);
    let given = run()
        .set("HUAWEICLOUD_OIDC_ID_TOKEN", &token)
        .set("HUAWEICLOUD_OIDC_SESSION_NAME", "my/session")
        .set("HUAWEICLOUD_OIDC_DURATION_SECONDS", "900");
    succeed(given, &standin);
    let body = requests(&standin, "/assume-with-oidc")[0].json();
    assert_eq!(body["agency_session_name"], "my-session");
    assert_eq!(body["duration_seconds"], 900);

    let in_file = run();
    let path = in_file.path("id-token");
    std::fs::write(&path, &token).expect("a file");
    let finished = finish(
        in_file.set("HUAWEICLOUD_OIDC_TOKEN_FILE", path.to_str().expect("UTF-8")),
        &standin,
    );
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let issued = with_issuer(run(), &standin);
    assert_eq!(finish(issued, &standin).code, Some(0));
}

#[test]
fn keys_are_renewed_before_they_expire() {
    let mut world = World::demo();
    world.agencies[0].lifetime = Some(Duration::from_secs(6));
    let standin = Standin::start(world);
    standin.set_latency(Duration::from_millis(600));
    let run = keyless(&standin)
        .input("batch-size", "1")
        .input("concurrency", "1")
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app, swr.cn-north-4.myhuaweicloud.com/team/backend/api:v1")
        .input("tags", "1.0.0,1.1.0,latest");
    let finished = finish(run, &standin);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let asked = standin.sync_requests();
    assert_eq!(asked.len(), 8);
    assert!(asked.iter().all(|request| request.verdict.is_accepted()));
    let exchanges = requests(&standin, "/assume-with-oidc").len();
    assert!((2..=5).contains(&exchanges), "{exchanges}");
    assert_logged(&finished, "renewed credentials: ");
}

#[test]
fn a_job_without_the_permission_is_told_to_ask_for_it() {
    let standin = Standin::start(World::demo());
    let run = agency(sync(Run::github(), &standin));
    fail(
        run,
        &standin,
        3,
        &["there is no id token", "id-token: write"],
    );
    let run = identity_provider(sync(Run::github(), &standin), &standin);
    fail(
        run,
        &standin,
        3,
        &["there is no id token", "id-token: write"],
    );
    assert!(standin.requests().is_empty());
}

#[test]
fn a_pull_request_from_a_fork_is_told_that_it_gets_nothing() {
    let standin = Standin::start(World::demo());
    let fork = |run: Run| {
        let path = run.path("event.json");
        let event = r#"{"pull_request":{"head":{"repo":{"full_name":"someone/octo-repo"}},"base":{"repo":{"full_name":"octo-org/octo-repo"}}}}"#;
        std::fs::write(&path, event).expect("a file");
        run.set("GITHUB_EVENT_NAME", "pull_request")
            .set("GITHUB_EVENT_PATH", path.to_str().expect("UTF-8"))
    };
    let words = [
        "a pull request from a fork started this job",
        "when the change has been merged",
    ];
    fail(
        fork(agency(sync(Run::github(), &standin))),
        &standin,
        3,
        &words,
    );
    fail(fork(sync(Run::github(), &standin)), &standin, 3, &words);
}

#[test]
fn what_sts_refuses_is_told_with_its_remedy() {
    let refused = |change: &dyn Fn(&mut World), input: Option<(&str, &str)>, words: &[&str]| {
        let mut world = World::demo();
        change(&mut world);
        let standin = Standin::start(world);
        let mut run = keyless(&standin);
        if let Some((name, value)) = input {
            run = run.input(name, value);
        }
        fail(run, &standin, 3, words);
        let tries = requests(&standin, "/assume-with-oidc").len();
        assert_eq!(tries, 1, "a refusal is not tried again");
    };
    refused(
        &|world| world.providers[0].audiences = vec!["other".to_owned()],
        None,
        &[
            "STS5.2001: STS does not accept the audience",
            "add `sts.huaweicloud.com` to the client ids",
        ],
    );
    refused(
        &|world| world.agencies[0].subjects = vec!["repo:other/repo:*".to_owned()],
        None,
        &[
            "STS5.1001: the trust policy of the agency does not let this job in",
            SUBJECT,
        ],
    );
    refused(
        &|_| {},
        Some(("oidc-provider-urn", "iam::1:oidcProvider:mistyped")),
        &[
            "STS does not know the identity provider",
            "check `oidc-provider-urn`: account and name (`mistyped`)",
        ],
    );
    refused(
        &|_| {},
        Some(("oidc-agency-urn", "iam::1:agency:mistyped")),
        &[
            "STS does not know the agency",
            "check `oidc-agency-urn`: account and name (`mistyped`)",
        ],
    );
}

#[test]
fn an_expired_id_token_is_told_with_both_times() {
    let standin = Standin::start(World::demo());
    let token = standin.id_token(SUBJECT, AUDIENCE);
    standin.set_clock_offset(SignedDuration::from_mins(10));
    let run = agency(sync(Run::plain(), &standin)).input("oidc-token", &token);
    fail(
        run,
        &standin,
        3,
        &[
            "STS says that the id token has expired",
            "is the runner's clock right? It says 20",
        ],
    );
    let run = identity_provider(sync(Run::plain(), &standin), &standin).input("oidc-token", &token);
    fail(
        run,
        &standin,
        3,
        &["IAM says that the id token has expired"],
    );
}

#[test]
fn what_iam_refuses_is_told_with_its_remedy() {
    let run = |standin: &Standin| {
        identity_provider(with_issuer(sync(Run::github(), standin), standin), standin)
    };
    let mut world = World::demo();
    world.identity_providers[0].audience = "other".to_owned();
    let standin = Standin::start(world);
    fail(
        run(&standin),
        &standin,
        3,
        &[
            "IAM does not accept the audience",
            "must be `sts.huaweicloud.com`",
        ],
    );

    let mut world = World::demo();
    world.identity_providers[0].subjects = vec!["repo:other/repo:*".to_owned()];
    let standin = Standin::start(world);
    fail(
        run(&standin),
        &standin,
        3,
        &["IAM refused the id token", "conversion rule", SUBJECT],
    );

    let standin = Standin::start(World::demo());
    let mistyped = run(&standin).input("oidc-idp-id", "gitbub");
    fail(
        mistyped,
        &standin,
        3,
        &[
            "IAM does not know the identity provider",
            "check `oidc-idp-id` (gitbub)",
        ],
    );
    let mistyped = run(&standin).input("project-id", "0123");
    fail(
        mistyped,
        &standin,
        3,
        &[
            "IAM gives no token for the project",
            "check `project-id` (0123)",
        ],
    );
}

#[test]
fn an_issuer_that_refuses_is_told_apart_from_sts() {
    let standin = Standin::start(World::demo());
    let run = keyless(&standin).set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "an-old-request-token");
    fail(
        run,
        &standin,
        3,
        &["the CI's token issuer gives no id token for the audience `sts.huaweicloud.com`"],
    );
    assert!(requests(&standin, "/assume-with-oidc").is_empty());
}

#[test]
fn a_service_that_is_busy_is_asked_again_and_then_given_up() {
    for (path, what) in [
        ("*/oidc/token", "the CI's token issuer"),
        ("*/assume-with-oidc", "STS"),
    ] {
        let standin = Standin::start(World::demo());
        let busy = Answer::gateway(503, "0201", "Backend unavailable");
        standin.fault(
            Fault::answer(busy)
                .on(Matcher::path(path))
                .when(When::First(1)),
        );
        succeed(keyless(&standin).input("retries", "1"), &standin);

        let standin = Standin::start(World::demo());
        let busy = Answer::gateway(503, "0201", "Backend unavailable");
        standin.fault(
            Fault::answer(busy)
                .on(Matcher::path(path))
                .when(When::Always),
        );
        let told = format!(
            "HTTP 503 APIGW.0201: {what} is not able to answer now: Backend unavailable (2 attempts)"
        );
        fail(
            keyless(&standin).input("retries", "1"),
            &standin,
            5,
            &[&told],
        );
    }
}

#[test]
fn a_service_that_cannot_be_reached_is_told() {
    let standin = Standin::start(World::demo());
    let run = keyless(&standin).input("sts-endpoint", "http://127.0.0.1:1");
    fail(run, &standin, 5, &["STS cannot be reached: cannot connect"]);
}

#[test]
fn an_answer_that_cannot_be_understood_is_never_shown() {
    for path in ["*/oidc/token", "*/assume-with-oidc"] {
        let standin = Standin::start(World::demo());
        let odd = Answer::text(200, "application/json", r#"{"secret":"hunter2"}"#);
        standin.fault(
            Fault::answer(odd)
                .on(Matcher::path(path))
                .when(When::Always),
        );
        let finished = fail(
            keyless(&standin),
            &standin,
            6,
            &["an answer that cannot be understood"],
        );
        assert!(!finished.stdout.contains("hunter2"), "{}", finished.stdout);
    }
}

#[test]
fn no_credentials_at_all_are_told_with_where_to_put_them() {
    let standin = Standin::start(World::demo());
    let run = sync(Run::github(), &standin)
        .input("oidc-audience", AUDIENCE)
        .set("PROJECT_ID", "codearts")
        .set("HW_SECRET_KEY", "half-a-pair-of-keys");
    fail(
        run,
        &standin,
        3,
        &[
            "HW_SECRET_KEY is set without HW_ACCESS_KEY; it is passed over",
            "there are no credentials",
            "`oidc-provider-urn` and `oidc-agency-urn`",
        ],
    );
    assert!(standin.requests().is_empty());
}

#[test]
fn two_ways_or_half_a_way_are_refused_before_anything_is_sent() {
    let standin = Standin::start(World::demo());
    let two = keyless(&standin)
        .input("access-key", DEMO_ACCESS_KEY)
        .input("secret-key", DEMO_SECRET_KEY);
    fail(
        two,
        &standin,
        2,
        &[
            "input `access-key` (from INPUT_ACCESS-KEY): `oidc-provider-urn` is given as well",
            "input `oidc-provider-urn` (from INPUT_OIDC-PROVIDER-URN): `access-key` is given as well",
        ],
    );
    let half = sync(Run::github(), &standin)
        .input("oidc-idp-id", "github")
        .set("HW_ACCESS_KEY", DEMO_ACCESS_KEY)
        .set("HW_SECRET_KEY", DEMO_SECRET_KEY);
    fail(
        half,
        &standin,
        2,
        &["input `project-id`: it is missing beside `oidc-idp-id`"],
    );
    assert!(standin.requests().is_empty());
}

#[test]
fn a_dry_run_needs_no_id_token() {
    let standin = Standin::start(World::demo());
    let run = agency(sync(Run::github(), &standin)).input("dry-run", "true");
    let finished = finish(run, &standin);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(standin.requests().is_empty());
}
