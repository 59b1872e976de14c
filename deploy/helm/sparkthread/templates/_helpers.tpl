{{/* The names are as short as helm's own charts have them: the release's, with the chart's where it is not in it. */}}
{{- define "sparkthread.name" -}}
{{- if contains "sparkthread" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-sparkthread" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Subcharts use it, too: one Secret holds all. */}}
{{- define "sparkthread.secret" -}}
{{- .Values.global.existingSecret | default (include "sparkthread.name" .) -}}
{{- end -}}

{{/* Called with a list of the context and the component. */}}
{{- define "sparkthread.selector" -}}
app.kubernetes.io/name: sparkthread
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "sparkthread.labels" -}}
{{ include "sparkthread.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- end -}}

{{/* Called with a user id: what the "restricted" pod security standard asks of a pod. */}}
{{- define "sparkthread.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "sparkthread.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Numbers of a values file arrive as floats, which would be written 1e+06. */}}
{{- define "sparkthread.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{- define "sparkthread.gatewayUrl" -}}
{{- if .Values.config.KG_URL -}}
{{- .Values.config.KG_URL -}}
{{- else if (index .Values "enterprise-gateway").enabled -}}
http://{{ include "sparkthread.name" . }}-enterprise-gateway:8888/
{{- end -}}
{{- end -}}
