export type { NamespacedHost } from "./bounded-hosts.ts";
export { DomainAliases } from "./domain-aliases.ts";
export * from "./egress-hosts.ts";
export { hasOnDemand } from "./fence-filter.ts";
export { LabelSelectors } from "./label-selectors.ts";
export { ParkedHosts } from "./parked-hosts.ts";
export * from "./render-fence.ts";
export { selectorRemarks } from "./selector-remarks.ts";
export { switchOver } from "./switch-over.ts";
