import assert from "node:assert/strict";
import { test } from "node:test";
import { writesIn } from "./writes.ts";

const line = (labels: Readonly<Record<string, string>>, count: number) =>
  `apiserver_request_total{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",")}} ${count}`;

test("writes are counted by what they change, conflicts among them again; reads and others' objects are not", () => {
  const metrics = [
    "# TYPE apiserver_request_total counter",
    line({ code: "200", resource: "sidecars", subresource: "", verb: "APPLY" }, 3),
    line({ code: "201", resource: "sidecars", subresource: "", verb: "APPLY" }, 1),
    line({ code: "200", resource: "sidecars", subresource: "", verb: "WATCH" }, 50),
    line({ code: "200", resource: "servicefences", subresource: "status", verb: "PATCH" }, 7),
    line({ code: "409", resource: "servicefences", subresource: "status", verb: "PATCH" }, 2),
    line({ code: "200", resource: "servicefences", subresource: "", verb: "APPLY" }, 1),
    line({ code: "409", resource: "leases", subresource: "", verb: "PUT" }, 9),
  ].join("\n");
  assert.deepEqual(writesIn(metrics), { sidecars: 4, envoyFilters: 0, statuses: 9, conflicts: 2 });
});
