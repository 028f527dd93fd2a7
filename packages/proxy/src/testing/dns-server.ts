import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv4 } from "node:net";
import type { TestContext } from "node:test";

export interface DnsServer {
  /** `127.0.0.1:port` */
  readonly address: string;
  /**
   * Names with addresses, or reverse names with names. A missing name is NXDOMAIN, one without
   * addresses NODATA; the words do what they say.
   */
  readonly records: Map<string, Known>;
  /** Seconds that records may be used. 5 at first. */
  ttl: number;
  /** Types of question ("A", "AAAA") that get SERVFAIL whatever the name. */
  readonly failing: Set<string>;
  /** Types of question whose answers are held back until {@link release}. */
  readonly holding: Set<string>;
  /** Sends what was held back. */
  release(): void;
  /** Names asked for, with the type. */
  readonly questions: string[];
}

type Known = readonly string[] | "SERVFAIL" | "REFUSED" | "SILENT";

const TYPES: Readonly<Record<number, string>> = { 1: "A", 12: "PTR", 28: "AAAA" };

/** A name server that knows what a test tells it (RFC 1035 §4): enough for A, AAAA and PTR. */
export async function startDnsServer(t: TestContext): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const records: DnsServer["records"] = new Map();
  const questions: string[] = [];
  const held: (() => void)[] = [];
  const release = () => {
    for (const send of held.splice(0)) send();
  };
  const server = { address: "", records, questions, ttl: 5, failing: new Set<string>(), holding: new Set<string>(), release };
  socket.on("message", (query, peer) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${TYPES[type]} ${name}`);
    const known = server.failing.has(TYPES[type] ?? "") ? "SERVFAIL" : records.get(name);
    if (known === "SILENT") return;
    const send = () => reply(socket, query, end, answersOf(known, type, server.ttl), known, peer);
    if (server.holding.has(TYPES[type] ?? "")) held.push(send);
    else send();
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => {
    // A client that has not given up a question keeps its process.
    release();
    socket.close();
  });
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}

function reply(
  socket: Socket,
  query: Buffer,
  end: number,
  answers: Buffer[],
  known: Known | undefined,
  peer: { port: number; address: string },
): void {
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | codeOf(known), 2);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(0, 8);
  header.writeUInt16BE(0, 10);
  socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), peer.port, peer.address);
}

/** RCODE (RFC 1035 §4.1.1). */
function codeOf(known: Known | undefined): number {
  if (known === undefined) return 3;
  if (known === "SERVFAIL") return 2;
  return known === "REFUSED" ? 5 : 0;
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answersOf(known: readonly string[] | string | undefined, type: number, ttl: number): Buffer[] {
  if (known === undefined || typeof known === "string") return [];
  const data = known.flatMap((value) => {
    if (TYPES[type] === "A" && isIPv4(value)) return [Buffer.from(value.split(".").map(Number))];
    if (TYPES[type] === "AAAA" && value.includes(":")) return [ipv6Bytes(value)];
    return TYPES[type] === "PTR" ? [encodeName(value)] : [];
  });
  return data.map((bytes) => {
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(ttl, 6);
    record.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([record, bytes]);
  });
}

/** Only addresses of the form `a:b::c`, which is all that the tests use. */
function ipv6Bytes(address: string): Buffer {
  const [head = "", tail = ""] = address.split("::");
  const groups = (part: string) => part.split(":").filter((group) => group !== "");
  const bytes = Buffer.alloc(16);
  for (const [i, group] of groups(head).entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i);
  for (const [i, group] of groups(tail).reverse().entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 14 - 2 * i);
  return bytes;
}

function encodeName(name: string): Buffer {
  return Buffer.concat([...name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
}
