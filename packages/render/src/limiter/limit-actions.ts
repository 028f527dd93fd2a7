import { type EnvoyValue, type LimitMatcher, re2Fault } from "@fenceline/api";
import { type AddressRange, isSingle, parseRange } from "./address-range.ts";
import { isHeaderName } from "./header-names.ts";

/** What a route tells about a call, and the entries that this gives if every action has one. */
export interface LimitActions {
  readonly actions: readonly EnvoyValue[];
  readonly entries: readonly DescriptorEntry[];
}

/** Part of a descriptor. An entry without a value has a bucket for each value. */
export interface DescriptorEntry {
  readonly key: string;
  readonly value?: string;
}

/** One descriptor for each address of a rule, or why there is none. */
export type ActionsOrFault = { readonly alternatives: readonly LimitActions[] } | { readonly fault: string };

/**
 * The actions of a rule in a fixed order: query, header, address. Whether a call is counted does
 * not depend on it, and the rate limit service has its tree in this order.
 *
 * @param id tells the rule from all others of the proxy
 */
export function actionsOf(matchers: readonly LimitMatcher[], id: string): ActionsOrFault {
  const fault = matchers.map(faultOf).find((each) => each !== undefined);
  if (fault !== undefined) return { fault };
  const given = matchers.filter((matcher) => saysSomething(matcher));
  const queries = given.filter((matcher) => sourceOf(matcher) === "QueryMatch");
  const addresses = given.filter((matcher) => sourceOf(matcher) === "SourceIpMatch");
  const headers = given.filter((matcher) => !queries.includes(matcher) && !addresses.includes(matcher));
  if (addresses.length > 1) return { fault: "more than one SourceIpMatch: write all addresses into one, with commas between them" };
  const before = [...queryActions(queries, id), ...headerActions(headers, id)];
  if (addresses[0] === undefined) return { alternatives: [joined(before.length === 0 ? [generic(id)] : before)] };
  const ranges = addressActions(addresses[0]);
  // The address alone does not tell two rules apart: both may count the same address.
  return { alternatives: ranges.map((range) => joined([...(before.length === 0 ? [generic(id)] : before), range])) };
}

/** The source of a matcher. In Slime's older form, a flag says that it is a query. */
function sourceOf({ matchSource, useQueryMatch }: LimitMatcher): LimitMatcher["matchSource"] {
  return useQueryMatch && matchSource === "HeadMatch" ? "QueryMatch" : matchSource;
}

function isDistinct({ distinct, presentMatchSeparate }: LimitMatcher): boolean {
  return distinct || presentMatchSeparate;
}

/** A matcher that names nothing to match is dropped, as in Slime. */
function saysSomething(matcher: LimitMatcher): boolean {
  return isDistinct(matcher) || matcher.presentMatch || matcher.isExactMatchEmpty || stringMatch(matcher) !== undefined;
}

function faultOf(matcher: LimitMatcher): string | undefined {
  const source = sourceOf(matcher);
  if (source === "JsonBodyMatch") return "JsonBodyMatch needs an Envoy of its own, which Istio does not have";
  if ((source === "HeadMatch" || source === "QueryMatch") && !matcher.name) return `${source} needs a name`;
  if (source === "HeadMatch" && !isHeaderName(matcher.name ?? "")) return `${JSON.stringify(matcher.name)} is no name of a header`;
  if (source !== "SourceIpMatch") return expressionFault(matcher);
  if (matcher.invertMatch) return "SourceIpMatch cannot be inverted: Envoy says which address a call came from, not which it did not";
  if (isDistinct(matcher)) return undefined;
  if (!matcher.exactMatch) return "SourceIpMatch needs exactMatch, with one address or several";
  const wrong = textsOf(matcher.exactMatch).find((text) => parseRange(text) === undefined);
  return wrong === undefined ? undefined : `${JSON.stringify(wrong)} is neither an address nor a range`;
}

/** If Envoy cannot compile an expression, it rejects all routes that come with it. */
function expressionFault({ regexMatch = "" }: LimitMatcher): string | undefined {
  const fault = re2Fault(regexMatch);
  return fault === undefined ? undefined : `regexMatch is not an expression of RE2: ${fault}`;
}

interface OneAction {
  readonly action: EnvoyValue;
  readonly entries: readonly DescriptorEntry[];
}

function joined(parts: readonly OneAction[]): LimitActions {
  return { actions: parts.map(({ action }) => action), entries: parts.flatMap(({ entries }) => entries) };
}

function generic(id: string): OneAction {
  return { action: { generic_key: { descriptor_value: id } }, entries: [{ key: "generic_key", value: id }] };
}

