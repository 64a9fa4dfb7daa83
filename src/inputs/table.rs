//! The one table of inputs. `--help`, action.yml, both READMEs and the reader of the environment follow it; a test
//! holds them together.

/// What an input is for; the order is that of help and README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What was pushed.
    Images,
    /// Where it goes.
    Targets,
    /// Who asks.
    Credentials,
    /// Where the services are.
    Connection,
    /// How the calls are made.
    Calls,
    /// What is shown and written.
    Reports,
}

impl Group {
    /// All groups, in order, with their headings.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Images, "What was pushed"),
        (Self::Targets, "Where to sync it"),
        (Self::Credentials, "Credentials (exactly one way)"),
        (Self::Connection, "Addresses and certificates"),
        (Self::Calls, "How the sync is done"),
        (Self::Reports, "Reports"),
    ];
}

/// One input.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Its name as in action.yml, in kebab case.
    pub name: &'static str,
    /// What it is for.
    pub group: Group,
    /// Its default as a user would write it, or what stands in for it; empty where there is none.
    pub default: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
    /// What it means, for someone new.
    pub help: &'static str,
}

const fn input(
    group: Group,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Input {
    Input {
        name,
        group,
        default,
        secret: false,
        help,
    }
}

const fn secret(group: Group, name: &'static str, help: &'static str) -> Input {
    Input {
        name,
        group,
        default: "",
        secret: true,
        help,
    }
}

use Group::{Calls, Connection, Credentials, Images, Reports, Targets};

/// All inputs, in the order of the contract.
pub const INPUTS: [Input; 43] = [
    input(
        Images,
        "images",
        "",
        "What was pushed: references such as `swr.cn-north-4.myhuaweicloud.com/group/app:v1`, one a line; or the `json` output of docker/metadata-action, or the `metadata` output of docker/build-push-action or docker/bake-action. A reference without a tag takes every entry of `tags`. References to other registries are left out. `*`, `?` and `[` in repository or tag match what exists; `…/group/*:*` is the whole organization.",
    ),
    input(
        Images,
        "region",
        "from `images`",
        "Region the images were pushed to, such as `cn-north-4`; images of other regions are left out. Not given, it is read from `images`, else from the variables HUAWEI_CLOUD_REGION and HW_REGION_NAME.",
    ),
    input(
        Images,
        "namespace",
        "",
        "Organization of a single repository that is given by parts instead of, or beside, `images`.",
    ),
    input(
        Images,
        "repository",
        "",
        "Repository within `namespace`, without registry and tag; it may be nested (`team/app`).",
    ),
    input(
        Images,
        "tags",
        "",
        "Tags of `repository`, and of those references in `images` that have none, one a line or with commas between; patterns are allowed.",
    ),
    input(
        Images,
        "exclude-tags",
        "",
        "Tags to leave out, by name or pattern.",
    ),
    input(
        Images,
        "registry",
        "swr.{region}.myhuaweicloud.com",
        "Registry host, for clouds that have another; `{region}` stands for the region. In the EU it ends with `.eu`.",
    ),
    input(
        Targets,
        "targets",
        "",
        "Where to: `<region>` or `<region>/<namespace>`, one a line. Without a namespace the image's own organization is used.",
    ),
    input(
        Targets,
        "remote-region-id",
        "",
        "Region of a single target, instead of `targets`.",
    ),
    input(
        Targets,
        "remote-namespace",
        "the image's own",
        "Organization in `remote-region-id`.",
    ),
    input(
        Targets,
        "override",
        "false",
        "Replace a different image that has the same tag in the target.",
    ),
    input(
        Credentials,
        "access-key",
        "",
        "Access key id (AK) of an IAM user, with `secret-key`. Without any credentials among the inputs, the variables of other tools are read: HUAWEICLOUD_SDK_AK, HW_ACCESS_KEY, HUAWEI_CLOUD_ACCESS_KEY_ID.",
    ),
    secret(
        Credentials,
        "secret-key",
        "Secret access key (SK) that belongs to `access-key`.",
    ),
    secret(
        Credentials,
        "security-token",
        "Security token of temporary keys.",
    ),
    secret(
        Credentials,
        "auth-token",
        "Project-scoped IAM token, instead of keys.",
    ),
    input(
        Credentials,
        "oidc-provider-urn",
        "",
        "Keyless, with `oidc-agency-urn`: identity provider in IAM, `iam::<account-id>:oidcProvider:<name>`. In GitHub the job needs `permissions: id-token: write`.",
    ),
    input(
        Credentials,
        "oidc-agency-urn",
        "",
        "Keyless: agency to assume, `iam::<account-id>:agency:<name>`.",
    ),
    input(
        Credentials,
        "oidc-idp-id",
        "",
        "Keyless in accounts on the older IAM: id of the identity provider, with `project-id`.",
    ),
    input(
        Credentials,
        "project-id",
        "",
        "Project of the source region; needed with `oidc-idp-id`, else only where an account has several in one region.",
    ),
    input(
        Credentials,
        "oidc-audience",
        "sts.huaweicloud.com",
        "Audience to ask an id token for; one of the client ids of the identity provider.",
    ),
    secret(
        Credentials,
        "oidc-token",
        "The id token itself, where the CI puts it into a variable (GitLab, CircleCI). In GitHub it is fetched.",
    ),
    input(
        Credentials,
        "ecs-agency",
        "false",
        "Take temporary keys from the ECS host that the runner is on, for self-hosted runners.",
    ),
    input(
        Connection,
        "endpoint",
        "https://swr-api.{region}.myhuaweicloud.com",
        "Address of the SWR API; `{region}` stands for the region, and without it only the source region is served. In the EU it ends with `.eu`.",
    ),
    input(
        Connection,
        "sts-endpoint",
        "https://sts.{region}.myhuaweicloud.com",
        "Address of STS, for the keyless way. Where the source region has no STS, that of cn-north-4 is asked.",
    ),
    input(
        Connection,
        "iam-endpoint",
        "https://iam.{region}.myhuaweicloud.com",
        "Address of IAM, for the keyless way of the older IAM.",
    ),
    input(
        Connection,
        "ca-certs",
        "",
        "Extra root certificates as PEM text, beside the built-in ones.",
    ),
    input(
        Calls,
        "preflight",
        "false",
        "Before the first sync call, check that SWR syncs to the target region, that the target organization exists and that the source tags exist.",
    ),
    input(
        Calls,
        "wait",
        "false",
        "After the calls, wait until every tag has landed in every target, and fail for each that has not. Without it, success means that SWR accepted the sync.",
    ),
    input(
        Calls,
        "wait-timeout",
        "10m",
        "How long `wait` may take in all.",
    ),
    input(Calls, "timeout", "60s", "How long one request may take."),
    input(
        Calls,
        "retries",
        "3",
        "Further tries of one call (0 to 10), because it failed or tags in its answer did.",
    ),
    input(
        Calls,
        "concurrency",
        "4",
        "Requests under way at once (1 to 64).",
    ),
    input(
        Calls,
        "batch-size",
        "100",
        "Tags in one request (1 to 1000).",
    ),
    input(
        Calls,
        "fail-fast",
        "false",
        "Start nothing new after the first failure, instead of trying everything.",
    ),
    input(
        Calls,
        "dry-run",
        "false",
        "Print the sync requests that would be sent, and send none. Needs no credentials, unless patterns or `preflight` have to read.",
    ),
    input(
        Reports,
        "summary",
        "true",
        "Write the job summary, where the CI has one.",
    ),
    input(
        Reports,
        "report-junit",
        "",
        "Path of a JUnit report to write.",
    ),
    input(
        Reports,
        "report-json",
        "",
        "Path of a JSON report to write; docs/report.schema.json describes it.",
    ),
    input(
        Reports,
        "report-dotenv",
        "",
        "Path of a dotenv file with the outputs (GitLab `artifacts: reports: dotenv`) to write.",
    ),
    input(
        Reports,
        "report-markdown",
        "",
        "Path of the summary as a Markdown file to write.",
    ),
    input(
        Reports,
        "results-dir",
        "",
        "Folder that gets one file per output, raw value, no newline (Tekton results).",
    ),
    input(
        Reports,
        "ci",
        "auto",
        "CI system to write for, where it is not recognised: github, gitea, forgejo, gitlab, azure, bitbucket, codearts, harness, woodpecker, drone, buildkite, teamcity, circleci, jenkins or plain.",
    ),
    input(
        Reports,
        "log-level",
        "info",
        "How much to log: error, warn, info or debug.",
    ),
];

/// The input of a name in kebab case.
pub fn find(name: &str) -> Option<&'static Input> {
    INPUTS.iter().find(|input| input.name == name)
}

/// The default of an input as the table has it; empty for a name that is not in the table.
pub fn default(name: &str) -> &'static str {
    find(name).map_or("", |input| input.default)
}
