//! Each read: its exact path and query, what is taken from its answer, and where a list ends.

use std::collections::HashMap;
use std::ops::ControlFlow;

use mockito::{Mock, Server};
use serde_json::json;
use swr_image_sync::event::Event;
use swr_image_sync::names::{Namespace, Region, Repository, Tag};
use swr_image_sync::outcome::Exit;
use swr_image_sync::swr::client::Client;
use swr_image_sync::swr::error::{ApiError, ErrorKind};
use swr_image_sync::swr::reads::{Place, Reads, Tries};

use crate::client::{client, region, server};

const REPOSITORY: &str = "/v2/manage/namespaces/group/repos/team$app";

/// The names that all these tests ask for.
struct Names {
    region: Region,
    namespace: Namespace,
    repository: Repository,
}

impl Names {
    fn new() -> Self {
        Self {
            region: region(),
            namespace: "group".parse().expect("a namespace"),
            repository: "team/app".parse().expect("a repository"),
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            region: &self.region,
            namespace: &self.namespace,
            repository: &self.repository,
        }
    }
}

fn reads(client: &Client) -> Reads<'_> {
    Reads {
        client,
        tries: Tries::Configured,
        events: &|_: Event| {},
    }
}

/// One answer to one request.
async fn answer(server: &mut Server, path: &str, query: &str, body: &str) -> Mock {
    page(server, path, query, body, None).await
}

async fn page(
    server: &mut Server,
    path: &str,
    query: &str,
    body: &str,
    content_range: Option<&str>,
) -> Mock {
    let mut mock = server.mock("GET", path).expect(1).with_body(body);
    if !query.is_empty() {
        mock = mock.match_query(query);
    }
    if let Some(content_range) = content_range {
        mock = mock.with_header("content-range", content_range);
    }
    mock.create_async().await
}

async fn refusal(server: &mut Server, path: &str, status: usize, code: &str) -> Mock {
    let body = json!({"error_code": code, "error_msg": "no"}).to_string();
    let mock = server.mock("GET", path).expect(1).with_status(status);
    mock.with_body(body).create_async().await
}

fn tags(names: impl IntoIterator<Item = usize>) -> String {
    let rows = names
        .into_iter()
        .map(|name| json!({"Tag": format!("t{name}"), "digest": format!("sha256:{name}")}));
    json!(rows.collect::<Vec<_>>()).to_string()
}

fn wanted(names: &[usize]) -> Vec<Tag> {
    let names = names.iter().map(|name| format!("t{name}"));
    names.map(|name| name.parse().expect("a tag")).collect()
}

async fn find(
    server: &Server,
    names: &[usize],
) -> Result<HashMap<String, Option<String>>, ApiError> {
    let client = client(server, None);
    let of = Names::new();
    let wanted = wanted(names);
    let wanted: Vec<&Tag> = wanted.iter().collect();
    reads(&client).find_tags(of.place(), &wanted).await
}

#[tokio::test]
async fn all_tags_are_listed_page_by_page_up_to_the_total() {
    let mut server = server().await;
    let path = &format!("{REPOSITORY}/tags");
    let _first = page(
        &mut server,
        path,
        "limit=100&offset=0",
        &tags(0..100),
        Some("0-100/130"),
    )
    .await;
    let _last = page(
        &mut server,
        path,
        "limit=100&offset=100",
        &tags(100..130),
        Some("100-30/130"),
    )
    .await;
    let client = client(&server, None);
    let names = Names::new();
    let rows = reads(&client).tags(names.place()).await.expect("a list");
    assert_eq!(rows.len(), 130);
    assert_eq!(
        (rows[129].name.as_str(), rows[129].digest.as_deref()),
        ("t129", Some("sha256:129"))
    );
}

#[tokio::test]
async fn without_a_total_an_empty_page_ends_the_list() {
    let mut server = server().await;
    let path = &format!("{REPOSITORY}/tags");
    let _first = answer(&mut server, path, "limit=100&offset=0", &tags(0..50)).await;
    let _last = answer(&mut server, path, "limit=100&offset=100", "[]").await;
    let client = client(&server, None);
    let names = Names::new();
    let rows = reads(&client).tags(names.place()).await.expect("a list");
    assert_eq!(rows.len(), 50);
}

