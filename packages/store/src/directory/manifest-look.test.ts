import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Decision, DOUBT_MS, decide, decideFirst, EMPTY_DOUBT_MS, emptyAtStart, type Found, isUnsettled } from "./manifest-look.ts";

const fence = (name: string) =>
  `apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: ${name}, namespace: test1}\n`;
const manifest = (...names: string[]) => names.map(fence).join("---\n");
const found = (files: Readonly<Record<string, string>>): ReadonlyMap<string, Found> =>
  new Map(Object.entries(files).map(([name, text]) => [name, { text }]));
const names = ({ files }: Decision) => [...files.values()].flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name)).sort();

test("T-50 a file that is emptied, written in pieces and then whole takes nothing away and is no fault in between", () => {
  const first = decideFirst(found({ "a.yaml": manifest("a", "b") }));
  let { files, doubts } = first;
  const whole = manifest("a", "b", "c");
  const cuts = [0, 40, fence("a").length, fence("a").length + 40, whole.length];
  cuts.forEach((cut, index) => {
    const decision = decide(files, found({ "a.yaml": whole.slice(0, cut) }), doubts, index * (DOUBT_MS - 1));
    assert.equal(decision.errors.size, 0);
    assert.deepEqual(names(decision), cut === whole.length ? ["a", "b", "c"] : ["a", "b"], `cut at ${cut}`);
    ({ files, doubts } = decision);
  });
});

test("T-50 a file that is moved away and written anew takes nothing away; one that stays away does", () => {
  const { files } = decideFirst(found({ "a.yaml": manifest("a") }));
  const away = decide(files, found({}), new Map(), 0);
  assert.deepEqual([names(away), away.doubts.size], [["a"], 1]);
  assert.deepEqual(names(decide(away.files, found({ "a.yaml": manifest("a", "b") }), away.doubts, 10)), ["a", "b"]);
  const gone = decide(away.files, found({}), away.doubts, DOUBT_MS);
  assert.deepEqual([names(gone), gone.doubts.size], [[], 0]);
});

test("T-50 a fault that stands is told, the file stays as it was, and a file that only grows is taken at once", () => {
  const { files } = decideFirst(found({ "a.yaml": manifest("a") }));
  const first = decide(files, found({ "a.yaml": "kind: [", "b.yaml": manifest("b") }), new Map(), 0);
  assert.deepEqual([names(first), first.errors.size], [["a", "b"], 0]);
  const second = decide(first.files, found({ "a.yaml": "kind: [", "b.yaml": manifest("b") }), first.doubts, DOUBT_MS);
  assert.deepEqual([names(second), [...second.errors.keys()]], [["a", "b"], ["a.yaml"]]);
});

test("T-10 a file that is at fault, or defines what another one does, is parsed once and not at each look, until it changes", () => {
  const { files } = decideFirst(found({ "a.yaml": manifest("a") }));
  const look = found({ "a.yaml": manifest("a"), "again.yaml": manifest("a"), "faulty.yaml": "kind: [" });
  const first = decide(files, look, new Map(), 0);
  const second = decide(first.files, look, first.doubts, DOUBT_MS, first.parsed);
  const third = decide(second.files, look, second.doubts, 2 * DOUBT_MS, second.parsed);
  assert.deepEqual([...third.errors.keys()].sort(), ["again.yaml", "faulty.yaml"]);
  // The same object, so it was not made anew.
  assert.equal(third.errors.get("faulty.yaml"), second.errors.get("faulty.yaml"));
  assert.equal(third.parsed.get("again.yaml"), first.parsed.get("again.yaml"));
  assert.equal(third.isWaiting, false, "nothing more is looked for until something changes");
  const mended = found({ "a.yaml": manifest("a"), "again.yaml": manifest("b"), "faulty.yaml": manifest("c") });
  const fourth = decide(third.files, mended, third.doubts, 3 * DOUBT_MS, third.parsed);
  assert.deepEqual([names(fourth), fourth.errors.size, fourth.parsed.size], [["a", "b", "c"], 0, 2]);
  const fifth = decide(fourth.files, mended, fourth.doubts, 4 * DOUBT_MS, fourth.parsed);
  assert.equal(fifth.parsed.size, 0, "what is in force is kept once");
});

