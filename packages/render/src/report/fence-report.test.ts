import assert from "node:assert/strict";
import { test } from "node:test";
import { type FenceCondition, Service } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import fc from "fast-check";
import { fenceReport, type ReportInput, verdictOfStatus } from "./fence-report.ts";
import { entryFootprint, serviceFootprint, type VisibleHost } from "./mesh-inventory.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-11-30T00:00:00Z");

function conditionOf(type: FenceCondition["type"], status: FenceCondition["status"], reason: string = type): FenceCondition {
  return { type, status, reason, message: "…", lastTransitionTime: "2026-11-01T00:00:00Z" };
}

/** Of a fence in Observe that nothing is wrong with. */
const GOOD = [
  conditionOf("Ready", "True"),
  conditionOf("Enforced", "False", "ModeObserve"),
  conditionOf("Conflict", "False"),
  conditionOf("FallbackReady", "True"),
  conditionOf("TelemetryFlowing", "True"),
];

function hostOf(host: string, over: Partial<VisibleHost> = {}): VisibleHost {
  const name = `${host}.shop.svc.cluster.local`;
  const common = { namespace: "shop", host: name, egress: `shop/${name}`, isService: true, isTcp: false };
  return { ...common, clusters: 1, endpoints: 5, listeners: 0, ...over };
}

/** Called each hour for two days. */
function edgeOf(host: string, over: Partial<ReportInput["edges"][number]> = {}): ReportInput["edges"][number] {
  const times = { firstSeen: NOW - 48 * HOUR, lastSeen: NOW };
  return { host: `${host}.shop.svc.cluster.local`, source: "learned", ...times, requests: 49, ports: [80], ...over };
}

function inputOf(over: Partial<ReportInput> = {}): ReportInput {
  return {
    fence: { namespace: "shop", name: "web" },
    mode: "Observe",
    visible: [hostOf("cart"), hostOf("rates"), hostOf("mail", { clusters: 2, endpoints: 6 })],
    shows: ["istio-system/*", "shop/cart.shop.svc.cluster.local"],
    conditions: GOOD,
    edges: [edgeOf("cart")],
    observedUntil: NOW,
    idleWindow: 24 * HOUR,
    isService: () => true,
    ...over,
  };
}

test("a fence that was observed for long enough is ready, and says what it hides and saves", () => {
  const { fence, mode, observation, ...rest } = fenceReport(inputOf());
  assert.deepEqual(rest, {
    verdict: "Ready",
    reasons: ["Observed: for 48h, and nothing speaks against enforcing it"],
    shows: ["shop/cart.shop.svc.cluster.local"],
    hides: ["shop/mail.shop.svc.cluster.local", "shop/rates.shop.svc.cluster.local"],
    saves: { clusters: 3, endpoints: 11, listeners: 0, bytes: rest.saves.bytes, bytesError: rest.saves.bytesError },
    risks: [],
  });
  assert.ok(rest.saves.bytes > 0 && rest.saves.bytesError > 0);
  assert.deepEqual([fence.name, mode, observation.observed], ["web", "Observe", 48 * HOUR]);
});

