export { type NamespaceRefusal, reservedNamespace } from "./reserved-namespace.ts";
export { selectorFault } from "./workload-labels.ts";
