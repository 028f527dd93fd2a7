import assert from "node:assert/strict";
import { test } from "node:test";
import { type Authority, parseAuthority } from "@fenceline/registry";
import { toAddress } from "../resolve/resolver.ts";
import { hostFields } from "./host-fields.ts";

const B = "b.test1.svc.cluster.local";
const CLUSTER_IP = "10.96.0.1";

function fields(authority: string, known: string | undefined, port = 80): (string | undefined)[] {
  const { host, original } = hostFields(authority, parseAuthority(authority) as Authority, toAddress(CLUSTER_IP, port, known));
  return [host, original];
}

test("a short name goes on under the name that the proxy's own Envoy knows, with the caller's Host beside it", () => {
  assert.deepEqual(fields("b", B), [B, "b"]);
  assert.deepEqual(fields("B:8080", B, 8_080), [`${B}:8080`, "B:8080"]);
});

test("a made-up host goes on under the address that was dialled", () => {
  assert.deepEqual(fields("made-up", CLUSTER_IP), [CLUSTER_IP, "made-up"]);
  assert.deepEqual(fields("made-up", "fd00::1", 8_080), ["[fd00::1]:8080", "made-up"]);
});

test("a host that its Envoy knows as it stands is not touched: fully qualified, in any case, with a trailing dot or a port, or an address", () => {
  for (const authority of [B, B.toUpperCase(), `${B}.`, `${B}:80`]) assert.deepEqual(fields(authority, B), [authority, undefined]);
  assert.deepEqual(fields(CLUSTER_IP, CLUSTER_IP), [CLUSTER_IP, undefined]);
  assert.deepEqual(fields("[fd00::1]:8080", "fd00::1", 8_080), ["[fd00::1]:8080", undefined]);
});

test("nor is one where no Envoy routes by Host, or that is no service", () => {
  assert.deepEqual(fields("b", undefined), ["b", undefined]);
  assert.equal(hostFields("b", parseAuthority("b") as Authority, undefined).host, "b");
});