/** Each thing that speaks against it, with the verdict and its reasons. */
const AGAINST: readonly (readonly [what: string, over: Partial<ReportInput>, verdict: string, reasons: readonly string[]])[] = [
  ["it is off", { mode: "Off", shows: undefined }, "Wait", ["ModeOff"]],
  ["nobody has judged it", { conditions: [] }, "Wait", ["NotJudgedYet"]],
  ["no call was observed", { edges: [], observedUntil: undefined }, "Wait", ["NotObserved"]],
  ["the only host was preloaded", { edges: [edgeOf("cart", { source: "preloaded", requests: 0, ports: [] })] }, "Wait", ["NotObserved"]],
  ["observed for half a window", { idleWindow: 96 * HOUR }, "Wait", ["ObservedTooShortly"]],
  ["observed for one call in a day and a bit", { edges: [edgeOf("cart", { lastSeen: NOW - 25 * HOUR })] }, "Wait", ["ObservedTooShortly"]],
  ["called twice, 40 hours apart", { edges: [edgeOf("cart", { requests: 2, lastSeen: NOW - 8 * HOUR })] }, "Wait", ["ObservedTooShortly"]],
  ["the Sidecar would be too large", { shows: undefined, refused: { reason: "TooManyHosts", message: "…" } }, "No", ["TooManyHosts"]],
  ["it is full", { conditions: [...GOOD, conditionOf("AtCapacity", "True", "MaxHostsInUse")] }, "No", ["MaxHostsInUse"]],
  ["the fallback is away", { conditions: [conditionOf("FallbackReady", "False", "NoEndpoints")] }, "Wait", ["NoEndpoints"]],
  ["the fallback is nobody's", { conditions: [conditionOf("FallbackReady", "False", "CatchAllRemoved")] }, "No", ["CatchAllRemoved"]],
  ["a Sidecar is there", { conditions: [conditionOf("Conflict", "True", "OtherSidecar")] }, "No", ["OtherSidecar"]],
  ["its proxies refuse it", { conditions: [...GOOD, conditionOf("AcceptedByProxies", "False", "Rejected")] }, "No", ["Rejected"]],
  ["nobody may ask istiod", { conditions: [...GOOD, conditionOf("AcceptedByProxies", "Unknown", "NotPermitted")] }, "Ready", ["Observed"]],
  ["telemetry is lost", { conditions: [conditionOf("TelemetryFlowing", "False", "StreamsLost")] }, "Wait", ["StreamsLost"]],
  [
    "of what passes and what does not, the worse counts",
    { conditions: [conditionOf("TelemetryFlowing", "Unknown", "NothingYet"), conditionOf("Accepted", "False", "SpecInvalid")] },
    "No",
    ["NothingYet", "SpecInvalid"],
  ],
];

for (const [what, over, verdict, reasons] of AGAINST) {
  test(`${what}: ${verdict}, for ${reasons.join(" and ")}`, () => {
    const report = fenceReport(inputOf(over));
    assert.deepEqual([report.verdict, report.reasons.map((reason) => reason.split(":", 1)[0])], [verdict, reasons]);
  });
}

test("what speaks against nothing is told by host", () => {
  const edges = [
    edgeOf("cart"),
    edgeOf("rates", { requests: 9 }),
    edgeOf("audit", { requests: 9_999 }),
    edgeOf("mail", { source: "preloaded", requests: 0, ports: [] }),
  ];
  const visible = [
    hostOf("db", { isTcp: true, listeners: 1 }),
    hostOf("ntp", { listeners: 1 }),
    entryFootprint({ namespace: "egress", host: "api.example.com" }),
  ];
  const { verdict, risks, saves } = fenceReport(inputOf({ edges, visible, isService: (host) => !host.startsWith("audit") }));
  assert.deepEqual(
    risks.map(({ reason, against, hosts }) => [reason, against, hosts]),
    [
      ["FewCalls", undefined, ["rates.shop.svc.cluster.local"]],
      ["NoService", undefined, ["audit.shop.svc.cluster.local"]],
      ["EntriesHidden", undefined, ["api.example.com"]],
      ["TcpHidden", undefined, ["db.shop.svc.cluster.local"]],
      ["Preloaded", undefined, ["mail.shop.svc.cluster.local"]],
    ],
  );
  assert.deepEqual([verdict, saves.clusters, saves.listeners], ["Ready", 2, 2]);
});

test("wildcards of the Sidecar show what they include, and the others nothing", () => {
  const visible = [
    hostOf("cart"),
    { ...hostOf("cart"), namespace: "bank", egress: "bank/cart.shop.svc.cluster.local" },
    entryFootprint({ namespace: "egress", host: "*.example.com" }),
    entryFootprint({ namespace: "egress", host: "example.org" }),
  ];
  const { hides } = fenceReport(inputOf({ visible, shows: ["shop/*", "egress/*.com", "*/*.example.org"] }));
  assert.deepEqual(hides, ["bank/cart.shop.svc.cluster.local", "egress/example.org"]);
});

