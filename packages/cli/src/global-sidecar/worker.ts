/** The data path of `fenceline global-sidecar`: what each of its worker threads runs. */
import { createDnsResolver, createGlobalSidecar, type GlobalSidecarOptions, runWorker } from "@fenceline/proxy/data-path";
import { createLogger, type LogFormat } from "../logger.ts";

/** What the flags say to the data path. */
export interface WorkerSettings
  extends Required<
    Pick<
      GlobalSidecarOptions,
      | "clusterDomain"
      | "externalHosts"
      | "externalAllow"
      | "externalDeny"
      | "ownNamespace"
      | "ownNames"
      | "ownAddresses"
      | "ownPorts"
      | "trustForwardedClientCert"
      | "trustDomains"
      | "acceptPlaintext"
      | "load"
    >
  > {
  /** Undefined for those of /etc/resolv.conf. */
  readonly dnsServers: readonly string[] | undefined;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

await runWorker<WorkerSettings>(({ listen, number, settings: { logFormat, logLevel, dnsServers, ...settings } }) =>
  createGlobalSidecar({
    ...listen,
    ...settings,
    resolver: createDnsResolver({ clusterDomain: settings.clusterDomain, ...(dnsServers !== undefined && { servers: dnsServers }) }),
    logger: createLogger(logFormat, logLevel).child({ worker: number }),
  }),
);
