import {
  compareText,
  type DomainStatus,
  FENCE_API_VERSIONS,
  isEgressHost,
  type RecyclingStrategy,
  type ServiceFence,
  ServiceFenceSpec,
  type ServiceFenceStatus,
} from "@fenceline/api";
import type { ExportComment, Exported } from "./exported.ts";

/** The content of an exported fence, beside what its author wrote. */
export interface LearnedFence {
  readonly fence: Pick<ServiceFence, "metadata" | "spec">;
  readonly status: Pick<ServiceFenceStatus, "domains">;
}

export interface ExportOptions {
  /** Whether comments say when a host was last called. Default no: every export would differ. */
  readonly times?: boolean;
}

/** `spec` of a fence without default values. */
type WrittenSpec = Partial<ServiceFenceSpec> & Pick<ServiceFenceSpec, "host">;

const DEFAULTS: ServiceFenceSpec = ServiceFenceSpec.parse({});
const STABLE: RecyclingStrategy = { stable: {} };

/**
 * A fence that declares what it has learned. Hosts are ordered by name, and fields with default
 * values are left out, so that two exports differ only where the fences do.
 *
 * Labels are not exported: one of them says that a fence was made automatically, and is deleted by
 * itself.
 */
export function exportedFence({ fence: { metadata, spec }, status }: LearnedFence, options: ExportOptions = {}): Exported<WrittenSpec> {
  const learned = learnedHosts(spec, status);
  const declared = Object.entries(spec.host).map(([host, strategy]) => [host, strategy ?? STABLE] as const);
  const all = [...declared, ...learned.map(([host]) => [host, STABLE] as const)].sort(([a], [b]) => compareText(a, b));
  const written = Object.entries(spec).filter(([field, value]) => field !== "host" && !isDefault(field, value));
  return {
    object: {
      apiVersion: FENCE_API_VERSIONS[0],
      kind: "ServiceFence",
      metadata: { name: metadata.name, namespace: metadata.namespace },
      spec: { ...Object.fromEntries(written), host: Object.fromEntries(all) },
    },
    comments: learned
      .map(([host, domain]): ExportComment => ({ path: ["spec", "host", host], text: provenance(domain, options) }))
      .sort((a, b) => compareText(String(a.path[2]), String(b.path[2]))),
  };
}

/**
 * Hosts that were called and that the spec does not declare. Hosts that a selector of the spec
 * selects, that proxies need, or that were preloaded and never called, are not exported: they come
 * again by themselves.
 */
export function learnedHosts(spec: ServiceFence["spec"], status: LearnedFence["status"]): readonly (readonly [string, DomainStatus])[] {
  return Object.entries(status.domains).filter(([host, { source, status: state, lastSeen }]) => {
    if (state === "EXPIRE" || Object.hasOwn(spec.host, host) || !isEgressHost(host)) return false;
    if (source === "learned" || source === "imported") return true;
    return source === "preloaded" && lastSeen !== undefined;
  });
}

/** `learned, ports 80, 443` */
export function provenance({ source, ports = [], lastSeen }: DomainStatus, { times = false }: ExportOptions): string {
  const numbers = [...ports].sort((a, b) => a - b);
  const called = numbers.length === 0 ? "" : `, port${numbers.length > 1 ? "s" : ""} ${numbers.join(", ")}`;
  const seen = times && lastSeen !== undefined ? `, last seen ${lastSeen}` : "";
  return `${source === "preloaded" ? "learned" : source}${called}${seen}`;
}

function isDefault(field: string, value: unknown): boolean {
  return value === undefined || JSON.stringify(value) === JSON.stringify(DEFAULTS[field as keyof ServiceFenceSpec]);
}
