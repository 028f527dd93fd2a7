import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { STATUS_OF } from "./refusal.ts";

const DOCUMENT = new URL("../../../../docs/global-sidecar.md", import.meta.url);

test("docs/global-sidecar.md has every code that the proxy answers, with its status, and no other", async () => {
  const rows = (await readFile(DOCUMENT, "utf8")).matchAll(/^\| (\d{3}) +\| `([A-Z_]+)`/gm);
  const documented = new Map([...rows].map(([, status, code]) => [code, Number(status)]));
  assert.deepEqual(documented, new Map<string | undefined, number>(Object.entries(STATUS_OF)));
});
