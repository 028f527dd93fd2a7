{{- /* Generated from the table of kinds (packages/api/src/kinds) by `npm run chart`. Do not edit. */}}
{{- define "fenceline.collectorKindRules" -}}
# What exists: addresses of nodes and ranges of Services, too, which the global sidecar forwards nothing to.
- apiGroups: [""]
  resources: [namespaces, services, nodes]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [servicecidrs]
  verbs: [get, list, watch]
- apiGroups: [networking.istio.io]
  resources: [serviceentries, virtualservices, destinationrules]
  verbs: [get, list, watch]
# Kinds of ours: their authors' to change. Ours is the status.
- apiGroups: [microservice.slime.io, microservice.netease.com]
  resources: [servicefences]
  verbs: [get, list, watch]
- apiGroups: [microservice.slime.io]
  resources: [smartlimiters]
  verbs: [get, list, watch]
- apiGroups: [microservice.slime.io, microservice.netease.com]
  resources: [servicefences/status]
  verbs: [get, update, patch]
- apiGroups: [microservice.slime.io]
  resources: [smartlimiters/status]
  verbs: [get, update, patch]
# Some clusters (OpenShift) ask for this right of whoever sets blockOwnerDeletion in an ownerReference. It allows nothing else.
- apiGroups: [microservice.slime.io, microservice.netease.com]
  resources: [servicefences/finalizers]
  verbs: [update]
- apiGroups: [microservice.slime.io]
  resources: [smartlimiters/finalizers]
  verbs: [update]
# What is rendered, in the namespaces of its owners.
- apiGroups: [networking.istio.io]
  resources: [envoyfilters, sidecars]
  verbs: [get, list, watch, create, update, patch, delete]
{{- end }}
{{- define "fenceline.withdrawKindRules" -}}
- apiGroups: [networking.istio.io]
  resources: [envoyfilters, sidecars]
  verbs: [get, list, patch, delete]
{{- end }}
