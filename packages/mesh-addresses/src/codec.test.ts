import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeAddressUpdate, encodeAddressUpdate } from "./codec.ts";

const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => text !== "");
const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.domain();
const meshAddress = fc.record(
  {
    address,
    kinds: fc.integer({ min: 1, max: 31 }),
    ports: fc.array(port, { maxLength: 300 }),
    leadsTo: fc.array(fc.record({ port, address, targetPort: port }, { noNullPrototype: true }), { minLength: 1, maxLength: 70 }),
    sidecars: fc.array(fc.array(host, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    hosts: fc.array(host, { minLength: 1, maxLength: 3 }),
    accounts: fc.array(host, { minLength: 1, maxLength: 3 }),
  },
  { noNullPrototype: true, requiredKeys: ["address", "kinds", "ports"] },
);
const update = fc.record(
  {
    reset: fc.boolean(),
    complete: fc.boolean(),
    addresses: fc.array(meshAddress, { maxLength: 20 }),
    removed: fc.array(address, { maxLength: 20 }),
  },
  { noNullPrototype: true },
);

test("law: what is encoded is decoded the same", () => {
  fc.assert(fc.property(update, (given) => assert.deepEqual(decodeAddressUpdate(encodeAddressUpdate(given)), given)));
});

test("law: no bytes whatever make the decoder throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeAddressUpdate(Buffer.from(bytes))));
});

test("a message that is cut off is not believed in part", () => {
  const bytes = encodeAddressUpdate({
    reset: true,
    complete: true,
    addresses: [{ address: "10.0.0.1", kinds: 1, ports: [80] }],
    removed: [],
  });
  for (let end = 3; end < bytes.length; end += 1)
    assert.notDeepEqual(decodeAddressUpdate(bytes.subarray(0, end))?.addresses.length, 1, `${end}`);
});
