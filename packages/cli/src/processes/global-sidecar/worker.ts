/** The data path of `fenceline global-sidecar`, which each of its worker threads runs. */
import {
  createDnsResolver,
  createGlobalSidecar,
  createMeshResolver,
  type GlobalSidecarOptions,
  runWorker,
} from "@fenceline/proxy/data-path";
import { createLogger, type LogFormat } from "../../logger.ts";

/** The flags for the data path. */
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
  /** Undefined: those of /etc/resolv.conf. */
  readonly dnsServers: readonly string[] | undefined;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

await runWorker<WorkerSettings>(({ listen, number, settings: { logFormat, logLevel, dnsServers, ...settings } }) => {
  const { mesh } = listen;
  const dns = createDnsResolver({ clusterDomain: settings.clusterDomain, ...(dnsServers !== undefined && { servers: dnsServers }) });
  return createGlobalSidecar({
    ...listen,
    ...settings,
    resolver: mesh === undefined ? dns : createMeshResolver(dns, mesh),
    logger: createLogger(logFormat, logLevel).child({ worker: number }),
  });
});
