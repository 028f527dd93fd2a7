import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { slimeBootValues, slimeModuleValues } from "./slime-boot.ts";
import { SLIME_BOOT_FIELDS, SLIME_GLOBAL_FIELDS } from "./slime-boot-fields.ts";
import { LAZYLOAD } from "./slime-modules.ts";

const GUIDE = new URL("../../../docs/migrating-from-slime.md", import.meta.url);

test("issue 16: the guide has a row for every setting of a SlimeBoot, which says what becomes of it", () => {
  const guide = readFileSync(GUIDE, "utf8");
  const rows = Object.entries({ ...SLIME_BOOT_FIELDS, ...SLIME_GLOBAL_FIELDS }).map(([name, field]) => ({
    name,
    says: "to" in field ? `\`${field.to}\`` : field.withoutEffect,
  }));
  const missing = rows.filter(
    ({ name, says }) => !guide.split("\n").some((line) => line.startsWith(`| \`${name}\``) && line.includes(says)),
  );
  assert.deepEqual(missing, []);
});

test("issue 16: the guide has a row for every field of a module's general, which says what becomes of it", () => {
  const guide = readFileSync(GUIDE, "utf8").split("\n");
  const missing = Object.entries(LAZYLOAD).filter(([name, field]) => {
    const says = typeof field === "string" ? `| no effect: ${field} ` : `| \`config.${field.to}\``;
    return !guide.some((line) => line.startsWith(`| \`general.${name}\` `) && line.includes(says));
  });
  assert.deepEqual(missing, []);
});

test("issue 16: a field that Slime does not have either is told, and what is null is not given", () => {
  const { values, remarks, faults } = slimeBootValues({ replicaCount: null, replicas: 2, component: { globalSidecar: { prots: 80 } } });
  assert.deepEqual([values, faults], [{}, []]);
  assert.deepEqual(remarks, [
    "spec.replicas has no effect: no field of a SlimeBoot",
    "spec.component.globalSidecar.prots has no effect: no field of a SlimeBoot",
  ]);
});

test("issue 16: a setting of the fields of every object, such as __proto__, is none of ours", () => {
  const { values, remarks } = slimeBootValues(
    JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
  );
  assert.deepEqual(values, {});
  assert.equal(remarks.length, 2);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("issue 16: the settings of before 0.4, in `fence`, count, and those of two modules that differ are told", () => {
  const fence = { enable: true, kind: "lazyload", fence: { autoFence: true }, global: { service: "app" } };
  assert.deepEqual(slimeModuleValues(fence).values, { config: { automaticFences: { create: "Labelled" }, workloadLabel: "app" } });
  const { values, remarks } = slimeBootValues({ module: [fence, { ...fence, global: { service: "name" } }] });
  assert.deepEqual(values, slimeModuleValues(fence).values);
  assert.deepEqual(remarks, ["spec.module[1].global.service has no effect: spec.module[0].global.service says another value"]);
});

test("rows 37, 38: the revisions of Slime are ours, its own as well, where it says one", () => {
  const module = (selfResourceRev: string) => ({
    ...{ enable: true, kind: "lazyload", general: { autoFence: true } },
    global: { istioRev: "stable, canary", strictRev: true, selfResourceRev },
  });
  const read = (revision: string) => slimeBootValues({ module: [module(revision)] });
  const revisions = { names: ["stable", "canary"], strict: true };
  const { values, remarks, faults } = read("canary");
  assert.deepEqual((values.config as { revisions: object }).revisions, { ...revisions, own: "canary" });
  assert.deepEqual([remarks, faults], [[], []]);
  assert.deepEqual((read("").values.config as { revisions: object }).revisions, revisions);
  assert.deepEqual(read("other").faults.length, 1);
});
