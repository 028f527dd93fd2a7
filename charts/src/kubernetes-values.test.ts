/**
 * Values of Kubernetes' own types: what the API server would refuse after half of a release was
 * installed is refused before.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HELM, renderChart } from "./chart.ts";

const IMAGE = ["--set", "image.repository=registry.example/fenceline"] as const;
const skip = HELM === undefined && process.env.CI !== "true" && "no Helm here: scripts/tools/install.mjs helm could not install it";

const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  "collector.extraEnv": [
    [{ name: "A", value: 1 }],
    [{ name: "A", value: true }],
    [{ nam: "A" }],
    [{ name: "A=B", value: "x" }],
    [{ name: "", value: "x" }],
    [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    [{ name: "A", valueFrom: { secretKeyRef: { name: "s" } } }],
    [{ name: "A", valueFrom: {} }],
    ["A=1"],
  ],
  "collector.livenessProbe": [
    { periodSecond: 10 },
    { periodSeconds: "10" },
    { periodSeconds: 0 },
    { successThreshold: 2 },
    { httpGet: { path: "/", port: 1 } },
  ],
  "globalSidecar.resources": [
    { limits: { memory: "lots" } },
    { limits: { memory: "1GB" } },
    { limits: { memory: "-1Gi" } },
    { limits: { memory: -1 } },
    { requests: { cpus: "1" } },
    { limit: { memory: "1Gi" } },
  ],
  "collector.extraVolumes": [
    [{ configMap: { name: "a" } }],
    [{ name: "A_B", emptyDir: {} }],
    [{ name: "a", secret: { name: "b" } }],
    [{ name: "a", emptyDir: { sizeLimit: "big" } }],
    [{ name: "a", emptyDir: {}, hostPath: { path: "/x" } }],
    [{ name: "a", confgMap: { name: "b" } }],
  ],
  "collector.extraVolumeMounts": [
    [{ name: "a" }],
    [{ name: "a", mountPath: "" }],
    [{ name: "a", mountPath: "/x", readonly: true }],
    [{ mountPath: "/x" }],
  ],
  "collector.tolerations": [
    [{ key: "a", operator: "Exist" }],
    [{ key: "a", operator: "Exists", value: "b" }],
    [{ value: "b" }],
    [{ key: "a", effect: "NoRun" }],
    [{ key: "a", tolerationSeconds: "9" }],
  ],
  "collector.nodeSelector": [{ disk: "s s d" }, { "a b": "c" }, { disk: 1 }],
  "collector.affinity": [
    { nodeAfinity: {} },
    { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } },
    { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: "a" } }] } },
    { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
  ],
  "collector.topologySpreadConstraints": [
    [{ topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }],
    [{ maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }],
    [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "Never" }],
  ],
  "collector.securityContext": [{ runAsuser: 1 }, { runAsUser: "1" }, { capabilities: { drop: "ALL" } }, { fsGroup: 1 }],
  "collector.podSecurityContext": [
    { privileged: true },
    { seccompProfile: { type: "Localhost" } },
    { seccompProfile: { type: "Default" } },
  ],
  "collector.podAnnotations": [{ "a b": "c" }, { a: 1 }],
  "collector.serviceAccount.annotations": [{ "a b": "c" }],
  "collector.priorityClassName": ["A B"],
  "image.pullSecrets": [[{ name: "A B" }], [{ name: "" }]],
  "globalSidecar.autoscaling.behavior": [
    { scaleUP: {} },
    { scaleDown: { stabilizationWindowSeconds: 3601 } },
    { scaleDown: { policies: [{ type: "Pod", value: 1, periodSeconds: 60 }] } },
  ],
  "networkPolicy.api": [
    [{}],
    [{ podSelectors: {} }],
    [{ ipBlock: { cidr: "10.0.0.0/33" } }],
    [{ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }],
  ],
  "authorization.api": [[{}], [{ namespace: ["a"] }], [{ namespaces: "a" }]],
};

const TAKEN: Readonly<Record<string, readonly unknown[]>> = {
  "collector.extraEnv": [
    [{ name: "A" }],
    [{ name: "a.b-c", value: "" }],
    [{ name: "1A", value: "1" }],
    [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
    [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } }],
    [{ name: "A", valueFrom: { configMapKeyRef: { name: "s", key: "k" } } }],
    [{ name: "A", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } }],
  ],
  "collector.livenessProbe": [{ initialDelaySeconds: 0, successThreshold: 1, terminationGracePeriodSeconds: 5 }],
  "globalSidecar.resources": [
    {
      limits: { cpu: 2, memory: "1.5Gi", "ephemeral-storage": "1e9" },
      requests: { cpu: "0.1", memory: 134217728, "hugepages-2Mi": "2Mi" },
    },
    { limits: { "example.com/device": 1, cpu: ".5", memory: "128974848000m" }, claims: [{ name: "a" }] },
  ],
  "collector.extraVolumes": [
    [{ name: "a" }],
    [{ name: "a", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } }],
    [{ name: "a", secret: { secretName: "b", defaultMode: 256, items: [{ key: "k", path: "p" }] } }],
    [{ name: "a", persistentVolumeClaim: { claimName: "b" } }],
    [{ name: "a", csi: { driver: "secrets-store.csi.k8s.io", readOnly: true } }],
    [{ name: "a", projected: { sources: [{ configMap: { name: "b" } }] } }],
  ],
  "collector.extraVolumeMounts": [[{ name: "a", mountPath: "/x", subPath: "y", readOnly: true }]],
  "collector.tolerations": [
    [{ operator: "Exists" }],
    [{ key: "a", value: "b", effect: "NoExecute", tolerationSeconds: 60 }],
    [{ key: "a", operator: "Equal", value: "b", effect: "NoSchedule" }],
  ],
  "collector.affinity": [
    {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "x" } } } },
        ],
      },
    },
  ],
  "collector.topologySpreadConstraints": [
    [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchExpressions: [{ key: "a", operator: "Exists" }] },
      },
    ],
  ],
  "collector.securityContext": [
    { runAsUser: 0, capabilities: { add: ["NET_BIND_SERVICE"] }, seccompProfile: { type: "Localhost", localhostProfile: "p" } },
  ],
  "collector.podSecurityContext": [{ fsGroup: 2000, supplementalGroups: [1], sysctls: [{ name: "net.core.somaxconn", value: "1024" }] }],
  "globalSidecar.autoscaling.behavior": [
    { scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: "Min", policies: [{ type: "Percent", value: 10, periodSeconds: 60 }] } },
  ],
  "networkPolicy.api": [
    [{ namespaceSelector: { matchLabels: { team: "a" } }, podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }],
  ],
  "authorization.api": [[{ namespaces: ["operations"], notIpBlocks: ["10.0.0.1"] }]],
};

function withValue(path: string, value: unknown) {
  return renderChart(...IMAGE, "--set-json", `${path}=${JSON.stringify(value)}`);
}

for (const [path, values] of Object.entries(REFUSED)) {
  test(`T-53 ${path} that the API server would refuse is refused by the schema`, { skip }, () => {
    for (const value of values) {
      const { code, errors } = withValue(path, value);
      assert.equal(code, 1, JSON.stringify(value));
      assert.match(errors, /values don't meet the specifications of the schema/, JSON.stringify(value));
    }
  });
}

for (const [path, values] of Object.entries(TAKEN)) {
  test(`T-53 ${path} that the API server takes is taken`, { skip }, () => {
    for (const value of values) {
      const { code, errors } = withValue(path, value);
      assert.equal(code, 0, `${JSON.stringify(value)}: ${errors}`);
    }
  });
}
