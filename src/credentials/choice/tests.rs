use super::*;
use crate::credentials::tests::{environment, inputs};

const KEYS: [(&str, &str); 2] = [("access-key", "AKTEST"), ("secret-key", "sk")];
const AGENCY: [(&str, &str); 2] = [
    ("oidc-provider-urn", "iam::1:oidcProvider:github"),
    ("oidc-agency-urn", "iam::1:agency:sync"),
];
const IDENTITY_PROVIDER: [(&str, &str); 2] = [("oidc-idp-id", "github"), ("project-id", "p")];

fn choose_from(given: &[(&str, &str)], variables: &[(&str, &str)]) -> Chosen {
    choose(&inputs(given), &environment(variables)).unwrap()
}

fn problems(given: &[(&str, &str)]) -> Vec<String> {
    let variables = environment(&[("HW_ACCESS_KEY", "AKHW"), ("HW_SECRET_KEY", "skhw")]);
    let problems = choose(&inputs(given), &variables).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

fn kind(chosen: &Chosen) -> &'static str {
    match &chosen.source {
        None => "none",
        Some(Source::Keys { .. }) => "keys",
        Some(Source::Token(_)) => "token",
        Some(Source::Agency(_)) => "agency",
        Some(Source::IdentityProvider(_)) => "identity provider",
        Some(Source::EcsAgency) => "ecs agency",
    }
}

#[test]
fn each_complete_source_is_taken() {
    for (given, expected) in [
        (&KEYS[..], "keys"),
        (&[("auth-token", "t")], "token"),
        (&AGENCY, "agency"),
        (&IDENTITY_PROVIDER, "identity provider"),
        (&[("ecs-agency", "true")], "ecs agency"),
        (&[("ecs-agency", "false")], "none"),
        (&[("project-id", "p")], "none"),
        (&[("oidc-audience", "a")], "none"),
        (&[("oidc-token", "t")], "none"),
        (&[], "none"),
    ] {
        assert_eq!(kind(&choose_from(given, &[])), expected, "{given:?}");
    }
}

#[test]
fn two_complete_sources_are_a_problem_of_each() {
    let sources = [
        &KEYS[..],
        &[("auth-token", "t")],
        &AGENCY,
        &IDENTITY_PROVIDER,
        &[("ecs-agency", "true")],
    ];
    for (index, first) in sources.iter().enumerate() {
        for second in &sources[index + 1..] {
            let found = problems(&[*first, *second].concat());
            assert_eq!(found.len(), 2, "{found:?}");
            for (problem, (own, other)) in found.iter().zip([(first, second), (second, first)]) {
                let expected = format!("input `{}` ", own[0].0);
                assert!(problem.starts_with(&expected), "{problem}");
                assert!(problem.contains(&format!("`{}` is given as well", other[0].0)));
            }
        }
    }
}

#[test]
fn half_a_source_names_the_other_half_and_nothing_else_is_taken() {
    for (given, missing) in [
        (&KEYS[..1], "secret-key"),
        (&KEYS[1..], "access-key"),
        (&[("security-token", "t")], "access-key"),
        (&AGENCY[..1], "oidc-agency-urn"),
        (&AGENCY[1..], "oidc-provider-urn"),
        (&IDENTITY_PROVIDER[..1], "project-id"),
    ] {
        let found = problems(given);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!(
                "input `{missing}`: it is missing beside `{}`",
                given[0].0
            )),
            "{found:?}"
        );
    }
}

#[test]
fn white_space_inside_a_value_is_refused_and_the_value_is_not_repeated() {
    for name in ["access-key", "secret-key", "security-token"] {
        let mut given = vec![
            ("access-key", "AK"),
            ("secret-key", "sk"),
            ("security-token", "st"),
        ];
        given.retain(|(other, _)| *other != name);
        given.push((name, "hunter\n2"));
        let found = problems(&given);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("input `{name}` ")),
            "{found:?}"
        );
        assert!(!found[0].contains("hunter"), "{found:?}");
    }
}

