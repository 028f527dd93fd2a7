import assert from "node:assert/strict";
import { test } from "node:test";
import { isGrpc } from "./is-grpc.ts";

const GRPC = [
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json; charset=utf-8",
  "application/grpc;charset=utf-8",
  "application/grpc ; charset=utf-8",
  "Application/gRPC",
  "APPLICATION/GRPC+PROTO",
];
const OTHERS = [
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web-text",
  "application/grpcfoo",
  "application/grpc2",
  "application/grpc/x",
  "application/grpc, text/plain",
  "application/grp",
  "application/json; of=application/grpc",
  "x-application/grpc",
  "",
];

for (const type of GRPC) test(`T-46 ${type} is gRPC`, () => assert.equal(isGrpc(type), true));
for (const type of OTHERS) test(`T-46 ${JSON.stringify(type)} is no gRPC`, () => assert.equal(isGrpc(type), false));

test("T-46 no content type is no gRPC", () => assert.equal(isGrpc(undefined), false));
