import { Config, parseManifests, type RenderedObject, type ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { parseDocument, stringify } from "yaml";
import { egressHosts } from "./egress-hosts.ts";
import { renderFence } from "./fence.ts";

/** First document of a golden input: what is not an object of the mesh. */
interface Given {
  readonly config?: unknown;
  readonly now?: string;
  readonly proxyVersions?: readonly string[];
  readonly fallback?: { readonly ready: boolean; readonly enforced: boolean };
  readonly conflict?: boolean;
}

/**
 * Renders one golden case.
 *
 * @param text YAML: a document `given: …` (configuration, time, proxy versions), then manifests.
 * Hosts in a fence's `status.domains` with a source other than `static` stand for what was learned.
 * @returns the rendered objects as YAML documents; a fence that is refused gives its reason as a
 * document
 */
export function renderGoldenCase(text: string, file: string): string {
  const [first = "", ...rest] = text.split(/^---$/m);
  const {
    config,
    now = "2026-01-01T00:00:00Z",
    proxyVersions = [],
    fallback,
    conflict = false,
  } = parseDocument(first).toJS().given as Given;
  const { objects } = parseManifests(rest.join("---"), file);
  const registry = new Registry({
    services: objects.filter((object) => object.kind === "Service"),
    endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
  });
  const fences: ServiceFence[] = objects.filter((object) => object.kind === "ServiceFence");
  const documents = fences.flatMap((fence): readonly (RenderedObject | { refused: unknown })[] => {
    const booked = Object.entries(fence.status.domains).flatMap(([host, { source = "learned" }]) =>
      source === "static" ? [] : [{ host, source }],
    );
    const hosts = egressHosts({ fence, booked, registry, now: Date.parse(now) });
    const rendered = renderFence({
      fence,
      hosts,
      registry,
      config: Config.parse(config ?? {}),
      proxyVersions,
      ...(fallback && { fallback }),
      conflict,
    });
    return "refused" in rendered ? [{ refused: rendered.refused }] : rendered.objects;
  });
  return documents.map((document) => stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })).join("---\n");
}
