import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PROJECT } from "../places.ts";
import { envoyBinary } from "./envoy.ts";
import { istioFile } from "./istio.ts";
import { ENVOYS, ISTIOS } from "./releases.ts";

test("docs/install.md lists the releases that ran, and no other", () => {
  const document = readFileSync(join(PROJECT, "docs", "install.md"), "utf8");
  const rows = [...document.matchAll(/^\| (?<istio>\d+\.\d+), source of (?<month>[\d-]+) +\| (?<envoys>[\d., ]+?) +\|$/gm)];
  const listed = rows.map(({ groups }) => [groups?.istio, groups?.month, groups?.envoys?.split(", ")]);
  const ran = ISTIOS.filter(({ ranWith }) => ranWith.length > 0);
  assert.deepEqual(
    listed,
    ran.map(({ name, version, ranWith }) => [/^\d+\.\d+/.exec(version)?.[0], name, ranWith]),
  );
});

test("what ran is pinned in the tables", () => {
  const pinned = ENVOYS.map(({ version }) => version);
  for (const { ranWith } of ISTIOS) for (const version of ranWith) assert.ok(pinned.includes(version), version);
});

test("each release has a place of its own", () => {
  const places = [...ENVOYS.map(envoyBinary), ...ISTIOS.flatMap((istio) => [istioFile(istio, "istiod"), istioFile(istio, "definitions")])];
  assert.equal(new Set(places).size, ENVOYS.length + 2 * ISTIOS.length);
});
