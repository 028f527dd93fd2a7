import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { COLLECTOR_AUDIENCE, meshConfigMapsOf, meshKindsFor, parseConfig, trustDomainsOf } from "@fenceline/api";
import { goldenCases } from "./chart.ts";
import { type ChartObject, objectsIn } from "./testing/chart-objects.ts";
import type {
  AuthorizationPolicy,
  Autoscaler,
  ConfigMap,
  Container,
  Deployment,
  DisruptionBudget,
  EnvoyFilter,
  NetworkPolicy,
  PeerAuthentication,
  PodTemplate,
  Role,
  RoleBinding,
  Service,
} from "./testing/object-kinds.ts";

/** Of tokens for istiod. */
const ISTIO_AUDIENCE = "istio-ca";

/**
 * Laws about what the chart renders. They read the goldens, which another test holds equal to what
 * Helm renders; so they need no Helm.
 */

/** Port of Istio's agent: metrics of the proxy and ours in one. */
const AGENT_METRICS = 15_020;
const MAIN = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

for (const { golden } of goldenCases()) {
  const objects = objectsIn(readFileSync(golden, "utf8"));
  const ofKind = <T>(...kinds: string[]) => objects.filter(({ kind }) => kinds.includes(kind)) as T[];
  const deployments = ofKind<Deployment>("Deployment");
  const templates = ofKind<{ spec: { template: PodTemplate } }>("Deployment", "Job").map(({ spec }) => spec.template);
  const services = ofKind<Service>("Service");
  const deploymentOf = (selector: Readonly<Record<string, string>>) =>
    deployments.find(({ spec }) => Object.entries(selector).every(([key, value]) => spec.template.metadata.labels[key] === value));
  const container = (deployment: string): Container => {
    const found = deployments.find(({ metadata }) => metadata.name === deployment)?.spec.template.spec.containers[0];
    assert.ok(found !== undefined, `no Deployment ${deployment}`);
    return found;
  };
  /**
   * The port that is for every workload, and the one that tells what we know; there is no other.
   */
  const portsOf = (deployment: string) => {
    const [workloads, api, ...others] = (container(deployment).ports ?? []).map(({ containerPort }) => containerPort);
    assert.deepEqual([[workloads, api], others], [deployment === "global-sidecar" ? [18_080, 18_083] : [18_081, 18_082], []]);
    return { workloads, api };
  };
  const isSmall = golden.endsWith("small.golden.yaml");
  const law = (name: string, check: () => void) => test(`${basename(golden, ".golden.yaml")}: ${name}`, check);

  law("B2.1-15 every pod keeps the restricted pod security standard and can write nowhere", () => {
    assert.ok(templates.length >= 2);
    for (const { spec } of templates) {
      assert.partialDeepStrictEqual(spec.securityContext, { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      for (const { securityContext } of spec.containers) {
        const capabilities = { drop: ["ALL"] };
        assert.partialDeepStrictEqual(securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities });
      }
      assert.deepEqual([spec.hostNetwork, spec.hostPID, spec.hostIPC], [undefined, undefined, undefined]);
      for (const volume of spec.volumes ?? []) assert.equal(volume.hostPath, undefined);
    }
  });

  law("issue 16: Services have both families where the cluster does, daemons listen on both, and no policy names addresses", () => {
    assert.ok(services.length >= 2);
    for (const { metadata, spec } of ofKind<{ metadata: { name: string }; spec: { ipFamilyPolicy?: string } }>("Service"))
      assert.equal(spec.ipFamilyPolicy, "PreferDualStack", metadata.name);
    for (const { metadata } of deployments)
      assert.ok(!container(metadata.name).args?.some((arg) => arg.startsWith("--host")), metadata.name);
    for (const policy of ofKind<object>("NetworkPolicy", "AuthorizationPolicy"))
      assert.doesNotMatch(JSON.stringify(policy), /ipBlock|cidr/i);
  });

  law("the proxy has no token of the API server", () => {
    const proxy = deployments.find(({ metadata }) => metadata.name === "global-sidecar");
    assert.equal(proxy?.spec.template.spec.automountServiceAccountToken, false);
    const bound = ofKind<RoleBinding>("RoleBinding", "ClusterRoleBinding").flatMap(({ subjects }) => subjects.map(({ name }) => name));
    assert.ok(!bound.includes("global-sidecar"));
  });

  law("issue 16: the collector alone has a token for istiod, and what it checks istiod by", () => {
    const sources = deployments.flatMap(({ metadata, spec }) =>
      (spec.template.spec.volumes ?? []).flatMap(({ name, projected }) => {
        const isForIstiod = projected?.sources.some(({ serviceAccountToken }) => serviceAccountToken?.audience === ISTIO_AUDIENCE);
        return isForIstiod === true ? [{ of: metadata.name, name }] : [];
      }),
    );
    assert.deepEqual(sources, [{ of: "fenceline-collector", name: "istiod" }]);
    const { volumeMounts = [], args } = container("fenceline-collector");
    const mount = volumeMounts.find(({ name }) => name === "istiod");
    assert.ok(args.includes(`--istiod-credentials=${mount?.mountPath}`));
  });

  law("issue 16: the collector's calls to istiods go past its own Envoy, which knows no address of theirs", () => {
    const { annotations = {} } = deployments.find(({ metadata }) => metadata.name === "fenceline-collector")?.spec.template.metadata ?? {};
    assert.equal(annotations["traffic.sidecar.istio.io/excludeOutboundPorts"], "15012");
  });

  law("T-01 the global sidecar alone has a token for the collector, good for nobody else, and the collector may have it reviewed", () => {
    const tokens = deployments.flatMap(({ metadata, spec }) =>
      (spec.template.spec.volumes ?? []).flatMap(({ name, projected }) =>
        (projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) => (token ? [{ of: metadata.name, name, ...token }] : [])),
      ),
    );
    const token = { of: "global-sidecar", name: "collector-token", path: "token", audience: COLLECTOR_AUDIENCE, expirationSeconds: 3_600 };
    assert.deepEqual(
      tokens.filter(({ audience }) => audience !== ISTIO_AUDIENCE),
      [token],
    );
    assert.equal(tokens.length, 2, "beside that one only the token for istiod");
    const { volumeMounts = [], args } = container("global-sidecar");
    const mount = volumeMounts.find(({ name }) => name === token.name);
    assert.ok(args.includes(`--collector-token-file=${mount?.mountPath}/${token.path}`));
    const reviews = ofKind<Role>("ClusterRole").flatMap(({ rules }) => rules.filter(({ resources }) => resources.includes("tokenreviews")));
    assert.deepEqual(
      reviews.map(({ verbs }) => verbs),
      [["create"]],
    );
  });

  law("both parts are injected, whatever their namespace says", () => {
    for (const { spec } of deployments) assert.equal(spec.template.metadata.labels["sidecar.istio.io/inject"], "true");
  });

  law("every Service, budget and policy selects the pods of one Deployment, and is never fenced", () => {
    for (const { metadata, spec } of services) {
      assert.ok(deploymentOf(spec.selector) !== undefined, metadata.name);
      assert.equal(metadata.labels?.["slime.io/serviceFenced"], "false");
    }
    for (const { spec } of ofKind<DisruptionBudget>("PodDisruptionBudget"))
      assert.ok(deploymentOf(spec.selector.matchLabels) !== undefined);
    for (const { spec } of ofKind<NetworkPolicy>("NetworkPolicy")) assert.ok(deploymentOf(spec.podSelector.matchLabels) !== undefined);
    for (const { spec } of deployments) assert.ok(deploymentOf(spec.selector.matchLabels) !== undefined);
  });

  law("every port of a Service is one that its container declares", () => {
    for (const { metadata, spec } of services) {
      const declared = (deploymentOf(spec.selector)?.spec.template.spec.containers[0]?.ports ?? []).flatMap((port) => [
        port.name,
        port.containerPort,
      ]);
      for (const { targetPort } of spec.ports) assert.ok(declared.includes(targetPort), `${metadata.name} ${targetPort}`);
    }
    for (const { ports, readinessProbe, livenessProbe } of deployments.flatMap(({ spec }) => spec.template.spec.containers)) {
      const names = ports?.map(({ name }) => name);
      for (const probe of [readinessProbe, livenessProbe]) assert.ok(names?.includes(probe?.httpGet.port ?? ""));
    }
  });

  law("T-01 our pods take mTLS only, and nobody may call a port that no rule names; the global sidecar may read no API", () => {
    const policies = ofKind<AuthorizationPolicy>("AuthorizationPolicy");
    const strict = ofKind<PeerAuthentication>("PeerAuthentication");
    const named = (list: readonly ChartObject[]) => list.map(({ metadata }) => metadata.name).sort();
    // `small` has them off: then nothing half-done may be left.
    const expected = isSmall ? [] : ["fenceline-collector", "global-sidecar"];
    assert.deepEqual([named(policies), named(strict)], [expected, expected]);
    for (const { metadata, spec } of strict) {
      assert.deepEqual(spec, { selector: { matchLabels: { app: metadata.name } }, mtls: { mode: "STRICT" } });
      assert.equal(deploymentOf(spec.selector.matchLabels)?.metadata.name, metadata.name);
    }
    // The release's own namespace, without the one who carries everybody's requests; and whom the
    // values add.
    const added = golden.endsWith("everything.golden.yaml") ? [{ source: { namespaces: ["operations"] } }] : [];
    const readers = [{ source: { namespaces: ["fenceline"], notPrincipals: ["*/ns/fenceline/sa/global-sidecar"] } }, ...added];
    const anybody = [{ source: { principals: ["*"] } }];
    for (const { metadata, spec } of policies) {
      const { workloads, api } = portsOf(metadata.name);
      assert.deepEqual(spec, {
        selector: { matchLabels: { app: metadata.name } },
        action: "ALLOW",
        rules: [
          { from: anybody, to: [{ operation: { ports: [`${workloads}`] } }] },
          { from: readers, to: [{ operation: { ports: [`${api}`] } }] },
        ],
      });
    }
  });

  law(
    "T-01 a NetworkPolicy lets workloads to the port that is for them, its own namespace to the API, and whoever reads metrics to Istio's agent",
    () => {
      const policies = ofKind<NetworkPolicy>("NetworkPolicy");
      assert.deepEqual(policies.map(({ metadata }) => metadata.name).sort(), isSmall ? [] : ["fenceline-collector", "global-sidecar"]);
      const namespaceOf = (labels: object) => [{ namespaceSelector: { matchLabels: labels } }];
      const everybody = [{ namespaceSelector: {} }];
      const peers = golden.endsWith("everything.golden.yaml")
        ? {
            workloads: namespaceOf({ "istio-injection": "enabled" }),
            api: namespaceOf({ "kubernetes.io/metadata.name": "operations" }),
            metrics: namespaceOf({ "kubernetes.io/metadata.name": "monitoring" }),
          }
        : { workloads: everybody, api: [{ podSelector: {} }], metrics: everybody };
      for (const { metadata, spec } of policies) {
        const { workloads, api } = portsOf(metadata.name);
        const to = (port: number | undefined) => [{ protocol: "TCP", port }];
        assert.deepEqual(spec, {
          podSelector: { matchLabels: { app: metadata.name } },
          policyTypes: ["Ingress"],
          ingress: [
            { from: peers.workloads, ports: to(workloads) },
            { from: peers.api, ports: to(api) },
            { from: peers.metrics, ports: to(AGENT_METRICS) },
          ],
        });
      }
    },
  );

  law("T-09 the collector's Envoy opens a connection for each client, unless that is switched off", () => {
    const filter = ofKind<EnvoyFilter>("EnvoyFilter").find(({ metadata }) => metadata.name === "fenceline-collector");
    assert.equal(filter === undefined, golden.endsWith("small.golden.yaml"));
    if (filter === undefined) return;
    const { workloadSelector, configPatches } = filter.spec;
    const pods = deploymentOf(workloadSelector.labels);
    const port = pods?.spec.template.spec.containers[0]?.ports?.find(({ name }) => name === "grpc-als");
    const [{ applyTo, match, patch } = assert.fail()] = configPatches;
    assert.deepEqual(
      [pods?.metadata.name, applyTo, match.cluster.portNumber, patch.value],
      ["fenceline-collector", "CLUSTER", port?.containerPort, { connection_pool_per_downstream_connection: true }],
    );
  });

  law("T-53 the rights of the uninstall Job exist only while it runs", () => {
    const rights = objects.filter(({ kind, metadata }) => metadata.name === "fenceline-withdraw" && kind !== "Job");
    const jobs = objects.filter(({ kind }) => kind === "Job");
    assert.equal(rights.length, jobs.length * 5);
    const weight = (object: ChartObject) => Number(object.metadata.annotations?.["helm.sh/hook-weight"] ?? 0);
    for (const object of [...rights, ...jobs]) {
      assert.equal(object.metadata.annotations?.["helm.sh/hook"], "pre-delete");
      assert.match(object.metadata.annotations["helm.sh/hook-delete-policy"] ?? "", /hook-succeeded/);
    }
    for (const right of rights) for (const job of jobs) assert.ok(weight(right) < weight(job));
  });

  law("T-53 where the uninstall Job fails its rights are removed all the same, and it stays for its log and status", () => {
    for (const job of objects.filter(({ kind }) => kind === "Job")) {
      const hooks = objects.filter(({ metadata }) => metadata.annotations?.["helm.sh/hook"] === "pre-delete");
      assert.deepEqual(leftByHelm(hooks, job), ["Job fenceline-withdraw"]);
    }
  });

  law("T-53 pods are scaled by the processor time of our container, not of the proxy beside it", () => {
    for (const { spec } of ofKind<Autoscaler>("HorizontalPodAutoscaler")) {
      assert.deepEqual(
        spec.metrics.map(({ type, containerResource }) => [type, containerResource.name, containerResource.container]),
        [["ContainerResource", "cpu", container("global-sidecar").name]],
      );
    }
  });

  law("nobody may do everything, read secrets, or change fences", () => {
    const rules = ofKind<Role>("Role", "ClusterRole").flatMap((role) => role.rules);
    assert.ok(rules.length > 0);
    for (const { apiGroups, resources, resourceNames, verbs } of rules) {
      for (const word of [...apiGroups, ...resources, ...verbs]) assert.ok(!word.includes("*"), word);
      for (const word of ["secrets", "pods/exec", "customresourcedefinitions"]) assert.ok(!resources.includes(word), word);
      for (const verb of ["escalate", "bind", "impersonate", "deletecollection"]) assert.ok(!verbs.includes(verb), verb);
      if (resources.includes("services") && !verbs.includes("watch")) {
        assert.deepEqual(verbs, ["patch"]);
        assert.deepEqual(resourceNames, ["global-sidecar"]);
      }
    }
    const ofRoles = rules.filter(({ resources }) => resources.includes("clusterroles"));
    assert.deepEqual(
      ofRoles.map(({ resourceNames, verbs }) => [resourceNames, verbs]),
      [[["fenceline-collector"], ["get", "list", "watch"]]],
    );
    const ofFences = rules.filter(({ resources }) => resources.includes("servicefences")).flatMap(({ verbs }) => verbs);
    assert.deepEqual([...new Set(ofFences)], ["get", "list", "watch", "create", "delete"]);
  });

  law("pods are read by the collector alone, and only where fences are made for a label of theirs", () => {
    const text = ofKind<ConfigMap>("ConfigMap").find(({ metadata }) => metadata.name === "fenceline-collector")?.data["config.yaml"];
    const kinds = meshKindsFor(parseConfig(text ?? "", "config.yaml")).map(({ name }) => name);
    const roles = ofKind<Role>("Role", "ClusterRole").filter(({ rules }) => rules.some(({ resources }) => resources.includes("pods")));
    assert.deepEqual(
      roles.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      kinds.includes("Pod") ? ["ClusterRole fenceline-collector"] : [],
    );
    for (const { verbs } of roles.flatMap(({ rules }) => rules.filter(({ resources }) => resources.includes("pods")))) {
      assert.deepEqual(verbs, ["get", "list", "watch"]);
    }
  });

  law("T-05 of ConfigMaps the collector reads Istio's MeshConfig alone, by its name and in its namespace", () => {
    const text = ofKind<ConfigMap>("ConfigMap").find(({ metadata }) => metadata.name === "fenceline-collector")?.data["config.yaml"];
    const keys = meshConfigMapsOf(parseConfig(text ?? "", "config.yaml"));
    const readers = ofKind<Role>("Role", "ClusterRole").filter(({ rules }) =>
      rules.some(({ resources }) => resources.includes("configmaps")),
    );
    assert.deepEqual(
      readers.map((role) => [role.kind, role.metadata.namespace, role.rules]),
      [
        [
          "Role",
          keys[0]?.namespace,
          [{ apiGroups: [""], resources: ["configmaps"], resourceNames: keys.map(({ name }) => name), verbs: ["get", "list", "watch"] }],
        ],
      ],
    );
    const bindings = ofKind<RoleBinding>("RoleBinding").filter(({ roleRef }) => roleRef.name === readers[0]?.metadata.name);
    assert.deepEqual(
      bindings.map(({ metadata, subjects }) => [metadata.namespace, subjects.map((subject) => subject.name)]),
      [[keys[0]?.namespace, ["fenceline-collector"]]],
    );
  });

  law("every binding binds a role and an account of the release", () => {
    const names = (kind: string) => ofKind<Role>(kind).map(({ metadata }) => metadata.name);
    for (const { roleRef, subjects } of ofKind<RoleBinding>("RoleBinding", "ClusterRoleBinding")) {
      assert.ok(names(roleRef.kind).includes(roleRef.name));
      for (const { name, namespace } of subjects) {
        assert.ok(names("ServiceAccount").includes(name));
        assert.equal(namespace, "fenceline");
      }
    }
    for (const { spec } of templates) assert.ok(names("ServiceAccount").includes(spec.serviceAccountName));
  });

  law("the configuration file is valid, and names the Services and the namespace that are rendered", () => {
    const text = ofKind<ConfigMap>("ConfigMap").find(({ metadata }) => metadata.name === "fenceline-collector")?.data["config.yaml"];
    const config = parseConfig(text ?? "", "config.yaml");
    assert.equal(config.namespace, "fenceline");
    const accounts = deployments.map(({ spec }) => spec.template.spec.serviceAccountName);
    assert.ok(accounts.includes(config.fallback.serviceAccount));
    for (const domain of trustDomainsOf(config)) assert.ok(container("global-sidecar").args.includes(`--trust-domain=${domain}`));
    for (const { service, port } of [config.fallback, config.collector]) {
      const found = services.find(({ metadata }) => metadata.name === service);
      assert.ok(
        found?.spec.ports.some((one) => one.port === port),
        `${service}:${port}`,
      );
    }
    const own = `global-sidecar.fenceline.svc.${config.clusterDomain}`;
    assert.ok(container("global-sidecar").args.includes(`--own-name=${own}`));
    assert.ok(container("global-sidecar").args.includes(`--cluster-domain=${config.clusterDomain}`));
  });

  law("every flag of a container, in a Deployment or in the uninstall Job, is one that its command has", () => {
    for (const { command, args } of templates.flatMap(({ spec }) => spec.containers)) {
      assert.deepEqual(command, ["node", "packages/cli/src/main.ts"]);
      const [name = "", ...flags] = args;
      const help = execFileSync(process.execPath, [MAIN, name, "--help"], { encoding: "utf8" });
      for (const flag of flags) assert.match(help, new RegExp(`^ +${flag.split("=", 1)[0]} `, "m"), `${name} ${flag}`);
    }
  });

  law("a pod outlives its drain, and Istio's proxy in it does too", () => {
    const template = deployments.find(({ metadata }) => metadata.name === "global-sidecar")?.spec.template;
    const seconds = (flag: string) =>
      Number(/=(\d+)s$/.exec(container("global-sidecar").args.find((arg) => arg.startsWith(`--${flag}=`)) ?? "")?.[1]);
    const drain = seconds("drain-delay") + seconds("drain");
    assert.ok((template?.spec.terminationGracePeriodSeconds ?? 0) > drain);
    assert.match(template?.metadata.annotations["proxy.istio.io/config"] ?? "", new RegExp(`^terminationDrainDuration: ${drain}s$`, "m"));
  });
}

/**
 * What Helm (3.18 to 4) leaves of hooks of which one fails: that one, and those that came before
 * it, unless their policies say otherwise. Those behind it are never made (helm/helm,
 * `pkg/action/hooks.go`).
 */
function leftByHelm(hooks: readonly ChartObject[], failing: ChartObject): string[] {
  const annotation = ({ metadata }: ChartObject, name: string) => metadata.annotations?.[`helm.sh/hook-${name}`];
  const order = hooks.toSorted((a, b) => Number(annotation(a, "weight") ?? 0) - Number(annotation(b, "weight") ?? 0));
  const made = order.slice(0, order.indexOf(failing) + 1);
  const isDeleted = (hook: ChartObject) =>
    annotation(hook, "delete-policy")
      ?.split(",")
      .includes(hook === failing ? "hook-failed" : "hook-succeeded") === true;
  return made.filter((hook) => !isDeleted(hook)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}
