package main

import (
	"bytes"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	tekton "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	eventing "knative.dev/eventing/pkg/apis/eventing/v1"
	sources "knative.dev/eventing/pkg/apis/sources/v1"
	serving "knative.dev/serving/pkg/apis/serving/v1"
	kustomize "sigs.k8s.io/kustomize/api/types"
)

// What may stand in a file, by apiVersion and kind.
var types = map[string]func() any{
	"apps/v1 Deployment":                            func() any { return new(apps.Deployment) },
	"autoscaling/v2 HorizontalPodAutoscaler":        func() any { return new(autoscaling.HorizontalPodAutoscaler) },
	"eventing.knative.dev/v1 Broker":                func() any { return new(eventing.Broker) },
	"eventing.knative.dev/v1 Trigger":               func() any { return new(eventing.Trigger) },
	"kustomize.config.k8s.io/v1beta1 Kustomization": func() any { return new(kustomize.Kustomization) },
	"monitoring.coreos.com/v1 PodMonitor":           func() any { return new(monitoring.PodMonitor) },
	"monitoring.coreos.com/v1 PrometheusRule":       func() any { return new(monitoring.PrometheusRule) },
	"policy/v1 PodDisruptionBudget":                 func() any { return new(policy.PodDisruptionBudget) },
	"serving.knative.dev/v1 Service":                func() any { return new(serving.Service) },
	"sources.knative.dev/v1 SinkBinding":            func() any { return new(sources.SinkBinding) },
	"tekton.dev/v1 PipelineRun":                     func() any { return new(tekton.PipelineRun) },
	"tekton.dev/v1 Task":                            func() any { return new(tekton.Task) },
	"tekton.dev/v1 TaskRun":                         func() any { return new(tekton.TaskRun) },
	"v1 ConfigMap":                                  func() any { return new(core.ConfigMap) },
	"v1 PersistentVolumeClaim":                      func() any { return new(core.PersistentVolumeClaim) },
	"v1 Service":                                    func() any { return new(core.Service) },
	"v1 ServiceAccount":                             func() any { return new(core.ServiceAccount) },
}

// documents splits a YAML stream; one that has no more than comments is left out.
func documents(text []byte) (found [][]byte) {
	for _, document := range bytes.Split(append([]byte("\n"), text...), []byte("\n---\n")) {
		for _, line := range bytes.Split(document, []byte("\n")) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				found = append(found, document)
				break
			}
		}
	}
	return found
}
