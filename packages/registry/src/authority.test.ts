import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { objectAddress, parseAuthority } from "./authority.ts";

const VALID: readonly (readonly [text: string, host: string, port: number | undefined, kind: string])[] = [
  ["b", "b", undefined, "name"],
  ["b:8080", "b", 8080, "name"],
  ["b:", "b", undefined, "name"],
  ["B.Test1.SVC.cluster.local.:80", "b.test1.svc.cluster.local", 80, "name"],
  ["my_service", "my_service", undefined, "name"],
  ["10.78.111.197:65535", "10.78.111.197", 65_535, "ipv4"],
  ["[::1]:80", "::1", 80, "ipv6"],
  ["[FD00::B]", "fd00::b", undefined, "ipv6"],
  ["[fd00:0:0::0:000b]:80", "fd00::b", 80, "ipv6"],
];

for (const [text, host, port, kind] of VALID) {
  test(`${text} is ${kind} ${host}, port ${port}`, () => assert.deepEqual(parseAuthority(text), { host, port, kind }));
}

const INVALID = [
  "",
  ".",
  "a..b",
  ".a",
  "a b",
  "a\tb",
  "-a",
  "a-",
  "user@b",
  "user:pw@b",
  "b:0",
  "b:65536",
  "b:-1",
  "b:+80",
  "b:8 0",
  "b:80:80",
  "b:0x50",
  "::1",
  "[::1",
  "::1]",
  "[::1]80",
  "[b]",
  "[10.0.0.1]",
  "[::1%eth0]",
  "a/b",
  "a?b",
  "a#b",
  "a%20b",
  "b..",
  "bücher",
  "\u212aube.test1",
  "\u017fhop",
  "a\u0000",
  "127.1",
  "0x7f.1",
  "0x7f000001",
  "2130706433",
  "017700000001",
  "1.2.3.4.5",
  "256.1.1.1",
  "a".repeat(64),
  `${"a.".repeat(127)}ab`,
];

for (const text of INVALID) {
  test(`${JSON.stringify(text).slice(0, 40)} is no authority`, () => assert.equal(parseAuthority(text), undefined));
}

test("law: what is parsed and written again is parsed the same", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.domain(), fc.ipV4(), fc.string({ maxLength: 12 })),
      fc.option(fc.integer({ min: 1, max: 65_535 })),
      (host, port) => {
        const parsed = parseAuthority(port === null ? host : `${host}:${port}`);
        fc.pre(parsed !== undefined && parsed.kind !== "ipv6");
        assert.deepEqual(parseAuthority(parsed.port === undefined ? parsed.host : `${parsed.host}:${parsed.port}`), parsed);
      },
    ),
  );
});

test("T-05 an address of an object is one of one spelling, as kube-proxy reads it: octets with zeros in front are decimal", () => {
  for (const [written, address] of [
    ["010.096.0.001", "10.96.0.1"],
    ["169.254.169.0254", "169.254.169.254"],
    ["::ffff:10.0.0.3", "10.0.0.3"],
    ["::ffff:010.0.0.3", "10.0.0.3"],
    ["0:0::FFFF:a00:3", "10.0.0.3"],
    ["FD00:0::1", "fd00::1"],
    ["10.0.0.3", "10.0.0.3"],
    ["10.244.1.0/24", "10.244.1.0/24"],
    ["256.0.0.01", "256.0.0.01"],
    ["node-1", "node-1"],
    ["", ""],
  ] as const)
    assert.equal(objectAddress(written), address, written);
});
