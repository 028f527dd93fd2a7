import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { streamOf } from "../../testing/mesh.ts";
import { unbelievedLog } from "./unbelieved-log.ts";

test("T-03 streams that are not believed are logged, few lines for each reason and little of what they say", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const lines: Record<string, string | number>[] = [];
  const log = unbelievedLog(pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }));
  const stream = streamOf({
    logName: "x".repeat(10_000),
    forwardedClientCert: `${"y".repeat(10_000)},Hash=1;URI=spiffe://cluster.local/ns/evil/sa/a`,
  });
  for (let count = 0; count < 1_000; count += 1) log("identity_mismatch", stream);
  log("no_certificate", streamOf({ logName: "fenceline/test1/a" }));
  assert.deepEqual(
    lines.map(({ reason }) => reason),
    ["identity_mismatch", "identity_mismatch", "identity_mismatch", "no_certificate"],
  );
  assert.match(String(lines[0]?.certificate), /URI=spiffe:\/\/cluster\.local\/ns\/evil\/sa\/a$/);
  assert.ok(JSON.stringify(lines).length < 4_000);
  assert.equal(lines[3]?.logName, "fenceline/test1/a");
  t.mock.timers.tick(1_000);
  assert.partialDeepStrictEqual(lines.slice(4), [
    { line: "access logs not believed", of: "identity_mismatch", suppressed: 997, msg: "lines left out" },
  ]);
});