/** A mesh of Services of every sort, as istiod makes clusters, endpoints and listeners of them. */
test("a Service is counted as Istio makes clusters, endpoints and listeners of it", () => {
  const slices = (name: string, addresses: readonly string[]) => ({
    apiVersion: "discovery.k8s.io/v1" as const,
    kind: "EndpointSlice" as const,
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4" as const,
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: address !== "10.0.0.9" } })),
  });
  const serviceOf = (name: string, spec: object) =>
    Service.parse({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "shop" }, spec });
  const services = [
    serviceOf("web", {
      ports: [
        { name: "http", port: 80 },
        { name: "grpc", port: 90 },
        { name: "dns", port: 53, protocol: "UDP" },
      ],
    }),
    serviceOf("db", { ports: [{ name: "tcp", port: 5432 }, { port: 8080 }] }),
    serviceOf("headless", { clusterIP: "None", ports: [{ name: "http", port: 80 }] }),
    serviceOf("alias", { type: "ExternalName", externalName: "example.com", ports: [{ port: 80 }] }),
  ];
  const endpointSlices = [
    ...["web", "db", "headless"].map((name) => slices(name, ["10.0.0.1", "10.0.0.2", "10.0.0.9"])),
  ] as unknown as ConstructorParameters<typeof Registry>[0]["endpointSlices"];
  const registry = new Registry({ services, endpointSlices });
  const counted = registry.services().map((service) => {
    const { host, clusters, endpoints, listeners, isTcp } = serviceFootprint(service, registry);
    return [host.split(".", 1)[0], clusters, endpoints, listeners, isTcp];
  });
  assert.deepEqual(counted, [
    ["alias", 0, 0, 0, false],
    ["db", 2, 4, 2, true],
    ["headless", 1, 0, 0, false],
    ["web", 2, 4, 0, false],
  ]);
});

const TYPES = ["Ready", "Conflict", "FallbackReady", "TelemetryFlowing", "AtCapacity", "Accepted", "StatusComplete"] as const;
const condition = fc.tuple(fc.constantFrom(...TYPES), fc.constantFrom("True" as const, "False" as const, "Unknown" as const));
const edge = fc.record({
  name: fc.constantFrom("a", "b", "c", "d"),
  source: fc.constantFrom("learned" as const, "preloaded" as const, "static" as const, "imported" as const),
  first: fc.nat(100 * HOUR),
  length: fc.nat(100 * HOUR),
  requests: fc.nat(50),
});
const input = fc
  .record({
    visible: fc.array(
      fc.record({ name: fc.constantFrom("a", "b", "c", "d"), clusters: fc.nat(3), endpoints: fc.nat(9), listeners: fc.nat(2) }),
    ),
    shows: fc.option(fc.array(fc.constantFrom("shop/*", "shop/a.shop.svc.cluster.local", "*/b.shop.svc.cluster.local", "bank/*"))),
    conditions: fc.array(condition),
    edges: fc.array(edge),
    mode: fc.constantFrom("Observe" as const, "Enforce" as const, "Off" as const),
    isObserved: fc.boolean(),
  })
  .map(({ visible, shows, conditions, edges, mode, isObserved }) =>
    inputOf({
      mode,
      visible: visible.map(({ name, ...counts }) => hostOf(name, counts)),
      shows: shows ?? undefined,
      conditions: conditions.map(([type, status]) => conditionOf(type, status)),
      edges: edges.map(({ name, source, first, length, requests }) =>
        edgeOf(name, { source, firstSeen: NOW - first - length, lastSeen: NOW - first, requests, ports: [] }),
      ),
      observedUntil: isObserved ? NOW : undefined,
    }),
  );

test("what is hidden and what is shown are together what is visible, each once, and nothing costs more than before", () => {
  fc.assert(
    fc.property(input, (given) => {
      const { shows, hides, saves } = fenceReport(given);
      assert.deepEqual([...shows, ...hides].sort(), given.visible.map(({ egress }) => egress).sort());
      assert.deepEqual(
        shows.filter((host) => hides.includes(host)),
        [],
      );
      for (const saved of Object.values(saves)) assert.ok(saved >= 0);
      if (hides.length === 0) assert.equal(saves.bytes, 0);
    }),
  );
});

test("a fence is ready where no risk speaks against it, and only there; then its spec is accepted and it was observed", () => {
  let ready = 0;
  fc.assert(
    fc.property(input, (given) => {
      const { verdict, risks, reasons, observation } = fenceReport(given);
      assert.ok(reasons.length > 0);
      const against = risks.flatMap((risk) => risk.against ?? []);
      assert.equal(verdict === "Ready", against.length === 0);
      assert.equal(verdictOfStatus(given, given.observedUntil).verdict, verdict);
      if (verdict !== "Ready") return assert.ok(against.includes(verdict));
      ready += 1;
      assert.notEqual(given.mode, "Off");
      assert.ok(observation.observed >= given.idleWindow && observation.observed >= 2 * observation.longestPeriod);
      assert.ok(given.conditions.every(({ type, status }) => (type === "Ready" || type === "Accepted" ? status === "True" : true)));
      assert.ok(given.conditions.every(({ type, status }) => (type === "Conflict" || type === "AtCapacity" ? status === "False" : true)));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(ready > 0);
});
