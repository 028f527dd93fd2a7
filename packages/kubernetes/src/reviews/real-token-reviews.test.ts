/** Reviews of tokens by a real kube-apiserver. FENCELINE_KUBECONFIG names its kubeconfig. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { KubernetesApi } from "../client/kubernetes-api.ts";
import { kubeConfigLoader } from "../client/load-kube-config.ts";
import { collectionPath, objectPath } from "../client/resource.ts";
import { NAMESPACES } from "../testing/resources.ts";
import { TokenReviews } from "./token-reviews.ts";

const { FENCELINE_KUBECONFIG: kubeconfig } = process.env;
const skip = kubeconfig === undefined ? "FENCELINE_KUBECONFIG names no kubeconfig of an API server to test against" : false;
const AUDIENCE = "fenceline-collector";

/** A service account of its own for a test. */
async function setUp(t: TestContext) {
  const api = new KubernetesApi(await kubeConfigLoader(kubeconfig));
  const namespace = `fenceline-test-${randomUUID().slice(0, 8)}`;
  await api.json({ method: "POST", path: collectionPath(NAMESPACES), body: { metadata: { name: namespace } } });
  t.after(async () => {
    await api.json({ method: "DELETE", path: objectPath(NAMESPACES, { name: namespace }) });
    api.close();
  });
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await api.json({ method: "POST", path: accounts, body: { metadata: { name: "global-sidecar" } } });
  const tokenFor = async (...audiences: readonly string[]) => {
    const spec = { expirationSeconds: 600, ...(audiences.length > 0 && { audiences }) };
    const answer = await api.json({ method: "POST", path: `${accounts}/global-sidecar/token`, body: { spec } });
    return (answer as { status: { token: string } }).status.token;
  };
  const remove = () => api.json({ method: "DELETE", path: `${accounts}/global-sidecar` });
  return { namespace, tokenFor, remove, reviews: () => new TokenReviews({ api, audience: AUDIENCE }) };
}

test("T-01 a real API server says whose a token for our audience is, and knows none for another", { skip }, async (t) => {
  const { namespace, tokenFor, reviews } = await setUp(t);
  const user = `system:serviceaccount:${namespace}:global-sidecar`;
  assert.equal(await reviews().userOf(await tokenFor(AUDIENCE)), user);
  assert.equal(await reviews().userOf(await tokenFor("other", AUDIENCE)), user);
  assert.equal(await reviews().userOf(await tokenFor("other")), undefined);
  assert.equal(await reviews().userOf(await tokenFor()), undefined, "a token for the API server itself");
  const token = await tokenFor(AUDIENCE);
  assert.equal(await reviews().userOf(`${token.slice(0, -8)}AAAAAAAA`), undefined, "a signature that is not the server's");
});

test("T-01 a token outlives its service account for a minute at most: a review that is not remembered fails", { skip }, async (t) => {
  const { tokenFor, remove, reviews } = await setUp(t);
  const token = await tokenFor(AUDIENCE);
  const remembering = reviews();
  assert.notEqual(await remembering.userOf(token), undefined);
  await remove();
  let user: string | undefined;
  do user = await reviews().userOf(token);
  while (user !== undefined);
  assert.notEqual(await remembering.userOf(token), undefined);
});