#[tokio::test]
async fn one_tag_is_asked_for_by_its_name() {
    let mut server = server().await;
    let path = &format!("{REPOSITORY}/tags/t7");
    let _tag = answer(
        &mut server,
        path,
        "",
        r#"{"tag":"t7","digest":"sha256:7","tag_type":1}"#,
    )
    .await;
    let found = find(&server, &[7]).await.expect("an answer");
    assert_eq!(
        found,
        HashMap::from([("t7".to_owned(), Some("sha256:7".to_owned()))])
    );
}

#[tokio::test]
async fn a_tag_is_missing_only_where_the_answer_is_about_the_tag() {
    for (code, kind) in [
        ("SVCSTG.SWR.4040048", None),
        ("SVCSTG.SWR.4041060", None),
        ("SVCSTG.SWR.4040010", Some(ErrorKind::NotFound)),
        ("SVCSTG.SWR.4040058", Some(ErrorKind::NotFound)),
        ("APIGW.0101", Some(ErrorKind::NotFound)),
    ] {
        let mut server = server().await;
        let _tag = refusal(&mut server, &format!("{REPOSITORY}/tags/t7"), 404, code).await;
        let found = find(&server, &[7]).await;
        match kind {
            None => assert_eq!(found.expect("an answer"), HashMap::new(), "{code}"),
            Some(kind) => {
                let error = found.expect_err(code);
                assert_eq!(error.kind, kind, "{code}");
                assert_eq!(error.is_not_there(), !code.starts_with("APIGW"), "{code}");
            }
        }
    }
}

#[tokio::test]
async fn several_tags_are_found_in_the_newest_pages_and_the_rest_by_name() {
    let newest = "limit=100&offset=0&order_column=updated_at&order_type=desc";
    let path = &format!("{REPOSITORY}/tags");
    // All on the first page of many.
    let mut all = server().await;
    let _page = page(&mut all, path, newest, &tags(0..100), Some("0-100/900")).await;
    assert_eq!(find(&all, &[1, 99]).await.expect("tags").len(), 2);

    // One is left for eight pages: it is asked for by its name.
    let mut by_name = server().await;
    let _page = page(&mut by_name, path, newest, &tags(0..100), Some("0-100/900")).await;
    let _tag = answer(
        &mut by_name,
        &format!("{path}/t700"),
        "",
        r#"{"tag":"t700","digest":"x"}"#,
    )
    .await;
    assert_eq!(find(&by_name, &[1, 700]).await.expect("tags").len(), 2);

    // Two are left for one page: it is read, and shows that one is not there.
    let mut to_the_end = server().await;
    let _page = page(
        &mut to_the_end,
        path,
        newest,
        &tags(0..100),
        Some("0-100/150"),
    )
    .await;
    let rest = &newest.replace("offset=0", "offset=100");
    let _last = page(
        &mut to_the_end,
        path,
        rest,
        &tags(100..150),
        Some("100-50/150"),
    )
    .await;
    let found = find(&to_the_end, &[1, 149, 700]).await.expect("tags");
    assert_eq!(found.len(), 2);
    assert!(!found.contains_key("t700"));
}

#[tokio::test]
async fn repositories_are_those_of_the_organization() {
    let mut server = server().await;
    let body = r#"[{"name":"app","namespace":"group","num_images":3},{"name":"team/app","namespace":"group"}]"#;
    let _page = page(
        &mut server,
        "/v2/manage/repos",
        "limit=100&namespace=group&offset=0",
        body,
        Some("0-2/2"),
    )
    .await;
    let client = client(&server, None);
    let rows = reads(&client)
        .repositories(&Names::new().namespace)
        .await
        .expect("a list");
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["app", "team/app"]);
}

