import assert from "node:assert/strict";
import { test } from "node:test";
import { folderObstacle } from "./folder-obstacle.ts";

const PLACE = { kind: "Sidecar", namespace: "test1", name: "a" };
const failed = (code: string) => Object.assign(new Error(`${code}: write failed`), { code });

for (const [code, reason, advice] of [
  ["ENOSPC", "DiskFull", /free space/],
  ["EDQUOT", "DiskFull", /raise this user's quota/],
  ["EROFS", "WriteForbidden", /mount .* writable/],
  ["EACCES", "WriteForbidden", /let this user write/],
  ["ENAMETOOLONG", "NameTooLong", /shorter name/],
  ["EISDIR", "WriteFailed", /remove the folder/],
  ["EIO", "WriteFailed", /see to the disk/],
  ["ENOENT", "WriteFailed", /see that the folder is there/],
] as const)
  test(`T-15 a file that cannot be written for ${code} is told as ${reason}, with advice that fits`, () => {
    const obstacle = folderObstacle(failed(code), PLACE);
    assert.equal(obstacle?.reason, reason);
    assert.match(obstacle?.message ?? "", advice);
  });

test("T-15 what may be gone the next moment is no obstacle of a file", () => {
  for (const code of ["EMFILE", "EAGAIN", "EBUSY"]) assert.equal(folderObstacle(failed(code), PLACE), undefined);
});
