import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationPolicy, Labels, PolicyRule, PolicySource, Service } from "@fenceline/api";
import fc from "fast-check";
import { CallPolicies } from "./call-policies.ts";

type Spec = AuthorizationPolicy["spec"];

let made = 0;
function policy(namespace: string, spec: Partial<Spec>): AuthorizationPolicy {
  made += 1;
  const metadata = { namespace, name: `p${made}`, labels: {} };
  const whole = { action: "ALLOW", selector: {}, rules: [], isOfRevision: false, ...spec } as const;
  return { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec: whole };
}
const source = (given: Partial<PolicySource>): PolicySource => ({
  ...{ principals: [], namespaces: [], serviceAccounts: [], isConditional: false },
  ...given,
});
const from = (...given: readonly Partial<PolicySource>[]): PolicyRule => ({ sources: given.map(source), isConditional: false });
const A = { namespace: "shop", serviceAccount: "a" };
const B = { namespace: "shop", labels: { app: "b" } };
const ROOT = { rootNamespaces: ["istio-system"], trustDomains: ["cluster.local"] };

function verdict(policies: readonly AuthorizationPolicy[], caller: Parameters<CallPolicies["mayCall"]>[0] = A, mesh = ROOT) {
  const calls = new CallPolicies(policies);
  calls.configure(mesh);
  return calls.mayCall(caller, B);
}
const allow = (given: Partial<PolicySource>) => [policy("shop", { rules: [from(given)] })];

for (const [what, policies, wanted] of [
  ["nothing is said", [], "perhaps"],
  ["nothing is allowed", [policy("shop", {})], "certainly_denied"],
  ["nothing is allowed in the whole mesh", [policy("istio-system", {})], "certainly_denied"],
  ["nothing is allowed elsewhere", [policy("ops", {})], "perhaps"],
  ["nothing is allowed to other pods", [policy("shop", { selector: { app: "c" } })], "perhaps"],
  ["nothing is allowed to some of the pods", [policy("shop", { selector: { version: "v2" } })], "perhaps"],
  ["nothing is allowed by one control plane", [policy("shop", { isOfRevision: true })], "perhaps"],
  ["everything is refused", [policy("shop", { action: "DENY", rules: [from()] })], "certainly_denied"],
  ["a DENY has no rules", [policy("shop", { action: "DENY" })], "perhaps"],
  ["what is refused asks for more", [policy("shop", { action: "DENY", rules: [{ ...from(), isConditional: true }] })], "perhaps"],
  [
    "refused by principal",
    [policy("shop", { action: "DENY", rules: [from({ principals: ["cluster.local/ns/shop/sa/a"] })] })],
    "certainly_denied",
  ],
  ["allowed by principal", allow({ principals: ["cluster.local/ns/shop/sa/a"] }), "named"],
  ["allowed in a trust domain that may be an alias", allow({ principals: ["other/ns/shop/sa/a"] }), "perhaps"],
  ["allowed by the end, in such a domain", allow({ principals: ["*.example/ns/shop/sa/a"] }), "perhaps"],
  ["the trust domain alone is allowed", allow({ principals: ["other*"] }), "perhaps"],
  ["others of such a domain are allowed", allow({ principals: ["other/ns/ops/sa/a", "other/ns/shop/sa/b"] }), "certainly_denied"],
  ["allowed by the beginning", allow({ principals: ["cluster.local/ns/shop/*"] }), "named"],
  ["allowed by the end", allow({ principals: ["*/sa/a"] }), "perhaps"],
  ["another one is allowed by the end", allow({ principals: ["*/sa/other"] }), "certainly_denied"],
  ["any certificate is allowed", allow({ principals: ["*"] }), "perhaps"],
  ["the namespace is allowed", allow({ namespaces: ["shop"] }), "named"],
  ["namespaces like it are allowed", allow({ namespaces: ["sh*p"] }), "perhaps"],
  ["others are allowed", allow({ namespaces: ["ops", "shopping", "sh*n"] }), "certainly_denied"],
  ["the service account is allowed", allow({ serviceAccounts: ["a"] }), "named"],
  ["that of another namespace is allowed", allow({ serviceAccounts: ["ops/a"] }), "certainly_denied"],
  [
    "the namespace is allowed, and another principal",
    allow({ namespaces: ["shop"], principals: ["cluster.local/ns/shop/sa/b"] }),
    "certainly_denied",
  ],
  ["allowed from some addresses", allow({ namespaces: ["shop"], isConditional: true }), "named"],
  ["allowed, and refused", [...allow({ namespaces: ["shop"] }), policy("shop", { action: "DENY", rules: [from()] })], "certainly_denied"],
  [
    "allowed to some of the pods, where nothing else is",
    [policy("shop", {}), policy("shop", { selector: { version: "v2" }, rules: [from()] })],
    "perhaps",
  ],
  ["the root namespace names it", [policy("istio-system", { rules: [from({ namespaces: ["shop"] })] })], "perhaps"],
] as const)
  test(`issue 16: where ${what}, a call is ${wanted}`, () => assert.equal(verdict(policies), wanted));