#[tokio::test]
async fn an_organization_tells_what_the_caller_may_do() {
    for (body, auth) in [
        (
            r#"{"id":1,"name":"group","creator_name":"x","auth":7}"#,
            Some(7),
        ),
        (r#"{"name":"group"}"#, None),
    ] {
        let mut server = server().await;
        let _organization = answer(&mut server, "/v2/manage/namespaces/group", "", body).await;
        let client = client(&server, None);
        let names = Names::new();
        let organization = reads(&client)
            .organization(&names.region, &names.namespace)
            .await;
        assert_eq!(organization.expect("an organization").auth, auth);
    }
}

#[tokio::test]
async fn an_organization_of_another_account_is_told_apart_from_a_missing_right() {
    for (code, expected) in [("SVCSTG.SWR.4039001", true), ("SVCSTG.SWR.4030170", false)] {
        let mut server = server().await;
        let _refusal = refusal(&mut server, "/v2/manage/namespaces/group", 403, code).await;
        let client = client(&server, None);
        let names = Names::new();
        let error = reads(&client)
            .organization(&names.region, &names.namespace)
            .await;
        assert_eq!(error.expect_err(code).is_of_another_account(), expected);
    }
}

#[tokio::test]
async fn sync_regions_are_read_by_their_ids() {
    let mut server = server().await;
    let body = r#"[{"regionID":"cn-north-4"},{"registryURL":"x"},{"regionID":"cn-east-3"}]"#;
    let _regions = answer(&mut server, "/v2/manage/regions", "", body).await;
    let client = client(&server, None);
    let regions = reads(&client).sync_regions().await.expect("a list");
    assert_eq!(regions, ["cn-north-4", "cn-east-3"]);
}

#[tokio::test]
async fn sync_jobs_are_asked_for_by_the_filter_that_is_sure_to_work() {
    let mut server = server().await;
    let path = &format!("{REPOSITORY}/sync_job");
    let row = |id: usize| json!({"id": id, "createdAt": "2026-11-24T03:00:00Z", "remoteRegionId": "r", "remoteNamespace": "n", "tag": "v1", "status": "running"});
    let rows = |ids: std::ops::Range<usize>| json!(ids.map(row).collect::<Vec<_>>()).to_string();
    let filter =
        |offset: usize| format!("filter=limit%3A%3A100%7Coffset%3A%3A{offset}%7Corder%3A%3Adesc");
    let _first = page(
        &mut server,
        path,
        &filter(0),
        &rows(0..100),
        Some("0-100/500"),
    )
    .await;
    let _second = page(
        &mut server,
        path,
        &filter(100),
        &rows(100..200),
        Some("100-100/500"),
    )
    .await;
    let client = client(&server, None);
    let names = Names::new();
    let mut rests = Vec::new();
    let reads = reads(&client);
    let read = reads.sync_jobs(&names.namespace, &names.repository, |page| {
        rests.push((page.rows.len(), page.rest));
        // The third page is not asked for.
        if rests.len() == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    read.await.expect("two pages");
    assert_eq!(rests, [(100, Some(400)), (100, Some(300))]);
}

#[tokio::test]
async fn an_answer_of_another_shape_is_not_understood() {
    let mut server = server().await;
    let _regions = answer(&mut server, "/v2/manage/regions", "", "<html>login</html>").await;
    let client = client(&server, None);
    let error = reads(&client).sync_regions().await.expect_err("a web page");
    assert_eq!(
        (error.kind, error.failure.exit),
        (ErrorKind::Unreadable, Exit::Unreadable)
    );
    let remedy = error.failure.remedy.expect("a remedy");
    assert!(
        !remedy.contains("sync"),
        "a read says nothing about a sync: {remedy}"
    );
}

#[tokio::test]
async fn a_missing_right_is_named_by_the_action_that_grants_it() {
    for (path, action) in [
        (format!("{REPOSITORY}/tags/t7"), "swr:repo:getRepoTag"),
        (
            format!("{REPOSITORY}/sync_job"),
            "swr:repo:getSyncRepoJobInfo",
        ),
    ] {
        let mut server = server().await;
        let any = mockito::Matcher::Any;
        let body =
            json!({"error_code": "SVCSTG.SWR.4030170", "error_msg": "Insufficient permissions"});
        let mock = server.mock("GET", path.as_str()).match_query(any).expect(1);
        let _refusal = mock
            .with_status(403)
            .with_body(body.to_string())
            .create_async()
            .await;
        let client = client(&server, None);
        let names = Names::new();
        let reads = reads(&client);
        let error = if path.ends_with("sync_job") {
            let read = reads.sync_jobs(&names.namespace, &names.repository, |_| {
                ControlFlow::Continue(())
            });
            read.await.expect_err("403")
        } else {
            reads
                .find_tag(names.place(), &wanted(&[7])[0])
                .await
                .expect_err("403")
        };
        let remedy = error.failure.remedy.expect("a remedy");
        assert!(remedy.contains(action), "{remedy}");
    }
}

#[tokio::test]
async fn a_poll_is_tried_once() {
    let mut server = server().await;
    let mock = server
        .mock("GET", "/v2/manage/regions")
        .expect(1)
        .with_status(503);
    let _unavailable = mock.create_async().await;
    let client = client(&server, None);
    let polls = Reads {
        tries: Tries::Once,
        ..reads(&client)
    };
    let error = polls.sync_regions().await.expect_err("503");
    assert_eq!(error.kind, ErrorKind::Unavailable);
}
