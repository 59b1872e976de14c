{{- define "enterprise-gateway.namespace" -}}
{{- .Values.kernels.namespace | default (printf "%s-kernels" (include "sparkthread.name" .)) -}}
{{- end -}}
