import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../setup/command.ts";
import { Closers } from "../closers.ts";
import type { Ledger } from "../ledger.ts";
import { type Bridge, removeLink } from "./bridge.ts";
import { redirectRules } from "./redirect.ts";

/** A pod's network: a namespace of its own with one interface on the bridge. */
export interface NetworkNamespace {
  readonly name: string;
  readonly address: string;
  /**
   * The command line that runs a command inside. It keeps its process id, because `ip netns exec`
   * becomes the command.
   */
  enter(command: string, args: readonly string[]): readonly [string, readonly string[]];
  /** Removes it with its interface and rules; once. */
  remove(): Promise<void>;
}

/** Settings of a namespace. */
export interface NamespaceOptions {
  readonly bridge: Bridge;
  readonly ledger: Ledger;
  readonly closers: Closers;
  /** From 1; gives the address and the interface's name. */
  readonly index: number;
  /** `<pod>.<Kubernetes namespace>`. */
  readonly pod: string;
  /** Search domains of short host names. */
  readonly search: readonly string[];
  /** Whether its connections are redirected through an Envoy in it. */
  readonly redirect: boolean;
}

/** `ip netns exec` shows this folder's files instead of those in /etc. */
const NETNS_ETC = "/etc/netns";

export async function makeNetworkNamespace(options: NamespaceOptions): Promise<NetworkNamespace> {
  const { bridge, ledger, closers, index, pod, search, redirect } = options;
  const name = `${bridge.name}-${pod}`;
  const link = `${bridge.name}v${index}`;
  const address = bridge.podAddress(index);
  // A pod may end before its lab. Each thing is removed once, whoever closes first.
  const own = new Closers();
  closers.add(() => own.close());
  // Creating an existing name fails, so everything that is recorded is ours.
  await runCommand("ip", ["netns", "add", name]);
  ledger.record("namespace", name);
  own.add(() => removeNamespace(name));
  await runCommand("ip", ["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name]);
  ledger.record("link", link);
  // Deleting the namespace would remove it too, but only later, when its name may be needed again.
  own.add(() => removeLink(link));
  writeResolvConf(name, bridge.address, search);
  await runCommand("ip", ["link", "set", link, "master", bridge.name, "up"]);
  const inside = ["link set lo up", `address add ${address}/16 dev eth0`, "link set eth0 up", `route add default via ${bridge.address}`];
  await runCommand("ip", ["-netns", name, "-batch", "-"], { input: `${inside.join("\n")}\n` });
  if (redirect) await runCommand("ip", ["netns", "exec", name, "iptables-restore"], { input: redirectRules(bridge.address) });
  return {
    name,
    address,
    enter: (command, args) => ["ip", ["netns", "exec", name, command, ...args]],
    remove: () => own.close(),
  };
}

/** Removes a namespace that a lab made, and with it its interface and rules. */
export async function removeNamespace(name: string): Promise<void> {
  rmSync(join(NETNS_ETC, name), { recursive: true, force: true });
  await runCommand("ip", ["netns", "delete", name]);
}

function writeResolvConf(name: string, nameServer: string, search: readonly string[]): void {
  const folder = join(NETNS_ETC, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "resolv.conf"), `nameserver ${nameServer}\nsearch ${search.join(" ")}\noptions ndots:5\n`);
}
