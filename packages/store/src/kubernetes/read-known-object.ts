import {
  EndpointSlice,
  faultsOf,
  formatPath,
  InvalidResource,
  Namespace,
  Node,
  Service,
  ServiceCIDR,
  ServiceFence,
  safeParseObject,
} from "@fenceline/api";
import { keyText } from "./api/resource.ts";
import type { WireObject } from "./api/wire-object.ts";

/** Parsers of the kinds that make up a mesh. Each keeps the fields of its schema only, and throws {@link InvalidResource} naming every fault, or the first ones of many. */
export const readNamespace = reader<Namespace>(Namespace);
export const readNode = reader<Node>(Node);
export const readServiceCIDR = reader<ServiceCIDR>(ServiceCIDR);
export const readService = reader<Service>(Service);
export const readEndpointSlice = reader<EndpointSlice>(EndpointSlice);
export const readServiceFence = reader<ServiceFence>(ServiceFence);

/** Most faults beside the first that an error tells: it becomes a condition, and a line of the log. */
const MOST_OTHERS = 4;

function reader<T>(schema: Parameters<typeof safeParseObject<T>>[0]): (object: WireObject) => T {
  return (object) => {
    const result = safeParseObject(schema, object);
    if (result.success) return result.data;
    const [first, ...others] = faultsOf(result.error, object);
    const { kind, metadata } = object;
    throw new InvalidResource(`${kind === "ServiceFence" ? "FENCE" : kind.toUpperCase()}_INVALID`, {
      at: { object: `${kind} ${keyText(metadata)}`, path: formatPath(first?.field ?? []) },
      message: [
        first?.message ?? "not valid",
        ...others.slice(0, MOST_OTHERS).map(({ field, message }) => `${formatPath(field)}: ${message}`),
      ].join("; "),
    });
  };
}
