{{/* Labels of every object. Call with (dict "root" $ "component" "collector"). */}}
{{- define "fenceline.labels" -}}
{{ include "fenceline.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: fenceline
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Labels of a pod. Without versions: they would restart every pod at every upgrade of the chart. */}}
{{- define "fenceline.podLabels" -}}
app.kubernetes.io/name: fenceline
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "fenceline.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "fenceline.serviceDomain" -}}
{{ .Release.Namespace }}.svc.{{ .Values.config.clusterDomain }}
{{- end }}

{{/* Labels by which Istio's webhook injects a pod, whatever its namespace says. */}}
{{- define "fenceline.injection" -}}
sidecar.istio.io/inject: "true"
{{- with .Values.istio.revision }}
istio.io/rev: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Pod level: the restricted pod security standard. The image names its own numeric user. */}}
{{- define "fenceline.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "fenceline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Where pods run. Call with (dict "root" $ "component" .Values.collector "app" "fenceline-collector"). */}}
{{- define "fenceline.scheduling" -}}
# Apart on nodes and zones where there are several; a small cluster still runs them all.
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: { matchLabels: { app: {{ $.app }} } }
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The configuration file: the values, and what only the chart knows. */}}
{{- define "fenceline.config" -}}
{{- $own := dict "namespace" .Release.Namespace "fallback" (dict "service" "global-sidecar") "collector" (dict "service" "fenceline-collector" "port" 18081) }}
{{- $config := mergeOverwrite (deepCopy .Values.config) $own }}
{{- $port := $config.fallback.port | default 80 | toString }}
{{- if not (has $port (.Values.globalSidecar.ports | toStrings)) }}
{{- fail (printf "config.fallback.port %s is not in globalSidecar.ports" $port) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
