import { FencelineError } from "@fenceline/api";
import { runCommand } from "../../setup/command.ts";
import type { Closers } from "../closers.ts";
import type { Ledger } from "../ledger.ts";

/**
 * The network of one lab: a bridge in the machine's own namespace, with the control plane on its
 * address.
 */
export interface Bridge {
  readonly name: string;
  /** Address of the machine on it; every server of the control plane listens here. */
  readonly address: string;
  /** Range of the ClusterIPs. Nothing listens there: only Envoys know them. */
  readonly serviceRange: string;
  /** The n-th pod's address, from 1. */
  podAddress(index: number): string;
}

/** Second numbers of the candidates in 10.0.0.0/8; the next one is the service range's. */
const NUMBERS = [77, 79, 81, 83, 85, 87, 89, 91, 93, 95];
/** Pods start here: 10.77.0.1 is the machine's. */
const FIRST_POD = 10;
const MOST_PODS = 60_000;
/** Locally administered. Bridges of two labs are not connected, so they may have the same. */
const BRIDGE_MAC = "02:fe:0c:e1:00:01";

/**
 * Makes a bridge on a range that this machine does not use.
 *
 * The name holds the number of the range, and making a link of a name that exists fails, so two
 * labs cannot take the same range.
 */
export async function makeBridge(ledger: Ledger, closers: Closers): Promise<Bridge> {
  const used = await usedRanges();
  for (const number of NUMBERS.filter((one) => !used.has(one) && !used.has(one + 1))) {
    const name = `fence${number}`;
    if (!(await claim(name))) continue;
    ledger.record("link", name);
    closers.add(() => removeLink(name));
    const address = `10.${number}.0.1`;
    await runCommand("ip", ["address", "add", `${address}/16`, "dev", name]);
    await runCommand("ip", ["link", "set", name, "up"]);
    return { name, address, serviceRange: `10.${number + 1}.0.0/16`, podAddress: (index) => podAddress(number, index) };
  }
  throw new FencelineError("LAB_NO_RANGE", {
    message: `none of 10.${NUMBERS[0]}.0.0/16 to 10.${NUMBERS.at(-1)}.0.0/16 is free on this machine`,
    hint: "npm run e2e:clean removes what killed runs left behind",
  });
}

/** Removes a bridge or an interface that a lab made. */
export async function removeLink(name: string): Promise<void> {
  await runCommand("ip", ["link", "delete", name]);
}

async function claim(name: string): Promise<boolean> {
  try {
    // A bridge without its own MAC address takes the lowest of its ports'. This changes as pods
    // come and go, and packets to the machine, such as DNS queries, are lost until a pod has
    // resolved it again.
    await runCommand("ip", ["link", "add", name, "address", BRIDGE_MAC, "type", "bridge"]);
    return true;
  } catch (error) {
    if (error instanceof FencelineError && error.message.includes("File exists")) return false;
    throw error;
  }
}

/** The x of every 10.x.0.0/16 to which a route of this machine leads. */
async function usedRanges(): Promise<Set<number>> {
  const routes: { readonly dst: string }[] = JSON.parse(await runCommand("ip", ["-json", "-4", "route", "show"]));
  return new Set(routes.flatMap(({ dst }) => (/^10\.(\d+)\.[\d.]+(?:\/(?:1[6-9]|2\d|3[0-2]))?$/.exec(dst) ?? []).slice(1).map(Number)));
}

function podAddress(number: number, index: number): string {
  if (index > MOST_PODS) throw new FencelineError("LAB_TOO_MANY_PODS", { message: `a lab holds at most ${MOST_PODS} pods` });
  const host = FIRST_POD + index;
  return `10.${number}.${host >> 8}.${host & 255}`;
}
