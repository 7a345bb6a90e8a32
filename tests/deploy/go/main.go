// Program admit says whether a cluster would take the documents of YAML files: each is decoded strictly into the type that
// its own project publishes, and where that project's admission webhook has code of its own, that code runs.
//
//	admit FILE…       one line for each document: its kind, its name, and what is wrong with it
//	admit -k FOLDER   the same for what kustomize makes of the folder
//	admit -p FOLDER   prints what kustomize makes of it
//
// It ends with 1 if anything is wrong.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/eventing/pkg/apis/feature"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// What a document is, and what it is called.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
	} `json:"metadata"`
}

// What Knative's and Tekton's webhooks do to a document, one after the other.
type admitted interface {
	SetDefaults(context.Context)
	Validate(context.Context) *apis.FieldError
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "admit: name the files, or -k or -p and a folder")
		os.Exit(64)
	}
	var wrong int
	switch os.Args[1] {
	case "-k":
		for _, folder := range os.Args[2:] {
			wrong += all(folder, kustomized)
		}
	case "-p":
		for _, folder := range os.Args[2:] {
			wrong += show(folder)
		}
	default:
		for _, file := range os.Args[1:] {
			wrong += all(file, os.ReadFile)
		}
	}
	if wrong > 0 {
		os.Exit(1)
	}
}

// asInstalled has the features of an installation that nobody has changed.
func asInstalled() (context.Context, error) {
	features, err := feature.NewFlagsConfigFromMap(map[string]string{})
	return feature.ToContext(apis.WithinCreate(context.Background()), features), err
}

func kustomized(folder string) ([]byte, error) {
	// As kubectl has it: in the order of kinds, where the folder does not ask for another.
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	made, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	return made.AsYaml()
}

func show(folder string) (wrong int) {
	text, err := kustomized(folder)
	if err != nil {
		fmt.Printf("%s: %v\n", folder, err)
		return 1
	}
	os.Stdout.Write(text)
	return 0
}

// all judges the documents of one source and counts those that are wrong.
func all(name string, read func(string) ([]byte, error)) (wrong int) {
	text, err := read(name)
	if err != nil {
		fmt.Printf("%s: %v\n", name, err)
		return 1
	}
	for _, document := range documents(text) {
		var said head
		err := yaml.Unmarshal(document, &said)
		if err == nil {
			err = judge(document, said)
		}
		verdict := "ok"
		if err != nil {
			verdict = "wrong: " + err.Error()
			wrong++
		}
		fmt.Printf("%s: %s %s%s: %s\n", name, said.Kind, said.Metadata.Name, said.Metadata.GenerateName, verdict)
	}
	return wrong
}

func judge(document []byte, said head) error {
	make, known := types[said.APIVersion+" "+said.Kind]
	if !known {
		return fmt.Errorf("%s %s is not among the types that are known here", said.APIVersion, said.Kind)
	}
	value := make()
	// Unknown and repeated fields are errors.
	if err := yaml.UnmarshalStrict(document, value); err != nil {
		return err
	}
	hooked, has := value.(admitted)
	if !has {
		return nil
	}
	// The API server has done that when a webhook is asked.
	if object, has := value.(meta.Object); has {
		object.SetNamespace(cmp.Or(object.GetNamespace(), "default"))
		if from := object.GetGenerateName(); from != "" {
			object.SetName(cmp.Or(object.GetName(), from+"x7k2p"))
		}
	}
	ctx, err := asInstalled()
	if err != nil {
		return err
	}
	hooked.SetDefaults(ctx)
	// A nil of this type is not a nil error.
	if err := hooked.Validate(ctx); err != nil {
		return err
	}
	return nil
}
