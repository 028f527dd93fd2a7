import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

test("the global sidecar loads nothing that reads manifests or talks to an API server: half of its memory would go there", async () => {
  const packages = new Set<string>();
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
      if (name !== undefined) packages.add(name);
      return nextLoad(url, context);
    },
  });
  await import("./command.ts");
  hooks.deregister();

  assert.ok(packages.has("@grpc/grpc-js"), "the hook sees what is loaded");
  for (const name of ["zod", "yaml", "@kubernetes/client-node", "pino-pretty"]) assert.ok(!packages.has(name), name);
});
