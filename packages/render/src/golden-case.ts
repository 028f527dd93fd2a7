import {
  type AnyObject,
  Config,
  ENDPOINT_SLICE,
  MESH_KINDS,
  manifestKinds,
  type OwnKind,
  objectsByKind,
  parseManifests,
  type ReadKind,
  SERVICE,
  SERVICE_FENCE,
  type ServiceFence,
} from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { parseDocument, stringify } from "yaml";
import { egressHosts } from "./fence/egress-hosts.ts";
import { renderFence, workloadLabels } from "./fence/render-fence.ts";

/** First document of a golden input: what is not an object of the mesh. */
interface Given {
  readonly config?: unknown;
  readonly now?: string;
  readonly proxyVersions?: readonly string[];
  readonly fallback?: { readonly ready: boolean; readonly enforced: boolean };
  readonly conflict?: boolean;
}

/** What a golden case says beside the object that is rendered. */
interface GoldenInput {
  readonly registry: Registry;
  readonly config: Config;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly given: Given;
}

/** Renders the objects of one kind of ours for its golden cases. */
export interface GoldenRenderer {
  readonly kind: OwnKind;
  /** Rendered objects, or what says why there are none. */
  readonly render: (object: never, input: GoldenInput) => readonly object[];
}

/** One line for each kind of ours. */
const RENDERERS: readonly GoldenRenderer[] = [{ kind: SERVICE_FENCE, render: renderFenceCase }];

/**
 * Renders one golden case.
 *
 * @param text YAML: a document `given: …` (configuration, time, proxy versions), then manifests.
 * Hosts in a fence's `status.domains` with a source other than `static` stand for what was learned.
 * @param renderers default: those of all kinds of ours
 * @returns the rendered objects as YAML documents; a fence that is refused gives its reason as a
 * document
 */
export function renderGoldenCase(text: string, file: string, renderers: readonly GoldenRenderer[] = RENDERERS): string {
  const [first = "", ...rest] = text.split(/^---$/m);
  const given = parseDocument(first).toJS().given as Given;
  const own = renderers.map(({ kind }) => kind);
  const { objects } = parseManifests(rest.join("---"), file, manifestKinds(MESH_KINDS, own) as readonly ReadKind<AnyObject>[]);
  const mesh = objectsByKind(objects);
  const registry = new Registry({ services: mesh.of(SERVICE), endpointSlices: mesh.of(ENDPOINT_SLICE) });
  const input = { registry, config: Config.parse(given.config ?? {}), now: Date.parse(given.now ?? "2026-01-01T00:00:00Z"), given };
  const documents = renderers.flatMap(({ kind, render }) => mesh.of(kind).flatMap((object) => render(object as never, input)));
  return documents.map((document) => stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })).join("---\n");
}

function renderFenceCase(fence: ServiceFence, { registry, config, now, given }: GoldenInput): readonly object[] {
  const { proxyVersions = [], fallback, conflict = false } = given;
  const booked = Object.entries(fence.status.domains).flatMap(([host, { source = "learned" }]) =>
    source === "static" ? [] : [{ host, source }],
  );
  const hosts = egressHosts({ fence, booked, registry, now });
  const labels = workloadLabels(fence, registry, config);
  const rendered = renderFence({ fence, hosts, labels, config, proxyVersions, ...(fallback && { fallback }), conflict });
  return "refused" in rendered ? [{ refused: rendered.refused }] : rendered.objects;
}
