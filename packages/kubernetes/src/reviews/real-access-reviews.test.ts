/** Reviews of rights by a real kube-apiserver. FENCELINE_KUBECONFIG names its kubeconfig. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { KubernetesApi } from "../client/kubernetes-api.ts";
import { kubeConfigLoader } from "../client/load-kube-config.ts";
import { collectionPath, objectPath } from "../client/resource.ts";
import { NAMESPACES } from "../testing/resources.ts";
import { AccessReviews } from "./access-reviews.ts";
import { TokenReviews } from "./token-reviews.ts";

const { FENCELINE_KUBECONFIG: kubeconfig } = process.env;
const skip = kubeconfig === undefined ? "FENCELINE_KUBECONFIG names no kubeconfig of an API server to test against" : false;
const AUDIENCE = "fenceline-collector";
const FENCES = { group: "microservice.slime.io", resource: "servicefences" };

/** A service account that may get and list fences of its own namespace. */
async function setUp(t: TestContext) {
  const api = new KubernetesApi(await kubeConfigLoader(kubeconfig));
  const namespace = `fenceline-test-${randomUUID().slice(0, 8)}`;
  const post = (path: string, body: object) => api.json({ method: "POST", path, body });
  await post(collectionPath(NAMESPACES), { metadata: { name: namespace } });
  t.after(async () => {
    await api.json({ method: "DELETE", path: objectPath(NAMESPACES, { name: namespace }) });
    api.close();
  });
  await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "reader" } });
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const rules = [{ apiGroups: [FENCES.group], resources: [FENCES.resource], verbs: ["get", "list"] }];
  await post(`${rbac}/roles`, { metadata: { name: "reader" }, rules });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
  // By the group, which a review is told of only if the token's review was read whole.
  const subjects = [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: `system:serviceaccounts:${namespace}` }];
  await post(`${rbac}/rolebindings`, { metadata: { name: "reader" }, roleRef, subjects });
  const spec = { expirationSeconds: 600, audiences: [AUDIENCE] };
  const answer = await post(`/api/v1/namespaces/${namespace}/serviceaccounts/reader/token`, { spec });
  const { token } = (answer as { status: { token: string } }).status;
  const user = await new TokenReviews({ api, audience: AUDIENCE }).authenticate(token);
  assert.ok(user !== undefined);
  return { namespace, may: (attributes: object) => new AccessReviews({ api }).may(user, { ...FENCES, verb: "get", ...attributes }) };
}

test("issue 14: a real API server says what the owner of a token may do, in which namespace, by its groups too", { skip }, async (t) => {
  const { namespace, may } = await setUp(t);
  // The authorizer learns of a RoleBinding by a watch.
  await until(() => may({ namespace, verb: "list" }));
  assert.equal(await may({ namespace, name: "a" }), true);
  for (const other of [
    { namespace, verb: "delete" },
    { namespace, resource: "secrets" },
    { namespace, group: "" },
    { namespace: "default" },
    {},
  ]) {
    assert.equal(await may(other), false, JSON.stringify(other));
  }
});
