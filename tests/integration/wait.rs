//! `wait: true`: what the sync jobs and the digests tell, each path of it against the stand-in.

use standin::{Standin, World};

use crate::common::{Finished, Run};

/// A run that waits for `app` in Shanghai.
fn waiting(standin: &Standin, tags: &str) -> Run {
    Run::github()
        .against(standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app")
        .input("tags", tags)
        .input("targets", "cn-east-3")
        .input("wait", "true")
}

/// The states of the tags of the first pair, in order.
fn states(finished: &Finished) -> Vec<String> {
    let results = finished.json("results");
    let tags = results[0]["tags"].as_array().expect("tags").clone();
    tags.iter()
        .map(|tag| tag["state"].as_str().expect("a state").to_owned())
        .collect()
}

#[test]
fn a_tag_whose_job_takes_several_polls_lands() {
    let standin = Standin::start(World::demo());
    let finished = waiting(&standin, "1.0.0").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed"]);
    println!("{}", finished.stdout);
}
