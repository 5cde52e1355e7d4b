{{- /* As much of the chart as the role relies on: names, labels, what becomes of the claim, and its values as they arrive. */ -}}
{{- $labels := dict "app.kubernetes.io/name" .Chart.Name "app.kubernetes.io/instance" .Release.Name }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: prometheus-server
  labels: {{ merge dict $labels .Values.commonMetaLabels | toJson }}
data:
  values: {{ .Values | toJson | quote }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: prometheus-server
  labels: {{ merge dict $labels .Values.commonMetaLabels | toJson }}
  annotations: {{ .Values.server.persistentVolume.annotations | toJson }}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: {{ .Values.server.persistentVolume.size }}}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: prometheus-server
  labels: {{ $labels | toJson }}
spec:
  selector:
    matchLabels: {{ $labels | toJson }}
  template:
    metadata:
      labels: {{ $labels | toJson }}
    spec:
      automountServiceAccountToken: false
      securityContext: {{ .Values.server.securityContext | toJson }}
      containers:
        - name: main
          image: registry.invalid/prometheus:1
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          volumeMounts: {{ .Values.server.extraVolumeMounts | toJson }}
      volumes: {{ .Values.server.extraVolumes | toJson }}
