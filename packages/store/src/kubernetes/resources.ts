import { SERVICE } from "@fenceline/api";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";

export const [SERVICES] = resourcesOf(SERVICE);
export const CONFIG_MAPS: Resource = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
export const CLUSTER_ROLES: Resource = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
};
