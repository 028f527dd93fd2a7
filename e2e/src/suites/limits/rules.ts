import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { HttpCall } from "../../pod-app/protocol.ts";

/** A rule of a limiter, and calls that it counts or does not. */
export interface RuleCase {
  readonly name: string;
  /** In a user's words. */
  readonly title: string;
  readonly match: readonly object[];
  readonly quota: number;
  /** More of the rule's action. Default: nothing. */
  readonly action?: object;
  /** Calls that the rule counts. */
  readonly counted: Omit<HttpCall, "url"> & { readonly path?: string };
  /** Like these, and not counted. */
  readonly others: readonly (Omit<HttpCall, "url"> & { readonly path?: string })[];
}

/** So long that no token comes back while a suite runs. */
const HOUR = { seconds: 3_600 };

/** Each needs a header of its own, so that no call is counted twice. */
export const CASES: readonly RuleCase[] = [
  {
    name: "header",
    title: "a header",
    match: [{ name: "x-header", exact_match: "one" }],
    quota: 3,
    counted: { headers: { "x-header": "one" } },
    others: [{ headers: { "x-header": "two" } }, {}],
  },
  {
    name: "present",
    title: "a header that is there, and one that is not",
    match: [
      { name: "x-present", present_match: true },
      { name: "x-absent", present_match: true, invert_match: true },
    ],
    quota: 2,
    counted: { headers: { "x-present": "" } },
    others: [{ headers: { "x-present": "a", "x-absent": "b" } }],
  },
  {
    name: "query",
    title: "a query parameter",
    match: [{ name: "q", matchSource: "QueryMatch", regex_match: "a.*" }],
    quota: 2,
    counted: { path: "/?q=abc" },
    others: [{ path: "/?q=b" }, { path: "/?r=abc" }],
  },
  {
    name: "path",
    title: "a path, whatever its query",
    match: [{ matchSource: "PathMatch", exact_match: "/limited.path" }],
    quota: 4,
    counted: { path: "/limited.path?x=1" },
    others: [{ path: "/limited.path/more" }, { path: "/limitedxpath" }],
  },
  {
    name: "method",
    title: "a method",
    match: [{ matchSource: "MethodMatch", exact_match: "PUT" }],
    quota: 2,
    counted: { method: "PUT" },
    others: [{ method: "POST" }],
  },
  {
    name: "cost",
    title: "a cost that a header says",
    match: [{ name: "x-costly", present_match: true }],
    quota: 6,
    action: { cost: { header: "x-cost" } },
    counted: { headers: { "x-costly": "yes", "x-cost": "3" } },
    others: [{ headers: { "x-cost": "3" } }],
  },
];

/** How many calls of a case get through. */
export function passes({ quota, action }: RuleCase): number {
  return action === undefined ? quota : quota / 3;
}

export function limiterObject(namespace: string, name: string, spec: object): KubernetesObject {
  return { apiVersion: "microservice.slime.io/v1alpha2", kind: "SmartLimiter", metadata: { namespace, name }, spec };
}

/** A rule over an hour. */
export function ruleObject(quota: number | string, rest: object = {}, action: object = {}): object {
  return { condition: "true", action: { quota: String(quota), fill_interval: HOUR, ...action }, ...rest };
}