test("issue 16: where the caller's service account is not known, what holds for any of the namespace is said", () => {
  const anybody = { namespace: "shop", serviceAccount: undefined };
  assert.equal(verdict(allow({ principals: ["cluster.local/ns/shop/sa/a"] }), anybody), "perhaps");
  assert.equal(verdict(allow({ principals: ["cluster.local/ns/ops/sa/a"] }), anybody), "certainly_denied");
  assert.equal(verdict(allow({ namespaces: ["shop"] }), anybody), "named");
});

test("issue 16: each trust domain of the mesh, and Istio's default, stands for all of them; of two root namespaces one counts", () => {
  const mesh = { ...ROOT, trustDomains: ["new.example", "old.example"] };
  for (const domain of ["new.example", "old.example", "cluster.local"])
    assert.equal(verdict(allow({ principals: [`${domain}/ns/shop/sa/a`] }), A, mesh), "named");
  assert.equal(verdict(allow({ principals: ["other.example/ns/shop/sa/a"] }), A, mesh), "perhaps");
  assert.equal(verdict([policy("istio-system", {})], A, { ...ROOT, rootNamespaces: ["istio-system", "istio-canary"] }), "perhaps");
});

test("issue 16: a Service is named once for a caller, while its policy is there; policies that came later may count alone", () => {
  const service = (name: string, labels: Labels) =>
    ({ metadata: { namespace: "shop", name }, spec: { selector: labels } }) as unknown as Service;
  const services = [service("b", { app: "b" }), service("c", { app: "c" }), service("any", {})];
  const [first] = [
    policy("shop", {
      selector: { app: "b" },
      rules: [from({ namespaces: ["shop"], isConditional: true }, { principals: ["cluster.local/ns/shop/sa/a"] })],
    }),
  ];
  const calls = new CallPolicies([first]);
  calls.configure(ROOT);
  const named = (onlyNew = false) =>
    [...calls.namedFor(A, (at) => (at === "shop" ? services : []), onlyNew)].map(({ metadata }) => metadata.name);
  assert.deepEqual([named(), named(true)], [["b"], []]);
  const whole = policy("shop", { rules: [from({ serviceAccounts: ["a"] })] });
  calls.apply([{ before: undefined, after: whole }]);
  assert.deepEqual(
    [named().sort(), named(true).sort()],
    [
      ["b", "c"],
      ["b", "c"],
    ],
  );
  assert.deepEqual([...calls.namespacesNamedIn("shop")], ["shop"]);
  calls.apply([
    { before: first, after: undefined },
    { before: whole, after: { ...whole, spec: { ...whole.spec, action: "DENY" } } },
  ]);
  assert.deepEqual([named(), [...calls.namespacesNamedIn("shop")]], [[], []]);
});

test("issue 16: of one namespace, which may name anybody, a caller is named for fifty Services", () => {
  const services = Array.from({ length: 80 }, (_, at) => {
    const name = `s${String(at).padStart(2, "0")}`;
    return { metadata: { namespace: "shop", name }, spec: { selector: { app: name } } } as unknown as Service;
  });
  const calls = new CallPolicies(allow({ namespaces: ["shop"] }));
  calls.configure(ROOT);
  assert.equal([...calls.namedFor(A, () => services)].length, 50);
});

test("T-08 of more policies in one namespace than anybody needs nothing is said", () => {
  const many = (count: number) => Array.from({ length: count }, () => policy("shop", {}));
  assert.equal(verdict(many(200)), "certainly_denied");
  assert.equal(verdict(many(201)), "perhaps");
  assert.equal(
    verdict(many(201).map(({ metadata, ...each }) => ({ ...each, metadata: { ...metadata, namespace: "istio-system" } }))),
    "certainly_denied",
  );
});