/** Envoy inverts a whole action, so each inverted match has its own action. */
function queryActions(matchers: readonly LimitMatcher[], id: string): readonly OneAction[] {
  const plain = matchers.filter((matcher) => !isDistinct(matcher) && !matcher.invertMatch);
  const inverted = matchers.filter((matcher) => !isDistinct(matcher) && matcher.invertMatch);
  const distinct = matchers.filter(isDistinct);
  const parameters = (list: readonly LimitMatcher[]) => list.map((matcher) => ({ name: matcher.name ?? "", ...condition(matcher) }));
  const action = (key: string, list: readonly LimitMatcher[], isExpected: boolean): OneAction => ({
    action: {
      query_parameter_value_match: {
        ...(key !== "query_match" && { descriptor_key: key }),
        descriptor_value: id,
        ...(!isExpected && { expect_match: false }),
        query_parameters: parameters(list),
      },
    },
    entries: [{ key, value: id }],
  });
  return [
    ...(plain.length === 0 ? [] : [action("query_match", plain, true)]),
    ...inverted.map((matcher, index) => action(`query_match_not_${index}`, [matcher], false)),
    ...distinct.map(({ name = "" }, index) =>
      distinctAction(
        { query_parameters: { query_parameter_name: name, descriptor_key: distinctKey("Query", id, index) } },
        id,
        "Query",
        index,
      ),
    ),
  ];
}

function headerActions(matchers: readonly LimitMatcher[], id: string): readonly OneAction[] {
  const plain = matchers.filter((matcher) => !isDistinct(matcher));
  const distinct = matchers.filter(isDistinct);
  const headers = plain.map((matcher) => ({
    name: headerName(matcher),
    ...condition(matcher),
    ...(matcher.invertMatch && { invert_match: true }),
  }));
  return [
    ...(plain.length === 0
      ? []
      : [{ action: { header_value_match: { descriptor_value: id, headers } }, entries: [{ key: "header_match", value: id }] }]),
    ...distinct.map((matcher, index) =>
      distinctAction(
        { request_headers: { header_name: headerName(matcher), descriptor_key: distinctKey("Header", id, index) } },
        id,
        "Header",
        index,
      ),
    ),
  ];
}

/** The rule's own key comes first: another rule for the same header has other buckets. */
function distinctAction(action: EnvoyValue, id: string, of: "Header" | "Query", index: number): OneAction {
  return { action, entries: [{ key: distinctKey(of, id, index) }] };
}

function distinctKey(of: "Header" | "Query", id: string, index: number): string {
  return `Request${of}[${index}]-${id}`;
}

function addressActions(matcher: LimitMatcher): readonly OneAction[] {
  if (isDistinct(matcher)) return [{ action: { remote_address: {} }, entries: [{ key: "remote_address" }] }];
  // Two spellings of one range share a bucket: Envoy rejects a descriptor that appears twice.
  const ranges = new Map(
    textsOf(matcher.exactMatch ?? "")
      .map((text) => parseRange(text))
      .filter((range) => range !== undefined)
      .map((range) => [`${range.network}/${range.bits}`, range]),
  );
  return [...ranges.values()].map(rangeAction);
}

function rangeAction(range: AddressRange): OneAction {
  if (isSingle(range)) return { action: { remote_address: {} }, entries: [{ key: "remote_address", value: range.network }] };
  const mask = range.version === 4 ? { v4_prefix_mask_len: range.bits } : { v6_prefix_mask_len: range.bits };
  return {
    action: { masked_remote_address: mask },
    entries: [{ key: "masked_remote_address", value: `${range.network}/${range.bits}` }],
  };
}

function textsOf(list: string): readonly string[] {
  return list.split(",").map((text) => text.trim());
}

function headerName(matcher: LimitMatcher): string {
  const source = sourceOf(matcher);
  if (source === "PathMatch") return ":path";
  return source === "MethodMatch" ? ":method" : (matcher.name ?? "").toLowerCase();
}

function condition(matcher: LimitMatcher): { readonly [field: string]: EnvoyValue } {
  const string_match = stringMatch(matcher);
  return string_match === undefined ? { present_match: true } : { string_match };
}

/**
 * If several are set, the first counts: expression, whole value, beginning, end, empty. An empty
 * text counts as not set, as in protobuf: Envoy rejects an empty prefix.
 */
function stringMatch(matcher: LimitMatcher): { readonly [field: string]: EnvoyValue } | undefined {
  const { regexMatch, exactMatch, prefixMatch, suffixMatch, isExactMatchEmpty } = matcher;
  if (sourceOf(matcher) === "PathMatch") return pathMatch(matcher);
  if (regexMatch) return { safe_regex: { regex: regexMatch } };
  if (exactMatch) return { exact: exactMatch };
  if (prefixMatch) return { prefix: prefixMatch };
  if (suffixMatch) return { suffix: suffixMatch };
  return isExactMatchEmpty ? { exact: "" } : undefined;
}

/** `:path` includes the query, which a person does not mean by a path. */
function pathMatch({
  regexMatch,
  exactMatch,
  prefixMatch,
  suffixMatch,
}: LimitMatcher): { readonly [field: string]: EnvoyValue } | undefined {
  const withQuery = (path: string) => ({ safe_regex: { regex: `${path}(\\?.*)?` } });
  if (regexMatch) return withQuery(`(?:${regexMatch})`);
  if (exactMatch) return withQuery(literally(exactMatch));
  if (prefixMatch) return { prefix: prefixMatch };
  return suffixMatch ? withQuery(`[^?]*${literally(suffixMatch)}`) : undefined;
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}
