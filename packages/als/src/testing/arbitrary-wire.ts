/**
 * Random valid messages of a schema, made as bytes and not from objects: fields in any order,
 * repeated although singular, several members of a oneof, unknown fields of every wire type, known
 * fields with a wrong wire type, numbers and lengths that are longer than necessary.
 */
import fc from "fast-check";
import protobuf from "protobufjs";

/**
 * Fields that our decoder reads are more frequent: otherwise random messages would hardly ever
 * contain them.
 */
const WANTED = new Set([
  ...[
    "identifier",
    "node",
    "logName",
    "id",
    "cluster",
    "metadata",
    "fields",
    "stringValue",
    "structValue",
    "httpLogs",
    "tcpLogs",
    "logEntry",
  ],
  ...["commonProperties", "request", "response", "responseCode", "value", "authority", "requestHeaders", "upstreamCluster", "customTags"],
  ...["downstreamRemoteAddress", "downstreamLocalAddress", "downstreamDirectRemoteAddress", "socketAddress", "address", "portValue"],
  ...["tlsProperties", "tlsSniHostname", "peerCertificateProperties", "subjectAltName", "uri", "intermediateLogEntry", "accessLogType"],
]);

const MAX_DEPTH = 9;
const WORDS = ["fence-source", "fenceline.requests", "NAMESPACE", "LABELS", "ISTIO_VERSION", "WORKLOAD_NAME", "app", "__proto__"];
const NUMBERS = ["0", "1", "7", "12", "007", "-3", "999999999", "1000000000", "1e3"];

const text = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 60, maxLength: 200 }) },
);

/** A varint of up to 64 bits, sometimes with more bytes than it needs (at most `longest`). */
function varint(value: bigint, padding = 0, longest = 10): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let index = 0; index < padding && bytes.length < longest; index++) bytes.push(0x80);
  bytes.push((bytes.pop() ?? 0) & 0x7f);
  return Buffer.from(bytes);
}

const padding = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) });
const number = fc.oneof(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const varintBody = fc.tuple(number, padding).map(([value, pad]) => varint(value, pad));

function tag(field: number, wireType: number, pad = 0): Buffer {
  return varint(BigInt(field) * 8n + BigInt(wireType), pad, 5);
}

function tagged(field: number, wireType: number, body: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc.tuple(body, padding).map(([bytes, pad]) => Buffer.concat([tag(field, wireType, pad), bytes]));
}

function delimited(field: number, body: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const withLength = fc.tuple(body, padding).map(([bytes, pad]) => Buffer.concat([varint(BigInt(bytes.length), pad, 5), bytes]));
  return tagged(field, 2, withLength);
}

function bytesOf(length: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
}

const anyBytes = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));

/**
 * A field that is skipped: an unknown number, or a known one under the group type, which no field
 * of proto3 has.
 */
function skipped(field: number, depth = 2): fc.Arbitrary<Buffer> {
  const flat = [tagged(field, 0, varintBody), tagged(field, 1, bytesOf(8)), delimited(field, anyBytes), tagged(field, 5, bytesOf(4))];
  return depth === 0 ? fc.oneof(...flat) : fc.oneof(...flat, group(field, depth));
}

function group(field: number, depth: number): fc.Arbitrary<Buffer> {
  return fc.array(skipped(field + 1, depth - 1), { maxLength: 2 }).map((inner) => Buffer.concat([tag(field, 3), ...inner, tag(field, 4)]));
}

const unknownField = fc.oneof(skipped(99), skipped(5_000), skipped(300_000_000));

/** One field with its own wire type; undefined for a message that would nest too deeply. */
function known(field: protobuf.Field, depth: number): fc.Arbitrary<Buffer> | undefined {
  if (field instanceof protobuf.MapField) return mapField(field, depth);
  if (field.resolvedType instanceof protobuf.Type) {
    return depth === 0 ? undefined : delimited(field.id, message(field.resolvedType, depth - 1));
  }
  if (field.type === "string") return delimited(field.id, text.map(Buffer.from));
  if (field.type === "bytes") return delimited(field.id, anyBytes);
  if (field.type === "double" || field.type === "fixed64") return tagged(field.id, 1, bytesOf(8));
  if (field.type === "float" || field.type === "fixed32") return tagged(field.id, 5, bytesOf(4));
  return tagged(field.id, 0, varintBody);
}

function mapField(field: protobuf.MapField, depth: number): fc.Arbitrary<Buffer> | undefined {
  const value = field.resolvedType;
  if (value instanceof protobuf.Type && depth === 0) return undefined;
  const key = delimited(1, text.map(Buffer.from));
  const body = value instanceof protobuf.Type ? message(value, depth - 1) : text.map(Buffer.from);
  return delimited(field.id, fc.array(fc.oneof(key, delimited(2, body), unknownField), { maxLength: 4 }).map(Buffer.concat));
}

const made = new Map<string, fc.Arbitrary<Buffer>>();

function message(type: protobuf.Type, depth: number): fc.Arbitrary<Buffer> {
  const name = `${type.fullName} ${depth}`;
  const existing = made.get(name);
  if (existing !== undefined) return existing;
  const fields = type.fieldsArray.flatMap((field) => {
    const arbitrary = known(field, depth);
    if (arbitrary === undefined) return [];
    const wrongType = group(field.id, 1);
    return [
      { weight: WANTED.has(field.name) ? 24 : 1, arbitrary },
      { weight: 1, arbitrary: wrongType },
    ];
  });
  const result = fc.array(fc.oneof({ weight: 2, arbitrary: unknownField }, ...fields), { maxLength: 6 }).map(Buffer.concat);
  made.set(name, result);
  return result;
}

/** Valid messages of this type. */
export function arbitraryMessage(type: protobuf.Type): fc.Arbitrary<Buffer> {
  return message(type, MAX_DEPTH);
}
