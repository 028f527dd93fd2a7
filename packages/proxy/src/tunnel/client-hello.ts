import { parseAuthority } from "@fenceline/registry";
import { Refusal } from "../refusals/refusal.ts";

const SERVER_NAME = 0;
const HOST_NAME = 0;
const LEGACY_TLS_1_0 = 0x0301;
const LEGACY_TLS_1_2 = 0x0303;
const RANDOM_BYTES = 32;
const MAX_SESSION_ID = 32;
/**
 * Letters, digits, `-`, `_` in labels, without a trailing dot (RFC 6066 §3). No colon, so that a
 * name cannot contain a port.
 */
const NAME = /^[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*$/;

/**
 * The server name of a ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2, RFC 6066 §3).
 *
 * Every length must fit exactly: if this parser and the destination read a hello differently, it
 * could bypass the policy on names. With Encrypted Client Hello the outer name decides where the
 * connection goes.
 *
 * @param body the handshake message without its type and length
 * @returns the name as the client wrote it; or a refusal if the hello is malformed, has no name, or
 * one that is not a DNS name
 */
export function readServerName(body: Buffer): string | Refusal {
  try {
    const name = findServerName(new Cursor(body));
    if (name === undefined) return new Refusal("HOST_MALFORMED", "the ClientHello names no server");
    const isName = NAME.test(name) && parseAuthority(name)?.kind === "name";
    return isName ? name : new Refusal("HOST_MALFORMED", "the server name in the ClientHello is no DNS name");
  } catch (error) {
    if (error instanceof Misfit) return new Refusal("REQUEST_MALFORMED", "the ClientHello is malformed");
    throw error;
  }
}

function findServerName(hello: Cursor): string | undefined {
  const version = hello.uint16();
  if (version < LEGACY_TLS_1_0 || version > LEGACY_TLS_1_2) throw new Misfit();
  hello.take(RANDOM_BYTES);
  if (hello.vector8().length > MAX_SESSION_ID) throw new Misfit();
  const cipherSuites = hello.vector16().length;
  if (cipherSuites === 0 || cipherSuites % 2 === 1) throw new Misfit();
  if (hello.vector8().length === 0) throw new Misfit();
  // TLS 1.2 and before allow a hello that ends here.
  if (hello.isAtEnd) return undefined;
  const extensions = new Cursor(hello.vector16());
  hello.expectEnd();
  return serverNameOf(extensions);
}

function serverNameOf(extensions: Cursor): string | undefined {
  const seen = new Set<number>();
  let name: string | undefined;
  while (!extensions.isAtEnd) {
    const type = extensions.uint16();
    const content = extensions.vector16();
    // RFC 8446 §4.2: an extension must not repeat. Of two names, one reader might use the first and
    // another the last.
    if (seen.has(type)) throw new Misfit();
    seen.add(type);
    if (type === SERVER_NAME) name = hostNameIn(content);
  }
  return name;
}

/** The list has one name: RFC 6066 allows one of each type, and defines one type. */
function hostNameIn(content: Buffer): string {
  const extension = new Cursor(content);
  const list = new Cursor(extension.vector16());
  extension.expectEnd();
  if (list.uint8() !== HOST_NAME) throw new Misfit();
  const name = list.vector16();
  list.expectEnd();
  return name.toString("latin1");
}

/** A length does not fit the bytes. */
class Misfit extends Error {}

/** Reads fields of TLS's presentation language (RFC 8446 §3), one after the other. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  expectEnd(): void {
    if (!this.isAtEnd) throw new Misfit();
  }

  uint8(): number {
    return this.take(1).readUInt8();
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }

  vector8(): Buffer {
    return this.take(this.uint8());
  }

  vector16(): Buffer {
    return this.take(this.uint16());
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Misfit();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
