import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, BlockList, createServer, isIP, type Server } from "node:net";
import { type FencelineError, listenFailed } from "@fenceline/api/vocabulary";

/** A port on which a command will listen, and the flag that sets it. */
export interface WantedPort {
  readonly flag: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Every address of the machine, of both families. */
export const EVERY_ADDRESS = "::";
/** The same where the machine has no IPv6. */
const EVERY_IPV4_ADDRESS = "0.0.0.0";

/**
 * The address of `--host`. It resolves when every port of the command is known to be free there.
 * Call it before anything is started: then every error has the same form, names the flag to change,
 * and there is nothing to stop.
 *
 * A host name is resolved only here, so that all parts listen on the same address: gRPC would try
 * every address of a name, and accept if one of them works.
 *
 * Where the machine has no IPv6, {@link EVERY_ADDRESS} is every one of IPv4.
 *
 * @throws {FencelineError} `LISTEN_FAILED`
 */
export async function listenAddress(host: string, ports: readonly WantedPort[]): Promise<string> {
  const address = await addressOf(host, ports[0]?.port ?? 0);
  try {
    await tryPorts(address, ports);
    return address;
  } catch (error) {
    const { code = "" } = ((error as FencelineError).cause ?? {}) as NodeJS.ErrnoException;
    if (address !== EVERY_ADDRESS || !NO_IPV6.has(code)) throw error;
    await tryPorts(EVERY_IPV4_ADDRESS, ports);
    return EVERY_IPV4_ADDRESS;
  }
}

/** Codes of a machine that does not speak IPv6 at all, or has no address of it. */
const NO_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

async function tryPorts(address: string, ports: readonly WantedPort[]): Promise<void> {
  const held = await holdPorts(address, ports);
  await Promise.all(held.map((each) => each.release()));
}

/** A port that is held for this process. */
export interface HeldPort {
  readonly port: number;
  /**
   * The server that listens there, to take its socket over. If the port were released and bound
   * again, another process could take it in between. From now on {@link release} does nothing.
   */
  handOver(): Server;
  /** Releases it, unless it was handed over. May be called again. */
  release(): Promise<void>;
}

/**
 * Takes every port of a command, so that nothing is done in vain before it listens there.
 *
 * @param address an IP address
 * @throws {FencelineError} `LISTEN_FAILED`; none is held then
 */
export async function holdPorts(address: string, ports: readonly WantedPort[]): Promise<readonly HeldPort[]> {
  const held: HeldPort[] = [];
  try {
    // All are held at the same time, so that a free port that one of them takes is not another's.
    for (const [index, wanted] of ports.entries()) {
      const twin = ports.slice(0, index).find(({ port }) => port !== 0 && port === wanted.port);
      if (twin !== undefined) throw sameTwice(address, twin, wanted);
      held.push(heldBy(await probe(address, wanted)));
    }
    return held;
  } catch (error) {
    await Promise.all(held.map((each) => each.release()));
    throw error;
  }
}

function heldBy(server: Server): HeldPort {
  let released: Promise<unknown> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    handOver: () => {
      released = Promise.resolve();
      return server;
    },
    release: async () => {
      released ??= once(server.close(), "close");
      await released;
    },
  };
}

/**
 * The address by which this machine reaches a server that listens on an address: one cannot connect
 * to "every address".
 */
export function callAddress(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return isIP(address) === 6 && /^[0:]+$/.test(address) ? "::1" : address;
}

async function addressOf(host: string, port: number): Promise<string> {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const objection = objectionTo(bare);
  if (objection !== undefined) throw listenFailed(bare, port, objection, "choose another address with --host");
  if (isIP(bare) !== 0) return bare;
  try {
    return (await lookup(bare)).address;
  } catch (cause) {
    throw listenFailed(bare, port, cause, "--host takes an address of this machine or a name for one");
  }
}

/**
 * Groups of addresses for which the system's error is unclear or missing: nobody can connect to
 * some of them.
 */
const GROUPS = new BlockList();
GROUPS.addSubnet("224.0.0.0", 4);
GROUPS.addSubnet("ff00::", 8, "ipv6");
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");

function objectionTo(address: string): string | undefined {
  if (isIP(address) === 0) return undefined;
  const [bare = "", scope] = address.split("%");
  const family = isIP(bare) === 6 ? "ipv6" : "ipv4";
  if (bare === "255.255.255.255") return "it is the broadcast address, to which nobody can connect";
  if (GROUPS.check(bare, family)) return "it is a multicast address, to which nobody can connect";
  if (scope === undefined && LINK_LOCAL.check(bare, family)) return `a link-local address needs its interface, for example ${bare}%eth0`;
  return undefined;
}

async function probe(address: string, { flag, port }: WantedPort): Promise<Server> {
  // Connections are closed until the real server takes the port over.
  const server = createServer((connection) => connection.destroy());
  try {
    server.listen({ host: address, port });
    await once(server, "listening");
    return server;
  } catch (cause) {
    throw failure(address, port, flag, cause);
  }
}

function sameTwice(address: string, { flag: first }: WantedPort, { flag, port }: WantedPort): FencelineError {
  return listenFailed(address, port, `${first} and ${flag} name the same port`, `choose another one with ${flag}; 0 takes a free one`);
}

function failure(address: string, port: number, flag: string, cause: unknown): FencelineError {
  switch ((cause as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return listenFailed(address, port, cause, `stop what uses it, or choose another port with ${flag}; 0 takes a free one`);
    case "EACCES":
      return listenFailed(address, port, cause, `choose a port from 1024 with ${flag}`);
    default:
      return listenFailed(address, port, cause, "choose another address with --host");
  }
}
