import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServicePort } from "@fenceline/api";
import { portProtocol } from "./port-protocol.ts";

const CASES: readonly (readonly [port: Partial<ServicePort>, expected: string])[] = [
  [{ name: "http" }, "http"],
  [{ name: "HTTP-Web" }, "http"],
  [{ name: "http2-api" }, "http"],
  [{ name: "grpc" }, "http"],
  [{ name: "grpc-web-api" }, "http"],
  [{ name: "https-admin" }, "tcp"],
  [{ name: "tls" }, "tcp"],
  [{ name: "mysql" }, "tcp"],
  [{ name: "tcp-raw" }, "tcp"],
  [{ name: "httpx" }, "unknown"],
  [{ name: "web" }, "unknown"],
  [{}, "unknown"],
  [{ name: "tcp", appProtocol: "http" }, "http"],
  [{ name: "http", appProtocol: "TCP" }, "tcp"],
  [{ name: "x", appProtocol: "kubernetes.io/h2c" }, "http"],
  [{ name: "http", appProtocol: "kubernetes.io/wss" }, "tcp"],
  [{ name: "http", appProtocol: "example.com/own" }, "unknown"],
  [{ name: "http", protocol: "UDP" }, "tcp"],
];

for (const [port, expected] of CASES) {
  test(`${JSON.stringify(port)} is ${expected}`, () => assert.equal(portProtocol({ port: 80, protocol: "TCP", ...port }), expected));
}
