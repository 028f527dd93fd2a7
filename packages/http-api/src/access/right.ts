/** The right that a caller needs, in the terms of Kubernetes' RBAC. */
export interface Right {
  readonly verb: "get" | "list" | "create" | "update" | "patch" | "delete";
  readonly group: string;
  /** Plural, for example `servicefences`. */
  readonly resource: string;
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** Default: any object. */
  readonly name?: string | undefined;
}

/** `list servicefences.microservice.slime.io in all namespaces` */
export function formatRight({ verb, group, resource, namespace, name }: Right): string {
  const kind = group === "" ? resource : `${resource}.${group}`;
  const what = name === undefined ? `${verb} ${kind}` : `${verb} ${kind} ${name}`;
  return namespace === undefined ? `${what} in all namespaces` : `${what} in namespace ${namespace}`;
}
