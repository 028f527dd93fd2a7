import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, BlockList, createServer, isIP, type Server } from "node:net";
import { type FencelineError, listenFailed } from "@fenceline/api/vocabulary";

/** A port that a command will listen on, and the flag that sets it. */
export interface WantedPort {
  readonly flag: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * The address that `--host` stands for, once every port of the command is known to be free there.
 * To be asked before anything is started: whatever is wrong is then said in one way, with the flag
 * that changes it, and there is nothing to stop.
 *
 * A host name is looked up here and once, so that all parts listen on the same address: gRPC would
 * take every address of a name, and be content with one of them.
 *
 * @throws {FencelineError} `LISTEN_FAILED`
 */
export async function listenAddress(host: string, ports: readonly WantedPort[]): Promise<string> {
  const address = await addressOf(host, ports[0]?.port ?? 0);
  const held = await holdPorts(address, ports);
  await Promise.all(held.map((each) => each.release()));
  return address;
}

/** A port that nobody else can take. */
export interface HeldPort {
  readonly port: number;
  /**
   * The server that listens there, for whoever takes its socket over: let go of and bound again,
   * the port would be anybody's for a moment. From now on it is not ours to release.
   */
  handOver(): Server;
  /** Lets go of it, unless it was handed over. May be called again. */
  release(): Promise<void>;
}

/**
 * Takes every port of a command, so that what is done before something listens there is not done in
 * vain.
 *
 * @param address an IP address
 * @throws {FencelineError} `LISTEN_FAILED`; none is held then
 */
export async function holdPorts(address: string, ports: readonly WantedPort[]): Promise<readonly HeldPort[]> {
  const held: HeldPort[] = [];
  try {
    // All at once, so that a free port that one of them takes is not another's.
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
 * Where something on this machine reaches what listens on an address: "every address" is none that
 * one can call.
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

/** Addresses for which a system says too little, or nothing: nobody can connect to some. */
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
  // Nobody is answered before what is meant to listen there does.
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