test("T-50 whatever is written where: no object is ever there twice, and what stands long enough and is valid comes into force", () => {
  const file = fc.constantFrom("a.yaml", "b.yaml", "c.yaml");
  const content = fc.uniqueArray(fc.constantFrom("one", "two", "three"), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.dictionary(file, content, { maxKeys: 3 }), { minLength: 1, maxLength: 6 }), (folders) => {
      let files: Decision["files"] = new Map();
      let doubts: Decision["doubts"] = new Map();
      let now = 0;
      for (const folder of folders) {
        const look = found(Object.fromEntries(Object.entries(folder).map(([name, objects]) => [name, manifest(...objects)])));
        // Long enough, and once more for what waited for another file.
        for (let round = 0; round < 4; round += 1) {
          const decision = decide(files, look, doubts, now);
          const present = names(decision);
          assert.equal(new Set(present).size, present.length);
          ({ files, doubts } = decision);
          now += EMPTY_DOUBT_MS;
        }
        const wanted = Object.values(folder).flat();
        if (new Set(wanted).size === wanted.length)
          assert.deepEqual(
            [...files.values()].flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name)).sort(),
            wanted.sort(),
          );
      }
    }),
  );
});

test("T-21 a file that is empty for as long as Helm takes is no deletion; one that stays empty is, and so is one with a comment alone", () => {
  const { files } = decideFirst(found({ "a.yaml": manifest("a") }));
  for (const text of ["", " \n\n"]) {
    const first = decide(files, found({ "a.yaml": text }), new Map(), 0);
    const second = decide(first.files, found({ "a.yaml": text }), first.doubts, 29_000);
    assert.deepEqual([names(first), names(second), second.errors.size, second.isWaiting], [["a"], ["a"], 0, true]);
    const third = decide(second.files, found({ "a.yaml": text }), second.doubts, EMPTY_DOUBT_MS);
    assert.deepEqual([names(third), third.isWaiting], [[], false]);
  }
  const first = decide(files, found({ "a.yaml": "# none\n" }), new Map(), 0);
  assert.deepEqual(names(decide(first.files, found({ "a.yaml": "# none\n" }), first.doubts, DOUBT_MS)), []);
});

test("T-21 an object that moves to another file is no fault while the loss of the first is doubted", () => {
  const { files } = decideFirst(found({ "a.yaml": manifest("a", "b") }));
  const look = found({ "a.yaml": manifest("a"), "b.yaml": manifest("b") });
  const first = decide(files, look, new Map(), 0);
  assert.deepEqual([names(first), first.errors.size], [["a", "b"], 0]);
  const second = decide(first.files, look, first.doubts, DOUBT_MS, first.parsed);
  assert.deepEqual([names(second), second.errors.size, [...second.files.keys()]], [["a", "b"], 0, ["a.yaml", "b.yaml"]]);
});

test("T-21 a start is unsettled while a file that is empty or at fault was just written, whatever its clock says", () => {
  const at = 1_000_000_000;
  const unsettled = (text: string, modifiedAt?: number) => {
    const file = new Map<string, Found>([["a.yaml", { text, ...(modifiedAt !== undefined && { modifiedAt }) }]]);
    return isUnsettled(file, decideFirst(file), at);
  };
  for (const text of ["", "kind: ["])
    assert.deepEqual(
      [undefined, at - DOUBT_MS, at - 500, at + 86_400_000].map((modifiedAt) => unsettled(text, modifiedAt)),
      [false, false, true, true],
    );
  assert.equal(unsettled(manifest("a"), at), false);
});

test("T-21 a start is unsettled while any file was just written and an object is missing that was there before", () => {
  const at = 1_000_000_000;
  const half = (modifiedAt: number) => new Map<string, Found>([["a.yaml", { text: manifest("a"), modifiedAt }]]);
  const unsettled = (modifiedAt: number, isMissed: boolean) => isUnsettled(half(modifiedAt), decideFirst(half(modifiedAt)), at, isMissed);
  assert.deepEqual([unsettled(at, true), unsettled(at, false), unsettled(at - DOUBT_MS, true)], [true, false, false]);
});

test("T-21 a file that is empty at a start is not believed for as long as Helm takes since it was emptied, whatever its clock says", () => {
  const now = Date.parse("2026-11-01T00:00:00Z");
  const left = (text: string, modifiedAt?: number) =>
    emptyAtStart(new Map([["a.yaml", { text, ...(modifiedAt !== undefined && { modifiedAt }) }]]), now).get("a.yaml");
  assert.equal(left(" \n", now), EMPTY_DOUBT_MS);
  assert.equal(left("", now - 10_000), EMPTY_DOUBT_MS - 10_000);
  assert.equal(left("", now + 86_400_000), EMPTY_DOUBT_MS);
  assert.deepEqual([left("", now - EMPTY_DOUBT_MS), left(""), left("# nothing", now)], [undefined, undefined, undefined]);
});
