"""SDK-HMAC-SHA256, for requests that are ready before a client is timed."""

import hashlib
import hmac
import json
import time
import urllib.parse
from dataclasses import dataclass

ACCESS_KEY = "DEMOAK0STANDIN000001"
SECRET_KEY = "DemoSecretKeyOfTheStandIn00000000000001"


@dataclass(frozen=True)
class Request:
    """A sync call as it goes over the wire."""

    address: str
    path: str
    headers: dict
    body: str

    def as_bytes(self):
        head = [f"POST {self.path} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        head.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*head, "", self.body]).encode()


def sync_request(url, call):
    """The signed request for a call `(namespace, repository, tags, region, remote namespace)`, valid for 15 minutes."""
    namespace, repository, tags, region, remote_namespace = call
    body = json.dumps(
        {"remoteRegionId": region, "remoteNamespace": remote_namespace, "imageTag": tags, "override": False},
        separators=(",", ":"),
    )
    path = f"/v2/manage/namespaces/{namespace}/repos/{urllib.parse.quote(repository, safe='')}/sync_images"
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"Host": urllib.parse.urlsplit(url).netloc, "Content-Type": "application/json", "X-Sdk-Date": date}
    signed = sorted(name.lower() for name in headers)
    values = {name.lower(): value for name, value in headers.items()}
    canonical = "\n".join(
        ["POST", path + "/", "", *[f"{name}:{values[name]}" for name in signed], "", ";".join(signed), digest(body)]
    )
    text = "\n".join(["SDK-HMAC-SHA256", date, digest(canonical)])
    signature = hmac.new(SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    return Request(url + path, path, headers, body)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
