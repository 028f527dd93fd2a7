import assert from "node:assert/strict";
import { test } from "node:test";
import { V2, V3 } from "../testing/schemas.ts";
import { decodeAccessLogMessage } from "./message.ts";

const REQUEST_ID = "6b1c5f0e-1f0b-9c1e-8f0b-0242ac110002";
const logs = { httpLogs: { logEntry: [{ request: { authority: "b", requestId: REQUEST_ID } }, { request: { authority: "c" } }] } };

test("T-52 an entry's request id is read where it is asked for, and nowhere else", () => {
  for (const schema of [V3, V2]) {
    const bytes = schema.encode(schema.fromObject(logs)).finish();
    const wanted = decodeAccessLogMessage(bytes, { wantsRequestIds: true }).entries;
    assert.deepEqual(
      wanted.map(({ authority, requestId }) => [authority, requestId]),
      [
        ["b", REQUEST_ID],
        ["c", undefined],
      ],
    );
    for (const entry of decodeAccessLogMessage(bytes).entries) assert.ok(!("requestId" in entry));
  }
});
