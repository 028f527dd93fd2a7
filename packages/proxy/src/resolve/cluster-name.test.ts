import assert from "node:assert/strict";
import { test } from "node:test";
import { qualifiedNames } from "./cluster-name.ts";

test("a host stands for the names that a pod's search path would try, in its order", () => {
  const names = (host: string, namespace?: string) => qualifiedNames(host, namespace, "cluster.local");

  assert.deepEqual(names("b", "test1"), ["b.test1.svc.cluster.local"]);
  assert.deepEqual(names("b.test2", "test1"), ["b.test2.test1.svc.cluster.local", "b.test2.svc.cluster.local"]);
  assert.deepEqual(names("b.test2"), ["b.test2.svc.cluster.local"]);
  assert.deepEqual(names("b.test2.svc", "test1"), ["b.test2.svc.cluster.local"]);
  assert.deepEqual(names("web-0.web.test2.svc.cluster.local"), ["web-0.web.test2.svc.cluster.local"]);
});

test("a short name without a namespace stands for nothing", () => {
  assert.deepEqual(qualifiedNames("b", undefined, "cluster.local"), []);
});

test("other names are none of the cluster's", () => {
  for (const host of ["www.example.com", "b.test1.svc.other.domain", "svc.cluster.local.evil.com"]) {
    assert.equal(qualifiedNames(host, "test1", "cluster.local"), undefined, host);
  }
});
