//! Which part of the imitation a request is for.

/// A part of the imitation, with the path that is left for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// The management API of SWR in a region.
    Swr { region: &'a str, path: &'a str },
    /// STS; any region of it serves all.
    Sts(&'a str),
    /// The older IAM; any region of it serves all.
    Iam(&'a str),
    /// The CI's issuer of id tokens.
    Issuer,
    /// The handshake of the metadata service.
    MetadataToken,
    /// The keys of the metadata service.
    MetadataKey,
    /// The control API.
    Control(&'a str),
    /// Nothing that is imitated.
    Nowhere,
}

impl<'a> Route<'a> {
    /// By the vendor's host name, or by the first part of the path. A path with neither is for the home region.
    pub(crate) fn of(host: &'a str, path: &'a str, home: Option<&'a str>) -> Self {
        match path {
            "/oidc/token" => return Self::Issuer,
            "/meta-data/latest/api/token" => return Self::MetadataToken,
            "/openstack/latest/securitykey" => return Self::MetadataKey,
            _ => {}
        }
        let path = path.trim_start_matches('/');
        let host = host.split(':').next().unwrap_or_default();
        let name = host
            .strip_suffix(".myhuaweicloud.com")
            .or(host.strip_suffix(".myhuaweicloud.eu"));
        if let Some((service, region)) = name.and_then(|name| name.split_once('.')) {
            return Self::service(service, region, path);
        }
        match (path.split_once('/'), home) {
            (Some(("_standin", rest)), _) => Self::Control(rest),
            (Some(("v2", _)), Some(region)) => Self::Swr { region, path },
            (Some(("v5", _)), Some(_)) => Self::Sts(path),
            (Some(("v3.0", _)), Some(_)) => Self::Iam(path),
            (Some((service, rest)), _) => match rest.split_once('/') {
                Some((region, path)) => Self::service(service, region, path),
                None => Self::Nowhere,
            },
            (None, _) => Self::Nowhere,
        }
    }

    fn service(service: &str, region: &'a str, path: &'a str) -> Self {
        match service {
            "swr" | "swr-api" => Self::Swr { region, path },
            "sts" => Self::Sts(path),
            "iam" => Self::Iam(path),
            _ => Self::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn a_request_finds_its_part_by_host_or_by_path() {
        let local = "127.0.0.1:80";
        let regions = Route::Swr {
            region: "cn-east-3",
            path: "v2/manage/regions",
        };
        for (host, path, home, expected) in [
            (local, "/swr/cn-east-3/v2/manage/regions", None, regions),
            (
                "swr-api.cn-north-4.myhuaweicloud.com:443",
                "/v2/x",
                None,
                Route::Swr {
                    region: "cn-north-4",
                    path: "v2/x",
                },
            ),
            (
                "swr-api.eu-west-101.myhuaweicloud.eu",
                "/v2/x",
                Some("home"),
                Route::Swr {
                    region: "eu-west-101",
                    path: "v2/x",
                },
            ),
            (
                local,
                "/v2/x",
                Some("home"),
                Route::Swr {
                    region: "home",
                    path: "v2/x",
                },
            ),
            (local, "/v5/x", Some("home"), Route::Sts("v5/x")),
            (local, "/v3.0/x", Some("home"), Route::Iam("v3.0/x")),
            (local, "/v2/x", None, Route::Nowhere),
            (local, "/sts/cn-north-4/v5/x", None, Route::Sts("v5/x")),
            (
                "iam.cn-north-4.myhuaweicloud.com",
                "/v3.0/x",
                None,
                Route::Iam("v3.0/x"),
            ),
            (
                "obs.cn-north-4.myhuaweicloud.com",
                "/v3.0/x",
                None,
                Route::Nowhere,
            ),
            (local, "/oidc/token", None, Route::Issuer),
            (
                "169.254.169.254",
                "/meta-data/latest/api/token",
                None,
                Route::MetadataToken,
            ),
            (
                "169.254.169.254",
                "/openstack/latest/securitykey",
                None,
                Route::MetadataKey,
            ),
            (local, "/_standin/world", None, Route::Control("world")),
            (local, "/", None, Route::Nowhere),
        ] {
            assert_eq!(Route::of(host, path, home), expected, "{host} {path}");
        }
    }
}
