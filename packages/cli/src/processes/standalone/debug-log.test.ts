import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { get, startFenceline } from "../../testing/fenceline-process.ts";
import { meshOf, startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";

test("T-52 at level debug a call can be followed by its request id, from the route to the edge; at info there is none of it", async (t) => {
  const undo = undoAfter(t);
  const port = await startService(undo, (_request, response) => response.end("b"));
  for (const level of ["debug", "info"]) {
    const folder = mkdtempSync(join(tmpdir(), "fenceline-debug-"));
    undo(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "mesh.yaml"), meshOf({ b: port }));
    writeFileSync(join(folder, "kustomization.yaml"), "resources: [mesh.yaml]\n");
    const fenceline = await startFenceline(folder, "--no-demo", "--log-level", level);
    undo(() => {
      fenceline.kill("SIGKILL");
      return fenceline.ended;
    });
    await get(fenceline.proxyPort, "/", { host: "b", "fence-source": "test1/a", "x-request-id": "id-1" });
    await get(fenceline.proxyPort, "/", { host: "none.test1", "fence-source": "test1/a", "x-request-id": "id-2" });
    await fenceline.line(({ msg, added }) => msg === "updated" && String(added).includes("test1/b."));
    const failed = await fenceline.line(({ msg }) => msg === "request failed");
    if (level === "info") {
      assert.deepEqual(
        fenceline.lines().filter(({ level: number }) => Number(number) < 30),
        [],
      );
      continue;
    }
    assert.equal(failed.requestId, "id-2");
    const routed = await fenceline.line(({ msg }) => msg === "request routed");
    assert.deepEqual([routed.requestId, routed.source, routed.host, routed.learns], ["id-1", "test1/a", "b", true]);
    assert.equal((await fenceline.line(({ msg }) => msg === "request answered")).address, `http://127.0.0.1:${port}`);
    const seen = await fenceline.line(({ msg, host }) => msg === "edge seen" && host === "b.test1.svc.cluster.local");
    assert.deepEqual([seen.fence, seen.via, seen.requestId], ["test1/a", "fallback", "id-1"]);
    await fenceline.line(({ msg, fence, result }) => msg === "rendered" && fence === "test1/a" && result === "changed");
    await fenceline.line(({ msg, fence, hosts }) => msg === "status written" && fence === "test1/a" && hosts === 1);
    await fenceline.line(({ msg, file }) => msg === "left alone" && file === "kustomization.yaml");
  }
});
