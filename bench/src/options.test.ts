import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, parseOptions } from "./options.ts";

const KNOWN = ["Fenceline", "Envoy", "http-proxy", "http-proxy-3"];

test("rows and peers are lists with commas, and all that is not named is left out", () => {
  const { suites, rows, peers } = parseOptions(["proxy", "--rows", "64b-32, post", "--peers=Envoy"]);
  assert.deepEqual(parseOptions(["control", "--steps", "1000,3000"]).steps, ["1000", "3000"]);
  assert.deepEqual({ suites, rows, peers }, { suites: ["proxy"], rows: ["64b-32", "post"], peers: ["Envoy"] });
});

test("whoever names nothing gets everything", () => {
  const { suites, rows, minutes, steps } = parseOptions([]);
  assert.deepEqual({ suites, rows, minutes, steps }, { suites: [], rows: undefined, minutes: 60, steps: undefined });
  assert.deepEqual(
    choose(KNOWN, (name) => name, rows),
    KNOWN,
  );
});

test("a choice is in the order of what there is, whatever its letter case", () => {
  assert.deepEqual(
    choose(KNOWN, (name) => name, ["HTTP-PROXY", "fenceline"]),
    ["Fenceline", "http-proxy"],
  );
});

test("an unknown name is refused with the names that there are", () => {
  assert.throws(() => choose(KNOWN, (name) => name, ["envoi"]), /no 'envoi', only Fenceline, Envoy/);
});

test("minutes that are no positive number are refused", () => {
  assert.throws(() => parseOptions(["soak", "--minutes", "soon"]), /--minutes soon/);
});
