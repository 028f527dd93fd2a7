import assert from "node:assert/strict";
import { test } from "node:test";
import { renderValve, VALVE } from "@fenceline/api/testing";
import { type GoldenRenderer, renderGoldenCase } from "./golden-case.ts";

const SECOND: GoldenRenderer = { kind: VALVE, render: (valve: Parameters<typeof renderValve>[0]) => [renderValve(valve)] };

const INPUT = `given: {}
---
apiVersion: v1
kind: Service
metadata: { name: b, namespace: test1 }
spec: { ports: [{ port: 80 }] }
---
apiVersion: test.fenceline.io/v1
kind: Valve
metadata: { name: a, namespace: test1 }
spec: { app: web, hosts: [b.test1.svc.cluster.local, c.test1.svc.cluster.local], most: 2 }
`;

const OUTPUT = `apiVersion: networking.istio.io/v1beta1
kind: Sidecar
metadata:
  name: valve-a
  namespace: test1
  labels:
    app.kubernetes.io/managed-by: fenceline
spec:
  workloadSelector:
    labels:
      app: web
  egress:
    - hosts:
        - "*/b.test1.svc.cluster.local"
        - "*/c.test1.svc.cluster.local"
`;

test("issue 14: a second kind's golden case is rendered by its renderer, a line in an argument", () => {
  assert.equal(renderGoldenCase(INPUT, "valve.in.yaml", [SECOND]), OUTPUT);
});
