package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

const framework = "github.com/GoogleCloudPlatform/functions-framework-go"

// found is a function's package, and what of it is to be served.
type found struct {
	// The package's folder, and its module's: the same where there is no go.mod.
	folder, root string
	hasModule    bool
	pkg          string
	imports      []string
	// What to serve: the function's name, "main" for the package's own, "" for what it registers.
	name   string
	served string
}

func find(folder, wanted string) (*found, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	files := choosing(goFlags(folder))
	pkg, err := files.ImportDir(folder, 0)
	if none := (*build.NoGoError)(nil); errors.As(err, &none) {
		// OpenFaaS' templates have it one below.
		folder = filepath.Join(folder, "function")
		if pkg, err = files.ImportDir(folder, 0); err != nil {
			return nil, fmt.Errorf("no Go files in %s, nor in function/ below it", filepath.Dir(folder))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %v", folder, err)
	}
	f := &found{folder: folder, pkg: pkg.Name, imports: pkg.Imports}
	f.root, f.hasModule = moduleOf(folder)
	names, err := functionsIn(folder, pkg.GoFiles)
	if err != nil {
		return nil, err
	}
	return f, f.choose(names, wanted)
}

// choosing takes files as the build will: without C, and with the user's tags.
func choosing(flags string) build.Context {
	chosen := build.Default
	chosen.CgoEnabled = false
	for _, flag := range strings.Fields(flags) {
		name, value, _ := strings.Cut(strings.TrimLeft(strings.Trim(flag, `'"`), "-"), "=")
		if name == "tags" {
			chosen.BuildTags = strings.Split(strings.Trim(value, `'"`), ",")
		}
	}
	return chosen
}

// moduleOf is the nearest folder with a go.mod.
func moduleOf(folder string) (string, bool) {
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, true
		}
		if at == filepath.Dir(at) {
			return folder, false
		}
	}
}

// functionsIn are the names of a package's functions, methods left out.
func functionsIn(folder string, files []string) (map[string]bool, error) {
	names := map[string]bool{}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, one := range tree.Decls {
			if function, ok := one.(*ast.FuncDecl); ok && function.Recv == nil {
				names[function.Name.Name] = true
			}
		}
	}
	return names, nil
}

func (f *found) choose(names map[string]bool, wanted string) error {
	var exported []string
	for name := range names {
		if ast.IsExported(name) {
			exported = append(exported, name)
		}
	}
	switch {
	case f.pkg == "main" && names["main"]:
		f.name, f.served = "main", "its own main"
	case f.uses(framework):
		f.served = "what it registers with the functions framework"
		if names[wanted] && ast.IsExported(wanted) && !f.registers() {
			f.name, f.served = wanted, wanted
		}
	case wanted != "" && names[wanted] && ast.IsExported(wanted):
		f.name, f.served = wanted, wanted
	case names["Handle"]:
		f.name, f.served = "Handle", "Handle"
	case names["New"]:
		f.name, f.served = "New", "New"
	case len(exported) == 1 && (f.uses("github.com/kubeless/kubeless") || wanted == ""):
		f.name, f.served = exported[0], exported[0]
	default:
		return fmt.Errorf("%s has nothing to serve: looked for a main, functions of the functions framework, %sHandle and New; found are: %s",
			f.folder, also(wanted), firstOf(strings.Join(exported, ", "), "no exported functions"))
	}
	return nil
}

func also(wanted string) string {
	if wanted == "" {
		return ""
	}
	return wanted + ", "
}

// uses says whether the package imports a module, or a part of it.
func (f *found) uses(module string) bool {
	for _, path := range f.imports {
		if path == module || strings.HasPrefix(path, module+"/") {
			return true
		}
	}
	return false
}

func (f *found) registers() bool { return f.uses(framework + "/functions") }
