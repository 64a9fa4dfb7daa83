"""One sync call by the vendor's Python SDK, as its documentation shows it."""

import os

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkswr.v2 import (
    CreateManualImageSyncRepoRequest,
    CreateManualImageSyncRepoRequestBody,
    SwrClient,
)

config = HttpConfig.get_default_config()
config.ssl_ca_cert = os.environ.get("CA_FILE")
client = (
    SwrClient.new_builder()
    .with_http_config(config)
    .with_credentials(BasicCredentials(os.environ["ACCESS_KEY"], os.environ["SECRET_KEY"], os.environ["PROJECT_ID"]))
    .with_endpoint(os.environ["ENDPOINT"])
    .build()
)
body = CreateManualImageSyncRepoRequestBody(
    image_tag=["1.0.0"], override=False, remote_namespace="team", remote_region_id="cn-east-3"
)
request = CreateManualImageSyncRepoRequest(namespace="team", repository="app", body=body)
response = client.create_manual_image_sync_repo(request)
assert response.status_code == 200, response