#[test]
fn swapped_urns_are_noticed() {
    let found = problems(&[
        ("oidc-provider-urn", AGENCY[1].1),
        ("oidc-agency-urn", AGENCY[0].1),
    ]);
    assert!(found[0].contains("are swapped"), "{found:?}");
}

#[test]
fn the_environment_is_read_in_order_and_only_without_a_source_among_the_inputs() {
    let all = [
        ("HUAWEICLOUD_SDK_AK", "AK1"),
        ("HUAWEICLOUD_SDK_SK", "sk1"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "st1"),
        ("HW_ACCESS_KEY", "AK2"),
        ("HW_SECRET_KEY", "sk2"),
        ("HW_SECURITY_TOKEN", "st2"),
        ("HUAWEI_CLOUD_ACCESS_KEY_ID", "AK3"),
        ("HUAWEI_CLOUD_SECRET_ACCESS_KEY", "sk3"),
        ("HUAWEI_CLOUD_SECURITY_TOKEN", "st3"),
        ("HUAWEICLOUD_OIDC_PROVIDER_URN", "iam::1:oidcProvider:p"),
        ("HUAWEICLOUD_OIDC_AGENCY_URN", "iam::1:agency:a"),
        ("HUAWEICLOUD_OIDC_ID_TOKEN", "jwt"),
    ];
    for family in 0..3 {
        let chosen = choose_from(&[], &all[family * 3..]);
        let Some(Source::Keys { keys, .. }) = chosen.source else {
            panic!("{chosen:?}")
        };
        let number = family + 1;
        assert_eq!(keys.access_key, format!("AK{number}"));
        assert_eq!(keys.secret_key.expose_secret(), format!("sk{number}"));
        assert_eq!(
            keys.security_token.unwrap().expose_secret(),
            format!("st{number}")
        );
        assert!(chosen.warnings.is_empty(), "{:?}", chosen.warnings);
    }
    assert_eq!(kind(&choose_from(&[], &all[9..])), "agency");
    assert_eq!(kind(&choose_from(&[("auth-token", "t")], &all)), "token");
}

#[test]
fn half_a_source_in_the_environment_is_passed_over_with_a_warning() {
    let chosen = choose_from(
        &[],
        &[
            ("HUAWEICLOUD_SDK_AK", "AK1"),
            ("HW_SECRET_KEY", "sk2"),
            ("HUAWEI_CLOUD_ACCESS_KEY_ID", "AK3"),
            ("HUAWEI_CLOUD_SECRET_ACCESS_KEY", " sk3\n"),
            ("HUAWEICLOUD_OIDC_AGENCY_URN", "iam::1:agency:a"),
        ],
    );
    let Some(Source::Keys { keys, .. }) = &chosen.source else {
        panic!("{chosen:?}")
    };
    assert_eq!(keys.secret_key.expose_secret(), "sk3");
    assert_eq!(
        chosen.warnings,
        [
            "HUAWEICLOUD_SDK_AK is set without HUAWEICLOUD_SDK_SK; it is passed over",
            "HW_SECRET_KEY is set without HW_ACCESS_KEY; it is passed over",
        ]
    );
}

#[test]
fn keys_in_the_environment_with_white_space_inside_are_passed_over_with_a_warning() {
    let chosen = choose_from(
        &[],
        &[("HW_ACCESS_KEY", "AK"), ("HW_SECRET_KEY", "hunter\n2")],
    );
    assert_eq!(kind(&chosen), "none");
    let [warning] = &chosen.warnings[..] else {
        panic!("{:?}", chosen.warnings)
    };
    assert!(
        warning.starts_with("HW_SECRET_KEY has white space inside"),
        "{warning}"
    );
    assert!(!warning.contains("hunter"), "{warning}");
}

