import type { Logger } from "pino";
import type { Mesh } from "../../mesh.ts";
import type { ProxySyncs } from "./proxy-syncs.ts";
import { type SyncStatusWatch, watchSyncStatus } from "./watch-sync-status.ts";

/** How istiod knows us, and we know istiod. Both are files of the pod, which change over time. */
export interface IstiodCredentials {
  /** Token of our service account, of audience `istio-ca`. @throws where it cannot be read */
  readonly token: () => string;
  /** PEM of the mesh's root certificates. @throws where they cannot be read */
  readonly roots: () => Buffer;
  /** Name of this pod. */
  readonly pod: string;
}

/** Settings of {@link Istiods}. */
export interface IstiodsOptions {
  readonly credentials: IstiodCredentials;
  readonly syncs: Pick<ProxySyncs, "asks" | "told" | "lost">;
  /** The latest mesh. */
  readonly mesh: () => Mesh;
  readonly config: { readonly namespace: string; readonly istioNamespace: string };
  /** Whether this replica leads: only then it asks. */
  readonly leads: () => boolean;
  readonly logger: Logger;
}

/** Port of istiod for proxies, with TLS. */
const PORT = 15_012;
/** Its Service, and those of revisions: `istiod-<revision>`. */
const SERVICE = /^istiod(?:-[a-z0-9-]+)?$/;
/** How often istiods are looked for, in milliseconds. */
const LOOK = 1_000;
/** Milliseconds between two questions to one of them: each costs it a look at every proxy. */
const INTERVAL = 5_000;

/** One istiod, and the name in its certificate. */
interface Target {
  readonly target: string;
  readonly serverName: string;
}

/**
 * Asks every istiod which proxies refuse their configuration: each knows only the proxies that are
 * connected to it.
 */
export class Istiods {
  readonly #options: IstiodsOptions;
  readonly #watches = new Map<string, SyncStatusWatch>();
  /** Those for which it was logged that they do not answer. */
  readonly #silent = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: IstiodsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK).unref();
    this.look();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  /** Looks which istiods exist. */
  look(): void {
    const wanted = this.#options.leads() ? this.#targets() : [];
    const names = wanted.map(({ target }) => target);
    for (const [target, watch] of this.#watches) {
      if (names.includes(target)) continue;
      watch.close();
      this.#watches.delete(target);
      this.#silent.delete(target);
    }
    this.#options.syncs.asks(names);
    for (const each of wanted) if (!this.#watches.has(each.target)) this.#watches.set(each.target, this.#watch(each));
  }

  #targets(): readonly Target[] {
    const { registry } = this.#options.mesh();
    const { istioNamespace } = this.#options.config;
    const services = registry.servicesIn(istioNamespace).filter(({ metadata }) => SERVICE.test(metadata.name));
    const found = services.flatMap((service) =>
      registry.endpointsOf(service, PORT).map(({ address, port }) => ({
        target: `${address.includes(":") ? `[${address}]` : address}:${port}`,
        serverName: `${service.metadata.name}.${istioNamespace}.svc`,
      })),
    );
    // Two Services may lead to one istiod: that of a revision, and the default one.
    return [...new Map(found.map((each) => [each.target, each])).values()];
  }

  #watch({ target, serverName }: Target): SyncStatusWatch {
    const { credentials, syncs, config, logger } = this.#options;
    return watchSyncStatus({
      ...{ target, serverName, token: credentials.token, roots: credentials.roots, interval: INTERVAL },
      own: { name: credentials.pod, namespace: config.namespace },
      onStatus: ({ proxies }) => {
        if (this.#silent.delete(target)) logger.info({ istiod: target }, "istiod tells again which proxies refuse their configuration");
        syncs.told(target, proxies);
      },
      onLost: (detail) => {
        if (!this.#silent.has(target))
          logger.warn({ istiod: target, detail }, "istiod does not tell which proxies refuse their configuration");
        this.#silent.add(target);
        syncs.lost(target, detail);
      },
    });
  }
}
