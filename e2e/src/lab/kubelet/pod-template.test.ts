import assert from "node:assert/strict";
import { test } from "node:test";
import { type Container, invocation, isInjected, type PodObject, portNumber, proxyConfig } from "./pod-template.ts";

const container: Container = {
  name: "collector",
  command: ["node", "main.ts"],
  args: ["--config=/etc/fenceline/config.yaml", "--identity=$(POD_NAME).$(ELSE)"],
  env: [
    { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "POD_IPS", valueFrom: { fieldRef: { fieldPath: "status.podIPs" } } },
    { name: "A", value: "b" },
  ],
  ports: [{ name: "http-api", containerPort: 18_082 }],
  volumeMounts: [{ name: "config", mountPath: "/etc/fenceline" }],
};

function pod(metadata: Partial<PodObject["metadata"]> = {}): PodObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "fenceline", name: "collector-1", uid: "1", ...metadata },
    spec: { containers: [container] },
  };
}

test("variables of the pod are filled in, unknown ones stay, and mounted files are found where they are", () => {
  assert.deepEqual(invocation(pod(), container, { folders: new Map([["config", "/tmp/config"]]), address: "10.77.0.9" }), {
    command: ["node", "main.ts", "--config=/tmp/config/config.yaml", "--identity=collector-1.$(ELSE)"],
    env: { POD_NAME: "collector-1", POD_IPS: "10.77.0.9", A: "b" },
  });
});

test("a field that the lab does not know is an error, not an empty text", () => {
  const env = [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } }];
  assert.throws(() => invocation(pod(), { ...container, env }, { folders: new Map(), address: "10.77.0.9" }), /status\.hostIP/);
});

test("a probe's port may be a name", () => {
  assert.deepEqual([portNumber(container, "http-api"), portNumber(container, 80)], [18_082, 80]);
});

test("injection comes from the label of the pod, else of its namespace; the proxy's settings from the pod's annotation", () => {
  const enabled = { apiVersion: "v1", kind: "Namespace", metadata: { name: "n", labels: { "istio-injection": "enabled" } } };
  const injected = pod({
    labels: { "sidecar.istio.io/inject": "true" },
    annotations: { "proxy.istio.io/config": "terminationDrainDuration: 30s\n" },
  });
  const refused = pod({ labels: { "sidecar.istio.io/inject": "false" } });
  const judged = [isInjected(injected, undefined), isInjected(pod(), undefined), isInjected(pod(), enabled), isInjected(refused, enabled)];
  assert.deepEqual(judged, [true, false, true, false]);
  assert.deepEqual([proxyConfig(injected), proxyConfig(pod())], [{ terminationDrainDuration: "30s" }, {}]);
});
