import assert from "node:assert/strict";
import { test } from "node:test";
import { GREETINGS } from "../testing/greetings.ts";
import { mayBeSettings } from "./beginning.ts";

const SETTINGS = {
  "without any": [0, 0, 0, 4, 0, 0, 0, 0, 0],
  "of two": [0, 0, 12, 4, 0, 0, 0, 0, 0],
  "of as many as a frame holds": [0, 0x3f, 0xfc, 4, 0, 0, 0, 0, 0],
  "with flags that nobody knows": [0, 0, 6, 4, 0xfe, 0, 0, 0, 0],
  "with the reserved bit": [0, 0, 6, 4, 0, 0x80, 0, 0, 0],
  "and what follows them": [0, 0, 0, 4, 0, 0, 0, 0, 0, 0xff],
};

for (const [what, bytes] of Object.entries(SETTINGS)) {
  test(`T-37 SETTINGS ${what} may be HTTP/2 from their first byte on`, () => {
    for (let length = 0; length <= bytes.length; length += 1)
      assert.ok(mayBeSettings(Buffer.from(bytes.slice(0, length))), `${length} bytes`);
  });
}

for (const [what, greeting] of Object.entries(GREETINGS)) {
  test(`T-37 ${what} is no HTTP/2 from its first byte on`, () => {
    assert.ok(!mayBeSettings(Buffer.from(greeting.slice(0, 1), "latin1")));
  });
}

const OTHER_FRAMES = {
  "a frame beyond the limit": [0, 0x40, 1],
  "no whole number of settings": [0, 0, 5],
  HEADERS: [0, 0, 6, 1],
  "the acknowledgement of SETTINGS": [0, 0, 0, 4, 1],
  "SETTINGS of a stream": [0, 0, 0, 4, 0, 0, 0, 0, 1],
  "SETTINGS of a high stream": [0, 0, 0, 4, 0, 1],
};

for (const [what, bytes] of Object.entries(OTHER_FRAMES)) {
  test(`T-37 ${what} does not begin an HTTP/2 connection, which shows at the byte that is wrong`, () => {
    assert.ok(!mayBeSettings(Buffer.from(bytes)));
    assert.ok(mayBeSettings(Buffer.from(bytes.slice(0, -1))));
  });
}
