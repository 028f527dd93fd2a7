import type { Target } from "../resolve/resolver.ts";
import { type Resolution, type Resolver, toAddress } from "../resolve/resolver.ts";
import type { AddressTable } from "./address-table.ts";

/**
 * Answers from the mesh's table whether a host that is an address belongs to the mesh. Another
 * resolver answers everything else.
 *
 * Without the table a PTR record has to tell it: a query for every address, to which whoever owns a
 * range of addresses can give any answer.
 */
export function createMeshResolver(others: Resolver, table: AddressTable): Resolver {
  // Targets belong to routes, of which a bounded number is remembered. A result that is returned
  // again is judged once.
  const known = new WeakMap<Target, Resolution>();
  return {
    resolve(target) {
      if (target.kind === "name" || target.external === true || !table.isComplete) return others.resolve(target);
      if (!table.has(target.host)) return undefined;
      let resolution = known.get(target);
      if (resolution === undefined) {
        resolution = [toAddress(target.host, target.port, target.host, undefined, "address")];
        known.set(target, resolution);
      }
      return resolution;
    },
  };
}
