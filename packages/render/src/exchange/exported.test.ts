import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnyObject, HOST_SOURCES, parseManifests, ServiceFence as Schema, SERVICE, type ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import fc from "fast-check";
import { exportedFence } from "./exported-fence.ts";
import { exportedPolicies } from "./exported-policies.ts";
import { exportedSidecar } from "./exported-sidecar.ts";

const [REVIEWS, RATINGS, DETAILS] = ["reviews", "ratings", "details"].map((name) => `${name}.shop.svc.cluster.local`) as [
  string,
  string,
  string,
];

function fenceOf(spec: object, domains: object = {}, name = "web"): ServiceFence {
  const [apiVersion, kind] = ["microservice.slime.io/v1alpha1", "ServiceFence"];
  return Schema.parse({ apiVersion, kind, metadata: { name, namespace: "shop", labels: { a: "b" } }, spec, status: { domains } });
}

function registryOf(...names: readonly string[]): Registry {
  const services = names.map(
    (name) =>
      `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: shop}, spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}}`,
  );
  const { objects } = parseManifests(services.join("\n---\n"), "services.yaml", [SERVICE]);
  return new Registry({ services: objects, endpointSlices: [] });
}

const LEARNED = { status: "ACTIVE", source: "learned", ports: [443, 80], lastSeen: "2026-11-01T00:00:00.000Z" };

test("a fence is exported with what it has learned, in the order of the hosts and without what is so by default", () => {
  const fence = fenceOf(
    { enable: true, host: { [REVIEWS]: null } },
    { [REVIEWS]: { status: "ACTIVE", source: "static" }, [DETAILS]: LEARNED },
  );
  const { object, comments } = exportedFence({ fence, status: fence.status });
  assert.deepEqual(object, {
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name: "web", namespace: "shop" },
    spec: { enable: true, host: { [DETAILS]: { stable: {} }, [REVIEWS]: { stable: {} } } },
  });
  assert.deepEqual(Object.keys(object.spec.host), [DETAILS, REVIEWS]);
  assert.deepEqual(comments, [{ path: ["spec", "host", DETAILS], text: "learned, ports 80, 443" }]);
  const [timed] = exportedFence({ fence, status: fence.status }, { times: true }).comments;
  assert.equal(timed?.text, "learned, ports 80, 443, last seen 2026-11-01T00:00:00.000Z");
});

test("what expired, what proxies need and what was preloaded and never called is not exported", () => {
  const fence = fenceOf(
    {},
    {
      a: { status: "EXPIRE", source: "learned" },
      b: { status: "ACTIVE", source: "required" },
      c: { status: "ACTIVE", source: "preloaded" },
      d: { ...LEARNED, source: "preloaded" },
    },
  );
  assert.deepEqual(exportedFence({ fence, status: fence.status }).object.spec.host, { d: { stable: {} } });
});

test("T-11 a learned host that has a name of every object, such as constructor, is exported", () => {
  const fence = fenceOf({}, { constructor: LEARNED, valueof: LEARNED });
  assert.deepEqual(Object.keys(exportedFence({ fence, status: fence.status }).object.spec.host), ["constructor", "valueof"]);
});

test("an export that is read as a fence is exported as it was", () => {
  const host = fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8}){0,3}$/);
  const domain = fc.record({
    status: fc.constantFrom("ACTIVE", "EXPIRE"),
    source: fc.constantFrom(...HOST_SOURCES),
    ports: fc.array(fc.nat(65_535)),
  });
  const strategy = fc.constantFrom(null, { stable: {} }, { auto: {} }, { deadline: { expire: { seconds: 5 } } });
  const spec = fc.record(
    {
      enable: fc.boolean(),
      mode: fc.constantFrom("Enforce", "Observe", "Off"),
      host: fc.dictionary(host, strategy),
      idleWindow: fc.constantFrom("1h", "10s"),
      tcp: fc.constantFrom("visible", "learn"),
      workloadSelector: fc.record({ fromService: fc.boolean() }),
      warmUp: fc.record({ preload: fc.constantFrom("None", "All") }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(spec, fc.dictionary(host, domain), (written, domains) => {
      const fence = fenceOf(written, domains);
      const { object } = exportedFence({ fence, status: fence.status });
      const again = Schema.parse(object);
      assert.equal(JSON.stringify(exportedFence({ fence: again, status: again.status }).object), JSON.stringify(object));
    }),
  );
});

test("a Sidecar has what the fence's workload sees, and nothing of the fallback", () => {
  const fence = fenceOf({ enable: true, host: { "bank/*": {} } }, { [DETAILS]: LEARNED });
  const input = {
    fence,
    status: fence.status,
    labels: { app: "web" },
    registry: registryOf("details"),
    istioNamespace: "istio-system",
    now: 0,
  };
  const { object, comments } = exportedSidecar(input);
  assert.deepEqual(object.spec, {
    workloadSelector: { labels: { app: "web" } },
    egress: [{ hosts: ["bank/*", "istio-system/*", `shop/${DETAILS}`] }],
  });
  assert.deepEqual(
    comments.map(({ text }) => text),
    ["declared", "Istio itself", "learned, ports 80, 443"],
  );
});

function policiesOf(callers: Parameters<typeof exportedPolicies>[0], registry: Registry) {
  return [...exportedPolicies(callers, registry, { trustDomain: "td" })].filter((policy) => policy !== undefined);
}

test("a policy names service accounts where they are known, else namespaces with a comment", () => {
  const callers = [
    { fence: { namespace: "shop", name: "web" }, hosts: ["details", REVIEWS, "nobody", "shop/*"], serviceAccount: "web-sa" },
    { fence: { namespace: "bank", name: "teller" }, hosts: [DETAILS] },
    { fence: { namespace: "bank", name: "audit" }, hosts: [DETAILS] },
  ];
  const policies = policiesOf(callers, registryOf("reviews", "details", "ratings"));
  assert.deepEqual(
    policies.map(({ object: { metadata } }) => (metadata as AnyObject["metadata"]).name),
    ["details-callers", "reviews-callers"],
  );
  const [{ object, comments } = assert.fail()] = policies;
  assert.deepEqual(object.spec, {
    selector: { matchLabels: { app: "details" } },
    action: "ALLOW",
    rules: [{ from: [{ source: { principals: ["td/ns/shop/sa/web-sa"] } }, { source: { namespaces: ["bank"] } }] }],
  });
  assert.deepEqual(
    comments.map(({ text }) => text),
    ["shop/web", "bank/audit, bank/teller: its service account is not known"],
  );
  assert.deepEqual(policiesOf(callers.toReversed(), registryOf("ratings", "details", "reviews")), policies);
  assert.equal(
    policies.some(({ object: { spec } }) => JSON.stringify(spec).includes(RATINGS)),
    false,
  );
});

test("T-12 policies of 200 callers of 200 hosts come in steps that leave others their turn", () => {
  const names = Array.from({ length: 200 }, (_, n) => `s${n}`);
  const callers = names.map((name) => ({ fence: { namespace: "shop", name }, hosts: names }));
  const steps = [...exportedPolicies(callers, registryOf(...names), { trustDomain: "td" })];
  assert.deepEqual([steps.length, steps.slice(0, 200).every((step) => step === undefined)], [400, true]);
  const comment = steps.at(-1)?.comments[0]?.text;
  assert.equal(comment?.split(", ").length, 200);
});