#[test]
fn a_bare_project_id_is_never_read() {
    let variables = [("PROJECT_ID", "p"), ("HW_PROJECT_ID", "p")];
    let found = choose(&inputs(&IDENTITY_PROVIDER[..1]), &environment(&variables));
    assert!(found.is_err());
}

#[test]
fn temporary_looking_keys_without_a_token_are_warned_of() {
    let keys = [("access-key", "HSTABC"), ("secret-key", "sk")];
    let warnings = choose_from(&keys, &[]).warnings;
    assert!(warnings[0].contains("looks temporary"), "{warnings:?}");
    let with_token = [&keys[..], &[("security-token", "t")]].concat();
    assert!(choose_from(&with_token, &[]).warnings.is_empty());
}

#[test]
fn an_id_token_that_nothing_uses_is_warned_of() {
    let token = ("oidc-token", "jwt");
    let with = |given: &[(&str, &str)]| choose_from(&[given, &[token]].concat(), &[]).warnings;
    assert!(with(&AGENCY).is_empty());
    assert!(with(&IDENTITY_PROVIDER).is_empty());
    assert_eq!(with(&KEYS).len(), 1);
    assert_eq!(with(&[]).len(), 1);
}

#[test]
fn the_id_token_of_the_inputs_beats_the_issuer_of_the_job() {
    let issuer = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/?v=2"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request"),
    ];
    let id_token =
        |given: &[(&str, &str)], variables: &[(&str, &str)]| match choose_from(given, variables)
            .source
        {
            Some(Source::Agency(agency)) => agency.id_token,
            other => panic!("{other:?}"),
        };
    let given = [&AGENCY[..], &[("oidc-token", "jwt")]].concat();
    assert!(matches!(id_token(&given, &issuer), IdToken::Given(_)));
    assert!(matches!(id_token(&AGENCY, &issuer), IdToken::Issued(_)));
    assert!(matches!(
        id_token(&AGENCY, &issuer[..1]),
        IdToken::Absent(_)
    ));
}

#[test]
fn the_session_of_the_environment_has_its_duration_and_policies() {
    let agency = |more: &[(&str, &str)]| {
        let urns = [
            ("HUAWEICLOUD_OIDC_PROVIDER_URN", "iam::1:oidcProvider:p"),
            ("HUAWEICLOUD_OIDC_AGENCY_URN", "iam::1:agency:a"),
            ("HUAWEICLOUD_OIDC_TOKEN_FILE", "/var/token"),
        ];
        let chosen = choose_from(&[], &[&urns[..], more].concat());
        match chosen.source {
            Some(Source::Agency(agency)) => (agency, chosen.warnings),
            other => panic!("{other:?}"),
        }
    };
    let (plain, warnings) = agency(&[]);
    assert_eq!(plain.duration_seconds, 3600);
    assert_eq!(plain.session_name, "swr-image-sync");
    assert!(matches!(plain.id_token, IdToken::File { .. }));
    assert!(warnings.is_empty(), "{warnings:?}");
    let (full, _) = agency(&[
        ("HUAWEICLOUD_OIDC_SESSION_NAME", "my session"),
        ("HUAWEICLOUD_OIDC_DURATION_SECONDS", "900"),
        ("HUAWEICLOUD_OIDC_POLICY", "{}"),
        ("HUAWEICLOUD_OIDC_POLICY_IDS", "a, b,"),
    ]);
    assert_eq!(full.duration_seconds, 900);
    assert_eq!(full.session_name, "my-session");
    assert_eq!(full.policy.as_deref(), Some("{}"));
    assert_eq!(full.policy_ids, ["a", "b"]);
    for wrong in ["899", "43201", "1h"] {
        let (taken, warnings) = agency(&[("HUAWEICLOUD_OIDC_DURATION_SECONDS", wrong)]);
        assert_eq!(taken.duration_seconds, 3600);
        assert!(warnings[0].contains("900 to 43200"), "{warnings:?}");
    }
}