/** One call, with everything known of it. */
interface Call {
  readonly account: string;
  readonly labels: Labels;
  /** Whether conditions hold that are no callers. */
  readonly holds: boolean;
}

/** Istio's rules, read call by call. */
function isRefused(policies: readonly AuthorizationPolicy[], { account, labels, holds }: Call): boolean {
  const id = `cluster.local/ns/shop/sa/${account}`;
  const like = (pattern: string, text: string) =>
    new RegExp(
      `^${pattern
        .split("*")
        .map((part) => part.replaceAll(".", "\\."))
        .join(".*")}$`,
    ).test(text);
  const isTakenBySource = (each: PolicySource, namespace: string) =>
    (holds || !each.isConditional) &&
    (each.principals.length === 0 || each.principals.some((one) => like(one, id))) &&
    (each.namespaces.length === 0 || each.namespaces.some((one) => like(one, "shop"))) &&
    (each.serviceAccounts.length === 0 ||
      each.serviceAccounts.some((one) => (one.includes("/") ? one : `${namespace}/${one}`) === `shop/${account}`));
  const takes = ({ metadata, spec }: AuthorizationPolicy) =>
    spec.rules.some(
      ({ sources, isConditional }) =>
        (holds || !isConditional) && (sources.length === 0 || sources.some((each) => isTakenBySource(each, metadata.namespace))),
    );
  const ours = policies.filter(
    ({ metadata, spec }) =>
      ["shop", "istio-system"].includes(metadata.namespace) && Object.entries(spec.selector).every(([key, value]) => labels[key] === value),
  );
  const allowing = ours.filter(({ spec }) => spec.action === "ALLOW");
  return ours.some((each) => each.spec.action === "DENY" && takes(each)) || (allowing.length > 0 && !allowing.some(takes));
}

const ACCOUNTS = ["a", "b", "ab"];
const list = (...texts: readonly string[]) => fc.subarray([...texts], { maxLength: 2 });
const sources = fc.record({
  principals: list(
    "*",
    "cluster.local/ns/shop/sa/a",
    "cluster.local/ns/shop/*",
    "*/sa/b",
    "*b",
    "cluster.local/ns/ops/sa/a",
    "cluster.local/ns/shop/sa/a*",
  ),
  namespaces: list("shop", "ops", "s*", "*p", "x*"),
  serviceAccounts: list("a", "shop/b", "ops/a"),
  isConditional: fc.boolean(),
});
const rules = fc.record({ sources: fc.array(sources, { maxLength: 2 }), isConditional: fc.boolean() });
const policies = fc.array(
  fc
    .record({
      namespace: fc.constantFrom("shop", "istio-system", "ops"),
      action: fc.constantFrom("ALLOW" as const, "DENY" as const),
      selector: fc.constantFrom<Labels>({}, { app: "b" }, { app: "c" }, { version: "v1" }),
      rules: fc.array(rules, { maxLength: 2 }),
    })
    .map(({ namespace, ...spec }) => policy(namespace, spec)),
  { maxLength: 3 },
);

test("issue 16: what is refused for certain, Istio's rules refuse whatever the call is; and where all is known they refuse nothing else", () => {
  fc.assert(
    fc.property(policies, fc.constantFrom(...ACCOUNTS, undefined), (given, serviceAccount) => {
      const accounts = serviceAccount === undefined ? ACCOUNTS : [serviceAccount];
      const calls = accounts.flatMap((account) =>
        ["v1", "v2"].flatMap((version) => [true, false].map((holds) => ({ account, holds, labels: { ...B.labels, version } }))),
      );
      const refused = calls.filter((call) => isRefused(given, call)).length;
      const said = verdict(given, { namespace: "shop", serviceAccount });
      if (said === "certainly_denied") assert.equal(refused, calls.length);
      if (said === "named") assert.ok(given.some(({ spec }) => spec.action === "ALLOW"));
      const isKnown = given.every(
        ({ spec }) =>
          spec.selector.version === undefined &&
          !spec.rules.some((rule) => rule.isConditional || rule.sources.some((each) => each.isConditional)),
      );
      if (isKnown && serviceAccount !== undefined && refused === calls.length) assert.equal(said, "certainly_denied");
    }),
    { numRuns: 3_000 },
  );
});
