//! Addresses of the services: templates with a place for the region, https only, or loopback.

use std::net::IpAddr;

use reqwest::Url;

use crate::names::Region;

/// The address of a service, by region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The public address of a service, such as `swr-api`.
    pub fn public(service: &str) -> Self {
        Self(format!("https://{service}.{{region}}.{{domain}}"))
    }

    /// Reads an address that may hold `{region}` and a base path.
    ///
    /// # Errors
    /// What is wrong with it. User info is never repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let template = text.trim_end_matches('/');
        let sample = template.replace("{region}", "cn-north-4");
        let refuse = |why: &str| {
            format!(
                "it is not an address ({why}); write it like `https://swr-api.{{region}}.myhuaweicloud.com`"
            )
        };
        // Parsing would take more than is meant: `https:host`, backslashes for slashes, escapes in the host.
        let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
        let parts = sample
            .split_once("://")
            .filter(|(scheme, _)| is_scheme(scheme));
        let Some((_, rest)) = parts else {
            return Err(refuse("it lacks `://`"));
        };
        let is_plain =
            |character: char| character.is_ascii_graphic() && !matches!(character, '\\' | '%');
        if !rest.chars().all(is_plain) {
            return Err(refuse("it has characters that no address has"));
        }
        let url = Url::parse(&sample).map_err(|error| refuse(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address may not hold a user name or password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "`{text}` has a query or fragment; only a base path may follow the host"
            ));
        }
        // The text itself is looked at, since parsing an address resolves segments and escapes.
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        let fits = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~'))
        };
        if !path.is_empty() && !path.split('/').all(fits) {
            return Err(format!(
                "the base path of `{text}` may have letters, digits, `-`, `_`, `.` and `~` only, and no `.` or `..` segments"
            ));
        }
        match url.scheme() {
            "https" => Ok(Self(template.to_owned())),
            "http" if is_loopback(&url) => Ok(Self(template.to_owned())),
            "http" => Err(format!(
                "`{text}` is not encrypted; use `https` (`http` is taken for loopback only)"
            )),
            scheme => Err(format!("`{scheme}` is not `https`")),
        }
    }

    /// The address in a region, without a slash at its end.
    pub fn address(&self, region: &Region) -> String {
        self.0
            .replace("{region}", region.as_str())
            .replace("{domain}", region.domain())
    }

    /// Whether the address reaches every region, not the source region alone.
    pub fn serves_every_region(&self) -> bool {
        self.0.contains("{region}")
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        address.map_or(
            host == "localhost" || host.ends_with(".localhost"),
            |address| address.is_loopback(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_follows_the_site_of_the_region() {
        let endpoint = Endpoint::public("swr-api");
        assert_eq!(
            endpoint.address(&"cn-north-4".parse().unwrap()),
            "https://swr-api.cn-north-4.myhuaweicloud.com"
        );
        assert_eq!(
            endpoint.address(&"eu-west-101".parse().unwrap()),
            "https://swr-api.eu-west-101.myhuaweicloud.eu"
        );
        assert!(endpoint.serves_every_region());
    }

    #[test]
    fn a_base_path_is_kept_and_the_slash_at_the_end_is_not() {
        let endpoint = Endpoint::parse("http://127.0.0.1:8080/swr/{region}/").unwrap();
        assert_eq!(
            endpoint.address(&"cn-north-4".parse().unwrap()),
            "http://127.0.0.1:8080/swr/cn-north-4"
        );
        assert!(
            !Endpoint::parse("https://swr.example")
                .unwrap()
                .serves_every_region()
        );
    }

    #[test]
    fn what_is_not_encrypted_is_refused_beyond_loopback() {
        for taken in [
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.9.9.9",
            "https://swr.example/base",
        ] {
            assert!(Endpoint::parse(taken).is_ok(), "{taken}");
        }
        for refused in [
            "http://swr.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "swr.example",
            "http://127.0.0.1.example",
            "",
        ] {
            assert!(Endpoint::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_the_signature_could_not_cover_is_refused() {
        for refused in [
            "https://a.example/x?y=1",
            "https://a.example/#f",
            "https://a.example/%2e",
            "https://a.example/../b",
            "https://a.example/a$b",
            "https://a.example/a//b",
            "https:a.example/../b",
            "https:a.example/../b://c",
            r"https://a.example\..\b",
            "https://a.example/a\tb",
            "https://wuT\u{8b}\u{fffd}",
            "https://bücher.example",
            "https://a%AC.example",
        ] {
            assert!(Endpoint::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let message = Endpoint::parse("https://user:hunter2@swr.example").unwrap_err();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
