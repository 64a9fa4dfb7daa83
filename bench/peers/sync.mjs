// One sync call by the vendor's Node SDK, as its documentation shows it.

import core from "@huaweicloud/huaweicloud-sdk-core";
import swr from "@huaweicloud/huaweicloud-sdk-swr/v2/public-api.js";

const { ACCESS_KEY, SECRET_KEY, PROJECT_ID, ENDPOINT } = process.env;
const credentials = new core.BasicCredentials().withAk(ACCESS_KEY).withSk(SECRET_KEY).withProjectId(PROJECT_ID);
const client = swr.SwrClient.newBuilder().withCredential(credentials).withEndpoint(ENDPOINT).build();
const body = new swr.CreateManualImageSyncRepoRequestBody(["1.0.0"], "team", "cn-east-3").withOverride(false);
const request = new swr.CreateManualImageSyncRepoRequest("application/json;charset=utf-8", "team", "app").withBody(body);
const response = await client.createManualImageSyncRepo(request);
if (response.httpStatusCode !== 200) throw new Error(JSON.stringify(response));
